/* workers_in_two_orders_under_read_lock.c - a readers lock that all workers hold keeps none of
 * them apart (a pattern of kubernetes).
 *
 * The quota controller's workers hold a readers lock, so that a resync can pause them, and take
 * the locks of the registry and of the usage in two orders under it.  It looks like a lock around
 * both, but two workers have it at once.  Here one comes after the other.  The repair has one
 * order.
 *
 * shows: lock order
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct controller {
    go_rwmutex worker_lock;
    go_mutex registry_lock, usage_lock;
    int evaluators; /* guarded by registry_lock */
    int pods;       /* guarded by usage_lock */
} rq;

static void register_evaluator(struct controller *c)
{
    go_mutex_lock(&c->registry_lock);
    go_mutex_lock(&c->usage_lock);
    c->evaluators++;
    c->pods = 0;
    go_mutex_unlock(&c->usage_lock);
    go_mutex_unlock(&c->registry_lock);
}

static void add_usage(struct controller *c)
{
#ifdef REPAIRED
    go_mutex_lock(&c->registry_lock);
    go_mutex_lock(&c->usage_lock);
#else
    go_mutex_lock(&c->usage_lock);
    go_mutex_lock(&c->registry_lock);
#endif
    c->pods += c->evaluators;
    go_mutex_unlock(&c->registry_lock);
    go_mutex_unlock(&c->usage_lock);
}

static void work(struct controller *c, void (*task)(struct controller *))
{
    go_rwmutex_rlock(&c->worker_lock);
    go_defer(go_rwmutex_runlock, &c->worker_lock);
    task(c);
}

static void resync(struct controller *c)
{
    go_rwmutex_lock(&c->worker_lock);
    go_defer(go_rwmutex_unlock, &c->worker_lock);
    printf("%d evaluators, %d pods\n", c->evaluators, c->pods);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    void (*tasks[])(struct controller *) = {register_evaluator, add_usage};
    for (int i = 0; i < 2; i++) {
        go_waitgroup worker = {0};
        go_waitgroup_go(&worker, work, &rq, tasks[i]);
        go_waitgroup_wait(&worker);
    }
    resync(&rq);
    return 0;
}
