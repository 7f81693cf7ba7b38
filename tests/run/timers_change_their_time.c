/* Timers whose time is changed while others wait for theirs: earlier, later, from other goroutines,
 * by thousands; each fires when it is due, and the ones before it in the heap are not lost. */
// procs: 1,4
// timeout: 60
// stdout: ok
#include "expect.h"

#include <limits.h>
#include <stdatomic.h>

/* A far one that is made earlier must not wait for its old time. */
static void made_earlier(void)
{
    go_timer *far = go_timer_new(GO_HOUR), *farther = go_timer_new(2 * GO_HOUR);
    go_time start = go_now();
    EXPECT(go_timer_reset(far, 5 * GO_MILLISECOND));
    go_chan_recv(go_timer_chan(far));
    EXPECT(go_since(start) >= 5 * GO_MILLISECOND && go_since(start) < 20 * GO_SECOND);
    go_timer_free(far);
    go_timer_free(farther);
}

/* A near one that is made later must not fire at its old time. */
static void made_later(void)
{
    go_timer *near = go_timer_new(5 * GO_MILLISECOND);
    go_chan(go_time) between = go_after(20 * GO_MILLISECOND);
    if (go_timer_reset(near, GO_HOUR)) {
        go_chan_recv(between);
        EXPECT(!go_chan_try_recv(go_timer_chan(near), NULL));
        EXPECT(go_timer_stop(near));
    }
    go_timer_free(near);
    go_chan_free(between);
}

struct many {
    go_timer *t[100];
    atomic_int fired, armed, disarmed;
};

static void fired(void *m)
{
    atomic_fetch_add(&((struct many *)m)->fired, 1);
}

static void shuffle(struct many *m, unsigned seed)
{
    for (int i = 0; i < 3000; i++) {
        seed = seed * 1103515245 + 12345;
        go_timer *t = m->t[seed >> 8 & 63];
        if (seed >> 20 & 1) {
            if (go_timer_stop(t))
                atomic_fetch_add(&m->disarmed, 1);
        } else {
            atomic_fetch_add(&m->armed, 1);
            if (go_timer_reset(t, (seed >> 21 & 7) * 100 * GO_MICROSECOND))
                atomic_fetch_add(&m->disarmed, 1);
        }
        if (i % 64 == 0)
            go_sleep(200 * GO_MICROSECOND);
    }
}

/* Every arming ends in a call or is taken back by one stop or reset. */
static void shuffled(void)
{
    static struct many m;
    memset(&m, 0, sizeof m);
    go_waitgroup wg = {0};
    for (int i = 0; i < 64; i++) {
        atomic_fetch_add(&m.armed, 1);
        m.t[i] = go_after_func(GO_MILLISECOND, fired, &m);
    }
    for (unsigned i = 0; i < 4; i++)
        go_waitgroup_go(&wg, shuffle, &m, i + 1);
    go_waitgroup_wait(&wg);
    for (int i = 0; i < 64; i++) {
        if (go_timer_stop(m.t[i]))
            atomic_fetch_add(&m.disarmed, 1);
        go_timer_free(m.t[i]);
    }
    while (atomic_load(&m.fired) < atomic_load(&m.armed) - atomic_load(&m.disarmed))
        go_sleep(GO_MILLISECOND);
    for (int i = 0; i < 10; i++)
        go_sleep(GO_MILLISECOND);
    EXPECT(atomic_load(&m.fired) == atomic_load(&m.armed) - atomic_load(&m.disarmed));
}

static void beside(go_waitgroup *wg)
{
    for (int i = 0; i < 200; i++) {
        go_timer *t = go_timer_new(GO_MICROSECOND * (i % 7));
        if (i % 3 == 0)
            go_timer_stop(t);
        else if (i % 3 == 1)
            go_chan_recv(go_timer_chan(t));
        go_timer_free(t);
        go_chan_free(go_after(GO_HOUR));
    }
    go_waitgroup_done(wg);
}

/* Times that no sum of clock and duration can hold, and those of the past. */
static void extremes(void)
{
    go_timer *never = go_timer_new(INT64_MAX), *past = go_timer_new(INT64_MIN);
    go_chan_recv(go_timer_chan(past));
    EXPECT(go_timer_reset(never, INT64_MAX) && go_timer_stop(never));
    EXPECT(!go_timer_reset(never, -1));
    go_chan_recv(go_timer_chan(never));
    go_timer_free(never);
    go_timer_free(past);
}

static void no_interval(void *t)
{
    go_ticker_reset(t, 0);
}

static void ticker(void)
{
    go_ticker *t = go_ticker_new(GO_HOUR);
    const char *text = go_recover(no_interval, t);
    EXPECT(text && strstr(text, "non-positive interval"));
    go_time start = go_now(), last = start;
    go_ticker_reset(t, GO_MILLISECOND);
    for (int i = 1; i <= 5; i++) {
        go_time now = go_chan_recv(go_ticker_chan(t));
        EXPECT(now > last && now >= start + i * GO_MILLISECOND);
        last = now;
    }
    go_ticker_free(t);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    go_waitgroup_add(&wg, 8);
    for (int i = 0; i < 8; i++)
        go(beside, &wg);
    for (int i = 0; i < 5; i++) {
        made_earlier();
        made_later();
    }
    shuffled();
    extremes();
    ticker();
    go_waitgroup_wait(&wg);
    puts("ok");
    return 0;
}
