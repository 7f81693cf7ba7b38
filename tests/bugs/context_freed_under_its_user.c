/* context_freed_under_its_user.c - a request frees its context while a goroutine asks for its error
 * (a pattern of cockroach).
 *
 * The handler cancels and frees the context when it returns, and the goroutine that it started
 * wakes by the cancellation and asks why. C's own danger. The repair waits for the goroutine before
 * it frees.
 *
 * shows: race handle run_flow
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

static go_waitgroup flows;

static void run_flow(go_ctx *ctx, go_chan(int) rows)
{
    int n = 0;
    for (;;)
        switch (go_select(go_recv_case(go_ctx_done(ctx), NULL), go_send_case(rows, n))) {
        case 0:
            if (go_ctx_err(ctx) != -ECANCELED)
                printf("not canceled?\n");
            return;
        case 1:
            n++;
            break;
        }
}

static void handle(go_ctx *server)
{
    go_ctx *ctx = go_ctx_with_cancel(server);
    go_chan(int) rows = go_chan_make(int, 0);
    go_waitgroup_go(&flows, run_flow, ctx, rows);
    int last = 0;
    for (int i = 0; i < 3; i++)
        last = go_chan_recv(rows);
    printf("row %d\n", last);
#ifdef REPAIRED
    go_ctx_cancel(ctx);
    go_waitgroup_wait(&flows);
    go_ctx_free(ctx);
#else
    go_ctx_free(ctx);
    go_waitgroup_wait(&flows);
#endif
    go_chan_free(rows);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_ctx *server = go_ctx_with_cancel(go_ctx_background());
    handle(server);
    go_ctx_free(server);
    return 0;
}
