/* stack.c - goroutines and the stacks they lie on.
 *
 * A slot of an arena (arena.c) has one goroutine:
 *
 *     slot:  | guard | stack, grows down ............... | struct g | colour |
 *                      lo                               hi
 *
 * The struct lies in the page that the first frames touch anyway, so that a parked goroutine costs
 * one page.  "colour" moves struct and first frames by multiples of 64 bytes from slot to slot: all
 * slots have the same alignment, and without it every struct g would fall into the same cache sets.
 *
 * Ended goroutines go to the cache of the P they ended on (LIFO: the hottest stack first; a first
 * touch of a page costs more than a hundred switches), and in batches to a central pool, one for
 * each stack size.  Seeds are the same without stacks: small slots in arenas of their own. */
#include "stack.h"
#include "arena.h"
#include "atomic.h"
#include "check.h"
#include "futex.h"
#include "vmem.h"
#include <pthread.h>
#include <stdlib.h>

enum {
    CACHE_MAX = 128,
    BATCH = 64,
    COLOUR_STEP = 64,
    GUARD = 8 * VM_PAGE, /* so that a frame with a buffer of some pages does not step over it; not
                          * more, as the address space of a slot costs page tables */
    SIZE_BUCKETS = 64,
};

/* Stacks of one size. */
struct stack_pool {
    struct slot_pool slots;
    size_t size;
    struct stack_pool *next; /* r/o after publication [size] */
};

static struct {
    struct rt_lock lock;                      /* of adding a pool */
    struct stack_pool *by_size[SIZE_BUCKETS]; /* [size] */
    size_t size;                              /* of new stacks; relaxed */
    uint32_t unguarded;                       /* relaxed */
} stacks = {.size = 256 << 10};

void stack_set_size(size_t bytes)
{
    size_t min = 16 << 10, max = (size_t)1 << 34;
    bytes = bytes < min ? min : bytes > max ? max : bytes;
    at_store_rlx(&stacks.size, (bytes + VM_PAGE - 1) / VM_PAGE * VM_PAGE); /* relaxed: a setting */
}

size_t stack_size(void)
{
    return at_load_rlx(&stacks.size); /* relaxed: a setting */
}

bool stack_guard_hit(const struct g *g, uintptr_t addr)
{
    return addr >= (uintptr_t)g->stack_lo - GUARD && addr < (uintptr_t)g->stack_lo;
}

size_t stack_high_water(const struct g *g)
{
    char *first;
    vm_resident(g->stack_lo, (size_t)g->stack_pages * VM_PAGE, &first);
    return first < g->stack_hi ? (size_t)(g->stack_hi - first) : 0;
}

/* ---- slots ---- */

enum { G_BYTES = (sizeof(struct g) + 63) / 64 * 64 };

static struct g *stack_make(struct arena *a, uint32_t i, bool guard)
{
    char *start = a->base + (size_t)i * a->pool->slot_bytes;
    if (guard) {
        enum vm_guard kind = vm_guard(start, GUARD);
        a->mapped_guards += kind == VM_MAPPED_GUARD;
        if (kind == VM_NO_GUARD)
            at_add_rlx(&stacks.unguarded, 1u); /* relaxed: a counter */
    }
    struct g *g = arena_slot(a, i);
    g->arena = a;
    g->stack_pages = (uint32_t)((a->pool->slot_bytes - GUARD) / VM_PAGE);
    g->stack_lo = start + GUARD;
    g->stack_hi = (char *)g;
    san_stack_made(g->stack_lo, g->stack_hi);
    return g;
}

static struct g *seed_make(struct arena *a, uint32_t i, bool guard)
{
    struct g *g = arena_slot(a, i);
    (void)guard;
    g->arena = a;
    g->flags = G_SEED;
    return g;
}

/* ---- pools ---- */

static struct slot_pool seeds = {
    .slot_bytes = sizeof(struct g_seed),
    .arena_min = 256 << 10,
    .arena_max = 4 << 20,
    .make = seed_make,
};

static void seeds_add(void)
{
    arena_pool_add(&seeds);
}

static struct stack_pool *pool_find(size_t size)
{
    struct stack_pool **bucket = &stacks.by_size[size / VM_PAGE % SIZE_BUCKETS];
    struct stack_pool *p = at_load_acq(bucket); /* [size] */
    while (p && p->size != size)
        p = p->next;
    return p;
}

static struct stack_pool *pool_add(size_t size)
{
    struct stack_pool **bucket = &stacks.by_size[size / VM_PAGE % SIZE_BUCKETS];
    struct stack_pool *p = malloc(sizeof *p);
    if (!p)
        return NULL;
    *p = (struct stack_pool){
        .slots = {.slot_bytes = size + GUARD,
                  .arena_min = 16 << 20,
                  .arena_max = 256 << 20,
                  .single = true,
                  .first = size + GUARD - G_BYTES,
                  .colour_step = COLOUR_STEP,
                  .make = stack_make},
        .size = size,
        .next = *bucket,
    };
    arena_pool_add(&p->slots);
    at_store_rel(bucket, p); /* [size] publishes the pool */
    return p;
}

static struct slot_pool *pool_of(size_t size)
{
    struct stack_pool *p = pool_find(size);
    if (!p) {
        rt_lock(&stacks.lock);
        p = pool_find(size);
        if (!p)
            p = pool_add(size);
        rt_unlock(&stacks.lock);
    }
    return p ? &p->slots : NULL;
}

/* ---- caches ---- */

static void cache_spill(struct g_cache *cache, uint32_t n)
{
    struct g *chain = cache->top, *end = chain;
    for (uint32_t i = 0; i < n; i++)
        end = end->next;
    cache->top = end;
    cache->count -= n;
    if (n > 0)
        arena_give(chain, n);
}

void g_cache_flush(struct g_cache *cache)
{
    cache_spill(cache, cache->count);
}

void g_cache_trim(struct g_cache *cache)
{
    at_store_rlx(&cache->less, CACHE_MAX + 0u); /* relaxed: a wish */
}

static struct g *cache_fill(struct g_cache *cache, struct slot_pool *pool)
{
    uint32_t n;
    struct g *g = pool ? arena_take(pool, BATCH / 2, &n) : NULL;
    if (!g)
        return NULL;
    cache->top = g->next;
    cache->count = n - 1;
    return g;
}

struct g *g_alloc(struct g_cache *cache, size_t bytes)
{
    if (likely(g_cache_fits(cache, bytes)))
        return g_cache_pop(cache);
    g_cache_flush(cache); /* of a size that is not wanted any more, if any */
    return cache_fill(cache, pool_of(bytes));
}

struct g *g_alloc_seed(struct g_cache *cache)
{
    if (likely(cache->top))
        return g_cache_pop(cache);
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, seeds_add);
    return cache_fill(cache, &seeds);
}

void g_release(struct g_cache *cache, struct g *g)
{
    rt_assert(g->state == G_FREE);
    g->next = cache->top;
    cache->top = g;
    cache->count++;
    uint32_t less = at_load_rlx(&cache->less); /* relaxed: see g_cache_trim() */
    if (likely(cache->count + less <= CACHE_MAX))
        return;
    cache_spill(cache, less ? cache->count : BATCH);
    at_store_rlx(&cache->less, 0u); /* relaxed: likewise */
}

size_t stack_reserved(void)
{
    struct arena_counts n;
    arena_count(&n);
    return n.reserved;
}

/* ---- all of them ---- */

void g_for_each(void (*fn)(struct g *g, void *arg), void *arg)
{
    arena_for_each(fn, arg);
}

int64_t stack_scavenge(int64_t now)
{
    return arena_scavenge(now);
}

void stack_count(struct stack_counts *ret)
{
    struct arena_counts n;
    arena_count(&n);
    *ret = (struct stack_counts){.used = n.used, .idle = n.warm, .returned = n.returned};
    ret->unguarded = at_load_rlx(&stacks.unguarded); /* relaxed: a counter */
}
