/* increment_raced.c - twenty goroutines add one, and it does not make twenty.
 *
 * counter++ is a read and a write; between the two another goroutine may have written.
 * counter_mutex.c is the cure.
 *
 *     goshawk run -race increment_raced.c
 *
 * Prints: twenty numbers, some twice or out of order, and with -race a report; then the exit code
 * is 66 */
#include <goshawk.h>
#include <stdio.h>

static go_waitgroup wg;
static int counter;

static void increment(void)
{
    counter++;
    printf("%d\n", counter);
    go_waitgroup_done(&wg);
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
