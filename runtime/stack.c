/* stack.c - goroutines and the stacks they lie on.
 *
 * Memory is reserved in arenas and cut into slots, one for each goroutine:
 *
 *     slot:  | guard | stack, grows down ............... | struct g | colour |
 *                      lo                               hi
 *
 * The struct lies in the page that the first frames touch anyway, so that a parked goroutine costs
 * one page.  "colour" moves struct and first frames by multiples of 64 bytes from slot to slot: all
 * slots have the same alignment, and without it every struct g would fall into the same cache sets.
 *
 * A slot is cut once and reused for ever: ended goroutines go to the cache of the P they ended on
 * (LIFO: the hottest stack first; a first touch of a page costs more than a hundred switches), and
 * in batches to a central pool, one list for each stack size.
 *
 * Lock: pool.lock, a leaf. */
#include "stack.h"
#include "atomic.h"
#include "check.h"
#include "futex.h"
#include "list.h"
#include "vmem.h"
#include <sys/mman.h>

enum {
    ARENA_BYTES = 16 << 20,
    SLOTS_MIN = 4,
    CACHE_MAX = 128,
    BATCH = 64,
    CLASSES_MAX = 16,
    COLOURS = 8,
    COLOUR_STEP = 64,
    GUARD = 16 * VM_PAGE, /* so that a frame with a buffer of some pages does not step over it */
};

/* One reservation, cut into slots of one size. */
struct arena {
    struct arena *next; /* r/o after publication [arena] */
    char *base;
    size_t slot_bytes;
    uint32_t slots;
    uint32_t cut; /* slots handed out so far; release/acquire [cut] */
};

/* Stacks of one size that nobody uses. */
struct stack_class {
    size_t size;
    struct g *top;
    struct arena *arena; /* the one being cut, or NULL */
};

static struct {
    struct rt_lock lock;
    struct stack_class classes[CLASSES_MAX]; /* under lock */
    unsigned class_count;                    /* under lock */
    size_t size;                             /* of new stacks; relaxed */
    struct arena *arenas;                    /* all; [arena] */
} pool = {.size = 256 << 10};

static size_t size_of(const struct g *g)
{
    return (size_t)((uintptr_t)g + VM_PAGE - 1) / VM_PAGE * VM_PAGE - (uintptr_t)g->stack_lo;
}

void stack_set_size(size_t bytes)
{
    size_t min = 16 << 10, max = (size_t)1 << 34;
    bytes = bytes < min ? min : bytes > max ? max : bytes;
    at_store_rlx(&pool.size, (bytes + VM_PAGE - 1) / VM_PAGE * VM_PAGE); /* relaxed: a setting */
}

size_t stack_size(void)
{
    return at_load_rlx(&pool.size); /* relaxed: a setting */
}

bool stack_guard_hit(const struct g *g, uintptr_t addr)
{
    return addr >= (uintptr_t)g->stack_lo - GUARD && addr < (uintptr_t)g->stack_lo;
}

/* Under pool.lock.  With all classes used up, odd sizes share the last class's neighbours: the size
 * is then served by a fresh arena each time, which is slow but right. */
static struct stack_class *class_of(size_t size)
{
    for (unsigned i = 0; i < pool.class_count; i++)
        if (pool.classes[i].size == size)
            return &pool.classes[i];
    if (pool.class_count == CLASSES_MAX)
        return NULL;
    struct stack_class *c = &pool.classes[pool.class_count++];
    c->size = size;
    return c;
}

static struct arena *arena_make(size_t size)
{
    size_t slot = size + GUARD;
    size_t slots = ARENA_BYTES / slot;
    if (slots < SLOTS_MIN)
        slots = SLOTS_MIN;
    char *base = vm_reserve(slots * slot + VM_PAGE);
    if (!base)
        return NULL;
    madvise(base, slots * slot, MADV_NOHUGEPAGE);
    struct arena *a = (struct arena *)base; /* the first page of the reservation */
    *a = (struct arena){.base = base + VM_PAGE, .slot_bytes = slot, .slots = (uint32_t)slots};
    a->next = pool.arenas;
    at_store_rel(&pool.arenas, a); /* [arena] publishes it to g_for_each() */
    return a;
}

static struct g *slot_g(const struct arena *a, uint32_t i)
{
    char *end = a->base + (size_t)(i + 1) * a->slot_bytes;
    size_t colour = i % COLOURS * COLOUR_STEP;
    size_t bytes = (sizeof(struct g) + 63) / 64 * 64;
    return (struct g *)(end - colour - bytes);
}

/* Under pool.lock. */
static struct g *slot_cut(struct arena *a)
{
    uint32_t i = a->cut;
    char *start = a->base + (size_t)i * a->slot_bytes;
    vm_guard(start, GUARD);
    struct g *g = slot_g(a, i);
    g->stack_lo = start + GUARD;
    g->stack_hi = (char *)g;
    at_store_rel(&a->cut, i + 1); /* [cut] the struct's stack bounds are set */
    return g;
}

/* Under pool.lock. */
static struct g *central_take(size_t size)
{
    struct stack_class *c = class_of(size), spare = {.size = size};
    if (!c)
        c = &spare;
    struct g *g = c->top;
    if (g) {
        c->top = g->next;
        return g;
    }
    if (!c->arena || c->arena->cut == c->arena->slots)
        c->arena = arena_make(size);
    return c->arena ? slot_cut(c->arena) : NULL;
}

/* Under pool.lock. */
static void central_give(struct g *g)
{
    struct stack_class *c = class_of(size_of(g));
    if (!c)
        return; /* more sizes than classes: the slot stays unused */
    g->next = c->top;
    c->top = g;
}

static void cache_spill(struct g_cache *cache, unsigned n)
{
    rt_lock(&pool.lock);
    while (n-- && cache->top) {
        struct g *g = cache->top;
        cache->top = g->next;
        cache->count--;
        central_give(g);
    }
    rt_unlock(&pool.lock);
}

void g_cache_flush(struct g_cache *cache)
{
    cache_spill(cache, cache->count);
}

static struct g *cache_pop(struct g_cache *cache)
{
    struct g *g = cache->top;
    cache->top = g->next;
    cache->count--;
    return g;
}

struct g *g_alloc(struct g_cache *cache)
{
    size_t size = stack_size();
    if (likely(cache->top && size_of(cache->top) == size))
        return cache_pop(cache);
    if (cache->top) /* of a size that is not wanted any more */
        cache_spill(cache, cache->count);
    rt_lock(&pool.lock);
    struct g *g = central_take(size);
    for (unsigned i = 0; g && i < BATCH / 2; i++) {
        struct stack_class *c = class_of(size);
        struct g *more = c ? c->top : NULL;
        if (!more)
            break;
        c->top = more->next;
        more->next = cache->top;
        cache->top = more;
        cache->count++;
    }
    rt_unlock(&pool.lock);
    return g;
}

void g_release(struct g_cache *cache, struct g *g)
{
    rt_assert(g->state == G_FREE);
    g->next = cache->top;
    cache->top = g;
    if (++cache->count > CACHE_MAX)
        cache_spill(cache, BATCH);
}

void g_for_each(void (*fn)(struct g *g, void *arg), void *arg)
{
    for (struct arena *a = at_load_acq(&pool.arenas); a; a = a->next) { /* [arena] */
        uint32_t n = at_load_acq(&a->cut);                              /* [cut] */
        for (uint32_t i = 0; i < n; i++)
            fn(slot_g(a, i), arg);
    }
}
