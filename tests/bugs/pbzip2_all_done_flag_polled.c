/* pbzip2_all_done_flag_polled.c - the end is announced by a plain variable (a pattern of pbzip2).
 *
 * The producer sets allDone outside the queue's lock, and the consumers look at it when they find
 * the queue empty; "volatile" orders nothing.  The repair sets and reads it under the lock.  Plain
 * pthreads.
 *
 * shows: race producer is_all_done
 * when: always */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>

enum { BLOCKS = 5 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int queued; /* guarded by lock */
static volatile bool all_done;

static void *producer(void *arg)
{
    for (int i = 0; i < BLOCKS; i++) {
        pthread_mutex_lock(&lock);
        queued++;
        pthread_mutex_unlock(&lock);
    }
#ifdef REPAIRED
    pthread_mutex_lock(&lock);
    all_done = true;
    pthread_mutex_unlock(&lock);
#else
    all_done = true;
#endif
    return arg;
}

static bool is_all_done(void)
{
#ifdef REPAIRED
    pthread_mutex_lock(&lock);
    bool done = all_done && !queued;
    pthread_mutex_unlock(&lock);
    return done;
#else
    return all_done;
#endif
}

static void *consumer(void *arg)
{
    int *ret_blocks = arg;
    for (;;) {
        bool done = is_all_done();
        pthread_mutex_lock(&lock);
        bool took = queued > 0;
        queued -= took;
        pthread_mutex_unlock(&lock);
        *ret_blocks += took;
        if (!took && done)
            return NULL;
        sched_yield();
    }
}

int main(void)
{
    int blocks = 0;
    pthread_t p, c;
    pthread_create(&c, NULL, consumer, &blocks);
    pthread_create(&p, NULL, producer, NULL);
    pthread_join(p, NULL);
    pthread_join(c, NULL);
    printf("%d blocks\n", blocks);
    return 0;
}
