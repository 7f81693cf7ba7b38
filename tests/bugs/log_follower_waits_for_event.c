/* log_follower_waits_for_event.c - a log's reader waits for a file event when the log is closed
 * (after moby #27782).
 *
 * To follow a container's log a reader waits for the file watcher's next event, whose goroutine
 * waits on a condition for its events; the close of the log closes the watcher.  A close that
 * comes before the reader has begun to wait sets a flag and signals no one, for the reader is not
 * on the list yet.  The repair looks at the flag again under the lock that guards the list.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct file_watcher {
    go_mutex lock;
    go_cond event;
    int events; /* guarded by lock */
    bool closed;
} watcher;

static struct logger {
    go_mutex lock;
    int readers; /* guarded by lock: who is told of the close */
    bool closed;
} logger;

static go_chan(char) opened, closed; /* force the order: the close comes between open and follow */

static bool wait_event(struct file_watcher *w)
{
    go_mutex_lock(&w->lock);
    go_defer(go_mutex_unlock, &w->lock);
    while (w->events == 0 && !w->closed)
        go_cond_wait(&w->event, &w->lock);
    return w->events-- > 0;
}

static void follow(struct logger *l)
{
    go_chan_close(opened); /* the log file, whose lines so far have been sent */
    go_chan_recv(closed);
    go_mutex_lock(&l->lock);
#ifdef REPAIRED
    bool too_late = l->closed;
#else
    bool too_late = false;
#endif
    if (!too_late)
        l->readers++;
    go_mutex_unlock(&l->lock);
    while (!too_late && wait_event(&watcher))
        printf("one line more\n");
}

static void close_log(struct logger *l)
{
    go_mutex_lock(&l->lock);
    go_defer(go_mutex_unlock, &l->lock);
    l->closed = true;
    if (l->readers == 0)
        return;
    go_mutex_lock(&watcher.lock);
    watcher.closed = true;
    go_cond_broadcast(&watcher.event);
    go_mutex_unlock(&watcher.lock);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    opened = go_chan_make(char, 0);
    closed = go_chan_make(char, 0);
    go_waitgroup reader = {0};
    go_waitgroup_go(&reader, follow, &logger);
    go_chan_recv(opened);
    close_log(&logger);
    go_chan_close(closed);
    go_waitgroup_wait(&reader);
    return 0;
}
