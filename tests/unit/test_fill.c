/* test_fill.c - a free of memory that was hardly used costs no cells, and is there for all that. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include "fill.h"
#include "heap.h"
#include "rc_double.h"
#include "shadow.h"

void __tsan_write8(void *);

enum { PAGES = 8, BYTES = PAGES * OWNER_PAGE };

static char memory[BYTES] __attribute__((aligned(OWNER_PAGE)));

static uint32_t word_of(int page)
{
    uintptr_t p = (uintptr_t)memory + (size_t)page * OWNER_PAGE;
    return *shadow_owner(shadow_get(p), p);
}

static struct rc_ctx *freed_by_one_unknown_to(void)
{
    rc_init(NULL);
    struct rc_ctx *one = rc_ctx_make(rc_current(), RC_GOROUTINE, 7, 1, NULL, 0);
    struct rc_ctx *other = rc_ctx_make(rc_current(), RC_GOROUTINE, 8, 1, NULL, 0);
    rc_switch(one);
    __tsan_write8(memory + 3 * OWNER_PAGE);
    rc_mem_freed(one, memory, BYTES, 1);
    rc_switch(other);
    return other;
}

Test(fill, pages_that_were_not_used_share_one_record)
{
    freed_by_one_unknown_to();
    cr_assert_eq(fill_count(), 1);
    for (int i = 0; i < PAGES; i++)
        cr_assert_eq((word_of(i) & OWNER_FILLED) != 0, i != 3, "page %d", i);
}

Test(fill, every_byte_races)
{
    struct rc_ctx *other = freed_by_one_unknown_to();
    for (unsigned i = 0; i < PAGES; i++) { /* from different places: else they are one report */
        rc_read(other, memory + i * OWNER_PAGE + 801 + i, 1, 0x1000 + 2 * i);
        cr_assert_eq(n_reports, 2 * i + 1, "page %u", i);
        rc_write(other, memory + (i + 1) * OWNER_PAGE - 8, 8, 0x1001 + 2 * i);
        cr_assert_eq(n_reports, 2 * i + 2, "page %u", i);
        cr_assert((word_of((int)i) & OWNER_FILLED) == 0);
    }
    cr_assert_eq(fill_count(), 0, "all are spread");
}

Test(fill, fresh_memory_is_as_if_never_used)
{
    struct rc_ctx *other = freed_by_one_unknown_to();
    rc_mem_fresh(memory, BYTES);
    cr_assert_eq(fill_count(), 0);
    cr_assert_eq(word_of(5), (uint32_t)OWNER_NONE);
    rc_write(other, memory, BYTES, 1);
    cr_assert_eq(n_reports, 0);
}

Test(fill, what_is_around_fresh_memory_stays)
{
    struct rc_ctx *other = freed_by_one_unknown_to();
    char *at = memory + OWNER_PAGE + 1001;
    rc_mem_fresh(at, 3);
    rc_mem_fresh(memory + 4 * OWNER_PAGE - 16, OWNER_PAGE + 32);
    rc_write(other, at, 3, 1);
    rc_write(other, memory + 4 * OWNER_PAGE - 16, OWNER_PAGE + 32, 1);
    cr_assert_eq(n_reports, 0);
    rc_read(other, at + 3, 1, 0x1000);
    cr_assert_eq(n_reports, 1);
    rc_read(other, memory + 5 * OWNER_PAGE + 16, 1, 0x1001);
    cr_assert_eq(n_reports, 2);
    rc_read(other, memory + 4 * OWNER_PAGE - 17, 1, 0x1002);
    cr_assert_eq(n_reports, 3);
}

static void count(uint64_t w, void *ret_n)
{
    unsigned *n = ret_n;
    *n += w_slot(w) != 0 && w_written(w) == 0xff;
}

Test(fill, who_looks_at_all_records_sees_it)
{
    freed_by_one_unknown_to();
    unsigned n = 0;
    shadow_each_record(count, &n);
    cr_assert_geq(n, PAGES - 1u + OWNER_PAGE / 8, "once a page, and each word of the one in use");
    for (int i = 0; i < PAGES; i++)
        cr_assert_eq((word_of(i) & OWNER_FILLED) != 0, i != 3, "and leaves it so");
}

/* A block that is in quarantine, and was hardly used before. */
static struct rc_ctx *kept_by_the_quarantine(void)
{
    rc_init(NULL);
    struct rc_ctx *c = rc_ctx_make(rc_current(), RC_GOROUTINE, 7, 1, NULL, 0);
    rc_switch(c);
    heap_add((uintptr_t)memory, BYTES, 1, NULL);
    size_t n;
    cr_assert_eq(heap_free((uintptr_t)memory, SIZE_MAX, &n), HEAP_KEPT);
    rc_mem_freed(c, memory, BYTES, 1);
    cr_assert_eq(fill_count(), 1);
    return c;
}

Test(fill, the_flow_that_freed_it_must_not_use_it)
{
    struct rc_ctx *c = kept_by_the_quarantine();
    rc_read(c, memory + 3 * OWNER_PAGE + 77, 1, 0x1000);
    cr_assert_eq(n_uses, 1);
    rc_write(c, memory + 4 * OWNER_PAGE, OWNER_PAGE, 0x1001);
    cr_assert_eq(n_uses, 2);
    cr_expect(uses[1].before.free && uses[1].before.size == 8);
    rc_mem_freed(c, memory, BYTES, 0x1002);
    cr_assert(n_uses == 3 && uses[2].now.free);
    cr_assert_eq(n_reports, 0);
}

Test(fill, an_object_there_is_known_to_be_freed)
{
    struct rc_ctx *c = kept_by_the_quarantine();
    rc_mem_fresh(memory + 5 * OWNER_PAGE, OWNER_PAGE);
    rc_uses(c, memory + 5 * OWNER_PAGE + 64, 0x1000);
    cr_assert_eq(n_uses, 0);
    rc_uses(c, memory + 4 * OWNER_PAGE + 64, 0x1001);
    cr_assert_eq(n_uses, 1);
}

static uint32_t borrowed, over;

static void *makes_bytes_fresh(void *at)
{
    while (!at_load_acq(&borrowed)) /* [borrowed] */
        sched_yield();
    rc_mem_fresh(at, 3);
    at_store_rel(&over, 1u); /* [over] */
    return NULL;
}

/* Parts of a page are given out while a collection looks at it. */
Test(fill, fresh_bytes_of_a_borrowed_page_are_fresh)
{
    struct rc_ctx *other = freed_by_one_unknown_to();
    char *at = memory + OWNER_PAGE + 1001;
    struct owner_loan loan;
    uintptr_t first = (uintptr_t)at & ~((uintptr_t)OWNER_TOGETHER * OWNER_PAGE - 1);
    pthread_t t;
    cr_assert_eq(pthread_create(&t, NULL, makes_bytes_fresh, at), 0);
    owner_borrow(&loan, shadow_owner(shadow_get(first), first));
    at_store_rel(&borrowed, 1u);                           /* [borrowed] */
    for (int i = 0; i < 10000 && !at_load_acq(&over); i++) /* [over] */
        sched_yield();
    cr_expect_eq(at_load_acq(&over), 0, "it waits"); /* [over] */
    owner_give_back(&loan);
    pthread_join(t, NULL);
    rc_write(other, at, 3, 1);
    cr_expect_eq(n_reports, 0);
    rc_write(other, at + 3, 1, 2);
    cr_expect_eq(n_reports, 1);
}
