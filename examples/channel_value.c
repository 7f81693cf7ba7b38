/* channel_value.c - a value goes from one goroutine to another.
 *
 * An unbuffered channel is a meeting: the sender waits for the receiver and the receiver for the
 * sender, and what the sender did before is visible to the receiver after.
 *
 *     goshawk run -race channel_value.c
 *
 * Prints: got 10; the detector is silent */
#include <goshawk.h>
#include <stdio.h>

static void produce(go_chan(int) c)
{
    go_chan_send(c, 10);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) c = go_chan_make(int, 0);
    go(produce, c);
    int val = go_chan_recv(c);
    printf("got %d\n", val);
    go_chan_free(c);
    return 0;
}
