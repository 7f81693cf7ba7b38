/* loop_variable_passed.c - five goroutines, each with a number of its own.
 *
 * The value of i is copied when the goroutine is started; what the loop does then is no matter.
 *
 *     goshawk run -race loop_variable_passed.c
 *
 * Prints: 0 to 4, each once, in any order; the detector is silent */
#include <goshawk.h>
#include <stdio.h>

static void print(int i)
{
    printf("%d\n", i);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    for (int i = 0; i < 5; i++)
        go_waitgroup_go(&wg, print, i);
    go_waitgroup_wait(&wg);
    return 0;
}
