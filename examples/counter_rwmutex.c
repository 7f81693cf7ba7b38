/* counter_rwmutex.c - the counter of counter_raced.c behind a reader-writer lock.
 *
 * Any number of goroutines may read at once, or a single one may write.  The race is gone and the
 * count is right; who comes first is still open, so the numbers only never fall.
 *
 *     goshawk run -race counter_rwmutex.c
 *
 * Prints: ten lines "Hello #n", then counter = 10; the detector is silent */
#include <goshawk.h>
#include <stdio.h>

static go_waitgroup wg;
static go_rwmutex lock;
static int counter;

static void say_hello(void)
{
    go_rwmutex_rlock(&lock);
    printf("Hello #%d\n", counter);
    go_rwmutex_runlock(&lock);
    go_waitgroup_done(&wg);
}

static void increment(void)
{
    go_rwmutex_lock(&lock);
    counter++;
    go_rwmutex_unlock(&lock);
    go_waitgroup_done(&wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int i = 0; i < 10; i++) {
        go_waitgroup_add(&wg, 2);
        go(say_hello);
        go(increment);
    }
    go_waitgroup_wait(&wg);
    printf("counter = %d\n", counter);
    return 0;
}
