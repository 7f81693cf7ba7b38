/* struct_copied_with_its_held_mutex.c - a copy of a structure brings along a mutex that is held (a
 * pattern of kubernetes).
 *
 * snapshot() copies the whole queue, its mutex included, when the mutex may be held: the copy's
 * mutex is locked for ever by nobody.  The repair copies the fields that it wants, under the lock.
 *
 * shows: race snapshot add_pod
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct queue {
    go_mutex mu;
    int pods; /* guarded by mu */
};

static struct queue snapshot(struct queue *q)
{
#ifdef REPAIRED
    go_mutex_lock(&q->mu);
    struct queue copy = {.pods = q->pods};
    go_mutex_unlock(&q->mu);
#else
    struct queue copy = *q;
#endif
    return copy;
}

static void add_pod(struct queue *q)
{
    go_mutex_lock(&q->mu);
    q->pods++;
    go_mutex_unlock(&q->mu);
}

static void print_queue(struct queue *q)
{
    struct queue copy = snapshot(q);
    printf("%d pods\n", copy.pods);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct queue q = {0};
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, print_queue, &q);
    go_waitgroup_go(&wg, add_pod, &q);
    go_waitgroup_wait(&wg);
    return 0;
}
