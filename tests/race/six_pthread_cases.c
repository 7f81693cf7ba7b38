/* six_pthread_cases.c - races between threads that detectors with limits lose; see six.h. */
#include "six.h"

#include <pthread.h>

void __tsan_testonly_barrier_init(uint64_t *barrier, unsigned count);
void __tsan_testonly_barrier_wait(uint64_t *barrier);

static uint64_t meet;
static pthread_t thread;

/* The detector does not see these orders. */
static void start(void *(*fn)(void *), void *arg)
{
    __tsan_testonly_barrier_init(&meet, 2);
    pthread_create(&thread, NULL, fn, arg);
}

static void together(void)
{
    __tsan_testonly_barrier_wait(&meet);
}

static void *eviction_a(void *arg)
{
    write_byte_0();
    together();
    together();
    return arg;
}

static void *eviction_b(void *arg)
{
    write_byte_0();
    return arg;
}

// expect: write in write_byte_0 / write in write_byte_0
RACE(other_bytes_of_the_word_written_between)
{
    pthread_t b;
    start(eviction_a, NULL);
    together();
    write_other_bytes();
    pthread_create(&b, NULL, eviction_b, NULL);
    pthread_join(b, NULL);
    together();
    pthread_join(thread, NULL);
}

static void *history_a(void *arg)
{
    write_x();
    make_calls();
    together();
    return arg;
}

// expect: write in write_x / write in write_x
RACE(million_calls_between)
{
    start(history_a, NULL);
    together();
    write_x();
    pthread_join(thread, NULL);
}

static void *reuse_a(void *arg)
{
    write_x();
    together();
    together(); /* stays alive */
    return arg;
}

static void *nothing(void *arg)
{
    return arg;
}

// expect: write in write_x / write in write_x
RACE(many_threads_ended_between)
{
    start(reuse_a, NULL);
    together();
    for (int i = times(FLOWS); i > 0; i--) {
        pthread_t t;
        pthread_create(&t, NULL, nothing, NULL);
        pthread_join(t, NULL);
    }
    write_x();
    together();
    pthread_join(thread, NULL);
}

static pthread_mutex_t mutex[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

FRAME void lock_and_unlock(pthread_mutex_t *m)
{
    for (int i = times(PAIRS / 2); i > 0; i--) {
        pthread_mutex_lock(m);
        pthread_mutex_unlock(m);
    }
}

static void *epochs_a(void *arg)
{
    write_x();
    lock_and_unlock(&mutex[0]);
    together();
    return arg;
}

// expect: write in write_x / write in write_x
RACE(millions_of_lock_operations_between)
{
    start(epochs_a, NULL);
    lock_and_unlock(&mutex[1]);
    together();
    write_x();
    pthread_join(thread, NULL);
}

static void *free_a(void *arg)
{
    write_at_2000(arg);
    together();
    return NULL;
}

// expect: free in free_block / write in write_at_2000
RACE(free_of_a_large_block_written_far_inside)
{
    char *p = malloc((size_t)times(BLOCK));
    start(free_a, p);
    together();
    free_block(p);
    pthread_join(thread, NULL);
}

static void *use_after_free_a(void *p)
{
    together();
    write_at_2000(p);
    return NULL;
}

// expect: write in write_at_2000 / free in free_block
RACE(large_block_written_after_its_free)
{
    keep_freed_memory();
    char *p = malloc((size_t)times(BLOCK));
    start(use_after_free_a, p);
    free_block(p);
    together();
    pthread_join(thread, NULL);
}

static void *publish(void *arg)
{
    publish_x();
    return arg;
}

NORACE(fences_order_relaxed_atomics)
{
    start(publish, NULL);
    consume_x();
    pthread_join(thread, NULL);
}
