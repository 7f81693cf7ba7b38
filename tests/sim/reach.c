/* reach.c - models that show how far the choices of a seed reach: all orders of a few steps come
 * up, and mistakes that need one particular order are caught. */
#include "sim.h"

static go_waitgroup wg;

/* ---- orders ---- */

static void step(int me)
{
    note('g', me);
}

/* 3! */
static void three_start(void)
{
    for (int i = 0; i < 3; i++)
        go_waitgroup_go(&wg, step, i);
    go_waitgroup_wait(&wg);
}

static void walk(int me, int steps)
{
    go_mutex own = {0}; /* which nobody else ever takes */
    for (int i = 0; i < steps; i++) {
        go_mutex_lock(&own);
        note('g', me);
        go_mutex_unlock(&own);
    }
}

/* 6! / (3! 3!): what two threads with three steps each can do */
static void two_walk(void)
{
    go_waitgroup_go(&wg, walk, 0, 3);
    go_waitgroup_go(&wg, walk, 1, 3);
    go_waitgroup_wait(&wg);
}

/* 6! / (2! 2! 2!) */
static void three_walk(void)
{
    for (int i = 0; i < 3; i++)
        go_waitgroup_go(&wg, walk, i, 2);
    go_waitgroup_wait(&wg);
}

/* Four channels are ready: each may be chosen first, second, third: 4! */
static void four_ready(void)
{
    go_chan(int) c[4];
    go_case cases[4];
    for (int i = 0; i < 4; i++) {
        c[i] = go_chan_make(int, 1);
        go_chan_send(c[i], i);
        cases[i] = go_recv_case(c[i], NULL);
    }
    for (int i = 0; i < 4; i++)
        note('c', go_select_n(cases, 4));
}

static void sleep_and_step(int me)
{
    go_sleep(GO_MILLISECOND);
    note('s', me);
}

/* Timers that fire at the same time: 3! */
static void three_wake(void)
{
    for (int i = 0; i < 3; i++)
        go_waitgroup_go(&wg, sleep_and_step, i);
    go_waitgroup_wait(&wg);
}

static void run_freely(void)
{
    for (int i = 0; i < 20; i++)
        go_chan_len(NULL);
    note('r', 0);
}

/* A timer may fire before somebody who could run all the time gets that far, or after: 2. */
static void timer_or_worker(void)
{
    go_waitgroup_go(&wg, sleep_and_step, 1);
    go_waitgroup_go(&wg, run_freely);
    go_waitgroup_wait(&wg);
}

/* ---- mistakes ---- */

static go_mutex a, b;
static int balance;

/* Reads and writes under the lock, but not both under the same holding of it. */
static void add_in_two_steps(void)
{
    go_mutex_lock(&a);
    int seen = balance;
    go_mutex_unlock(&a);
    go_mutex_lock(&a);
    balance = seen + 1;
    go_mutex_unlock(&a);
}

static void lost_update(void)
{
    go_waitgroup_go(&wg, add_in_two_steps);
    go_waitgroup_go(&wg, add_in_two_steps);
    go_waitgroup_wait(&wg);
    if (balance == 1)
        caught();
}

static void lock_both(go_mutex *first, go_mutex *second, bool *has_first, go_chan(int) done)
{
    go_mutex_lock(first);
    *has_first = true;
    go_mutex_lock(second);
    *has_first = false;
    go_mutex_unlock(second);
    go_mutex_unlock(first);
    go_chan_send(done, 1);
}

/* Two locks taken in both orders. */
static void deadly_embrace(void)
{
    go_chan(int) done = go_chan_make(int, 2);
    go_chan(go_time) late = go_after(GO_HOUR);
    bool has_a = false, has_b = false;
    go(lock_both, &a, &b, &has_a, done);
    go(lock_both, &b, &a, &has_b, done);
    for (int ended = 0; ended < 2; ended++)
        while (go_select(go_recv_case(done, NULL), go_recv_case(late, NULL)) == 1) {
            if (has_a && has_b) { /* each has one lock only, and wants the other */
                caught();
                return;
            }
            go_chan_free(late);
            late = go_after(GO_HOUR);
        }
    go_chan_free(late);
}

static bool ready;

static void wait_for_ready(go_cond *c)
{
    go_mutex_lock(&a);
    bool go_on = ready;
    go_mutex_unlock(&a);
    if (go_on)
        return;
    go_mutex_lock(&a); /* too late: it should have been held since the look */
    go_cond_wait(c, &a);
    go_mutex_unlock(&a);
}

static bool told;

static void tell(go_cond *c)
{
    go_mutex_lock(&a);
    ready = true;
    go_mutex_unlock(&a);
    go_cond_signal(c);
    told = true;
}

static void missed_signal(void)
{
    static go_cond c;
    go_waitgroup_go(&wg, wait_for_ready, &c);
    go_waitgroup_go(&wg, tell, &c);
    while (!told)
        go_yield();
    for (int i = 0; i < 20; i++)
        go_yield();
    if (c.head_) /* it waits, and nobody will signal any more */
        caught();
    else
        go_waitgroup_wait(&wg);
}

/* Needs three switches at the right places: looks, then acts, twice in a row. */
static void take_ticket(int *tickets, int *sold)
{
    for (int i = 0; i < 2; i++) {
        go_mutex_lock(&a);
        bool left = *tickets > 0;
        go_mutex_unlock(&a);
        if (!left)
            return;
        go_mutex_lock(&a);
        --*tickets;
        ++*sold;
        go_mutex_unlock(&a);
    }
}

static void oversold(void)
{
    static int tickets = 2, sold;
    for (int i = 0; i < 3; i++)
        go_waitgroup_go(&wg, take_ticket, &tickets, &sold);
    go_waitgroup_wait(&wg);
    if (sold == 4)
        caught();
}

static void produce(go_chan(int) c)
{
    go_chan_send(c, 1);
}

/* The classic: whoever takes the timeout leaves a sender behind for ever. */
static void sender_left_behind(void)
{
    go_chan(int) c = go_chan_make(int, 0);
    go_chan(go_time) late = go_after(GO_SECOND);
    go(produce, c);
    if (go_select(go_recv_case(c, NULL), go_recv_case(late, NULL)) == 1)
        caught();
}

const struct reach reaches[] = {
    {"three_start", three_start, 6},
    {"two_walk", two_walk, 20},
    {"three_walk", three_walk, 90},
    {"four_ready", four_ready, 24},
    {"three_wake", three_wake, 6},
    {"timer_or_worker", timer_or_worker, 2},
    {"lost_update", lost_update, 0},
    {"deadly_embrace", deadly_embrace, 0},
    {"missed_signal", missed_signal, 0},
    {"oversold", oversold, 0},
    {"sender_left_behind", sender_left_behind, 0},
    {NULL, NULL, 0},
};
