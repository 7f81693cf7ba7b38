/* chan_cases.c - what channels order and what they do not. */
#include "race.h"

typedef go_chan(int) int_chan;

/* ---- send and receive ---- */

FRAME void write_then_send(int_chan c)
{
    x = 1;
    go_chan_send(c, 0);
}

FRAME void send_then_write(int_chan c)
{
    go_chan_send(c, 0);
    x = 1;
    step_to(1);
}

FRAME void write_then_close(int_chan c)
{
    x = 1;
    go_chan_close(c);
}

FRAME void write_then_recv(int_chan c)
{
    x = 1;
    go_chan_recv(c);
}

FRAME void recv_then_write(int_chan c)
{
    go_chan_recv(c);
    x = 1;
    step_to(1);
}

NORACE(unbuffered_send_before_recv_ends)
{
    int_chan c = go_chan_make(int, 0);
    go(write_then_send, c);
    go_chan_recv(c);
    x = 2;
}

NORACE(unbuffered_recv_before_send_ends)
{
    int_chan c = go_chan_make(int, 0);
    go(send_then_write, c);
    x = 2;
    go_chan_recv(c);
    await_step(1);
}

NORACE(unbuffered_recv_before_send_ends_other_way)
{
    int_chan c = go_chan_make(int, 0);
    go(write_then_recv, c);
    go_chan_send(c, 0);
    x = 2;
}

NORACE(buffered_send_before_recv)
{
    int_chan c = go_chan_make(int, 10);
    go(write_then_send, c);
    go_chan_recv(c);
    x = 2;
}

// expect: write x in buffered_recv_is_not_before_its_send / write x in send_then_write
RACE(buffered_recv_is_not_before_its_send)
{
    int_chan c = go_chan_make(int, 10);
    go(send_then_write, c);
    await_step(1);
    x = 2;
    go_chan_recv(c);
}

// expect: write x in write_after_unbuffered_send / write x in recv_then_write
RACE(write_after_unbuffered_send)
{
    int_chan c = go_chan_make(int, 0);
    go(recv_then_write, c);
    go_chan_send(c, 0);
    await_step(1);
    x = 2;
}

FRAME void write_then_recv_2(int_chan c)
{
    x = 1;
    go_chan_recv(c);
    step_to(1);
}

enum { BLOCKS = 30 };

FRAME void free_all(void **block)
{
    for (int i = 0; i < BLOCKS; i++)
        free(block[i]);
    step_to(1);
}

/* The library's malloc() may return what the program has freed: no use after the free. */
NORACE(channel_in_freed_memory)
{
    void *block[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        block[i] = malloc(16 * (i + 1));
    go(free_all, block);
    await_step(1);
    for (size_t i = 0; i < BLOCKS; i++) {
        int_chan c = go_chan_make(int, i);
        go_chan_close(c);
        go_chan_free(c);
    }
}

// expect: write x in buffered_recv_orders_nothing_for_the_sender / write x in write_then_recv_2
RACE(buffered_recv_orders_nothing_for_the_sender)
{
    int_chan c = go_chan_make(int, 10);
    go_chan_send(c, 0);
    go(write_then_recv_2, c);
    await_step(1);
    x = 2;
}

/* The k-th receive is before the (k+cap)-th send, and not before an earlier one. */
NORACE(recv_before_send_that_needed_its_slot)
{
    int_chan c = go_chan_make(int, 2);
    go_chan_send(c, 0);
    go_chan_send(c, 0);
    go(write_then_recv, c);
    go_chan_send(c, 0);
    x = 2;
}

// expect: write x in recv_not_before_send_of_a_free_slot / write x in write_then_recv_2
RACE(recv_not_before_send_of_a_free_slot)
{
    int_chan c = go_chan_make(int, 2);
    go_chan_send(c, 0);
    go(write_then_recv_2, c);
    await_step(1);
    go_chan_send(c, 0);
    x = 2;
}

FRAME void allocate_then_send(go_chan(int *) c)
{
    int *p = malloc(sizeof *p);
    *p = 42;
    go_chan_send(c, p);
}

NORACE(pointer_through_channel)
{
    go_chan(int *) c = go_chan_make(int *, 0);
    go(allocate_then_send, c);
    int *p = go_chan_recv(c);
    *p = 43;
    free(p);
}

NORACE(blocked_sender_is_ordered_with_its_receiver)
{
    go_chan(int *) c = go_chan_make(int *, 1);
    go_chan_send(c, NULL);
    go(allocate_then_send, c);
    let_others_run();
    go_chan_recv(c);
    int *p = go_chan_recv(c);
    *p = 43;
}

NORACE(blocked_sender_is_ordered_with_a_selecting_receiver)
{
    go_chan(int *) c = go_chan_make(int *, 1);
    int_chan never = go_chan_make(int, 0);
    go_chan_send(c, NULL);
    go(allocate_then_send, c);
    let_others_run();
    go_chan_recv(c);
    int *p = NULL;
    go_select(go_recv_case(c, &p), go_recv_case(never, NULL));
    *p = 43;
}

/* ---- close ---- */

NORACE(close_before_recv_of_zero)
{
    int_chan c = go_chan_make(int, 10);
    go(write_then_close, c);
    go_chan_recv(c);
    x = 2;
}

NORACE(close_before_recv_ok_of_zero)
{
    int_chan c = go_chan_make(int, 10);
    go(write_then_close, c);
    go_chan_recv_ok(c, NULL);
    x = 2;
}

NORACE(close_before_end_of_range)
{
    int_chan c = go_chan_make(int, 10);
    go(write_then_close, c);
    go_chan_range(int, v, c)
        (void)v;
    x = 2;
}

NORACE(close_of_unbuffered_before_recv)
{
    int_chan c = go_chan_make(int, 0);
    go(write_then_close, c);
    go_chan_recv(c);
    x = 2;
}

NORACE(close_before_parked_receivers_go_on)
{
    int_chan c = go_chan_make(int, 0);
    go(recv_then_write, c);
    let_others_run();
    x = 2;
    go_chan_close(c);
    await_step(1);
}

NORACE(close_before_try_recv_that_sees_it)
{
    for (int i = 0; i < 20; i++) {
        int_chan c = go_chan_make(int, 0);
        go_chan(char) never = go_chan_make(char, 0);
        bool ok = true;
        go(write_then_close, c);
        while (go_select(go_recv_case(c, NULL, &ok), go_recv_case(never, NULL), go_default) ==
               GO_DEFAULT)
            go_yield();
        x = 2;
    }
}

FRAME void write_then_close_slowly(int_chan c)
{
    x = 1;
    go_chan_close(c);
    step_to(1);
}

static void send_0(void *c)
{
    go_chan_send((int_chan)c, 0);
}

/* A send that panics has seen nothing: it is not ordered after the close. */
// expect: read c in send_0 / write c in write_then_close_slowly
// expect: write x in failed_send_is_not_after_close / write x in write_then_close_slowly
RACE(failed_send_is_not_after_close)
{
    int_chan c = go_chan_make(int, 0);
    go(write_then_close_slowly, c);
    await_step(1);
    go_recover(send_0, c);
    x = 2;
}

FRAME void close_1(int_chan c)
{
    go_chan_close(c);
    step_to(1);
}

FRAME void send_1(int_chan c)
{
    go_chan_send(c, 0);
    step_to(1);
}

/* ---- misuse: a close that is not ordered with a send ---- */

// expect: write c in close_unordered_with_earlier_send / read c in send_1
RACE(close_unordered_with_earlier_send)
{
    int_chan c = go_chan_make(int, 10);
    go(send_1, c);
    await_step(1);
    go_chan_close(c);
}

// expect: read c in send_0 / write c in close_1
RACE(send_unordered_with_earlier_close)
{
    int_chan c = go_chan_make(int, 10);
    go(close_1, c);
    await_step(1);
    go_recover(send_0, c);
}

FRAME void select_send_1(int_chan c, int_chan never)
{
    go_select(go_send_case(c, 1), go_recv_case(never, NULL));
    step_to(1);
}

// expect: write c in close_unordered_with_selected_send / read in select_send_1
RACE(close_unordered_with_selected_send)
{
    int_chan c = go_chan_make(int, 1);
    go(select_send_1, c, go_chan_make(int, 0));
    await_step(1);
    go_chan_close(c);
}

static void close_it(void *c)
{
    go_chan_close(c);
}

/* A close that panics has seen nothing either. */
// expect: write x in failed_close_is_not_after_close / write x in write_then_close_slowly
RACE(failed_close_is_not_after_close)
{
    int_chan c = go_chan_make(int, 0);
    go(write_then_close_slowly, c);
    await_step(1);
    go_recover(close_it, c);
    x = 2;
}

NORACE(close_after_the_sends_are_received)
{
    int_chan c = go_chan_make(int, 10);
    go(write_then_send, c);
    go_chan_recv(c);
    go_chan_close(c);
}

/* ---- len and cap order nothing, and are no misuse ---- */

FRAME void write_send_step(int_chan c)
{
    x = 1;
    go_chan_send(c, 1);
    step_to(1);
}

// expect: write x in len_sees_a_send / write x in write_send_step
RACE(len_sees_a_send)
{
    int_chan c = go_chan_make(int, 10);
    go(write_send_step, c);
    await_step(1);
    if (go_chan_len(c) == 1)
        x = 2;
}

// expect: write x in len_sees_a_recv / write x in write_then_recv_2
RACE(len_sees_a_recv)
{
    int_chan c = go_chan_make(int, 10);
    go_chan_send(c, 1);
    go(write_then_recv_2, c);
    await_step(1);
    if (go_chan_len(c) == 0)
        x = 2;
}

FRAME void send_len_and_cap(int_chan c, go_chan(size_t) to)
{
    go_chan_send(to, go_chan_len(c) + go_chan_cap(c));
}

NORACE(len_and_cap_beside_close)
{
    int_chan c = go_chan_make(int, 10);
    go_chan(size_t) sizes = go_chan_make(size_t, 0);
    go(send_len_and_cap, c, sizes);
    go_chan_close(c);
    if (go_chan_recv(sizes) != 10)
        abort();
}

/* ---- which send, which close ---- */

FRAME void write_y_send_2(int_chan c)
{
    y = 2;
    go_chan_send(c, 2);
    step_to(2);
}

/* The first element is the other goroutine's: receiving it orders that one only. */
// expect: write y in recv_orders_its_own_sender_only / write y in write_y_send_2
RACE(recv_orders_its_own_sender_only)
{
    int_chan c = go_chan_make(int, 2);
    go(write_send_step, c);
    await_step(1);
    go(write_y_send_2, c);
    await_step(2);
    if (go_chan_recv(c) == 1) {
        x = 3;
        y = 3;
    }
}

FRAME void write_y_close(int_chan c)
{
    await_step(1);
    y = 2;
    go_chan_close(c);
    step_to(2);
}

// expect: write c in write_y_close / read c in write_send_step
// expect: write y in value_before_close_orders_the_sender_only / write y in write_y_close
RACE(value_before_close_orders_the_sender_only)
{
    int_chan c = go_chan_make(int, 1);
    go(write_send_step, c);
    go(write_y_close, c);
    await_step(2);
    if (go_chan_recv_ok(c, NULL))
        y = 3;
}

FRAME void try_send_then_write_y(int_chan c)
{
    x = 1;
    if (!go_chan_try_send(c, 1))
        y = 1;
    step_to(1);
}

FRAME void write_y_try_send(int_chan c)
{
    await_step(1);
    y = 2;
    if (!go_chan_try_send(c, 1))
        x = 2;
    step_to(2);
}

/* A try that fails orders nothing. */
// expect: write x in write_y_try_send / write x in try_send_then_write_y
RACE(failed_try_send)
{
    int_chan c = go_chan_make(int, 1);
    go(try_send_then_write_y, c);
    go(write_y_try_send, c);
    await_step(2);
}

FRAME void write_step(void)
{
    x = 1;
    step_to(1);
}

// expect: write x in failed_try_recv / write x in write_step
RACE(failed_try_recv)
{
    int_chan c = go_chan_make(int, 1);
    go(write_step);
    await_step(1);
    if (!go_chan_try_recv(c, NULL))
        x = 2;
}

/* ---- the elements are the users' memory ---- */

FRAME void recv_into(int_chan c, int *p)
{
    go_chan_recv_ok(c, p);
    step_to(1);
}

// expect: write x in recv_writes_its_target / write p in recv_into
RACE(recv_writes_its_target)
{
    int_chan c = go_chan_make(int, 1);
    go_chan_send(c, 5);
    go(recv_into, c, &x);
    await_step(1);
    x = 2;
}

FRAME void send_x(int_chan c)
{
    go_chan_send(c, x);
    step_to(1);
}

// expect: write x in send_reads_its_value / read x in send_x
RACE(send_reads_its_value)
{
    int_chan c = go_chan_make(int, 1);
    go(send_x, c);
    await_step(1);
    x = 2;
}

struct big {
    long word[20];
};

struct big shared_big;

FRAME void recv_big(go_chan(struct big) c)
{
    go_chan_recv_ok(c, &shared_big);
    step_to(1);
}

// expect: write word in recv_writes_the_whole_of_its_target / write shared_big in recv_big
RACE(recv_writes_the_whole_of_its_target)
{
    go_chan(struct big) c = go_chan_make(struct big, 0);
    struct big v = {{0}};
    go(recv_big, c);
    go_chan_send(c, v);
    await_step(1);
    shared_big.word[19] = 2;
}

FRAME void select_into_x(int_chan c, int_chan never)
{
    go_select(go_recv_case(c, &x), go_recv_case(never, NULL));
    step_to(1);
}

// expect: write x in selected_recv_writes_its_target / write in select_into_x
RACE(selected_recv_writes_its_target)
{
    int_chan c = go_chan_make(int, 1);
    go_chan_send(c, 5);
    go(select_into_x, c, go_chan_make(int, 0));
    await_step(1);
    x = 2;
}

NORACE(value_received_into_the_variable_it_was_sent_from)
{
    int_chan c = go_chan_make(int, 10);
    go(send_x, c);
    go_chan_recv_ok(c, &x);
}

/* ---- the variable that holds the channel ---- */

static int_chan shared;

FRAME void send_to_shared(void)
{
    go_chan_send(shared, 0);
    step_to(1);
}

FRAME void close_shared(void)
{
    go_chan_close(shared);
    step_to(1);
}

FRAME void len_of_shared(void)
{
    y = (int)go_chan_len(shared);
    step_to(1);
}

// expect: write shared in channel_variable_replaced_after_send / read shared in send_to_shared
RACE(channel_variable_replaced_after_send)
{
    shared = go_chan_make(int, 10);
    go(send_to_shared);
    await_step(1);
    shared = NULL;
}

// expect: write shared in channel_variable_replaced_after_close / read shared in close_shared
RACE(channel_variable_replaced_after_close)
{
    shared = go_chan_make(int, 10);
    go(close_shared);
    await_step(1);
    shared = NULL;
}

// expect: write shared in channel_variable_replaced_after_len / read shared in len_of_shared
RACE(channel_variable_replaced_after_len)
{
    shared = go_chan_make(int, 10);
    go(len_of_shared);
    await_step(1);
    shared = NULL;
}

/* ---- channels as locks, semaphores, wait groups ---- */

FRAME void guarded_write(go_chan(char) lock, int_chan done)
{
    go_chan_send(lock, 0);
    x = 42;
    go_chan_recv(lock);
    go_chan_send(done, 0);
}

NORACE(channel_of_one_as_mutex)
{
    go_chan(char) lock = go_chan_make(char, 1);
    int_chan done = go_chan_make(int, 0);
    go(guarded_write, lock, done);
    go_chan_send(lock, 0);
    x = 43;
    go_chan_recv(lock);
    go_chan_recv(done);
}

FRAME void guarded_write_2(go_chan(char) lock)
{
    go_chan_send(lock, 0);
    x = 42;
    go_chan_recv(lock);
    step_to(1);
}

// expect: write x in channel_of_two_is_no_mutex / write x in guarded_write_2
RACE(channel_of_two_is_no_mutex)
{
    go_chan(char) lock = go_chan_make(char, 2);
    go(guarded_write_2, lock);
    await_step(1);
    go_chan_send(lock, 0);
    x = 43;
    go_chan_recv(lock);
}

FRAME void write_and_leave(int *p, go_chan(char) places)
{
    *p = 42;
    go_chan_recv(places);
}

NORACE(channel_as_wait_group)
{
    enum { N = 10 };
    static int data[N];
    go_chan(char) places = go_chan_make(char, N / 2);
    for (int i = 0; i < N; i++) {
        go_chan_send(places, 0);
        go(write_and_leave, &data[i], places);
    }
    for (int i = 0; i < N / 2; i++)
        go_chan_send(places, 0);
    for (int i = 0; i < N; i++)
        x += data[i];
}

struct task {
    void (*fn)(void);
    go_chan(char) done;
};

static void set_x(void)
{
    x = 1;
}

FRAME void serve(go_chan(struct task) queue)
{
    struct task t = go_chan_recv(queue);
    t.fn();
    go_chan_send(t.done, 0);
}

NORACE(task_done_by_another)
{
    go_chan(struct task) queue = go_chan_make(struct task, 0);
    go_chan(char) done = go_chan_make(char, 1);
    go(serve, queue);
    go_chan_send(queue, (struct task){set_x, done});
    go_chan_recv(done);
    x = 2;
}

struct nothing {
};

FRAME void add_and_take(int *p, go_chan(struct nothing) c)
{
    *p += 1;
    go_chan_recv(c);
}

NORACE(elements_of_no_size)
{
    struct nothing none = {};
    go_chan(struct nothing) c = go_chan_make(struct nothing, 2);
    go_chan_send(c, none);
    go_chan_send(c, none);
    go(add_and_take, &x, c);
    go(add_and_take, &y, c);
    let_others_run();
    go_chan_send(c, none);
    go_chan_send(c, none);
    x += 1;
    y += 1;
}

/* A channel freed and another at its address: nothing of the first is left. */
NORACE(freed_channel_leaves_no_order_and_no_access)
{
    for (int i = 0; i < 50; i++) {
        int_chan c = go_chan_make(int, 1);
        go(write_then_send, c);
        go_chan_recv(c);
        x = 2;
        go_chan_close(c);
        go_chan_free(c);
    }
}
