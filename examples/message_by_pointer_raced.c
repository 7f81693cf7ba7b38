/* message_by_pointer_raced.c - a race: two goroutines, one variable, no order.
 *
 * The goroutine gets the address of main's variable, and main changes the variable while the
 * goroutine reads it.  What it prints is chance.  message_by_value.c is the cure.
 *
 *     goshawk run -race message_by_pointer_raced.c
 *
 * Prints: hello or goodbye, and with -race a report that names both lines (exit code 66)
 */
#include <goshawk.h>
#include <stdio.h>

static go_waitgroup wg;

static void say(const char **message)
{
    puts(*message);
    go_waitgroup_done(&wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    const char *message = "hello";
    go_waitgroup_add(&wg, 1);
    go(say, &message);
    message = "goodbye";
    go_waitgroup_wait(&wg);
    return 0;
}
