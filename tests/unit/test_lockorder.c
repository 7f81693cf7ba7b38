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

/* Of a lock whose waiting writers keep new readers out. */
static void read_in(int flow, int outer, int inner)
{
    take(flow, outer, RC_LOCK_QUEUES);
    take(flow, inner, RC_LOCK_QUEUES);
    drop(flow, inner);
    drop(flow, outer);
}

static void write_one(int flow, int i)
{
    take(flow, i, RC_LOCK_WRITE | RC_LOCK_QUEUES);
    drop(flow, i);
}

Test(lockorder, reading_again_with_a_writer_between)
{
    start();
    read_in(0, 1, 1);
    write_one(0, 1);
    write_one(1, 2);
    cr_assert_eq(n_circles, 0, "nobody else writes it");
    write_one(1, 1);
    cr_assert_eq(n_circles, 1);
    cr_assert_eq(circles[0].n, 1);
    cr_expect_eq(circles[0].edge[0].by.id, 10);
    cr_assert_eq(circles[0].n_writers, 1);
    cr_expect_eq(circles[0].writer[0].by.id, 11);
    cr_expect(circles[0].writer[0].taken.for_write);
    read_in(2, 1, 1);
    write_one(3, 1);
    cr_expect_eq(n_circles, 1, "told once");
}

Test(lockorder, the_writer_may_have_come_before)
{
    start();
    write_one(1, 1);
    take(0, 1, RC_LOCK_QUEUES);
    take(0, 1, RC_LOCK_QUEUES | RC_LOCK_TRIED);
    cr_assert_eq(n_circles, 0, "who tries does not wait");
    drop(0, 1);
    take(0, 1, RC_LOCK_QUEUES);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, writers_that_let_readers_pass_do_not_count)
{
    start();
    for (int flow = 0; flow < 3; flow++) {
        take(flow, 1, 0);
        take(flow, 1, 0);
        drop(flow, 1);
        drop(flow, 1);
        take(flow, 1, RC_LOCK_WRITE);
        drop(flow, 1);
    }
    take(3, 2, RC_LOCK_WRITE | RC_LOCK_QUEUES | RC_LOCK_TRIED);
    drop(3, 2);
    read_in(0, 2, 2);
    cr_assert_eq(n_circles, 0, "nor those that do not wait");
}

Test(lockorder, a_writer_that_is_kept_out)
{
    start();
    take(0, 9, RC_LOCK_WRITE);
    read_in(0, 1, 1);
    drop(0, 9);
    for (int flow = 0; flow < 3; flow++) {
        take(flow, 9, RC_LOCK_WRITE);
        write_one(flow, 1);
        drop(flow, 9);
    }
    cr_assert_eq(n_circles, 0);
    write_one(1, 1);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, readers_in_a_circle_need_a_writer_of_each_lock)
{
    start();
    read_in(0, 1, 2);
    read_in(1, 2, 1);
    write_one(2, 1);
    write_one(3, 1);
    cr_assert_eq(n_circles, 0);
    write_one(1, 2);
    write_one(0, 2);
    cr_assert_eq(n_circles, 0, "they are in the circle already");
    write_one(2, 2);
    cr_assert_eq(n_circles, 1);
    cr_expect_eq(circles[0].n, 2);
    cr_expect_eq(circles[0].n_writers, 2);
}

Test(lockorder, as_many_flows_as_sides)
{
    start();
    for (int flow = 0; flow < 3; flow++) {
        read_in(flow, 1, 2);
        read_in(flow, 2, 1);
        write_one(flow, 1);
        write_one(flow, 2);
    }
    cr_assert_eq(n_circles, 0, "three are not four");
    write_one(3, 2);
    cr_assert_eq(n_circles, 1);
}

Test(lockorder, one_writer_that_makes_several)
{
    start();
    read_in(0, 1, 1);
    take(0, 1, RC_LOCK_QUEUES);
    take(0, 2, RC_LOCK_WRITE);
    drop(0, 2);
    drop(0, 1);
    take(1, 2, RC_LOCK_WRITE);
    take(1, 1, RC_LOCK_QUEUES);
    drop(1, 1);
    drop(1, 2);
    cr_assert_eq(n_circles, 0);
    write_one(2, 1);
    cr_assert_eq(n_circles, 2);
}

Test(lockorder, another_writer_is_named_than_who_reads)
{
    start();
    for (int flow = 0; flow < 2; flow++) {
        write_one(flow, 1);
        read_in(flow, 1, 1);
    }
    cr_assert_eq(n_circles, 1);
    cr_expect_eq(circles[0].edge[0].by.id, 10);
    cr_expect_eq(circles[0].writer[0].by.id, 11);
}

Test(lockorder, what_is_told_is_the_take_for_writing)
{
    start();
    take(0, 1, 0);
    take(0, 2, RC_LOCK_WRITE);
    drop(0, 2);
    drop(0, 1);
    nest(1, 2, 1);
    cr_assert_eq(n_circles, 1, "who reads waits for who writes");
    take(0, 3, 0);
    nest(0, 4, 5);
    drop(0, 3);
    take(1, 5, RC_LOCK_WRITE);
    take(1, 3, 0);
    drop(1, 3);
    drop(1, 5);
    cr_assert_eq(n_circles, 1, "both read 3");
    nest(2, 5, 3);
    cr_assert_eq(n_circles, 2);
    cr_expect(circles[1].edge[0].taken.for_write);
    cr_expect_eq(circles[1].edge[0].by.id, 12);
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
    write_one(0, 1);
    lockorder_forget((uintptr_t)&lock[1]);
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
