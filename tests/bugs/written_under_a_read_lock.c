/* written_under_a_read_lock.c - readers write (a pattern of cockroach).
 *
 * lookup() holds the lock for reading and still moves the entry it finds to the front, as readers
 * beside it do.  The repair takes the lock for writing.
 *
 * shows: race lookup lookup
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { ENTRIES = 8 };

struct range_cache {
    go_rwmutex mu;
    int order[ENTRIES]; /* guarded by mu: the least recently used one is last */
};

static int lookup(struct range_cache *c, int id)
{
    int at = 0;
#ifdef REPAIRED
    go_rwmutex_lock(&c->mu);
#else
    go_rwmutex_rlock(&c->mu);
#endif
    while (at < ENTRIES - 1 && c->order[at] != id)
        at++;
    for (int i = at; i > 0; i--)
        c->order[i] = c->order[i - 1];
    c->order[0] = id;
#ifdef REPAIRED
    go_rwmutex_unlock(&c->mu);
#else
    go_rwmutex_runlock(&c->mu);
#endif
    return at;
}

static void send_batches(struct range_cache *c, int first)
{
    for (int i = 0; i < 4; i++)
        lookup(c, (first + 3 * i) % ENTRIES);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct range_cache c = {.order = {0, 1, 2, 3, 4, 5, 6, 7}};
    go_waitgroup wg = {0};
    for (int i = 0; i < 2; i++)
        go_waitgroup_go(&wg, send_batches, &c, 3 + i);
    go_waitgroup_wait(&wg);
    printf("front: %d\n", c.order[0]);
    return 0;
}
