/* store_listed_by_its_own_handler.c - a store's handler reads the store that calls it under its
 * lock (a pattern of istio).
 *
 * replace() holds the writers lock and tells the handlers of each change; a handler that wants to
 * know how many there are calls list(), which takes the readers lock.  The repair tells them after
 * the unlock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct store {
    go_rwmutex lock;
    int n; /* guarded by lock */
    void (*handler)(struct store *, int change);
} store;

static int list(struct store *s)
{
    go_rwmutex_rlock(&s->lock);
    go_defer(go_rwmutex_runlock, &s->lock);
    return s->n;
}

static void replace(struct store *s, int n)
{
    go_rwmutex_lock(&s->lock);
    int change = n - s->n;
    s->n = n;
#ifdef REPAIRED
    go_rwmutex_unlock(&s->lock);
    s->handler(s, change);
#else
    s->handler(s, change);
    go_rwmutex_unlock(&s->lock);
#endif
}

static void log_change(struct store *s, int change)
{
    printf("%+d, now %d\n", change, list(s));
}

static void sync(struct store *s, go_chan(int) configs)
{
    go_chan_range(int, n, configs)
        replace(s, n);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    store.handler = log_change;
    go_chan(int) configs = go_chan_make(int, 1);
    go_waitgroup syncing = {0};
    go_waitgroup_go(&syncing, sync, &store, configs);
    go_chan_send(configs, 2);
    go_chan_send(configs, 5);
    go_chan_close(configs);
    go_waitgroup_wait(&syncing);
    return 0;
}
