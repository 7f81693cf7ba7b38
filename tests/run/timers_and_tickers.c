/* Timers fire once and not early, tickers again and again; stop and reset tell what they met. */
// stdout: ok
#include "expect.h"

#include <stdatomic.h>

static void after(void)
{
    go_time start = go_now();
    go_chan(go_time) c = go_after(20 * GO_MILLISECOND);
    go_time fired = go_chan_recv(c);
    EXPECT(fired - start >= 20 * GO_MILLISECOND && go_since(start) >= 20 * GO_MILLISECOND);
    go_chan_free(c);
    go_chan_free(go_after(GO_HOUR));

    /* as a time limit */
    go_chan(int) never = go_chan_make(int, 0);
    go_chan(go_time) limit = go_after(GO_MILLISECOND);
    EXPECT(go_select(go_recv_case(never, NULL), go_recv_case(limit, NULL)) == 1);
    go_chan_free(limit);
    go_chan_free(never);
}

static void stop_and_reset(void)
{
    go_timer *t = go_timer_new(GO_HOUR);
    EXPECT(go_timer_stop(t) && !go_timer_stop(t));
    EXPECT(!go_timer_reset(t, GO_HOUR) && go_timer_reset(t, GO_MILLISECOND));
    go_chan_recv(go_timer_chan(t));
    EXPECT(!go_timer_stop(t));
    EXPECT(!go_timer_reset(t, GO_MILLISECOND));
    go_chan_recv(go_timer_chan(t));
    go_timer_free(t);
    go_timer_free(NULL);
}

static void close_it(void *c)
{
    EXPECT(go_id() != 1);
    go_chan_close(c);
}

static void count(void *n)
{
    atomic_fetch_add((atomic_int *)n, 1);
}

static void functions(void)
{
    static atomic_int calls;
    go_chan(int) c = go_chan_make(int, 0);
    go_timer *t = go_after_func(GO_MILLISECOND, close_it, c);
    EXPECT(!go_timer_chan(t));
    EXPECT(!go_chan_recv_ok(c, NULL));
    go_timer_free(t);

    go_timer *never = go_after_func(GO_HOUR, count, &calls);
    EXPECT(go_timer_stop(never));
    go_timer_free(never);
    for (int i = 0; i < 100; i++)
        go_timer_free(go_after_func(0, count, &calls)); /* may or may not have fired */
    EXPECT(atomic_load(&calls) <= 100);
}

static void ticks(void)
{
    go_ticker *t = go_ticker_new(2 * GO_MILLISECOND);
    go_time last = go_now();
    for (int i = 0; i < 5; i++) {
        go_time now = go_chan_recv(go_ticker_chan(t));
        EXPECT(now > last || i == 0);
        last = now;
    }
    go_ticker_reset(t, GO_HOUR);
    go_ticker_stop(t);
    go_ticker_free(t);
}

static void stop_nonpositive(void *arg)
{
    (void)arg;
    go_ticker_new(0);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    after();
    stop_and_reset();
    functions();
    ticks();
    EXPECT(go_recover(stop_nonpositive, NULL));
    puts("ok");
    return 0;
}
