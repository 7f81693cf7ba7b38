/* Under GOSHAWK_SEED, too, others run while a goroutine spins until they have done something, or
 * makes its thread wait for that; the clock jumps while threads wait for what a timer brings. */
// timeout: 60
// env: GOSHAWK_SEED=3
// case: spin
// stdout: seen
// case: polls
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

int go_main(int argc, char **argv)
{
    char byte;
    EXPECT(argc == 2 && sem_init(&sem, 0, 0) == 0 && pipe(ends) == 0);
    const char *what = argv[1];
    go(tells, strstr(what, "read") ? GO_HOUR : 0);
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
