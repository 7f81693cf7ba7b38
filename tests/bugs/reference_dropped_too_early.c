/* reference_dropped_too_early.c - a thread uses an object after it gave its reference away (a
 * pattern of memcached).
 *
 * conn_close() drops the connection's reference to the item and writes the item's statistics after
 * that, when the other holder may have dropped the last one and freed it.  The repair drops the
 * reference last.  Plain pthreads.
 *
 * shows: race conn_close item_remove
 * when: always */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct item {
    pthread_mutex_t lock;
    int refcount; /* guarded by lock */
    int fetched;  /* counted by the connection that holds it */
};

static atomic_int closing; /* relaxed: says when, orders nothing */

static void item_remove(struct item *it)
{
    pthread_mutex_lock(&it->lock);
    int left = --it->refcount;
    pthread_mutex_unlock(&it->lock);
    atomic_fetch_add_explicit(&closing, 1, memory_order_relaxed);
    if (left == 0) {
        pthread_mutex_destroy(&it->lock);
        free(it);
    }
}

static void *conn_close(void *arg)
{
    struct item *it = arg;
#ifdef REPAIRED
    it->fetched++;
    item_remove(it);
#else
    item_remove(it);
    it->fetched++;
#endif
    return NULL;
}

static void *expire(void *arg)
{
    while (!atomic_load_explicit(&closing, memory_order_relaxed))
        sched_yield();
    item_remove(arg);
    return NULL;
}

int main(void)
{
    struct item *it = calloc(1, sizeof *it);
    pthread_mutex_init(&it->lock, NULL);
    it->refcount = 2;
    pthread_t t[2];
    pthread_create(&t[0], NULL, conn_close, it);
    pthread_create(&t[1], NULL, expire, it);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("done\n");
    return 0;
}
