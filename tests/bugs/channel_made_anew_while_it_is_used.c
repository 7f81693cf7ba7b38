/* channel_made_anew_while_it_is_used.c - reconnecting replaces the channel that others send to (a
 * pattern of grpc-go).
 *
 * reset_transport() assigns a fresh ready channel to the field of the connection, while callers
 * take the field to wait on it. The repair takes and assigns it under the connection's lock.
 *
 * shows: race reset_transport ready_of
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct conn {
    go_mutex mu;
    go_chan(char) ready; /* guarded by mu in the repair */
};

static go_chan(char) ready_of(struct conn *c)
{
#ifdef REPAIRED
    go_mutex_lock(&c->mu);
    go_chan(char) ready = c->ready;
    go_mutex_unlock(&c->mu);
    return ready;
#else
    return c->ready;
#endif
}

static void reset_transport(struct conn *c)
{
    go_chan(char) fresh = go_chan_make(char, 0);
#ifdef REPAIRED
    go_mutex_lock(&c->mu);
#endif
    go_chan(char) old = c->ready;
    c->ready = fresh;
#ifdef REPAIRED
    go_mutex_unlock(&c->mu);
#endif
    go_chan_close(old);
    go_chan_close(fresh);
}

static void await_ready(struct conn *c)
{
    go_chan_recv(ready_of(c));
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct conn c = {.ready = go_chan_make(char, 0)};
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, await_ready, &c);
    go_waitgroup_go(&wg, reset_transport, &c);
    go_waitgroup_wait(&wg);
    printf("ready\n");
    return 0;
}
