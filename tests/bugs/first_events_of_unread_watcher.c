/* first_events_of_unread_watcher.c - a watcher of the cache sends its first events to a caller who
 * does not read them (after kubernetes #38669).
 *
 * A new watcher starts a goroutine that sends what the cache has, and then what comes in, into a
 * result channel with little room.  A caller who stops the watcher without reading closes its
 * input, but the goroutine does not look at that: it is still at the first events.  The repair
 * sends until the watcher is stopped.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { CHAN_SIZE = 2, FIRST_EVENTS = 5 };

static struct cache_watcher {
    go_mutex lock;
    bool stopped; /* guarded by lock */
    go_chan(int) input, result;
    go_chan(char) done; /* closed by stop() */
} watcher;

static bool send_event(struct cache_watcher *w, int event)
{
#ifdef REPAIRED
    return go_select(go_send_case(w->result, event), go_recv_case(w->done, NULL)) == 0;
#else
    go_chan_send(w->result, event);
    return true;
#endif
}

static void process(struct cache_watcher *w, int first_events)
{
    go_defer(go_chan_close, w->result);
    for (int event = 0; event < first_events; event++)
        if (!send_event(w, event))
            return;
    go_chan_range(int, event, w->input)
        if (!send_event(w, event))
            return;
}

static void watch(struct cache_watcher *w, int first_events)
{
    w->input = go_chan_make(int, CHAN_SIZE);
    w->result = go_chan_make(int, CHAN_SIZE);
    w->done = go_chan_make(char, 0);
    go(process, w, first_events);
}

static void stop(struct cache_watcher *w)
{
    go_mutex_lock(&w->lock);
    go_defer(go_mutex_unlock, &w->lock);
    if (w->stopped)
        return;
    w->stopped = true;
    go_chan_close(w->done);
    go_chan_close(w->input);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    watch(&watcher, FIRST_EVENTS);
    printf("event %d\n", go_chan_recv(watcher.result));
    stop(&watcher);
    stop(&watcher);
    return 0;
}
