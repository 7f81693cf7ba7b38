/* counter_raced.c - twenty goroutines and a counter that nobody guards.
 *
 * Ten goroutines read the counter, ten increment it, and nothing orders them: increments get lost,
 * the numbers come in any order.  counter_rwmutex.c, counter_locked_outside.c and counter_mutex.c
 * are three cures.
 *
 *     goshawk run -race counter_raced.c
 *
 * Prints: ten lines "Hello #n", and with -race a report with the stacks of say_hello() and
 * increment(); then the exit code is 66 */
#include <goshawk.h>
#include <stdio.h>

static go_waitgroup wg;
static int counter;

static void say_hello(void)
{
    printf("Hello #%d\n", counter);
    go_waitgroup_done(&wg);
}

static void increment(void)
{
    counter++;
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
    return 0;
}
