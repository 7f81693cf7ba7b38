/* message_by_pointer_raced.c - a race: two goroutines, one variable, no order.
 *
 * The goroutine gets the address of main's variable, and main changes the variable while the
 * goroutine reads it.  What it prints is chance.  message_by_value.c is the cure.
 *
 *     goshawk run -race message_by_pointer_raced.c
 *
 * Prints: hello or goodbye, and with -race a report that names both lines; then the exit code is 66
 * */
#include <goshawk.h>
#include <stdio.h>

static void say(const char **message)
{
    puts(*message);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    const char *message = "hello";
    go(say, &message);
    message = "goodbye";
    go_sleep(100 * GO_MILLISECOND);
    return 0;
}
