/* list_published_by_a_relaxed_store.c - an endpoint list is published by an atomic that orders
 * nothing (a pattern of serving).
 *
 * The pointer is atomic, so no pointer is torn, but a relaxed store does not bring along what was
 * written before it.  The repair stores with release and loads with acquire.
 *
 * shows: race update_endpoints pick_endpoint
 * when: always */
#include <goshawk.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct endpoints {
    int n;
    int port[4];
};

static _Atomic(struct endpoints *) current;

#ifdef REPAIRED
static const memory_order store_order = memory_order_release, load_order = memory_order_acquire;
#else
static const memory_order store_order = memory_order_relaxed, load_order = memory_order_relaxed;
#endif

static void update_endpoints(void)
{
    struct endpoints *e = malloc(sizeof *e);
    e->n = 2;
    e->port[0] = 8012;
    e->port[1] = 8013;
    atomic_store_explicit(&current, e, store_order);
}

static void pick_endpoint(go_chan(int) picked)
{
    struct endpoints *e;
    while (!(e = atomic_load_explicit(&current, load_order)))
        go_yield();
    go_chan_send(picked, e->port[e->n - 1]);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) picked = go_chan_make(int, 0);
    go_waitgroup wg = {0};
    go(pick_endpoint, picked);
    go_waitgroup_go(&wg, update_endpoints);
    printf("%d\n", go_chan_recv(picked));
    go_waitgroup_wait(&wg);
    free(atomic_load(&current));
    go_chan_free(picked);
    return 0;
}
