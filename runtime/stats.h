/* stats.h - counters of a P, for goshawk/metrics.h.
 *
 * Written by the M that holds the P, by plain loads and relaxed stores; read by anybody.  Events on
 * no P (plain threads, blocking sections) are added to one set of words that all share. */
#ifndef RT_STATS_H
#define RT_STATS_H

#include <stdbool.h>
#include <stdint.h>
#include "atomic.h"
#include "check.h"

enum {
    STATS_SAMPLE = 64, /* one wake-up of so many is timed */
    STATS_BUCKETS = 32,
    STATS_FIRST_BITS = 7, /* the first bucket is below 1 << 7 ns */
};

struct p_stats {
    uint64_t parks, readies; /* goroutines that stopped to wait, that were made runnable */
    uint64_t steals, stolen; /* successful looks at other Ps' rings, goroutines they brought */
    uint64_t latency[STATS_BUCKETS];
};

/* Adds n to a counter of the caller's own P. */
static inline void stats_add(uint64_t *counter, uint64_t n)
{
    at_store_rlx(counter, *counter + n); /* relaxed: this M alone writes it */
}

extern struct p_stats stats_outside; /* of events on no P; added to atomically */

/* own: of the caller's P (m_stats()), or NULL. */
static inline void stats_park(struct p_stats *own)
{
    if (likely(own))
        stats_add(&own->parks, 1);
    else
        at_add_rlx(&stats_outside.parks, (uint64_t)1); /* relaxed: a counter */
}

/* A goroutine is made runnable; true when the moment shall be noted, for stats_run(). */
static inline bool stats_ready(struct p_stats *own)
{
    if (unlikely(!own)) {
        at_add_rlx(&stats_outside.readies, (uint64_t)1); /* relaxed: a counter */
        return false;
    }
    stats_add(&own->readies, 1);
    return own->readies % STATS_SAMPLE == 0;
}

/* A goroutine that was made runnable ticks ago is about to run. */
void stats_run(struct p_stats *own, uint64_t ticks);

/* n goroutines were taken from another P. */
void stats_steal(struct p_stats *own, uint32_t n);

/* Adds all Ps' counters up. */
void stats_sum(struct p_stats *ret);

#endif
