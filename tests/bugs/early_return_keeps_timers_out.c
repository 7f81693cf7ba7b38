/* early_return_keeps_timers_out.c - a lock stays locked, and the next timer waits for it (after
 * grpc-go #3017).
 *
 * A cache of connections removes each some time after it was given up, by a timer that takes the
 * cache's lock.  Giving up one that is there already in another form returns without the unlock.
 * Nobody but the timer's goroutine comes to harm.  The repair unlocks.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"

enum { CONNS = 2 };

struct cache {
    go_mutex mu;
    int conn[CONNS]; /* mu; 0: none */
    go_timer *timer[CONNS];
    go_chan(char) expired;
    int removed; /* mu */
};

static struct cache cache;

static void remove_now(void *arg)
{
    int *conn = arg;
    go_chan_send(cache.expired, 1);
    go_mutex_lock(&cache.mu);
    *conn = 0;
    cache.removed++;
    go_mutex_unlock(&cache.mu);
}

static void give_up(struct cache *c, int address, int conn)
{
    go_mutex_lock(&c->mu);
    if (c->conn[address] && c->conn[address] != conn) {
#ifdef REPAIRED
        go_mutex_unlock(&c->mu);
#endif
        return;
    }
    c->conn[address] = conn;
    c->timer[address] = go_after_func(GO_MILLISECOND, remove_now, &c->conn[address]);
    go_mutex_unlock(&c->mu);
}

static void balance(struct cache *c, go_chan(char) done)
{
    give_up(c, 0, 10);
    give_up(c, 1, 11);
    give_up(c, 0, 12);
    go_chan_close(done);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(char) done = go_chan_make(char, 0);
    cache.expired = go_chan_make(char, 0);
    go(balance, &cache, done);
    go_chan_recv(done);
    for (int i = 0; i < CONNS; i++)
        go_chan_recv(cache.expired);
    wait_for_quiet();
    return 0;
}
