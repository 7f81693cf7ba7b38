/* test_rc_abi_misc.c - memory functions, ignored regions, the invisible barrier. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include "rc_double.h"

void __tsan_init(void);
void __tsan_write8(void *), __tsan_read8(void *);
void *__tsan_memcpy(void *, const void *, size_t), *__tsan_memmove(void *, const void *, size_t);
void *__tsan_memset(void *, int, size_t);
void __tsan_ignore_thread_begin(void), __tsan_ignore_thread_end(void);
void __tsan_acquire(void *), __tsan_release(void *);
void __tsan_testonly_barrier_init(uint64_t *, unsigned), __tsan_testonly_barrier_wait(uint64_t *);

static uint64_t data[8], copy[8];
static struct rc_ctx *a, *b;

static void start(void)
{
    __tsan_init();
    a = rc_ctx_make(NULL, RC_GOROUTINE, 1, 1, NULL, 0);
    b = rc_ctx_make(NULL, RC_GOROUTINE, 2, 1, NULL, 0);
    rc_switch(a);
}

Test(rc_abi_misc, memory_functions_do_their_work_and_are_seen)
{
    start();
    memset(data, 7, sizeof data);
    cr_assert_eq(__tsan_memcpy(copy, data, sizeof data), copy);
    cr_assert_eq(memcmp(copy, data, sizeof data), 0);
    rc_switch(b);
    __tsan_read8(&data[3]);
    cr_assert_eq(n_reports, 0, "two reads");
    __tsan_read8(&copy[7]);
    cr_assert_eq(n_reports, 1, "memcpy wrote it");
    __tsan_memset(data, 1, sizeof data);
    cr_assert_eq(n_reports, 2, "memcpy read it");
    cr_assert_eq(((char *)data)[63], 1);
    cr_assert_eq(__tsan_memmove(copy + 1, copy, 24), copy + 1);
    cr_assert_eq(copy[3], copy[0]);
}

Test(rc_abi_misc, ignored_accesses_are_not_recorded_but_order_is)
{
    start();
    __tsan_ignore_thread_begin();
    __tsan_write8(&data[0]);
    __tsan_ignore_thread_end();
    __tsan_write8(&data[1]);
    __tsan_ignore_thread_begin();
    __tsan_release(&copy);
    __tsan_ignore_thread_end();
    rc_switch(b);
    __tsan_write8(&data[0]);
    __tsan_acquire(&copy);
    __tsan_write8(&data[1]);
    cr_assert_eq(n_reports, 0);
}

enum { ROUNDS = 2000, PARTIES = 3 };
static uint64_t barrier, at[PARTIES];

static void *march(void *arg)
{
    uint64_t *mine = arg;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        __atomic_store_n(mine, round, __ATOMIC_RELAXED);
        __tsan_testonly_barrier_wait(&barrier);
        for (int i = 0; i < PARTIES; i++)
            if (__atomic_load_n(&at[i], __ATOMIC_RELAXED) < round)
                return "somebody was left behind";
    }
    return NULL;
}

Test(rc_abi_misc, the_barrier_holds_back_real_threads)
{
    pthread_t t[PARTIES];
    __tsan_testonly_barrier_init(&barrier, PARTIES);
    for (int i = 0; i < PARTIES; i++)
        pthread_create(&t[i], NULL, march, &at[i]);
    for (int i = 0; i < PARTIES; i++) {
        void *complaint;
        pthread_join(t[i], &complaint);
        cr_assert_null(complaint, "%s", (const char *)complaint);
    }
}

Test(rc_abi_misc, the_barrier_orders_nothing)
{
    start();
    __tsan_testonly_barrier_init(&barrier, 1);
    __tsan_write8(&data[0]);
    __tsan_testonly_barrier_wait(&barrier);
    rc_switch(b);
    __tsan_testonly_barrier_wait(&barrier);
    __tsan_write8(&data[0]);
    cr_assert_eq(n_reports, 1);
}
