/* hits.c - a store of statistics, shared by visitors and a printer.
 *
 * Visitors register hits, a goroutine prints the total until it is told to stop.  Data is not
 * shared safely by itself: the store carries its own lock, and its functions take it.
 *
 *     goshawk run -race hits.c
 *
 * Prints: Total visits n, with n rising to 1000; the detector is silent */
#include <goshawk.h>
#include <stdio.h>

struct datastore {
    go_rwmutex lock;
    int hits; /* guarded by lock */
};

static void register_hit(struct datastore *ds)
{
    go_rwmutex_lock(&ds->lock);
    go_defer(go_rwmutex_unlock, &ds->lock);
    ds->hits++;
}

static int total_hits(struct datastore *ds)
{
    go_rwmutex_rlock(&ds->lock);
    go_defer(go_rwmutex_runlock, &ds->lock);
    return ds->hits;
}

static void print_hits(struct datastore *ds, go_chan(char) stop)
{
    do {
        printf("Total visits %d\n", total_hits(ds));
        go_sleep(GO_MILLISECOND);
    } while (go_select(go_recv_case(stop, NULL), go_default) == GO_DEFAULT);
}

static void visit(struct datastore *ds)
{
    for (int i = 0; i < 100; i++) {
        register_hit(ds);
        go_yield();
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct datastore ds = {.hits = 0};
    go_waitgroup visitors = {0}, printer = {0};
    go_chan(char) stop = go_chan_make(char, 0);

    go_waitgroup_go(&printer, print_hits, &ds, stop);
    for (int i = 0; i < 10; i++)
        go_waitgroup_go(&visitors, visit, &ds);
    go_waitgroup_wait(&visitors);
    go_chan_close(stop);
    go_waitgroup_wait(&printer);
    printf("Total visits %d\n", total_hits(&ds));
    go_chan_free(stop);
    return 0;
}
