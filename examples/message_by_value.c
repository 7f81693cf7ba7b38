/* message_by_value.c - an argument is evaluated when the goroutine is started.
 *
 * go(say, message) has the meaning of the call say(message), made now: the goroutine has a copy of
 * its own, and main may change its variable.
 *
 *     goshawk run message_by_value.c
 *
 * Prints: hello, then goodbye */
#include <goshawk.h>
#include <stdio.h>

static go_waitgroup wg;

static void say(const char *message)
{
    puts(message);
    go_waitgroup_done(&wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    const char *message = "hello";
    go_waitgroup_add(&wg, 1);
    go(say, message);
    message = "goodbye";
    go_waitgroup_wait(&wg);
    puts(message);
    return 0;
}
