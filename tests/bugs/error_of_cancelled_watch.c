/* error_of_cancelled_watch.c - who starts a watch is gone when it fails (after kubernetes #25331).
 *
 * A watch channel of the etcd3 store runs one goroutine for the events and one that processes
 * them.  An error goes through an unbuffered channel to the second, which has left because the
 * context was cancelled; the first one stays at its send.  The repair gives the error room, or
 * leaves when the context ends.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

struct watch_chan {
    go_ctx *ctx;
    go_chan(int) incoming, result, errors;
};

static go_waitgroup processing;

static void process_events(struct watch_chan *w)
{
    int event, err;
    for (;;) {
        switch (go_select(go_recv_case(w->incoming, &event), go_recv_case(w->errors, &err),
                          go_recv_case(go_ctx_done(w->ctx), NULL))) {
        case 0:
            go_chan_send(w->result, event);
            break;
        default:
            return;
        }
    }
}

static void start_watching(struct watch_chan *w)
{
    go_chan_send(w->incoming, 1);
    go_chan_recv(go_ctx_done(w->ctx)); /* the connection to etcd goes down with its context */
    go_waitgroup_wait(&processing);
#ifdef REPAIRED
    go_select(go_send_case(w->errors, -ECANCELED), go_recv_case(go_ctx_done(w->ctx), NULL));
#else
    go_chan_send(w->errors, -ECANCELED);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct watch_chan watch, *w = &watch;
    watch = (struct watch_chan){go_ctx_with_cancel(go_ctx_background()), go_chan_make(int, 0),
                                go_chan_make(int, 0), go_chan_make(int, 0)};
    go_waitgroup_go(&processing, process_events, w);
    go(start_watching, w);
    printf("event %d\n", go_chan_recv(w->result));
    go_ctx_cancel(w->ctx);
    go_waitgroup_wait(&processing);
    return 0;
}
