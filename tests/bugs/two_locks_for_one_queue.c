/* two_locks_for_one_queue.c - each side holds a lock, but not the same one (a pattern of
 * cockroach).
 *
 * A store's raft queue is filled under the lock of the replica and emptied under the lock of the
 * store.  The repair takes the store's lock on both sides.
 *
 * shows: race enqueue process_all
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct store {
    go_mutex mu;
    int queue[8];
    int queued;
};

struct replica {
    go_mutex mu;
    struct store *store;
    int term; /* guarded by mu */
};

static void enqueue(struct replica *r)
{
    go_mutex_lock(&r->mu);
    int term = ++r->term;
#ifdef REPAIRED
    go_mutex_unlock(&r->mu);
    go_mutex_lock(&r->store->mu);
    r->store->queue[r->store->queued++] = term;
    go_mutex_unlock(&r->store->mu);
#else
    r->store->queue[r->store->queued++] = term;
    go_mutex_unlock(&r->mu);
#endif
}

static void process_all(struct store *s)
{
    go_mutex_lock(&s->mu);
    while (s->queued)
        s->queue[--s->queued] = 0;
    go_mutex_unlock(&s->mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct store s = {0};
    struct replica r = {.store = &s};
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, enqueue, &r);
    go_waitgroup_go(&wg, process_all, &s);
    go_waitgroup_wait(&wg);
    process_all(&s);
    printf("term %d\n", r.term);
    return 0;
}
