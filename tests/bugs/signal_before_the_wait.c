/* signal_before_the_wait.c - a condition is signalled while nobody waits (a pattern of grpc-go).
 *
 * A server that drains signals when its last connection is gone.  Who stops it looks at the number
 * of connections without the lock, and begins to wait when the signal is over; a condition keeps
 * none.  The repair looks and waits under one lock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdatomic.h>

struct server {
    go_mutex mu;
    go_cond idle;
    atomic_int conns;
};

static void remove_conn(struct server *s)
{
    go_mutex_lock(&s->mu);
    if (atomic_fetch_sub(&s->conns, 1) == 1)
        go_cond_signal(&s->idle);
    go_mutex_unlock(&s->mu);
}

static void handle(struct server *s, go_chan(char) request, go_chan(char) gone)
{
    go_chan_recv(request);
    remove_conn(s);
    go_chan_close(gone);
}

static void wait_for_idle(struct server *s, go_chan(char) request, go_chan(char) gone)
{
#ifdef REPAIRED
    go_chan_close(request);
    go_mutex_lock(&s->mu);
    while (atomic_load(&s->conns) > 0)
        go_cond_wait(&s->idle, &s->mu);
    go_mutex_unlock(&s->mu);
    go_chan_recv(gone);
#else
    if (atomic_load(&s->conns) > 0) {
        go_chan_close(request);
        go_chan_recv(gone); /* as when it was preempted here */
        go_mutex_lock(&s->mu);
        go_cond_wait(&s->idle, &s->mu);
        go_mutex_unlock(&s->mu);
    }
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct server s = {.conns = 1};
    go_chan(char) request = go_chan_make(char, 0), gone = go_chan_make(char, 0);
    go(handle, &s, request, gone);
    wait_for_idle(&s, request, gone);
    return s.conns;
}
