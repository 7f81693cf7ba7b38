/* main_ends_first.c - the program ends with its main goroutine.
 *
 * go_main() returns while its goroutine still sleeps.  Nobody waits for goroutines: what they had
 * left to do is not done.
 *
 *     goshawk run main_ends_first.c
 *
 * Prints: main is done      (and never "Hello") */
#include <goshawk.h>
#include <stdio.h>

static void say_hello(void)
{
    go_sleep(GO_HOUR);
    puts("Hello");
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go(say_hello);
    puts("main is done");
    return 0;
}
