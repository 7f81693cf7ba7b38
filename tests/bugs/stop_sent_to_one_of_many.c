/* stop_sent_to_one_of_many.c - one stop is sent to a controller that has several loops (a pattern
 * of istio).
 *
 * A controller ends its loop when it receives from its stop channel.  It got a second loop, with
 * the same channel, and the owner still sends one value, which one of the two gets.  The repair
 * closes the channel.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct controller {
    go_chan(int) services, endpoints;
    go_chan(char) stop;
    go_chan(char) ended; /* a value from each loop that has ended */
} controller;

static void loop(struct controller *c, go_chan(int) changes, const char *what)
{
    int change;
    while (go_select(go_recv_case(changes, &change), go_recv_case(c->stop, NULL)) == 0)
        printf("%s %d\n", what, change);
    go_chan_send(c->ended, 1);
}

static void stop(struct controller *c)
{
#ifdef REPAIRED
    go_chan_close(c->stop);
#else
    go_chan_send(c->stop, 1);
#endif
    go_chan_recv(c->ended);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    controller = (struct controller){go_chan_make(int, 0), go_chan_make(int, 0),
                                     go_chan_make(char, 0), go_chan_make(char, 2)};
    go(loop, &controller, controller.services, "service");
    go(loop, &controller, controller.endpoints, "endpoint");
    go_chan_send(controller.services, 1);
    go_chan_send(controller.endpoints, 2);
    stop(&controller);
    return 0;
}
