/* scenes_time.c - sleepers never wake early, timers fire once or are stopped, contexts end in time
 * and with their parents. */
#include "stress.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* ---- sleep: never early, and not for ever ---- */

static void sleeper(int n)
{
    struct random r = random_of(500 + (uint64_t)n);
    while (running()) {
        go_duration d = (go_duration)draw(&r, 3000) * GO_MICROSECOND;
        go_time before = go_now();
        go_sleep(d);
        HOLD("sleep", go_since(before) >= d, go_since(before), d);
        step();
    }
}

void scene_sleep(void)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < 20; i++)
        go_waitgroup_go(&wg, sleeper, i);
    go_waitgroup_wait(&wg);
}

/* ---- timers: each one fires or is stopped, never both, never neither, and not early ---- */

static void count_up(void *counter)
{
    atomic_fetch_add((atomic_int *)counter, 1);
}

/* A timer with a channel: what stop and reset say agrees with what comes. */
static void channel_timer(struct random *r)
{
    go_duration d = (go_duration)draw(r, 2000) * GO_MICROSECOND;
    go_time begin = go_now();
    go_timer *t = go_timer_new(d);
    if (draw(r, 2)) {
        go_sleep((go_duration)draw(r, 2000) * GO_MICROSECOND);
        bool active = go_timer_reset(t, d);
        go_time late;
        bool had = go_chan_try_recv(go_timer_chan(t), &late);
        HOLD("timers", active || had || go_since(begin) >= d, active, had);
        if (!had)
            go_chan_recv(go_timer_chan(t));
        HOLD("timers", go_since(begin) >= d, go_since(begin), d);
    } else {
        go_time at = go_chan_recv(go_timer_chan(t));
        HOLD("timers", at - begin >= d, at - begin, d);
        HOLD("timers", !go_timer_stop(t), d, 0);
    }
    go_timer_free(t);
}

/* A timer with a function: stopped and never run, or not stopped and run once. */
static void function_timer(struct random *r)
{
    atomic_int *runs = calloc(1, sizeof *runs);
    go_timer *t = go_after_func((go_duration)draw(r, 400) * GO_MICROSECOND, count_up, runs);
    go_sleep((go_duration)draw(r, 400) * GO_MICROSECOND);
    bool stopped = go_timer_stop(t);
    if (!stopped)
        while (atomic_load(runs) == 0 && running())
            go_yield();
    else
        HOLD("timers", atomic_load(runs) == 0, 1, atomic_load(runs));
    HOLD("timers", atomic_load(runs) <= 1, stopped, atomic_load(runs));
    bool leave = !stopped && atomic_load(runs) == 0; /* the end has come before the function */
    go_timer_free(t);
    if (!leave)
        free(runs);
}

static void timer_user(int n)
{
    struct random r = random_of(1100 + (uint64_t)n);
    while (running()) {
        switch (draw(&r, 3)) {
        case 0:
            channel_timer(&r);
            break;
        case 1:
            function_timer(&r);
            break;
        default: {
            go_time begin = go_now();
            go_duration d = (go_duration)draw(&r, 500) * GO_MICROSECOND;
            go_chan(go_time) c = go_after(d);
            if (draw(&r, 2))
                HOLD("timers", go_chan_recv(c) - begin >= d, d, 0);
            go_chan_free(c); /* pending or not */
        }
        }
        step();
    }
}

void scene_timers(void)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < 12; i++)
        go_waitgroup_go(&wg, timer_user, i);
    go_waitgroup_wait(&wg);
}

/* ---- tickers: the first tick is not early, none comes after the stop, a reset revives ---- */

static void listener(int n)
{
    struct random r = random_of(1200 + (uint64_t)n);
    while (running()) {
        go_duration d = ((go_duration)draw(&r, 900) + 100) * GO_MICROSECOND;
        go_time begin = go_now(), last = 0, at;
        go_ticker *t = go_ticker_new(d);
        for (int i = (int)draw(&r, 5) + 1; i > 0; i--) {
            at = go_chan_recv(go_ticker_chan(t));
            HOLD("tickers", at - begin >= d && at > last, at - begin, d);
            last = at;
            step();
        }
        go_ticker_stop(t);
        go_chan_try_recv(go_ticker_chan(t), &at); /* the one that may lie there */
        if (draw(&r, 4) == 0) {
            go_sleep(2 * d);
            HOLD("tickers", go_chan_len(go_ticker_chan(t)) == 0, d, 0);
            begin = go_now();
            go_ticker_reset(t, d);
            at = go_chan_recv(go_ticker_chan(t));
            HOLD("tickers", at - begin >= d, at - begin, d);
        }
        go_ticker_free(t);
    }
}

void scene_tickers(void)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < 5; i++)
        go_waitgroup_go(&wg, listener, i);
    go_waitgroup_wait(&wg);
}

/* ---- contexts: children end with their parents, values are found, causes are right ---- */

static const char depth_key;

/* A child of parent; every third one carries a value, which those below find. */
static go_ctx *child_of(go_ctx *parent, int depth)
{
    if (depth % 3 == 0)
        return go_ctx_with_value(parent, &depth_key, (void *)(intptr_t)(depth + 1));
    return go_ctx_with_cancel(parent);
}

/* Owns c: waits for its end, with a tree of others below it. */
static void descend(go_ctx *c, int depth, int nearest, bool timed, go_waitgroup *wg)
{
    if (depth % 3 == 0)
        nearest = depth + 1;
    for (int i = 0; i < 2 && depth > 0; i++) {
        go_waitgroup_add(wg, 1);
        go(descend, child_of(c, depth - 1), depth - 1, nearest, timed, wg);
    }
    HOLD("contexts", (intptr_t)go_ctx_value(c, &depth_key) == nearest, depth, nearest);
    go_chan_recv(go_ctx_done(c));
    int err = go_ctx_err(c);
    HOLD("contexts", err == -ECANCELED || (timed && err == -ETIMEDOUT), err, timed);
    go_ctx_free(c); /* those below may still hold theirs: they keep it */
    step();
    go_waitgroup_done(wg);
}

void scene_contexts(void)
{
    struct random r = random_of(1300);
    while (running()) {
        go_duration d = (go_duration)draw(&r, 2000) * GO_MICROSECOND;
        bool timed = draw(&r, 2), cancel = !timed || draw(&r, 2);
        go_time begin = go_now();
        go_ctx *root = timed ? go_ctx_with_timeout(go_ctx_background(), d)
                             : go_ctx_with_cancel(go_ctx_background());
        go_waitgroup wg = {0};
        go_waitgroup_add(&wg, 1);
        int depth = (int)draw(&r, 5);
        go(descend, child_of(root, depth), depth, 0, timed, &wg);
        for (int i = (int)draw(&r, 20); i > 0; i--)
            go_yield();
        if (cancel)
            go_ctx_cancel(root);
        go_waitgroup_wait(&wg);
        HOLD("contexts", cancel || go_since(begin) >= d, go_since(begin), d);
        go_ctx_free(root);
        step();
    }
}
