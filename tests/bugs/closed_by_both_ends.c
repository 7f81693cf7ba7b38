/* closed_by_both_ends.c - a channel is closed by who closes and by who fails (a pattern of
 * grpc-go).
 *
 * A connection's reader closes its done channel on an error, and so does the user's close.  Whether
 * it is closed is asked before, which helps only when the other one has been there.  The repair
 * closes it by a once.
 *
 * shows: panic close of closed channel
 * when: always */
#include "../quiet.h"

struct conn {
    go_chan(char) done, error;
    go_once once;
};

static void close_done(struct conn *c)
{
    go_chan_close(c->done);
}

static void close_conn(struct conn *c, go_chan(char) looked)
{
#ifdef REPAIRED
    (void)looked;
    go_once_do(&c->once, close_done, c);
#else
    if (go_select(go_recv_case(c->done, NULL), go_default) == 0)
        return;
    go_chan_recv(looked); /* as when it was preempted here */
    close_done(c);
#endif
}

static void read_loop(struct conn *c, go_chan(char) looked)
{
    go_chan_recv(c->error);
    close_conn(c, looked);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct conn c;
    go_chan(char) looked = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    c.done = go_chan_make(char, 0);
    c.error = go_chan_make(char, 0);
    go_waitgroup_go(&wg, read_loop, &c, looked);
    go_waitgroup_go(&wg, close_conn, &c, looked);
    go_chan_send(c.error, 1);
    wait_for_quiet();
    go_chan_close(looked);
    go_waitgroup_wait(&wg);
    return 0;
}
