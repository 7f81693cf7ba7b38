/* A goroutine that computes for ever, or sits in the kernel, stops nobody else, on one processor
 * too: neither goroutines nor timers, nor those that pass a value to and fro, nor a second one of
 * its kind. */
// procs: 1,2
// timeout: 60
// case: spinner
// stdout: others went on beside 1 that compute
// case: spinners
// stdout: others went on beside 5 that compute
// case: spinner-after-a-call
// stdout: others went on beside 1 that compute
// case: ping-pong
// stdout: the pair went on
// case: reader
// stdout: others went on beside a read
// case: main-spins
// stdout: main had its turn
// case: many-calls
// stdout: 4 computed, each a thousand times
#include "expect.h"

#include <stdatomic.h>

static atomic_bool stop;
static atomic_int spinning;

static void spin(bool calls_first)
{
    if (calls_first) {
        go_blocking_begin();
        usleep(1000); /* sleeps: a call that blocks its thread */
        go_blocking_end();
    }
    atomic_fetch_add(&spinning, 1);
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        ;
    atomic_fetch_sub(&spinning, 1);
}

static void echo(go_chan(int) in, go_chan(int) out)
{
    go_chan_range(int, v, in)
        go_chan_send(out, v + 1);
    go_chan_close(out);
}

/* Everything that needs the scheduler: a pair that talks, a timer, new goroutines, a lock. */
static void the_others_go_on(int rounds)
{
    go_chan(int) in = go_chan_make(int, 0), out = go_chan_make(int, 0);
    go_waitgroup wg = {0};
    go(echo, in, out);
    for (int i = 0; i < rounds; i++) {
        go_chan_send(in, i);
        EXPECT(go_chan_recv(out) == i + 1);
    }
    go_sleep(GO_MILLISECOND);
    for (int i = 0; i < 10; i++)
        go_waitgroup_go(&wg, go_yield);
    go_waitgroup_wait(&wg);
    go_chan_close(in);
    EXPECT(!go_chan_recv_ok(out, NULL));
}

static void beside_spinners(int n, bool calls_first)
{
    for (int i = 0; i < n; i++)
        go(spin, calls_first);
    while (atomic_load(&spinning) < n)
        go_yield();
    for (int i = 0; i < 3; i++)
        the_others_go_on(200);
    EXPECT(atomic_load(&spinning) == n);
    atomic_store(&stop, true);
    while (atomic_load(&spinning) > 0)
        go_yield();
    printf("others went on beside %d that compute\n", n);
}

/* As with one processor between them the pair must not get one turn for each slice of the other. */
static void ping_pong(void)
{
    go(spin, false);
    while (!atomic_load(&spinning))
        go_yield();
    go_time start = go_now();
    the_others_go_on(20000);
    EXPECT(go_since(start) < 20 * GO_SECOND); /* a slice for each turn would be minutes */
    atomic_store(&stop, true);
    puts("the pair went on");
}

static void read_pipe(int fd, go_chan(int) done)
{
    char c;
    EXPECT(read(fd, &c, 1) == 1); /* a plain call: nobody told the library */
    go_chan_send(done, c);
}

static void beside_a_read(void)
{
    int fd[2];
    go_chan(int) done = go_chan_make(int, 0);
    EXPECT(pipe(fd) == 0);
    go(read_pipe, fd[0], done);
    for (int i = 0; i < 3; i++)
        the_others_go_on(200);
    EXPECT(write(fd[1], "x", 1) == 1);
    EXPECT(go_chan_recv(done) == 'x');
    puts("others went on beside a read");
}

static void set_after_a_sleep(void)
{
    go_sleep(2 * GO_MILLISECOND);
    atomic_store(&stop, true);
}

static void main_spins(void)
{
    go(set_after_a_sleep);
    spin(false);
    the_others_go_on(10);
    puts("main had its turn");
}

/* Who has lost its processor gets one back at its next call, again and again. */
static void compute_and_call(int n, go_mutex *m, int *turns)
{
    for (int i = 0; i < n; i++) {
        for (volatile int k = 0; k < 20000; k++)
            ;
        go_mutex_lock(m);
        ++*turns;
        go_mutex_unlock(m);
    }
}

static void many_calls(void)
{
    static go_mutex m;
    static int turns;
    go_waitgroup wg = {0};
    for (int i = 0; i < 4; i++)
        go_waitgroup_go(&wg, compute_and_call, 1000, &m, &turns);
    go_waitgroup_wait(&wg);
    EXPECT(turns == 4000);
    puts("4 computed, each a thousand times");
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    if (!strcmp(argv[1], "spinner"))
        beside_spinners(1, false);
    else if (!strcmp(argv[1], "spinners"))
        beside_spinners(5, false);
    else if (!strcmp(argv[1], "spinner-after-a-call"))
        beside_spinners(1, true);
    else if (!strcmp(argv[1], "ping-pong"))
        ping_pong();
    else if (!strcmp(argv[1], "reader"))
        beside_a_read();
    else if (!strcmp(argv[1], "main-spins"))
        main_spins();
    else if (!strcmp(argv[1], "many-calls"))
        many_calls();
    return 0;
}
