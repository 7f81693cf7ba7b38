/* read_lock_upgraded.c - a reader wants to write before it has ended its reading (a pattern of
 * kubernetes).
 *
 * A cache answers under its readers lock, and fills a missing entry by a function that takes the
 * writers lock: it waits for its own reading to end.  The repair ends the reading first, and looks
 * again when it writes.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { NODES = 4 };

static struct node_cache {
    go_rwmutex lock;
    int address[NODES]; /* guarded by lock; 0: not known yet */
} cache;

static int ask_cloud(int node)
{
    return 0x0a000000 + node;
}

static int fill(struct node_cache *c, int node)
{
    go_rwmutex_lock(&c->lock);
    go_defer(go_rwmutex_unlock, &c->lock);
    if (c->address[node] == 0)
        c->address[node] = ask_cloud(node);
    return c->address[node];
}

static int address(struct node_cache *c, int node)
{
#ifdef REPAIRED
    go_rwmutex_rlock(&c->lock);
    int known = c->address[node];
    go_rwmutex_runlock(&c->lock);
    return known ? known : fill(c, node);
#else
    go_rwmutex_rlock(&c->lock);
    go_defer(go_rwmutex_runlock, &c->lock);
    return c->address[node] ? c->address[node] : fill(c, node);
#endif
}

static void sync_routes(struct node_cache *c, go_waitgroup *done)
{
    go_defer(go_waitgroup_done, done);
    for (int node = 0; node < NODES; node++)
        printf("route to %#x\n", (unsigned)address(c, node));
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup done = {0};
    go_waitgroup_add(&done, 2);
    go(sync_routes, &cache, &done);
    go(sync_routes, &cache, &done);
    go_waitgroup_wait(&done);
    return 0;
}
