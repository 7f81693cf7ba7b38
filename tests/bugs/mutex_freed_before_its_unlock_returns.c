/* mutex_freed_before_its_unlock_returns.c - a thread unlocks a mutex in memory that another has
 * freed (a pattern of mysql).
 *
 * The waiter is woken with the mutex still held and takes the flag that it sees, set by an atomic
 * store, for the end of the other thread's work: it frees the request whose mutex is not unlocked
 * yet.  The repair reads the flag under the mutex.  Plain pthreads.
 *
 * shows: race complete await_request
 * when: always */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct request {
    pthread_mutex_t lock;
    atomic_bool finished;
    int rows; /* guarded by lock */
};

static void *complete(void *arg)
{
    struct request *r = arg;
    pthread_mutex_lock(&r->lock);
    r->rows = 3;
    atomic_store(&r->finished, true);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static bool is_finished(struct request *r)
{
#ifdef REPAIRED
    pthread_mutex_lock(&r->lock);
    bool yes = atomic_load(&r->finished);
    pthread_mutex_unlock(&r->lock);
    return yes;
#else
    return atomic_load(&r->finished);
#endif
}

static int await_request(struct request *r)
{
    while (!is_finished(r))
        sched_yield();
    int rows = r->rows;
    pthread_mutex_destroy(&r->lock);
    free(r);
    return rows;
}

int main(void)
{
    struct request *r = calloc(1, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    pthread_t t;
    pthread_create(&t, NULL, complete, r);
    printf("%d rows\n", await_request(r));
    pthread_join(t, NULL);
    return 0;
}
