/* dial_fails_without_cancel.c - an early return skips the cancel (after grpc-go #862).
 *
 * Dialling makes a context for the connection and starts what keeps it up until that ends.  When
 * the first connection fails the error is returned, and the keeper stays.  The repair cancels on
 * every way that returns an error.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"
#include <errno.h>
#include <stdlib.h>

struct client_conn {
    go_ctx *ctx;
    go_chan(int) states;
};

static void keep_up(struct client_conn *c)
{
    int state;
    while (go_select(go_recv_case(c->states, &state), go_recv_case(go_ctx_done(c->ctx), NULL)) == 0)
        ;
}

static int connect_to(const char *target, struct client_conn *c)
{
    if (!target)
        return -ECONNREFUSED;
    go_chan_send(c->states, 1);
    return 0;
}

static int dial(go_ctx *ctx, const char *target, struct client_conn **ret_conn)
{
    struct client_conn *c = calloc(1, sizeof *c);
    c->ctx = go_ctx_with_cancel(ctx);
    c->states = go_chan_make(int, 0);
    go(keep_up, c);
    int err = connect_to(target, c);
    if (err) {
#ifdef REPAIRED
        go_ctx_cancel(c->ctx);
#endif
        return err;
    }
    *ret_conn = c;
    return 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct client_conn *c = NULL;
    int first = dial(go_ctx_background(), NULL, &c);
    int second = dial(go_ctx_background(), "localhost", &c);
    go_ctx_cancel(c->ctx);
    wait_for_quiet();
    return first != -ECONNREFUSED || second;
}
