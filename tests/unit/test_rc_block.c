/* test_rc_block.c - an object of the host's from its making to its end, and what is told. */
#include <criterion/criterion.h>
#include "block.h"
#include "quarantine.h"
#include "rc_double.h"
#include "real.h"

enum { SIZE = 100 };

static struct rc_ctx *one, *other; /* nothing orders them */

static char *made_by_one(size_t n)
{
    rc_init(NULL);
    one = rc_ctx_make(rc_current(), RC_GOROUTINE, 7, 1, NULL, 0);
    other = rc_ctx_make(rc_current(), RC_GOROUTINE, 8, 1, NULL, 0);
    rc_switch(one);
    char *p = rt_real_malloc(n); /* a sanitizer of this test has a malloc() of its own */
    rc_block_made(one, p, n, 0x1000);
    return p;
}

static bool is_kept(const char *p)
{
    size_t n;
    return heap_kept_size((uintptr_t)p, &n) && n == SIZE;
}

Test(rc_block, object_freed_and_gone_is_kept)
{
    char *p = made_by_one(SIZE);
    rc_uses(one, p, 0x1001);
    cr_assert(rc_block_freed(one, p, NULL, 0x1002));
    cr_assert_eq(n_uses, 0);
    rc_block_gone(p, SIZE);
    cr_assert(is_kept(p));
    rc_uses(one, p, 0x1003);
    cr_assert_eq(n_uses, 1);
    cr_expect(uses[0].before.free && !uses[0].now.free);
    cr_expect_eq(n_reports, 0);
}

Test(rc_block, part_of_an_object_is_freed_with_it)
{
    char *p = made_by_one(SIZE);
    rc_read(other, p + 8, 1, 0x1001);
    rc_block_freed(one, p, p + 32, 0x1002);
    rc_uses(one, p + 8, 0x1003);
    cr_expect_eq(n_uses, 0, "the rest is the host's");
    rc_uses(one, p + 32, 0x1004);
    cr_expect_eq(n_uses, 1);
    cr_expect_eq(n_reports, 0);
}

Test(rc_block, second_free_is_told_and_is_nothing_else)
{
    char *p = made_by_one(SIZE);
    cr_assert(rc_block_freed(one, p, NULL, 0x1001));
    cr_assert_not(rc_block_freed(one, p, NULL, 0x1002), "before it is gone");
    rc_block_gone(p, SIZE);
    cr_assert_not(rc_block_freed(one, p, NULL, 0x1003), "and after");
    cr_assert_eq(n_uses, 2);
    cr_expect(uses[0].now.free && uses[0].before.free);
    rc_block_gone(p, SIZE);
    cr_expect(is_kept(p), "nobody is through with it twice");
}

Test(rc_block, object_that_others_refer_to_is_kept_from_its_free_on)
{
    char *p = made_by_one(SIZE);
    rc_block_freed(one, p, NULL, 0x1001);
    rc_uses(one, p, 0x1002);
    cr_assert_eq(n_uses, 1);
    for (int i = 0; i < 2000; i++) { /* more than the quarantine has room for */
        void *q = rt_real_malloc(SIZE);
        rc_block_made(one, q, SIZE, 0x1003);
        rc_block_freed(one, q, NULL, 0x1004);
        rc_block_gone(q, SIZE);
    }
    cr_expect(is_kept(p));
    rc_block_gone(p, SIZE);
}

Test(rc_block, object_is_gone_without_a_free)
{
    char *p = made_by_one(SIZE);
    rc_block_gone(p, SIZE);
    cr_expect(is_kept(p));
    rc_uses(one, p, 0x1001);
    cr_expect_eq(n_uses, 0, "the program has freed nothing");
}

Test(rc_block, large_object_goes_at_once)
{
    size_t n = quarantine_limit() + 1;
    char *p = made_by_one(n);
    cr_assert(rc_block_freed(one, p, NULL, 0x1001));
    rc_block_gone(p, n);
    cr_expect_not(heap_is_kept((uintptr_t)p));
}

Test(rc_block, free_races_with_what_nothing_orders)
{
    char *p = made_by_one(SIZE);
    rc_read(other, p, 1, 0x1001);
    rc_block_freed(one, p, NULL, 0x1002);
    cr_assert_eq(n_reports, 1);
    cr_expect(reports[0].now.free && !reports[0].before.free);
    rc_uses(other, p, 0x1003);
    cr_assert_eq(n_reports, 2);
    cr_expect(reports[1].before.free);
    cr_expect_eq(n_uses, 0);
}

Test(rc_block, clocks_stay_until_it_is_gone)
{
    char *p = made_by_one(SIZE), *q = rt_real_malloc(8);
    rc_mem_fresh(q, 8);
    rc_write(one, q, 8, 0x1001);
    rc_release(one, p + 8);
    rc_block_freed(one, p, NULL, 0x1002);
    rc_acquire(other, p + 8);
    rc_write(other, q, 8, 0x1003);
    cr_assert_eq(n_reports, 0);
    rc_release(other, p + 8);
    rc_block_gone(p, SIZE);
    rc_acquire(one, p + 8);
    rc_write(one, q, 8, 0x1004);
    cr_assert_eq(n_reports, 1);
}
