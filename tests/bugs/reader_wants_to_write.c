/* reader_wants_to_write.c - a read lock is to become a write lock (a pattern of hugo).
 *
 * A cache is looked into under its lock for reading; what is missing is put there under the lock
 * for writing, which waits for all readers, this one among them.  The repair stops reading first
 * and looks again.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

enum { KEYS = 8 };

struct cache {
    go_rwmutex mu;
    int value[KEYS]; /* mu; 0: missing */
    int made;        /* mu */
};

static int put(struct cache *c, int key)
{
    go_rwmutex_lock(&c->mu);
    if (!c->value[key]) {
        c->value[key] = key + 100;
        c->made++;
    }
    int r = c->value[key];
    go_rwmutex_unlock(&c->mu);
    return r;
}

static int get(struct cache *c, int key)
{
    go_rwmutex_rlock(&c->mu);
    int r = c->value[key];
#ifdef REPAIRED
    go_rwmutex_runlock(&c->mu);
    if (!r)
        r = put(c, key);
#else
    if (!r)
        r = put(c, key);
    go_rwmutex_runlock(&c->mu);
#endif
    return r;
}

static void template(struct cache *c, int key, go_chan(int) out)
{
    go_chan_send(out, get(c, key));
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct cache c;
    go_chan(int) out = go_chan_make(int, 0);
    int sum = 0;
    for (int i = 0; i < 3; i++)
        go(template, &c, 5, out);
    for (int i = 0; i < 3; i++)
        sum += go_chan_recv(out);
    return sum != 315 || c.made != 1;
}
