/* reader_leaves_before_tasks_are_drained.c - tasks send to a worker that is gone (after cockroach
 * #1462).
 *
 * A stopper first drains its tasks and then stops its workers.  The transport's worker takes the
 * beginning of the draining for its end, so a task that still has a message for it never ends, and
 * the drain waits for the task.  The repair lets the worker serve until it is told to stop.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

struct stopper {
    go_chan(char) drain, stop;
    go_mutex mu;
    go_cond idle;
    int tasks; /* mu */
    go_waitgroup workers;
};

struct transport {
    struct stopper *stopper;
    go_chan(int) events;
    int seen;
};

static void finish_task(struct stopper *s)
{
    go_mutex_lock(&s->mu);
    if (--s->tasks == 0)
        go_cond_broadcast(&s->idle);
    go_mutex_unlock(&s->mu);
}

static void stop(struct stopper *s)
{
    go_chan_close(s->drain);
    go_mutex_lock(&s->mu);
    while (s->tasks > 0)
        go_cond_wait(&s->idle, &s->mu);
    go_mutex_unlock(&s->mu);
    go_chan_close(s->stop);
    go_waitgroup_wait(&s->workers);
}

static void intercept(struct transport *t)
{
#ifdef REPAIRED
    go_chan(char) end = t->stopper->stop;
#else
    go_chan(char) end = t->stopper->drain;
#endif
    int event;
    while (go_select(go_recv_case(t->events, &event), go_recv_case(end, NULL)) == 0)
        t->seen += event;
}

static void heartbeat(struct transport *t)
{
    go_chan_recv(t->stopper->drain); /* a slow one */
    go_chan_send(t->events, 1);
    go_chan_send(t->events, 1);
    finish_task(t->stopper);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct stopper s = {.tasks = 2};
    static struct transport t = {.stopper = &s};
    s.drain = go_chan_make(char, 0);
    s.stop = go_chan_make(char, 0);
    t.events = go_chan_make(int, 0);
    go_waitgroup_go(&s.workers, intercept, &t);
    go(heartbeat, &t);
    go(heartbeat, &t);
    stop(&s);
    return t.seen != 4;
}
