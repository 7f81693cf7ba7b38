/* counter_locked_outside.c - a lock taken by one goroutine and dropped by another.
 *
 * main takes the lock before it starts each goroutine, which drops it when it is done.  So the
 * goroutines run strictly one after the other: the order is perfect, and nothing is parallel any
 * more.
 *
 *     goshawk run -race counter_locked_outside.c
 *
 * Prints: Hello #0 to Hello #9, in order; the detector is silent */
#include <goshawk.h>
#include <stdio.h>

static go_waitgroup wg;
static go_rwmutex lock;
static int counter;

static void say_hello(void)
{
    printf("Hello #%d\n", counter);
    go_rwmutex_runlock(&lock);
    go_waitgroup_done(&wg);
}

static void increment(void)
{
    counter++;
    go_rwmutex_unlock(&lock);
    go_waitgroup_done(&wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int i = 0; i < 10; i++) {
        go_waitgroup_add(&wg, 2);
        go_rwmutex_rlock(&lock);
        go(say_hello);
        go_rwmutex_lock(&lock);
        go(increment);
    }
    go_waitgroup_wait(&wg);
    return 0;
}
