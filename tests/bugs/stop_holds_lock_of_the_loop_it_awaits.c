/* stop_holds_lock_of_the_loop_it_awaits.c - a loop is waited for with the lock that it wants (after
 * etcd #6873).
 *
 * Watch broadcasts are merged by a loop that takes the lock for each update.  Stop takes the lock,
 * closes the channel of updates and waits for the loop, which has one more to merge.  The repair
 * unlocks before it waits.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

struct broadcasts {
    go_mutex mu;
    int merged;   /* mu */
    bool stopped; /* mu */
    go_chan(int) updates;
    go_chan(char) fetched, done;
};

static void merge(struct broadcasts *b)
{
    go_chan_range(int, revision, b->updates) {
        go_chan_recv(b->fetched);
        go_mutex_lock(&b->mu);
        if (!b->stopped && revision > b->merged)
            b->merged = revision;
        go_mutex_unlock(&b->mu);
    }
    go_chan_close(b->done);
}

static void stop(struct broadcasts *b)
{
    go_mutex_lock(&b->mu);
    b->stopped = true;
    go_chan_close(b->updates);
#ifdef REPAIRED
    go_mutex_unlock(&b->mu);
    go_chan_recv(b->done);
#else
    go_chan_recv(b->done);
    go_mutex_unlock(&b->mu);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct broadcasts b;
    go_waitgroup wg = {0};
    b.updates = go_chan_make(int, 0);
    b.fetched = go_chan_make(char, 0);
    b.done = go_chan_make(char, 0);
    go(merge, &b);
    go_chan_send(b.updates, 1);
    go_waitgroup_go(&wg, stop, &b);
    wait_for_quiet();
    go_chan_send(b.fetched, 1);
    go_waitgroup_wait(&wg);
    return 0;
}
