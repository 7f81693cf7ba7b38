/* checkpointer_locks_the_lessor_again.c - a callback takes the lock under which it is called (after
 * etcd #10492).
 *
 * The lessor renews a lease under its lock and hands what remains of its time to the checkpointer,
 * a function that the server has set.  The server's applies the checkpoint at once, to the same
 * lessor.  The repair calls it without the lock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

struct lessor {
    go_mutex mu;
    int remaining[4]; /* mu */
    void (*checkpointer)(struct lessor *l, int lease, int remaining);
};

static void checkpoint(struct lessor *l, int lease, int remaining)
{
    go_mutex_lock(&l->mu);
    l->remaining[lease] = remaining;
    go_mutex_unlock(&l->mu);
}

static void renew(struct lessor *l, int lease)
{
    go_mutex_lock(&l->mu);
    int remaining = l->remaining[lease];
#ifdef REPAIRED
    go_mutex_unlock(&l->mu);
    if (remaining > 0)
        l->checkpointer(l, lease, 0);
#else
    if (remaining > 0)
        l->checkpointer(l, lease, 0);
    go_mutex_unlock(&l->mu);
#endif
}

static void keep_alive(struct lessor *l, go_chan(int) leases)
{
    go_chan_range(int, lease, leases)
        renew(l, lease);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct lessor l = {.checkpointer = checkpoint, .remaining = {0, 0, 5, 0}};
    go_chan(int) leases = go_chan_make(int, 0);
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, keep_alive, &l, leases);
    for (int i = 0; i < 4; i++)
        go_chan_send(leases, i);
    go_chan_close(leases);
    go_waitgroup_wait(&wg);
    return l.remaining[2] != 0;
}
