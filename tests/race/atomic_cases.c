/* atomic_cases.c - C11 atomics: what each memory order orders. */
#include "race.h"

#include <stdatomic.h>

static atomic_int flag, flag2;

/* ---- message passing: x is the message, flag says that it is there ---- */

FRAME void write_store(memory_order order)
{
    x = 1;
    if (order == memory_order_relaxed)
        atomic_store_explicit(&flag, 1, memory_order_relaxed);
    else if (order == memory_order_release)
        atomic_store_explicit(&flag, 1, memory_order_release);
    else
        atomic_store(&flag, 1);
    step_to(1);
}

/* Waits for the flag with acquire loads. */
FRAME void await_flag(int value)
{
    while (atomic_load_explicit(&flag, memory_order_acquire) != value)
        go_yield();
}

NORACE(release_store_acquire_load)
{
    go(write_store, memory_order_release);
    await_flag(1);
    x = 2;
}

NORACE(seq_cst_store_and_load)
{
    go(write_store, memory_order_seq_cst);
    while (!atomic_load(&flag))
        go_yield();
    x = 2;
}

// expect: write x in relaxed_store / write x in write_store
RACE(relaxed_store)
{
    go(write_store, memory_order_relaxed);
    await_step(1);
    if (atomic_load_explicit(&flag, memory_order_acquire))
        x = 2;
}

// expect: write x in relaxed_load / write x in write_store
RACE(relaxed_load)
{
    go(write_store, memory_order_release);
    await_step(1);
    if (atomic_load_explicit(&flag, memory_order_relaxed))
        x = 2;
}

// expect: write x in flag_of_another / write x in write_store
RACE(flag_of_another)
{
    go(write_store, memory_order_seq_cst);
    await_step(1);
    if (!atomic_load(&flag2))
        x = 2;
}

FRAME void write_add(void)
{
    x = 1;
    atomic_fetch_add_explicit(&flag, 1, memory_order_acq_rel);
    step_to(1);
}

NORACE(fetch_add_acquire_load)
{
    go(write_add);
    await_flag(1);
    x = 2;
}

NORACE(fetch_add_fetch_add)
{
    go(write_add);
    await_step(1);
    if (atomic_fetch_add_explicit(&flag, 1, memory_order_acq_rel) == 1)
        x = 2;
}

// expect: write x in relaxed_fetch_add / write x in write_add
RACE(relaxed_fetch_add)
{
    go(write_add);
    await_step(1);
    if (atomic_fetch_add_explicit(&flag, 1, memory_order_relaxed) == 1)
        x = 2;
}

// expect: write x in release_fetch_add_does_not_acquire / write x in write_add
RACE(release_fetch_add_does_not_acquire)
{
    go(write_add);
    await_step(1);
    if (atomic_fetch_add_explicit(&flag, 1, memory_order_release) == 1)
        x = 2;
}

FRAME void write_exchange(void)
{
    x = 1;
    atomic_exchange_explicit(&flag, 1, memory_order_release);
}

NORACE(exchange)
{
    go(write_exchange);
    while (!atomic_exchange_explicit(&flag, 0, memory_order_acquire))
        go_yield();
    x = 2;
}

FRAME void write_cas(void)
{
    x = 1;
    int expected = 0;
    if (!atomic_compare_exchange_strong(&flag, &expected, 1))
        abort();
}

NORACE(cas_acquire_load)
{
    go(write_cas);
    await_flag(1);
    x = 2;
}

NORACE(cas_and_cas)
{
    go(write_cas);
    int expected;
    do {
        go_yield();
        expected = 1;
    } while (!atomic_compare_exchange_weak(&flag, &expected, 0));
    x = 2;
}

NORACE(store_and_cas)
{
    go(write_store, memory_order_release);
    int expected;
    do {
        go_yield();
        expected = 1;
    } while (!atomic_compare_exchange_strong_explicit(&flag, &expected, 2, memory_order_acquire,
                                                      memory_order_relaxed));
    x = 2;
}

/* A compare-and-swap that fails is a load with its failure order. */
NORACE(failed_cas_acquires)
{
    go(write_store, memory_order_release);
    await_step(1);
    int expected = 0;
    if (!atomic_compare_exchange_strong_explicit(&flag, &expected, 2, memory_order_acq_rel,
                                                 memory_order_acquire))
        x = 2;
}

// expect: write x in failed_cas_relaxed / write x in write_store
RACE(failed_cas_relaxed)
{
    go(write_store, memory_order_release);
    await_step(1);
    int expected = 0;
    if (!atomic_compare_exchange_strong_explicit(&flag, &expected, 2, memory_order_acq_rel,
                                                 memory_order_relaxed))
        x = 2;
}

FRAME void cas_or_write_other(int *mine, int *other)
{
    *mine = 1;
    int expected = 0;
    if (!atomic_compare_exchange_strong(&flag, &expected, 1))
        *other = 1;
    atomic_fetch_add(&flag2, 1);
}

NORACE(loser_of_a_cas_sees_the_winner)
{
    go(cas_or_write_other, &x, &y);
    go(cas_or_write_other, &y, &x);
    while (atomic_load(&flag2) != 2)
        go_yield();
    x = y = 2;
}

/* ---- release sequences ---- */

FRAME void relaxed_add_after(void)
{
    await_step(1);
    atomic_fetch_add_explicit(&flag, 1, memory_order_relaxed);
    step_to(2);
}

NORACE(release_sequence_goes_on_through_rmw)
{
    go(write_store, memory_order_release);
    go(relaxed_add_after);
    await_step(2);
    if (atomic_load_explicit(&flag, memory_order_acquire) == 2)
        x = 2;
}

FRAME void relaxed_store_after(void)
{
    await_step(1);
    atomic_store_explicit(&flag, 2, memory_order_relaxed);
    step_to(2);
}

// expect: write x in release_sequence_ends_at_a_store / write x in write_store
RACE(release_sequence_ends_at_a_store)
{
    go(write_store, memory_order_release);
    go(relaxed_store_after);
    await_step(2);
    if (atomic_load_explicit(&flag, memory_order_acquire) == 2)
        x = 2;
}

/* ---- fences ---- */

FRAME void write_fence_store(void)
{
    x = 1;
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
    step_to(1);
}

NORACE(release_fence_acquire_fence)
{
    go(write_fence_store);
    while (!atomic_load_explicit(&flag, memory_order_relaxed))
        go_yield();
    atomic_thread_fence(memory_order_acquire);
    x = 2;
}

NORACE(release_fence_acquire_load)
{
    go(write_fence_store);
    await_flag(1);
    x = 2;
}

NORACE(release_store_acquire_fence)
{
    go(write_store, memory_order_release);
    while (!atomic_load_explicit(&flag, memory_order_relaxed))
        go_yield();
    atomic_thread_fence(memory_order_acquire);
    x = 2;
}

// expect: write x in release_fence_alone / write x in write_fence_store
RACE(release_fence_alone)
{
    go(write_fence_store);
    await_step(1);
    if (atomic_load_explicit(&flag, memory_order_relaxed))
        x = 2;
}

FRAME void fence_write_store(void)
{
    atomic_thread_fence(memory_order_release);
    x = 1;
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
    step_to(1);
}

// expect: write x in fence_before_the_write / write x in fence_write_store
RACE(fence_before_the_write)
{
    go(fence_write_store);
    await_step(1);
    if (atomic_load_explicit(&flag, memory_order_acquire))
        x = 2;
}

/* ---- an atomic and a plain access conflict ---- */

FRAME void store_flag(void)
{
    atomic_store(&flag, 1);
    step_to(1);
}

FRAME void load_flag(void)
{
    y = atomic_load(&flag);
    step_to(1);
}

FRAME void add_flag(void)
{
    atomic_fetch_add(&flag, 1);
    step_to(1);
}

// expect: read flag in atomic_store_plain_read / atomic write flag in store_flag
RACE(atomic_store_plain_read)
{
    go(store_flag);
    await_step(1);
    y = *(int *)&flag;
}

// expect: write flag in atomic_load_plain_write / atomic read flag in load_flag
RACE(atomic_load_plain_write)
{
    go(load_flag);
    await_step(1);
    *(int *)&flag = 1;
}

// expect: read flag in atomic_add_plain_read / atomic write flag in add_flag
RACE(atomic_add_plain_read)
{
    go(add_flag);
    await_step(1);
    y = *(int *)&flag;
}

// expect: write flag in atomic_add_plain_write / atomic write flag in add_flag
RACE(atomic_add_plain_write)
{
    go(add_flag);
    await_step(1);
    *(int *)&flag = 42;
}

FRAME void write_flag_plainly(void)
{
    *(int *)&flag = 1;
    step_to(1);
}

// expect: atomic read flag in plain_write_atomic_load / write flag in write_flag_plainly
RACE(plain_write_atomic_load)
{
    go(write_flag_plainly);
    await_step(1);
    y = atomic_load(&flag);
}

FRAME void read_flag_plainly(void)
{
    y = *(int *)&flag;
    step_to(1);
}

// expect: atomic write flag in plain_read_atomic_store / read flag in read_flag_plainly
RACE(plain_read_atomic_store)
{
    go(read_flag_plainly);
    await_step(1);
    atomic_store(&flag, 1);
}

NORACE(plain_read_atomic_load)
{
    go(read_flag_plainly);
    await_step(1);
    z = atomic_load(&flag);
}

NORACE(relaxed_accesses_do_not_race)
{
    go(add_flag);
    await_step(1);
    atomic_store_explicit(&flag, 7, memory_order_relaxed);
    z = atomic_load_explicit(&flag, memory_order_relaxed);
}

/* ---- every size ---- */

static _Atomic char flag_8;
static _Atomic short flag_16;
static _Atomic long flag_64;
static _Atomic(void *) flag_ptr;
static atomic_bool flag_bool;

FRAME void publish_all(void)
{
    x = 1;
    atomic_store_explicit(&flag_8, 1, memory_order_release);
    atomic_store_explicit(&flag_16, 1, memory_order_release);
    atomic_store_explicit(&flag_64, 1, memory_order_release);
    atomic_store_explicit(&flag_ptr, &x, memory_order_release);
    atomic_store_explicit(&flag_bool, true, memory_order_release);
}

NORACE(one_byte)
{
    go(publish_all);
    while (!atomic_load_explicit(&flag_8, memory_order_acquire))
        go_yield();
    x = 2;
}

NORACE(two_bytes)
{
    go(publish_all);
    while (!atomic_load_explicit(&flag_16, memory_order_acquire))
        go_yield();
    x = 2;
}

NORACE(eight_bytes)
{
    go(publish_all);
    while (!atomic_load_explicit(&flag_64, memory_order_acquire))
        go_yield();
    x = 2;
}

NORACE(pointer)
{
    go(publish_all);
    int *p;
    while (!(p = atomic_load_explicit(&flag_ptr, memory_order_acquire)))
        go_yield();
    *p = 2;
}

NORACE(boolean)
{
    go(publish_all);
    while (!atomic_load_explicit(&flag_bool, memory_order_acquire))
        go_yield();
    x = 2;
}

/* ---- locks made of atomics ---- */

static atomic_flag spin = ATOMIC_FLAG_INIT;

FRAME void add_under_spin_lock(int n, go_waitgroup *wg)
{
    for (int i = 0; i < n; i++) {
        while (atomic_flag_test_and_set_explicit(&spin, memory_order_acquire))
            go_yield();
        x++;
        atomic_flag_clear_explicit(&spin, memory_order_release);
    }
    go_waitgroup_done(wg);
}

NORACE(spin_lock)
{
    static go_waitgroup wg;
    go_waitgroup_add(&wg, 4);
    for (int i = 0; i < 4; i++)
        go(add_under_spin_lock, 100, &wg);
    go_waitgroup_wait(&wg);
    if (x != 400)
        abort();
}

/* Reference counting: whoever drops the last reference is after all the others. */
struct counted {
    atomic_int refs;
    int value[2];
};

FRAME void use_and_drop(struct counted *o, int i)
{
    o->value[i] = 1;
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1) {
        o->value[0] = o->value[1] = 2;
        free(o);
    }
    atomic_fetch_add(&flag, 1);
}

NORACE(reference_count)
{
    for (int i = 0; i < 20; i++) {
        struct counted *o = calloc(1, sizeof *o);
        atomic_store(&flag, 0);
        atomic_init(&o->refs, 2);
        go(use_and_drop, o, 0);
        go(use_and_drop, o, 1);
        await_flag(2);
    }
}
