/* test_idle.c - Ms without work: none oversleeps, none burns.
 *
 * A goroutine that computes until another one has run hangs for ever when that other one waits
 * behind it although a P is idle.  So most of these tests do not measure: a lost wake-up hangs
 * them. */
#include "in_child.h"
#include "in_go.h"
#include <pthread.h>
#include <sys/resource.h>
#include "atomic.h"
#include "proc.h"
#include "rand.h"
#include "scheduler.h"

static uint32_t flag;

static void raise_flag(void *arg)
{
    at_store_rel(&flag, (uint32_t)(uintptr_t)arg);
}

static void pause_for(uint32_t n)
{
    while (n-- > 0)
        at_pause();
}

/* No call into the runtime. */
static void compute_until(uint32_t value)
{
    while (at_load_acq(&flag) != value)
        at_pause();
}

static void with_two(void)
{
    if (go_maxprocs(0) == 1)
        go_maxprocs(2);
}

#define TRIES 400u

/* ---- a goroutine must not wait behind one that computes while a P is idle ---- */

IN_GO(idle, a_new_goroutine_runs_beside_its_creator, .timeout = 100)
{
    struct rt_rand rand = {1};
    with_two();
    flag = 0;
    for (uint32_t i = 1; i < TRIES; i++) {
        go_start(raise_flag, (void *)(uintptr_t)i);
        compute_until(i);
        pause_for(rand_below(&rand, 3000));
    }
}

static void ping(void *arg)
{
    go_chan(int) *c = arg;
    for (;;) {
        int n = go_chan_recv(c[0]);
        if (n < 0)
            break;
        go_chan_send(c[1], n);
    }
}

/* Two that wake each other in turn make their P look calm; then one computes, and waits for the
 * other, or for a third, without a call into the runtime. */
IN_GO(idle, the_partner_of_a_calm_pair_is_not_forgotten, .timeout = 100)
{
    struct rt_rand rand = {2};
    go_chan(int) c[2] = {go_chan_make(int, 0), go_chan_make(int, 0)};
    with_two();
    flag = 0;
    start(ping, c);
    for (uint32_t i = 1; i < TRIES / 4; i++) {
        for (uint32_t n = 20 + rand_below(&rand, 300); n > 0; n--) {
            go_chan_send(c[0], 1);
            go_chan_recv(c[1]);
        }
        go_start(raise_flag, (void *)(uintptr_t)i);
        compute_until(i);
    }
    go_chan_send(c[0], -1);
    finish();
    go_chan_free(c[0]);
    go_chan_free(c[1]);
}

static void yields_then_raises(void *arg)
{
    uint32_t i = (uint32_t)(uintptr_t)arg;
    for (uint32_t n = i % 7; n > 0; n--)
        go_yield();
    at_store_rel(&flag, i);
}

IN_GO(idle, one_that_yields_is_not_left_behind_one_that_computes, .timeout = 100)
{
    struct rt_rand rand = {3};
    with_two();
    flag = 0;
    for (uint32_t i = 1; i < TRIES; i++) {
        go_start(yields_then_raises, (void *)(uintptr_t)i);
        for (uint32_t n = rand_below(&rand, 7); n > 0; n--)
            go_yield();
        compute_until(i);
    }
}

static void sleeps_then_raises(void *arg)
{
    uint32_t i = (uint32_t)(uintptr_t)arg;
    go_sleep(i % 5 * 20 * GO_MICROSECOND);
    at_store_rel(&flag, i);
}

IN_GO(idle, timers_fire_while_their_P_computes, .timeout = 100)
{
    struct rt_rand rand = {4};
    with_two();
    flag = 0;
    for (uint32_t i = 1; i < TRIES; i++) {
        go_start(sleeps_then_raises, (void *)(uintptr_t)i);
        if (rand_below(&rand, 2))
            go_yield();
        pause_for(rand_below(&rand, 2000));
        compute_until(i);
    }
}

static void raises_after_blocking(void *arg)
{
    go_blocking_begin();
    usleep(10); /* sleeps: it is the blocking call */
    go_blocking_end();
    at_store_rel(&flag, (uint32_t)(uintptr_t)arg);
}

IN_GO(idle, who_returns_from_a_blocking_call_runs, .timeout = 100)
{
    with_two();
    flag = 0;
    for (uint32_t i = 1; i < TRIES; i++) {
        go_start(raises_after_blocking, (void *)(uintptr_t)i);
        if (i % 2)
            go_yield();
        compute_until(i);
    }
}

/* ---- wake-ups from outside, at the moment when Ms fall asleep ---- */

enum { KNOCKS = 4000 };

struct door {
    struct rt_lock lock;
    struct g *waiter;
    bool knocked;
};

static void await_knock(struct door *d)
{
    struct g *self = rt_self();
    rt_lock(&d->lock);
    if (!d->knocked) {
        d->waiter = self;
        rt_park_unlock(self, &d->lock, TR_SEM, d);
        return;
    }
    d->knocked = false;
    rt_unlock(&d->lock);
}

static void knock(struct door *d)
{
    rt_lock(&d->lock);
    struct g *g = d->waiter;
    d->waiter = NULL;
    d->knocked = g == NULL;
    rt_unlock(&d->lock);
    if (g)
        rt_ready(g, rt_self());
}

struct house {
    struct door in, out;
};

static void answers(void *arg)
{
    struct house *h = arg;
    for (int i = 0; i < KNOCKS; i++) {
        await_knock(&h->in);
        knock(&h->out);
    }
}

/* Each waits for the answer, so the whole program sleeps between two knocks. */
static void *knocks(void *arg)
{
    struct house *h = arg;
    struct rt_rand rand = {(uintptr_t)arg};
    for (int i = 0; i < KNOCKS; i++) {
        pause_for(rand_below(&rand, 3) ? rand_below(&rand, 2000) : 0);
        knock(&h->in);
        await_knock(&h->out);
    }
    return NULL;
}

IN_GO(idle, no_knock_is_slept_through, .timeout = 100)
{
    struct house houses[2] = {0};
    pthread_t t[2];
    for (int i = 0; i < 2; i++) {
        start(answers, &houses[i]);
        pthread_create(&t[i], NULL, knocks, &houses[i]);
    }
    finish();
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

static void naps(void *arg)
{
    struct rt_rand rand = {(uintptr_t)arg};
    for (int i = 0; i < 300; i++) {
        int64_t nap = rand_below(&rand, 60000);
        go_time t = go_now();
        go_sleep(nap);
        CHECK(go_since(t) >= nap);
    }
}

IN_GO(idle, short_naps_end, .timeout = 100)
{
    for (uintptr_t i = 0; i < 8; i++)
        start(naps, (void *)(i + 1));
    finish();
}

/* ---- burning ---- */

static int64_t cpu_nanos_of(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * GO_SECOND +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * GO_MICROSECOND;
}

static int64_t cpu_nanos(void)
{
    return cpu_nanos_of(RUSAGE_SELF);
}

static int64_t cpu_nanos_of_others(void)
{
    return cpu_nanos() - cpu_nanos_of(RUSAGE_THREAD);
}

static void waits_for_ever(void *arg)
{
    rt_park(rt_self(), NULL, NULL, TR_SEM, arg);
}

static void sleeps_long(void *arg)
{
    (void)arg;
    go_sleep(GO_HOUR);
}

static int only_sleeps(int argc, char **argv)
{
    for (int i = 0; i < 100; i++) {
        go_start(waits_for_ever, NULL);
        go_start(sleeps_long, NULL);
    }
    go_sleep(50 * GO_MILLISECOND);
    int64_t least = INT64_MAX; /* what else runs can only add: the cheapest quarter counts */
    for (int i = 0; i < 4; i++) {
        int64_t before = cpu_nanos();
        go_sleep(500 * GO_MILLISECOND);
        int64_t burnt = cpu_nanos() - before;
        least = burnt < least ? burnt : least;
    }
    printf("%ld us of processor time in 500 ms", (long)(least / 1000));
    return argc && argv ? 1 : least > 2500 * GO_MICROSECOND;
}

Test(idle, sleeping_costs_less_than_half_a_percent, .disabled = ON_TSAN)
{
    static const char *const procs[] = {"GOMAXPROCS=1", "GOMAXPROCS=2", "GOMAXPROCS=8"};
    for (int i = 0; i < 3; i++) {
        struct child c = in_child(only_sleeps, procs[i], NULL);
        EXPECT_STATUS(&c, 0);
    }
}

/* A timer that is due, and nobody who could fire it: all Ps are held by goroutines that compute.
 * The other Ms must sleep meanwhile. */
static int computes_past_a_timer(int argc, char **argv)
{
    go_start(sleeps_long, NULL);
    for (int i = 0; i < 5; i++)
        go(go_sleep, 5 * GO_MILLISECOND);
    for (int i = 0; i < 20; i++)
        go_yield();
    go_blocking_begin(); /* another M gets the P, finds nothing, and sleeps until the timers */
    usleep(1000);        /* sleeps: it is the blocking call */
    go_blocking_end();
    int64_t before = cpu_nanos_of_others();
    go_time begin = go_now();
    while (go_since(begin) < 300 * GO_MILLISECOND)
        ;
    int64_t burnt = cpu_nanos_of_others() - before;
    printf("%ld us of processor time of the others in 300 ms", (long)(burnt / 1000));
    return argc && argv ? 1 : burnt > 10 * GO_MILLISECOND;
}

Test(idle, nobody_spins_while_all_processors_compute)
{
    struct child c = in_child(computes_past_a_timer, "GOMAXPROCS=1", NULL);
    EXPECT_STATUS(&c, 0);
}

/* A pair at work on one of many processors leaves the others asleep, mostly. */
static int pair_beside_idle_ones(int argc, char **argv)
{
    go_chan(int) c[2] = {go_chan_make(int, 0), go_chan_make(int, 0)};
    go_start(ping, c);
    int64_t before = cpu_nanos();
    go_time begin = go_now();
    while (go_since(begin) < 300 * GO_MILLISECOND) {
        go_chan_send(c[0], 1);
        go_chan_recv(c[1]);
    }
    int64_t burnt = cpu_nanos() - before;
    go_chan_send(c[0], -1); /* ping ends: c lies on this stack */
    printf("%ld us of processor time in 300 ms", (long)(burnt / 1000));
    return argc && argv ? 1 : burnt > 600 * GO_MILLISECOND;
}

Test(idle, a_pair_does_not_keep_everybody_awake)
{
    struct child c = in_child(pair_beside_idle_ones, "GOMAXPROCS=8", NULL);
    EXPECT_STATUS(&c, 0);
}
