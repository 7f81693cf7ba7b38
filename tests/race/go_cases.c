/* go_cases.c - goroutines themselves: what starting, ending, yielding and sleeping order; and what
 * a report tells about who created whom. */
#define _GNU_SOURCE
#include "race.h"

#include <goshawk/trace.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

FRAME void write_x(void)
{
    x = 1;
    step_to(1);
}

FRAME void read_x(void)
{
    y = x;
    step_to(1);
}

NORACE(go_before_its_goroutine)
{
    x = 1;
    go(write_x);
    await_step(1);
}

// expect: write x in write_after_go / write x in write_x
RACE(write_after_go)
{
    go(write_x);
    await_step(1);
    x = 2;
}

// expect: write x in write_after_a_read / read x in read_x
RACE(write_after_a_read)
{
    go(read_x);
    await_step(1);
    x = 2;
}

FRAME void read_only(int step)
{
    await_step(step - 1);
    if (x != 0)
        abort();
    step_to(step);
}

NORACE(reads_only)
{
    go(read_only, 1);
    go(read_only, 2);
    await_step(2);
    if (x != 0)
        abort();
}

/* All readers race with the writer, not only the last. */
// expect: write x in write_after_two_reads / read x in read_only
RACE(write_after_two_reads)
{
    go(read_only, 1);
    go(read_only, 2);
    await_step(2);
    x = 2;
}

/* That a goroutine has ended orders nothing. */
// expect: write x in end_orders_nothing / write x in write_x
RACE(end_orders_nothing)
{
    go(write_x);
    while (go_numgoroutine() != 1)
        go_yield();
    x = 2;
}

// expect: write x in yield_and_sleep_order_nothing / write x in write_x
RACE(yield_and_sleep_order_nothing)
{
    go(write_x);
    await_step(1);
    go_yield();
    go_sleep(GO_MILLISECOND);
    x = 2;
}

FRAME void pass_it_on(void)
{
    go(write_x);
}

NORACE(go_of_a_go)
{
    x = 2;
    go(pass_it_on);
    await_step(1);
}

// expect: write x in created_by_grandchild / write x in write_x
RACE(created_by_grandchild)
{
    go(pass_it_on);
    await_step(1);
    x = 2;
}

FRAME void write_x_2(int step)
{
    await_step(step - 1);
    x = step;
    step_to(step);
}

// expect: write x in write_x_2 / write x in write_x_2
RACE(two_children)
{
    go(write_x_2, 1);
    go(write_x_2, 2);
    await_step(2);
}

/* Arguments are evaluated before the goroutine exists. */
static int next_argument(void)
{
    return ++x;
}

FRAME void add_argument(int a, atomic_int *sum)
{
    atomic_fetch_add(sum, a);
}

NORACE(arguments_are_evaluated_by_the_caller)
{
    static atomic_int sum;
    for (int i = 0; i < 4; i++)
        go(add_argument, next_argument(), &sum);
    while (atomic_load(&sum) != 1 + 2 + 3 + 4)
        go_yield();
}

struct pair {
    int a, b;
};

FRAME void sum_pair(struct pair p, go_chan(int) to)
{
    go_chan_send(to, p.a + p.b);
}

NORACE(structure_by_value)
{
    go_chan(int) to = go_chan_make(int, 0);
    struct pair p = {1, 2};
    go(sum_pair, p, to);
    p.a = 10;
    if (go_chan_recv(to) != 3)
        abort();
}

FRAME void read_through(const int *p)
{
    y = *p;
    step_to(1);
}

// expect: write p in structure_by_pointer / read p in read_through
RACE(structure_by_pointer)
{
    static struct pair p;
    go(read_through, &p.a);
    await_step(1);
    p.a = 10;
}

/* The variable of a loop that goes on. */
FRAME void read_int(const int *i)
{
    await_step(1);
    y = *i;
    step_to(2);
}

FRAME void next(int *i)
{
    *i = *i + 1;
}

// expect: read i in read_int / write i in next
RACE(loop_variable)
{
    static int i;
    for (i = 0; i < 1; next(&i))
        go(read_int, &i);
    step_to(1);
    await_step(2);
}

/* ---- defer, exit, panic ---- */

FRAME void exit_after_write(go_chan(char) c)
{
    go_defer(go_chan_close, c);
    x = 1;
    go_exit();
}

NORACE(deferred_close_of_a_goroutine_that_exits)
{
    go_chan(char) c = go_chan_make(char, 0);
    go(exit_after_write, c);
    go_chan_recv(c);
    x = 2;
}

static void panic_after_write(void *c)
{
    go_defer(go_chan_close, c);
    x = 1;
    go_panic("on purpose");
}

FRAME void recover_it(go_chan(char) c)
{
    go_recover(panic_after_write, c);
}

NORACE(deferred_close_of_a_panic)
{
    go_chan(char) c = go_chan_make(char, 0);
    go(recover_it, c);
    go_chan_recv(c);
    x = 2;
}

FRAME void panic_below(int depth)
{
    if (depth > 0)
        panic_below(depth - 1);
    else if (depth == 0)
        go_panic("from below");
    y++;
}

static void panic_deep(void *arg)
{
    (void)arg;
    panic_below(50);
}

FRAME void write_after_panic(void)
{
    go_recover(panic_deep, NULL);
    x = 1;
    step_to(1);
}

/* Frames that a panic has passed are not on the stack any more. */
// expect: write x in stack_after_a_panic / write x in write_after_panic
RACE(stack_after_a_panic)
{
    go(write_after_panic);
    await_step(1);
    x = 2;
}

/* ---- many ---- */

FRAME void add_locked(go_mutex *m, go_waitgroup *wg)
{
    go_mutex_lock(m);
    x++;
    go_mutex_unlock(m);
    go_waitgroup_done(wg);
}

NORACE(thousand_goroutines)
{
    static go_mutex m;
    static go_waitgroup wg;
    go_waitgroup_add(&wg, 1000);
    for (int i = 0; i < 1000; i++)
        go(add_locked, &m, &wg);
    go_waitgroup_wait(&wg);
    if (x != 1000)
        abort();
}

static atomic_int all;

FRAME void deep_write(int depth)
{
    if (depth) {
        deep_write(depth - 1);
        atomic_fetch_add_explicit(&all, 1, memory_order_relaxed);
    } else {
        x = 1;
        step_to(1);
    }
}

/* The report's first frame is right however deep the stack. */
// expect: write x in deep_stack / write x in deep_write
RACE(deep_stack)
{
    go(deep_write, 500);
    await_step(1);
    x = 2;
}

/* ---- structures by value: what copies them for the goroutine reads them ---- */

static struct three {
    char at[3];
} three;
static struct sixteen {
    long at[2];
} sixteen;

FRAME void write_structures(void)
{
    three.at[2] = 3;
    sixteen.at[1] = 16;
}

FRAME void take_three(struct three s)
{
    if (s.at[2] != 3)
        abort();
}

FRAME void take_sixteen(int i, struct sixteen s)
{
    if (s.at[i] != 16)
        abort();
}

// expect: read three in structure_for_a_goroutine / write three in write_structures
RACE(structure_for_a_goroutine)
{
    first(write_structures);
    go(take_three, three);
}

// expect: read sixteen in structure_for_a_deferred_call / write sixteen in write_structures
RACE(structure_for_a_deferred_call)
{
    first(write_structures);
    go_defer(take_sixteen, 1, sixteen);
}

// expect: read sixteen in structure_for_a_counted_goroutine / write sixteen in write_structures
RACE(structure_for_a_counted_goroutine)
{
    go_waitgroup wg = {0};
    first(write_structures);
    go_waitgroup_go(&wg, take_sixteen, 1, sixteen);
    go_waitgroup_wait(&wg);
}

#if !defined(__aarch64__) /* which passes it by reference: go() takes none there */
static struct forty {
    char at[40];
} forty;

FRAME void write_forty(void)
{
    forty.at[39] = 40;
}

FRAME void take_forty(struct forty s)
{
    if (s.at[39] != 40)
        abort();
}

// expect: read forty in large_structure_for_a_goroutine / write forty in write_forty
RACE(large_structure_for_a_goroutine)
{
    first(write_forty);
    go(take_forty, forty);
}
#endif

NORACE(structures_of_ones_own)
{
    struct three own = {{1, 2, 3}};
    write_structures();
    go(take_three, own);
    go(take_three, three);
    own.at[2] = 4;
    three.at[2] = 4;
}

/* ---- signal handlers ---- */

static void fill_a_frame(int sig)
{
    volatile char frame[512];
    memset((char *)frame, sig, sizeof frame);
}

FRAME void raise_and_step(int n)
{
    raise(SIGUSR1);
    step_to(n);
}

/* Both lie on the alternate stack of the thread that runs the goroutines. */
NORACE(handlers_of_two_goroutines_on_one_stack)
{
    struct sigaction act = {.sa_handler = fill_a_frame, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &act, NULL);
    go(raise_and_step, 1);
    await_step(1);
    go(raise_and_step, 2);
    await_step(2);
}

/* ---- the tracer ---- */

FRAME void write_x_and_park(go_chan(int) c)
{
    x = 1;
    step_to(1);
    go_chan_send(c, 1);
}

/* The library that walks stacks for the tracer has locks of its own. */
// expect: write x in tracing_orders_nothing / write x in write_x_and_park
RACE(tracing_orders_nothing)
{
    go_chan(int) c = go_chan_make(int, 0), other = go_chan_make(int, 1);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", memfd_create("trace", 0));
    if (go_trace_start(path) != 0)
        abort();
    go(write_x_and_park, c);
    await_step(1);
    let_others_run();
    go(step_to, 2);
    await_step(2);
    go_chan_send(other, 1);
    x = 2;
    go_chan_recv(c);
    go_trace_stop();
}
