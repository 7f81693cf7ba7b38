/* config_handler_waits_for_locked_store.c - a store's event handler is waited for under the lock
 * that it needs (after istio #16224).
 *
 * A change of a configuration goes to the monitor's goroutine through a channel, and the test that
 * makes the changes waits for each one to be handled with its own mutex held; the handler wants
 * that mutex before it says so.  The repair unlocks before the wait.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { EVENTS = 3 };

static struct monitor {
    go_chan(int) events;
    void (*handle)(int event);
} monitor;

static struct test {
    go_mutex lock;
    int seen; /* guarded by lock */
    go_chan(char) done;
} test;

static void run(struct monitor *m)
{
    go_chan_range(int, event, m->events)
        m->handle(event);
}

static void schedule(struct monitor *m, int event)
{
    go_chan_send(m->events, event);
}

static void note_event(int event)
{
    go_mutex_lock(&test.lock);
    go_defer(go_mutex_unlock, &test.lock);
    test.seen += event > 0;
    if (test.seen == EVENTS)
        go_chan_close(test.done);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    monitor = (struct monitor){go_chan_make(int, 0), note_event};
    test.done = go_chan_make(char, 0);
    go_waitgroup running = {0};
    go_waitgroup_go(&running, run, &monitor);

    go_mutex_lock(&test.lock);
    int wanted = EVENTS - test.seen;
#ifdef REPAIRED
    go_mutex_unlock(&test.lock);
#endif
    for (int event = 1; event <= wanted; event++)
        schedule(&monitor, event);
    go_chan_recv(test.done);
#ifndef REPAIRED
    go_mutex_unlock(&test.lock);
#endif
    go_chan_close(monitor.events);
    go_waitgroup_wait(&running);
    printf("%d events\n", test.seen);
    return 0;
}
