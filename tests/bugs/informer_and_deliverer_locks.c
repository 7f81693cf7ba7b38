/* informer_and_deliverer_locks.c - an informer and a deliverer lock each other in two orders (a
 * pattern of kubernetes).
 *
 * When a cluster is added the federated informer calls the controller's handler with its lock
 * held, and the handler locks the deliverer to put an item into its heap.  The deliverer calls its
 * handler for an item that is due with its own lock held, and that handler asks the informer for
 * its clusters.  The repair delivers without the lock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct informer {
    go_mutex lock;
    int clusters; /* guarded by lock */
} informer;

static struct deliverer {
    go_mutex lock;
    int due; /* guarded by lock: how many items wait */
} deliverer;

/* Forces the order: both have their first lock. */
static go_chan(char) adding, delivering;

static void deliver_after(struct deliverer *d)
{
    go_mutex_lock(&d->lock);
    go_defer(go_mutex_unlock, &d->lock);
    d->due++;
}

static void add_cluster(struct informer *f)
{
    go_mutex_lock(&f->lock);
    go_defer(go_mutex_unlock, &f->lock);
    f->clusters++;
    go_chan_close(adding);
    go_chan_recv(delivering);
    deliver_after(&deliverer);
}

static int ready_clusters(struct informer *f)
{
    go_mutex_lock(&f->lock);
    go_defer(go_mutex_unlock, &f->lock);
    return f->clusters;
}

static void deliver(struct deliverer *d)
{
    go_mutex_lock(&d->lock);
    int due = d->due;
    d->due = 0;
#ifdef REPAIRED
    go_mutex_unlock(&d->lock);
#endif
    go_chan_close(delivering);
    go_chan_recv(adding);
    for (int i = 0; i < due; i++)
        printf("reconciled in %d clusters\n", ready_clusters(&informer));
#ifndef REPAIRED
    go_mutex_unlock(&d->lock);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    adding = go_chan_make(char, 0);
    delivering = go_chan_make(char, 0);
    deliver_after(&deliverer);
    go_waitgroup both = {0};
    go_waitgroup_go(&both, add_cluster, &informer);
    go_waitgroup_go(&both, deliver, &deliverer);
    go_waitgroup_wait(&both);
    return 0;
}
