/* double_rlock_with_writer_between.c - a reader locks again while a writer waits (after cockroach
 * #3710).
 *
 * The scan holds the store's lock for reading and asks each replica for its status, which takes
 * the lock for reading once more.  In between raft processing has asked for the lock: it waits for
 * the first read lock, and the second one waits behind it.  The repair has a form of the inner
 * function for callers that hold the lock.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

struct store {
    go_rwmutex mu;
    int replicas, scanned; /* mu */
};

static int raft_status_locked(const struct store *s)
{
    return s->replicas > 0;
}

#ifndef REPAIRED
static int raft_status(struct store *s)
{
    go_rwmutex_rlock(&s->mu);
    int r = raft_status_locked(s);
    go_rwmutex_runlock(&s->mu);
    return r;
}
#endif

static void force_scan(struct store *s, go_chan(char) scanning)
{
    go_rwmutex_rlock(&s->mu);
    go_chan_close(scanning);
    wait_for_quiet(); /* the writer waits by now */
#ifdef REPAIRED
    raft_status_locked(s);
#else
    raft_status(s);
#endif
    go_rwmutex_runlock(&s->mu);
}

static void process_raft(struct store *s, go_chan(char) scanning)
{
    go_chan_recv(scanning);
    go_rwmutex_lock(&s->mu);
    s->scanned++;
    go_rwmutex_unlock(&s->mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct store s = {.replicas = 1};
    go_chan(char) scanning = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, force_scan, &s, scanning);
    go_waitgroup_go(&wg, process_raft, &s, scanning);
    go_waitgroup_wait(&wg);
    return 0;
}
