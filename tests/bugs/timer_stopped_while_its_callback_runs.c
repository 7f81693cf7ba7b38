/* timer_stopped_while_its_callback_runs.c - stop() of a timer is taken for the end of its callback
 * (a pattern of kubernetes).
 *
 * close_monitor() stops the timer and frees what its callback uses. Stopping returns false when the
 * callback has begun, and does not wait for it. The repair then waits until it says it is done.
 *
 * shows: race probe close_monitor
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>

struct stats {
    int probes;
};

struct monitor {
    go_timer *timer;
    struct stats *stats;
    go_chan(char) begun;
    go_chan(char) done;
};

static void probe(void *arg)
{
    struct monitor *m = arg;
    go_chan_send(m->begun, 1);
    m->stats->probes++;
    go_chan_send(m->done, 1);
}

static void close_monitor(struct monitor *m)
{
    bool stopped = go_timer_stop(m->timer);
#ifdef REPAIRED
    if (!stopped)
        go_chan_recv(m->done);
    free(m->stats);
#else
    free(m->stats);
    if (!stopped)
        go_chan_recv(m->done); /* only for this program's end */
#endif
    go_timer_free(m->timer);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct monitor m = {
        .stats = calloc(1, sizeof(struct stats)),
        .begun = go_chan_make(char, 0),
        .done = go_chan_make(char, 1),
    };
    m.timer = go_after_func(GO_MILLISECOND, probe, &m);
    go_chan_recv(m.begun);
    close_monitor(&m);
    printf("closed\n");
    go_chan_free(m.begun);
    go_chan_free(m.done);
    return 0;
}
