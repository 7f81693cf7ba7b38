/* bench_go_ops.c - what the basic operations cost; bench_ops.go is the same program in Go.
 *
 *     bench_go_ops OPERATION N      prints   OPERATION ns_per_op [bytes_each]
 *
 * The two programs are read side by side: each operation does the same in both, with the same
 * number of goroutines, channels and capacities, in the way that is usual in its language, and is
 * timed from the first operation to the last after a tenth of it has run untimed (not the large
 * ones: that would leave memory behind to be used again).  The number of processors comes from
 * GOMAXPROCS.  bench_fiber_ops.cpp has those that Boost.Fiber knows.
 *
 * Scheduling
 *   yield           64 goroutines give way to each other; an op is one yield
 *   yield_one       the only goroutine gives way, to nobody
 *   spawn           starts one goroutine and waits for its end with a WaitGroup; N times
 *   spawn_batch     starts 1000 goroutines, then waits for all; an op is one of them
 *   spawn_storm     the same with 100 000
 *   skynet          a tree of goroutines, ten children each, N leaves that send their number up; an
 *                   op is one leaf
 *   fib             fib(20), each call starts a goroutine for its left half; an op is one fib(20)
 * Channels
 *   pingpong        two goroutines, two unbuffered channels; an op is one round trip
 *   buffered        a producer and a consumer, capacity 128; an op is one element
 *   mpmc            4 producers and 4 consumers, capacity 128; an op is one element
 *   chan_pair       one goroutine sends and receives at a channel with room; an op is the pair
 *   select          a sender alternates between two unbuffered channels, a receiver selects; an op
 *                   is one element
 *   select_default  a select of one receive and a default that is taken
 *   select2_default a select of two receives and a default that is taken
 *   try_recv        the same as select_default, by the call that we have for it
 *   sieve           the first N primes by a chain of filters; an op is one prime
 *   select_heavy    100 000 goroutines in a ring pass 10 tokens on; each step is two selects of
 *                   two cases, the other one being the end of it all; an op is one step
 * Locks
 *   mutex           lock and unlock by a single goroutine
 *   mutex8          lock and unlock by 8 goroutines at one mutex; an op is one pair
 *   rwmutex_read    read lock and unlock by a single goroutine
 *   rwmutex_read8   the same by 8 goroutines at one lock
 * Time and contexts (from here on in bench_go_time.c and bench_time.go)
 *   timer           makes a timer of an hour and stops it
 *   sleepers        100 000 goroutines sleep 1 ms ten times each; an op is one sleep
 *   context         makes a child of a context that can be cancelled, asks for its channel, cancels
 *                   it and receives
 * Large
 *   parked          N goroutines wait at a channel at the same time; an op is the start, release
 *                   and end of one; bytes: resident memory and page tables of one
 *   timers          N timers, due within an hour, are active at the same time; an op is the making
 *                   and stopping of one; bytes of one
 * Not a time for an operation; N is a number of milliseconds or of samples
 *   idle            the processor time that 100 goroutines take that sleep a second again and
 *                   again, in percent of one processor, over N ms
 *   latency         how late a sleep of 1 ms ends, the 99th percentile of N, in ns, while 8
 *                   goroutines exchange messages and compute 10 us for each */
#include "bench_go.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

go_waitgroup wg;
long bytes_each;
double figure;

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

static void spawn_together(long n, int together)
{
    for (long i = 0; i < n; i += together) {
        go_waitgroup_add(&wg, together);
        for (int k = 0; k < together; k++)
            go(done);
        go_waitgroup_wait(&wg);
    }
}

static void op_spawn_batch(long n)
{
    spawn_together(n, 1000);
}

static void op_spawn_storm(long n)
{
    spawn_together(n, 100000);
}

static void yielder(long n)
{
    for (long i = 0; i < n; i++)
        go_yield();
    go_waitgroup_done(&wg);
}

static void op_yield(long n)
{
    go_waitgroup_add(&wg, 64);
    for (int k = 0; k < 64; k++)
        go(yielder, n / 64);
    go_waitgroup_wait(&wg);
}

static void op_yield_one(long n)
{
    for (long i = 0; i < n; i++)
        go_yield();
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

static void sender(go_chan(int) c, long n)
{
    for (long i = 0; i < n; i++)
        go_chan_send(c, 1);
    go_waitgroup_done(&wg);
}

static void receiver(go_chan(int) c, long n)
{
    for (long i = 0; i < n; i++)
        go_chan_recv(c);
    go_waitgroup_done(&wg);
}

static void op_mpmc(long n)
{
    go_chan(int) c = go_chan_make(int, 128);
    go_waitgroup_add(&wg, 8);
    for (int k = 0; k < 4; k++) {
        go(sender, c, n / 4);
        go(receiver, c, n / 4);
    }
    go_waitgroup_wait(&wg);
    go_chan_free(c);
}

static void op_chan_pair(long n)
{
    go_chan(int) c = go_chan_make(int, 128);
    for (long i = 0; i < n; i++) {
        go_chan_send(c, 1);
        go_chan_recv(c);
    }
    go_chan_free(c);
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

static void reader(go_rwmutex *m, long n)
{
    for (long i = 0; i < n; i++) {
        go_rwmutex_rlock(m);
        go_rwmutex_runlock(m);
    }
    go_waitgroup_done(&wg);
}

static void read_with(int goroutines, long n)
{
    static go_rwmutex m;
    go_waitgroup_add(&wg, goroutines);
    for (int k = 0; k < goroutines; k++)
        go(reader, &m, n / goroutines);
    go_waitgroup_wait(&wg);
}

static void op_rwmutex_read(long n)
{
    read_with(1, n);
}

static void op_rwmutex_read8(long n)
{
    read_with(8, n);
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

static void op_select_default(long n)
{
    go_chan(int) c = go_chan_make(int, 0);
    for (long i = 0; i < n; i++) {
        int v;
        go_select(go_recv_case(c, &v), go_default);
    }
    go_chan_free(c);
}

static void op_select2_default(long n)
{
    go_chan(int) a = go_chan_make(int, 0);
    go_chan(int) b = go_chan_make(int, 0);
    for (long i = 0; i < n; i++) {
        int v;
        go_select(go_recv_case(a, &v), go_recv_case(b, &v), go_default);
    }
    go_chan_free(a);
    go_chan_free(b);
}

static void op_try_recv(long n)
{
    go_chan(int) c = go_chan_make(int, 0);
    for (long i = 0; i < n; i++) {
        int v;
        go_chan_try_recv(c, &v);
    }
    go_chan_free(c);
}

/* ---- the sieve: each filter lets pass what its prime does not divide ---- */

static void filter(go_chan(int) in, go_chan(int) out, int prime)
{
    go_chan_range(int, v, in)
        if (v % prime)
            go_chan_send(out, v);
    go_chan_close(out);
}

static void count_up(go_chan(int) out, int last)
{
    for (int v = 2; v <= last; v++)
        go_chan_send(out, v);
    go_chan_close(out);
}

static void op_sieve(long n)
{
    go_chan(int) *c = malloc(((size_t)n + 1) * sizeof *c);
    c[0] = go_chan_make(int, 0);
    go(count_up, c[0], (int)(10 * n + 20));
    for (long i = 0; i < n; i++) {
        int prime = go_chan_recv(c[i]);
        c[i + 1] = go_chan_make(int, 0);
        go(filter, c[i], c[i + 1], prime);
    }
    while (go_chan_recv_ok(c[n], NULL))
        ;
    for (long i = 0; i <= n; i++)
        go_chan_free(c[i]);
    free(c);
}

/* ---- the ring ---- */

enum { RING = 100000, TOKENS = 10 };

static void member(go_chan(int) in, go_chan(int) out, go_chan(char) quit)
{
    for (int v;;) {
        if (go_select(go_recv_case(in, &v), go_recv_case(quit, NULL)) == 1)
            break;
        if (go_select(go_send_case(out, v), go_recv_case(quit, NULL)) == 1)
            break;
    }
    go_waitgroup_done(&wg);
}

/* Each token comes round n / RING / TOKENS times, once at least. */
static void op_select_heavy(long n)
{
    static go_chan(int) c[RING + 1];
    go_chan(char) quit = go_chan_make(char, 0);
    for (int i = 0; i <= RING; i++)
        c[i] = go_chan_make(int, 0);
    go_waitgroup_add(&wg, RING);
    for (int i = 0; i < RING; i++)
        go(member, c[i], c[i + 1], quit);
    for (int i = 0; i < TOKENS; i++)
        go_chan_send(c[i * (RING / TOKENS)], i);
    for (long left = n < RING * TOKENS ? 1 : n / RING / TOKENS; left > 0; left--)
        for (int i = 0; i < TOKENS; i++)
            go_chan_send(c[0], go_chan_recv(c[RING]));
    go_chan_close(quit);
    go_waitgroup_wait(&wg);
    for (int i = 0; i <= RING; i++)
        go_chan_free(c[i]);
    go_chan_free(quit);
}

/* ---- trees ---- */

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

static void fib_into(int n, int64_t *ret, go_waitgroup *done_with);

static int64_t fib(int n)
{
    if (n < 2)
        return n;
    go_waitgroup left_done = {0};
    int64_t left;
    go_waitgroup_add(&left_done, 1);
    go(fib_into, n - 1, &left, &left_done);
    int64_t right = fib(n - 2);
    go_waitgroup_wait(&left_done);
    return left + right;
}

static void fib_into(int n, int64_t *ret, go_waitgroup *done_with)
{
    *ret = fib(n);
    go_waitgroup_done(done_with);
}

static void op_fib(long n)
{
    for (long i = 0; i < n; i++)
        if (fib(20) != 6765)
            go_panic("fib(20) is wrong");
}

static const struct op {
    const char *name;
    void (*run)(long n);
    bool once; /* no warm-up: it would leave memory behind to be used again */
} ops[] = {
    {"yield", op_yield, false},
    {"yield_one", op_yield_one, false},
    {"spawn", op_spawn, false},
    {"spawn_batch", op_spawn_batch, false},
    {"spawn_storm", op_spawn_storm, false},
    {"skynet", op_skynet, true},
    {"fib", op_fib, false},
    {"pingpong", op_pingpong, false},
    {"buffered", op_buffered, false},
    {"mpmc", op_mpmc, false},
    {"chan_pair", op_chan_pair, false},
    {"select", op_select, false},
    {"select_default", op_select_default, false},
    {"select2_default", op_select2_default, false},
    {"try_recv", op_try_recv, false},
    {"sieve", op_sieve, true},
    {"select_heavy", op_select_heavy, true},
    {"mutex", op_mutex, false},
    {"mutex8", op_mutex8, false},
    {"rwmutex_read", op_rwmutex_read, false},
    {"rwmutex_read8", op_rwmutex_read8, false},
    {"timer", op_timer, false},
    {"sleepers", op_sleepers, true},
    {"context", op_context, false},
    {"parked", op_parked, true},
    {"timers", op_timers, true},
    {"idle", op_idle, true},
    {"latency", op_latency, true},
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
        double ns = (double)go_since(start) / (double)n;
        printf("%s %.3f", ops[i].name, figure > 0 ? figure : ns);
        if (bytes_each)
            printf(" %ld", bytes_each);
        putchar('\n');
        return 0;
    }
    fprintf(stderr, "usage: %s OPERATION N   with OPERATION one of", argv[0]);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        fprintf(stderr, " %s", ops[i].name);
    fputc('\n', stderr);
    return 2;
}
