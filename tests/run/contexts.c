/* Contexts end by cancel, by their time, or with their parent; values are found up the tree. */
// stdout: ok
#include "expect.h"

#include <errno.h>

static void wait_done(go_ctx *c, go_waitgroup *wg)
{
    EXPECT(!go_chan_recv_ok(go_ctx_done(c), NULL));
    EXPECT(go_ctx_err(c) == -ECANCELED);
    go_waitgroup_done(wg);
}

static void cancel(void)
{
    go_waitgroup wg = {0};
    go_ctx *parent = go_ctx_with_cancel(go_ctx_background());
    go_ctx *child = go_ctx_with_cancel(parent);
    go_ctx *cousin = go_ctx_with_cancel(go_ctx_background());
    EXPECT(go_ctx_done(go_ctx_background()) == NULL && go_ctx_err(go_ctx_background()) == 0);
    EXPECT(go_ctx_err(parent) == 0 && go_ctx_err(child) == 0);
    go_waitgroup_add(&wg, 20);
    for (int i = 0; i < 20; i++)
        go(wait_done, i % 2 ? parent : child, &wg);
    go_yield();
    go_ctx_cancel(parent);
    go_ctx_cancel(parent);
    go_waitgroup_wait(&wg);
    EXPECT(go_ctx_err(child) == -ECANCELED && go_ctx_err(cousin) == 0);
    go_ctx *late = go_ctx_with_cancel(parent);
    EXPECT(go_ctx_err(late) == -ECANCELED);
    go_ctx_free(late);
    go_ctx_free(parent); /* before its child */
    EXPECT(go_ctx_err(child) == -ECANCELED);
    go_ctx_free(child);
    go_ctx_free(cousin);
}

static void time_limit(void)
{
    go_time start = go_now();
    go_ctx *c = go_ctx_with_timeout(go_ctx_background(), 10 * GO_MILLISECOND);
    go_ctx *longer = go_ctx_with_timeout(c, GO_HOUR);
    go_ctx *past = go_ctx_with_deadline(go_ctx_background(), go_now() - 1);
    EXPECT(go_ctx_err(past) == -ETIMEDOUT);
    go_chan_recv_ok(go_ctx_done(longer), NULL);
    EXPECT(go_since(start) >= 10 * GO_MILLISECOND);
    EXPECT(go_ctx_err(c) == -ETIMEDOUT && go_ctx_err(longer) == -ETIMEDOUT);
    go_ctx_cancel(c);
    EXPECT(go_ctx_err(c) == -ETIMEDOUT);
    go_ctx_free(past);
    go_ctx_free(longer);
    go_ctx_free(c);
}

static void values(void)
{
    static const char key_a, key_b;
    int one = 1, two = 2;
    go_ctx *a = go_ctx_with_value(go_ctx_background(), &key_a, &one);
    go_ctx *b = go_ctx_with_value(a, &key_b, &two);
    go_ctx *c = go_ctx_with_value(b, &key_a, &two);
    EXPECT(go_ctx_value(b, &key_a) == &one && go_ctx_value(b, &key_b) == &two);
    EXPECT(go_ctx_value(c, &key_a) == &two && go_ctx_value(a, &key_b) == NULL);
    go_ctx_free(a);
    EXPECT(go_ctx_value(b, &key_a) == &one);
    go_ctx_free(b);
    go_ctx_free(c);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    cancel();
    time_limit();
    values();
    puts("ok");
    return 0;
}
