/* cacher_and_watch_cache_locks.c - the cacher and its watch cache lock each other in two orders
 * (after kubernetes #13135).
 *
 * An event comes in: the watch cache is locked and calls its handler, the cacher, which takes its
 * own lock to find the watchers.  A new watch locks the cacher, and then asks the watch cache for
 * what happened before.  On a bad day both wait for ever; here one comes after the other.  The
 * repair asks the watch cache before the cacher is locked.
 *
 * shows: lock order
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct watch_cache {
    go_rwmutex lock;
    int events;                    /* guarded by lock */
    void (*on_event)(void *, int); /* called with the lock held */
    void *arg;
};

static struct cacher {
    go_mutex lock;
    int watchers, forwarded; /* guarded by lock */
    struct watch_cache watch_cache;
} cacher;

static void forward(void *arg, int event)
{
    struct cacher *c = arg;
    go_mutex_lock(&c->lock);
    go_defer(go_mutex_unlock, &c->lock);
    if (c->watchers > 0)
        c->forwarded = event;
}

static void add_event(struct watch_cache *w)
{
    go_rwmutex_lock(&w->lock);
    go_defer(go_rwmutex_unlock, &w->lock);
    w->on_event(w->arg, ++w->events);
}

static int events_since(struct watch_cache *w, int version)
{
    go_rwmutex_rlock(&w->lock);
    go_defer(go_rwmutex_runlock, &w->lock);
    return w->events - version;
}

static int watch(struct cacher *c, int version)
{
#ifdef REPAIRED
    int missed = events_since(&c->watch_cache, version);
    go_mutex_lock(&c->lock);
    go_defer(go_mutex_unlock, &c->lock);
#else
    go_mutex_lock(&c->lock);
    go_defer(go_mutex_unlock, &c->lock);
    int missed = events_since(&c->watch_cache, version);
#endif
    c->watchers++;
    return missed;
}

static void reflect(go_chan(char) listed)
{
    add_event(&cacher.watch_cache);
    go_chan_close(listed);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(char) listed = go_chan_make(char, 0);
    cacher.watch_cache.on_event = forward;
    cacher.watch_cache.arg = &cacher;
    go(reflect, listed);
    go_chan_recv(listed);
    printf("missed %d\n", watch(&cacher, 0));
    return 0;
}
