/* test_journal.c - what is known of the order between two flows. */
#include <criterion/criterion.h>
#include "ctx.h"
#include "journal.h"
#include "rc_double.h"
#include "sync.h"

static struct rc_ctx *a, *b;
static char mu, other, more[8];
static struct rc_order_info info;

static void start(void)
{
    rc_init(NULL);
    a = rc_ctx_make(NULL, RC_GOROUTINE, 2, 1, NULL, 0);
    b = rc_ctx_make(NULL, RC_GOROUTINE, 3, 1, NULL, 0);
}

/* Asks about an access that a makes now. */
static uint64_t access_now(void)
{
    return a->clock.now.epoch;
}

static void ask(uint64_t before)
{
    journal_between(b, a->life, before, &info);
}

Test(journal, nothing_has_happened)
{
    start();
    ask(access_now());
    cr_assert(info.known && info.n_since == 0 && info.all_since && !info.published);
    cr_assert_eq(info.learned.kind, RC_EVENT_NONE);
    cr_assert_eq(info.shared.kind, RC_EVENT_NONE);
}

Test(journal, only_releases_after_the_access_count)
{
    start();
    rc_release(a, &other);
    uint64_t before = access_now();
    ask(before);
    cr_assert_eq(info.n_since, 0);
    rc_release(a, &mu);
    rc_release_merge(a, &other);
    ask(before);
    cr_assert(info.known && info.published && info.all_since && info.n_since == 2);
    cr_assert_eq(info.since[0].obj, &mu);
    cr_assert_eq(info.since[1].obj, &other);
    cr_assert_eq(info.since[0].kind, RC_EVENT_RELEASE);
}

Test(journal, the_first_releases_may_be_forgotten_and_then_it_says_so)
{
    start();
    uint64_t before = access_now();
    for (int i = 0; i < 8; i++)
        rc_release(a, &more[i]);
    ask(before);
    cr_assert(info.published && !info.all_since && info.n_since == RC_EVENTS_SHOWN);
    cr_assert_eq(info.since[RC_EVENTS_SHOWN - 1].obj, &more[7]);
}

Test(journal, an_object_that_both_use_too_early)
{
    start();
    rc_release(a, &mu);
    rc_acquire(b, &mu);
    uint64_t before = access_now();
    rc_release(a, &more[0]);
    rc_release(a, &mu);
    ask(before);
    cr_assert_eq(info.shared.obj, &mu);
    cr_assert_eq(info.shared.kind, RC_EVENT_ACQUIRE);
    cr_assert_eq(info.shared_with, 1);
    cr_assert_not(info.peeked);
    cr_assert_eq(info.learned.obj, &mu);
}

Test(journal, starting_a_flow_is_a_release)
{
    start();
    uint64_t before = access_now();
    rc_ctx_make(a, RC_GOROUTINE, 4, 1, NULL, 0);
    ask(before);
    cr_assert_eq(info.n_since, 1);
    cr_assert_eq(info.since[0].kind, RC_EVENT_START);
    cr_assert_eq(info.since[0].obj, rc_flow_name(RC_GOROUTINE, 4));
}

Test(journal, of_flows_that_have_ended)
{
    start();
    const struct rc_life *life = a->life;
    uint64_t before = access_now();
    rc_release(a, &mu);
    rc_ctx_end(a);
    journal_between(b, life, before, &info);
    cr_assert(info.known && info.n_since == 1 && info.since[0].obj == &mu);
}

Test(journal, of_a_flow_that_was_alone)
{
    start();
    const struct rc_life *life = a->life;
    uint64_t before = access_now();
    rc_ctx_end(a);
    journal_between(b, life, before, &info);
    cr_assert(info.known && info.n_since == 0 && info.all_since);
}

Test(journal, many_ends_later_it_is_not_known)
{
    start();
    const struct rc_life *life = a->life;
    uint64_t before = access_now();
    rc_release(a, &mu);
    rc_ctx_end(a);
    for (uint64_t i = 0; i < 10000; i++) {
        struct rc_ctx *c = rc_ctx_make(NULL, RC_GOROUTINE, 10 + i, 1, NULL, 0);
        rc_release(c, &other);
        rc_ctx_end(c);
    }
    journal_between(b, life, before, &info);
    cr_assert_not(info.known);
}
