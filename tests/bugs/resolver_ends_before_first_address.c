/* resolver_ends_before_first_address.c - a channel is closed inside a loop that never runs (after
 * grpc-go #1424).
 *
 * Dialling waits until the watcher of the balancer has seen the first list of addresses.  The
 * balancer ends before there was one: the watcher's loop is over, and nobody closes what the dial
 * waits for.  The repair closes it behind the loop, too.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <errno.h>

struct conn {
    go_chan(int) notify;
    int addresses;
};

static void watch(struct conn *c, go_chan(char) ready)
{
    go_chan_range(int, n, c->notify) {
        c->addresses = n;
        if (ready)
            go_chan_close(ready);
        ready = NULL;
    }
#ifdef REPAIRED
    if (ready)
        go_chan_close(ready);
#endif
}

static int dial(struct conn *c, go_ctx *ctx)
{
    go_chan(char) ready = go_chan_make(char, 0);
    go(watch, c, ready);
    if (go_select(go_recv_case(go_ctx_done(ctx), NULL), go_recv_case(ready, NULL)) == 0)
        return go_ctx_err(ctx);
    return c->addresses > 0 ? 0 : -EHOSTUNREACH;
}

static void resolve(struct conn *c, const char *target)
{
    if (*target)
        go_chan_send(c->notify, 2);
    go_chan_close(c->notify);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct conn c[2];
    static const char *const target[] = {"localhost", ""};
    int err[2];
    for (int i = 0; i < 2; i++) {
        go_ctx *ctx = go_ctx_with_cancel(go_ctx_background());
        c[i].notify = go_chan_make(int, 0);
        go(resolve, &c[i], target[i]);
        err[i] = dial(&c[i], ctx);
        go_ctx_free(ctx);
    }
    return err[0] || err[1] != -EHOSTUNREACH;
}
