/* stats.c - see stats.h.
 *
 * A latency is measured in ticks and sorted into its bucket as nanoseconds at once; the factor is
 * worked out again every so many samples, as the clock's comparison gets better with time. */
#include "stats.h"
#include "check.h"
#include "clock.h"
#include "core.h"
#include "signals.h"

enum { FACTOR_SAMPLES = 256, FACTOR_SHIFT = 20 };

struct p_stats stats_outside;
static uint32_t samples; /* until the factor is worked out again; relaxed */
static uint64_t factor;  /* ns of 1 << FACTOR_SHIFT ticks, 0: not known yet; relaxed */

void stats_steal(struct p_stats *own, uint32_t n)
{
    stats_add(&own->steals, 1);
    stats_add(&own->stolen, n);
}

static uint64_t nanos(uint64_t ticks)
{
    uint64_t f = at_load_rlx(&factor); /* relaxed: any recent one will do */
    if (unlikely(!f || at_add_rlx(&samples, 1u) % FACTOR_SAMPLES == 0)) { /* relaxed: a guess */
        f = (uint64_t)signals_ticks_to_nanos(1u << FACTOR_SHIFT);
        at_store_rlx(&factor, f); /* relaxed: see above */
    }
    return (uint64_t)((unsigned __int128)ticks * f >> FACTOR_SHIFT);
}

static unsigned bucket_of(uint64_t ns)
{
    unsigned bits = ns ? 64 - (unsigned)__builtin_clzll(ns) : 0;
    unsigned i = bits > STATS_FIRST_BITS ? bits - STATS_FIRST_BITS : 0;
    return i < STATS_BUCKETS ? i : STATS_BUCKETS - 1;
}

void stats_run(struct p_stats *own, uint64_t ticks)
{
    stats_add(&own->latency[bucket_of(nanos(ticks))], 1);
}

static void sum(struct p_stats *to, const struct p_stats *from)
{
    const uint64_t *words = (const uint64_t *)from;
    for (unsigned i = 0; i < sizeof *to / sizeof *words; i++)
        ((uint64_t *)to)[i] += at_load_rlx(&words[i]); /* relaxed: a picture */
}

void stats_sum(struct p_stats *ret)
{
    *ret = (struct p_stats){0};
    sum(ret, &stats_outside);
    uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
    for (uint32_t i = 0; i < procs; i++)
        sum(ret, &sched.procs[i]->stats);
}
