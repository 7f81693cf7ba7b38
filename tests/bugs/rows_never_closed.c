/* rows_never_closed.c - the rows of a query are not closed on an error (after cockroach #13755).
 *
 * A query's rows have a goroutine that waits for the context or for their close.  The caller reads
 * one row, finds it wrong and returns.  The repair defers the close.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"
#include <errno.h>
#include <stdlib.h>

struct rows {
    go_ctx *ctx;
    go_chan(char) closed;
    go_once once;
    int next;
};

static void close_once(struct rows *r)
{
    go_chan_close(r->closed);
}

static void rows_close(struct rows *r)
{
    go_once_do(&r->once, close_once, r);
}

static void await_done(struct rows *r)
{
    if (go_select(go_recv_case(go_ctx_done(r->ctx), NULL), go_recv_case(r->closed, NULL)) == 0)
        rows_close(r);
}

static struct rows *query(go_ctx *ctx)
{
    struct rows *r = calloc(1, sizeof *r);
    r->ctx = ctx;
    r->closed = go_chan_make(char, 0);
    go(await_done, r);
    return r;
}

static int read_one(go_ctx *ctx)
{
    struct rows *r = query(ctx);
#ifdef REPAIRED
    go_defer(rows_close, r);
#endif
    if (r->next == 0)
        return -ENOENT;
    rows_close(r);
    return 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_ctx *ctx = go_ctx_with_cancel(go_ctx_background());
    int err = read_one(ctx);
    wait_for_quiet();
    return err != -ENOENT;
}
