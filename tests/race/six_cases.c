/* six_cases.c - races between goroutines that detectors with limits lose; see six.h. */
#include "six.h"

static void eviction_a(void)
{
    write_byte_0();
    step_to(1);
}

static void eviction_other(void)
{
    await_step(1);
    write_other_bytes();
    step_to(2);
}

// expect: write in write_byte_0 / write in write_byte_0
RACE(other_bytes_of_the_word_written_between)
{
    go(eviction_a);
    go(eviction_other);
    await_step(2);
    write_byte_0();
}

static void history_a(void)
{
    write_x();
    make_calls();
    step_to(1);
}

// expect: write in write_x / write in write_x
RACE(million_calls_between)
{
    go(history_a);
    await_step(1);
    write_x();
}

static void reuse_a(void)
{
    write_x();
    step_to(1);
    await_step(3); /* stays alive */
}

static void nothing(void)
{
}

// expect: write in write_x / write in write_x
RACE(many_goroutines_ended_between)
{
    go_waitgroup wg = {0};
    go(reuse_a);
    await_step(1);
    for (int i = times(8 * FLOWS); i > 0; i--) {
        go_waitgroup_go(&wg, nothing);
        go_waitgroup_wait(&wg);
    }
    write_x();
    step_to(2);
    step_to(3);
}

// expect: write in write_x / write in write_x
RACE(many_goroutines_at_once_between)
{
    go_waitgroup wg = {0};
    go(reuse_a);
    await_step(1);
    for (int i = times(8 * FLOWS); i > 0; i--)
        go_waitgroup_go(&wg, nothing);
    go_waitgroup_wait(&wg);
    write_x();
    step_to(2);
    step_to(3);
}

static void epochs_a(void)
{
    static go_mutex mine;
    write_x();
    for (int i = times(PAIRS / 2); i > 0; i--) {
        go_mutex_lock(&mine);
        go_mutex_unlock(&mine);
    }
    step_to(1);
}

// expect: write in write_x / write in write_x
RACE(millions_of_lock_operations_between)
{
    static go_mutex mine;
    go(epochs_a);
    for (int i = times(PAIRS / 2); i > 0; i--) {
        go_mutex_lock(&mine);
        go_mutex_unlock(&mine);
    }
    await_step(1);
    write_x();
}

static void free_a(char *p)
{
    write_at_2000(p);
    step_to(1);
}

// expect: free in free_block / write in write_at_2000
RACE(free_of_a_large_block_written_far_inside)
{
    char *p = malloc((size_t)times(BLOCK));
    go(free_a, p);
    await_step(1);
    free_block(p);
}

static void use_after_free_a(char *p)
{
    await_step(1);
    write_at_2000(p);
    step_to(2);
}

// expect: write in write_at_2000 / free in free_block
RACE(large_block_written_after_its_free)
{
    keep_freed_memory();
    char *p = malloc((size_t)times(BLOCK));
    go(use_after_free_a, p);
    free_block(p);
    step_to(1);
    await_step(2);
}

NORACE(fences_order_relaxed_atomics)
{
    go(publish_x);
    consume_x();
}
