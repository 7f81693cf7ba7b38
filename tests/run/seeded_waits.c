/* Under GOSHAWK_SEED, too, others run while a goroutine spins until they have done something, or
 * makes its thread wait for that; the clock jumps while threads wait for what a timer brings. */
// timeout: 60
// env: GOSHAWK_SEED=3
// case: spin
// stdout: seen
// case: polls
// stdout: seen
// case: tries
// stdout: seen
// case: locks
// stdout: seen
// case: yields
// stdout: seen
// case: passes-on
// stdout: seen
// case: semaphore
// stdout: seen
// case: mutex
// stdout: seen
// case: read
// stdout: seen
// case: read-in-a-blocking-section
// stdout: seen
#include "expect.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

static _Atomic bool there;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static sem_t sem;
static int ends[2];

static void tells(int64_t ns)
{
    go_sleep(ns);
    there = true;
    EXPECT(sem_post(&sem) == 0);
    EXPECT(write(ends[1], "x", 1) == 1);
}

static void locks(go_chan(int) locked)
{
    pthread_mutex_lock(&mu);
    go_chan_close(locked);
    go_sleep(GO_SECOND); /* while the others' thread waits in the kernel */
    pthread_mutex_unlock(&mu);
}

/* Calls that find nothing and do not wait, while another one sleeps or has yet to run. */
static void tries(const char *what)
{
    static go_mutex own;
    go_chan(int) none = go_chan_make(int, 0);
    while (!there) {
        if (!strcmp(what, "tries"))
            go_select(go_recv_case(none, NULL), go_default);
        else if (!strcmp(what, "locks"))
            go_mutex_lock(&own), go_mutex_unlock(&own);
        else
            go_yield();
    }
    go_chan_free(none);
}

static void echoes(go_chan(int) in, go_chan(int) out)
{
    go_chan_range(int, v, in)
        go_chan_send(out, v);
    go_chan_close(out);
}

/* Two that always have something to do, until one who sleeps has woken. */
static void passes_on(void)
{
    go_chan(int) to = go_chan_make(int, 0), from = go_chan_make(int, 0);
    go(echoes, to, from);
    while (!there) {
        go_chan_send(to, 1);
        go_chan_recv(from);
    }
    int v;
    go_chan_close(to);
    EXPECT(!go_chan_recv_ok(from, &v));
    go_chan_free(to);
    go_chan_free(from);
}

int go_main(int argc, char **argv)
{
    char byte;
    EXPECT(argc == 2 && sem_init(&sem, 0, 0) == 0 && pipe(ends) == 0);
    const char *what = argv[1];
    bool is_awake = strstr("tries locks yields passes-on", what);
    go(tells, strstr(what, "read") ? GO_HOUR : is_awake ? 1000 : 0);
    if (!strcmp(what, "passes-on"))
        passes_on();
    else if (is_awake)
        tries(what);
    while (!strcmp(what, "spin") && !there)
        continue;
    while (!strcmp(what, "polls") && !there)
        usleep(1000); /* sleeps: as the case says */
    if (!strcmp(what, "semaphore"))
        EXPECT(sem_wait(&sem) == 0);
    if (!strcmp(what, "mutex")) {
        go_chan(int) locked = go_chan_make(int, 0);
        go(locks, locked);
        go_chan_recv(locked);
        pthread_mutex_lock(&mu);
        pthread_mutex_unlock(&mu);
        go_chan_free(locked);
    }
    if (strstr(what, "blocking"))
        go_blocking_begin();
    if (strstr(what, "read"))
        EXPECT(read(ends[0], &byte, 1) == 1);
    if (strstr(what, "blocking"))
        go_blocking_end();
    puts("seen");
    return 0;
}
