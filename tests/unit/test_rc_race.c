/* test_rc_race.c - from conflicts to reports: each pair once, all facts, on the host's stack. */
#include <criterion/criterion.h>
#include "heap.h"
#include "race.h"
#include "rc_double.h"

static unsigned big_stacks;

static void on_big_stack(void (*fn)(void *), void *arg)
{
    cr_assert_null(rc_current(), "reports are made while nothing is recorded");
    big_stacks++;
    fn(arg);
}

static struct rc_ctx *a, *b;

static void find(uint64_t site_now, uint64_t site_before, unsigned mask)
{
    struct access now = {b, b->clock.now.epoch, w_masks(mask, true), site_now, 0};
    struct found found = {.n = 1};
    found.e[0] = (struct entry){a->clock.now.epoch | w_masks(0x0c, false), site_before};
    struct rc_thread was = rc_enter();
    race_found(&now, 0x1000, &found);
    rc_leave(was);
}

static void start(void)
{
    static const struct rc_host host = {.on_big_stack = on_big_stack};
    rc_init(&host);
    a = rc_ctx_make(NULL, RC_GOROUTINE, 11, 1, NULL, 0);
    b = rc_ctx_make(NULL, RC_THREAD, 12, 1, NULL, 0);
}

Test(rc_race, the_host_is_asked_for_a_stack)
{
    start();
    find(1, 2, 0x0f);
    cr_assert_eq(big_stacks, 1);
    cr_assert_eq(n_reports, 1);
    cr_assert(reports[0].now.addr == 0x1000 && reports[0].now.size == 4);
    cr_assert(reports[0].before.addr == 0x1002 && reports[0].before.size == 2);
    cr_assert(reports[0].now.write && !reports[0].before.write);
    cr_assert_eq(reports[0].now.by->kind, RC_THREAD);
}

Test(rc_race, equal_pairs_once_in_either_order)
{
    start();
    for (int i = 0; i < 3; i++) {
        find(1, 2, 0x0f);
        find(2, 1, 0x0f);
    }
    cr_assert_eq(n_reports, 1);
    find(1, 3, 0x0f);
    find(3, 3, 0x0f);
    find(SITE_FREE | 3, 3, 0x0f);
    cr_assert_eq(n_reports, 3);
}

Test(rc_race, thousands_of_different_pairs_are_all_reported)
{
    start();
    for (uint64_t i = 1; i <= 20000; i++)
        find(i, i * 7 + 1000000, 0x0f);
    cr_assert_eq(n_reports, 20000);
}

Test(rc_race, a_benign_range_is_silent_for_its_own_bytes_only)
{
    start();
    race_benign(0x1002, 1);
    find(1, 2, 0x04);
    cr_assert_eq(n_reports, 0);
    find(1, 2, 0x08);
    cr_assert_eq(n_reports, 1);
}

/* b's access to memory that b has freed, or a without order. */
static void use(struct rc_ctx *by, uint64_t site_now, uint64_t site_free)
{
    struct access now = {b, b->clock.now.epoch, w_masks(0x0f, false), site_now, 0};
    struct found found = {.n = 1};
    found.e[0] = (struct entry){by->clock.now.epoch | w_free_masks(0xff), site_free | SITE_FREE};
    struct rc_thread was = rc_enter();
    race_found(&now, 0x1000, &found);
    rc_leave(was);
}

Test(rc_race, use_after_free_is_told_while_the_block_is_in_quarantine)
{
    start();
    heap_add(0x1000, 64, 1, NULL);
    heap_remove(0x1000);
    use(b, 21, 22);
    cr_expect_eq(n_uses, 0, "libc has the block, and may use it");
    heap_add(0x1000, 64, 1, NULL);
    size_t n;
    cr_assert_eq(heap_free(0x1000, SIZE_MAX, &n), HEAP_KEPT);
    for (int i = 0; i < 2; i++)
        use(b, 21, 22);
    cr_assert_eq(n_uses, 1);
    cr_expect(uses[0].before.free && uses[0].before.write && !uses[0].before.atomic);
    cr_expect(uses[0].before.size == 8 && uses[0].now.size == 4 && !uses[0].now.free);
    cr_expect_eq(n_reports, 0);
    use(a, 31, 32);
    cr_expect(n_uses == 1 && n_reports == 1, "without order it is a race");
}
