/* lock_kept_by_a_recovered_panic.c - a handler panics with a lock, the server recovers and goes on
 * (a pattern of grpc-go).
 *
 * The unlock stands at the end of the handler.  A request that makes it panic is answered with an
 * error, and all later ones wait for the lock.  The repair defers the unlock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

enum { KEYS = 4, REQUESTS = 3 };

struct table {
    go_mutex mu;
    int value[KEYS]; /* mu */
    int errors;
};

struct request {
    struct table *table;
    int key;
};

static void put(void *arg)
{
    struct request *r = arg;
    struct table *t = r->table;
    go_mutex_lock(&t->mu);
#ifdef REPAIRED
    go_defer(go_mutex_unlock, &t->mu);
#endif
    if (r->key >= KEYS)
        go_panic("index %d of %d", r->key, KEYS);
    t->value[r->key]++;
#ifndef REPAIRED
    go_mutex_unlock(&t->mu);
#endif
}

static void serve(struct table *t, go_chan(int) keys)
{
    go_chan_range(int, key, keys) {
        struct request r = {t, key};
        if (go_recover(put, &r))
            t->errors++;
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct table t;
    static const int key[REQUESTS] = {1, 9, 1};
    go_chan(int) keys = go_chan_make(int, 0);
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, serve, &t, keys);
    for (int i = 0; i < REQUESTS; i++)
        go_chan_send(keys, key[i]);
    go_chan_close(keys);
    go_waitgroup_wait(&wg);
    return t.errors != 1 || t.value[1] != 2;
}
