/* memcached_clock_read_by_workers.c - the time is a plain variable that one thread ticks (a pattern
 * of memcached).
 *
 * The main thread stores the seconds since the start into a global, and workers compare it with an
 * item's expiry without any order.  The repair makes it a relaxed atomic, which is all it needs.
 * Plain pthreads.
 *
 * shows: race clock_handler item_is_expired
 * when: always */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#ifdef REPAIRED
static atomic_uint current_time;
#define STORE(v, n) atomic_store_explicit(&(v), n, memory_order_relaxed)
#define LOAD(v)     atomic_load_explicit(&(v), memory_order_relaxed)
#else
static volatile unsigned current_time;
#define STORE(v, n) ((v) = (n))
#define LOAD(v)     (v)
#endif

struct item {
    unsigned exptime;
};

static bool item_is_expired(const struct item *it)
{
    return it->exptime && it->exptime <= LOAD(current_time);
}

static void clock_handler(unsigned now)
{
    STORE(current_time, now);
}

static void *worker(void *arg)
{
    const struct item *it = arg;
    long expired = 0;
    for (int i = 0; i < 100; i++)
        expired += item_is_expired(it);
    return (void *)expired;
}

int main(void)
{
    struct item it = {.exptime = 50};
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, worker, &it);
    for (unsigned now = 1; now <= 100; now++)
        clock_handler(now);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("expired: %d\n", item_is_expired(&it));
    return 0;
}
