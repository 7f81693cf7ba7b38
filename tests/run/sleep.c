/* Sleepers wake in the order of their times, never early; a sleep of nothing returns at once;
 * others run meanwhile. */
// stdout: in order
// stdout: ok
#include "expect.h"

enum { SLEEPERS = 5 };

static const go_duration tick = 20 * GO_MILLISECOND;

struct sleeper {
    int ticks;
    go_time start; /* one for all, so that it does not matter how late each begins */
    go_time sent;
};

static void sleep_then_send(struct sleeper *s, go_chan(struct sleeper *) c)
{
    go_sleep(s->start + s->ticks * tick - go_now());
    EXPECT(go_since(s->start) >= s->ticks * tick);
    go_chan_send(c, s);
    s->sent = go_now();
}

/* Those that are due at the same time run in any order.  So the order is known only when each had
 * told of itself before the next was due; on a busy machine that may need another try. */
static bool wake_in_order(void)
{
    static const int ticks[SLEEPERS] = {3, 1, 5, 2, 4};
    struct sleeper sleepers[SLEEPERS];
    go_chan(struct sleeper *) c = go_chan_make(struct sleeper *, SLEEPERS);
    go_waitgroup wg = {0};
    bool in_time = true, in_order = true;
    go_time start = go_now();
    for (int i = 0; i < SLEEPERS; i++) {
        sleepers[i] = (struct sleeper){ticks[i], start, 0};
        go_waitgroup_go(&wg, sleep_then_send, &sleepers[i], c);
    }
    go_waitgroup_wait(&wg);
    for (int i = 1; i <= SLEEPERS; i++) {
        struct sleeper *s = go_chan_recv(c);
        in_time &= s->sent < start + (s->ticks + 1) * tick;
        in_order &= s->ticks == i;
    }
    go_chan_free(c);
    EXPECT(in_order || !in_time);
    return in_time;
}

static void sleep_short(go_waitgroup *wg, int i)
{
    go_sleep(i % 7 * 100 * GO_MICROSECOND);
    go_waitgroup_done(wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    bool known = false;
    for (int i = 0; i < 100 && !known; i++)
        known = wake_in_order();
    puts(known ? "in order" : "this machine was too busy to tell");

    go_time start = go_now();
    for (int i = 0; i < 1000; i++) {
        go_sleep(0);
        go_sleep(-5);
    }
    EXPECT(go_since(start) < 10 * GO_SECOND);

    go_waitgroup wg = {0};
    go_waitgroup_add(&wg, 2000);
    for (int i = 0; i < 2000; i++)
        go(sleep_short, &wg, i);
    go_waitgroup_wait(&wg);
    puts("ok");
    return 0;
}
