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

enum { DELAY_ONE_IN = 512, DELAY_MIN_NS = 20000, DELAY_MAX_NS = 1000000 };

static __thread struct rt_rand at_delay_rand __attribute__((unused));

/* Not inline: a goroutine that has changed its thread finds the new one's state. */
static __attribute__((noinline, unused)) void at_delay(void)
{
    struct rt_rand *r = &at_delay_rand;
    if (!r->state)
        r->state = (uint64_t)syscall(SYS_gettid);
    if (rand_below(r, DELAY_ONE_IN) != 0)
        return;
    int saved = errno;
    struct timespec t = {0, DELAY_MIN_NS + (long)rand_below(r, DELAY_MAX_NS - DELAY_MIN_NS)};
    syscall(SYS_nanosleep, &t, NULL);
    errno = saved;
}

#endif
