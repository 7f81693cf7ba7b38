/* test_held.c - the locks that each flow holds. */
#include "rc_double.h"
#include <criterion/criterion.h>
#include "ctx.h"

static char lock[2 * RC_LOCKS_SHOWN];

static struct rc_ctx *flow(uint64_t id)
{
    rc_init(NULL);
    return rc_ctx_make(rc_current(), RC_GOROUTINE, id, 0x1000, NULL, 0);
}

static size_t held(const struct rc_ctx *c)
{
    const void *some[RC_LOCKS_SHOWN];
    return rc_locks_held(c, some, RC_LOCKS_SHOWN);
}

Test(held, locks_are_held_until_they_are_dropped)
{
    const void *some[2];
    struct rc_ctx *c = flow(2);
    cr_expect_eq(held(NULL), 0);
    cr_expect_eq(held(c), 0);
    for (int i = 0; i < 3; i++)
        rc_lock_taken(c, &lock[i], RC_LOCK_WRITE, "mutex", 0x2000);
    cr_expect_eq(held(c), 3);
    rc_lock_dropped(c, &lock[1]);
    rc_lock_dropped(c, &lock[7]); /* never taken */
    cr_assert_eq(rc_locks_held(c, some, 2), 2);
    cr_expect(some[0] == &lock[0] && some[1] == &lock[2]);
    cr_assert_eq(rc_locks_held(c, some, 1), 1);
}

Test(held, more_than_are_shown_are_counted)
{
    struct rc_ctx *c = flow(2);
    for (int i = 0; i < RC_LOCKS_SHOWN + 2; i++)
        rc_lock_taken(c, &lock[i], RC_LOCK_TRIED, "rwmutex", 0x2000);
    cr_expect_eq(held(c), RC_LOCKS_SHOWN);
    cr_expect_eq(c->n_locks + c->n_more, RC_LOCKS_SHOWN + 2);
    for (int i = RC_LOCKS_SHOWN + 1; i >= 0; i--)
        rc_lock_dropped(c, &lock[i]);
    cr_expect_eq(c->n_locks, 0);
}

/* As they were taken, not the other way round. */
Test(held, more_than_are_shown_in_any_order)
{
    struct rc_ctx *c = flow(2);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < RC_LOCKS_SHOWN + 3; i++)
            rc_lock_taken(c, &lock[i], RC_LOCK_TRIED, "mutex", 0x2000);
        for (int i = 0; i < RC_LOCKS_SHOWN + 3; i++)
            rc_lock_dropped(c, &lock[i]);
        cr_assert_eq(c->n_locks + c->n_more, 0);
    }
    for (int i = 0; i < RC_LOCKS_SHOWN + 3; i++)
        cr_expect_not(rc_is_handed_over(&lock[i]));
}

Test(held, holders_are_found_by_the_lock)
{
    struct rc_ctx *c = flow(2), *d = flow(3);
    struct rc_holder h[2];
    rc_ctx_name(d, "reader");
    rc_lock_taken(c, &lock[0], RC_LOCK_WRITE, "mutex", 0x2000);
    rc_lock_taken(d, &lock[1], 0, "rwmutex", 0x3000);
    cr_expect_eq(rc_holders_of(&lock[2], h, 2), 0);
    cr_assert_eq(rc_holders_of(&lock[1], h, 2), 1);
    cr_expect(h[0].by.id == 3 && h[0].by.kind == RC_GOROUTINE && !h[0].lock.for_write);
    cr_expect_str_eq(h[0].by.name, "reader");
    cr_expect_eq(h[0].lock.taken_at, rc_here(d, 0x3000));
    rc_lock_taken(c, &lock[1], 0, "rwmutex", 0x2000);
    cr_expect_eq(rc_holders_of(&lock[1], h, 2), 2);
    cr_expect_eq(rc_holders_of(&lock[1], h, 1), 1);
}

Test(held, a_lock_outlives_its_holder)
{
    struct rc_ctx *c = flow(2), *d = flow(3);
    struct rc_holder h[2];
    rc_site at = rc_here(c, 0x2000);
    rc_lock_taken(c, &lock[0], RC_LOCK_WRITE, "mutex", 0x2000);
    rc_lock_taken(d, &lock[1], RC_LOCK_WRITE, "mutex", 0x3000);
    rc_lock_dropped(d, &lock[1]);
    rc_ctx_end(c);
    rc_ctx_end(d);
    cr_expect_eq(rc_holders_of(&lock[1], h, 2), 0, "it was unlocked");
    cr_assert_eq(rc_holders_of(&lock[0], h, 2), 1);
    cr_expect(h[0].ended && h[0].by.id == 2 && h[0].lock.taken_at == at);
    cr_expect_eq(rc_holders_of(&lock[0], h, 0), 0);
    struct rc_ctx *next = flow(4);
    rc_lock_taken(next, &lock[0], RC_LOCK_WRITE, "mutex", 0x4000);
    cr_assert_eq(rc_holders_of(&lock[0], h, 2), 1);
    cr_expect(!h[0].ended && h[0].by.id == 4, "somebody else had unlocked it");
}

Test(held, the_last_of_many_ended_holders)
{
    struct rc_holder h;
    for (uint64_t id = 2; id < 200; id++) {
        struct rc_ctx *c = flow(id);
        rc_lock_taken(c, &lock[id % 3], RC_LOCK_WRITE, "mutex", 0x2000);
        rc_ctx_end(c);
    }
    cr_assert_eq(rc_holders_of(&lock[0], &h, 1), 1);
    cr_expect_eq(h.by.id, 198);
}

Test(held, what_is_handed_over_is_held_by_nobody)
{
    struct rc_ctx *c = flow(2), *d = flow(3);
    struct rc_holder h;
    rc_lock_taken(c, &lock[0], RC_LOCK_WRITE, "mutex", 0x2000);
    rc_lock_taken(c, &lock[1], RC_LOCK_WRITE, "mutex", 0x2000);
    rc_lock_dropped(d, &lock[0]);
    cr_expect(rc_is_handed_over(&lock[0]) && !rc_is_handed_over(&lock[1]));
    cr_expect_eq(held(c), 1, "others do not see it any more");
    cr_expect_eq(rc_holders_of(&lock[0], &h, 1), 0);
    rc_lock_taken(c, &lock[2], RC_LOCK_WRITE, "mutex", 0x2000);
    cr_expect_eq(c->n_locks, 2, "its list has %u", c->n_locks);
    cr_expect(c->lock[0].lock == &lock[1] && c->lock[1].lock == &lock[2]);
    rc_lock_taken(d, &lock[0], RC_LOCK_WRITE, "mutex", 0x2000);
    cr_expect_eq(d->n_locks, 0, "nor does the next taker hold it");
    rc_lock_dropped(d, &lock[0]);
    cr_expect_eq(d->n_locks, 0);
}

Test(held, a_new_lock_in_the_same_place_is_held_again)
{
    struct rc_ctx *c = flow(2), *d = flow(3);
    rc_lock_taken(c, &lock[0], RC_LOCK_WRITE, "mutex", 0x2000);
    rc_lock_dropped(d, &lock[0]);
    held_forget((uintptr_t)&lock[1]);
    cr_expect(rc_is_handed_over(&lock[0]));
    held_forget((uintptr_t)&lock[0]);
    cr_expect_not(rc_is_handed_over(&lock[0]));
    rc_lock_taken(d, &lock[0], RC_LOCK_WRITE, "mutex", 0x2000);
    cr_expect_eq(d->n_locks, 1);
}

Test(held, more_are_handed_over_than_can_be_remembered)
{
    enum { MANY = 100000 };
    static char many[MANY];
    struct rc_ctx *c = flow(2), *d = flow(3);
    for (int i = 0; i < MANY; i++) {
        rc_lock_taken(c, &many[i], RC_LOCK_WRITE, "mutex", 0x2000);
        rc_lock_dropped(d, &many[i]);
        cr_assert(rc_is_handed_over(&many[i]));
        cr_assert_leq(c->n_locks, 1);
    }
}

Test(held, moves_and_places)
{
    struct rc_ctx *c = flow(2);
    uint32_t before = rc_moves(c);
    cr_expect_eq(rc_moves(NULL), 0);
    cr_expect_eq(rc_moves(c), before);
    rc_release(c, &lock[0]);
    cr_expect_neq(rc_moves(c), before);
    uint64_t place = rc_place(c);
    c->waits_at = 0x5000;
    cr_expect_neq(rc_place(c), place);
}
