/* reader_and_writer_cross_with_a_third.c - a read lock is in a circle because of a writer who only
 * waits (a pattern of cockroach).
 *
 * One goroutine reads the leases and wants the store; another has the store and wants to read the
 * leases, which two readers can do together.  But a third one waits to write the leases, and keeps
 * the second out.  The repair takes the store first in both.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

static go_rwmutex leases;
static go_mutex store;
static int n_leases, n_ranges; /* leases, store */

static void transfer(go_chan(char) go_on)
{
#ifdef REPAIRED
    go_mutex_lock(&store);
    go_rwmutex_rlock(&leases);
    go_chan_recv(go_on);
#else
    go_rwmutex_rlock(&leases);
    go_chan_recv(go_on);
    go_mutex_lock(&store);
#endif
    n_ranges += n_leases;
    go_mutex_unlock(&store);
    go_rwmutex_runlock(&leases);
}

static void split(go_chan(char) go_on)
{
#ifdef REPAIRED
    go_chan_recv(go_on);
    go_mutex_lock(&store);
#else
    go_mutex_lock(&store);
    go_chan_recv(go_on);
#endif
    go_rwmutex_rlock(&leases);
    n_ranges += n_leases;
    go_rwmutex_runlock(&leases);
    go_mutex_unlock(&store);
}

static void acquire(void)
{
    go_rwmutex_lock(&leases);
    n_leases++;
    go_rwmutex_unlock(&leases);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(char) go_on = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, transfer, go_on);
    go_waitgroup_go(&wg, split, go_on);
    wait_for_quiet();
    go_waitgroup_go(&wg, acquire);
    wait_for_quiet();
    go_chan_close(go_on);
    go_waitgroup_wait(&wg);
    return n_leases != 1;
}
