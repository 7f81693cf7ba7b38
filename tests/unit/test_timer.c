/* test_timer.c - timers and tickers: never early, in order, truthful stops, freed at any moment. */
#include "in_go.h"

IN_GO(timer, fires_once_and_not_early)
{
    go_time begin = go_now();
    go_timer *t = go_timer_new(3 * GO_MILLISECOND);
    go_time at = go_chan_recv(go_timer_chan(t));
    CHECK(at - begin >= 3 * GO_MILLISECOND && go_now() >= at);
    CHECK(!go_timer_stop(t) && !go_chan_try_recv(go_timer_chan(t), NULL));
    CHECK(!go_timer_reset(t, GO_MILLISECOND));
    CHECK(go_chan_recv(go_timer_chan(t)) > at);
    go_timer_free(t);
    go_timer_free(NULL);
}

IN_GO(timer, times_that_are_past_or_too_far)
{
    go_timer *now = go_timer_new(0), *past = go_timer_new(-GO_HOUR), *far = go_timer_new(INT64_MAX);
    go_chan_recv(go_timer_chan(now));
    go_chan_recv(go_timer_chan(past));
    CHECK(go_timer_reset(far, INT64_MAX - 1));
    CHECK(go_timer_stop(far) && !go_timer_stop(far));
    go_timer_free(now);
    go_timer_free(past);
    go_timer_free(far);
}

/* Random timers, a third of them stopped or reset: each fires as often as it was left to, when
 * due. */
enum { TIMERS = 300 };

struct random_timer {
    go_timer *t;
    go_time when; /* what it was last set to, or 0: stopped */
    int fired;
};

static struct random_timer timers[TIMERS];
static int n_fired;
static go_mutex timers_mu; /* guards all this: who changes a time is not fired in between */

static void note_fired(void *arg)
{
    struct random_timer *r = arg;
    go_mutex_lock(&timers_mu);
    CHECK(go_now() >= r->when && r->when != 0);
    r->fired++;
    n_fired++;
    go_mutex_unlock(&timers_mu);
}

static void arm(struct random_timer *r, go_duration d)
{
    go_mutex_lock(&timers_mu);
    r->when = go_now() + d;
    r->t = go_after_func(d, note_fired, r);
    CHECK(go_timer_chan(r->t) == NULL);
    go_mutex_unlock(&timers_mu);
}

/* Stops it, or sets it to d from now unless it has fired; returns how many fewer or more will. */
static int change(struct random_timer *r, bool stop, go_duration d)
{
    int more = 0;
    go_mutex_lock(&timers_mu);
    if (stop) {
        if (go_timer_stop(r->t)) {
            r->when = 0;
            more = -1;
        }
    } else if (!r->fired) {
        go_time when = go_now() + d;
        if (go_timer_reset(r->t, d))
            r->when = when;
        else
            more = 1; /* its function is on its way, by the old time, and will be again */
    }
    go_mutex_unlock(&timers_mu);
    return more;
}

static int fired_by_now(void)
{
    go_mutex_lock(&timers_mu);
    int n = n_fired;
    go_mutex_unlock(&timers_mu);
    return n;
}

static int random_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    uint64_t random = 12;
    for (int i = 0; i < TIMERS; i++)
        arm(&timers[i], (5 + (go_duration)(next_random(&random) % 30)) * GO_MILLISECOND);
    int want = TIMERS;
    for (int i = 0; i < TIMERS; i += 3)
        want += change(&timers[i], i % 2,
                       (5 + (go_duration)(next_random(&random) % 30)) * GO_MILLISECOND);
    while (fired_by_now() < want)
        go_sleep(GO_MILLISECOND);
    go_sleep(2 * GO_MILLISECOND);
    settle();
    CHECK(n_fired == want);
    for (int i = 0; i < TIMERS; i++) {
        CHECK(timers[i].fired == (timers[i].when != 0) || timers[i].fired == 2);
        CHECK(!go_timer_stop(timers[i].t));
        go_timer_free(timers[i].t);
    }
    return 0;
}

Test(timer, random_timers_fire_when_due, .timeout = 60, .disabled = ON_FAKE_SCHED)
{
    cr_assert_eq(go_run(random_main, 0, NULL), 0);
}

/* ---- stop and reset against firing ---- */

static void count_fire(void *arg)
{
    __atomic_add_fetch((uint32_t *)arg, 1, __ATOMIC_RELAXED);
}

IN_GO(timer, stop_tells_the_truth)
{
    enum { N = 400 };
    static uint32_t fired[N];
    static go_timer *t[N];
    uint64_t random = 99;
    memset(fired, 0, sizeof fired);
    for (int i = 0; i < N; i++)
        t[i] = go_after_func((go_duration)(next_random(&random) % 3000) * GO_MICROSECOND,
                             count_fire, &fired[i]);
    uint32_t stopped = 0, all = 0;
    go_sleep(GO_MILLISECOND);
    for (int i = 0; i < N; i++) {
        if (go_timer_stop(t[i])) {
            stopped++;
            fired[i] += 100; /* nobody else will touch it */
        }
    }
    /* what was not stopped fires, or has: the functions' goroutines are runnable by now */
    do {
        go_yield();
        all = 0;
        for (int i = 0; i < N; i++)
            all += __atomic_load_n(&fired[i], __ATOMIC_RELAXED) % 100;
    } while (all < N - stopped);
    settle();
    for (int i = 0; i < N; i++) {
        uint32_t n = __atomic_load_n(&fired[i], __ATOMIC_RELAXED);
        CHECK(n == 1 || n == 100);
        go_timer_free(t[i]);
    }
}

struct fight {
    go_timer *t;
    uint32_t stops; /* atomic */
};

static void stop_and_reset(void *arg)
{
    struct fight *f = arg;
    for (int i = 0; i < 300; i++) {
        if (go_timer_stop(f->t))
            __atomic_add_fetch(&f->stops, 1, __ATOMIC_RELAXED);
        go_timer_reset(f->t, (i % 4) * 50 * GO_MICROSECOND);
        if (i % 3 == 0)
            go_yield();
    }
}

IN_GO(timer, several_may_stop_and_reset_one)
{
    struct fight f = {go_timer_new(GO_HOUR), 0};
    for (int i = 0; i < 4; i++)
        start(stop_and_reset, &f);
    finish();
    go_timer_stop(f.t);
    go_chan_try_recv(go_timer_chan(f.t), NULL);
    CHECK(go_chan_len(go_timer_chan(f.t)) == 0 && !go_timer_stop(f.t));
    go_timer_free(f.t);
}

/* ---- freeing ---- */

IN_GO(timer, freed_at_any_moment)
{
    static uint32_t fired; /* functions on their way write to it later */
    uint64_t random = 3;
    for (int i = 0; i < ROUNDS(1500); i++) {
        go_duration d = (go_duration)(next_random(&random) % 60) * GO_MICROSECOND;
        go_timer *f = go_after_func(d, count_fire, &fired), *t = go_timer_new(d);
        go_chan(go_time) after = go_after(d);
        if (i % 8 == 0)
            go_sleep(30 * GO_MICROSECOND);
        if (i % 3 == 0)
            go_chan_recv(after);
        go_timer_free(f);
        go_timer_free(t);
        go_chan_free(after);
        if (i % 50 == 0)
            go_yield();
    }
}

IN_GO(timer, after_in_a_select)
{
    go_chan(int) never = go_chan_make(int, 0);
    go_time begin = go_now(), at = 0;
    go_chan(go_time) after = go_after(2 * GO_MILLISECOND);
    CHECK(go_select(go_recv_case(never, NULL), go_recv_case(after, &at)) == 1);
    CHECK(at - begin >= 2 * GO_MILLISECOND && go_now() >= at);
    go_chan_free(after);
    go_chan_free(never);
}

/* ---- tickers ---- */

static void make_ticker(void *d)
{
    go_ticker_new(*(go_duration *)d);
}

static void reset_ticker(void *t)
{
    go_ticker_reset(t, 0);
}

IN_GO(timer, ticker_ticks_until_stopped)
{
    go_time begin = go_now();
    go_ticker *t = go_ticker_new(2 * GO_MILLISECOND);
    for (int i = 1; i <= 5; i++)
        CHECK(go_chan_recv(go_ticker_chan(t)) - begin >= i * 2 * GO_MILLISECOND);
    go_ticker_reset(t, 500 * GO_MICROSECOND);
    go_chan_try_recv(go_ticker_chan(t), NULL);
    begin = go_now();
    for (int i = 1; i <= 5; i++)
        go_chan_recv(go_ticker_chan(t));
    CHECK(go_since(begin) >= 4 * 500 * GO_MICROSECOND);
    while (go_chan_len(go_ticker_chan(t)) == 0) /* slow receiver: one tick waits ... */
        go_sleep(3 * GO_MILLISECOND);
    go_sleep(3 * GO_MILLISECOND); /* ... the others are dropped */
    CHECK(go_chan_len(go_ticker_chan(t)) == 1);
    go_ticker_stop(t);
    go_chan_recv(go_ticker_chan(t));
    go_sleep(2 * GO_MILLISECOND);
    CHECK(go_chan_len(go_ticker_chan(t)) == 0);
    CHECK_TEXT(go_recover(reset_ticker, t), "non-positive interval for Ticker.Reset");
    go_ticker_free(t);
    go_duration zero = 0;
    CHECK_TEXT(go_recover(make_ticker, &zero), "non-positive interval for NewTicker");
}
