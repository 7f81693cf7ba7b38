/* The critical path of small stories. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "cmd.h"
#include "critical.h"

void *cmd_alloc(unsigned long size)
{
    return malloc(size);
}

enum { PARTS = 32 };

static struct critical c;
static struct critical_part parts[PARTS];
static int parts_n;

static void keep(void *arg, const struct critical_part *p)
{
    (void)arg;
    cr_assert_lt(parts_n, PARTS);
    parts[parts_n++] = *p;
}

static void span(uint64_t g, int state, int cls, int64_t begin, int64_t end, uint64_t by)
{
    struct tr_span s = {
        .lane = TR_LANE_G, .id = g, .state = (uint8_t)state, .begin = begin, .end = end, .by = by};
    critical_add(&c, &s, cls);
}

static void runs(uint64_t g, int64_t begin, int64_t end)
{
    span(g, TR_G_RUNNING, TR_CL_RUNNING, begin, end, 0);
}

static void ready(uint64_t g, int64_t begin, int64_t end, uint64_t by)
{
    span(g, TR_G_RUNNABLE, TR_CL_RUNNABLE, begin, end, by);
}

static void part_is(int i, uint64_t g, int64_t begin, int64_t end, int cls)
{
    cr_assert_lt(i, parts_n);
    const struct critical_part *p = &parts[i];
    cr_expect(p->g == g && p->begin == begin && p->end == end && p->cls == cls,
              "part %d: G%llu %lld..%lld class %d", i, (unsigned long long)p->g,
              (long long)p->begin, (long long)p->end, p->cls);
}

static void walk(int64_t to)
{
    int64_t sum = 0;
    parts_n = 0;
    cr_assert(critical_walk(&c, keep, NULL));
    for (int i = 0; i < parts_n; i++)
        sum += parts[i].end - parts[i].begin;
    cr_expect_eq(sum, to, "the parts are %lld long together", (long long)sum);
    critical_fini(&c);
}

/* G1 creates G2 at 10 and waits for it from 20 on; G2 runs over [30, 90) and wakes G1 at 80, which
 * runs over [100, 120). */
Test(critical, the_path_goes_to_who_woke_and_to_the_creator)
{
    cr_assert(critical_begin(&c, 0, 120));
    runs(1, 0, 20);
    ready(2, 10, 30, 1);
    span(1, TR_G_BLOCKED, TR_CL_CHAN, 20, 80, 2);
    runs(2, 30, 90);
    ready(1, 80, 100, 2);
    runs(1, 100, 120);
    walk(120);
    cr_expect_eq(parts_n, 5);
    part_is(0, 1, 100, 120, TR_CL_RUNNING);
    part_is(1, 1, 80, 100, TR_CL_RUNNABLE);
    part_is(2, 2, 30, 80, TR_CL_RUNNING);
    part_is(3, 2, 10, 30, TR_CL_RUNNABLE);
    part_is(4, 1, 0, 10, TR_CL_RUNNING);
}

Test(critical, a_sleep_is_on_the_path_itself)
{
    cr_assert(critical_begin(&c, 0, 100));
    runs(1, 0, 10);
    span(1, TR_G_BLOCKED, TR_CL_SLEEP, 10, 70, 0);
    ready(1, 70, 75, 0);
    runs(2, 60, 90);
    runs(1, 75, 100);
    walk(100);
    part_is(2, 1, 10, 70, TR_CL_SLEEP);
    part_is(3, 1, 0, 10, TR_CL_RUNNING);
}

Test(critical, a_yield_stays_with_its_goroutine)
{
    cr_assert(critical_begin(&c, 0, 30));
    runs(1, 0, 10);
    ready(1, 10, 20, 1);
    runs(1, 20, 30);
    walk(30);
    cr_expect_eq(parts_n, 3);
}

Test(critical, nothing_ran)
{
    cr_assert(critical_begin(&c, 0, 30));
    span(1, TR_G_BLOCKED, TR_CL_CHAN, 0, 30, 0);
    walk(0);
}

static void add_up(void *arg, const struct critical_part *p)
{
    *(int64_t *)arg += p->end - p->begin;
}

/* Two goroutines that wake each other: each runs 2, and wakes the other one 1 before its end. */
Test(critical, longer_than_a_block_of_the_file)
{
    enum { TURNS = 100000 };
    int64_t sum = 0;
    cr_assert(critical_begin(&c, 0, 2 * TURNS));
    for (int64_t i = 0; i < TURNS; i++) {
        uint64_t g = 1 + (uint64_t)i % 2, other = 3 - g;
        runs(g, 2 * i, 2 * i + 2);
        ready(other, 2 * i + 1, 2 * i + 2, g);
    }
    cr_assert(critical_walk(&c, add_up, &sum));
    cr_expect_eq(sum, 2 * TURNS);
    critical_fini(&c);
}
