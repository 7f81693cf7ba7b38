/* readers_of_two_locks_cross_with_writers.c - two locks are read in two orders, and both have a
 * writer (a pattern of cockroach).
 *
 * Readers do not keep each other out, so the order in which they take two locks seems to be all
 * the same.  But a writer that waits keeps readers out: one at each lock, between the first and the
 * second of each reader, and all four wait.  The repair reads both in one order.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

static go_rwmutex ranges, leases;
static int n_ranges, n_leases; /* ranges, leases */

static void read_both(go_rwmutex *first, go_rwmutex *second, go_chan(char) go_on)
{
    go_rwmutex_rlock(first);
    go_chan_recv(go_on);
    go_rwmutex_rlock(second);
    go_rwmutex_runlock(second);
    go_rwmutex_runlock(first);
}

static void change(go_rwmutex *mu, int *n)
{
    go_rwmutex_lock(mu);
    ++*n;
    go_rwmutex_unlock(mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(char) go_on = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, read_both, &ranges, &leases, go_on);
#ifdef REPAIRED
    go_waitgroup_go(&wg, read_both, &ranges, &leases, go_on);
#else
    go_waitgroup_go(&wg, read_both, &leases, &ranges, go_on);
#endif
    wait_for_quiet();
    go_waitgroup_go(&wg, change, &ranges, &n_ranges);
    go_waitgroup_go(&wg, change, &leases, &n_leases);
    wait_for_quiet();
    go_chan_close(go_on);
    go_waitgroup_wait(&wg);
    return n_ranges + n_leases != 2;
}
