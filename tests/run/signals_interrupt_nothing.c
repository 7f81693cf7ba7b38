/* Signals that arrive all the time, with handlers that do not restart system calls, end no wait
 * early: sleeps, timers, channels, locks, plain threads.  Handlers run on a stack that is large
 * enough, also when a goroutine with a small one is interrupted. */
// procs: 1,2
// timeout: 60
// stdout: all as without
#include "expect.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

static atomic_int handled;
static atomic_bool over;

/* The next one comes when this one is over: on a slow machine the program goes on, too. */
static void next_signal(void)
{
    struct itimerval soon = {{0, 0}, {0, 500}};
    EXPECT(setitimer(ITIMER_REAL, &soon, NULL) == 0);
}

static void handler(int sig)
{
    volatile char frame[16384]; /* more than the small goroutines have left */
    memset((char *)frame, sig, sizeof frame);
    atomic_fetch_add(&handled, frame[100] == sig);
    next_signal();
}

static void begin_signals(void)
{
    struct sigaction act = {.sa_handler = handler, .sa_flags = SA_ONSTACK}; /* no SA_RESTART */
    EXPECT(sigaction(SIGALRM, &act, NULL) == 0);
    next_signal();
}

static void sleeper(void)
{
    for (int i = 0; i < 20; i++) {
        go_time before = go_now();
        go_sleep(3 * GO_MILLISECOND);
        EXPECT(go_since(before) >= 3 * GO_MILLISECOND);
    }
}

static void talker(go_chan(int) in, go_chan(int) out, int n)
{
    for (int i = 0; i < n; i++) {
        EXPECT(go_chan_recv(in) == i);
        if (i % 50 == 0)
            go_sleep(GO_MILLISECOND);
        go_chan_send(out, i);
    }
}

static void *thread(void *chans)
{
    go_chan(int) *c = chans;
    talker(c[0], c[1], 500);
    return NULL;
}

static int burn(int n)
{
    volatile char frame[256];
    frame[n % 256] = (char)n;
    return n ? burn(n - 1) + frame[n % 256] : 0;
}

static void deep(void)
{
    while (!atomic_load(&over)) {
        burn(20);
        go_yield();
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0}, small = {0};
    go_chan(int) c[2] = {go_chan_make(int, 0), go_chan_make(int, 0)};
    go_chan(int) d[2] = {go_chan_make(int, 1), go_chan_make(int, 1)};
    pthread_t t;
    begin_signals();
    go_set_stack_size(16 << 10);
    go_waitgroup_go(&small, deep);
    go_set_stack_size(256 << 10);
    go_waitgroup_go(&wg, sleeper);
    go_waitgroup_go(&wg, sleeper);
    go_waitgroup_go(&wg, talker, d[0], d[1], 500);
    EXPECT(pthread_create(&t, NULL, thread, c) == 0);
    for (int i = 0; i < 500; i++) {
        go_chan_send(c[0], i);
        go_chan_send(d[0], i);
        EXPECT(go_chan_recv(c[1]) == i && go_chan_recv(d[1]) == i);
    }
    EXPECT(pthread_join(t, NULL) == 0);
    go_waitgroup_wait(&wg);
    while (atomic_load(&handled) < 20)
        go_sleep(GO_MILLISECOND);
    atomic_store(&over, true);
    go_waitgroup_wait(&small);
    puts("all as without");
    return 0;
}
