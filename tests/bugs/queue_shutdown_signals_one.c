/* queue_shutdown_signals_one.c - the end of a work queue wakes one of its workers (a pattern of
 * kubernetes).
 *
 * Workers wait on a condition for items; shut_down() sets a flag and signals, as add() does, which
 * wakes one worker of three.  The others wait for ever.  The repair broadcasts.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { WORKERS = 3 };

static struct queue {
    go_mutex lock;
    go_cond changed;
    int items[8], n; /* guarded by lock */
    int idle;
    bool shutting_down;
} queue;

static void add(struct queue *q, int item)
{
    go_mutex_lock(&q->lock);
    go_defer(go_mutex_unlock, &q->lock);
    q->items[q->n++] = item;
    go_cond_signal(&q->changed);
}

static bool get(struct queue *q, int *ret)
{
    go_mutex_lock(&q->lock);
    go_defer(go_mutex_unlock, &q->lock);
    q->idle++;
    while (q->n == 0 && !q->shutting_down)
        go_cond_wait(&q->changed, &q->lock);
    q->idle--;
    if (q->n == 0)
        return false;
    *ret = q->items[--q->n];
    return true;
}

static void shut_down(struct queue *q)
{
    go_mutex_lock(&q->lock);
    go_defer(go_mutex_unlock, &q->lock);
    q->shutting_down = true;
#ifdef REPAIRED
    go_cond_broadcast(&q->changed);
#else
    go_cond_signal(&q->changed);
#endif
}

static void work(struct queue *q)
{
    for (int item; get(q, &item);)
        printf("item %d\n", item);
}

static bool all_idle(struct queue *q)
{
    go_mutex_lock(&q->lock);
    go_defer(go_mutex_unlock, &q->lock);
    return q->idle == WORKERS && q->n == 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup workers = {0};
    for (int i = 0; i < WORKERS; i++)
        go_waitgroup_go(&workers, work, &queue);
    add(&queue, 1);
    while (!all_idle(&queue))
        go_yield();
    shut_down(&queue);
    go_waitgroup_wait(&workers);
    return 0;
}
