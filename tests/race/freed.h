/* freed.h - what the programs about freed memory share. */
#ifndef TESTS_FREED_H
#define TESTS_FREED_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cases.h"

#include <pthread.h>

#define USE "HEAP USE AFTER FREE"

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

/* Compilers that see free() would warn. */
static inline __attribute__((noinline)) void drop(void *p)
{
    void (*volatile let_go)(void *) = free;
    let_go(p);
}

static inline __attribute__((noinline)) void *resize(void *p, size_t n)
{
    void *(*volatile grow)(void *, size_t) = realloc;
    return grow(p, n);
}

#endif
