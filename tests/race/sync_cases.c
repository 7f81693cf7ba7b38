/* sync_cases.c - mutexes, reader-writer locks, wait groups and once. */
#include "race.h"

/* ---- mutex ---- */

static go_mutex mu, mu2;

FRAME void locked_write(go_mutex *m, go_chan(char) done)
{
    go_mutex_lock(m);
    x = 1;
    go_mutex_unlock(m);
    go_chan_send(done, 0);
}

FRAME void locked_write_step(go_mutex *m)
{
    go_mutex_lock(m);
    x = 1;
    go_mutex_unlock(m);
    step_to(1);
}

FRAME void write_then_lock(go_mutex *m)
{
    x = 1;
    go_mutex_lock(m);
    go_mutex_unlock(m);
    step_to(1);
}

FRAME void write_then_unlock(go_mutex *m)
{
    x = 1;
    go_mutex_unlock(m);
}

NORACE(mutex)
{
    go_chan(char) done = go_chan_make(char, 2);
    go(locked_write, &mu, done);
    go(locked_write, &mu, done);
    go_chan_recv(done);
    go_chan_recv(done);
}

NORACE(mutex_in_turns)
{
    go(locked_write_step, &mu);
    await_step(1);
    go_mutex_lock(&mu);
    x = 2;
    go_mutex_unlock(&mu);
}

// expect: write x in write_before_the_lock / write x in write_then_lock
RACE(write_before_the_lock)
{
    go(write_then_lock, &mu);
    await_step(1);
    x = 2;
    go_mutex_lock(&mu);
    go_mutex_unlock(&mu);
}

// expect: write x in two_different_mutexes / write x in locked_write_step
RACE(two_different_mutexes)
{
    go(locked_write_step, &mu);
    await_step(1);
    go_mutex_lock(&mu2);
    x = 2;
    go_mutex_unlock(&mu2);
}

// expect: write x in one_side_locks / write x in locked_write_step
RACE(one_side_locks)
{
    go(locked_write_step, &mu);
    await_step(1);
    x = 2;
}

FRAME void hold_and_write(go_mutex *m)
{
    go_mutex_lock(m);
    x = 1;
    step_to(1);
}

// expect: write x in failed_trylock / write x in hold_and_write
RACE(failed_trylock)
{
    go(hold_and_write, &mu);
    await_step(1);
    if (!go_mutex_trylock(&mu))
        x = 2;
}

NORACE(trylock_that_succeeds)
{
    go(locked_write_step, &mu);
    await_step(1);
    if (go_mutex_trylock(&mu))
        x = 2;
}

/* Only the mutex orders the two writes of x, which are both outside of it. */
NORACE(mutex_as_happens_before_only)
{
    go(write_then_lock, &mu);
    await_step(1);
    go_mutex_lock(&mu);
    go_mutex_unlock(&mu);
    x = 2;
}

NORACE(mutex_unlocked_by_another_goroutine)
{
    go_mutex_lock(&mu);
    go(write_then_unlock, &mu);
    go_mutex_lock(&mu);
    x = 2;
}

NORACE(mutex_freed_and_made_again)
{
    for (int i = 0; i < 50; i++) {
        go_mutex *m = calloc(1, sizeof *m);
        go_chan(char) done = go_chan_make(char, 1);
        go(locked_write, m, done);
        go_chan_recv(done);
        x = 2;
        free(m);
        go_chan_free(done);
    }
}

/* ---- reader-writer lock ---- */

static go_rwmutex rw;

FRAME void write_under_write_lock(go_chan(char) done)
{
    go_rwmutex_lock(&rw);
    x = 1;
    go_rwmutex_unlock(&rw);
    go_chan_send(done, 0);
}

FRAME void read_under_read_lock(go_chan(char) done)
{
    go_rwmutex_rlock(&rw);
    int v = x;
    go_rwmutex_runlock(&rw);
    go_chan_send(done, (char)v);
}

FRAME void read_step(void)
{
    go_rwmutex_rlock(&rw);
    y = x;
    go_rwmutex_runlock(&rw);
    step_to(1);
}

NORACE(readers_and_a_writer)
{
    go_chan(char) done = go_chan_make(char, 8);
    go(read_under_read_lock, done);
    go(write_under_write_lock, done);
    for (int i = 0; i < 4; i++)
        go(read_under_read_lock, done);
    for (int i = 0; i < 6; i++)
        go_chan_recv(done);
}

NORACE(readers_then_writer)
{
    go(read_step);
    await_step(1);
    go_rwmutex_lock(&rw);
    x = 2;
    y = 2;
    go_rwmutex_unlock(&rw);
}

NORACE(writer_after_two_readers)
{
    go_chan(char) done = go_chan_make(char, 2);
    go(read_under_read_lock, done);
    go(read_under_read_lock, done);
    go_rwmutex_lock(&rw);
    x = 42;
    go_rwmutex_unlock(&rw);
    go_chan_recv(done);
    go_chan_recv(done);
}

/* Readers are not ordered among each other. */
// expect: write y in two_readers_that_write / write y in read_step
RACE(two_readers_that_write)
{
    go(read_step);
    await_step(1);
    go_rwmutex_rlock(&rw);
    y = 2;
    go_rwmutex_runlock(&rw);
}

FRAME void write_under_read_lock_step(void)
{
    go_rwmutex_rlock(&rw);
    x = 1;
    go_rwmutex_runlock(&rw);
    step_to(1);
}

// expect: read x in reader_sees_a_reader_write / write x in write_under_read_lock_step
RACE(reader_sees_a_reader_write)
{
    go(write_under_read_lock_step);
    await_step(1);
    go_rwmutex_rlock(&rw);
    y = x;
    go_rwmutex_runlock(&rw);
}

FRAME void write_lock_step(void)
{
    go_rwmutex_lock(&rw);
    x = 1;
    go_rwmutex_unlock(&rw);
    step_to(1);
}

// expect: write x in mutex_against_rwmutex / write x in write_lock_step
RACE(mutex_against_rwmutex)
{
    go(write_lock_step);
    await_step(1);
    go_mutex_lock(&mu);
    x = 2;
    go_mutex_unlock(&mu);
}

NORACE(writer_before_reader)
{
    go(write_lock_step);
    await_step(1);
    go_rwmutex_rlock(&rw);
    y = x;
    go_rwmutex_runlock(&rw);
}

NORACE(writer_before_successful_tryrlock)
{
    go(write_lock_step);
    await_step(1);
    if (go_rwmutex_tryrlock(&rw))
        y = x;
}

NORACE(reader_before_successful_trylock)
{
    go(read_step);
    await_step(1);
    if (go_rwmutex_trylock(&rw)) {
        x = 2;
        y = 2;
    }
}

FRAME void hold_read_lock_and_write(void)
{
    go_rwmutex_rlock(&rw);
    x = 1;
    step_to(1);
}

// expect: write x in failed_trylock_of_rwmutex / write x in hold_read_lock_and_write
RACE(failed_trylock_of_rwmutex)
{
    go(hold_read_lock_and_write);
    await_step(1);
    if (!go_rwmutex_trylock(&rw))
        x = 2;
}

/* ---- wait group ---- */

static go_waitgroup wg;

FRAME void write_done(int *p)
{
    *p = 1;
    go_waitgroup_done(&wg);
}

FRAME void write_done_step(int step)
{
    await_step(step - 1);
    x = 1;
    go_waitgroup_done(&wg);
    step_to(step);
}

NORACE(done_before_wait_returns)
{
    go_waitgroup_add(&wg, 1);
    go(write_done, &x);
    go_waitgroup_wait(&wg);
    x = 2;
}

NORACE(every_done_before_wait_returns)
{
    go_waitgroup_add(&wg, 3);
    go(write_done, &x);
    go(write_done, &y);
    go(write_done, &z);
    go_waitgroup_wait(&wg);
    x = y = z = 2;
}

NORACE(done_before_a_wait_that_need_not_wait)
{
    go_waitgroup_add(&wg, 1);
    go(write_done_step, 1);
    await_step(1);
    go_waitgroup_wait(&wg);
    x = 2;
}

// expect: write x in write_done_step / write x in write_done_step
RACE(dones_are_not_ordered_among_each_other)
{
    go_waitgroup_add(&wg, 2);
    go(write_done_step, 1);
    go(write_done_step, 2);
    go_waitgroup_wait(&wg);
}

FRAME void done_then_write(void)
{
    go_waitgroup_done(&wg);
    x = 1;
    step_to(1);
}

// expect: write x in write_after_done / write x in done_then_write
RACE(write_after_done)
{
    go_waitgroup_add(&wg, 1);
    go(done_then_write);
    await_step(1);
    go_waitgroup_wait(&wg);
    x = 2;
}

FRAME void wait_read_send(go_chan(int) c)
{
    go_waitgroup_wait(&wg);
    go_chan_send(c, x + y);
}

NORACE(several_wait)
{
    go_chan(int) c = go_chan_make(int, 3);
    go_waitgroup_add(&wg, 2);
    for (int i = 0; i < 3; i++)
        go(wait_read_send, c);
    go(write_done, &x);
    go(write_done, &y);
    for (int i = 0; i < 3; i++)
        go_chan_recv(c);
}

FRAME void wait_write_send(go_chan(char) c)
{
    go_waitgroup_wait(&wg);
    x = 2;
    step_to(1);
    go_chan_send(c, 0);
}

// expect: write x in waits_are_not_ordered_among_each_other / write x in wait_write_send
RACE(waits_are_not_ordered_among_each_other)
{
    go_chan(char) c = go_chan_make(char, 1);
    go_waitgroup_add(&wg, 1);
    go(wait_write_send, c);
    go(write_done, &y);
    await_step(1);
    go_waitgroup_wait(&wg);
    x = 3;
    go_chan_recv(c);
}

FRAME void done_then_wait(go_chan(char) c)
{
    go_waitgroup_done(&wg);
    go_waitgroup_wait(&wg);
    go_chan_send(c, 0);
}

NORACE(who_is_done_may_wait_too)
{
    go_chan(char) c = go_chan_make(char, 2);
    go_waitgroup_add(&wg, 2);
    go(done_then_wait, c);
    go(done_then_wait, c);
    go_waitgroup_wait(&wg);
    go_chan_recv(c);
    go_chan_recv(c);
}

FRAME void increment_done(int *p)
{
    (*p)++;
    go_waitgroup_done(&wg);
}

NORACE(wait_group_used_again)
{
    for (int i = 0; i < 10; i++) {
        go_waitgroup_add(&wg, 3);
        go(increment_done, &x);
        go(increment_done, &y);
        go(increment_done, &z);
        go_waitgroup_wait(&wg);
        x++, y++, z++;
    }
}

static void set_y(int v)
{
    y = v;
}

NORACE(goroutine_of_a_wait_group)
{
    for (int i = 0; i < 10; i++) {
        go_waitgroup_go(&wg, set_y, i);
        go_waitgroup_wait(&wg);
        y++;
    }
}

NORACE(wait_group_on_a_stack_that_ends)
{
    for (int i = 0; i < 20; i++) {
        go_waitgroup own = {0};
        go_waitgroup_go(&own, set_y, i);
        go_waitgroup_wait(&own);
        y++;
    }
}

FRAME void add_one_send(go_chan(char) c)
{
    go_waitgroup_add(&wg, 1);
    go_chan_send(c, 0);
    go_waitgroup_done(&wg);
}

NORACE(adds_before_wait_by_channel)
{
    go_chan(char) c = go_chan_make(char, 4);
    for (int i = 0; i < 4; i++)
        go(add_one_send, c);
    for (int i = 0; i < 4; i++)
        go_chan_recv(c);
    go_waitgroup_wait(&wg);
}

FRAME void add_one_step(void)
{
    go_waitgroup_add(&wg, 1);
    step_to(1);
}

FRAME void wait_for_wg(void)
{
    go_waitgroup_wait(&wg);
}

/* The first add must be ordered before the wait: here it only came first. */
// expect: write wg in wait_for_wg / read wg in add_one_step
RACE(first_add_unordered_with_wait)
{
    go(add_one_step);
    await_step(1);
    go(wait_for_wg);
    await_report();
}

/* ---- once ---- */

static go_once once, once2;

static void init_x(void)
{
    x = 1;
}

FRAME void once_then_read(go_chan(int) c)
{
    go_once_do(&once, init_x);
    go_chan_send(c, x);
}

NORACE(once_before_every_return)
{
    go_chan(int) c = go_chan_make(int, 4);
    for (int i = 0; i < 4; i++)
        go(once_then_read, c);
    for (int i = 0; i < 4; i++)
        go_chan_recv(c);
}

FRAME void once_step(void)
{
    go_once_do(&once, init_x);
    step_to(1);
}

static void nothing(void)
{
}

NORACE(once_that_was_done_by_another)
{
    go(once_step);
    await_step(1);
    go_once_do(&once, nothing);
    x = 2;
}

// expect: write x in another_once / write x in init_x
RACE(another_once)
{
    go(once_step);
    await_step(1);
    go_once_do(&once2, nothing);
    x = 2;
}

FRAME void once_then_write_y(void)
{
    go_once_do(&once, init_x);
    y = 1;
    step_to(1);
}

/* What follows the call is not part of it. */
// expect: write y in write_after_once / write y in once_then_write_y
RACE(write_after_once)
{
    go(once_then_write_y);
    await_step(1);
    go_once_do(&once, nothing);
    y = 2;
}
