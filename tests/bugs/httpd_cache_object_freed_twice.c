/* httpd_cache_object_freed_twice.c - both of two threads find the last reference gone (a pattern of
 * apache httpd).
 *
 * The memory cache decrements the count atomically and then reads it again to see whether it was
 * the last: two threads may both decrement first and both read 0, and both free.  The repair uses
 * what the decrement returned.  Plain pthreads; a barrier stands for the unlucky moment.
 *
 * shows: race cleanup cleanup
 * when: always */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct cache_object {
    atomic_int refcount;
    int bytes;
};

static pthread_barrier_t both;
static atomic_int freed;

static void cleanup(struct cache_object *o)
{
    atomic_fetch_add(&freed, 1);
    free(o);
}

static void decrement_refcount(struct cache_object *o)
{
    int left = atomic_fetch_sub(&o->refcount, 1) - 1;
#ifndef REPAIRED
    pthread_barrier_wait(&both);
    left = atomic_load(&o->refcount);
    pthread_barrier_wait(&both);
#endif
    if (left == 0)
        cleanup(o);
}

static void *remove_url(void *arg)
{
    decrement_refcount(arg);
    return NULL;
}

int main(void)
{
    struct cache_object *o = malloc(sizeof *o);
    *o = (struct cache_object){2, 100};
    pthread_barrier_init(&both, NULL, 2);
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, remove_url, o);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("freed %d times\n", freed);
    pthread_barrier_destroy(&both);
    return 0;
}
