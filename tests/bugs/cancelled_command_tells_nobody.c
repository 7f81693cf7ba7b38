/* cancelled_command_tells_nobody.c - a command that gives up leaves those behind it waiting (a
 * pattern of cockroach).
 *
 * Each command waits for the ones before it that touch the same keys, by channels that these close
 * when they are done.  One that is cancelled while it waits returns at once and never closes its
 * own.  The repair closes it on that way too, when those before it are through.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"
#include <errno.h>

struct command {
    go_chan(char) before, done;
    go_ctx *ctx;
};

#ifdef REPAIRED
static void done_after(go_chan(char) before, go_chan(char) done)
{
    go_chan_recv(before);
    go_chan_close(done);
}
#endif

static int run(struct command *c)
{
    if (go_select(go_recv_case(c->before, NULL), go_recv_case(go_ctx_done(c->ctx), NULL)) == 1) {
#ifdef REPAIRED
        go(done_after, c->before, c->done);
#endif
        return -ECANCELED;
    }
    go_chan_close(c->done);
    return 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct command c[3];
    for (int i = 0; i < 3; i++)
        c[i] = (struct command){.done = go_chan_make(char, 0),
                                .ctx = go_ctx_with_cancel(go_ctx_background())};
    c[1].before = c[0].done;
    c[2].before = c[1].done;
    go(run, &c[1]);
    go(run, &c[2]);
    go_ctx_cancel(c[1].ctx);
    wait_for_quiet();
    go_chan_close(c[0].done);
    wait_for_quiet();
    return 0;
}
