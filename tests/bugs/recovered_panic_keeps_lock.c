/* recovered_panic_keeps_lock.c - a panic that is recovered leaves a lock behind (a pattern of
 * kubernetes).
 *
 * The workers of a controller run under a function that recovers from panics, so that one bad
 * object does not end them all.  A panic between lock and unlock leaves the lock held, and the
 * next object stands still.  The repair defers the unlock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct controller {
    go_mutex lock;
    int synced; /* guarded by lock */
    go_chan(int) queue;
} controller;

static void sync_one(void *arg)
{
    int replicas = *(int *)arg;
    go_mutex_lock(&controller.lock);
#ifdef REPAIRED
    go_defer(go_mutex_unlock, &controller.lock);
#endif
    if (replicas < 0)
        go_panic("runtime error: index out of range [%d]", replicas);
    controller.synced++;
#ifndef REPAIRED
    go_mutex_unlock(&controller.lock);
#endif
}

static void worker(struct controller *c)
{
    go_chan_range(int, replicas, c->queue) {
        const char *text = go_recover(sync_one, &replicas);
        if (text)
            printf("recovered: %s\n", text);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    controller.queue = go_chan_make(int, 4);
    go_waitgroup workers = {0};
    for (int i = 0; i < 2; i++)
        go_waitgroup_go(&workers, worker, &controller);
    for (int replicas = 1; replicas >= -2; replicas--)
        go_chan_send(controller.queue, replicas);
    go_chan_close(controller.queue);
    go_waitgroup_wait(&workers);
    printf("%d synced\n", controller.synced);
    return 0;
}
