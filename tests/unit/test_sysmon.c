/* test_sysmon.c - a goroutine that computes for ever loses its P, also when only a timer wants it;
 * many of them do not get a thread for each slice; under a seed slices are long; and an idle
 * program costs no time.  (What blocks in the kernel: tests/run/nothing_stops_the_others.c.) */
#include "in_child.h"
#include "in_go.h"
#include <time.h>
#include "clock.h"
#include "core.h"
#include "sysmon.h"

static void hog(void *arg)
{
    (void)arg;
    for (;;)
        __asm__ volatile("");
}

static int timer_fires(int argc, char **argv)
{
    for (int i = 0; i < 3; i++)
        go(hog, NULL);
    go_yield();
    for (int i = 0; i < 3; i++)
        go_sleep(GO_MILLISECOND);
    CHECK(worker_count() >= 4);
    return argc && argv;
}

Test(sysmon, timers_fire_beside_endless_loops, .timeout = 60)
{
    struct child c = in_child(timer_fires, "GOMAXPROCS=1", NULL);
    EXPECT_STATUS(&c, 0);
}

static uint64_t turns;

/* For so long of processor time. */
static void compute(int64_t ns)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < ns);
}

static void long_turn(void *arg)
{
    (void)arg;
    compute(15 * GO_MILLISECOND);
    __atomic_fetch_add(&turns, 1, __ATOMIC_RELAXED);
}

static int slices_grow(int argc, char **argv)
{
    for (int i = 0; i < 150; i++)
        start(long_turn, NULL);
    finish();
    CHECK(turns == 150);
    CHECK(worker_count() < 80); /* not one each; some 20 where nothing else computes */
    return argc && argv;
}

Test(sysmon, slices_grow_with_the_number_that_computes, .timeout = 100)
{
    struct child c = in_child(slices_grow, "GOMAXPROCS=2", NULL);
    EXPECT_STATUS(&c, 0);
}

static int sleeps(int argc, char **argv)
{
    struct timespec begin, end;
    go_sleep(20 * GO_MILLISECOND);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    go_sleep(500 * GO_MILLISECOND);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    int64_t ns = (end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec;
    CHECK(ns < 5 * GO_MILLISECOND); /* 1 %; looking every 20 us would be some 40 % */
    return argc && argv;
}

Test(sysmon, an_idle_program_costs_nothing)
{
    struct child c = in_child(sleeps, "GOMAXPROCS=2", NULL);
    EXPECT_STATUS(&c, 0);
    struct child seeded = in_child(sleeps, "GOSHAWK_SEED=1", NULL);
    EXPECT_STATUS(&seeded, 0);
}

/* Ten slices long. */
static int keeps_its_turn(int argc, char **argv)
{
    start(long_turn, NULL);
    compute(100 * GO_MILLISECOND);
    CHECK(turns == 0);
    finish();
    CHECK(turns == 1);
    return argc && argv;
}

Test(sysmon, is_patient_in_a_reproducible_run)
{
    struct child c = in_child(keeps_its_turn, "GOSHAWK_SEED=7", NULL);
    EXPECT_STATUS(&c, 0);
}
