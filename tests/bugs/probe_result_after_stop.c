/* probe_result_after_stop.c - a probe's result comes when its monitor has stopped (after moby
 * #33781).
 *
 * The health monitor starts a probe in a goroutine and selects on stop, on the result and on the
 * probe's context.  After a stop it cancels the probe and leaves, and the probe, cancelled, sends
 * its result to nobody.  The repair takes the result after the cancel.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct monitor {
    go_chan(char) stop, probing;
    go_chan(int) results;
};

static void probe(struct monitor *m, go_ctx *ctx)
{
    go_chan_close(m->probing);
    go_chan_recv(go_ctx_done(ctx)); /* the command runs until it is killed */
    go_chan_send(m->results, go_ctx_err(ctx));
}

static void run(struct monitor *m)
{
    go_ctx *ctx = go_ctx_with_cancel(go_ctx_background());
    int result;
    go(probe, m, ctx);
    switch (go_select(go_recv_case(m->stop, NULL), go_recv_case(m->results, &result))) {
    case 0:
        go_ctx_cancel(ctx);
#ifdef REPAIRED
        result = go_chan_recv(m->results);
        printf("the probe ended with %d\n", result);
        go_ctx_free(ctx);
#endif
        return; /* the probe still has ctx otherwise */
    case 1:
        printf("healthy: %d\n", result);
        go_ctx_free(ctx);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct monitor m;
    m = (struct monitor){go_chan_make(char, 0), go_chan_make(char, 0), go_chan_make(int, 0)};
    go_waitgroup monitors = {0};
    go_waitgroup_go(&monitors, run, &m);
    go_chan_recv(m.probing);
    go_chan_close(m.stop);
    go_waitgroup_wait(&monitors);
    return 0;
}
