/* status_sent_under_lock.c - the queue of pod statuses is full under the lock that its reader
 * wants (after kubernetes #10182).
 *
 * set_status() puts an update into a channel with the manager's lock held.  The syncing goroutine
 * has taken an update and needs the lock to forget a pod that is gone; the channel is full, and
 * the two wait for each other.  The repair sends after the unlock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { PODS = 4 };

static struct status_manager {
    go_mutex lock;
    int status[PODS];     /* guarded by lock */
    go_chan(int) channel; /* pods whose status has changed */
} manager;

static go_chan(char) setting; /* forces the order: two updates are made, the third is under way */
static go_waitgroup all;

static void set_status(struct status_manager *m, int pod, int status)
{
    go_mutex_lock(&m->lock);
    m->status[pod] = status;
    if (pod == 2)
        go_chan_close(setting);
#ifdef REPAIRED
    go_mutex_unlock(&m->lock);
    go_chan_send(m->channel, pod);
#else
    go_chan_send(m->channel, pod);
    go_mutex_unlock(&m->lock);
#endif
}

static void kubelet(struct status_manager *m)
{
    for (int pod = 0; pod < PODS; pod++)
        set_status(m, pod, 1);
    go_chan_close(m->channel);
}

static void delete_status(struct status_manager *m, int pod)
{
    go_mutex_lock(&m->lock);
    m->status[pod] = 0;
    go_mutex_unlock(&m->lock);
}

static void sync_batch(struct status_manager *m)
{
    go_chan_range(int, pod, m->channel) {
        go_chan_recv(setting);
        delete_status(m, pod);
        printf("pod %d is gone\n", pod);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    manager.channel = go_chan_make(int, 1);
    setting = go_chan_make(char, 0);
    go_waitgroup_go(&all, sync_batch, &manager);
    go_waitgroup_go(&all, kubelet, &manager);
    go_waitgroup_wait(&all);
    return 0;
}
