/* test_lockorder.c - orders of locks: circles that can be deadlocks, and those that cannot. */
#include <criterion/criterion.h>
#include "lockorder.h"
#include "rc_double.h"

static struct rc_ctx *g[4];
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
