/* test_lockorder.c - orders of locks: circles that can be deadlocks, and those that cannot. */
#include <criterion/criterion.h>
#include "collect.h"
#include "lockorder.h"
#include "rc_double.h"
#include <stdlib.h>

static struct rc_ctx *g[8];
static char lock[16];

static void start(void)
{
    rc_init(NULL);
    for (int i = 0; i < 4; i++)
        g[i] = rc_ctx_make(NULL, RC_GOROUTINE, 10 + (uint64_t)i, 1, NULL, 0);
}

static void take(int flow, int i, unsigned how)
{
    rc_lock_taken(g[flow], &lock[i], how, "mutex", 1);
}

static void drop(int flow, int i)
{
    rc_lock_dropped(g[flow], &lock[i]);
}

/* The flow takes both, and gives them back. */
static void nest(int flow, int outer, int inner)
{
    take(flow, outer, RC_LOCK_WRITE);
    take(flow, inner, RC_LOCK_WRITE);
    drop(flow, inner);
    drop(flow, outer);
}

/* Flow i, by flow `by`. */
static void start_one(int i, int by)
{
    g[i] = rc_ctx_make(g[by], RC_GOROUTINE, 10 + (uint64_t)i, 1, NULL, 0);
}

Test(lockorder, two_flows_two_locks)
{
    start();
    nest(0, 1, 2);
    nest(1, 1, 2);
    cr_assert_eq(n_circles, 0);
    nest(1, 2, 1);
    cr_assert_eq(n_circles, 1);
    cr_assert_eq(circles[0].n, 2);
    cr_expect_eq(circles[0].edge[0].taken.lock, &lock[1]);
    cr_expect_eq(circles[0].edge[0].held.lock, &lock[2]);
    cr_expect_eq(circles[0].edge[0].by.id, 11);
    cr_expect_eq(circles[0].edge[1].by.id, 10);
    nest(0, 1, 2);
    nest(2, 2, 1);
    cr_assert_eq(n_circles, 1, "told once");
}

/* Two that each hold 1 and want 2, and then 1 again, which they have. */
Test(lockorder, what_a_flow_has_it_does_not_wait_for)
{
    start();
    for (int flow = 0; flow < 2; flow++) {
        take(flow, 1, RC_LOCK_WRITE);
        take(flow, 2, RC_LOCK_WRITE);
        take(flow, 1, RC_LOCK_WRITE);
        drop(flow, 1);
        drop(flow, 2);
        drop(flow, 1);
    }
    cr_assert_eq(n_circles, 0);
}

/* It is told when the second one asks, who will never get it. */
Test(lockorder, who_waits_is_told)
{
    start();
    take(0, 1, RC_LOCK_WRITE);
    take(1, 2, RC_LOCK_WRITE);
    rc_lock_wanted(g[0], &lock[2], RC_LOCK_WRITE, "mutex", 1);
    cr_assert_eq(n_circles, 0);
    rc_lock_wanted(g[1], &lock[1], RC_LOCK_WRITE, "mutex", 1);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, one_flow_waits_for_nobody_until_another_joins_in)
{
    start();
    nest(0, 1, 2);
    nest(0, 2, 1);
    cr_assert_eq(n_circles, 0);
    nest(1, 2, 1);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, a_gate_counts_only_if_it_is_always_held)
{
    start();
    take(0, 9, RC_LOCK_WRITE);
    nest(0, 1, 2);
    drop(0, 9);
    take(1, 9, RC_LOCK_WRITE);
    nest(1, 2, 1);
    drop(1, 9);
    cr_assert_eq(n_circles, 0);
    nest(0, 1, 2);
    cr_assert_eq(n_circles, 1);
}

static void nest_behind(unsigned how, int flow, int outer, int inner)
{
    take(flow, 9, how);
    nest(flow, outer, inner);
    drop(flow, 9);
}

Test(lockorder, a_gate_keeps_no_readers_apart)
{
    start();
    nest_behind(0, 0, 1, 2);
    nest_behind(RC_LOCK_WRITE, 1, 2, 1);
    cr_assert_eq(n_circles, 0, "a reader and a writer");
    nest_behind(0, 1, 2, 1);
    cr_assert_eq(n_circles, 1, "two readers");
    nest_behind(RC_LOCK_WRITE, 2, 3, 4);
    nest_behind(RC_LOCK_WRITE, 3, 4, 3);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, long_circles)
{
    start();
    for (int i = 0; i < 3; i++)
        nest(i, i, i + 1);
    cr_assert_eq(n_circles, 0);
    nest(3, 3, 0);
    cr_assert_eq(n_circles, 1);
    cr_assert_eq(circles[0].n, 4);
    for (unsigned i = 0; i < 4; i++)
        cr_expect_eq(circles[0].edge[i].taken.lock, circles[0].edge[(i + 1) % 4].held.lock);
}

Test(lockorder, readers_do_not_wait_for_readers)
{
    start();
    take(0, 1, 0);
    take(0, 2, RC_LOCK_WRITE);
    drop(0, 2);
    drop(0, 1);
    take(1, 2, RC_LOCK_WRITE);
    take(1, 1, 0);
    drop(1, 1);
    drop(1, 2);
    cr_assert_eq(n_circles, 0, "lock 1 is only read");
    nest(1, 2, 1);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, what_is_only_tried_is_not_waited_for)
{
    start();
    nest(0, 1, 2);
    take(1, 2, RC_LOCK_WRITE);
    take(1, 1, RC_LOCK_WRITE | RC_LOCK_TRIED);
    drop(1, 1);
    drop(1, 2);
    cr_assert_eq(n_circles, 0);
    take(1, 2, RC_LOCK_WRITE | RC_LOCK_TRIED);
    take(1, 1, RC_LOCK_WRITE);
    cr_assert_eq(n_circles, 1, "but what was tried is held");
}

Test(lockorder, new_locks_in_old_places)
{
    start();
    nest(0, 1, 2);
    lockorder_forget((uintptr_t)&lock[2]);
    cr_assert_eq(lockorder_count(), 0);
    nest(1, 2, 1);
    cr_assert_eq(n_circles, 0);
    nest(0, 1, 2);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, locks_that_come_and_go_for_long)
{
    start();
    for (uintptr_t i = 0; i < 300000; i++) {
        char *l = (char *)(0x10000 + i * 16);
        rc_lock_taken(g[0], &lock[0], RC_LOCK_WRITE, "mutex", 1);
        rc_lock_taken(g[0], l, RC_LOCK_WRITE, "mutex", 1);
        rc_lock_dropped(g[0], l);
        rc_lock_dropped(g[0], &lock[0]);
        lockorder_forget((uintptr_t)l);
    }
    cr_assert_eq(lockorder_count(), 0);
    nest(0, 1, 2);
    nest(1, 2, 1);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, without_room_nothing_is_watched_and_nothing_breaks)
{
    start();
    for (uintptr_t i = 0; i < 100000; i++) {
        char *l = (char *)(0x10000 + i * 16);
        rc_lock_taken(g[0], &lock[0], RC_LOCK_WRITE, "mutex", 1);
        rc_lock_taken(g[0], l, RC_LOCK_WRITE, "mutex", 1);
        rc_lock_dropped(g[0], l);
        rc_lock_dropped(g[0], &lock[0]);
    }
    cr_assert_eq(n_circles, 0);
    cr_assert_gt(lockorder_count(), 30000);
}

Test(lockorder, locks_on_stacks_are_left_out)
{
    static char stack[4096];
    start();
    rc_ctx_stack(g[2], stack, sizeof stack);
    for (int flow = 0; flow < 2; flow++) {
        rc_lock_taken(g[flow], &stack[flow], RC_LOCK_WRITE, "mutex", 1);
        rc_lock_taken(g[flow], &stack[1 - flow], RC_LOCK_WRITE, "mutex", 1);
    }
    cr_assert_eq(n_circles, 0);
}

/* ---- what is over before a flow begins ---- */

Test(lockorder, what_its_creator_did_before_is_over)
{
    start();
    nest(0, 1, 2);
    start_one(4, 0);
    start_one(5, 4);
    nest(4, 2, 1);
    nest(5, 2, 1);
    cr_assert_eq(n_circles, 0);
    nest(1, 2, 1);
    cr_assert_eq(n_circles, 1, "that one was there already");
    cr_expect_eq(circles[0].edge[0].by.id, 11);
    cr_expect_eq(circles[0].edge[1].by.id, 10);
}

Test(lockorder, what_its_creator_did_since_is_not)
{
    start();
    start_one(4, 0);
    nest(0, 1, 2);
    start_one(5, 0);
    nest(5, 2, 1);
    cr_assert_eq(n_circles, 0);
    nest(4, 2, 1);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, what_its_creator_does_again_is_not_over)
{
    start();
    nest(0, 1, 2);
    start_one(4, 0);
    nest(4, 2, 1);
    cr_assert_eq(n_circles, 0);
    rc_lock_taken(g[0], &lock[1], RC_LOCK_WRITE, "mutex", 77);
    take(0, 2, RC_LOCK_WRITE);
    cr_assert_eq(n_circles, 1);
    cr_expect_eq(circles[0].edge[0].by.id, 10);
    cr_expect_eq(circles[0].edge[1].by.id, 14);
}

/* The other way round: the second time comes before the other one's. */
Test(lockorder, the_last_time_counts)
{
    start();
    nest(0, 1, 2);
    start_one(4, 0);
    rc_lock_taken(g[0], &lock[1], RC_LOCK_WRITE, "mutex", 77);
    take(0, 2, RC_LOCK_WRITE);
    drop(0, 2);
    drop(0, 1);
    nest(4, 2, 1);
    cr_assert_eq(n_circles, 1);
    uintptr_t pc = 0;
    rc_stack_of(circles[0].edge[1].held.taken_at, &pc, 1, NULL);
    cr_expect_eq(pc, 77, "and is shown");
    start_one(5, 0);
    nest(0, 3, 4);
    start_one(6, 0);
    nest(0, 3, 4);
    start_one(7, 0);
    nest(7, 4, 3);
    cr_assert_eq(n_circles, 1);
    nest(6, 4, 3);
    cr_assert_eq(n_circles, 2);
}

Test(lockorder, what_several_did_is_not_over)
{
    start();
    nest(0, 1, 2);
    nest(1, 1, 2);
    start_one(4, 0);
    nest(4, 2, 1);
    cr_assert_eq(n_circles, 1);
    cr_expect_eq(circles[0].edge[1].by.id, 11, "the one that can meet 4");
}

/* Who looks at an order that several make has made it before, or looks. */
Test(lockorder, several_that_began_later_and_one_that_did_not)
{
    start();
    start_one(4, 0);
    nest(0, 1, 2);
    start_one(5, 0);
    start_one(6, 0);
    for (int i = 0; i < 3; i++) {
        nest(5, 2, 1);
        nest(6, 2, 1);
    }
    cr_assert_eq(n_circles, 0);
    nest(4, 2, 1);
    cr_assert_eq(n_circles, 1);
    cr_expect_eq(circles[0].edge[0].by.id, 14);
}

Test(lockorder, several_that_began_later_and_the_creator_again)
{
    start();
    nest(0, 1, 2);
    start_one(5, 0);
    start_one(6, 0);
    nest(5, 2, 1);
    nest(6, 2, 1);
    cr_assert_eq(n_circles, 0);
    nest(0, 1, 2);
    cr_assert_eq(n_circles, 1);
}

/* 0's may still be under way while the others are, but not while 5 is. */
Test(lockorder, an_order_of_ones_own_that_was_its_creators)
{
    start();
    nest(0, 1, 2);
    start_one(5, 0);
    for (int i = 0; i < 2; i++) {
        nest(5, 2, 1);
        nest(5, 1, 2);
    }
    cr_assert_eq(n_circles, 0);
    nest(1, 2, 1);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, an_order_of_ones_own_and_its_creators_the_other_way_round)
{
    start();
    nest(0, 1, 2);
    start_one(5, 0);
    nest(5, 1, 2);
    nest(5, 2, 1);
    cr_assert_eq(n_circles, 0);
    nest(0, 1, 2);
    cr_assert_eq(n_circles, 1);
}

/* More than are remembered. */
Test(lockorder, orders_of_many)
{
    start();
    nest(0, 1, 2);
    for (int i = 0; i < 2000; i++) {
        start_one(4, 0);
        nest(4, 2, 1);
        rc_ctx_end(g[4]);
    }
    cr_assert_eq(n_circles, 0);
    nest(0, 1, 2);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, circles_of_three_of_which_one_is_over)
{
    start();
    nest(0, 1, 2);
    start_one(4, 0);
    nest(4, 2, 3);
    nest(1, 3, 1);
    cr_assert_eq(n_circles, 0, "4 began after 0's, whoever closes the circle");
    nest(1, 1, 2);
    cr_assert_eq(n_circles, 0, "1 makes two of them");
    nest(2, 3, 1);
    cr_assert_eq(n_circles, 1);
    cr_expect_eq(circles[0].n, 3);
}

Test(lockorder, circles_of_three_again)
{
    start();
    nest(0, 1, 2);
    start_one(4, 0);
    nest(4, 2, 3);
    nest(1, 3, 1);
    cr_assert_eq(n_circles, 0);
    nest(0, 1, 2);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, creators_may_have_ended)
{
    start();
    nest(0, 1, 2);
    start_one(4, 0);
    start_one(5, 4);
    rc_ctx_end(g[0]);
    rc_ctx_end(g[4]);
    collect();
    nest(5, 2, 1);
    cr_assert_eq(n_circles, 0);
    nest(1, 2, 1);
    cr_assert_eq(n_circles, 1);
}

/* ---- a slow model: all makings are kept, and all flows' descent ---- */

enum { FLOWS = 8, LOCKS = 3, STEPS = 40 };

static struct {
    int n_flows, parent[FLOWS], place[FLOWS], n_started[FLOWS];
    int n, by[STEPS], count[STEPS], from[STEPS], to[STEPS];
} model;

static bool is_over_before(int a, int b)
{
    for (int f = model.by[b]; f > 0; f = model.parent[f])
        if (model.parent[f] == model.by[a])
            return model.place[f] > model.count[a];
    return false;
}

static bool meet(int a, int b)
{
    return model.by[a] != model.by[b] && !is_over_before(a, b) && !is_over_before(b, a);
}

static bool meet_in_circle(int a, int b)
{
    if (!meet(a, b) || model.to[a] != model.from[b])
        return false;
    bool found = model.to[b] == model.from[a];
    for (int c = 0; c < model.n && !found; c++)
        found = model.to[b] == model.from[c] && model.to[c] == model.from[a] && meet(a, c) &&
                meet(b, c);
    return found;
}

static bool can_be_circle(void)
{
    for (int a = 0; a < model.n; a++)
        for (int b = 0; b < model.n; b++)
            if (meet_in_circle(a, b))
                return true;
    return false;
}

/* So that all their makers are remembered. */
static bool each_edge_is_of_few(void)
{
    unsigned makers[LOCKS][LOCKS] = {{0}};
    for (int i = 0; i < model.n; i++)
        makers[model.from[i]][model.to[i]] |= 1u << model.by[i];
    for (int i = 0; i < LOCKS * LOCKS; i++)
        if (__builtin_popcount(makers[i / LOCKS][i % LOCKS]) > 4)
            return false;
    return true;
}

static void begin(int parent)
{
    int f = model.n_flows++;
    model.parent[f] = parent;
    model.place[f] = ++model.n_started[parent];
    start_one(f, parent);
}

static void make(int by, int from, int to)
{
    int i = model.n++;
    model.by[i] = by;
    model.from[i] = from;
    model.to[i] = to;
    model.count[i] = model.n_started[by];
    nest(by, from, to);
}

/* Until the first circle.  Returns whether one was told though there is none. */
static bool compare(unsigned seed)
{
    for (int l = 0; l < LOCKS; l++)
        lockorder_forget((uintptr_t)&lock[l]);
    model = (__typeof__(model)){.n_flows = 1};
    g[0] = rc_ctx_make(NULL, RC_GOROUTINE, 10, 1, NULL, 0);
    n_circles = 0;
    srandom(seed);
    while (model.n < STEPS && n_circles == 0) {
        int f = (int)random() % model.n_flows, from = (int)random() % LOCKS;
        if (random() % 4 == 0 && model.n_flows < FLOWS)
            begin(f);
        else
            make(f, from, (from + 1 + (int)random() % (LOCKS - 1)) % LOCKS);
        cr_assert(n_circles > 0 || !can_be_circle(), "missed with seed %u", seed);
        cr_assert(n_circles == 0 || can_be_circle() || !each_edge_is_of_few(),
                  "invented with seed %u", seed);
    }
    for (int f = 0; f < model.n_flows; f++)
        rc_ctx_end(g[f]);
    return n_circles > 0 && !can_be_circle();
}

Test(lockorder, as_the_slow_model)
{
    unsigned invented = 0;
    rc_init(NULL);
    for (unsigned seed = 1; seed <= 4000; seed++)
        invented += compare(seed);
    cr_log_info("%u of 4000 invented where many made an edge", invented);
}
