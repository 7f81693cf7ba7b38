/* ticker_chosen_after_stop.c - a select takes the tick though the stop has come too (a pattern of
 * kubernetes).
 *
 * While a turn of work takes long, the next tick and the stop arrive; the select may choose the
 * tick and work once more with what stop_manager() freed. The repair looks at the stop alone before
 * it works, and frees when the goroutine has ended.
 *
 * shows: race list_devices stop_manager
 * when: some seed */
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>

struct manager {
    go_chan(char) stop;
    go_chan(int) ticks;
    go_chan(int) counts; /* one a turn */
    int *devices;
    go_waitgroup wg;
};

static void list_devices(struct manager *m)
{
    go_chan_send(m->counts, ++m->devices[0]);
}

static void run_manager(struct manager *m)
{
    for (;;) {
        if (go_select(go_recv_case(m->stop, NULL), go_recv_case(m->ticks, NULL)) == 0)
            break;
#ifdef REPAIRED
        if (go_select(go_recv_case(m->stop, NULL), go_default) == 0)
            break;
#endif
        list_devices(m);
    }
    go_chan_close(m->counts);
}

static void stop_manager(struct manager *m)
{
    go_chan_close(m->stop);
    printf("%d devices\n", go_chan_recv(m->counts)); /* the turn is over */
#ifdef REPAIRED
    go_waitgroup_wait(&m->wg);
#endif
    free(m->devices);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct manager m = {
        .stop = go_chan_make(char, 0),
        .ticks = go_chan_make(int, 1),
        .counts = go_chan_make(int, 1),
        .devices = calloc(1, sizeof(int)),
    };
    go_waitgroup_go(&m.wg, run_manager, &m);
    go_chan_send(m.ticks, 1); /* a turn of work */
    go_chan_send(m.ticks, 2); /* meanwhile */
    stop_manager(&m);
    go_waitgroup_wait(&m.wg);
    go_chan_free(m.stop);
    go_chan_free(m.ticks);
    go_chan_free(m.counts);
    return 0;
}
