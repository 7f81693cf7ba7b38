/* waitgroup.c - waiting for goroutines to finish.
 *
 * A WaitGroup counts: add before the goroutine starts, done when it ends, wait until the count is
 * zero.  go_waitgroup_go() does the first two by itself.
 *
 *     goshawk run waitgroup.c
 *
 * Prints: Hello, world! three times, then all done */
#include <goshawk.h>
#include <stdio.h>

static void say_hello(go_waitgroup *wg)
{
    go_defer(go_waitgroup_done, wg);
    puts("Hello, world!");
}

static void say_hello_too(void)
{
    puts("Hello, world!");
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};

    go_waitgroup_add(&wg, 1);
    go(say_hello, &wg);

    go_waitgroup_go(&wg, say_hello_too);
    go_waitgroup_go(&wg, say_hello_too);

    go_waitgroup_wait(&wg);
    puts("all done");
    return 0;
}
