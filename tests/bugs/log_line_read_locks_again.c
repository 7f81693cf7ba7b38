/* log_line_read_locks_again.c - what prints a cache read-locks it, and so has its caller (after
 * cockroach #6181).
 *
 * A lookup holds the range cache's lock for reading and logs the cache; its text is made under the
 * same lock.  An eviction that comes between the two waits for the first, and the second waits for
 * it; mostly it comes at another time.  The repair makes the text without the lock.
 *
 * shows: lock order
 * when: some seed */
#include <goshawk.h>
#include <stdio.h>

struct range_cache {
    go_rwmutex mu;
    int ranges[8], n; /* mu */
    char line[64];
};

static void print_locked(struct range_cache *c)
{
    snprintf(c->line, sizeof c->line, "%d ranges", c->n);
}

static void print(struct range_cache *c)
{
#ifndef REPAIRED
    go_rwmutex_rlock(&c->mu);
    go_defer(go_rwmutex_runlock, &c->mu);
#endif
    print_locked(c);
}

static int lookup(struct range_cache *c, int key)
{
    go_rwmutex_rlock(&c->mu);
    go_defer(go_rwmutex_runlock, &c->mu);
    print(c);
    return c->ranges[key];
}

static void evict(struct range_cache *c, int key)
{
    go_rwmutex_lock(&c->mu);
    c->ranges[key] = 0;
    c->n--;
    go_rwmutex_unlock(&c->mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct range_cache c = {.ranges = {7, 8}, .n = 2};
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, evict, &c, 0);
    go_waitgroup_go(&wg, lookup, &c, 1);
    go_waitgroup_wait(&wg);
    return c.n != 1;
}
