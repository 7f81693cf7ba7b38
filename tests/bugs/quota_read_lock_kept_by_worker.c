/* quota_read_lock_kept_by_worker.c - a worker sleeps in its queue with a read lock that the sync
 * wants to write (after kubernetes #58107).
 *
 * The quota controller's workers hold a readers lock while they wait for a key in the queue and
 * handle it, so that sync() may pause them all with the writers lock.  A worker whose queue is
 * empty waits under its read lock, sync() waits for the worker, and what would fill the queue
 * comes after sync().  The repair takes the read lock when it has a key.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct controller {
    go_rwmutex worker_lock;
    go_mutex lock;
    go_cond not_empty;
    int keys; /* guarded by lock */
    bool waits, shut_down;
} rq;

static bool get(struct controller *c)
{
    go_mutex_lock(&c->lock);
    go_defer(go_mutex_unlock, &c->lock);
    while (c->keys == 0 && !c->shut_down) {
        c->waits = true;
        go_cond_wait(&c->not_empty, &c->lock);
    }
    return c->keys-- > 0;
}

static bool work(struct controller *c)
{
#ifdef REPAIRED
    if (!get(c))
        return false;
    go_rwmutex_rlock(&c->worker_lock);
    go_defer(go_rwmutex_runlock, &c->worker_lock);
#else
    go_rwmutex_rlock(&c->worker_lock);
    go_defer(go_rwmutex_runlock, &c->worker_lock);
    if (!get(c))
        return false;
#endif
    printf("quota recalculated\n");
    return true;
}

static void worker(struct controller *c)
{
    while (work(c))
        continue;
}

static void sync_monitors(struct controller *c)
{
    for (bool idle = false; !idle; go_yield()) { /* comes when the worker has nothing to do */
        go_mutex_lock(&c->lock);
        idle = c->waits;
        go_mutex_unlock(&c->lock);
    }
    go_rwmutex_lock(&c->worker_lock);
    printf("monitors synced\n");
    go_rwmutex_unlock(&c->worker_lock);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup worker_ends = {0};
    go_waitgroup_go(&worker_ends, worker, &rq);
    sync_monitors(&rq);
    go_mutex_lock(&rq.lock);
    rq.keys = 1;
    rq.shut_down = true;
    go_cond_broadcast(&rq.not_empty);
    go_mutex_unlock(&rq.lock);
    go_waitgroup_wait(&worker_ends);
    return 0;
}
