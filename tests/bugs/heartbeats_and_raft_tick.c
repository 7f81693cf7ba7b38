/* heartbeats_and_raft_tick.c - two locks in two orders, and they meet (after cockroach #10214).
 *
 * Sending the queued heartbeats holds the coalescing lock and, for a node that cannot be reached,
 * takes the replica's raft lock.  A raft tick holds the raft lock and queues a heartbeat, which
 * takes the coalescing lock.  The repair takes the queue away under its lock and sends without it.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

struct replica {
    go_mutex raft_mu;
    int unreachable; /* raft_mu */
};

struct store {
    go_mutex coalesced_mu;
    int queued; /* coalesced_mu */
    struct replica replica;
    go_waitgroup both; /* have their first lock */
};

static void report_unreachable(struct replica *r)
{
    go_mutex_lock(&r->raft_mu);
    r->unreachable++;
    go_mutex_unlock(&r->raft_mu);
}

static void send_queued(struct store *s)
{
    go_mutex_lock(&s->coalesced_mu);
    int queued = s->queued;
    s->queued = 0;
    go_waitgroup_done(&s->both);
#ifdef REPAIRED
    go_mutex_unlock(&s->coalesced_mu);
#endif
    go_waitgroup_wait(&s->both);
    if (queued > 0)
        report_unreachable(&s->replica);
#ifndef REPAIRED
    go_mutex_unlock(&s->coalesced_mu);
#endif
}

static void tick(struct store *s)
{
    go_mutex_lock(&s->replica.raft_mu);
    go_waitgroup_done(&s->both);
    go_waitgroup_wait(&s->both);
    go_mutex_lock(&s->coalesced_mu);
    s->queued++;
    go_mutex_unlock(&s->coalesced_mu);
    go_mutex_unlock(&s->replica.raft_mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct store s = {.queued = 1};
    go_waitgroup wg = {0};
    go_waitgroup_add(&s.both, 2);
    go_waitgroup_go(&wg, send_queued, &s);
    go_waitgroup_go(&wg, tick, &s);
    go_waitgroup_wait(&wg);
    return s.queued != 1;
}
