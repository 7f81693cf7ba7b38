/* start_process_done.c - two flows of control and a nap between them.
 *
 * The main goroutine starts another and sleeps; meanwhile the other works.  Sleeping is a poor way
 * to wait, for nobody knows how long the work takes; channel_value.c and waitgroup.c do better.
 *
 *     goshawk run start_process_done.c
 *
 * Prints: start, processing, done */
#include <goshawk.h>
#include <stdio.h>

static void process(void)
{
    puts("processing");
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    puts("start");
    go(process);
    go_sleep(100 * GO_MILLISECOND);
    puts("done");
    return 0;
}
