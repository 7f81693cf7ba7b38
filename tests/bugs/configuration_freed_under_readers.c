/* configuration_freed_under_readers.c - the old configuration is freed when the new one is in place
 * (a pattern of istio).
 *
 * Readers load the pointer atomically, so each sees the old configuration or the new one, but who
 * loaded the old one may still read it when it is freed. The repair counts references under a lock.
 *
 * shows: race route reload
 * when: always */
#include <goshawk.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct config {
    int refs; /* guarded by mu in the repair */
    int weight;
};

static go_mutex mu;
static _Atomic(struct config *) current;

static struct config *new_config(int weight)
{
    struct config *c = malloc(sizeof *c);
    *c = (struct config){1, weight};
    return c;
}

#ifdef REPAIRED
static void put(struct config *c)
{
    go_mutex_lock(&mu);
    int left = --c->refs;
    go_mutex_unlock(&mu);
    if (left == 0)
        free(c);
}

static struct config *get(void)
{
    go_mutex_lock(&mu);
    struct config *c = atomic_load(&current);
    c->refs++;
    go_mutex_unlock(&mu);
    return c;
}
#else
#define put(c) ((void)(c))
#define get()  atomic_load(&current)
#endif

static void route(go_chan(int) picked)
{
    struct config *c = get();
    go_chan_send(picked, 0);
    int weight = c->weight;
    go_chan_send(picked, weight);
    put(c);
}

static void reload(int weight)
{
    struct config *fresh = new_config(weight);
    go_mutex_lock(&mu);
    struct config *old = atomic_exchange(&current, fresh);
    go_mutex_unlock(&mu);
#ifdef REPAIRED
    put(old);
#else
    free(old);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) picked = go_chan_make(int, 1);
    go_waitgroup wg = {0};
    atomic_store(&current, new_config(10));
    go_waitgroup_go(&wg, route, picked);
    go_chan_recv(picked); /* it has the old one */
    reload(20);
    printf("%s\n", go_chan_recv(picked) == 10 ? "old" : "?");
    go_waitgroup_wait(&wg);
    free(atomic_load(&current));
    go_chan_free(picked);
    return 0;
}
