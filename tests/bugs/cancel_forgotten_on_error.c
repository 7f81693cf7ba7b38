/* cancel_forgotten_on_error.c - a way out forgets to cancel the context of a helper (a pattern of
 * serving).
 *
 * A probe of a revision starts a goroutine that retries until its context ends, and cancels it
 * when it is done.  When the address cannot be resolved it returns before that.  The repair defers
 * the cancel.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

static go_waitgroup helpers;

static void retry(go_ctx *ctx, go_chan(char) failed)
{
    for (int tries = 0;; tries++)
        if (go_select(go_recv_case(failed, NULL), go_recv_case(go_ctx_done(ctx), NULL)) == 1)
            return;
}

static int resolve(const char *host)
{
    return *host == '.' ? -EADDRNOTAVAIL : 0;
}

static int probe(const char *host)
{
    go_chan(char) failed = go_chan_make(char, 1);
    go_ctx *ctx = go_ctx_with_cancel(go_ctx_background());
    go_waitgroup_go(&helpers, retry, ctx, failed);
#ifdef REPAIRED
    go_defer(go_ctx_cancel, ctx);
#endif
    int err = resolve(host);
    if (err)
        return err;
    go_chan_send(failed, 1);
#ifndef REPAIRED
    go_ctx_cancel(ctx);
#endif
    return 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    const char *hosts[] = {"a.svc", ".svc", "b.svc"};
    for (int i = 0; i < 3; i++)
        printf("%s: %d\n", hosts[i], probe(hosts[i]));
    return 0;
}
