/* quiesce_holds_lock_that_tasks_want.c - draining waits for tasks with their lock held (after
 * cockroach #1055).
 *
 * Quiesce takes the stopper's lock for writing, so that no task begins, and waits for those that
 * run.  One of them begins a task of its own, which takes the lock for reading, before it ends.
 * The repair gives the lock back before it waits; the second task is then refused.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

struct stopper {
    go_rwmutex mu;
    bool draining; /* mu */
    go_waitgroup tasks;
    go_chan(char) stop;
    go_waitgroup workers;
};

static bool start_task(struct stopper *s)
{
    go_rwmutex_rlock(&s->mu);
    bool may = !s->draining;
    if (may)
        go_waitgroup_add(&s->tasks, 1);
    go_rwmutex_runlock(&s->mu);
    return may;
}

static void quiesce(struct stopper *s)
{
    go_rwmutex_lock(&s->mu);
    s->draining = true;
#ifdef REPAIRED
    go_rwmutex_unlock(&s->mu);
    go_waitgroup_wait(&s->tasks);
#else
    go_waitgroup_wait(&s->tasks);
    go_rwmutex_unlock(&s->mu);
#endif
}

static void stop(struct stopper *s)
{
    quiesce(s);
    go_chan_close(s->stop);
    go_waitgroup_wait(&s->workers);
}

static void worker(struct stopper *s, go_chan(char) started)
{
    if (start_task(s)) {
        go_chan_close(started);
        wait_for_quiet(); /* the stopper waits for this task by now */
        if (start_task(s))
            go_waitgroup_done(&s->tasks);
        go_waitgroup_done(&s->tasks);
    }
    go_chan_recv(s->stop);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct stopper s;
    go_chan(char) started = go_chan_make(char, 0);
    s.stop = go_chan_make(char, 0);
    go_waitgroup_go(&s.workers, worker, &s, started);
    go_chan_recv(started);
    stop(&s);
    return 0;
}
