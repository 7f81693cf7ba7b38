/* table_read_without_its_lock.c - a lookup in a table that another goroutine rehashes (a pattern of
 * kubernetes).
 *
 * The pod cache adds under its lock, but the status handler looks pods up without it, while the
 * table may move to a larger array.  The repair takes the lock for reading.
 *
 * shows: race lookup_pod add_pod
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>

struct pod_cache {
    go_rwmutex mu;
    int *slots; /* guarded by mu; a power of two of them, 0: free */
    size_t mask;
    size_t used;
};

static void place(int *slots, size_t mask, int pod)
{
    size_t i = (size_t)pod & mask;
    while (slots[i])
        i = (i + 1) & mask;
    slots[i] = pod;
}

static void add_pod(struct pod_cache *c, int pod)
{
    go_rwmutex_lock(&c->mu);
    if (2 * c->used >= c->mask) {
        size_t mask = 2 * c->mask + 1;
        int *slots = calloc(mask + 1, sizeof *slots);
        for (size_t i = 0; i <= c->mask; i++)
            if (c->slots[i])
                place(slots, mask, c->slots[i]);
        free(c->slots);
        c->slots = slots;
        c->mask = mask;
    }
    place(c->slots, c->mask, pod);
    c->used++;
    go_rwmutex_unlock(&c->mu);
}

static bool lookup_pod(struct pod_cache *c, int pod)
{
#ifdef REPAIRED
    go_rwmutex_rlock(&c->mu);
#endif
    size_t i = (size_t)pod & c->mask;
    while (c->slots[i] && c->slots[i] != pod)
        i = (i + 1) & c->mask;
    bool found = c->slots[i] == pod;
#ifdef REPAIRED
    go_rwmutex_runlock(&c->mu);
#endif
    return found;
}

static void sync_pods(struct pod_cache *c)
{
    for (int pod = 1; pod <= 20; pod++)
        add_pod(c, pod);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct pod_cache c = {.slots = calloc(4, sizeof(int)), .mask = 3};
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, sync_pods, &c);
    for (int pod = 1; pod <= 3; pod++)
        go_waitgroup_go(&wg, lookup_pod, &c, pod);
    go_waitgroup_wait(&wg);
    printf("pod 7: %d\n", lookup_pod(&c, 7));
    free(c.slots);
    return 0;
}
