/* send_on_closed_channel_at_stop.c - a stream sends after its transport closed the queue (a pattern
 * of grpc-go).
 *
 * The transport of a handler closes the queue of writes when the request is over, though a stream
 * of it may still send.  The repair never closes the queue: a second channel, closed at the end,
 * tells both sides.
 *
 * shows: panic send on closed channel
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct transport {
    go_chan(int) writes;
    go_chan(char) closed;
};

static void run_stream(struct transport *t, go_chan(char) request_over)
{
    go_chan_recv(request_over);
#ifdef REPAIRED
    switch (go_select(go_send_case(t->writes, 200), go_recv_case(t->closed, NULL))) {
    case 0:
        break;
    case 1:
        printf("stream: transport is closed\n");
        break;
    }
#else
    go_chan_send(t->writes, 200); /* the status */
#endif
}

static void close_transport(struct transport *t)
{
#ifndef REPAIRED
    go_chan_close(t->writes);
#endif
    go_chan_close(t->closed);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct transport t = {go_chan_make(int, 0), go_chan_make(char, 0)};
    go_chan(char) request_over = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, run_stream, &t, request_over);
    close_transport(&t);
    go_chan_send(request_over, 1);
    go_waitgroup_wait(&wg);
    go_chan_free(t.writes);
    go_chan_free(t.closed);
    go_chan_free(request_over);
    return 0;
}
