/* timers.h - the heaps of pending timers; go_sleep(), go_timer and contexts stand on them.
 *
 * Lock order: a heap's lock, then a channel's or wait queue's lock, then sched.lock. */
#ifndef RT_TIMERS_H
#define RT_TIMERS_H

#include <stdbool.h>
#include <stdint.h>
#include "scheduler.h"

struct timer_heap;

/* Zero bytes, with fn and arg set, are an idle timer. */
struct rt_timer {
    int64_t when;   /* rt_nanos() at which it fires; under the heap's lock */
    int64_t period; /* > 0: fires again every period ns; likewise */
    void (*fn)(struct rt_timer *t,
               int64_t now); /* called on a scheduler stack under the heap's lock:
                              * must be short, must not start or stop timers, may rt_ready(),
                              * rt_spawn() and lock channels */
    void *arg;               /* fn's own */
    struct timer_heap *home; /* the heap it was last on, NULL once it was stopped */
    uint32_t slot;           /* place in the heap + 1; 0: idle */
};

/* Arms t; fires at when (past: as soon as possible), then every period if > 0.
 * Requires: t is idle.  The caller serialises start and stop of one timer. */
void rt_timer_start(struct rt_timer *t, int64_t when, int64_t period);

/* Disarms t.  True when it was armed; false when it has fired or was idle.  When this returns, fn
 * does not run and will not, so t may be freed. */
bool rt_timer_stop(struct rt_timer *t);

/* The moment d ns from now; one that is too far is the last that a timer can have. */
static inline int64_t rt_deadline(int64_t d)
{
    int64_t now = rt_nanos(), when;
    if (d <= 0)
        return now;
    return __builtin_add_overflow(now, d, &when) ? INT64_MAX - 1 : when;
}

#endif
