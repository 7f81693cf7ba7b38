/* lease_and_name_cache.c - two locks in two orders, on a day without a deadlock (after cockroach
 * #7504).
 *
 * A release locks the lease and then the cache of names, from which it removes the lease; a lookup
 * locks the cache and then the lease that it found.  Here one comes after the other.  The repair
 * removes from the cache when the lease's lock is given back.
 *
 * shows: lock order
 * when: always */
#include <goshawk.h>

struct lease {
    go_mutex mu;
    int refs;      /* mu */
    bool released; /* mu */
};

struct name_cache {
    go_mutex mu;
    struct lease *lease; /* mu */
};

static struct lease lease = {.refs = 1};
static struct name_cache cache = {.lease = &lease};

static void forget(struct lease *l)
{
    go_mutex_lock(&cache.mu);
    if (cache.lease == l)
        cache.lease = NULL;
    go_mutex_unlock(&cache.mu);
}

static void release(struct lease *l)
{
    go_mutex_lock(&l->mu);
    l->released = --l->refs == 0;
    bool gone = l->released;
#ifdef REPAIRED
    go_mutex_unlock(&l->mu);
    if (gone)
        forget(l);
#else
    if (gone)
        forget(l);
    go_mutex_unlock(&l->mu);
#endif
}

static void get(go_chan(bool) found)
{
    bool r = false;
    go_mutex_lock(&cache.mu);
    if (cache.lease) {
        go_mutex_lock(&cache.lease->mu);
        r = !cache.lease->released;
        go_mutex_unlock(&cache.lease->mu);
    }
    go_mutex_unlock(&cache.mu);
    go_chan_send(found, r);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(bool) found = go_chan_make(bool, 0);
    go(get, found);
    bool ok = go_chan_recv(found);
    release(&lease);
    return !ok;
}
