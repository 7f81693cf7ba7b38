/* test_rc_memo.c - remembered transitions. */
#include <criterion/criterion.h>
#include <string.h>
#include "memo.h"
#include "pool.h"
#include "rc_double.h"

/* Records as cell.c makes them, with references of our own. */
static struct past *record(uint64_t w)
{
    struct past *p = rc_alloc(sizeof *p + 2 * sizeof p->e[0]);
    memset(p, 0, sizeof *p);
    p->refs = 1;
    p->cap = p->n = 2;
    p->e[0] = (struct entry){w, 1};
    p->e[1] = (struct entry){w, 2};
    return p;
}

static struct entry state(struct past *p)
{
    return (struct entry){w_epoch(1, 1), (uintptr_t)p | SITE_PAST};
}

static const struct access by = {.who = UINT64_C(5) << W_SLOT_SHIFT, .masks = 0xf, .site = 77};

Test(rc_memo, a_place_is_worth_remembering_the_second_time_in_an_epoch)
{
    struct access later = by;
    later.who += w_epoch(0, 1);
    cr_assert_not(memo_again(&by));
    cr_assert(memo_again(&by));
    cr_assert_not(memo_again(&later));
}

Test(rc_memo, finds_what_it_learned_and_only_that)
{
    struct entry next = {0, 0}, old = state(record(1)), to = state(record(2));
    struct access other = by;
    cr_assert_not(memo_find(old, &by, &next));
    memo_again(&by);
    memo_learn(old, &by, to);
    cr_assert(memo_find(old, &by, &next));
    cr_assert_eq(next.site, to.site);
    other.masks = 0xff;
    cr_assert_not(memo_find(old, &other, &next));
    other = by;
    other.who += w_epoch(0, 1);
    cr_assert_not(memo_find(old, &other, &next), "another epoch may know less or more");
    cr_assert_not(memo_find(to, &by, &next));
}

Test(rc_memo, references_are_balanced_however_often_it_is_used)
{
    struct past *p = record(1), *q = record(2);
    struct entry next = {0, 0};
    memo_again(&by);
    memo_learn(state(p), &by, state(q));
    p->refs += 1000; /* as many cells are in this state */
    for (int i = 0; i < 1000; i++)
        cr_assert(memo_find(state(p), &by, &next));
    memo_thread_fini();
    cr_assert_eq(p->refs, 1, "all of them gave theirs up");
    cr_assert_eq(q->refs, 1 + 1000, "and have one to the next");
}

Test(rc_memo, equal_contents_are_found_again)
{
    struct past *p = record(1);
    struct entry e[2] = {{1, 1}, {1, 2}}, f[2] = {{1, 1}, {1, 3}};
    memo_again(&by);
    cr_assert_null(memo_same(e, 2));
    memo_keep(p);
    cr_assert_eq(memo_same(e, 2), p);
    cr_assert_null(memo_same(f, 2));
    cr_assert_null(memo_same(e, 1));
    memo_thread_fini();
    cr_assert_eq(p->refs, 2, "ours and the one that memo_same() gave");
}

/* A transition of its own for each i, learned as a loop over them does it. */
static bool meets_again(uint32_t i)
{
    struct entry next = {0, 0}, old = {w_epoch(1, 1 + i), 1};
    if (memo_find(old, &by, &next))
        return next.w == w_epoch(2, 1 + i);
    if (memo_again(&by))
        memo_learn(old, &by, (struct entry){w_epoch(2, 1 + i), 1});
    return false;
}

Test(rc_memo, the_table_grows_with_what_one_epoch_repeats)
{
    enum { TRANSITIONS = 2000, ROUNDS = 20 };
    cr_assert_not(meets_again(0));
    uint64_t bytes = memo_bytes();
    int known = 0;
    for (int round = 0; round < ROUNDS; round++) {
        known = 0;
        for (uint32_t i = 0; i < TRANSITIONS; i++)
            known += meets_again(i);
    }
    cr_expect_gt(known, TRANSITIONS / 2, "%d", known);
    cr_expect_gt(memo_bytes(), bytes);
    memo_thread_fini();
    cr_expect_eq(memo_bytes(), 0);
}
