/* Sleepers wake in the order of their times, never early; a sleep of nothing returns at once;
 * others run meanwhile. */
// stdout: 1
// stdout: 2
// stdout: 3
// stdout: 4
// stdout: 5
// stdout: ok
#include "expect.h"

/* start: one for all, so that it does not matter how late this one begins. */
static void sleep_then_send(int ticks, go_time start, go_chan(int) c)
{
    go_sleep(start + ticks * 100 * GO_MILLISECOND - go_now());
    EXPECT(go_since(start) >= ticks * 100 * GO_MILLISECOND);
    go_chan_send(c, ticks);
}

static void sleep_short(go_waitgroup *wg, int i)
{
    go_sleep(i % 7 * 100 * GO_MICROSECOND);
    go_waitgroup_done(wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) c = go_chan_make(int, 5);
    static const int order[] = {3, 1, 5, 2, 4};
    go_time begin = go_now();
    for (int i = 0; i < 5; i++)
        go(sleep_then_send, order[i], begin, c);
    for (int i = 0; i < 5; i++)
        printf("%d\n", go_chan_recv(c));

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
