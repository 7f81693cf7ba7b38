/* context_value_written_after_publishing.c - what a context carries changes when it is already in
 * use (a pattern of cockroach).
 *
 * The statement's tags are put into the context and the context is given to the goroutine that
 * executes it, and then the session adds one more tag to the same array.  The repair completes the
 * tags first.
 *
 * shows: race execute run_statement
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>

struct tags {
    int n;
    const char *names[4];
};

static const char tags_key;

static void execute(go_ctx *ctx, go_waitgroup *wg)
{
    struct tags *t = go_ctx_value(ctx, &tags_key);
    for (int i = 0; i < t->n; i++)
        printf("[%s]", t->names[i]);
    printf(" select\n");
    go_waitgroup_done(wg);
}

static void run_statement(go_ctx *session)
{
    struct tags *t = calloc(1, sizeof *t);
    t->names[t->n++] = "n1";
    go_ctx *ctx = go_ctx_with_value(session, &tags_key, t);
    go_waitgroup wg = {0};
    go_waitgroup_add(&wg, 1);
#ifdef REPAIRED
    t->names[t->n++] = "txn";
    go(execute, ctx, &wg);
#else
    go(execute, ctx, &wg);
    t->names[t->n] = "txn";
    t->n++;
#endif
    go_waitgroup_wait(&wg);
    go_ctx_free(ctx);
    free(t);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_ctx *session = go_ctx_with_cancel(go_ctx_background());
    run_statement(session);
    go_ctx_free(session);
    return 0;
}
