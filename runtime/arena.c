/* arena.c - where goroutines lie.
 *
 * A pool has the slots of one size, in arenas: one reservation each, cut from its low end as slots
 * are needed.  Arenas grow with their pool, so that a million goroutines need a thousand of them.
 * What is known about an arena lies outside of it, because its memory comes and goes:
 *
 *     slot:   uncut ---> taken <---> warm           free, linked by g->next, memory as it was left
 *                         ^           |
 *                         +-- cold <--+             free, a bit in is_cold, no memory
 *
 * Slots come from arenas that have warm ones and are in use anyway, so that the others become whole
 * and can be given back at once, page tables and all.
 *
 * Giving back.  The number of warm slots that a pool had left over throughout a period (its low
 * mark) is what it does not need: so many are given back in the next period, whole arenas first,
 * a few a call.  A program that comes to rest is visited until nothing is warm any more, then
 * nobody wakes up for it until something is freed again.
 *
 * Seeds become goroutines.  Where each of them needs a stack from new memory they are there to
 * stay, and the seeds' memory is not needed again soon: it is given back as that of the stacks
 * comes, not a period later.  Of a million goroutines started at once it would be a tenth.
 *
 * Lock: arenas.lock, a leaf.  No memory is given back under it.
 * [arena]  a new arena's fields -> who walks all arenas.
 * [cut]    a slot's first contents -> who walks all slots. */
#include "arena.h"
#include "atomic.h"
#include "check.h"
#include "futex.h"
#include "g.h"
#include "gdb.h"
#include "proc.h"
#include "signals.h"
#include "vmem.h"
#include <string.h>
#include <sys/mman.h>

enum {
    SLOTS_MIN = 4,
    META_CHUNK = 64 << 10,
    AHEAD = 8,
    STEP_ARENAS = 2, /* given back in one call of the scavenger */
    STEP_SLOTS = 64,
    NOWHERE = 100, /* enum arena_use of an arena that is on no list */
};

static const int64_t PERIOD = 1500000000, PAUSE = 2000000; /* ns */

static struct {
    struct rt_lock lock;
    struct slot_pool *pools; /* under lock */
    struct arena *all;       /* [arena] */
    char *meta, *meta_end;   /* what is left for struct arena; under lock */
    bool awake;              /* the scavenger has been told that there is work; under lock */
    bool trimmed;            /* no P had a cache of its own left lately; under lock */
    int64_t period_end;      /* 0: begins with the next call; under lock */
    size_t fresh;            /* stacks from new memory, not yet paid for with seeds; under lock */
    size_t returned;         /* under lock */
} arenas;

void arena_pool_add(struct slot_pool *pool)
{
    for (int use = 0; use < 4; use++)
        list_init(&pool->arenas[use]);
    rt_lock(&arenas.lock);
    pool->next = arenas.pools;
    arenas.pools = pool;
    rt_unlock(&arenas.lock);
}

/* ---- arenas; all of it under the lock ---- */

static void *meta_take(size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if ((size_t)(arenas.meta_end - arenas.meta) < bytes) {
        char *chunk = vm_reserve(META_CHUNK);
        if (!chunk)
            return NULL;
        arenas.meta = chunk;
        arenas.meta_end = chunk + META_CHUNK;
    }
    void *p = arenas.meta;
    arenas.meta += bytes;
    return p;
}

static enum arena_use use_of(const struct arena *a)
{
    if (a->warm)
        return a->warm + a->cold == a->cut ? ARENA_WHOLE : ARENA_SOME;
    return a->cold || a->cut < a->slots ? ARENA_COLD : ARENA_FULL;
}

/* Puts a on the list where it belongs. */
static inline void relist(struct arena *a)
{
    enum arena_use use = use_of(a);
    if (likely(use == a->use))
        return;
    if (a->use != NOWHERE)
        list_remove(&a->link);
    a->use = use;
    list_push_front(&a->pool->arenas[use], &a->link);
}

static void set_flags(struct arena *a)
{
    if (a->pool->single) /* a huge page would make one frame cost 2 MiB */
        madvise(a->base, a->slots * a->pool->slot_bytes, MADV_NOHUGEPAGE);
}

/* Reserves as much as the pool has already, less where the address space is short. */
static struct arena *arena_make(struct slot_pool *pool)
{
    size_t bytes = pool->reserved < pool->arena_min   ? pool->arena_min
                   : pool->reserved > pool->arena_max ? pool->arena_max
                                                      : pool->reserved;
    size_t slots = bytes / pool->slot_bytes;
    slots = slots < SLOTS_MIN ? SLOTS_MIN : slots;
    if (pool->single && slots > ARENA_SLOTS_MAX)
        slots = ARENA_SLOTS_MAX;
    size_t words = pool->single ? (slots + 63) / 64 : 0;
    struct arena *a = meta_take(sizeof *a + words * sizeof a->is_cold[0]);
    char *base = NULL;
    for (; a && slots > 0; slots /= 2)
        if ((base = vm_reserve(slots * pool->slot_bytes)))
            break;
    if (!base)
        return NULL;
    *a = (struct arena){
        .pool = pool,
        .base = base,
        .stride = pool->slot_bytes,
        .first = pool->first,
        .colour_step = pool->colour_step,
        .slots = (uint32_t)slots,
        .use = NOWHERE,
    };
    memset(a->is_cold, 0, words * sizeof a->is_cold[0]);
    pool->reserved += slots * pool->slot_bytes;
    set_flags(a);
    a->next = arenas.all;
    at_store_rel(&arenas.all, a); /* [arena] */
    return a;
}

/* ---- taking and giving ---- */

static struct g *take_warm(struct arena *a)
{
    struct g *g = a->top;
    __builtin_prefetch(g->batch_next); /* see arena_give() */
    a->top = g->next;
    a->warm--;
    struct slot_pool *pool = a->pool;
    if (--pool->warm < pool->low)
        pool->low = pool->warm;
    return g;
}

static struct g *take_cold(struct arena *a)
{
    uint32_t word = 0;
    while (!a->is_cold[word])
        word++;
    uint32_t bit = (uint32_t)__builtin_ctzll(a->is_cold[word]);
    a->is_cold[word] &= a->is_cold[word] - 1;
    a->cold--;
    return a->pool->make(a, word * 64 + bit, false);
}

static struct g *take_uncut(struct arena *a)
{
    struct g *g = a->pool->make(a, a->cut, true);
    at_store_rel(&a->cut, a->cut + 1); /* [cut] */
    return g;
}

static struct g *take_one(struct slot_pool *pool)
{
    struct arena *a = NULL;
    for (int use = ARENA_SOME; use <= ARENA_COLD && !a; use++)
        if (!list_empty(&pool->arenas[use]))
            a = container_of(pool->arenas[use].next, struct arena, link);
    if (!a && !(a = arena_make(pool)))
        return NULL;
    arenas.fresh += pool->single && !a->warm;
    struct g *g = a->warm ? take_warm(a) : a->cold ? take_cold(a) : take_uncut(a);
    pool->used++;
    relist(a);
    return g;
}

static void return_seeds(void);

struct g *arena_take(struct slot_pool *pool, uint32_t n, uint32_t *ret_n)
{
    uint32_t got = 0;
    rt_lock(&arenas.lock);
    size_t fresh = arenas.fresh;
    struct g *first = take_one(pool);
    if (first) {
        struct g *last = first;
        for (got = 1; got < n && pool->warm > 0; got++, last = last->next)
            last->next = take_one(pool);
        last->next = NULL;
    }
    if (arenas.fresh != fresh)
        return_seeds();
    rt_unlock(&arenas.lock);
    *ret_n = got;
    return first;
}

static void give_one(struct g *g)
{
    struct arena *a = g->arena;
    g->next = a->top;
    a->top = g;
    a->warm++;
    a->pool->warm++;
    a->pool->used--;
    relist(a);
}

/* Who takes slots walks a chain that is in no cache.  batch_next, which the free have no use for,
 * points some slots ahead, so that it waits for several of them at a time. */
void arena_give(struct g *chain, uint32_t n)
{
    struct g *ahead[AHEAD] = {0};
    rt_lock(&arenas.lock);
    for (struct g *next; n > 0; n--, chain = next) {
        next = chain->next;
        chain->batch_next = ahead[n % AHEAD];
        ahead[n % AHEAD] = chain;
        give_one(chain);
    }
    bool wake = !arenas.awake;
    arenas.awake = true;
    rt_unlock(&arenas.lock);
    if (unlikely(wake))
        signals_scavenge();
}

void arena_for_each(void (*fn)(struct g *g, void *arg), void *arg)
{
    for (struct arena *a = at_load_acq(&arenas.all); a; a = a->next) { /* [arena] */
        uint32_t n = at_load_acq(&a->cut);                             /* [cut] */
        for (uint32_t i = 0; i < n; i++)
            fn(arena_slot(a, i), arg);
    }
}

void arena_count(struct arena_counts *ret)
{
    *ret = (struct arena_counts){0};
    rt_lock(&arenas.lock);
    for (struct slot_pool *p = arenas.pools; p; p = p->next) {
        ret->used += p->single ? p->used : 0;
        ret->warm += p->single ? p->warm : 0;
        ret->reserved += p->single ? p->reserved : 0;
    }
    ret->returned = arenas.returned;
    rt_unlock(&arenas.lock);
}

const struct gdb_blocks arena_gdb_blocks = {
    .head = &arenas.all,
    .next = offsetof(struct arena, next),
    .base = offsetof(struct arena, base),
    .stride = offsetof(struct arena, stride),
    .first = offsetof(struct arena, first),
    .colour_step = offsetof(struct arena, colour_step),
    .count = offsetof(struct arena, cut),
    .colours = ARENA_COLOURS,
};

/* ---- giving back ---- */

/* Takes one whole arena out, if the pool need not keep it.  Under the lock. */
static struct arena *whole_out(struct slot_pool *pool)
{
    if (list_empty(&pool->arenas[ARENA_WHOLE]))
        return NULL;
    struct arena *a = container_of(pool->arenas[ARENA_WHOLE].next, struct arena, link);
    if (a->warm > pool->due)
        return NULL;
    list_remove(&a->link);
    a->use = NOWHERE;
    pool->due -= a->warm;
    pool->warm -= a->warm;
    pool->low = pool->warm < pool->low ? pool->warm : pool->low;
    arenas.returned += a->warm;
    a->warm = a->cold = 0;
    a->top = NULL;
    at_store_rel(&a->cut, 0u); /* [cut] */
    return a;
}

/* a is as it was when it was made.  Under the lock. */
static void whole_back(struct arena *a, bool renewed)
{
    vm_guards_gone(a->mapped_guards);
    a->mapped_guards = 0;
    if (!renewed) /* the address is lost */
        a->slots = 0;
    if (a->pool->single)
        memset(a->is_cold, 0, (a->slots + 63) / 64 * sizeof a->is_cold[0]);
    relist(a);
}

/* Gives one whole arena back; false when there is none.  The lock is held at both ends. */
static bool return_whole(struct slot_pool *pool)
{
    struct arena *a = whole_out(pool);
    if (!a)
        return false;
    rt_unlock(&arenas.lock);
    bool renewed = vm_renew(a->base, a->slots * pool->slot_bytes);
    if (renewed)
        set_flags(a);
    rt_lock(&arenas.lock);
    whole_back(a, renewed);
    return true;
}

/* Gives a whole arena of seeds back when as many stacks have come from new memory; one more such
 * arena stays.  The lock is held at both ends. */
static void return_seeds(void)
{
    for (struct slot_pool *p = arenas.pools; p; p = p->next) {
        if (p->single || list_empty(&p->arenas[ARENA_WHOLE]))
            continue;
        const struct arena *a = container_of(p->arenas[ARENA_WHOLE].next, struct arena, link);
        if (a->warm > arenas.fresh || p->warm < 2 * a->warm)
            continue;
        arenas.fresh -= a->warm;
        p->due += a->warm;
        return_whole(p);
    }
}

/* Gives back some slots of one arena.  The lock is held at both ends. */
static void return_slots(struct slot_pool *pool)
{
    uint32_t slot[STEP_SLOTS], n = 0;
    int use = list_empty(&pool->arenas[ARENA_SOME]) ? ARENA_WHOLE : ARENA_SOME;
    if (!pool->single || list_empty(&pool->arenas[use])) {
        pool->due = 0;
        return;
    }
    struct arena *a = container_of(pool->arenas[use].next, struct arena, link);
    for (; n < STEP_SLOTS && pool->due > 0 && a->warm; n++, pool->due--)
        slot[n] = (uint32_t)((size_t)((char *)take_warm(a) - a->base) / pool->slot_bytes);
    relist(a);
    rt_unlock(&arenas.lock);
    for (uint32_t i = 0; i < n; i++)
        vm_discard(a->base + slot[i] * pool->slot_bytes, pool->slot_bytes);
    rt_lock(&arenas.lock);
    for (uint32_t i = 0; i < n; i++)
        a->is_cold[slot[i] / 64] |= 1ull << slot[i] % 64;
    a->cold += n;
    arenas.returned += n;
    relist(a);
}

static void period_begin(int64_t now)
{
    for (struct slot_pool *p = arenas.pools; p; p = p->next) {
        p->due = arenas.period_end ? p->low : 0;
        p->low = p->warm;
    }
    arenas.period_end = now + PERIOD;
}

/* When to come again; goes to sleep when nothing is left, in the Ps' caches either. */
static int64_t when_next(int64_t now)
{
    size_t due = 0, warm = !arenas.trimmed;
    for (struct slot_pool *p = arenas.pools; p; p = p->next) {
        due += p->due;
        warm += p->warm;
    }
    if (due > 0)
        return now + PAUSE;
    if (warm > 0)
        return arenas.period_end;
    arenas.awake = false;
    arenas.period_end = 0;
    return INT64_MAX;
}

int64_t arena_scavenge(int64_t now)
{
    rt_lock(&arenas.lock);
    if (now >= arenas.period_end) {
        rt_unlock(&arenas.lock);
        bool trimmed = sched_trim();
        rt_lock(&arenas.lock);
        arenas.trimmed = trimmed;
        period_begin(now);
    }
    for (struct slot_pool *p = arenas.pools; p; p = p->next) {
        for (int i = 0; i < STEP_ARENAS && p->due > 0; i++)
            if (!return_whole(p))
                return_slots(p);
    }
    int64_t when = when_next(now);
    rt_unlock(&arenas.lock);
    return when;
}
