/* close_called_by_the_loop_it_awaits.c - a loop waits for its own end (after syncthing #5795).
 *
 * Closing a connection waits until the loop that dispatches its messages has ended.  The model
 * closes it when a message is wrong, and is called by that loop.  The repair closes in a goroutine
 * of its own and lets the loop go on.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

struct connection {
    go_chan(int) inbox;
    go_chan(char) closed, dispatched;
    go_once once;
    go_waitgroup loops;
    int seen;
};

static void internal_close(struct connection *c)
{
    go_chan_close(c->closed);
    go_chan_recv(c->dispatched);
}

static void close_connection(struct connection *c)
{
    go_once_do(&c->once, internal_close, c);
}

static void cluster_config(struct connection *c, int folder)
{
    if (folder >= 0)
        c->seen++;
    else
#ifdef REPAIRED
        go_waitgroup_go(&c->loops, close_connection, c);
#else
        close_connection(c);
#endif
}

static void dispatch(struct connection *c)
{
    int message;
    while (go_select(go_recv_case(c->inbox, &message), go_recv_case(c->closed, NULL)) == 0)
        cluster_config(c, message);
    go_chan_close(c->dispatched);
}

static void read_loop(struct connection *c)
{
    for (int i = 2; i >= -1; i--)
        if (go_select(go_send_case(c->inbox, i), go_recv_case(c->closed, NULL)) == 1)
            return;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct connection c;
    c.inbox = go_chan_make(int, 0);
    c.closed = go_chan_make(char, 0);
    c.dispatched = go_chan_make(char, 0);
    go_waitgroup_go(&c.loops, dispatch, &c);
    go_waitgroup_go(&c.loops, read_loop, &c);
    go_waitgroup_wait(&c.loops);
    return c.seen != 3;
}
