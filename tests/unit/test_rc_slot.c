/* test_rc_slot.c - who may go on in an ended flow's slot. */
#include <criterion/criterion.h>
#include "rc_double.h"
#include "slot.h"

static struct snap knows(uint64_t w)
{
    return (struct snap){.vc = vc_raise(NULL, w_slot(w), w_clock(w))};
}

Test(rc_slot, passes_to_a_flow_that_knows_the_end)
{
    slot_init();
    struct rc_life *d = life_make(RC_GOROUTINE, 1), *c = life_make(RC_GOROUTINE, 2);
    uint64_t first = slot_take(d, NULL), last = first + w_epoch(0, 5), now = first + w_epoch(0, 6);
    slot_give(d, now, last);
    struct snap s = knows(last);
    uint64_t next = slot_take(c, &s);
    cr_assert_eq(w_slot(next), w_slot(first));
    cr_assert_gt(w_clock(next), w_clock(now));
    cr_assert_eq(slot_life(last), d);
    cr_assert_eq(slot_life(now), d);
    cr_assert_eq(slot_life(next), c);
    cr_assert_eq(slot_life(next + w_epoch(0, 100)), c);
    cr_assert_eq(slot_count(), 1);
}

Test(rc_slot, does_not_pass_to_one_that_missed_the_last_moment)
{
    slot_init();
    struct rc_life *d = life_make(RC_GOROUTINE, 1), *c = life_make(RC_GOROUTINE, 2);
    uint64_t first = slot_take(d, NULL), last = first + w_epoch(0, 5);
    slot_give(d, last, last);
    struct snap s = knows(last - w_epoch(0, 1));
    cr_assert_neq(w_slot(slot_take(c, &s)), w_slot(first));
    cr_assert_neq(w_slot(slot_take(life_make(RC_GOROUTINE, 3), NULL)), w_slot(first));
    cr_assert_eq(slot_count(), 3);
}

Test(rc_slot, a_life_may_have_several)
{
    slot_init();
    struct rc_life *d = life_make(RC_GOROUTINE, 1);
    uint64_t a = slot_take(d, NULL), b = slot_take(d, NULL);
    cr_assert_neq(w_slot(a), w_slot(b));
    cr_assert(slot_life(a) == d && slot_life(b) == d);
}

static bool count(struct rc_life *l, void *arg)
{
    *(uint64_t *)arg += l->id;
    return false;
}

Test(rc_slot, every_life_is_visited)
{
    uint64_t sum = 0;
    slot_init();
    for (uint64_t id = 1; id <= 10; id++)
        slot_take(life_make(RC_THREAD, id), NULL);
    slot_each_life(count, &sum);
    cr_assert_eq(sum, 55);
}
