/* Who gets a turn: yielding lets the others run, also from a locked thread; as many goroutines run
 * at once as there are processors, and no more; timers fire while a pair never stops talking. */
// timeout: 120
// case: yield
// procs: 1,4
// stdout: each had its turn
// case: yield-locked
// procs: 1,4
// stdout: each had its turn
// case: all-at-once
// procs: 1,2,3
// runs: 2
// stdout: all met
// case: timer-beside-a-pair
// procs: 1,2
// stdout: the timer fired
// case: ticker-beside-two-pairs
// procs: 1,2
// stdout: the timer fired
// case: more-processors-than-cpus
// procs: 64,1000
// stdout: a thousand came back
#include "expect.h"

#include <stdatomic.h>

static atomic_bool stop;
static atomic_int there;

static void set_flag(atomic_int *flag)
{
    atomic_store(flag, 1);
}

/* Only yields: the other one can run although this one is always runnable. */
static void wait_by_yielding(bool locked, go_waitgroup *wg)
{
    atomic_int flag = 0;
    if (locked)
        go_lock_thread();
    go(set_flag, &flag);
    while (!atomic_load(&flag))
        go_yield();
    if (locked)
        go_unlock_thread();
    go_waitgroup_done(wg);
}

static void yield(bool locked)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < 50; i++) {
        go_waitgroup_add(&wg, 4);
        for (int k = 0; k < 4; k++)
            go(wait_by_yielding, locked, &wg);
        go_waitgroup_wait(&wg);
    }
    puts("each had its turn");
}

/* Each waits for all the others without a call: only if all of them run at once it ends. */
static void meet(int n, go_chan(int) done)
{
    atomic_fetch_add(&there, 1);
    while (atomic_load(&there) < n)
        ;
    go_chan_send(done, 1);
}

static void all_at_once(void)
{
    int n = go_maxprocs(0);
    go_chan(int) done = go_chan_make(int, 0);
    for (int round = 0; round < 5; round++) {
        atomic_store(&there, 0);
        for (int i = 0; i < n; i++)
            go(meet, n, done);
        for (int i = 0; i < n; i++)
            go_chan_recv(done);
    }
    puts("all met");
}

static void talk(go_chan(int) from, go_chan(int) to, go_waitgroup *wg)
{
    while (!atomic_load(&stop)) {
        go_chan_send(to, 1);
        go_chan_recv(from);
    }
    go_chan_try_send(to, 1); /* the other one may wait for the last word */
    go_waitgroup_done(wg);
}

static void beside_pairs(int pairs, int ticks)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < pairs; i++) {
        go_chan(int) a = go_chan_make(int, 2), b = go_chan_make(int, 2);
        go_waitgroup_add(&wg, 2);
        go(talk, a, b, &wg);
        go(talk, b, a, &wg);
    }
    go_ticker *t = go_ticker_new(2 * GO_MILLISECOND);
    go_time start = go_now();
    for (int i = 0; i < ticks; i++)
        go_chan_recv(go_ticker_chan(t));
    EXPECT(go_since(start) < 20 * GO_SECOND);
    go_ticker_free(t);
    atomic_store(&stop, true);
    go_waitgroup_wait(&wg);
    puts("the timer fired");
}

static void come_back(go_chan(int) c, atomic_int *n)
{
    go_yield();
    go_chan_recv(c);
    atomic_fetch_add(n, 1);
}

static void more_processors(void)
{
    static atomic_int n;
    go_chan(int) c = go_chan_make(int, 0);
    go_waitgroup wg = {0};
    for (int i = 0; i < 1000; i++)
        go_waitgroup_go(&wg, come_back, c, &n);
    for (int i = 0; i < 500; i++)
        go_chan_send(c, i);
    go_chan_close(c);
    go_waitgroup_wait(&wg);
    EXPECT(atomic_load(&n) == 1000);
    puts("a thousand came back");
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    if (!strcmp(argv[1], "yield"))
        yield(false);
    else if (!strcmp(argv[1], "yield-locked"))
        yield(true);
    else if (!strcmp(argv[1], "all-at-once"))
        all_at_once();
    else if (!strcmp(argv[1], "timer-beside-a-pair"))
        beside_pairs(1, 1);
    else if (!strcmp(argv[1], "ticker-beside-two-pairs"))
        beside_pairs(2, 20);
    else if (!strcmp(argv[1], "more-processors-than-cpus"))
        more_processors();
    return 0;
}
