/* cond_waited_for_under_outer_lock.c - a wait lets go of the inner lock only (a pattern of
 * kubernetes).
 *
 * The scheduler takes the next pod with its own lock held; the queue's condition lets go of the
 * queue's lock while it is empty, and of no other.  Who would add a pod has to note it in the
 * scheduler first.  The repair asks the queue before the scheduler is locked.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct queue {
    go_mutex lock;
    go_cond not_empty;
    int n; /* guarded by lock */
    bool waits;
} queue;

static struct scheduler {
    go_mutex lock;
    int seen, bound; /* guarded by lock */
} scheduler;

static void pop(struct queue *q)
{
    go_mutex_lock(&q->lock);
    go_defer(go_mutex_unlock, &q->lock);
    q->waits = true;
    while (q->n == 0)
        go_cond_wait(&q->not_empty, &q->lock);
    q->n--;
}

static void schedule_one(struct scheduler *s)
{
#ifdef REPAIRED
    pop(&queue);
    go_mutex_lock(&s->lock);
#else
    go_mutex_lock(&s->lock);
    pop(&queue);
#endif
    s->bound++;
    go_mutex_unlock(&s->lock);
}

static bool pop_waits(struct queue *q)
{
    go_mutex_lock(&q->lock);
    go_defer(go_mutex_unlock, &q->lock);
    return q->waits;
}

static void add_pod(struct scheduler *s)
{
    while (!pop_waits(&queue)) /* the cluster is idle */
        go_yield();
    go_mutex_lock(&s->lock);
    s->seen++;
    go_mutex_unlock(&s->lock);
    go_mutex_lock(&queue.lock);
    queue.n++;
    go_cond_signal(&queue.not_empty);
    go_mutex_unlock(&queue.lock);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup both = {0};
    go_waitgroup_go(&both, schedule_one, &scheduler);
    go_waitgroup_go(&both, add_pod, &scheduler);
    go_waitgroup_wait(&both);
    printf("bound %d of %d\n", scheduler.bound, scheduler.seen);
    return 0;
}
