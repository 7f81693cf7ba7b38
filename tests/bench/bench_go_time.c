/* bench_go_time.c - time, contexts and large numbers: second half of bench_go_ops.c, see there. */
#include "bench_go.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* ---- time and contexts ---- */

void op_timer(long n)
{
    for (long i = 0; i < n; i++) {
        go_timer *t = go_timer_new(GO_HOUR);
        go_timer_stop(t);
        go_timer_free(t);
    }
}

static void sleeper(int times)
{
    for (int i = 0; i < times; i++)
        go_sleep(GO_MILLISECOND);
    go_waitgroup_done(&wg);
}

void op_sleepers(long n)
{
    go_waitgroup_add(&wg, (int)(n / 10));
    for (long i = 0; i < n / 10; i++)
        go(sleeper, 10);
    go_waitgroup_wait(&wg);
}

void op_context(long n)
{
    go_ctx *parent = go_ctx_with_cancel(go_ctx_background());
    for (long i = 0; i < n; i++) {
        go_ctx *child = go_ctx_with_cancel(parent);
        go_chan(char) ended = go_ctx_done(child);
        go_ctx_cancel(child);
        go_chan_recv(ended);
        go_ctx_free(child);
    }
    go_ctx_free(parent);
}

/* ---- large ---- */

/* Resident memory and page tables. */
static long resident_bytes(void)
{
    char line[256];
    long kib, sum = 0;
    FILE *f = fopen("/proc/self/status", "r");
    if (!f)
        go_panic("cannot read /proc/self/status");
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %ld", &kib) == 1 || sscanf(line, "VmPTE: %ld", &kib) == 1)
            sum += kib << 10;
    fclose(f);
    return sum;
}

static void parker(go_chan(int) c)
{
    go_waitgroup_done(&wg);
    go_chan_recv(c);
    go_waitgroup_done(&wg);
}

void op_parked(long n)
{
    go_chan(int) c = go_chan_make(int, 0);
    long before = resident_bytes();
    go_waitgroup_add(&wg, (int)n);
    for (long i = 0; i < n; i++)
        go(parker, c);
    go_waitgroup_wait(&wg);
    bytes_each = (resident_bytes() - before) / n;
    go_waitgroup_add(&wg, (int)n);
    go_chan_close(c);
    go_waitgroup_wait(&wg);
    go_chan_free(c);
}

void op_timers(long n)
{
    go_timer **t = malloc((size_t)n * sizeof(go_timer *));
    uint64_t x = 88172645463325252u;
    memset(t, 1, (size_t)n * sizeof(go_timer *)); /* resident before it is measured */
    long before = resident_bytes();
    for (long i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        t[i] = go_timer_new(GO_MINUTE + (go_duration)(x % (uint64_t)GO_HOUR));
    }
    bytes_each = (resident_bytes() - before) / n;
    for (long i = 0; i < n; i++) {
        go_timer_stop(t[i]);
        go_timer_free(t[i]);
    }
    free(t);
}

/* ---- figures of other kinds ---- */

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void sleep_again_and_again(go_duration first)
{
    go_sleep(first);
    for (;;)
        go_sleep(GO_SECOND);
}

void op_idle(long n)
{
    for (int i = 0; i < 100; i++)
        go(sleep_again_and_again, i * 10 * GO_MILLISECOND);
    go_sleep(100 * GO_MILLISECOND);
    double before = cpu_seconds();
    go_sleep(n * GO_MILLISECOND);
    figure = (cpu_seconds() - before) / ((double)n / 1e3) * 100;
}

static void compute(go_duration d)
{
    for (go_time end = go_now() + d; go_now() < end;)
        ;
}

static void talker(go_chan(int) in, go_chan(int) out)
{
    go_chan_range(int, v, in) {
        compute(10 * GO_MICROSECOND);
        go_chan_send(out, v);
    }
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void op_latency(long n)
{
    int64_t *late = malloc((size_t)n * sizeof *late);
    for (int i = 0; i < 4; i++) {
        go_chan(int) a = go_chan_make(int, 1);
        go_chan(int) b = go_chan_make(int, 1);
        go(talker, a, b);
        go(talker, b, a);
        go_chan_send(a, 1);
    }
    for (long i = 0; i < n; i++) {
        go_time due = go_now() + GO_MILLISECOND;
        go_sleep(GO_MILLISECOND);
        late[i] = go_now() - due;
    }
    qsort(late, (size_t)n, sizeof *late, by_size);
    figure = (double)late[n * 99 / 100];
    free(late);
}
