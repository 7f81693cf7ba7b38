/* test_sched.c - which goroutine runs next: order, fairness, and schedules that can be repeated. */
#include "in_child.h"
#include "in_go.h"
#include <pthread.h>
#include "atomic.h"
#include "clock.h"
#include "proc.h"
#include "rand.h"
#include "scheduler.h"

/* ---- order, with one processor ---- */

/* An order can be told while there is one M.  On a busy machine the monitor may take the P of one
 * that gets no processor, and two goroutines run at once: then the child is run again. */
enum { DISTURBED = 42 };

static int verdict(bool holds)
{
    return worker_count() > 1 ? DISTURBED : !holds;
}

static struct child undisturbed(int (*body)(int, char **))
{
    struct child c = {DISTURBED, NULL};
    for (int i = 0; i < 200 && c.status == DISTURBED; i++) {
        free(c.out);
        c = in_child(body, "GOMAXPROCS=1", "GOSHAWK_DEBUG=", NULL);
    }
    return c;
}

enum { RUNNERS = 40 };

static uint32_t order[RUNNERS], ran;

static void notes(void *arg)
{
    order[ran++] = (uint32_t)(uintptr_t)arg;
}

static int started_order(int argc, char **argv)
{
    for (uintptr_t i = 0; i < RUNNERS; i++)
        start(notes, (void *)i);
    finish();
    bool holds = argc == 0 && argv == NULL && ran == RUNNERS;
    holds &= order[0] == RUNNERS - 1; /* the last one lay in runnext, as in Go */
    for (uint32_t i = 1; i < RUNNERS; i++)
        holds &= order[i] == i - 1;
    return verdict(holds);
}

Test(sched, fifo_but_for_the_last_one)
{
    struct child c = undisturbed(started_order);
    EXPECT_STATUS(&c, 0);
}

static uint32_t laps[10];
static bool uneven;

static void runs_laps(void *arg)
{
    for (int i = 0; i < 100; i++) {
        uint32_t least = UINT32_MAX, most = 0;
        for (int j = 0; j < 10; j++) {
            least = laps[j] < least ? laps[j] : least;
            most = laps[j] > most ? laps[j] : most;
        }
        uneven |= most - least > 2;
        laps[(uintptr_t)arg]++;
        go_yield();
    }
    laps[(uintptr_t)arg] += 1000;
    for (int j = 0; j < 10; j++)
        go_yield();
}

static int laps_are_even(int argc, char **argv)
{
    for (uintptr_t i = 0; i < 10; i++)
        go_start(runs_laps, (void *)i);
    for (int i = 0; i < 100; i++)
        go_yield();
    bool holds = argc == 0 && argv == NULL && !uneven;
    for (int j = 0; j < 10; j++)
        holds &= laps[j] >= 90;
    return verdict(holds);
}

Test(sched, yielding_goroutines_take_turns)
{
    struct child c = undisturbed(laps_are_even);
    EXPECT_STATUS(&c, 0);
}

/* ---- nobody starves, with one processor ---- */

static uint32_t stop;

static void ping(void *arg)
{
    go_chan(int) *c = arg;
    while (!at_load_rlx(&stop)) {
        go_chan_recv(c[0]);
        go_chan_send(c[1], 1);
    }
    go_chan_close(c[1]);
}

static void sets(void *arg)
{
    at_store_rlx((uint32_t *)arg, 1u);
}

static void *starts_in_global_queue(void *arg)
{
    go_start(sets, arg);
    return NULL;
}

/* Soon: in some rounds, or as soon as the kernel lets the thread run that has taken it. */
static void must_come_soon(const uint32_t *flag, const char *what)
{
    go_time begin = go_now();
    for (int rounds = 0; !at_load_rlx(flag); rounds++) {
        if (rounds >= 100000 && go_since(begin) > 10 * GO_SECOND) {
            fprintf(stderr, "%s: starves\n", what);
            CHECK(!"it has come");
        }
        go_yield();
    }
}

static int pair_and_others(int argc, char **argv)
{
    static uint32_t ring, global, timer;
    static go_chan(int) c[2], d[2];
    d[1] = c[0] = go_chan_make(int, 0);
    d[0] = c[1] = go_chan_make(int, 0);
    go_start(ping, c);
    go_start(ping, d);
    go_chan_send(c[0], 1); /* from here on each makes the other ready, for ever */
    go_start(sets, &ring);
    must_come_soon(&ring, "ring");
    pthread_t t;
    pthread_create(&t, NULL, starts_in_global_queue, &global);
    pthread_join(t, NULL);
    must_come_soon(&global, "global queue");
    go_time begin = go_now();
    go_sleep(GO_MILLISECOND);
    CHECK(go_since(begin) < 5 * GO_SECOND); /* the pair never stops */
    at_store_rlx(&timer, 1u);
    at_store_rlx(&stop, 1u);
    return argc && argv;
}

Test(sched, a_pair_that_wakes_each_other_starves_nobody)
{
    struct child c = in_child(pair_and_others, "GOMAXPROCS=1", NULL);
    EXPECT_STATUS(&c, 0);
}

static void yields_for_ever(void *arg)
{
    while (!at_load_rlx(&stop))
        go_yield();
    (void)arg;
}

static int full_ring_and_global(int argc, char **argv)
{
    static uint32_t flags[20];
    for (int i = 0; i < 1000; i++)
        go_start(yields_for_ever, NULL);
    for (int i = 0; i < 20; i++) {
        pthread_t t;
        pthread_create(&t, NULL, starts_in_global_queue, &flags[i]);
        pthread_join(t, NULL);
    }
    for (int i = 0; i < 20; i++)
        must_come_soon(&flags[i], "global queue");
    at_store_rlx(&stop, 1u);
    return argc && argv;
}

Test(sched, the_global_queue_is_not_starved_by_a_full_ring)
{
    struct child c = in_child(full_ring_and_global, "GOMAXPROCS=1", NULL);
    EXPECT_STATUS(&c, 0);
    at_store_rlx(&stop, 0u);
    c = in_child(full_ring_and_global, "GOMAXPROCS=3", NULL);
    EXPECT_STATUS(&c, 0);
}

/* ---- rings that overflow ---- */

static uint32_t counted;

static void counts(void *arg)
{
    at_add_rlx(&counted, 1u);
    (void)arg;
}

IN_GO(sched, more_than_a_ring_holds)
{
    counted = 0;
    for (int i = 0; i < 5000; i++)
        start(counts, NULL);
    finish();
    CHECK(counted == 5000);
}

/* ---- schedules under a seed ---- */

static char trail[1 << 16];
static size_t trail_len;

static void mark(int who)
{
    if (trail_len < sizeof trail - 8)
        trail_len += (size_t)snprintf(trail + trail_len, 8, "%x ", who);
}

/* How long this takes must not matter. */
static void waste_time(void)
{
    for (uint64_t n = clock_ticks() % 1000 < 20 ? 200000 : clock_ticks() % 500; n > 0; n--)
        at_pause();
}

static go_chan(int) left, right;

static void wanders(int who)
{
    for (int i = 0; i < 30; i++) {
        int v;
        waste_time();
        mark(who);
        switch (rt_choose(5)) {
        case 0:
            go_sleep(rt_choose(5) * GO_MILLISECOND);
            break;
        case 1:
            if (!go_chan_try_send(left, who))
                mark(0xf0);
            break;
        case 2:
            switch (go_select(go_recv_case(left, &v), go_recv_case(right, &v), go_default)) {
            case 0:
                mark(0x100 + v);
                break;
            case 1:
                mark(0x200 + v);
                break;
            }
            break;
        case 3:
            if (!go_chan_try_send(right, who))
                mark(0xf1);
            break;
        default:
            go_yield();
        }
    }
}

static void starts_wanderers(void *arg)
{
    for (int i = 0; i < 8; i++)
        go(wanders, (int)(uintptr_t)arg * 8 + i);
}

static int wandering(int argc, char **argv)
{
    left = go_chan_make(int, 3);
    right = go_chan_make(int, 3);
    go_start(starts_wanderers, (void *)1);
    go_start(starts_wanderers, (void *)2);
    go_sleep(GO_HOUR);
    printf("%s\n", trail);
    return argc && argv ? 1 : trail_len < 1000;
}

static char *trail_of(const char *seed)
{
    struct child c = in_child(wandering, seed, NULL);
    EXPECT_STATUS(&c, 0);
    return c.out;
}

Test(sched, the_same_seed_is_the_same_schedule, .timeout = 100)
{
    static const char *const seeds[] = {"GOSHAWK_SEED=1", "GOSHAWK_SEED=2",
                                        "GOSHAWK_SEED=77777777777"};
    char *first[3];
    for (int i = 0; i < 3; i++) {
        first[i] = trail_of(seeds[i]);
        for (int again = 0; again < 8; again++) {
            char *next = trail_of(seeds[i]);
            cr_assert_str_eq(next, first[i], "%s", seeds[i]);
            free(next);
        }
        for (int j = 0; j < i; j++)
            cr_expect_str_neq(first[i], first[j], "%s and %s", seeds[i], seeds[j]);
    }
}

static int sleeps_an_hour(int argc, char **argv)
{
    int64_t real = clock_nanos();
    go_time t = go_now();
    for (int i = 0; i < 3600; i++)
        go_sleep(GO_SECOND);
    CHECK(go_since(t) == GO_HOUR);
    CHECK(clock_nanos() - real < 20 * GO_SECOND);
    return argc && argv;
}

Test(sched, under_a_seed_an_hour_is_an_instant)
{
    struct child c = in_child(sleeps_an_hour, "GOSHAWK_SEED=5", NULL);
    EXPECT_STATUS(&c, 0);
}

static int asks_procs(int argc, char **argv)
{
    CHECK(go_maxprocs(4) == 1 && go_maxprocs(0) == 1);
    return argc && argv;
}

Test(sched, a_seed_means_one_processor)
{
    struct child c = in_child(asks_procs, "GOSHAWK_SEED=5", "GOMAXPROCS=4", NULL);
    EXPECT_STATUS(&c, 0);
}
