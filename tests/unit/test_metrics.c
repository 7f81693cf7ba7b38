/* test_metrics.c - the scheduler's numbers add up. */
#include "in_child.h"
#include "in_go.h"
#include <errno.h>
#include <goshawk/metrics.h>

static struct go_metrics now(void)
{
    struct go_metrics m = {.size = sizeof m};
    CHECK(go_metrics_read(&m) == 0);
    return m;
}

static void receives(void *c)
{
    go_chan_recv((go_chan(int))c);
}

static void sleeps(void *arg)
{
    (void)arg;
    go_sleep(GO_HOUR);
}

static void locks(void *arg)
{
    go_mutex_lock(arg);
}

static int states(int argc, char **argv)
{
    go_chan(int) c = go_chan_make(int, 0);
    go_mutex mu = {0};
    struct go_metrics a = now();
    CHECK(a.version == GO_METRICS_VERSION && a.size == sizeof a);
    CHECK(a.g_running == 1 && a.g_waiting == 0 && a.g_runnable == 0 && a.g_blocking == 0);
    CHECK(a.p_total == 1 && a.p_running == 1 && a.p_idle == 0 && a.m_total >= 1);
    CHECK(a.spawned == 1 && a.ended == 0 && a.timers == 0);
    CHECK(a.stack_in_use >= 1 << 14 && a.stack_reserved > a.stack_in_use);
    go_mutex_lock(&mu);
    for (int i = 0; i < 10; i++)
        go_start(receives, (void *)c);
    for (int i = 0; i < 5; i++)
        go_start(sleeps, NULL);
    go_start(locks, &mu);
    struct go_metrics b = now();
    CHECK(b.g_runnable == 16 && b.spawned == 17);
    settle();
    b = now();
    CHECK(b.g_waiting == 16 && b.g_runnable == 0 && b.g_running == 1);
    CHECK(b.g_waiting_for[GO_WAIT_CHAN_RECV] == 10 && b.g_waiting_for[GO_WAIT_SLEEP] == 5);
    CHECK(b.g_waiting_for[GO_WAIT_MUTEX] == 1);
    CHECK(b.parks == 16 && b.timers == 5 && b.readies == 0);
    CHECK(b.stack_in_use / a.stack_in_use >= 16 && b.stack_in_use / a.stack_in_use <= 17);
    for (int i = 0; i < 10; i++)
        go_chan_send(c, i);
    settle();
    b = now();
    CHECK(b.ended == 10 && b.g_free >= 10 && b.g_waiting == 6 && b.readies == 10);
    go_blocking_begin();
    b = now();
    CHECK(b.g_blocking == 1 && b.g_running == 1);
    go_blocking_end();
    go_metrics_print(1);
    return argc && argv;
}

Test(metrics, of_every_state)
{
    struct child c = in_child(states, "GOSHAWK_SEED=1", NULL); /* no monitor takes the P away */
    EXPECT_STATUS(&c, 0);
    EXPECT_SAYS(&c, "waiting              6 goroutines\n");
    EXPECT_SAYS(&c, "waiting: sleep                5 goroutines\n");
    EXPECT_SAYS(&c, "spawned              17 goroutines\n");
}

static int plain(void)
{
    struct go_metrics m = {.size = 8};
    CHECK(go_metrics_read(&m) == -EINVAL && m.size == 8 && m.version == 0);
    m.size = 0;
    CHECK(go_metrics_read(&m) == 0 && m.size == sizeof m && m.g_running == 0 && m.p_total > 0);
    return 0;
}

Test(metrics, before_the_first_goroutine)
{
    struct child c = in_plain_child(plain, NULL);
    EXPECT_STATUS(&c, 0);
}

static void bounces(void *c)
{
    for (int i = 0; i < 10000; i++)
        go_chan_recv((go_chan(int))c);
}

static int wakes_often(int argc, char **argv)
{
    go_chan(int) c = go_chan_make(int, 0);
    start(bounces, (void *)c);
    for (int i = 0; i < 10000; i++)
        go_chan_send(c, i);
    finish();
    struct go_metrics m = now();
    uint64_t sum = 0;
    for (int i = 0; i < GO_LATENCY_BUCKETS; i++)
        sum += m.latency[i];
    CHECK(sum == m.latency_samples);
    CHECK(m.readies >= 9000 && m.readies <= m.parks);
    CHECK(sum >= m.readies / 64 - 8 && sum <= m.readies / 64 + 8);
    uint64_t half = go_metrics_latency(&m, 0.5), all = go_metrics_latency(&m, 1);
    CHECK(half >= 128 && half <= all && all < (uint64_t)60 * GO_SECOND);
    return argc && argv;
}

Test(metrics, latency_of_one_wake_up_in_64)
{
    static const char *const procs[] = {"GOMAXPROCS=1", "GOMAXPROCS=4"};
    for (int i = 0; i < 2; i++) {
        struct child c = in_child(wakes_often, procs[i], "GOSHAWK_DEBUG=", NULL);
        EXPECT_STATUS(&c, 0);
    }
}

Test(metrics, share_of_a_histogram)
{
    struct go_metrics m = {.latency_samples = 0};
    cr_expect_eq(go_metrics_latency(&m, 0.5), 0);
    m.latency[0] = 50;
    m.latency[3] = 49;
    m.latency[10] = 1;
    m.latency_samples = 100;
    cr_expect_eq(go_metrics_latency(&m, 0), 128);
    cr_expect_eq(go_metrics_latency(&m, 0.49), 128);
    cr_expect_eq(go_metrics_latency(&m, 0.5), 1024);
    cr_expect_eq(go_metrics_latency(&m, 0.98), 1024);
    cr_expect_eq(go_metrics_latency(&m, 0.99), 128 << 10);
    cr_expect_eq(go_metrics_latency(&m, 1), 128 << 10);
}

static int traced(int argc, char **argv)
{
    start(sleeps, NULL);
    go_sleep(300 * GO_MILLISECOND); /* long enough for some lines; orders nothing */
    return argc && argv;
}

Test(metrics, as_a_line_every_so_often)
{
    struct child c = in_child(traced, "GOMAXPROCS=3", "GOSHAWK_DEBUG=schedtrace=20", NULL);
    EXPECT_STATUS(&c, 0);
    EXPECT_BEGINS(&c, "SCHED ");
    EXPECT_SAYS(&c, "ms: gomaxprocs=3 idleprocs=");
    EXPECT_SAYS(&c, " idleprocs=3 threads=");
    EXPECT_SAYS(&c, " runqueue=0 [0 0 0] goroutines=2\n");
    int lines = 0, ms = 0;
    for (const char *l = c.out; (l = strstr(l, "SCHED ")); l++, lines++)
        ms = atoi(l + strlen("SCHED "));
    cr_expect(lines >= 2 && lines <= ms / 20 + 1, "%d lines in %d ms", lines, ms);
}
