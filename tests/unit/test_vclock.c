/* test_vclock.c - clocks against plain arrays.
 *
 * The model of a clock is an array of numbers; of a flow, an array of what it knows; of an object,
 * an array of what was released into it.  Slots are spread so that the tries have up to four
 * levels. */
#include <criterion/criterion.h>
#include <string.h>
#include "rand.h"
#include "vclock.h"

enum { COLUMNS = 24, CLOCKS = 10, FLOWS = 12, OBJECTS = 6 };

/* Slots of the columns: neighbours, one leaf apart, one level apart, far. */
static const uint32_t spread[COLUMNS] = {1,      2,       3,       63,      64,      65,
                                         127,    1000,    1023,    1024,    1025,    16383,
                                         16384,  16385,   100000,  100001,  262143,  262144,
                                         300000, 4194303, 4194304, 5000000, 8388600, 8388605};
static uint32_t slot_of[COLUMNS];

/* All in one leaf, for odd seeds, as in a program of few flows. */
static void choose_slots(uint64_t seed)
{
    for (uint32_t i = 0; i < COLUMNS; i++)
        slot_of[i] = seed % 2 ? i + 8 : spread[i];
}

typedef uint32_t model[COLUMNS];

static void model_join(uint32_t *a, const uint32_t *b)
{
    for (int i = 0; i < COLUMNS; i++)
        a[i] = a[i] < b[i] ? b[i] : a[i];
}

static void check_clock(const struct vc_node *a, const uint32_t *m, uint64_t seed)
{
    for (int i = 0; i < COLUMNS; i++)
        cr_assert_eq(vc_get(a, slot_of[i]), m[i], "seed %lu, slot %u", seed, slot_of[i]);
    cr_assert_eq(vc_get(a, 7), 0);
}

static void random_clocks(uint64_t seed)
{
    struct rt_rand r = {seed};
    struct vc_node *clock[CLOCKS] = {NULL};
    model m[CLOCKS] = {{0}};
    choose_slots(seed);
    for (int step = 0; step < 200; step++) {
        unsigned a = rand_below(&r, CLOCKS), b = rand_below(&r, CLOCKS), c;
        switch (rand_below(&r, 4)) {
        case 0:
            c = rand_below(&r, COLUMNS);
            uint32_t to = 1 + rand_below(&r, 50);
            clock[a] = vc_raise(clock[a], slot_of[c], to);
            if (m[a][c] < to)
                m[a][c] = to;
            break;
        case 1:
            vc_ref(clock[b]); /* first: a may be b */
            vc_unref(clock[a]);
            clock[a] = clock[b];
            memmove(m[a], m[b], sizeof m[a]);
            break;
        case 2:
            clock[a] = vc_join(clock[a], clock[b]);
            model_join(m[a], m[b]);
            break;
        default:
            check_clock(clock[b], m[b], seed);
        }
    }
    for (int i = 0; i < CLOCKS; i++) {
        check_clock(clock[i], m[i], seed);
        vc_unref(clock[i]);
    }
}

Test(vclock, agrees_with_arrays)
{
    for (uint64_t seed = 1; seed <= 2000; seed++)
        random_clocks(seed);
}

Test(vclock, gives_all_memory_back)
{
    size_t before = vc_nodes();
    for (uint64_t seed = 1; seed <= 50; seed++)
        random_clocks(seed);
    cr_assert_eq(vc_nodes(), before);
}

Test(vclock, equal_knowledge_shares_its_nodes)
{
    struct vc_node *a = vc_raise(NULL, 100000, 5), *b = vc_ref(a);
    b = vc_raise(b, 3, 7);
    a = vc_join(a, b);
    cr_assert_eq(a, b, "the join of a part with the whole is the whole");
    vc_unref(a);
    vc_unref(b);
}

Test(vclock, unchanged_when_nothing_is_new)
{
    struct vc_node *a = vc_raise(vc_raise(NULL, 100000, 5), 3, 7), *b = vc_raise(NULL, 3, 6),
                   *was = a;
    a = vc_join(a, b);
    cr_assert_eq(a, was);
    cr_assert_eq(vc_get(b, 100000), 0);
    vc_unref(a);
    vc_unref(b);
}

/* ---- flows ---- */

static struct {
    struct flow_clock flow[FLOWS];
    model knows[FLOWS]; /* the flow's own column is its present clock */
    struct snap object[OBJECTS];
    model has[OBJECTS];
    bool live[FLOWS];
} w;

static void flow_step(struct rt_rand *r, uint64_t seed)
{
    unsigned f = rand_below(r, FLOWS), g = rand_below(r, FLOWS), o = rand_below(r, OBJECTS);
    struct flow_clock *c = &w.flow[f];
    if (!w.live[f])
        return;
    switch (rand_below(r, 6)) {
    case 0: /* f starts g */
        if (w.live[g])
            return;
        w.live[g] = true;
        flow_begin(&w.flow[g], c);
        w.flow[g].now.epoch = w_epoch(slot_of[g * 2], 1);
        memcpy(w.knows[g], w.knows[f], sizeof(model));
        w.knows[g][g * 2] = 1;
        break;
    case 1:
        snap_copy(&w.object[o], &c->now);
        memcpy(w.has[o], w.knows[f], sizeof(model));
        break;
    case 2:
        flow_release_merge(c, &w.object[o]);
        model_join(w.has[o], w.knows[f]);
        break;
    default:
        flow_acquire(c, &w.object[o]);
        model_join(w.knows[f], w.has[o]);
        for (int i = 0; i < COLUMNS; i++)
            cr_assert_eq(snap_knows(&c->now, w_epoch(slot_of[i], w.knows[f][i])), true);
        for (int i = 0; i < COLUMNS; i++)
            cr_assert_eq(snap_knows(&c->now, w_epoch(slot_of[i], w.knows[f][i] + 1)), false,
                         "seed %lu: flow %u knows too much of slot %u", seed, f, slot_of[i]);
        return;
    }
    flow_tick(c);
    w.knows[f][f * 2]++;
}

Test(vclock, flows_and_objects_agree_with_arrays)
{
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        choose_slots(seed);
        struct rt_rand r = {seed * 31};
        memset(&w, 0, sizeof w);
        for (int i = 0; i < 3; i++) {
            w.live[i] = true;
            w.flow[i].now.epoch = w_epoch(slot_of[i * 2], 1);
            w.knows[i][i * 2] = 1;
        }
        for (int step = 0; step < 300; step++)
            flow_step(&r, seed);
    }
}

Test(vclock, a_used_up_slot_is_part_of_the_past)
{
    struct flow_clock a = {.now.epoch = w_epoch(5, CLOCK_MAX - 1)},
                      b = {.now.epoch = w_epoch(6, 1)};
    struct snap o = {0};
    flow_tick(&a);
    flow_move(&a, w_epoch(9, 1));
    cr_assert(snap_knows(&a.now, w_epoch(5, CLOCK_MAX)));
    flow_release_merge(&a, &o);
    flow_acquire(&b, &o);
    cr_assert(snap_knows(&b.now, w_epoch(5, CLOCK_MAX)));
    cr_assert(snap_knows(&b.now, w_epoch(9, 1)));
    cr_assert_not(snap_knows(&b.now, w_epoch(9, 2)));
}
