/* test_rc_ctx.c - contexts and their slots, and the six ways in which detectors with limits
 * lose a race, at full size.  Links without the runtime: racecheck/ and base/ alone. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include "ctx.h"
#include "rc_double.h"
#include "slot.h"

void __tsan_func_entry(void *);
void __tsan_func_exit(void);
void __tsan_write1(void *), __tsan_write8(void *), __tsan_read8(void *);
void __tsan_testonly_barrier_init(uint64_t *, unsigned);
void __tsan_testonly_barrier_wait(uint64_t *);

static uint64_t word;
static char object[64];

static struct rc_ctx *make(struct rc_ctx *by, uint64_t id)
{
    return rc_ctx_make(by, RC_GOROUTINE, id, 0x999, NULL, 0);
}

static void write_in(struct rc_ctx *c, uintptr_t function)
{
    struct rc_ctx *was = rc_switch(c);
    __tsan_func_entry((void *)function);
    __tsan_write8(&word);
    __tsan_func_exit();
    rc_switch(was);
}

static void expect_one_race(uintptr_t now, uintptr_t before)
{
    uintptr_t pc[16];
    cr_assert_eq(n_reports, 1);
    cr_assert_eq(rc_stack_of(reports[0].now.stack, pc, 16, NULL), 2);
    cr_assert_eq(pc[1], now);
    cr_assert_eq(rc_stack_of(reports[0].before.stack, pc, 16, NULL), 2);
    cr_assert_eq(pc[1], before);
}

Test(rc_ctx, a_report_has_both_lives_and_where_they_began)
{
    rc_init(NULL);
    struct rc_ctx *a = make(NULL, 7), *b = make(a, 8);
    uintptr_t pc[16];
    rc_ctx_name(a, "first");
    write_in(a, 0x1000);
    write_in(b, 0x2000);
    expect_one_race(0x2000, 0x1000);
    cr_assert_eq(reports[0].now.by->id, 8);
    cr_assert_eq(reports[0].before.by->id, 7);
    cr_assert_str_eq(reports[0].before.by->name, "first");
    cr_assert_eq(reports[0].now.by->parent, reports[0].before.by);
    cr_assert_eq(rc_stack_of(reports[0].now.by->created_at, pc, 16, NULL), 1);
    cr_assert_eq(pc[0], 0x999);
    cr_assert(reports[0].now.write && reports[0].before.write);
    cr_assert_eq(reports[0].now.addr, (uintptr_t)&word);
    cr_assert_eq(reports[0].now.size, 8);
}

Test(rc_ctx, the_first_life_is_known_after_its_end)
{
    rc_init(NULL);
    struct rc_ctx *a = make(NULL, 7), *b = make(NULL, 8);
    write_in(a, 0x1000);
    rc_ctx_end(a);
    write_in(b, 0x2000);
    expect_one_race(0x2000, 0x1000);
    cr_assert_eq(reports[0].before.by->id, 7);
    cr_assert(reports[0].before.by->finished);
}

Test(rc_ctx, the_same_pair_is_reported_once_in_either_order)
{
    rc_init(NULL);
    struct rc_ctx *a = make(NULL, 7), *b = make(NULL, 8);
    for (int i = 0; i < 10; i++) {
        write_in(a, 0x1000);
        write_in(b, 0x2000);
    }
    cr_assert_eq(n_reports, 1);
}

Test(rc_ctx, nothing_is_recorded_while_disabled_or_without_a_context)
{
    rc_init(NULL);
    struct rc_ctx *a = make(NULL, 7), *b = make(NULL, 8);
    rc_disable(a);
    rc_disable(a);
    rc_enable(a);
    write_in(a, 0x1000);
    rc_switch(NULL);
    __tsan_write8(&word);
    write_in(b, 0x2000);
    cr_assert_eq(n_reports, 0);
    rc_enable(a);
    write_in(a, 0x1000);
    cr_assert_eq(n_reports, 1);
}

Test(rc_ctx, a_new_stack_is_new_memory)
{
    static char stack[1 << 16];
    rc_init(NULL);
    struct rc_ctx *a = rc_ctx_make(NULL, RC_GOROUTINE, 7, 1, stack, sizeof stack);
    rc_switch(a);
    for (size_t i = 0; i < sizeof stack; i += 24)
        __tsan_write8(stack + i / 8 * 8);
    rc_ctx_end(a);
    struct rc_ctx *b = rc_ctx_make(NULL, RC_GOROUTINE, 8, 1, stack, sizeof stack);
    rc_switch(b);
    for (size_t i = 0; i < sizeof stack; i += 8)
        __tsan_write8(stack + i);
    cr_assert_eq(n_reports, 0);
    cr_assert_eq(rc_life_by_stack((uintptr_t)stack + 100)->id, 8);
}

/* ---- what others forget ---- */

Test(rc_ctx, a_race_survives_other_writes_to_its_word)
{
    rc_init(NULL);
    struct rc_ctx *a = make(NULL, 1), *b = make(NULL, 2), *c = make(b, 3);
    char *bytes = (char *)&word;
    rc_switch(a);
    __tsan_func_entry((void *)0x1000);
    __tsan_write1(bytes);
    __tsan_func_exit();
    rc_switch(b);
    for (int i = 1; i < 8; i++)
        __tsan_write1(bytes + i);
    rc_release(b, object);
    rc_switch(c);
    rc_acquire(c, object);
    __tsan_func_entry((void *)0x2000);
    __tsan_write1(bytes);
    __tsan_func_exit();
    expect_one_race(0x2000, 0x1000);
}

Test(rc_ctx, a_race_survives_ten_million_calls)
{
    rc_init(NULL);
    struct rc_ctx *a = make(NULL, 1), *b = make(NULL, 2);
    write_in(a, 0x1000);
    rc_switch(a);
    for (int i = 0; i < 10000000; i++) {
        __tsan_func_entry((void *)(uintptr_t)(0x5000 + i % 1000));
        __tsan_func_exit();
    }
    write_in(b, 0x2000);
    expect_one_race(0x2000, 0x1000);
}

Test(rc_ctx, a_race_survives_a_hundred_thousand_joined_flows)
{
    rc_init(NULL);
    struct rc_ctx *a = make(NULL, 1), *b = make(NULL, 2);
    write_in(a, 0x1000);
    for (uint64_t i = 0; i < 100000; i++) {
        struct rc_ctx *c = make(b, 100 + i);
        rc_switch(c);
        __tsan_write8(object + 8);
        rc_release_merge(c, object);
        rc_ctx_end(c);
        rc_acquire(b, object);
    }
    cr_assert_lt(slot_count(), 10u, "joined flows pass their slots on");
    write_in(b, 0x2000);
    expect_one_race(0x2000, 0x1000);
}

Test(rc_ctx, a_race_survives_a_hundred_thousand_flows_at_once)
{
    static struct rc_ctx *c[100000];
    rc_init(NULL);
    struct rc_ctx *a = make(NULL, 1), *b = make(NULL, 2);
    write_in(a, 0x1000);
    for (uint64_t i = 0; i < 100000; i++)
        c[i] = make(b, 100 + i);
    for (uint64_t i = 0; i < 100000; i++) {
        rc_switch(c[i]);
        __tsan_read8(object + 8); /* all of them read one word */
        rc_release_merge(c[i], object);
        rc_ctx_end(c[i]);
    }
    rc_acquire(b, object);
    rc_switch(b);
    __tsan_write8(object + 8);
    cr_assert_eq(n_reports, 0);
    write_in(b, 0x2000);
    expect_one_race(0x2000, 0x1000);
}

Test(rc_ctx, a_race_survives_forty_million_releases)
{
    rc_init(NULL); /* the clock of a slot is used up twice */
    struct rc_ctx *a = make(NULL, 1), *b = make(NULL, 2);
    write_in(a, 0x1000);
    for (int i = 0; i < 20000000; i++) {
        rc_release(a, object);
        rc_release(b, object + 1);
    }
    write_in(b, 0x2000);
    expect_one_race(0x2000, 0x1000);
    rc_release(a, object);
    rc_acquire(b, object);
    write_in(b, 0x3000);
    cr_assert_eq(n_reports, 1, "ordered after both of a's slots");
    cr_assert_geq(slot_count(), 5u);
}

Test(rc_ctx, a_free_races_with_any_byte_of_the_block)
{
    static char block[65536];
    rc_init(NULL);
    struct rc_ctx *a = make(NULL, 1), *b = make(NULL, 2);
    rc_switch(a);
    __tsan_write1(block + 2000);
    rc_mem_freed(b, block, sizeof block, 0x2000);
    cr_assert_eq(n_reports, 1);
    cr_assert(reports[0].now.free && reports[0].now.write && !reports[0].before.free);
    rc_switch(a);
    __tsan_write1(block + 60000);
    cr_assert_eq(n_reports, 2, "a use after the free");
    cr_assert(reports[1].before.free);
    rc_mem_fresh(block, sizeof block);
    __tsan_write1(block + 60000);
    __tsan_write1(block + 2000);
    cr_assert_eq(n_reports, 2, "a new block");
}

/* ---- real threads ---- */

static uint64_t meet, racy[4096];

static void *race_now(void *arg)
{
    rc_switch(arg);
    for (int i = 0; i < 4096; i++) {
        __tsan_testonly_barrier_wait(&meet); /* both at the same instant */
        __tsan_func_entry((void *)(uintptr_t)(0x10000 + i));
        __tsan_write8(&racy[i]);
        __tsan_func_exit();
    }
    rc_switch(NULL);
    rc_thread_fini();
    return NULL;
}

Test(rc_ctx, accesses_at_the_same_instant_never_miss_each_other)
{
    pthread_t t[2];
    rc_init(NULL);
    __tsan_testonly_barrier_init(&meet, 2);
    for (uint64_t i = 0; i < 2; i++) {
        struct rc_ctx *c = make(NULL, i + 1);
        pthread_create(&t[i], NULL, race_now, c);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    cr_assert_eq(n_reports, 4096);
}
