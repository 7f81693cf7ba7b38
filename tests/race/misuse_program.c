/* misuse_program.c - mutexes used wrongly, under POSIX's names and C11's; see programs.py. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cases.h"
#include <errno.h>
#include <pthread.h>
#include <threads.h>
#include <time.h>

#define MISUSE "MUTEX MISUSE"

static pthread_mutex_t p = PTHREAD_MUTEX_INITIALIZER;
static mtx_t m;
static const struct timespec past;

REPORT(unlocked_twice, MISUSE)
{
    pthread_mutex_lock(&p);
    pthread_mutex_unlock(&p);
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
