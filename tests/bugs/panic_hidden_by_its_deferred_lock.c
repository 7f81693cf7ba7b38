/* panic_hidden_by_its_deferred_lock.c - what a panic leaves undone is undone under the lock that it
 * left locked (a pattern of cockroach).
 *
 * A deferred function takes the store's lock to count the task out.  A panic comes where the lock
 * is held: the program hangs instead of telling the panic.  The repair defers the unlock, too,
 * and who called recovers.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stddef.h>

struct store {
    go_mutex mu;
    int applied, tasks; /* mu */
};

static struct store store;

static void count_out(struct store *s)
{
    go_mutex_lock(&s->mu);
    s->tasks--;
    go_mutex_unlock(&s->mu);
}

static void apply(void *arg)
{
    int entry = *(int *)arg;
    go_defer(count_out, &store);
    go_mutex_lock(&store.mu);
#ifdef REPAIRED
    go_defer(go_mutex_unlock, &store.mu);
#endif
    store.tasks++;
    if (entry < store.applied)
        go_panic("entry %d was applied before", entry);
    store.applied = entry + 1;
#ifndef REPAIRED
    go_mutex_unlock(&store.mu);
#endif
}

static void run(go_chan(bool) failed)
{
    int entry[] = {1, 1};
    bool first = go_recover(apply, &entry[0]) != NULL;
    go_chan_send(failed, go_recover(apply, &entry[1]) != NULL && !first);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(bool) failed = go_chan_make(bool, 0);
    go(run, failed);
    return !go_chan_recv(failed) || store.tasks != 0;
}
