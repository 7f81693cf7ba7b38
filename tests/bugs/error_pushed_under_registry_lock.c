/* error_pushed_under_registry_lock.c - a lock is held over a send (after cockroach #35931).
 *
 * When streams of a flow do not connect in time, the registry pushes an error to each of their
 * receivers, under its lock.  The receivers' processors are still being set up and want the lock
 * before they read.  The repair takes the receivers away under the lock and pushes without it.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"
#include <errno.h>

enum { STREAMS = 2 };

struct registry {
    go_mutex mu;
    bool cancelled, registered[STREAMS]; /* mu */
    go_chan(int) receiver[STREAMS];
    int errors[STREAMS];
};

static void processor(struct registry *r, int i, go_chan(char) timed_out)
{
    go_chan_recv(timed_out);
    go_mutex_lock(&r->mu);
    r->registered[i] = true;
    go_mutex_unlock(&r->mu);
    r->errors[i] = go_chan_recv(r->receiver[i]);
}

static void time_out(struct registry *r, go_chan(char) timed_out)
{
    go_mutex_lock(&r->mu);
    r->cancelled = true;
    go_chan_close(timed_out);
#ifdef REPAIRED
    go_mutex_unlock(&r->mu);
#else
    wait_for_quiet(); /* the processors are at the lock */
#endif
    for (int i = 0; i < STREAMS; i++)
        go_chan_send(r->receiver[i], -ETIMEDOUT);
#ifndef REPAIRED
    go_mutex_unlock(&r->mu);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct registry r;
    go_chan(char) timed_out = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    for (int i = 0; i < STREAMS; i++) {
        r.receiver[i] = go_chan_make(int, 0);
        go_waitgroup_go(&wg, processor, &r, i, timed_out);
    }
    time_out(&r, timed_out);
    go_waitgroup_wait(&wg);
    return r.errors[0] != -ETIMEDOUT || r.errors[1] != -ETIMEDOUT;
}
