/* Trees of contexts: layers of limits and values end in the right order with the right reason;
 * cancelling from everywhere at once, and from who waits for another, neither hangs nor leaks. */
// procs: 1,4
// timeout: 60
// stdout: ok
#include "expect.h"

#include <errno.h>
#include <malloc.h>

static const char keys[64];

/* Limits, values and cancels in turns; the shortest limit on the way to the root counts. */
static void layers(unsigned seed, bool by_time)
{
    enum { DEPTH = 60 };
    go_ctx *layer[DEPTH + 1] = {go_ctx_background()}, *shortest = NULL;
    int values[DEPTH];
    for (int i = 0; i < DEPTH; i++) {
        seed = seed * 1103515245 + 12345;
        values[i] = i;
        switch (seed >> 16 & 3) {
        case 0:
            layer[i + 1] = go_ctx_with_cancel(layer[i]);
            break;
        case 1:
            layer[i + 1] = go_ctx_with_timeout(layer[i], i == 30 && by_time ? 1 : GO_HOUR);
            break;
        default:
            layer[i + 1] = go_ctx_with_value(layer[i], &keys[i], &values[i]);
            EXPECT(go_ctx_value(layer[i + 1], &keys[i]) == &values[i]);
            break;
        }
        if (i == 30 && by_time) {
            go_ctx_free(layer[i + 1]);
            layer[i + 1] = shortest = go_ctx_with_timeout(layer[i], 2 * GO_MILLISECOND);
        }
    }
    go_chan(char) done = go_ctx_done(layer[DEPTH]);
    if (by_time) {
        go_chan_recv(done);
        EXPECT(go_ctx_err(layer[DEPTH]) == -ETIMEDOUT && go_ctx_err(shortest) == -ETIMEDOUT);
    } else {
        EXPECT(!go_chan_try_recv(done, NULL) && go_ctx_err(layer[DEPTH]) == 0);
        go_ctx_cancel(layer[31]);
        go_chan_recv(done);
        EXPECT(go_ctx_err(layer[DEPTH]) == -ECANCELED);
    }
    EXPECT(go_ctx_err(layer[30]) == 0 && go_ctx_err(layer[31]) != 0);
    for (int i = 1; i <= DEPTH; i++)
        go_ctx_free(layer[i]);
}

static void cancel_when(go_ctx *waits_for, go_ctx *cancels, go_waitgroup *wg)
{
    go_chan_recv(go_ctx_done(waits_for));
    go_ctx_cancel(cancels);
    go_waitgroup_done(wg);
}

/* The end of the child cancels the parent, whose end cancels the child. */
static void interlocked(void)
{
    for (int i = 0; i < 100; i++) {
        go_waitgroup wg = {0};
        go_ctx *parent = go_ctx_with_cancel(go_ctx_background());
        go_ctx *child = go_ctx_with_cancel(parent);
        go_waitgroup_add(&wg, 2);
        go(cancel_when, parent, child, &wg);
        go(cancel_when, child, parent, &wg);
        go_ctx_cancel(i % 2 ? parent : child);
        go_waitgroup_wait(&wg);
        EXPECT(go_ctx_err(parent) == -ECANCELED && go_ctx_err(child) == -ECANCELED);
        go_ctx_free(parent);
        go_ctx_free(child);
    }
}

static void cancel_one(go_ctx *c, go_waitgroup *wg)
{
    go_ctx_cancel(c);
    go_waitgroup_done(wg);
}

/* A hundred descendants and their root, cancelled by a goroutine each. */
static void all_at_once(void)
{
    enum { N = 100 };
    go_ctx *c[N] = {go_ctx_with_cancel(go_ctx_background())};
    go_waitgroup wg = {0};
    for (int i = 1; i < N; i++)
        c[i] = i % 3 ? go_ctx_with_cancel(c[i / 2]) : go_ctx_with_timeout(c[i / 2], GO_MILLISECOND);
    go_waitgroup_add(&wg, N);
    for (int i = 0; i < N; i++)
        go(cancel_one, c[i], &wg);
    for (int i = 0; i < N; i++) {
        go_chan_recv(go_ctx_done(c[i]));
        EXPECT(go_ctx_err(c[i]) != 0);
    }
    go_waitgroup_wait(&wg);
    for (int i = 0; i < N; i++)
        go_ctx_free(c[i]);
}

static size_t heap(void)
{
    return mallinfo2().uordblks;
}

/* A parent that lives long does not keep what its children were. */
static void children_come_and_go(void)
{
    go_ctx *parent = go_ctx_with_cancel(go_ctx_background());
    size_t before = 0;
    for (int i = 0; i < 20000; i++) {
        go_ctx *c = i % 2 ? go_ctx_with_cancel(parent) : go_ctx_with_timeout(parent, GO_HOUR);
        go_ctx_free(c);
        if (i == 1000)
            before = heap();
    }
    EXPECT(heap() < before + (64 << 10)); /* three bytes a child */
    EXPECT(go_ctx_err(parent) == 0);
    go_ctx_free(parent);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (unsigned seed = 1; seed <= 10; seed++) {
        layers(seed, true);
        layers(seed, false);
    }
    interlocked();
    all_at_once();
    children_come_and_go();
    puts("ok");
    return 0;
}
