/* test_arena.c - slots: taken, given, cold, whole arenas renewed; against a model that only counts
 * and marks. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include "arena.h"
#include "g.h"
#include "rand.h"
#include "vmem.h"

enum { SLOT = 4 * VM_PAGE, SLOTS = 64, MANY = 1000, SECOND = 1000000000 };

static unsigned guards_asked;

/* Its memory must be zero. */
static struct g *make(struct arena *a, uint32_t i, bool guard)
{
    struct g *g = arena_slot(a, i);
    cr_assert(g->state == G_FREE && !g->arena && g->id == 0, "slot %u was not given back", i);
    guards_asked += guard;
    g->arena = a;
    return g;
}

static struct slot_pool pool;

static void pool_make(struct slot_pool *p, bool single)
{
    *p = (struct slot_pool){
        .slot_bytes = SLOT,
        .arena_min = SLOTS * SLOT,
        .arena_max = 4 * SLOTS * SLOT,
        .single = single,
        .make = make,
    };
    arena_pool_add(p);
}

static void pool_begin(bool single)
{
    pool_make(&pool, single);
}

static struct g *take_from(struct slot_pool *p)
{
    uint32_t n;
    struct g *g = arena_take(p, 1, &n);
    cr_assert(g && n == 1 && !g->next);
    g->id++;
    return g;
}

static struct g *take(void)
{
    return take_from(&pool);
}

static void give(struct g *g)
{
    g->next = NULL;
    arena_give(g, 1);
}

/* Lets the scavenger work for some seconds of its clock; returns when it wants to come again. */
static int64_t scavenge(int64_t *now, int64_t span)
{
    int64_t end = *now + span, when = *now;
    while (when <= end) {
        *now = when;
        when = arena_scavenge(*now);
        cr_assert_gt(when, *now);
    }
    *now = end;
    return when;
}

static size_t resident(struct g **gs, int n)
{
    size_t bytes = 0;
    for (int i = 0; i < n; i++)
        bytes += vm_resident(gs[i], SLOT, NULL);
    return bytes;
}

Test(arena, a_slot_given_is_taken_again_first)
{
    pool_begin(true);
    struct g *a = take(), *b = take();
    cr_expect_neq(a, b);
    give(a);
    cr_expect_eq(take(), a);
    cr_expect_eq(a->id, 2, "its contents stay");
    cr_expect_eq(pool.used, 2);
}

Test(arena, chains_come_and_go)
{
    struct g *gs[10], *chain;
    uint32_t n;
    pool_begin(true);
    for (int i = 0; i < 10; i++)
        gs[i] = take();
    for (int i = 0; i < 10; i++)
        gs[i]->next = i < 9 ? gs[i + 1] : NULL;
    arena_give(gs[0], 10);
    chain = arena_take(&pool, 7, &n);
    cr_expect_eq(n, 7);
    for (struct g *g = chain; g; g = g->next, n--)
        cr_expect_eq(g->id, 1);
    cr_expect_eq(n, 0);
    chain = arena_take(&pool, 100, &n);
    cr_expect_eq(n, 3, "no new slots beyond the first are made for a chain");
}

/* All of a pool lies idle: everything goes back, and everything can be had again. */
static void goes_back_and_returns(bool single)
{
    static struct g *gs[MANY];
    int64_t now = SECOND;
    pool_begin(single);
    for (int round = 0; round < 3; round++) {
        guards_asked = 0;
        for (int i = 0; i < MANY; i++)
            gs[i] = take();
        cr_expect_geq(resident(gs, MANY), MANY * VM_PAGE);
        cr_expect_eq(guards_asked, MANY, "guards go with the arena");
        for (int i = 0; i < MANY; i++)
            give(gs[i]);
        cr_expect_eq(scavenge(&now, 10ll * SECOND), INT64_MAX, "an idle program is left alone");
        cr_expect_eq(pool.warm, 0);
        cr_expect_eq(resident(gs, MANY), 0);
    }
}

Test(arena, idle_memory_goes_back)
{
    goes_back_and_returns(true);
}

Test(arena, idle_memory_goes_back_by_whole_arenas_alone)
{
    goes_back_and_returns(false);
}

/* One slot in use in each arena: the others go back one by one, and keep their guards. */
Test(arena, neighbours_of_used_slots_go_back)
{
    static struct g *gs[MANY];
    int64_t now = SECOND;
    pool_begin(true);
    for (int i = 0; i < MANY; i++)
        gs[i] = take();
    for (int i = 0; i < MANY; i++)
        if (i % 50)
            give(gs[i]);
    cr_expect_eq(scavenge(&now, 10ll * SECOND), INT64_MAX);
    cr_expect_eq(resident(gs, MANY), MANY / 50 * VM_PAGE);
    for (int i = 0; i < MANY; i += 50)
        cr_expect_eq(gs[i]->id, 1, "what is used is left alone");
    guards_asked = 0;
    for (int i = 0; i < MANY; i++)
        if (i % 50)
            take();
    cr_expect_leq(guards_asked, 4 * SLOTS, "cold slots are used before new ones are cut");
}

/* What is used again and again within a period stays. */
Test(arena, what_is_needed_stays)
{
    static struct g *gs[MANY];
    int64_t now = SECOND;
    pool_begin(true);
    for (int second = 0; second < 20; second++) {
        for (int i = 0; i < MANY; i++)
            gs[i] = take();
        for (int i = 0; i < MANY; i++)
            give(gs[i]);
        cr_expect_neq(scavenge(&now, SECOND), INT64_MAX);
    }
    struct arena_counts n;
    arena_count(&n);
    cr_expect_eq(n.returned, 0);
    cr_expect_eq(n.warm, MANY);
}

Test(arena, one_call_does_a_bounded_amount)
{
    static struct g *gs[MANY];
    struct arena_counts n;
    size_t before = 0;
    int64_t when = 1;
    pool_begin(true);
    for (int i = 0; i < MANY; i++)
        gs[i] = take();
    for (int i = 0; i < MANY; i++)
        if (i % 50)
            give(gs[i]);
    while (when != INT64_MAX) {
        when = arena_scavenge(when);
        arena_count(&n);
        cr_expect_leq(n.returned - before, 128);
        before = n.returned;
    }
    cr_expect_eq(n.returned, MANY - MANY / 50);
}

/* Seeds become goroutines that stay: their memory is not needed any more. */
Test(arena, memory_of_seeds_goes_as_new_stacks_come)
{
    static struct g *seeds[MANY], *stacks[MANY];
    static struct slot_pool stack_pool;
    pool_begin(false);
    pool_make(&stack_pool, true);
    for (int i = 0; i < MANY; i++)
        seeds[i] = take();
    for (int i = 0; i < MANY; i++) {
        stacks[i] = take_from(&stack_pool);
        give(seeds[i]);
    }
    cr_expect_lt(pool.warm, MANY * 3 / 4, "%zu are left", pool.warm);
    for (int i = 0; i < MANY; i++)
        give(stacks[i]);
    size_t warm = pool.warm;
    for (int i = 0; i < MANY; i++)
        take_from(&stack_pool); /* of old memory: no reason to give anything back */
    cr_expect_eq(pool.warm, warm);
    for (int i = 0; i < MANY; i++)
        seeds[i] = take(); /* make() looks whether what went back is zero */
    cr_expect_eq(pool.used, MANY);
}

static void count_used(struct g *g, void *arg)
{
    *(unsigned *)arg += __atomic_load_n(&g->id, __ATOMIC_RELAXED) != 0;
}

/* Takers on several threads, and the scavenger with a clock that races: a slot is never with two
 * owners, and never loses its memory while it is somebody's. */
static bool returned, ended;

static void *taker(void *arg)
{
    struct g *held[100] = {NULL};
    struct rt_rand rand = {(uintptr_t)arg};
    for (int i = 0; i < 60000 || !__atomic_load_n(&returned, __ATOMIC_ACQUIRE); i++) {
        struct g **g = &held[rand_below(&rand, i / 5000 % 2 ? 5 : 100)];
        if (*g) {
            cr_assert((*g)->id == (uintptr_t)arg);
            __atomic_store_n(&(*g)->id, 0, __ATOMIC_RELAXED);
            give(*g);
            *g = NULL;
        } else {
            uint32_t n;
            *g = arena_take(&pool, 1, &n);
            cr_assert(*g && (*g)->id == 0);
            __atomic_store_n(&(*g)->id, (uintptr_t)arg, __ATOMIC_RELAXED);
        }
    }
    return NULL;
}

static void *scavenger(void *arg)
{
    int64_t now = 1;
    while (!__atomic_load_n(&ended, __ATOMIC_ACQUIRE)) {
        now += SECOND;
        arena_scavenge(now);
        unsigned used = 0;
        arena_for_each(count_used, &used);
        cr_assert_leq(used, 400);
        struct arena_counts n;
        arena_count(&n);
        if (n.returned > 0)
            __atomic_store_n(&returned, true, __ATOMIC_RELEASE);
    }
    return arg;
}

Test(arena, no_slot_has_two_owners_and_none_is_lost)
{
    pthread_t threads[5];
    pool_begin(true);
    for (uintptr_t i = 0; i < 5; i++)
        pthread_create(&threads[i], NULL, i < 4 ? taker : scavenger, (void *)(i + 1));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    __atomic_store_n(&ended, true, __ATOMIC_RELEASE);
    pthread_join(threads[4], NULL);
}
