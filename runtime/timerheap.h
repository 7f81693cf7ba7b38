/* timerheap.h - a heap of timers, one for each P; see timers.h for what a timer is. */
#ifndef RT_TIMERHEAP_H
#define RT_TIMERHEAP_H

#include <stdbool.h>
#include <stdint.h>
#include "futex.h"

struct rt_timer;

struct timer_node {
    int64_t when;
    uint64_t seq; /* order of arming, so that equal times fire in order */
    struct rt_timer *t;
};

struct timer_heap {
    struct rt_lock lock;
    uint32_t count, cap;      /* under lock */
    struct timer_node *nodes; /* 4-ary heap by (when, seq); under lock */
    uint64_t seq;             /* under lock */
    int64_t next_when;        /* earliest, INT64_MAX if none; written under lock, read relaxed */
};

void timer_heap_init(struct timer_heap *h);

/* Fires what is due at now.  Returns true when something was.  On a scheduler stack. */
bool timer_heap_run(struct timer_heap *h, int64_t now);

/* When the earliest timer fires; INT64_MAX: never.  A hint. */
static inline int64_t timer_heap_next(const struct timer_heap *h)
{
    return at_load_rlx(&h->next_when); /* relaxed: a hint; fenced in [sleeper] where it matters */
}

/* Moves all timers of from, whose P goes away, to to (the heap of P 0). */
void timer_heap_move(struct timer_heap *to, struct timer_heap *from);

#endif
