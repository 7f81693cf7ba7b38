/* lock_where_unlock_was_meant.c - one word wrong on a way that is rarely gone (after grpc-go #795).
 *
 * A graceful stop of a server that drains already should only unlock and return; it locks instead.
 * The first stop passes, the second one waits for itself.  The repair unlocks.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

struct server {
    go_mutex mu;
    bool draining; /* mu */
    int conns;     /* mu */
};

static void graceful_stop(struct server *s)
{
    go_mutex_lock(&s->mu);
    if (s->draining) {
#ifdef REPAIRED
        go_mutex_unlock(&s->mu);
#else
        go_mutex_lock(&s->mu);
#endif
        return;
    }
    s->draining = true;
    s->conns = 0;
    go_mutex_unlock(&s->mu);
}

static void on_signal(struct server *s, go_chan(int) signals)
{
    go_chan_range(int, number, signals) {
        (void)number;
        graceful_stop(s);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct server s = {.conns = 3};
    go_chan(int) signals = go_chan_make(int, 0);
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, on_signal, &s, signals);
    go_chan_send(signals, 15);
    go_chan_send(signals, 15);
    go_chan_close(signals);
    go_waitgroup_wait(&wg);
    return s.conns;
}
