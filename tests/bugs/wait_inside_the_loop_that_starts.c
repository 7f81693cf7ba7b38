/* wait_inside_the_loop_that_starts.c - all are waited for before all are started (a pattern of
 * cockroach).
 *
 * The number of peers is added in front, and the wait has got into the loop that starts a goroutine
 * for each.  The first turn waits for goroutines that only the next turns would start.  The repair
 * waits behind the loop.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

enum { PEERS = 3 };

struct gossip {
    go_waitgroup wg;
    int latency[PEERS];
};

static void ping(struct gossip *g, int peer)
{
    g->latency[peer] = 1 + peer;
    go_waitgroup_done(&g->wg);
}

static void ping_all(struct gossip *g)
{
    go_waitgroup_add(&g->wg, PEERS);
    for (int i = 0; i < PEERS; i++) {
        go(ping, g, i);
#ifndef REPAIRED
        go_waitgroup_wait(&g->wg);
#endif
    }
#ifdef REPAIRED
    go_waitgroup_wait(&g->wg);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct gossip g;
    ping_all(&g);
    return g.latency[PEERS - 1] != PEERS;
}
