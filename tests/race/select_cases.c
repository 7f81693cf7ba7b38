/* select_cases.c - a select orders what the case that ran orders, and nothing else. */
#include "race.h"

typedef go_chan(int) int_chan;

FRAME void write_then_select_send(int_chan c, int_chan never)
{
    x = 1;
    go_select(go_send_case(c, 1), go_recv_case(never, NULL));
}

FRAME void select_send_then_write(int_chan c, int_chan never)
{
    go_select(go_send_case(c, 1), go_recv_case(never, NULL));
    x = 1;
    step_to(1);
}

FRAME void select_recv_then_write(int_chan c, int_chan never)
{
    go_select(go_recv_case(c, NULL), go_recv_case(never, NULL));
    x = 1;
    step_to(1);
}

NORACE(selected_send_before_selected_recv)
{
    int_chan c = go_chan_make(int, 0), never = go_chan_make(int, 0);
    go(write_then_select_send, c, never);
    go_select(go_recv_case(c, NULL), go_send_case(never, 0));
    x = 2;
}

NORACE(selected_send_before_plain_recv)
{
    int_chan c = go_chan_make(int, 0), never = go_chan_make(int, 0);
    go(write_then_select_send, c, never);
    go_chan_recv(c);
    x = 2;
}

NORACE(selected_buffered_send_before_recv)
{
    int_chan c = go_chan_make(int, 10), never = go_chan_make(int, 0);
    go(write_then_select_send, c, never);
    go_chan_recv(c);
    x = 2;
}

NORACE(plain_send_before_selected_recv)
{
    int_chan c = go_chan_make(int, 0), never = go_chan_make(int, 0);
    go(select_recv_then_write, c, never);
    x = 2;
    go_chan_send(c, 1);
    await_step(1);
}

NORACE(unbuffered_recv_before_selected_send_ends)
{
    int_chan c = go_chan_make(int, 0), never = go_chan_make(int, 0);
    go(select_send_then_write, c, never);
    x = 2;
    go_chan_recv(c);
    await_step(1);
}

NORACE(close_before_selected_recv)
{
    int_chan c = go_chan_make(int, 0), never = go_chan_make(int, 0);
    go(select_recv_then_write, c, never);
    x = 2;
    go_chan_close(c);
    await_step(1);
}

NORACE(close_before_parked_select_goes_on)
{
    int_chan c = go_chan_make(int, 0), never = go_chan_make(int, 0);
    go(select_recv_then_write, c, never);
    let_others_run();
    x = 2;
    go_chan_close(c);
    await_step(1);
}

NORACE(select_of_one_case)
{
    int_chan c = go_chan_make(int, 0), never = go_chan_make(int, 0);
    go(write_then_select_send, c, never);
    go_select(go_recv_case(c, NULL));
    x = 2;
}

// expect: write x in selected_recv_orders_no_later_write / write x in select_send_then_write
RACE(selected_recv_orders_no_later_write)
{
    int_chan c = go_chan_make(int, 1), never = go_chan_make(int, 0);
    go(select_send_then_write, c, never);
    await_step(1);
    go_select(go_recv_case(c, NULL), go_recv_case(never, NULL));
    x = 2;
}

FRAME void take_two(int_chan c)
{
    go_chan_recv(c);
    go_chan_recv(c);
}

FRAME void select_send_write_step_2(int_chan c, int_chan never)
{
    go_select(go_send_case(c, 1), go_recv_case(never, NULL));
    await_step(1);
    x = 2;
    step_to(2);
}

/* The receiver of both orders neither after the other. */
// expect: write x in select_send_write_step_2 / write x in select_send_then_write
RACE(two_senders_of_one_receiver)
{
    int_chan c = go_chan_make(int, 2), never = go_chan_make(int, 0);
    go(select_send_then_write, c, never);
    go(select_send_write_step_2, c, never);
    go(take_two, c);
    await_step(2);
}

FRAME void write_then_select_recv(int_chan c, int_chan never)
{
    x = 1;
    step_to(1);
    go_select(go_recv_case(c, NULL), go_recv_case(never, NULL));
}

/* Closing does not wait for the receiver. */
// expect: write x in close_is_not_after_its_receivers / write x in write_then_select_recv
RACE(close_is_not_after_its_receivers)
{
    int_chan c = go_chan_make(int, 0), never = go_chan_make(int, 0);
    go(write_then_select_recv, c, never);
    go_chan_close(c);
    await_step(1);
    x = 2;
}

FRAME void write_step_select_send(int_chan c, int_chan never)
{
    x = 1;
    step_to(1);
    go_select(go_send_case(c, 1), go_recv_case(never, NULL));
}

// expect: write x in write_before_the_meeting / write x in write_step_select_send
RACE(write_before_the_meeting)
{
    int_chan c = go_chan_make(int, 0), never = go_chan_make(int, 0);
    go(write_step_select_send, c, never);
    await_step(1);
    x = 2;
    go_chan_recv(c);
}

FRAME void default_then_write(int_chan never)
{
    if (go_select(go_recv_case(never, NULL), go_default) == GO_DEFAULT)
        x = 2;
    step_to(1);
}

// expect: read x in default_orders_nothing / write x in default_then_write
RACE(default_orders_nothing)
{
    go(default_then_write, go_chan_make(int, 0));
    await_step(1);
    y = x;
}

FRAME void write_x_send(int_chan c)
{
    x = 1;
    go_chan_send(c, 1);
    step_to(1);
}

FRAME void write_y_send(int_chan c)
{
    await_step(1);
    y = 1;
    go_chan_send(c, 1);
    step_to(2);
}

/* Both are ready: only the one that is taken is ordered. */
// expect: write y in ready_case_that_was_not_taken / write y in write_y_send
RACE(ready_case_that_was_not_taken)
{
    int_chan a = go_chan_make(int, 1), b = go_chan_make(int, 1);
    go(write_x_send, a);
    go(write_y_send, b);
    await_step(2);
    go_case only_a[] = {go_recv_case(a, NULL), go_recv_case((int_chan)NULL, NULL)};
    if (go_select_n(only_a, 2) == 0) {
        x = 3;
        y = 3;
    }
}

FRAME void send_value_of_x(int_chan c, int_chan never)
{
    go_select(go_send_case(c, x), go_recv_case(never, NULL));
    step_to(1);
}

/* The value of a send case is read when the case is written down, whether it is taken or not. */
// expect: write x in value_of_a_send_case / read x in send_value_of_x
RACE(value_of_a_send_case)
{
    int_chan c = go_chan_make(int, 1), never = go_chan_make(int, 0);
    go(send_value_of_x, c, never);
    await_step(1);
    x = 2;
}

NORACE(value_of_a_send_case_received_into_its_source)
{
    int_chan c = go_chan_make(int, 0), never = go_chan_make(int, 0);
    go(send_value_of_x, c, never);
    go_select(go_recv_case(c, &x), go_recv_case(never, NULL));
}

FRAME void lock_by_select(go_chan(char) lock, go_chan(char) never, int_chan done)
{
    go_select(go_send_case(lock, 0), go_recv_case(never, NULL));
    x = 42;
    go_select(go_recv_case(lock, NULL), go_recv_case(never, NULL));
    go_chan_send(done, 0);
}

NORACE(channel_of_one_as_mutex_by_select)
{
    go_chan(char) lock = go_chan_make(char, 1), never = go_chan_make(char, 0);
    int_chan done = go_chan_make(int, 2);
    go(lock_by_select, lock, never, done);
    go(lock_by_select, lock, never, done);
    go_chan_recv(done);
    go_chan_recv(done);
}

FRAME void meet(int_chan c, int_chan never, bool sends, int_chan done)
{
    if (sends) {
        y = 1;
        x = 1;
        go_select(go_send_case(c, 1), go_recv_case(never, NULL));
    } else {
        go_select(go_recv_case(c, NULL), go_recv_case(never, NULL));
        x = 1;
    }
    go_chan_send(done, 0);
}

NORACE(both_ends_select_in_either_order)
{
    for (int i = 0; i < 20; i++) {
        int_chan c = go_chan_make(int, 0), never = go_chan_make(int, 0);
        int_chan done = go_chan_make(int, 2);
        go(meet, c, never, i % 2 == 0, done);
        if (i & 2)
            let_others_run();
        go(meet, c, never, i % 2 != 0, done);
        go_chan_recv(done);
        go_chan_recv(done);
    }
}

FRAME void recv_two_of(int_chan a, int_chan b)
{
    for (int i = 0; i < 2; i++)
        go_select(go_recv_case(a, NULL), go_recv_case(b, NULL));
    x = 3;
    y = 3;
}

FRAME void write_to(int *p, int_chan c)
{
    *p = 1;
    go_chan_send(c, 0);
}

NORACE(select_in_a_loop_gathers_all)
{
    int_chan a = go_chan_make(int, 0), b = go_chan_make(int, 0);
    go(write_to, &x, a);
    go(write_to, &y, b);
    recv_two_of(a, b);
}
