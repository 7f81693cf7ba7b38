/* deadlock_channel.c - waiting for a value that nobody will send.
 *
 * When no goroutine can ever run again the program says so, shows where each of them waits, and
 * ends.
 *
 *     goshawk run deadlock_channel.c
 *
 * Prints: waiting, then "fatal error: all goroutines are asleep - deadlock!" with the stack of
 * goroutine 1; the exit code is 2 */
#include <goshawk.h>
#include <stdio.h>

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) c = go_chan_make(int, 0);
    puts("waiting");
    fflush(stdout);
    return go_chan_recv(c);
}
