/* channel_closed_before_it_was_made.c - stop() runs before start() made what it closes (a pattern
 * of kubernetes).
 *
 * The controller makes its stop channel in the goroutine that runs it, and a test that ends early
 * closes the field while it is still NULL. The repair makes the channel together with the
 * controller.
 *
 * shows: panic close of nil channel
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct controller {
    go_chan(char) stop;
    go_waitgroup wg;
};

static void run_controller(struct controller *c, go_chan(char) elected)
{
    go_chan_recv(elected);
#ifndef REPAIRED
    c->stop = go_chan_make(char, 0);
#endif
    go_chan_recv(c->stop);
}

static void stop_controller(struct controller *c)
{
    go_chan_close(c->stop);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct controller c = {0};
    go_chan(char) elected = go_chan_make(char, 0);
#ifdef REPAIRED
    c.stop = go_chan_make(char, 0);
#endif
    go_waitgroup_go(&c.wg, run_controller, &c, elected);
    stop_controller(&c);
    go_chan_close(elected);
    go_waitgroup_wait(&c.wg);
    printf("stopped\n");
    go_chan_free(c.stop);
    go_chan_free(elected);
    return 0;
}
