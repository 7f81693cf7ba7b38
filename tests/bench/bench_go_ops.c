/* bench_go_ops.c - what the basic operations cost; bench_ops.go is the same program in Go.
 *
 *     bench_go_ops OPERATION N      prints   OPERATION ns_per_op [bytes_per_goroutine]
 *
 * The two programs are read side by side: each operation does the same in both, with the same
 * number of goroutines, channels and capacities, and is timed from the first operation to the last
 * after a tenth of it has run untimed.  The number of processors comes from GOMAXPROCS.
 *
 *   spawn        starts one goroutine and waits for its end with a WaitGroup; N times
 *   spawn_batch  starts 1000 goroutines, then waits for all; an op is one of them
 *   yield        16 goroutines give way to each other; an op is one yield
 *   pingpong     two goroutines, two unbuffered channels; an op is one round trip
 *   buffered     a producer and a consumer, capacity 128; an op is one element
 *   mutex        lock and unlock by a single goroutine
 *   mutex8       lock and unlock by 8 goroutines at one mutex; an op is one pair
 *   select       a sender alternates between two unbuffered channels, a receiver selects; an
 *                op is one element
 *   skynet       a tree of goroutines, ten children each, N leaves that send their number up;
 *                an op is one leaf
 *   parked       N goroutines wait at a channel at the same time; start, release and end of one */
#include <goshawk.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static go_waitgroup wg;
static volatile long bytes_per_goroutine;

static void done(void)
{
    go_waitgroup_done(&wg);
}

static void op_spawn(long n)
{
    for (long i = 0; i < n; i++) {
        go_waitgroup_add(&wg, 1);
        go(done);
        go_waitgroup_wait(&wg);
    }
}

static void op_spawn_batch(long n)
{
    for (long i = 0; i < n; i += 1000) {
        go_waitgroup_add(&wg, 1000);
        for (int k = 0; k < 1000; k++)
            go(done);
        go_waitgroup_wait(&wg);
    }
}

static void yielder(long n)
{
    for (long i = 0; i < n; i++)
        go_yield();
    go_waitgroup_done(&wg);
}

static void op_yield(long n)
{
    go_waitgroup_add(&wg, 16);
    for (int k = 0; k < 16; k++)
        go(yielder, n / 16);
    go_waitgroup_wait(&wg);
}

static void ponger(go_chan(int) ping, go_chan(int) pong)
{
    go_chan_range(int, v, ping)
        go_chan_send(pong, v);
}

static void op_pingpong(long n)
{
    go_chan(int) ping = go_chan_make(int, 0);
    go_chan(int) pong = go_chan_make(int, 0);
    go(ponger, ping, pong);
    for (long i = 0; i < n; i++) {
        go_chan_send(ping, 1);
        go_chan_recv(pong);
    }
    go_chan_close(ping);
}

static void producer(go_chan(int) c, long n)
{
    for (long i = 0; i < n; i++)
        go_chan_send(c, 1);
    go_chan_close(c);
}

static void op_buffered(long n)
{
    go_chan(int) c = go_chan_make(int, 128);
    go(producer, c, n);
    long sum = 0;
    go_chan_range(int, v, c)
        sum += v;
    if (sum != n)
        go_panic("%ld elements of %ld arrived", sum, n);
}

static void locker(go_mutex *m, long n)
{
    for (long i = 0; i < n; i++) {
        go_mutex_lock(m);
        go_mutex_unlock(m);
    }
    go_waitgroup_done(&wg);
}

static void lock_with(int goroutines, long n)
{
    static go_mutex m;
    go_waitgroup_add(&wg, goroutines);
    for (int k = 0; k < goroutines; k++)
        go(locker, &m, n / goroutines);
    go_waitgroup_wait(&wg);
}

static void op_mutex(long n)
{
    lock_with(1, n);
}

static void op_mutex8(long n)
{
    lock_with(8, n);
}

static void alternate(go_chan(int) a, go_chan(int) b, long n)
{
    for (long i = 0; i < n / 2; i++) {
        go_chan_send(a, 1);
        go_chan_send(b, 1);
    }
}

static void op_select(long n)
{
    go_chan(int) a = go_chan_make(int, 0);
    go_chan(int) b = go_chan_make(int, 0);
    go(alternate, a, b, n);
    for (long i = 0; i < n / 2 * 2; i++) {
        int v;
        go_select(go_recv_case(a, &v), go_recv_case(b, &v));
    }
}

static void skynet(go_chan(int64_t) up, int64_t number, long leaves)
{
    if (leaves == 1) {
        go_chan_send(up, number);
        return;
    }
    go_chan(int64_t) c = go_chan_make(int64_t, 0);
    int64_t sum = 0;
    for (int i = 0; i < 10; i++)
        go(skynet, c, number + i * (leaves / 10), leaves / 10);
    for (int i = 0; i < 10; i++)
        sum += go_chan_recv(c);
    go_chan_free(c);
    go_chan_send(up, sum);
}

/* n: a power of ten */
static void op_skynet(long n)
{
    go_chan(int64_t) c = go_chan_make(int64_t, 0);
    go(skynet, c, (int64_t)0, n);
    int64_t sum = go_chan_recv(c);
    go_chan_free(c);
    if (sum != (int64_t)n * (n - 1) / 2)
        go_panic("skynet says %" PRId64, sum);
}

static long resident_bytes(void)
{
    long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
        go_panic("cannot read /proc/self/statm");
    fclose(f);
    return resident * sysconf(_SC_PAGESIZE);
}

static void parker(go_chan(int) c)
{
    go_waitgroup_done(&wg);
    go_chan_recv(c);
    go_waitgroup_done(&wg);
}

static void op_parked(long n)
{
    go_chan(int) c = go_chan_make(int, 0);
    long before = resident_bytes();
    go_waitgroup_add(&wg, (int)n);
    for (long i = 0; i < n; i++)
        go(parker, c);
    go_waitgroup_wait(&wg);
    bytes_per_goroutine = (resident_bytes() - before) / n;
    go_waitgroup_add(&wg, (int)n);
    go_chan_close(c);
    go_waitgroup_wait(&wg);
    go_chan_free(c);
}

static const struct op {
    const char *name;
    void (*run)(long n);
    bool once; /* no warm-up: it would leave memory behind to be used again */
} ops[] = {
    {"spawn", op_spawn, false},       {"spawn_batch", op_spawn_batch, false},
    {"yield", op_yield, false},       {"pingpong", op_pingpong, false},
    {"buffered", op_buffered, false}, {"mutex", op_mutex, false},
    {"mutex8", op_mutex8, false},     {"select", op_select, false},
    {"skynet", op_skynet, true},      {"parked", op_parked, true},
};

int go_main(int argc, char **argv)
{
    long n = argc == 3 ? atol(argv[2]) : 0;
    for (size_t i = 0; n >= 1 && i < sizeof ops / sizeof *ops; i++) {
        if (strcmp(argv[1], ops[i].name) != 0)
            continue;
        if (!ops[i].once)
            ops[i].run(n / 10);
        go_time start = go_now();
        ops[i].run(n);
        printf("%s %.2f", ops[i].name, (double)go_since(start) / (double)n);
        if (bytes_per_goroutine)
            printf(" %ld", bytes_per_goroutine);
        putchar('\n');
        return 0;
    }
    fprintf(stderr, "usage: %s OPERATION N   with OPERATION one of", argv[0]);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        fprintf(stderr, " %s", ops[i].name);
    fputc('\n', stderr);
    return 2;
}
