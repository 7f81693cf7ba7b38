/* listener_pops_under_lock.c - a listener waits for its handler with the lock that adding wants
 * (after kubernetes #26980).
 *
 * pop() waits for notifications, takes one, and hands it to the handler through an unbuffered
 * channel, all with the lock held.  The handler adds a notification itself, which wants the lock,
 * and does not come back to receive.  The repair drops the lock before the hand-over.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct listener {
    go_mutex lock;
    go_cond added;
    int pending[8]; /* guarded by lock */
    int n;
    bool stopped;
    go_chan(int) next;
} listener;

static void add(struct listener *l, int notification)
{
    go_mutex_lock(&l->lock);
    go_defer(go_mutex_unlock, &l->lock);
    l->pending[l->n++] = notification;
    go_cond_broadcast(&l->added);
}

static bool blocking_get(struct listener *l, int *ret)
{
    while (l->n == 0 && !l->stopped)
        go_cond_wait(&l->added, &l->lock);
    if (l->n > 0)
        *ret = l->pending[--l->n];
    return !l->stopped;
}

static void pop(struct listener *l)
{
    go_mutex_lock(&l->lock);
    for (int notification = 0; blocking_get(l, &notification);) {
#ifdef REPAIRED
        go_mutex_unlock(&l->lock);
        go_chan_send(l->next, notification);
        go_mutex_lock(&l->lock);
#else
        go_chan_send(l->next, notification);
#endif
    }
    go_mutex_unlock(&l->lock);
    go_chan_close(l->next);
}

static void stop(struct listener *l)
{
    go_mutex_lock(&l->lock);
    go_defer(go_mutex_unlock, &l->lock);
    l->stopped = true;
    go_cond_broadcast(&l->added);
}

static void run(struct listener *l)
{
    go_chan_range(int, notification, l->next) {
        printf("notification %d\n", notification);
        if (notification < 3)
            add(l, notification + 1);
        else
            stop(l);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    listener.next = go_chan_make(int, 0);
    add(&listener, 0);
    add(&listener, 1); /* the first one is handled while pop() offers the second */
    go_waitgroup all = {0};
    go_waitgroup_go(&all, pop, &listener);
    go_waitgroup_go(&all, run, &listener);
    go_waitgroup_wait(&all);
    return 0;
}
