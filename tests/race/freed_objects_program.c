/* freed_objects_program.c - locks, conditions and other objects in freed memory, of threads and of
 * goroutines; and channels, contexts and timers, which have functions of their own to free them. */
#include "freed.h"

#include <errno.h>
#include <goshawk.h>
#include <malloc.h>
#include <semaphore.h>
#include <stdbool.h>
#include <threads.h>

/* ---- of threads ---- */

REPORT(lock_of_a_freed_mutex, USE)
{
    pthread_mutex_t *volatile m = malloc(sizeof *m);
    pthread_mutex_init(m, NULL);
    drop(m);
    pthread_mutex_lock(m);
}

REPORT(unlock_of_a_freed_mutex, USE)
{
    pthread_mutex_t *volatile m = malloc(sizeof *m);
    pthread_mutex_init(m, NULL);
    pthread_mutex_lock(m);
    drop(m);
    pthread_mutex_unlock(m);
}

REPORT(lock_of_a_freed_rwlock, USE)
{
    pthread_rwlock_t *volatile l = malloc(sizeof *l);
    pthread_rwlock_init(l, NULL);
    drop(l);
    pthread_rwlock_rdlock(l);
}

REPORT(signal_of_a_freed_condition, USE)
{
    pthread_cond_t *volatile c = malloc(sizeof *c);
    pthread_cond_init(c, NULL);
    drop(c);
    pthread_cond_signal(c);
}

REPORT(post_of_a_freed_semaphore, USE)
{
    sem_t *volatile s = malloc(sizeof *s);
    sem_init(s, 0, 0);
    drop(s);
    sem_post(s);
}

REPORT(wait_for_a_freed_semaphore, USE)
{
    sem_t *volatile s = malloc(sizeof *s);
    sem_init(s, 0, 1);
    drop(s);
    sem_wait(s);
}

REPORT(lock_of_a_freed_c11_mutex, USE)
{
    mtx_t *volatile m = malloc(sizeof *m);
    mtx_init(m, mtx_plain);
    drop(m);
    mtx_lock(m);
}

REPORT(lock_of_a_freed_spin_lock, USE)
{
    pthread_spinlock_t *volatile s = malloc(sizeof *s);
    pthread_spin_init(s, 0);
    drop((void *)s);
    pthread_spin_lock(s);
}

struct guarded {
    pthread_mutex_t m;
    int users;
};

/* The other one may free it as soon as it is unlocked. */
static void *leave(void *arg)
{
    struct guarded *g = arg;
    pthread_mutex_lock(&g->m);
    bool last = --g->users == 0;
    pthread_mutex_unlock(&g->m);
    if (last) {
        pthread_mutex_destroy(&g->m);
        drop(g);
    }
    return NULL;
}

SILENT(last_user_frees_the_mutex)
{
    for (int k = 0; k < 50; k++) {
        struct guarded *g = malloc(sizeof *g);
        pthread_mutex_init(&g->m, NULL);
        g->users = 2;
        pthread_t a = start(leave, g), b = start(leave, g);
        join(a);
        join(b);
    }
}

/* Posted on its maker's stack or heap, which the maker leaves at once. */
static void *post(void *s)
{
    sem_post(s);
    return NULL;
}

SILENT(semaphore_is_freed_when_it_was_posted)
{
    for (int k = 0; k < 50; k++) {
        sem_t *s = malloc(sizeof *s);
        sem_init(s, 0, 0);
        pthread_t t = start(post, s);
        sem_wait(s);
        sem_destroy(s);
        drop(s);
        join(t);
    }
}

/* ---- of goroutines ---- */

struct counter {
    go_mutex mu;
    long n;
};

static struct counter *volatile counter;

static void count(go_waitgroup *wg, bool last)
{
    go_mutex_lock(&counter->mu);
    counter->n++;
    go_mutex_unlock(&counter->mu);
    if (last)
        drop(counter);
    go_waitgroup_done(wg);
}

/* A goroutine that is waited for counts, and frees the counter when it is told to. */
static void counted(bool last)
{
    go_waitgroup wg = {0};
    go_waitgroup_add(&wg, 1);
    go(count, &wg, last);
    go_waitgroup_wait(&wg);
}

REPORT(goroutine_uses_what_another_freed_before, USE)
{
    counter = calloc(1, sizeof *counter);
    counted(true);
    counted(false);
}

SILENT(last_goroutine_frees)
{
    counter = calloc(1, sizeof *counter);
    counted(false);
    counted(true);
}

REPORT(unlock_of_a_freed_mutex_of_goroutines, USE)
{
    counter = calloc(1, sizeof *counter);
    go_mutex_lock(&counter->mu);
    drop(counter);
    go_mutex_unlock(&counter->mu);
}

REPORT(lock_of_a_freed_rwmutex_of_goroutines, USE)
{
    go_rwmutex *volatile m = calloc(1, sizeof *m);
    drop(m);
    go_rwmutex_rlock(m);
}

REPORT(release_of_a_freed_semaphore_of_goroutines, USE)
{
    go_sem *volatile s = calloc(1, sizeof *s);
    drop(s);
    go_sem_release(s, 1);
}

REPORT(wait_for_a_freed_waitgroup, USE)
{
    go_waitgroup *volatile wg = calloc(1, sizeof *wg);
    drop(wg);
    go_waitgroup_wait(wg);
}

REPORT(signal_of_a_freed_condition_of_goroutines, USE)
{
    go_cond *volatile c = calloc(1, sizeof *c);
    drop(c);
    go_cond_signal(c);
}

/* ---- channels ---- */

#define TWICE "DOUBLE FREE"

typedef go_chan(long) chan_of_long;

/* Freed, with a value and with room for one. */
static chan_of_long freed_chan(void)
{
    chan_of_long c = go_chan_make(long, 2);
    go_chan_send(c, 7);
    go_chan_free(c);
    return c;
}

REPORT(recv_from_a_freed_channel, USE)
{
    check(go_chan_recv(freed_chan()) == 7);
}

REPORT(try_recv_from_a_freed_channel, USE)
{
    long v;
    check(go_chan_try_recv(freed_chan(), &v));
}

REPORT(send_to_a_freed_channel, USE)
{
    go_chan_send(freed_chan(), 8);
}

REPORT(try_send_to_a_freed_channel, USE)
{
    check(go_chan_try_send(freed_chan(), 8));
}

REPORT(length_of_a_freed_channel, USE)
{
    check(go_chan_len(freed_chan()) == 1);
}

REPORT(capacity_of_a_freed_channel, USE)
{
    check(go_chan_cap(freed_chan()) == 2);
}

REPORT(close_of_a_freed_channel, USE)
{
    go_chan_close(freed_chan());
}

REPORT(select_of_one_case_at_a_freed_channel, USE)
{
    long v;
    check(go_select(go_recv_case(freed_chan(), &v), go_default) == 0);
}

REPORT(select_at_a_freed_channel, USE)
{
    long v;
    chan_of_long c = freed_chan(), other = go_chan_make(long, 0);
    check(go_select(go_recv_case(other, &v), go_recv_case(c, &v)) == 1);
}

REPORT(recv_from_a_large_freed_channel, USE)
{
    go_chan(long) c = go_chan_make(long, 8000);
    go_chan_send(c, 7);
    go_chan_free(c);
    check(go_chan_recv(c) == 7);
}

static void free_chan(chan_of_long c, go_waitgroup *wg)
{
    go_chan_free(c);
    go_waitgroup_done(wg);
}

REPORT(len_after_the_goroutine_that_freed_it_was_waited_for, USE)
{
    go_waitgroup wg = {0};
    chan_of_long c = go_chan_make(long, 1);
    go_waitgroup_add(&wg, 1);
    go(free_chan, c, &wg);
    go_waitgroup_wait(&wg);
    check(go_chan_len(c) == 0);
}

static void free_unordered(chan_of_long c)
{
    go_chan_free(c);
    step_to(1);
}

REPORT(len_after_a_free_that_nothing_orders, "DATA RACE")
{
    chan_of_long c = go_chan_make(long, 1);
    go(free_unordered, c);
    await_step(1);
    check(go_chan_len(c) == 0);
}

REPORT(channel_freed_twice, TWICE)
{
    go_chan_free(freed_chan());
}

REPORT(channel_freed_by_two_goroutines_in_turn, TWICE)
{
    go_waitgroup wg = {0};
    chan_of_long c = go_chan_make(long, 1);
    for (int k = 0; k < 2; k++) {
        go_waitgroup_add(&wg, 1);
        go(free_chan, c, &wg);
        go_waitgroup_wait(&wg);
    }
}

static void send_one(chan_of_long c)
{
    go_chan_send(c, 1);
}

static void recv_one(chan_of_long c)
{
    go_chan_recv(c);
}

static void send_and_close(chan_of_long c)
{
    go_chan_send(c, 1);
    go_chan_close(c);
}

static void recv_all(chan_of_long c, go_waitgroup *wg)
{
    long v;
    while (go_chan_recv_ok(c, &v))
        continue;
    go_waitgroup_done(wg);
}

SILENT(receiver_of_the_last_value_frees)
{
    for (int k = 0; k < 200; k++) {
        chan_of_long c = go_chan_make(long, k & 1);
        go(send_one, c);
        go_chan_recv(c);
        go_chan_free(c);
    }
}

SILENT(sender_frees_when_its_value_was_received)
{
    for (int k = 0; k < 200; k++) {
        chan_of_long c = go_chan_make(long, 0);
        go(recv_one, c);
        go_chan_send(c, 1);
        go_chan_free(c);
    }
}

SILENT(who_sees_it_closed_frees)
{
    for (int k = 0; k < 200; k++) {
        chan_of_long c = go_chan_make(long, k & 1);
        go(send_and_close, c);
        long v;
        while (go_chan_recv_ok(c, &v))
            check(v == 1);
        go_chan_free(c);
    }
}

SILENT(freed_when_its_receivers_were_waited_for)
{
    for (int k = 0; k < 50; k++) {
        go_waitgroup wg = {0};
        chan_of_long c = go_chan_make(long, 3);
        go_waitgroup_add(&wg, 3);
        for (int i = 0; i < 3; i++)
            go(recv_all, c, &wg);
        for (long i = 0; i < 20; i++)
            go_chan_send(c, i);
        go_chan_close(c);
        go_waitgroup_wait(&wg);
        go_chan_free(c);
    }
}

SILENT(channels_memory_comes_back)
{
    for (int k = 0; k < 20000; k++) {
        go_chan(char[40]) c = go_chan_make(char[40], k % 50);
        go_chan_free(c);
    }
    check(mallinfo2().uordblks < 8u << 20);
}

CASE(channels_without_a_quarantine, "quarantine_size_mb=0", "")
{
    for (int k = 0; k < 200; k++) {
        chan_of_long c = go_chan_make(long, 1);
        go(send_one, c);
        go_chan_recv(c);
        go_chan_free(c);
    }
}

/* ---- contexts ---- */

static go_ctx *freed_ctx(void)
{
    go_ctx *c = go_ctx_with_cancel(go_ctx_background());
    go_ctx_free(c);
    return c;
}

REPORT(error_of_a_freed_context, USE)
{
    check(go_ctx_err(freed_ctx()) == -ECANCELED);
}

REPORT(value_of_a_freed_context, USE)
{
    check(!go_ctx_value(freed_ctx(), &counter));
}

REPORT(channel_of_a_freed_context, USE)
{
    check(go_ctx_done(freed_ctx()));
}

REPORT(cancel_of_a_freed_context, USE)
{
    go_ctx_cancel(freed_ctx());
}

REPORT(recv_from_the_channel_of_a_freed_context, USE)
{
    go_ctx *c = go_ctx_with_cancel(go_ctx_background());
    go_chan(char) done = go_ctx_done(c);
    go_ctx_free(c);
    go_chan_recv(done);
}

REPORT(child_of_a_freed_context, USE)
{
    go_ctx *c = go_ctx_with_timeout(freed_ctx(), GO_HOUR);
    check(go_ctx_err(c) == -ECANCELED);
    go_ctx_free(c);
}

REPORT(child_keeps_the_memory_but_not_the_parent, USE)
{
    go_ctx *c = go_ctx_with_cancel(go_ctx_background()), *child = go_ctx_with_cancel(c);
    go_ctx_free(c);
    check(go_ctx_err(c) == -ECANCELED);
    go_ctx_free(child);
}

static void ask(go_ctx *c, go_waitgroup *wg)
{
    go_ctx_err(c);
    step_to(1);
    go_waitgroup_done(wg);
}

REPORT(free_after_a_question_that_nothing_orders, "DATA RACE")
{
    go_waitgroup wg = {0};
    go_ctx *c = go_ctx_with_cancel(go_ctx_background());
    go_waitgroup_add(&wg, 1);
    go(ask, c, &wg);
    await_step(1);
    go_ctx_free(c);
    go_waitgroup_wait(&wg);
}

REPORT(context_freed_twice, TWICE)
{
    go_ctx_free(freed_ctx());
}

REPORT(context_freed_twice_that_a_child_keeps, TWICE)
{
    go_ctx *c = go_ctx_with_cancel(go_ctx_background()), *child = go_ctx_with_cancel(c);
    go_ctx_free(c);
    go_ctx_free(c);
    go_ctx_free(child);
}

static void wait_for_end(go_ctx *c, go_waitgroup *wg)
{
    while (go_ctx_err(c) == 0)
        go_chan_recv(go_ctx_done(c));
    go_waitgroup_done(wg);
}

SILENT(context_is_freed_when_its_users_were_waited_for)
{
    for (int k = 0; k < 50; k++) {
        go_waitgroup wg = {0};
        go_ctx *c = go_ctx_with_timeout(go_ctx_background(), k * GO_MICROSECOND);
        go_waitgroup_add(&wg, 2);
        go(wait_for_end, c, &wg);
        go(wait_for_end, c, &wg);
        go_ctx_cancel(c);
        go_waitgroup_wait(&wg);
        go_ctx_free(c);
    }
}

SILENT(child_outlives_its_parent)
{
    for (int k = 0; k < 50; k++) {
        go_ctx *c = go_ctx_with_value(go_ctx_background(), &counter, &k);
        go_ctx *child = go_ctx_with_cancel(c);
        go_ctx_free(c);
        check(go_ctx_err(child) == -ECANCELED && go_ctx_value(child, &counter) == &k);
        go_ctx_free(child);
    }
}

SILENT(context_is_freed_while_its_deadline_comes)
{
    for (int k = 0; k < 300; k++) {
        go_ctx *c = go_ctx_with_timeout(go_ctx_background(), k * 100 * GO_NANOSECOND);
        go_ctx_free(c);
    }
}

/* ---- timers and tickers ---- */

REPORT(stop_of_a_freed_timer, USE)
{
    go_timer *t = go_timer_new(GO_HOUR);
    go_timer_free(t);
    check(!go_timer_stop(t));
}

REPORT(channel_of_a_freed_timer, USE)
{
    go_timer *t = go_timer_new(GO_HOUR);
    go_timer_free(t);
    check(go_timer_chan(t));
}

REPORT(recv_from_the_channel_of_a_freed_timer, USE)
{
    go_time when;
    go_timer *t = go_timer_new(GO_HOUR);
    go_chan(go_time) c = go_timer_chan(t);
    go_timer_free(t);
    check(!go_chan_try_recv(c, &when));
}

REPORT(stop_of_a_freed_ticker, USE)
{
    go_ticker *t = go_ticker_new(GO_HOUR);
    go_ticker_free(t);
    go_ticker_stop(t);
}

REPORT(channel_of_a_freed_ticker, USE)
{
    go_ticker *t = go_ticker_new(GO_HOUR);
    go_ticker_free(t);
    check(go_ticker_chan(t));
}

REPORT(length_of_a_freed_channel_with_a_timer, USE)
{
    go_chan(go_time) c = go_after(GO_HOUR);
    go_chan_free(c);
    check(go_chan_len(c) == 0);
}

REPORT(timer_freed_twice, TWICE)
{
    go_timer *t = go_timer_new(GO_HOUR);
    go_timer_free(t);
    go_timer_free(t);
}

REPORT(ticker_freed_twice, TWICE)
{
    go_ticker *t = go_ticker_new(GO_HOUR);
    go_ticker_free(t);
    go_ticker_free(t);
}

REPORT(channel_with_a_timer_freed_twice, TWICE)
{
    go_chan(go_time) c = go_after(GO_HOUR);
    go_chan_free(c);
    go_chan_free(c);
}

SILENT(timers_are_freed_before_and_after_they_fire)
{
    for (int k = 0; k < 100; k++) {
        go_chan(go_time) fired = go_after(0), pending = go_after(GO_HOUR);
        go_timer *t = go_timer_new(k * 100 * GO_NANOSECOND);
        go_chan_recv(fired);
        go_chan_free(fired);
        go_chan_free(pending);
        go_timer_free(t);
    }
}

SILENT(ticker_is_freed_by_who_reads_it)
{
    go_ticker *t = go_ticker_new(GO_MICROSECOND);
    for (int k = 0; k < 20; k++)
        go_chan_recv(go_ticker_chan(t));
    go_ticker_stop(t);
    go_ticker_free(t);
}

static go_chan(go_timer *) fired_timers;

static void free_own_timer(void *done)
{
    go_timer_free(go_chan_recv(fired_timers));
    go_waitgroup_done(done);
}

SILENT(function_of_a_timer_frees_it)
{
    go_waitgroup wg = {0};
    fired_timers = (__typeof__(fired_timers))go_chan_make(go_timer *, 1);
    for (int k = 0; k < 50; k++) {
        go_waitgroup_add(&wg, 1);
        go_chan_send(fired_timers, go_after_func(0, free_own_timer, &wg));
    }
    go_waitgroup_wait(&wg);
    go_chan_free(fired_timers);
}

static void look_at(void *n)
{
    check(*(long *)n == 5);
}

SILENT(timer_with_a_function_is_freed_while_it_fires)
{
    static long n;
    n = 5;
    for (int k = 0; k < 300; k++)
        go_timer_free(go_after_func(k * 100 * GO_NANOSECOND, look_at, &n));
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
