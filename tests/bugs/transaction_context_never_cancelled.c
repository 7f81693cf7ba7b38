/* transaction_context_never_cancelled.c - a goroutine waits for the end of a context that nobody
 * ends (after cockroach #13197).
 *
 * Each transaction starts a goroutine that rolls it back when its context is cancelled.  A commit
 * ends the transaction but not the context.  The repair cancels it at the end of either kind.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"

struct tx {
    go_mutex mu;
    bool done; /* mu */
    go_ctx *ctx;
};

static bool finish(struct tx *t)
{
    go_mutex_lock(&t->mu);
    bool first = !t->done;
    t->done = true;
    go_mutex_unlock(&t->mu);
    return first;
}

static void await_done(struct tx *t)
{
    go_chan_recv(go_ctx_done(t->ctx));
    finish(t);
}

static void begin(struct tx *t)
{
    t->ctx = go_ctx_with_cancel(go_ctx_background());
    go(await_done, t);
}

static bool commit(struct tx *t)
{
#ifdef REPAIRED
    go_defer(go_ctx_cancel, t->ctx);
#endif
    return finish(t);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct tx t[3];
    bool ok = true;
    for (int i = 0; i < 3; i++) {
        begin(&t[i]);
        ok &= commit(&t[i]);
    }
    wait_for_quiet();
    return !ok;
}
