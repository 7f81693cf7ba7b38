/* fence.h - a full fence on all threads of the process at once, so that the other side of a
 * handshake needs none.
 *
 * Who runs often stores and loads plainly; who comes seldom calls rt_fence_all() between its own
 * store and load: afterwards every other thread has executed a full fence somewhere in between.
 * Where the kernel has no membarrier(2) (before Linux 4.14, or under a filter), rt_fence_often() is
 * a real fence and rt_fence_all() is one too. */
#ifndef BASE_FENCE_H
#define BASE_FENCE_H

#include "atomic.h"
#include "check.h"

extern bool rt_fence_needed; /* r/o after rt_fence_init() */

/* Once, before the first use of the others. */
void rt_fence_init(void);

/* The seldom side; microseconds. */
void rt_fence_all(void);

/* The frequent side: keeps the order of a store and a load that follow each other. */
static inline void rt_fence_often(void)
{
    __asm__ volatile("" ::: "memory");
    if (unlikely(rt_fence_needed))
        at_fence_sc(); /* [fence-all] */
}

#endif
