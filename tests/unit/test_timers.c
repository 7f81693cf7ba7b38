/* test_timers.c - the heaps of timers: order, stopping, periods, and stopping while they fire. */
#include "in_go.h"
#include <pthread.h>
#include "atomic.h"
#include "entry.h"
#include "proc.h"
#include "rand.h"
#include "timers.h"

/* ---- one heap, driven by hand: the times lie so far ahead that no M fires them ---- */

enum { TIMERS = 300, SPAN = 1000 };

struct timed {
    struct rt_timer t;
    uint64_t armed_as; /* number of the arming; equal times fire in that order */
    bool armed;
};

static struct timed timers[TIMERS];
static struct timed *fired[TIMERS];
static int fired_count;
static int64_t base;

static void note_fired(struct rt_timer *t, int64_t now)
{
    CHECK(t->when <= now || t->period > 0); /* a period is added before */
    fired[fired_count++] = (struct timed *)t;
}

static bool before(const struct timed *a, const struct timed *b)
{
    return a->t.when < b->t.when || (a->t.when == b->t.when && a->armed_as < b->armed_as);
}

static struct timer_heap *heap(void)
{
    return sched_timer_heap(NULL);
}

/* Exactly those that are due fired, in order. */
static void expect_due(int64_t now)
{
    for (int i = 0; i < fired_count; i++) {
        CHECK(fired[i]->armed && fired[i]->t.when <= now);
        CHECK(i == 0 || before(fired[i - 1], fired[i]));
        fired[i]->armed = false;
    }
    int64_t next = INT64_MAX;
    for (int i = 0; i < TIMERS; i++) {
        CHECK(!timers[i].armed || timers[i].t.when > now);
        if (timers[i].armed && timers[i].t.when < next)
            next = timers[i].t.when;
    }
    CHECK(timer_heap_next(heap()) == next);
}

Test(timers, do_what_a_sorted_list_does)
{
    rt_init();
    base = rt_nanos() + 1000000000000;
    struct rt_rand rand = {3};
    uint64_t armings = 0;
    int64_t now = base;
    for (int step = 0; step < 100000; step++) {
        struct timed *t = &timers[rand_below(&rand, TIMERS)];
        if (rand_below(&rand, 50) == 0) {
            now += rand_below(&rand, SPAN / 4);
            fired_count = 0;
            CHECK(timer_heap_run(heap(), now) == (fired_count > 0));
            expect_due(now);
        } else if (t->armed) {
            CHECK(rt_timer_stop(&t->t));
            CHECK(!rt_timer_stop(&t->t));
            t->armed = false;
        } else {
            t->t.fn = note_fired;
            t->armed = true;
            t->armed_as = armings++;
            rt_timer_start(&t->t, now + 1 + rand_below(&rand, SPAN) / 10 * 10, 0);
        }
    }
    cr_expect_gt(armings, 10000);
}

Test(timers, equal_times_fire_in_the_order_of_arming)
{
    rt_init();
    base = rt_nanos() + 1000000000000;
    for (int i = 0; i < TIMERS; i++) {
        timers[i].t.fn = note_fired;
        rt_timer_start(&timers[i].t, base, 0);
    }
    timer_heap_run(heap(), base);
    cr_expect_eq(fired_count, TIMERS);
    for (int i = 0; i < TIMERS; i++)
        cr_expect_eq(fired[i], &timers[i]);
}

Test(timers, a_periodic_one_keeps_its_beat_and_drops_what_it_missed)
{
    rt_init();
    base = rt_nanos() + 1000000000000;
    struct rt_timer *t = &timers[0].t;
    t->fn = note_fired;
    rt_timer_start(t, base, 100);
    cr_expect(!timer_heap_run(heap(), base - 1));
    for (int i = 0; i < 5; i++) {
        cr_expect(timer_heap_run(heap(), base + 100 * i));
        cr_expect(!timer_heap_run(heap(), base + 100 * i + 99));
    }
    cr_expect_eq(fired_count, 5);
    cr_expect(timer_heap_run(heap(), base + 1234));
    cr_expect_eq(fired_count, 6, "once for all that was missed");
    cr_expect_eq(timer_heap_next(heap()), base + 1300);
    cr_expect(rt_timer_stop(t));
    cr_expect_eq(timer_heap_next(heap()), INT64_MAX);
    cr_expect(!rt_timer_stop(t));
}

Test(timers, one_that_was_never_armed_can_be_stopped)
{
    struct rt_timer t = {.fn = note_fired};
    cr_expect(!rt_timer_stop(&t));
}

/* ---- stopping while Ms fire ---- */

struct raced {
    struct rt_timer t;
    uint32_t fired, *freed;
};

static void fire_raced(struct rt_timer *t, int64_t now)
{
    struct raced *r = (struct raced *)t;
    (void)now;
    CHECK(!at_load_rlx(r->freed));
    at_add_rlx(&r->fired, 1u);
}

static uint32_t stopped, too_late;

/* Stop says the truth, and after it the timer may be freed and its memory reused. */
static void *stop_some(void *arg)
{
    struct rt_rand rand = {(uintptr_t)arg};
    uint32_t freed = 0;
    for (int i = 0; i < 3000; i++) {
        struct raced *r = calloc(1, sizeof *r);
        r->t.fn = fire_raced;
        r->freed = &freed;
        rt_timer_start(&r->t, rt_nanos() + rand_below(&rand, 60000), 0);
        for (uint32_t n = rand_below(&rand, 3000); n > 0; n--)
            at_pause();
        bool was_armed = rt_timer_stop(&r->t);
        CHECK(at_load_rlx(&r->fired) == !was_armed);
        at_add_rlx(was_armed ? &stopped : &too_late, 1u);
        memset(r, 0xee, sizeof *r);
        free(r);
    }
    return NULL;
}

static void stop_some_in_goroutine(void *arg)
{
    stop_some(arg);
}

IN_GO(timers, stop_is_true_while_others_fire)
{
    pthread_t threads[2];
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, stop_some, (void *)(i + 1));
    for (uintptr_t i = 2; i < 5; i++)
        start(stop_some_in_goroutine, (void *)(i + 1));
    finish();
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK(stopped > 0 && (too_late > 0 || go_maxprocs(0) < 8)); /* fewer may all be stopping */
}

/* ---- heaps of Ps that go away ---- */

static uint32_t slept;

static void sleep_a_little(void *arg)
{
    go_sleep((go_duration)(uintptr_t)arg * GO_MILLISECOND / 10);
    at_add_rlx(&slept, 1u);
}

static int sleepers_while_procs_change(int argc, char **argv)
{
    for (uintptr_t i = 0; i < 400; i++) {
        start(sleep_a_little, (void *)(i % 100));
        if (i % 20 == 0)
            go_maxprocs(1 + (int)(i / 20 * 7 % 16));
        go_yield();
    }
    finish();
    return argc && argv ? 1 : slept != 400;
}

Test(timers, survive_the_end_of_their_P, .timeout = 60)
{
    cr_expect_eq(go_run(sleepers_while_procs_change, 0, NULL), 0);
}

static int stop_while_moving(int argc, char **argv)
{
    static struct raced rs[200];
    static uint32_t freed;
    int64_t far = rt_nanos() + 1000000000000;
    for (int round = 0; round < 50; round++) {
        go_maxprocs(8);
        for (int i = 0; i < 200; i++) {
            rs[i].t.fn = fire_raced;
            rs[i].freed = &freed;
            rt_timer_start(&rs[i].t, far + i, 0);
            go_yield();
        }
        go_maxprocs(1 + round % 3);
        for (int i = 0; i < 200; i++)
            CHECK(rt_timer_stop(&rs[i].t));
    }
    return argc && argv ? 1 : 0;
}

Test(timers, can_be_stopped_after_they_moved)
{
    cr_expect_eq(go_run(stop_while_moving, 0, NULL), 0);
}
