/* case_threads.h - plain threads for cases.h. */
#ifndef TESTS_CASE_THREADS_H
#define TESTS_CASE_THREADS_H

#include "cases.h"
#include <pthread.h>

static inline pthread_t start(void *(*fn)(void *), void *arg)
{
    pthread_t t;
    check(pthread_create(&t, NULL, fn, arg) == 0);
    return t;
}

static inline void join(pthread_t t)
{
    check(pthread_join(t, NULL) == 0);
}

#endif
