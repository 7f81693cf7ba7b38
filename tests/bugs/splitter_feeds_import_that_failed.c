/* splitter_feeds_import_that_failed.c - a producer goes on after its consumer gave up (after
 * cockroach #18101).
 *
 * A restore splits ranges in one goroutine, which passes them by a channel to the importer.  The
 * importer returns when its context ends; the splitter sends on until the channel is full.  The
 * repair makes the end of the context a case of the send.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"
#include <errno.h>

enum { RANGES = 20, ROOM = 4 };

static void split(go_ctx *ctx, go_chan(int) ready)
{
    go_defer(go_chan_close, ready);
    for (int i = 0; i < RANGES; i++) {
#ifdef REPAIRED
        if (go_select(go_send_case(ready, i), go_recv_case(go_ctx_done(ctx), NULL)) == 1)
            return;
#else
        (void)ctx;
        go_chan_send(ready, i);
#endif
    }
}

static int import(go_ctx *ctx, go_chan(int) ready)
{
    go_chan_range(int, range, ready) {
        if (range == 2)
            go_ctx_cancel(ctx); /* the user's */
        if (go_ctx_err(ctx))
            return go_ctx_err(ctx);
    }
    return 0;
}

static int restore(go_ctx *ctx)
{
    go_chan(int) ready = go_chan_make(int, ROOM);
    go(split, ctx, ready);
    return import(ctx, ready);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_ctx *ctx = go_ctx_with_cancel(go_ctx_background());
    int err = restore(ctx);
    wait_for_quiet();
    return err != -ECANCELED;
}
