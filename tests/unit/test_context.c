/* test_context.c - contexts: trees, deadlines, values, cancelling from everywhere at once. */
#include "in_go.h"
#include <errno.h>

static bool is_done(go_ctx *c)
{
    char x = 1;
    bool done = !go_chan_try_recv(go_ctx_done(c), &x) && x == 0;
    CHECK(done == (go_ctx_err(c) != 0));
    return done;
}

IN_GO(context, background_never_ends)
{
    go_ctx *b = go_ctx_background();
    static const int key;
    go_ctx_cancel(b);
    go_ctx_free(b);
    CHECK(go_ctx_err(b) == 0 && go_ctx_done(b) == NULL && go_ctx_value(b, &key) == NULL);
}

IN_GO(context, cancel_reaches_descendants_only)
{
    go_ctx *root = go_ctx_with_cancel(go_ctx_background());
    go_ctx *a = go_ctx_with_cancel(root), *b = go_ctx_with_cancel(root);
    go_ctx *a1 = go_ctx_with_value(a, "key", "value"), *a2 = go_ctx_with_cancel(a1);
    CHECK(!is_done(root) && !is_done(a) && !is_done(b) && !is_done(a1) && !is_done(a2));
    go_ctx_cancel(a);
    CHECK(!is_done(root) && is_done(a) && !is_done(b) && is_done(a1) && is_done(a2));
    CHECK(go_ctx_err(a2) == -ECANCELED);
    go_ctx_cancel(a);
    go_ctx *late = go_ctx_with_cancel(a2);
    CHECK(is_done(late) && go_ctx_err(late) == -ECANCELED);
    go_ctx_free(a); /* its children hold it */
    go_ctx_free(root);
    CHECK(is_done(b));
    go_ctx_free(b);
    go_ctx_free(a2);
    go_ctx_free(late);
    CHECK(is_done(a1));
    go_ctx_free(a1);
    go_ctx_free(NULL);
}

IN_GO(context, values_come_from_the_nearest)
{
    static const char k1, k2, k3;
    int x, y, z;
    go_ctx *a = go_ctx_with_value(go_ctx_background(), &k1, &x);
    go_ctx *b = go_ctx_with_cancel(a), *c = go_ctx_with_value(b, &k2, &y);
    go_ctx *d = go_ctx_with_value(c, &k1, &z);
    CHECK(go_ctx_value(c, &k1) == &x && go_ctx_value(d, &k1) == &z && go_ctx_value(d, &k2) == &y);
    CHECK(go_ctx_value(d, &k3) == NULL && go_ctx_value(a, &k2) == NULL);
    go_ctx_free(a);
    go_ctx_free(b);
    go_ctx_free(c);
    CHECK(go_ctx_value(d, &k2) == &y && is_done(d));
    go_ctx_free(d);
}

static void from_nil(void *arg)
{
    go_ctx_with_cancel(arg);
}

static void nil_key(void *arg)
{
    go_ctx_with_value(arg, NULL, NULL);
}

IN_GO(context, misuse_panics)
{
    CHECK_TEXT(go_recover(from_nil, NULL), "cannot create context from nil parent");
    CHECK_TEXT(go_recover(nil_key, go_ctx_background()), "nil key");
}

IN_GO(context, deadlines)
{
    go_time begin = go_now();
    go_ctx *c = go_ctx_with_timeout(go_ctx_background(), 3 * GO_MILLISECOND);
    go_ctx *longer = go_ctx_with_timeout(c, GO_HOUR), *child = go_ctx_with_cancel(longer);
    go_ctx *shorter = go_ctx_with_timeout(c, GO_MILLISECOND);
    go_chan_recv(go_ctx_done(shorter));
    CHECK(go_since(begin) >= GO_MILLISECOND && go_ctx_err(shorter) == -ETIMEDOUT);
    go_chan_recv(go_ctx_done(child));
    CHECK(go_since(begin) >= 3 * GO_MILLISECOND && go_ctx_err(child) == -ETIMEDOUT);
    CHECK(go_ctx_err(c) == -ETIMEDOUT && go_ctx_err(longer) == -ETIMEDOUT);
    go_ctx_free(shorter);
    go_ctx_free(child);
    go_ctx_free(longer);
    go_ctx_free(c);
    c = go_ctx_with_deadline(go_ctx_background(), go_now() - 1);
    CHECK(is_done(c) && go_ctx_err(c) == -ETIMEDOUT);
    go_ctx_free(c);
    c = go_ctx_with_timeout(go_ctx_background(), INT64_MAX);
    CHECK(!is_done(c));
    go_ctx_cancel(c);
    CHECK(go_ctx_err(c) == -ECANCELED);
    go_ctx_free(c);
}

/* ---- many ---- */

static void wait_done(void *arg)
{
    go_ctx *c = arg;
    go_chan_recv(go_ctx_done(c));
    CHECK(go_ctx_err(c) != 0);
    go_ctx_free(c);
}

IN_GO(context, wide_and_deep_trees)
{
    enum { N = MANY_GOROUTINES / 4 };
    go_ctx *root = go_ctx_with_cancel(go_ctx_background()), *c = root;
    for (int i = 0; i < N; i++) { /* deeper than recursion on a goroutine's stack would go */
        go_ctx *next = go_ctx_with_cancel(c);
        start(wait_done, next);
        c = next;
    }
    for (int i = 0; i < N; i++)
        start(wait_done, go_ctx_with_timeout(root, GO_HOUR));
    settle();
    go_ctx_cancel(root);
    finish();
    go_ctx_free(root);
}

static void cancel_it(void *arg)
{
    go_ctx_cancel(arg);
}

/* The ends of a tree meet: cancels from above and below, timers, children being made. */
IN_GO(context, simultaneous_ends)
{
    uint64_t random = 5;
    for (int round = 0; round < ROUNDS(300); round++) {
        go_ctx *c[12];
        c[0] = go_ctx_with_cancel(go_ctx_background());
        for (int i = 1; i < 12; i++) {
            go_ctx *parent = c[next_random(&random) % (uint32_t)i];
            go_duration d = (go_duration)(next_random(&random) % 100) * GO_MICROSECOND;
            c[i] = i % 2 ? go_ctx_with_cancel(parent) : go_ctx_with_timeout(parent, d);
            if (i % 3 == 0)
                start(cancel_it, c[i]);
        }
        start(cancel_it, c[0]);
        finish();
        for (int i = 0; i < 12; i++) {
            CHECK(is_done(c[i]));
            go_ctx_free(c[i]);
        }
    }
}

static void make_children(void *arg)
{
    go_ctx *parent = arg;
    for (int i = 0; i < 200; i++) {
        go_ctx *c = go_ctx_with_timeout(parent, (i % 5) * 20 * GO_MICROSECOND);
        if (i % 4 == 0)
            go_chan_recv(go_ctx_done(c));
        go_ctx_free(c);
    }
}

IN_GO(context, freed_at_any_moment)
{
    go_ctx *root = go_ctx_with_cancel(go_ctx_background());
    for (int i = 0; i < 4; i++)
        start(make_children, root);
    go_sleep(GO_MILLISECOND);
    go_ctx_cancel(root);
    finish();
    go_ctx_free(root);
}
