/* test_futex.c - the runtime's lock excludes, and sleepers are woken or time out. */
#include "futex.h"
#include "atomic.h"
#include "clock.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>

Test(futex, another_value_does_not_sleep)
{
    uint32_t word = 1;
    cr_assert(rt_futex_wait(&word, 2, -1));
}

Test(futex, time_runs_out)
{
    uint32_t word = 1;
    errno = ENOTTY;
    int64_t start = clock_nanos();
    while (rt_futex_wait(&word, 1, 20000000)) /* it may return early for no reason */
        ;
    cr_assert_geq(clock_nanos() - start, 20000000);
    cr_assert_eq(errno, ENOTTY);
}

Test(futex, no_time_at_all_returns_at_once)
{
    uint32_t word = 1;
    cr_assert_not(rt_futex_wait(&word, 1, 0));
}

static uint32_t stage; /* 0; 1 the sleeper is about to sleep; 2 it may go */

static void *sleeper(void *unused)
{
    (void)unused;
    at_store_rel(&stage, 1u); /* [stage] */
    rt_futex_wake(&stage, 1);
    while (at_load_acq(&stage) == 1) /* [stage] */
        rt_futex_wait(&stage, 1, -1);
    return NULL;
}

Test(futex, a_sleeper_is_woken, .timeout = 60)
{
    for (int i = 0; i < 200; i++) {
        at_store_rel(&stage, 0u); /* [stage] */
        pthread_t t;
        cr_assert_eq(pthread_create(&t, NULL, sleeper, NULL), 0);
        while (at_load_acq(&stage) == 0) /* [stage] */
            rt_futex_wait(&stage, 0, -1);
        at_store_rel(&stage, 2u); /* [stage] */
        rt_futex_wake(&stage, 1);
        pthread_join(t, NULL);
    }
}

Test(futex, waking_nobody_keeps_errno)
{
    errno = ENOTTY;
    rt_futex_wake((uint32_t *)8, 1); /* the word may be gone by now */
    cr_assert_eq(errno, ENOTTY);
}

Test(futex, trylock_takes_what_is_free)
{
    static struct rt_lock l; /* zero bytes are an unlocked lock */
    cr_assert(rt_trylock(&l));
    cr_assert_not(rt_trylock(&l));
    rt_unlock(&l);
    rt_lock(&l);
    cr_assert_not(rt_trylock(&l));
    rt_unlock(&l);
    cr_assert(rt_trylock(&l));
}

enum { THREADS = 4, ROUNDS = 100000 };

static struct rt_lock lock;
static struct {
    long count;
    int inside;
} guarded; /* by lock */

static void *contend(void *arg)
{
    bool tries = arg != NULL;
    for (int i = 0; i < ROUNDS; i++) {
        if (tries && i % 3 == 0)
            while (!rt_trylock(&lock))
                at_pause();
        else
            rt_lock(&lock);
        cr_assert_eq(++guarded.inside, 1);
        guarded.count++;
        guarded.inside--;
        rt_unlock(&lock);
    }
    return NULL;
}

Test(futex, one_at_a_time_holds_the_lock, .timeout = 120)
{
    pthread_t t[THREADS];
    for (long i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&t[i], NULL, contend, i % 2 ? &lock : NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    cr_assert_eq(guarded.count, (long)THREADS * ROUNDS);
    cr_assert_eq(lock.word, 0);
}
