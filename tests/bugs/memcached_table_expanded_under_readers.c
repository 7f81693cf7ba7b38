/* memcached_table_expanded_under_readers.c - a reader asks for the size of the table before it
 * locks (a pattern of memcached).
 *
 * The bucket of a key is computed from the table's mask outside the lock, and the maintenance
 * thread doubles the table in between: the reader looks into a wrong bucket, or past the end. The
 * repair computes the bucket under the lock. Plain pthreads.
 *
 * shows: race assoc_find assoc_expand
 * when: always */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned *table; /* guarded by lock, as mask */
static unsigned mask = 3;
static atomic_bool expanding; /* relaxed: says when, orders nothing */

static unsigned assoc_find(unsigned hash)
{
#ifndef REPAIRED
    unsigned bucket = hash & mask;
#endif
    pthread_mutex_lock(&lock);
#ifdef REPAIRED
    unsigned bucket = hash & mask;
#endif
    unsigned found = table[bucket];
    pthread_mutex_unlock(&lock);
    return found;
}

static void assoc_expand(void)
{
    pthread_mutex_lock(&lock);
    unsigned *larger = calloc(2 * (mask + 1), sizeof *larger);
    for (unsigned i = 0; i <= mask; i++)
        larger[i] = table[i];
    free(table);
    table = larger;
    mask = 2 * mask + 1;
    pthread_mutex_unlock(&lock);
    atomic_store_explicit(&expanding, true, memory_order_relaxed);
}

static void *maintenance(void *arg)
{
    assoc_expand();
    return arg;
}

static void *worker(void *arg)
{
    unsigned *ret_found = arg;
    while (!atomic_load_explicit(&expanding, memory_order_relaxed))
        sched_yield();
    for (unsigned hash = 0; hash < 8; hash++)
        *ret_found += assoc_find(hash) != 0;
    return NULL;
}

int main(void)
{
    unsigned found = 0;
    pthread_t t[2];
    table = calloc(mask + 1, sizeof *table);
    pthread_create(&t[0], NULL, maintenance, NULL);
    pthread_create(&t[1], NULL, worker, &found);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("found %u\n", found);
    free(table);
    return 0;
}
