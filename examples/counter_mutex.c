/* counter_mutex.c - twenty goroutines, one counter, one mutex.
 *
 * Whoever holds the mutex is alone with what it guards: each goroutine finds the counter as the one
 * before it has left it.  go_defer() unlocks at the end of the block, whichever way it is left.
 *
 *     goshawk run -race counter_mutex.c
 *
 * Prints: 1 to 20, in order; the detector is silent */
#include <goshawk.h>
#include <stdio.h>

static go_waitgroup wg;
static go_mutex lock;
static int counter; /* guarded by lock */

static void increment(void)
{
    go_defer(go_waitgroup_done, &wg);
    go_mutex_lock(&lock);
    go_defer(go_mutex_unlock, &lock);
    counter++;
    printf("%d\n", counter);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup_add(&wg, 20);
    for (int i = 0; i < 20; i++)
        go(increment);
    go_waitgroup_wait(&wg);
    return 0;
}
