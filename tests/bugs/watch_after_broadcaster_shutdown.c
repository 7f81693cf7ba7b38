/* watch_after_broadcaster_shutdown.c - a watch is asked of a broadcaster that has been shut down
 * (a pattern of kubernetes).
 *
 * watch() sends a request through the queue of events, so that a new watcher sees all that comes
 * later, and waits for the answer.  The loop that reads the queue has ended with shutdown(): the
 * request is never answered.  The repair looks at a channel that is closed at the end.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct event {
    int number;
    go_chan(int) ret_watcher; /* NULL: a real event */
};

static struct broadcaster {
    go_chan(struct event) incoming;
    go_chan(char) stop, stopped;
    int watchers; /* of the loop alone */
} broadcaster;

static void loop(struct broadcaster *b)
{
    struct event event;
    while (go_select(go_recv_case(b->incoming, &event), go_recv_case(b->stop, NULL)) == 0)
        if (event.ret_watcher)
            go_chan_send(event.ret_watcher, ++b->watchers);
    go_chan_close(b->stopped);
}

static int watch(struct broadcaster *b)
{
    go_chan(int) watcher = go_chan_make(int, 1);
    struct event request = {0, watcher};
    int id = -1;
#ifdef REPAIRED
    if (go_select(go_send_case(b->incoming, request), go_recv_case(b->stopped, NULL)) == 0)
        go_select(go_recv_case(watcher, &id), go_recv_case(b->stopped, NULL));
#else
    go_chan_send(b->incoming, request);
    id = go_chan_recv(watcher);
#endif
    go_chan_free(watcher);
    return id;
}

static void shutdown(struct broadcaster *b)
{
    go_chan_close(b->stop);
    go_chan_recv(b->stopped);
}

static void record_events(struct broadcaster *b)
{
    printf("watcher %d\n", watch(b));
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    broadcaster.incoming = go_chan_make(struct event, 4);
    broadcaster.stop = go_chan_make(char, 0);
    broadcaster.stopped = go_chan_make(char, 0);
    go(loop, &broadcaster);
    printf("watcher %d\n", watch(&broadcaster));
    shutdown(&broadcaster);
    go(record_events, &broadcaster);
    return 0;
}
