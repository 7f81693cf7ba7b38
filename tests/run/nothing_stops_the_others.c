/* Goroutines that compute for ever or block their thread in the kernel, without a word to the
 * runtime, do not keep the others from running: also when there are more of them than
 * processors. */
// procs: 1,2
// case: loop
// stdout: 100 values came through
// case: read
// stdout: 100 values came through
// stdout: the call ended
// case: lock
// stdout: 100 values came through
// case: timer
// stdout: the timer fired
// case: spawn
// stdout: it gave way
#include "expect.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { HOGS = 3, VALUES = 100 };

static atomic_int begun, stop;

static void loop(void)
{
    atomic_fetch_add(&begun, 1);
    for (;;)
        atomic_load(&stop);
}

/* The last hog may begin only when the first ones have lost their processor. */
static void start_hogs(void (*hog)(void))
{
    for (int i = 0; i < HOGS; i++)
        go(hog);
    while (atomic_load(&begun) < HOGS)
        go_yield();
}

static void produce(go_chan(int) c)
{
    for (int i = 0; i < VALUES; i++)
        go_chan_send(c, i);
    go_chan_close(c);
}

static void exchange(void)
{
    go_chan(int) c = go_chan_make(int, 0);
    go(produce, c);
    int n = 0;
    go_chan_range(int, v, c) {
        EXPECT(v == n);
        n++;
    }
    printf("%d values came through\n", n);
    fflush(stdout);
}

/* ---- in the kernel ---- */

static int fds[2];
static go_waitgroup ended;

static void read_pipe(void)
{
    char c;
    atomic_fetch_add(&begun, 1);
    EXPECT(read(fds[0], &c, 1) == 1);
    go_waitgroup_done(&ended);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock(void)
{
    atomic_fetch_add(&begun, 1);
    pthread_mutex_lock(&mutex);
}

/* ---- a hog that calls the runtime ---- */

static void nothing(void)
{
}

/* Starts goroutines but never waits: its P is taken, and the next go statement gives way. */
static void spawn_for_ever(void)
{
    atomic_fetch_add(&begun, 1);
    while (!atomic_load(&stop)) {
        for (volatile long i = 0; i < 30000000; i++)
            ;
        go(nothing);
    }
    atomic_fetch_add(&stop, 1);
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    if (!strcmp(argv[1], "loop")) {
        start_hogs(loop);
        exchange();
    } else if (!strcmp(argv[1], "read")) {
        EXPECT(pipe(fds) == 0);
        go_waitgroup_add(&ended, HOGS);
        start_hogs(read_pipe);
        exchange();
        EXPECT(write(fds[1], "xyz", HOGS) == HOGS);
        go_waitgroup_wait(&ended);
        puts("the call ended");
    } else if (!strcmp(argv[1], "lock")) {
        pthread_mutex_lock(&mutex);
        start_hogs(lock);
        exchange();
    } else if (!strcmp(argv[1], "timer")) {
        start_hogs(loop);
        go_chan_recv(go_after(GO_MILLISECOND));
        puts("the timer fired");
    } else {
        start_hogs(spawn_for_ever);
        atomic_store(&stop, 1);
        while (atomic_load(&stop) < 1 + HOGS)
            go_yield();
        puts("it gave way");
    }
    return 0;
}
