/* Channels as in Go: order, capacity, close, drain, try, range, nil, elements of every size. */
// stdout: ok
#include "expect.h"

static void send_range(go_chan(int) c, int from, int to)
{
    for (int i = from; i < to; i++)
        go_chan_send(c, i);
    go_chan_close(c);
}

static void fifo_and_range(size_t cap)
{
    go_chan(int) c = go_chan_make(int, cap);
    go(send_range, c, 0, 1000);
    int next = 0;
    go_chan_range(int, v, c)
        EXPECT(v == next++);
    EXPECT(next == 1000);
    EXPECT(go_chan_recv(c) == 0);
    int v = 5;
    EXPECT(!go_chan_recv_ok(c, &v) && v == 0);
    v = 5;
    EXPECT(!go_chan_try_recv(c, &v) && v == 0);
    go_chan_free(c);
}

static void capacity_and_try(void)
{
    go_chan(short) c = go_chan_make(short, 3);
    short v = 9;
    EXPECT(go_chan_cap(c) == 3 && go_chan_len(c) == 0);
    EXPECT(!go_chan_try_recv(c, &v) && v == 9);
    EXPECT(go_chan_try_send(c, 1) && go_chan_try_send(c, 2) && go_chan_try_send(c, 3));
    EXPECT(!go_chan_try_send(c, 4) && go_chan_len(c) == 3);
    EXPECT(go_chan_try_recv(c, &v) && v == 1);
    EXPECT(go_chan_try_send(c, 4));
    go_chan_close(c);
    EXPECT(go_chan_len(c) == 3);
    EXPECT(go_chan_recv(c) == 2 && go_chan_recv(c) == 3);
    EXPECT(go_chan_try_recv(c, NULL));
    EXPECT(!go_chan_recv_ok(c, NULL));
    go_chan_free(c);

    go_chan(short) unbuffered = go_chan_make(short, 0);
    EXPECT(!go_chan_try_send(unbuffered, 1) && !go_chan_try_recv(unbuffered, &v));
    go_chan_free(unbuffered);

    go_chan(int) none = NULL;
    EXPECT(go_chan_len(none) == 0 && go_chan_cap(none) == 0);
    EXPECT(!go_chan_try_send(none, 1) && !go_chan_try_recv(none, NULL));
    go_chan_free(NULL);
}

struct large {
    char byte[5000];
};

static void send_large(go_chan(struct large) c)
{
    static struct large l;
    for (int i = 0; i < 10; i++) {
        memset(l.byte, 'a' + i, sizeof l.byte);
        go_chan_send(c, l);
    }
}

static void elements(size_t cap)
{
    struct large l;
    go_chan(struct large) c = go_chan_make(struct large, cap);
    go(send_large, c);
    for (int i = 0; i < 10; i++) {
        EXPECT(go_chan_recv_ok(c, &l));
        for (size_t k = 0; k < sizeof l.byte; k++)
            EXPECT(l.byte[k] == 'a' + i);
    }
    go_chan_free(c);

    go_chan(char) bytes = go_chan_make(char, 2);
    go_chan_send(bytes, 'x');
    EXPECT(go_chan_recv(bytes) == 'x');
    go_chan_free(bytes);

    go_chan(long double) reals = go_chan_make(long double, 1);
    go_chan_send(reals, 1.0L / 3);
    EXPECT(go_chan_recv(reals) == 1.0L / 3);
    go_chan_free(reals);

    go_chan(double) converted = go_chan_make(double, 1);
    go_chan_send(converted, 3);
    EXPECT(go_chan_recv(converted) == 3.0);
    go_chan_free(converted);

    go_chan(int (*)(int)) functions = go_chan_make(int (*)(int), 1);
    go_chan_send(functions, abs);
    go_chan_close(functions);
    go_chan_range(int (*)(int), f, functions)
        EXPECT(f(-3) == 3);
    EXPECT(go_chan_recv(functions) == NULL);
    go_chan_free(functions);

    go_chan(go_chan(int)) of_channels = go_chan_make(go_chan(int), 1);
    go_chan(int) inner = go_chan_make(int, 1);
    go_chan_send(of_channels, inner);
    go_chan_send(go_chan_recv(of_channels), 7);
    EXPECT(go_chan_recv(inner) == 7);
    go_chan_free(inner);
    go_chan_free(of_channels);
}

static void count_receives(go_chan(int) c, go_chan(int) to)
{
    int n = 0;
    while (go_chan_recv_ok(c, NULL))
        n++;
    go_chan_send(to, n);
}

/* Close wakes every receiver that waits. */
static void close_wakes_all(void)
{
    go_chan(int) c = go_chan_make(int, 0), counts = go_chan_make(int, 0);
    for (int i = 0; i < 50; i++)
        go(count_receives, c, counts);
    await_quiet();
    for (int i = 0; i < 20; i++)
        go_chan_send(c, i);
    go_chan_close(c);
    int sum = 0;
    for (int i = 0; i < 50; i++)
        sum += go_chan_recv(counts);
    EXPECT(sum == 20);
    go_chan_free(c);
    go_chan_free(counts);
}

static void pass(go_chan(int) from, go_chan(int) to)
{
    go_chan_range(int, v, from)
        go_chan_send(to, v);
    go_chan_send(to, -1);
}

/* Many senders, many receivers: each element arrives once. */
static void many_to_many(size_t cap)
{
    enum { N = 8, EACH = 500 };
    go_chan(int) in = go_chan_make(int, cap), out = go_chan_make(int, cap);
    static bool seen[EACH];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < N; i++)
        go(pass, in, out);
    go(send_range, in, 0, EACH);
    for (int left = N; left > 0;) {
        int v = go_chan_recv(out);
        if (v < 0) {
            left--;
            continue;
        }
        EXPECT(!seen[v]);
        seen[v] = true;
    }
    for (int i = 0; i < EACH; i++)
        EXPECT(seen[i]);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static const size_t caps[] = {0, 1, 7, 128};
    for (int i = 0; i < 4; i++) {
        fifo_and_range(caps[i]);
        elements(caps[i]);
        many_to_many(caps[i]);
    }
    capacity_and_try();
    close_wakes_all();
    puts("ok");
    return 0;
}
