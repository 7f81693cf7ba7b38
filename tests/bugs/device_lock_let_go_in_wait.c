/* device_lock_let_go_in_wait.c - a wait lets the inner lock go and not the outer one (after moby
 * #4951).
 *
 * Devices of the device mapper are guarded by a lock each and by one of the whole set, in this
 * order.  deactivate() waits for a device to be closed: it lets the set go meanwhile and takes it
 * again, but keeps the device's lock; who would close the device has the set, and wants the
 * device.  The repair has one order, and lets both go for the wait.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct device {
    go_mutex lock;
    int open; /* guarded by lock */
} device = {.open = 1};

static go_mutex devices;      /* of the set: libdevmapper is not to be called by two */
static go_chan(char) waiting; /* forces the order: closed when deactivate() has let devices go */

static void close_device(struct device *d)
{
    go_chan_recv(waiting);
    go_mutex_lock(&devices);
    go_defer(go_mutex_unlock, &devices);
#ifdef REPAIRED
    while (!go_mutex_trylock(&d->lock)) {
        go_mutex_unlock(&devices); /* against the order, so without waiting for it */
        go_yield();
        go_mutex_lock(&devices);
    }
#else
    go_mutex_lock(&d->lock);
#endif
    d->open--;
    go_mutex_unlock(&d->lock);
}

static void wait_close(struct device *d)
{
    for (int tries = 0; d->open > 0; tries++) {
        go_mutex_unlock(&devices);
#ifdef REPAIRED
        go_mutex_unlock(&d->lock);
#endif
        if (tries == 0)
            go_chan_close(waiting);
        go_sleep(GO_MILLISECOND);
#ifdef REPAIRED
        go_mutex_lock(&d->lock);
#endif
        go_mutex_lock(&devices);
    }
}

static void deactivate(struct device *d)
{
    go_mutex_lock(&d->lock);
    go_mutex_lock(&devices);
    wait_close(d);
    printf("device removed\n");
    go_mutex_unlock(&devices);
    go_mutex_unlock(&d->lock);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    waiting = go_chan_make(char, 0);
    go_waitgroup both = {0};
    go_waitgroup_go(&both, close_device, &device);
    go_waitgroup_go(&both, deactivate, &device);
    go_waitgroup_wait(&both);
    return 0;
}
