/* test_stats.c - counters of a P: sampling, buckets, sums. */
#include "in_go.h"
#include "core.h"
#include "signals.h"
#include "stats.h"

Test(stats, one_ready_in_64_is_noted)
{
    struct p_stats s = {0};
    int noted = 0;
    for (int i = 0; i < 6400; i++)
        noted += stats_ready(&s);
    cr_expect_eq(noted, 100);
    cr_expect_eq(s.readies, 6400);
    stats_park(&s);
    stats_steal(&s, 7);
    stats_steal(&s, 1);
    cr_expect(s.parks == 1 && s.steals == 2 && s.stolen == 8);
}

static int outside_and_sum(int argc, char **argv)
{
    struct p_stats before, after;
    stats_sum(&before);
    CHECK(!stats_ready(NULL));
    stats_park(NULL);
    stats_add(&sched.procs[1]->stats.steals, 5);
    stats_sum(&after);
    CHECK(after.readies == before.readies + 1 && after.parks == before.parks + 1);
    CHECK(after.steals == before.steals + 5 && after.stolen == before.stolen);
    return argc && argv;
}

IN_GO(stats, of_all_ps_and_none)
{
    if (go_maxprocs(0) > 1)
        CHECK(outside_and_sum(0, NULL) == 0);
}

/* Slow model: the bucket of ns is the first whose upper end lies above it. */
static unsigned model(double ns)
{
    unsigned i = 0;
    while (i + 1 < STATS_BUCKETS && ns >= (double)((uint64_t)1 << (STATS_FIRST_BITS + i)))
        i++;
    return i;
}

IN_GO(stats, latencies_find_their_bucket)
{
    struct p_stats s = {0};
    double tick = (double)signals_ticks_to_nanos(1u << 30) / (1u << 30);
    for (unsigned bits = 0; bits < 63; bits++) {
        uint64_t ticks = (uint64_t)1 << bits;
        unsigned want = model((double)ticks * tick), around = 0;
        memset(&s, 0, sizeof s);
        stats_run(&s, ticks);
        for (unsigned i = want ? want - 1 : 0; i <= want + 1 && i < STATS_BUCKETS; i++)
            around += (unsigned)s.latency[i]; /* the clocks' ratio is measured: it may differ */
        CHECK(around == 1);
    }
}
