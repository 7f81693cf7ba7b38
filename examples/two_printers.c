/* two_printers.c - two goroutines that take turns because both sleep.
 *
 * A sleeping goroutine costs no thread: the other runs meanwhile, and both need the time of one.
 *
 *     goshawk run two_printers.c
 *
 * Prints: 1 to 5 from each printer, interleaved */
#include <goshawk.h>
#include <stdio.h>

static void print_numbers(const char *name)
{
    for (int i = 1; i <= 5; i++) {
        printf("%s %d\n", name, i);
        go_sleep(5 * GO_MILLISECOND);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, print_numbers, "first");
    go_waitgroup_go(&wg, print_numbers, "second");
    go_waitgroup_wait(&wg);
    return 0;
}
