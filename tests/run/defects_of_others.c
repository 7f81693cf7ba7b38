/* What other libraries are known to do wrong, each as it was reproduced there.  Besides these:
 * hundred_thousand_parked.c (their limits: 4,091 and 32,751 goroutines by memory maps, 8,128 under
 * a race detector), errno_and_rounding_follow.c. */
// timeout: 120
// case: channels-of-many
// procs: 1,2,4
// runs: 3
// stdout: 40000 passed
// case: unbounded-ping-pong
// procs: 1,2,4
// stdout: 100000 there and back
// case: sleep-at-the-end
// procs: 1,2
// stdout: slept after everything
// case: slightly-too-deep
// exit: 2
// stderr: fatal error: stack overflow
// stderr: .*8 ?MiB.*|.*83\d{5} bytes.*|.*8192 ?KiB.*
// case: nearly-too-deep
// stdout: 7.5 MiB of 8
#include "expect.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- several channels, several senders and receivers each, on several threads: one library hung
 * with both its threads idle in most runs ---- */

enum { CHANNELS = 4, SENDERS = 4, EACH = 2500 };

static atomic_int received;

static void send_all(go_chan(int) c, go_waitgroup *wg)
{
    for (int i = 0; i < EACH; i++)
        go_chan_send(c, 1);
    go_waitgroup_done(wg);
}

static void receive_all(go_chan(int) c, go_waitgroup *wg)
{
    go_chan_range(int, v, c)
        atomic_fetch_add(&received, v);
    go_waitgroup_done(wg);
}

static void channels_of_many(void)
{
    go_chan(int) c[CHANNELS];
    go_waitgroup senders = {0}, receivers = {0};
    go_waitgroup_add(&senders, CHANNELS * SENDERS);
    go_waitgroup_add(&receivers, CHANNELS * SENDERS);
    for (int i = 0; i < CHANNELS; i++) {
        c[i] = go_chan_make(int, i == 0 ? 0 : 1u << i);
        for (int k = 0; k < SENDERS; k++) {
            go(send_all, c[i], &senders);
            go(receive_all, c[i], &receivers);
        }
    }
    go_waitgroup_wait(&senders);
    for (int i = 0; i < CHANNELS; i++)
        go_chan_close(c[i]);
    go_waitgroup_wait(&receivers);
    printf("%d passed\n", atomic_load(&received));
}

/* ---- a ping-pong over a channel that never fills ---- */

static void pong(go_chan(int) in, go_chan(int) out)
{
    go_chan_range(int, v, in)
        go_chan_send(out, v);
}

static void unbounded_ping_pong(void)
{
    enum { N = 100000 };
    go_chan(int) there = go_chan_make(int, N), back = go_chan_make(int, N);
    go(pong, there, back);
    for (int i = 0; i < N; i++) {
        go_chan_send(there, i);
        EXPECT(go_chan_recv(back) == i);
    }
    printf("%d there and back\n", N);
}

/* ---- sleeping while the program ends: timers must work until the very last ---- */

static int inner(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_sleep(GO_MILLISECOND);
    return 0;
}

static void *run_there(void *arg)
{
    go_chan(int) done = arg;
    for (int i = 0; i < 3; i++)
        go_sleep(GO_MILLISECOND); /* a plain thread sleeps too */
    go_chan_send(done, 1);
    return NULL;
}

static void sleep_at_the_end(void)
{
    go_chan(int) done = go_chan_make(int, 0);
    pthread_t t;
    EXPECT(pthread_create(&t, NULL, run_there, (void *)done) == 0);
    go_chan_recv(done);
    EXPECT(pthread_join(t, NULL) == 0);
    inner(0, NULL);
    puts("slept after everything");
}

/* ---- 8.5 MiB of frames on a stack of 8 MiB: one library does not notice ---- */

static __attribute__((noinline)) long use(long bytes)
{
    volatile char frame[60000];
    frame[0] = (char)bytes;
    frame[sizeof frame - 1] = 1;
    long below = bytes > (long)sizeof frame ? use(bytes - (long)sizeof frame) : 0;
    return below + frame[sizeof frame - 1];
}

static void use_stack(long bytes, go_chan(long) done)
{
    go_chan_send(done, use(bytes));
}

static void deep(long kib)
{
    go_chan(long) done = go_chan_make(long, 0);
    go_set_stack_size(8 << 20);
    go(use_stack, kib << 10, done);
    EXPECT(go_chan_recv(done) > 0);
    puts("7.5 MiB of 8");
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    if (!strcmp(argv[1], "channels-of-many"))
        channels_of_many();
    else if (!strcmp(argv[1], "unbounded-ping-pong"))
        unbounded_ping_pong();
    else if (!strcmp(argv[1], "sleep-at-the-end"))
        sleep_at_the_end();
    else if (!strcmp(argv[1], "slightly-too-deep"))
        deep(8704);
    else if (!strcmp(argv[1], "nearly-too-deep"))
        deep(7680);
    return 0;
}
