/* queue_shutdown_between_look_and_wait.c - a queue is shut down between a worker's look and its
 * wait (a pattern of kubernetes).
 *
 * The flag that the queue shuts down is atomic, so shut_down() sets it and broadcasts without the
 * lock.  A worker that has seen it unset, and does not wait yet, misses the broadcast.  The repair
 * sets it with the lock held.
 *
 * shows: deadlock
 * when: some seed */
#include <goshawk.h>
#include <stdatomic.h>
#include <stdio.h>

static struct queue {
    go_mutex lock;
    go_cond changed;
    int n; /* guarded by lock */
    atomic_bool shutting_down;
} queue;

static bool get(struct queue *q)
{
    go_mutex_lock(&q->lock);
    go_defer(go_mutex_unlock, &q->lock);
    while (q->n == 0 && !atomic_load(&q->shutting_down))
        go_cond_wait(&q->changed, &q->lock);
    return q->n-- > 0;
}

static void shut_down(struct queue *q)
{
#ifdef REPAIRED
    go_mutex_lock(&q->lock);
    go_defer(go_mutex_unlock, &q->lock);
#endif
    atomic_store(&q->shutting_down, true);
    go_cond_broadcast(&q->changed);
}

static void work(struct queue *q)
{
    while (get(q))
        printf("item\n");
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup workers = {0};
    for (int i = 0; i < 4; i++)
        go_waitgroup_go(&workers, work, &queue);
    shut_down(&queue);
    go_waitgroup_wait(&workers);
    return 0;
}
