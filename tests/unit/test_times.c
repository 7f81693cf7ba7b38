/* test_times.c - between which notes an epoch lies, against the whole list of notes. */
#include <criterion/criterion.h>
#include "ctx.h"
#include "rand.h"
#include "rc_double.h"
#include "times.h"

static struct rc_life life;
static uint64_t after, until;

static void ask(uint32_t slot, uint32_t clock)
{
    times_of(&life, w_epoch(slot, clock), &after, &until);
}

Test(times, nothing_is_known_without_notes)
{
    after = until = 1;
    ask(1, 1);
    cr_assert(after == 0 && until == 0);
    times_of(NULL, w_epoch(1, 1), &after, &until);
    cr_assert(after == 0 && until == 0);
}

Test(times, an_epoch_lies_between_the_notes_of_its_neighbours)
{
    times_note(&life, w_epoch(1, 5), 100);
    times_note(&life, w_epoch(1, 5), 200);
    times_note(&life, w_epoch(1, 7), 300);
    ask(1, 4);
    cr_assert(after == 0 && until == 100);
    ask(1, 5);
    cr_assert(after == 0 && until == 300);
    ask(1, 6);
    cr_assert(after == 200 && until == 300);
    ask(1, 7);
    cr_assert(after == 200 && until == 0);
    ask(1, 8);
    cr_assert(after == 300 && until == 0);
    times_free(&life);
    cr_assert_null(life.times);
}

Test(times, a_flow_goes_on_in_another_slot)
{
    times_note(&life, w_epoch(9, 100), 10);
    times_note(&life, w_epoch(9, 200), 20);
    times_note(&life, w_epoch(4, 1), 30);
    times_note(&life, w_epoch(4, 2), 40);
    ask(9, 200);
    cr_assert(after == 10 && until == 30);
    ask(4, 1);
    cr_assert(after == 20 && until == 40);
    ask(5, 150);
    cr_assert(after == 0 && until == 0, "a slot that no note is of");
    times_free(&life);
}

enum { NOTES = 3000 };

/* Whatever was dropped, an answer is true; for the latest epochs it is exact, and for the older
 * ones no wider than their age allows. */
Test(times, answers_are_true_and_as_exact_as_they_are_old)
{
    static uint64_t when[NOTES];
    struct rt_rand r = {7};
    uint64_t now = 1;
    for (uint32_t i = 0; i < NOTES; i++) {
        when[i] = now += 1 + rand_below(&r, 50);
        times_note(&life, w_epoch(1, 2 * i), now);
    }
    for (uint32_t i = 0; i + 1 < NOTES; i++) { /* in an epoch between two notes */
        ask(1, 2 * i + 1);
        cr_assert(after > 0 && after <= when[i] && until >= when[i + 1], "note %u", i);
        uint64_t age = now - when[i];
        cr_assert_leq(until - after, 4 * age + 100, "note %u: %lu long, %lu old", i,
                      (unsigned long)(until - after), (unsigned long)age);
        if (i + 4 > NOTES)
            cr_assert(after == when[i] && until == when[i + 1]);
    }
    times_free(&life);
}

Test(times, a_host_notes_for_a_context)
{
    rc_init(NULL);
    struct rc_ctx *a = rc_ctx_make(NULL, RC_GOROUTINE, 2, 1, NULL, 0);
    static char mu;
    rc_note_time(NULL, 5);
    rc_note_begin(NULL, 5);
    rc_note_begin(a, 6);
    times_of(a->life, a->clock.now.epoch, &after, &until);
    cr_assert(after == 6 && until == 0, "whatever it does, it does later");
    rc_note_time(a, 10);
    rc_release(a, &mu);
    uint64_t epoch = a->clock.now.epoch;
    rc_release(a, &mu);
    rc_note_time(a, 20);
    times_of(a->life, epoch, &after, &until);
    cr_assert(after == 10 && until == 20);
    rc_note_end(a, 30);
    times_of(a->life, a->clock.now.epoch, &after, &until);
    cr_assert(after == 10 && until == 30, "whatever it did, it did before");
}
