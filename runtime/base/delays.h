/* delays.h - for tests only (-Ddelays=true, tools/dev test-delays): threads sleep for a moment, at
 * random, before operations that order, but for loads.
 *
 * What goes wrong when a thread is stopped between two such operations is seldom seen otherwise:
 * it takes the kernel's clock to end its time slice just there. */
#ifndef BASE_DELAYS_H
#define BASE_DELAYS_H

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include "rand.h"

extern long syscall(long number, ...); /* no unistd.h, whose names are many */

enum {
    DELAY_ONE_IN = 512,
    DELAY_MIN_NS = 20000,
    DELAY_MAX_NS = 1000000,
    DELAYS_OFTEN = 20000,        /* 10 s in all; who makes more is in a long loop, */
    DELAY_LATER_ONE_IN = 1 << 14 /* and is let come to its end */
};

static __thread struct rt_rand at_delay_rand __attribute__((unused));
/* One for all files; a pause that is lost by two threads at once does no harm. */
unsigned at_delays_made __attribute__((weak, visibility("hidden")));

/* raw atomics: those of atomic.h come here.  Relaxed: a count, which orders nothing.
 * Not inline: a goroutine that has changed its thread finds the new one's state. */
static __attribute__((noinline, unused)) void at_delay(void)
{
    struct rt_rand *r = &at_delay_rand;
    if (!r->state)
        r->state = (uint64_t)syscall(SYS_gettid);
    unsigned made = __atomic_load_n(&at_delays_made, __ATOMIC_RELAXED);
    if (rand_below(r, made < DELAYS_OFTEN ? DELAY_ONE_IN : DELAY_LATER_ONE_IN) != 0)
        return;
    __atomic_store_n(&at_delays_made, made + 1, __ATOMIC_RELAXED);
    int saved = errno;
    struct timespec t = {0, DELAY_MIN_NS + (long)rand_below(r, DELAY_MAX_NS - DELAY_MIN_NS)};
    syscall(SYS_nanosleep, &t, NULL);
    errno = saved;
}

#endif
