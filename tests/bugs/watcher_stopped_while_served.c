/* watcher_stopped_while_served.c - a watcher is stopped while the mux sends to it (after
 * kubernetes #1321).
 *
 * The mux sends an event to every watcher with its lock held, and a watcher who takes no more
 * events calls stop(), which wants that lock before it closes the channel: the mux waits for the
 * watcher, the watcher for the mux.  The repair sends without the lock, and gives up on who is
 * stopping.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct watcher {
    go_chan(int) result;
    go_chan(char) stopping; /* closed first of all by who stops */
};

static struct mux {
    go_mutex lock;
    struct watcher *watcher; /* guarded by lock */
    go_chan(int) incoming;
} mux;

static go_chan(int) under_way; /* forces the order: the number of the event that is being sent */

static void distribute(struct mux *m)
{
    go_chan_range(int, event, m->incoming) {
        go_mutex_lock(&m->lock);
        struct watcher *w = m->watcher;
        go_chan_send(under_way, event);
#ifdef REPAIRED
        go_mutex_unlock(&m->lock);
        if (w)
            go_select(go_send_case(w->result, event), go_recv_case(w->stopping, NULL));
#else
        if (w)
            go_chan_send(w->result, event);
        go_mutex_unlock(&m->lock);
#endif
    }
}

static void stop(struct mux *m, struct watcher *w)
{
    go_chan_close(w->stopping);
    go_mutex_lock(&m->lock);
    m->watcher = NULL;
    go_mutex_unlock(&m->lock);
}

static void watch(struct mux *m, struct watcher *w)
{
    go_chan_recv(under_way);
    printf("event %d\n", go_chan_recv(w->result));
    go_chan_recv(under_way);
    stop(m, w); /* while the second event is on its way */
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct watcher watcher = {go_chan_make(int, 0), go_chan_make(char, 0)};
    under_way = go_chan_make(int, 0);
    mux.incoming = go_chan_make(int, 2);
    mux.watcher = &watcher;
    go_chan_send(mux.incoming, 1);
    go_chan_send(mux.incoming, 2);
    go_chan_close(mux.incoming);
    go_waitgroup both = {0};
    go_waitgroup_go(&both, distribute, &mux);
    go_waitgroup_go(&both, watch, &mux, &watcher);
    go_waitgroup_wait(&both);
    return 0;
}
