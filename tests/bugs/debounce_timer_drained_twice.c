/* debounce_timer_drained_twice.c - a timer's channel is drained that is empty already (a pattern
 * of istio).
 *
 * A processor debounces events: each one stops the timer, drains its channel when stop() came too
 * late, and sets it again.  When the timer's tick has been received before the event, stop() says
 * false too, and the drain waits for a tick that has been taken.  The repair remembers it.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct processor {
    go_chan(int) events;
    go_chan(int) published; /* how many events were published together */
} processor;

static void run(struct processor *p)
{
    go_timer *timer = go_timer_new(GO_MILLISECOND);
    bool taken = false;
    int event, pending = 0;
    for (bool ok = true; ok;) {
        switch (go_select(go_recv_case(p->events, &event, &ok),
                          go_recv_case(go_timer_chan(timer), NULL))) {
        case 0:
            if (!ok)
                break;
            pending++;
#ifdef REPAIRED
            if (!go_timer_stop(timer) && !taken)
#else
            if (!go_timer_stop(timer))
#endif
                go_chan_recv(go_timer_chan(timer));
            go_timer_reset(timer, GO_MILLISECOND);
            taken = false;
            break;
        case 1:
            taken = true;
            if (pending > 0)
                go_chan_send(p->published, pending);
            pending = 0;
        }
    }
    (void)taken;
    go_timer_free(timer);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    processor.events = go_chan_make(int, 0);
    processor.published = go_chan_make(int, 1);
    go_waitgroup running = {0};
    go_waitgroup_go(&running, run, &processor);
    go_chan_send(processor.events, 1);
    printf("published %d\n", go_chan_recv(processor.published));
    go_chan_send(processor.events, 2); /* comes after its timer */
    printf("published %d\n", go_chan_recv(processor.published));
    go_chan_close(processor.events);
    go_waitgroup_wait(&running);
    return 0;
}
