/* hello.c - the smallest goroutine.
 *
 * go(f) starts f() beside the function that goes on.  The sleep gives it time to speak; waitgroup.c
 * shows the right way to wait.
 *
 *     goshawk run hello.c
 *
 * Prints: Hello */
#include <goshawk.h>
#include <stdio.h>

static void say_hello(void)
{
    puts("Hello");
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go(say_hello);
    go_sleep(100 * GO_MILLISECOND);
    return 0;
}
