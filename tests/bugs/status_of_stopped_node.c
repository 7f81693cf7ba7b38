/* status_of_stopped_node.c - a request to a loop that has ended (after etcd #6857).
 *
 * The node's loop serves status requests, each with a channel for the answer, until it is stopped.
 * A request that comes later waits for a loop that is no more.  The repair waits for the loop's end
 * as well.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"

typedef go_chan(int) int_chan;

struct node {
    go_chan(int_chan) status;
    go_chan(char) stop, done;
    int term;
};

static void run(struct node *n)
{
    int_chan answer;
    while (go_select(go_recv_case(n->status, &answer), go_recv_case(n->stop, NULL)) == 0)
        go_chan_send(answer, n->term);
    go_chan_close(n->done);
}

static void stop(struct node *n)
{
    if (go_select(go_send_case(n->stop, 1), go_recv_case(n->done, NULL)) == 1)
        return;
    go_chan_recv(n->done);
}

/* 0: the node is stopped. */
static int status(struct node *n)
{
    int_chan answer = go_chan_make(int, 0);
#ifdef REPAIRED
    if (go_select(go_send_case(n->status, answer), go_recv_case(n->done, NULL)) == 1)
        return 0;
#else
    go_chan_send(n->status, answer);
#endif
    return go_chan_recv(answer);
}

static void serve_metrics(struct node *n, go_chan(int_chan) requests)
{
    go_chan_range(int_chan, reply, requests)
        go_chan_send(reply, status(n));
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct node n = {.term = 3};
    go_chan(int_chan) requests = go_chan_make(int_chan, 0);
    int_chan reply = go_chan_make(int, 1);
    n.status = go_chan_make(int_chan, 0);
    n.stop = go_chan_make(char, 0);
    n.done = go_chan_make(char, 0);
    go(run, &n);
    go(serve_metrics, &n, requests);
    go_chan_send(requests, reply);
    bool ok = go_chan_recv(reply) == 3;
    stop(&n);
    go_chan_send(requests, reply);
    go_chan_close(requests);
    wait_for_quiet();
    return !ok;
}
