/* misuse_program.c - mutexes used wrongly, under POSIX's names and C11's, and locks in different
 * orders; see programs.py. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cases.h"
#include <errno.h>
#include <goshawk.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <threads.h>
#include <time.h>

#define MISUSE "MUTEX MISUSE"
#define ORDER  "LOCK ORDER INVERSION (potential deadlock)"

static pthread_mutex_t p = PTHREAD_MUTEX_INITIALIZER;
static mtx_t m;
static const struct timespec past;

REPORT(unlocked_twice, MISUSE)
{
    pthread_mutex_lock(&p);
    pthread_mutex_unlock(&p);
    pthread_mutex_unlock(&p);
}

/* What it waits for never comes: the case's own end stops it. */
static void *locks_again(void *unused)
{
    pthread_mutex_lock(&p);
    pthread_mutex_lock(&p);
    return unused;
}

static void in_a_thread(void *(*fn)(void *))
{
    pthread_t t;
    check(pthread_create(&t, NULL, fn, NULL) == 0);
}

static atomic_bool told;

static void note(const go_race_report *report, void *unused)
{
    (void)report, (void)unused;
    atomic_store(&told, true);
}

static void await_report(void)
{
    while (!atomic_load(&told))
        sched_yield();
}

REPORT(locked_twice, MISUSE)
{
    go_race_on_report(note, NULL);
    in_a_thread(locks_again);
    await_report();
}

static void *locks(void *unused)
{
    pthread_mutex_lock(&p);
    step_to(1);
    await_step(2);
    return unused;
}

/* As it is: glibc does not ask who it is. */
REPORT(unlocked_by_another_thread, MISUSE)
{
    in_a_thread(locks);
    await_step(1);
    pthread_mutex_unlock(&p);
    step_to(2);
}

static pthread_mutex_t q = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static void *p_then_q(void *unused)
{
    pthread_mutex_lock(&p);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&q);
    return unused;
}

static void *q_then_p(void *unused)
{
    pthread_mutex_lock(&q);
    pthread_barrier_wait(&both);
    pthread_mutex_lock(&p);
    return unused;
}

/* Told when it happens, not only when it did not. */
REPORT(deadlocked, ORDER)
{
    go_race_on_report(note, NULL);
    pthread_barrier_init(&both, NULL, 2);
    in_a_thread(p_then_q);
    in_a_thread(q_then_p);
    await_report();
}

static void nest(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
    pthread_mutex_lock(outer);
    pthread_mutex_lock(inner);
    pthread_mutex_unlock(inner);
    pthread_mutex_unlock(outer);
}

static void *p_in_q(void *unused)
{
    nest(&q, &p);
    step_to(1);
    await_step(2);
    return unused;
}

/* The set-up's order is over before a thread has another one. */
SILENT(order_of_the_set_up)
{
    nest(&p, &q);
    in_a_thread(p_in_q);
    await_step(1);
    step_to(2);
}

REPORT(order_of_the_set_up_again, ORDER)
{
    nest(&p, &q);
    in_a_thread(p_in_q);
    await_step(1);
    nest(&p, &q);
    step_to(2);
}

static go_mutex a, b;
static go_waitgroup done;

static void nest_go(go_mutex *outer, go_mutex *inner)
{
    go_mutex_lock(outer);
    go_mutex_lock(inner);
    go_mutex_unlock(inner);
    go_mutex_unlock(outer);
    go_waitgroup_done(&done);
}

SILENT(goroutines_after_the_set_up)
{
    go_waitgroup_add(&done, 4);
    nest_go(&a, &b);
    for (int i = 0; i < 3; i++)
        go(nest_go, &b, &a);
    go_waitgroup_wait(&done);
}

static void nest_late(void *unused)
{
    (void)unused;
    nest_go(&b, &a);
}

SILENT(timers_after_the_set_up)
{
    go_waitgroup_add(&done, 2);
    nest_go(&a, &b);
    go_timer_free(go_after_func(GO_HOUR, nest_late, NULL));
    go_timer *t = go_after_func(0, nest_late, NULL);
    go_waitgroup_wait(&done);
    go_timer_free(t);
}

/* Behind what main locks, lest they wait for each other, but nothing orders them. */
static void nest_next(void *unused)
{
    await_step(1);
    nest_late(unused);
}

REPORT(timers_beside_the_set_up, ORDER)
{
    go_waitgroup_add(&done, 2);
    go_timer *t = go_after_func(0, nest_next, NULL);
    nest_go(&a, &b);
    step_to(1);
    go_waitgroup_wait(&done);
    go_timer_free(t);
}

REPORT(goroutines_beside_the_set_up, ORDER)
{
    go_waitgroup_add(&done, 2);
    go(nest_next, NULL);
    nest_go(&a, &b);
    step_to(1);
    go_waitgroup_wait(&done);
}

static void recursive(pthread_mutex_t *l)
{
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(l, &a);
    pthread_mutexattr_destroy(&a);
}

static void *p_q_p(void *unused)
{
    pthread_mutex_lock(&p);
    pthread_mutex_lock(&q);
    pthread_mutex_lock(&p);
    pthread_mutex_unlock(&p);
    pthread_mutex_unlock(&q);
    pthread_mutex_unlock(&p);
    return unused;
}

SILENT(recursive_locked_again_under_another)
{
    pthread_t t[2];
    recursive(&p);
    for (int i = 0; i < 2; i++)
        check(pthread_create(&t[i], NULL, p_q_p, NULL) == 0);
    for (int i = 0; i < 2; i++)
        check(pthread_join(t[i], NULL) == 0);
}

static void *errs(void *unused)
{
    check(pthread_mutex_unlock(&p) == EPERM);
    return unused;
}

SILENT(one_that_asks_who_unlocks_it)
{
    pthread_mutexattr_t a;
    pthread_t t;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&p, &a);
    pthread_mutex_lock(&p);
    check(pthread_mutex_lock(&p) == EDEADLK);
    check(pthread_create(&t, NULL, errs, NULL) == 0 && pthread_join(t, NULL) == 0);
    pthread_mutex_unlock(&p);
}

REPORT(c11_unlocked_twice, MISUSE)
{
    mtx_init(&m, mtx_plain);
    mtx_lock(&m);
    mtx_unlock(&m);
    mtx_unlock(&m);
}

REPORT(locked_after_destroy, MISUSE)
{
    pthread_mutex_destroy(&p);
    check(pthread_mutex_lock(&p) != 0);
}

REPORT(tried_after_destroy, MISUSE)
{
    pthread_mutex_destroy(&p);
    check(pthread_mutex_trylock(&p) != 0);
}

REPORT(locked_in_time_after_destroy, MISUSE)
{
    pthread_mutex_destroy(&p);
    check(pthread_mutex_timedlock(&p, &past) != 0);
}

REPORT(c11_locked_after_destroy, MISUSE)
{
    mtx_init(&m, mtx_plain);
    mtx_destroy(&m);
    check(mtx_lock(&m) != thrd_success);
}

REPORT(c11_tried_after_destroy, MISUSE)
{
    mtx_init(&m, mtx_plain);
    mtx_destroy(&m);
    check(mtx_trylock(&m) != thrd_success);
}

REPORT(c11_unlocked_after_destroy, MISUSE)
{
    mtx_init(&m, mtx_plain);
    mtx_destroy(&m);
    mtx_unlock(&m);
}

REPORT(destroyed_while_locked, MISUSE)
{
    pthread_mutex_lock(&p);
    check(pthread_mutex_destroy(&p) == EBUSY);
    pthread_mutex_unlock(&p);
}

REPORT(c11_destroyed_while_locked, MISUSE)
{
    mtx_init(&m, mtx_plain);
    mtx_lock(&m);
    mtx_destroy(&m);
    mtx_unlock(&m);
}

SILENT(c11_in_every_right_way)
{
    for (int i = 0; i < 3; i++) {
        mtx_init(&m, i == 0 ? mtx_plain : i == 1 ? mtx_recursive : mtx_timed);
        mtx_lock(&m);
        check(mtx_trylock(&m) == (i == 1 ? thrd_success : thrd_busy));
        mtx_unlock(&m);
        if (i == 1)
            mtx_unlock(&m);
        if (i == 2) {
            check(mtx_timedlock(&m, &past) == thrd_success);
            check(mtx_timedlock(&m, &past) == thrd_timedout);
            mtx_unlock(&m);
        }
        mtx_destroy(&m);
    }
}

SILENT(of_every_kind)
{
    static const int kinds[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE,
                                PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP};
    for (int i = 0; i < 8; i++) {
        pthread_mutexattr_t a;
        pthread_mutexattr_init(&a);
        check(pthread_mutexattr_settype(&a, kinds[i % 4]) == 0);
        check(pthread_mutexattr_setprotocol(&a, i < 4 ? PTHREAD_PRIO_NONE : PTHREAD_PRIO_INHERIT) ==
              0);
        pthread_mutex_init(&p, &a);
        pthread_mutexattr_destroy(&a);
        check(pthread_mutex_lock(&p) == 0 && pthread_mutex_unlock(&p) == 0);
        check(pthread_mutex_trylock(&p) == 0 && pthread_mutex_unlock(&p) == 0);
        check(pthread_mutex_destroy(&p) == 0);
    }
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
