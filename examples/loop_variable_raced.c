/* loop_variable_raced.c - five goroutines read the variable of a loop that goes on.
 *
 * All five have the address of the same i, and the loop increments it while they read.
 * loop_variable_passed.c is the cure.
 *
 *     goshawk run -race loop_variable_raced.c
 *
 * Prints: five numbers from 0 to 5, often all 5, and with -race a report; then the exit code is 66
 * */
#include <goshawk.h>
#include <stdio.h>

static void print(const int *i)
{
    printf("%d\n", *i);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    int i;
    for (i = 0; i < 5; i++)
        go_waitgroup_go(&wg, print, &i);
    go_waitgroup_wait(&wg);
    return 0;
}
