/* time_models.c - sleeping, timers, tickers and contexts under many schedules of virtual time. */
#include "sim.h"
#include <errno.h>

/* ---- sleep: never early ---- */

static void sleeper(int me)
{
    for (int i = 0; i < 3; i++) {
        go_duration d = draw(4) * GO_MILLISECOND;
        go_time before = go_now();
        go_sleep(d);
        HOLD(go_since(before) >= d);
        note('z', me);
    }
}

static void sleeping(void)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < 5; i++)
        go_waitgroup_go(&wg, sleeper, i);
    go_waitgroup_wait(&wg);
}

/* ---- functions: as many calls as armings that nobody has stopped ---- */

static int armed, disarmed, called;

struct call {
    go_time not_before;
};

static void call(void *arg)
{
    struct call *c = arg;
    HOLD(go_now() >= c->not_before);
    called++;
    note('f', 0);
}

static void fiddle(go_timer *t)
{
    for (int i = 0; i < 4; i++) {
        if (draw(2)) {
            disarmed += go_timer_stop(t);
        } else {
            armed++;
            disarmed += go_timer_reset(t, (1 + draw(3)) * GO_MILLISECOND);
        }
        go_sleep(draw(3) * GO_MILLISECOND);
    }
}

static void timer_functions(void)
{
    go_waitgroup wg = {0};
    struct call c = {.not_before = go_now() + GO_MILLISECOND};
    go_timer *t[3];
    for (int i = 0; i < 3; i++) {
        armed++;
        t[i] = go_after_func((1 + draw(3)) * GO_MILLISECOND, call, &c);
        HOLD(!go_timer_chan(t[i]));
        for (int k = draw(3); k >= 0; k--)
            go_waitgroup_go(&wg, fiddle, t[i]);
    }
    go_waitgroup_wait(&wg);
    for (int i = 0; i < 3; i++)
        disarmed += go_timer_stop(t[i]);
    for (int i = 0; i < 3; i++)
        go_timer_free(t[i]); /* those on their way keep what they need */
    while (called < armed - disarmed)
        go_sleep(GO_MILLISECOND);
    go_sleep(GO_SECOND);
    HOLD(called == armed - disarmed);
}

/* ---- channels: at most one value an arming, none from a stopped one, never early ---- */

static void timer_channels(void)
{
    for (int i = 0; i < 6; i++) {
        go_duration d = draw(4) * GO_MILLISECOND;
        go_time start = go_now(), v = 0;
        go_timer *t = go_timer_new(d);
        if (draw(2))
            go_sleep(draw(4) * GO_MILLISECOND);
        if (draw(2)) {
            bool stopped = go_timer_stop(t);
            HOLD(go_chan_try_recv(go_timer_chan(t), &v) == !stopped);
            HOLD(!go_timer_stop(t));
            start = go_now();
            HOLD(!go_timer_reset(t, d));
        }
        v = go_chan_recv(go_timer_chan(t));
        HOLD(v >= start + d && v <= go_now());
        HOLD(!go_timer_stop(t) && go_chan_len(go_timer_chan(t)) == 0);
        go_timer_free(t);
        note('t', i);
    }
}

static void timeouts(void)
{
    for (int i = 0; i < 6; i++) {
        go_time start = go_now(), v = 0;
        int a = draw(4), b = draw(4);
        go_chan(go_time) x = go_after(a * GO_MILLISECOND), y = go_after(b * GO_MILLISECOND);
        int won = go_select(go_recv_case(x, &v), go_recv_case(y, &v));
        HOLD(v >= start + (won == 0 ? a : b) * GO_MILLISECOND);
        note('o', won);
        go_chan_free(x); /* cancels the one that has not fired */
        go_chan_free(y);
    }
}

/* ---- ticker: on its beat, at most one waits, none after stop ---- */

static void ticker(void)
{
    go_duration beat = (1 + draw(3)) * GO_MILLISECOND;
    go_time start = go_now(), last = 0;
    go_ticker *t = go_ticker_new(beat);
    for (int i = 0; i < 5; i++) {
        if (draw(2))
            go_sleep(draw(8) * GO_MILLISECOND);
        HOLD(go_chan_len(go_ticker_chan(t)) <= 1);
        go_time v = go_chan_recv(go_ticker_chan(t));
        HOLD(v >= start + beat && v > last);
        last = v;
        note('k', (int)((v - start) / beat));
    }
    go_ticker_stop(t);
    while (go_chan_try_recv(go_ticker_chan(t), NULL))
        ;
    go_sleep(10 * beat);
    HOLD(go_chan_len(go_ticker_chan(t)) == 0);
    start = go_now();
    go_ticker_reset(t, 2 * beat);
    HOLD(go_chan_recv(go_ticker_chan(t)) >= start + 2 * beat);
    go_ticker_free(t);
}

/* ---- contexts: a tree that is cancelled from several sides ---- */

enum { NODES = 7 };

static struct node {
    go_ctx *c;
    int parent;       /* -1: the background */
    go_time deadline; /* its own or an ancestor's; 0: none */
    bool cancelled;   /* somebody has begun to cancel it or an ancestor */
    int key;
} tree[NODES];

static bool is_below(int n, int ancestor)
{
    while (n != ancestor && n >= 0)
        n = tree[n].parent;
    return n == ancestor;
}

static void watch(int n)
{
    go_chan_recv(go_ctx_done(tree[n].c));
    int err = go_ctx_err(tree[n].c);
    HOLD(err == -ECANCELED || err == -ETIMEDOUT);
    HOLD(err != -ECANCELED || tree[n].cancelled);
    HOLD(err != -ETIMEDOUT || (tree[n].deadline && go_now() >= tree[n].deadline));
    note('d', n);
}

static void cancel_and_look(int n)
{
    for (int i = 0; i < NODES; i++)
        tree[i].cancelled = tree[i].cancelled || is_below(i, n);
    go_ctx_cancel(tree[n].c);
    for (int i = 0; i < NODES; i++)
        HOLD(!is_below(i, n) || go_ctx_err(tree[i].c) != 0);
}

static void canceller(void)
{
    int n = draw(NODES);
    go_sleep(draw(4) * GO_MILLISECOND);
    cancel_and_look(n);
}

static void make_node(int i)
{
    struct node *n = &tree[i];
    n->parent = draw(i + 1) - 1;
    go_ctx *parent = n->parent < 0 ? go_ctx_background() : tree[n->parent].c;
    n->deadline = n->parent < 0 ? 0 : tree[n->parent].deadline;
    go_time mine = go_now() + draw(4) * GO_MILLISECOND;
    switch (draw(3)) {
    case 0:
        n->c = go_ctx_with_cancel(parent);
        break;
    case 1:
        n->c = go_ctx_with_value(parent, &n->key, n);
        HOLD(go_ctx_value(n->c, &n->key) == n);
        break;
    case 2:
        n->c = go_ctx_with_deadline(parent, mine);
        if (!n->deadline || mine < n->deadline)
            n->deadline = mine;
        break;
    }
}

static void contexts(void)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < NODES; i++)
        make_node(i);
    for (int i = 0; i < NODES; i++)
        go_waitgroup_go(&wg, watch, i);
    go_waitgroup_go(&wg, canceller);
    go_waitgroup_go(&wg, canceller);
    go_sleep(draw(6) * GO_MILLISECOND);
    for (int i = 0; i < NODES; i++)
        cancel_and_look(i);
    go_waitgroup_wait(&wg);
    for (int i = NODES - 1; i >= 0; i--)
        go_ctx_free(tree[i].c);
}

/* A context may be freed by its maker while its children and its timer go on. */
static void child_of(go_ctx *parent, go_sem *begun)
{
    go_ctx *c = go_ctx_with_timeout(parent, draw(3) * GO_MILLISECOND);
    go_sem_release(begun, 1);
    go_chan_recv(go_ctx_done(c));
    HOLD(go_ctx_err(c) != 0);
    note('e', go_ctx_err(c) == -ETIMEDOUT);
    go_ctx_free(c);
}

static void contexts_go(void)
{
    go_sem begun = GO_SEM_INIT(0);
    go_waitgroup wg = {0};
    go_ctx *c = go_ctx_with_timeout(go_ctx_background(), draw(4) * GO_MILLISECOND);
    int n = 1 + draw(3);
    for (int i = 0; i < n; i++)
        go_waitgroup_go(&wg, child_of, c, &begun);
    go_sem_acquire(&begun, n);
    go_ctx_free(c);
    go_waitgroup_wait(&wg);
}

const struct model time_models[] = {
    {"sleep", sleeping},
    {"timer_functions", timer_functions},
    {"timer_channels", timer_channels},
    {"timeouts", timeouts},
    {"ticker", ticker},
    {"contexts", contexts},
    {"contexts_go", contexts_go},
    {NULL, NULL},
};
