/* Windows in which processors were used least: against a slow model, and at the edges. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "windows.h"

void *cmd_alloc(unsigned long size)
{
    return malloc(size);
}

enum { LENGTH = 1000, WORST = 3 };

/* The model: nanosecond by nanosecond. */
static double busy_of(const int *running, int64_t begin, int64_t length, int procs)
{
    int64_t sum = 0;
    for (int64_t t = begin; t < begin + length; t++)
        sum += running[t];
    return (double)sum / (double)length / procs;
}

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 8;
}

static void one(unsigned seed)
{
    int running[LENGTH] = {0}, runnable[LENGTH] = {0};
    struct windows w = {0};
    struct window worst[WORST];
    unsigned begun = seed;
    int64_t length = windows_begin(&w, 0, LENGTH, 80);
    cr_assert_eq(length, 80);
    for (int i = 0; i < 20; i++) {
        int64_t begin = next(&seed) % LENGTH, end = begin + next(&seed) % 300;
        end = end > LENGTH ? LENGTH : end;
        bool waits = next(&seed) % 2;
        windows_add(&w, begin, end, waits);
        for (int64_t t = begin; t < end; t++)
            (waits ? runnable : running)[t]++;
    }
    double least = 2;
    for (int64_t begin = 0; begin + length <= LENGTH; begin += 10) {
        double busy = busy_of(running, begin, length, 2);
        least = busy < least ? busy : least;
    }
    uint32_t n = windows_worst(&w, 2, worst, WORST);
    cr_assert_geq(n, 2u);
    cr_expect_float_eq(worst[0].busy, least, 1e-9, "seed %u: %f, not %f", begun, worst[0].busy,
                       least);
    for (uint32_t i = 0; i < n; i++) {
        cr_expect_float_eq(worst[i].busy, busy_of(running, worst[i].begin, length, 2), 1e-9,
                           "seed %u", begun);
        cr_expect_float_eq(worst[i].runnable, busy_of(runnable, worst[i].begin, length, 1), 1e-9,
                           "seed %u", begun);
        for (uint32_t j = 0; j < i; j++) {
            cr_expect_geq(worst[i].busy, worst[j].busy, "seed %u: not sorted", begun);
            cr_expect_geq(llabs(worst[i].begin - worst[j].begin), length, "seed %u: overlap",
                          begun);
        }
    }
    windows_fini(&w);
}

Test(windows, the_worst_are_those_of_the_model)
{
    for (unsigned seed = 1; seed <= 200; seed++)
        one(seed);
}

Test(windows, parts_outside_do_not_count)
{
    struct windows w = {0};
    struct window worst[WORST];
    windows_begin(&w, 1000, 1080, 80);
    windows_add(&w, 0, 5000, false);
    cr_assert_eq(windows_worst(&w, 1, worst, WORST), 1u);
    cr_expect_eq(worst[0].begin, 1000);
    cr_expect_float_eq(worst[0].busy, 1.0, 1e-9);
    windows_fini(&w);
}

Test(windows, a_window_longer_than_the_trace_finds_nothing)
{
    struct windows w = {0};
    struct window worst[WORST];
    windows_begin(&w, 0, 100, 1000000);
    windows_add(&w, 0, 100, false);
    cr_expect_eq(windows_worst(&w, 1, worst, WORST), 0u);
    windows_fini(&w);
}

Test(windows, memory_has_a_bound)
{
    struct windows w = {0};
    int64_t length = windows_begin(&w, 0, INT64_C(3600000000000), 1);
    cr_expect_leq(w.n, (uint32_t)BINS_MAX);
    cr_expect_gt(length, 1);
    windows_fini(&w);
}
