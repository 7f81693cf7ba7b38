/* pbzip2_queue_destroyed_under_consumers.c - main deletes the queue that consumers still lock (a
 * pattern of pbzip2).
 *
 * main() waits for the writer of the output only, and then destroys the queue's mutex and frees the
 * queue, though a consumer may still be on its way to find it empty. The repair joins the consumers
 * first. Plain pthreads.
 *
 * shows: race consumer queue_delete
 * when: always */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCKS = 4, CONSUMERS = 2 };

struct queue {
    pthread_mutex_t mut;
    int blocks; /* guarded by mut */
};

static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t out_changed = PTHREAD_COND_INITIALIZER;
static int blocks_out; /* guarded by out_lock */

static void *consumer(void *arg)
{
    struct queue *q = arg;
    for (;;) {
        pthread_mutex_lock(&q->mut);
        int block = q->blocks ? q->blocks-- : 0;
        pthread_mutex_unlock(&q->mut);
        if (!block)
            return NULL;
        pthread_mutex_lock(&out_lock);
        blocks_out++;
        pthread_cond_signal(&out_changed);
        pthread_mutex_unlock(&out_lock);
    }
}

static void await_output(void)
{
    pthread_mutex_lock(&out_lock);
    while (blocks_out < BLOCKS)
        pthread_cond_wait(&out_changed, &out_lock);
    pthread_mutex_unlock(&out_lock);
}

static void queue_delete(struct queue *q)
{
    pthread_mutex_destroy(&q->mut);
    free(q);
}

int main(void)
{
    struct queue *q = calloc(1, sizeof *q);
    pthread_mutex_init(&q->mut, NULL);
    q->blocks = BLOCKS;
    pthread_t t[CONSUMERS];
    for (int i = 0; i < CONSUMERS; i++)
        pthread_create(&t[i], NULL, consumer, q);
    await_output();
#ifdef REPAIRED
    for (int i = 0; i < CONSUMERS; i++)
        pthread_join(t[i], NULL);
#endif
    queue_delete(q);
#ifndef REPAIRED
    for (int i = 0; i < CONSUMERS; i++)
        pthread_join(t[i], NULL);
#endif
    printf("%d blocks\n", blocks_out);
    return 0;
}
