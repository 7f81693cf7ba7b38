/* wait_cases.c - condition variables, semaphores, groups, timers and contexts. */
#include "race.h"

/* ---- condition variables ---- */

static go_mutex mu;
static go_cond cond;
static int ready;

FRAME void write_then_signal(void)
{
    x = 1;
    go_mutex_lock(&mu);
    ready = 1;
    go_cond_signal(&cond);
    go_mutex_unlock(&mu);
}

FRAME void wait_until_ready(void)
{
    go_mutex_lock(&mu);
    while (!ready)
        go_cond_wait(&cond, &mu);
    go_mutex_unlock(&mu);
}

NORACE(signal_before_wait_ends)
{
    go(write_then_signal);
    wait_until_ready();
    x = 2;
}

FRAME void signal_then_write(void)
{
    write_then_signal();
    x = 3;
    step_to(1);
}

// expect: write x in write_after_signal / write x in signal_then_write
RACE(write_after_signal)
{
    go(signal_then_write);
    wait_until_ready();
    await_step(1);
    x = 2;
}

FRAME void wait_then_read(go_chan(int) to)
{
    wait_until_ready();
    go_chan_send(to, x);
}

NORACE(broadcast_before_every_wait_ends)
{
    go_chan(int) c = go_chan_make(int, 0);
    for (int i = 0; i < 5; i++)
        go(wait_then_read, c);
    let_others_run();
    x = 1;
    go_mutex_lock(&mu);
    ready = 1;
    go_cond_broadcast(&cond);
    go_mutex_unlock(&mu);
    for (int i = 0; i < 5; i++)
        go_chan_recv(c);
}

/* ---- semaphores and groups ---- */

static go_sem sem;
static go_sem two = GO_SEM_INIT(2);

FRAME void write_then_release(void)
{
    x = 1;
    go_sem_release(&sem, 1);
    step_to(1);
}

NORACE(release_before_acquire)
{
    go(write_then_release);
    go_sem_acquire(&sem, 1);
    x = 2;
}

NORACE(release_before_successful_tryacquire)
{
    go(write_then_release);
    await_step(1);
    if (go_sem_tryacquire(&sem, 1))
        x = 2;
}

FRAME void acquire_then_write(void)
{
    go_sem_acquire(&two, 1);
    x = 1;
    step_to(1);
}

// expect: write x in semaphore_of_two_is_no_mutex / write x in acquire_then_write
RACE(semaphore_of_two_is_no_mutex)
{
    go(acquire_then_write);
    await_step(1);
    go_sem_acquire(&two, 1);
    x = 2;
}

// expect: write x in failed_tryacquire / write x in acquire_then_write
RACE(failed_tryacquire)
{
    go(acquire_then_write);
    await_step(1);
    if (!go_sem_tryacquire(&two, 2))
        x = 2;
}

static int set_int(void *p)
{
    *(int *)p = 1;
    return 0;
}

NORACE(group_before_its_wait_returns)
{
    go_group g = {0};
    go_group_go(&g, set_int, &x);
    go_group_go(&g, set_int, &y);
    go_group_wait(&g);
    x = y = 2;
}

static int write_x_in_turn(void *step)
{
    await_step(*(int *)step - 1);
    x = *(int *)step;
    step_to(*(int *)step);
    return 0;
}

// expect: write x in write_x_in_turn / write x in write_x_in_turn
RACE(members_of_a_group)
{
    static int steps[] = {1, 2};
    go_group g = {0};
    go_group_go(&g, write_x_in_turn, &steps[0]);
    go_group_go(&g, write_x_in_turn, &steps[1]);
    go_group_wait(&g);
}

/* ---- timers ---- */

static void write_and_close(void *c)
{
    x++;
    go_chan_close(c);
}

NORACE(arming_before_the_function)
{
    go_chan(char) c = go_chan_make(char, 0);
    x = 1;
    go_after_func(GO_MILLISECOND, write_and_close, c);
    go_chan_recv(c);
    x = 2;
}

static void write_and_step(void *step)
{
    await_step(*(int *)step - 1);
    x = 1;
    step_to(*(int *)step);
}

// expect: write x in write_after_arming / write x in write_and_step
RACE(write_after_arming)
{
    static int one = 1;
    go_after_func(GO_MILLISECOND, write_and_step, &one);
    await_step(1);
    x = 2;
}

// expect: write x in write_and_step / write x in write_and_step
RACE(two_timers)
{
    static int steps[] = {1, 2};
    go_after_func(GO_MILLISECOND, write_and_step, &steps[0]);
    go_after_func(2 * GO_MILLISECOND, write_and_step, &steps[1]);
    await_step(2);
}

FRAME void write_then_recv_time(go_chan(go_time) c)
{
    x++;
    go_chan_recv(c);
    x++;
    step_to(1);
}

NORACE(value_of_a_timer)
{
    x = 1;
    go(write_then_recv_time, go_after(GO_MILLISECOND));
    await_step(1);
}

/* Arms t again when it has fired, and knows nothing of who armed it then. */
FRAME void rearm(go_timer *t)
{
    await_step(1);
    go_timer_reset(t, GO_HOUR);
    step_to(2);
}

FRAME void recv_time_and_write(go_chan(go_time) c)
{
    await_step(2);
    go_chan_recv(c);
    x = 2;
    step_to(3);
}

NORACE(value_of_a_timer_that_another_armed_again)
{
    go_timer *t = go_timer_new(GO_HOUR);
    go(rearm, t);
    go(recv_time_and_write, go_timer_chan(t));
    x = 1;
    go_timer_reset(t, 0);
    while (go_chan_len(go_timer_chan(t)) == 0)
        go_yield();
    step_to(1);
    await_step(3);
}

FRAME void write_and_rearm(go_timer *t)
{
    await_step(1);
    x = 1;
    go_timer_reset(t, GO_HOUR);
    step_to(2);
}

// expect: write x in recv_time_and_write / write x in write_and_rearm
RACE(value_of_a_timer_is_not_after_the_next_arming)
{
    go_timer *t = go_timer_new(0);
    go(write_and_rearm, t);
    go(recv_time_and_write, go_timer_chan(t));
    while (go_chan_len(go_timer_chan(t)) == 0)
        go_yield();
    step_to(1);
    await_step(3);
}

enum { ROUNDS = 30 };

struct round {
    int step, n;
    go_timer *t;
};

static void add_one(void *p)
{
    struct round *r = p;
    r->n++;
    step_to(r->step + 2);
}

FRAME void rearm_each(struct round *r)
{
    for (int i = 0; i < ROUNDS; i++, r++) {
        await_step(r->step);
        bool stopped = go_timer_reset(r->t, GO_HOUR);
        go_timer_stop(r->t);
        step_to(r->step + 1);
        if (stopped)
            step_to(r->step + 2);
    }
}

/* Now and then between the moment at which it fires and the function's first step. */
NORACE(function_of_a_timer_that_another_armed_again)
{
    struct round *r = calloc(ROUNDS, sizeof *r);
    for (int i = 0; i < ROUNDS; i++) {
        r[i].step = 3 * i + 1;
        r[i].t = go_after_func(GO_HOUR, add_one, &r[i]);
    }
    go(rearm_each, r);
    for (int i = 0; i < ROUNDS; i++) {
        r[i].n = 1;
        go_timer_reset(r[i].t, 0);
        step_to(3 * i + 1);
        await_step(3 * i + 3);
    }
}

/* ---- contexts ---- */

FRAME void write_then_cancel(go_ctx *c)
{
    x = 1;
    go_ctx_cancel(c);
    step_to(1);
}

NORACE(cancel_before_done)
{
    go_ctx *c = go_ctx_with_cancel(go_ctx_background());
    go(write_then_cancel, c);
    go_chan_recv_ok(go_ctx_done(c), NULL);
    x = 2;
}

NORACE(cancel_of_the_parent_before_done)
{
    go_ctx *p = go_ctx_with_cancel(go_ctx_background());
    go_ctx *c = go_ctx_with_cancel(p);
    go(write_then_cancel, p);
    go_chan_recv_ok(go_ctx_done(c), NULL);
    x = 2;
}

FRAME void cancel_then_write(go_ctx *c)
{
    go_ctx_cancel(c);
    x = 1;
    step_to(1);
}

// expect: write x in write_after_cancel / write x in cancel_then_write
RACE(write_after_cancel)
{
    go_ctx *c = go_ctx_with_cancel(go_ctx_background());
    go(cancel_then_write, c);
    await_step(1);
    go_chan_recv_ok(go_ctx_done(c), NULL);
    x = 2;
}
