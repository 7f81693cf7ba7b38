/* transfer_watcher_never_released.c - a transfer waits for a watcher that nobody releases (after
 * moby #21233).
 *
 * A transfer copies its progress to every watcher, and stays until all watchers have released it.
 * A watcher's goroutine sends what is new to the client and waits for the next signal or its
 * release.  The client here has an error and forgets the release.  The repair releases on every
 * way out.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

struct watcher {
    go_chan(char) signal, release, running; /* running: closed when the watcher has ended */
    go_chan(int) out;
};

static struct transfer {
    go_mutex lock;
    int progress; /* guarded by lock */
    struct watcher watcher;
    go_chan(char) released;
} transfer;

static void watch(struct transfer *t)
{
    struct watcher *w = &t->watcher;
    go_defer(go_chan_close, w->running);
    for (;;) {
        go_mutex_lock(&t->lock);
        int progress = t->progress;
        go_mutex_unlock(&t->lock);
        if (go_select(go_send_case(w->out, progress), go_recv_case(w->release, NULL)) == 1)
            return;
        if (go_select(go_recv_case(w->signal, NULL), go_recv_case(w->release, NULL)) == 1)
            return;
    }
}

static void broadcast(struct transfer *t)
{
    for (int i = 1; i <= 3; i++) {
        go_mutex_lock(&t->lock);
        t->progress = i;
        go_mutex_unlock(&t->lock);
        go_chan_try_send(t->watcher.signal, 0);
    }
    go_chan_recv(t->watcher.running);
    go_chan_close(t->released);
}

static int download(struct transfer *t)
{
    go(watch, t);
#ifdef REPAIRED
    go_defer(go_chan_close, t->watcher.release);
#endif
    int progress = go_chan_recv(t->watcher.out);
    if (progress < 3)
        return -EPIPE; /* the client has gone */
#ifndef REPAIRED
    go_chan_close(t->watcher.release);
#endif
    return 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    transfer.watcher = (struct watcher){go_chan_make(char, 1), go_chan_make(char, 0),
                                        go_chan_make(char, 0), go_chan_make(int, 0)};
    transfer.released = go_chan_make(char, 0);
    printf("pull: %d\n", download(&transfer));
    go(broadcast, &transfer);
    go_chan(go_time) timeout = go_after(30 * GO_MILLISECOND);
    if (go_select(go_recv_case(transfer.released, NULL), go_recv_case(timeout, NULL)) == 1)
        printf("the transfer is still there\n");
    go_chan_free(timeout);
    return 0;
}
