/* workers_channel.c - five workers wait at one channel.
 *
 * Each number that is sent is received by exactly one worker.  The channel is all they share, so
 * there is nothing to lock.  Closing it tells the workers that no more will come.
 *
 *     goshawk run -race workers_channel.c
 *
 * Prints: twenty lines "worker w got n"; the detector is silent */
#include <goshawk.h>
#include <stdio.h>

struct worker {
    int id;
};

static void process(struct worker *w, go_chan(int) c)
{
    go_chan_range(int, data, c)
        printf("worker %d got %d\n", w->id, data);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct worker workers[5];
    go_waitgroup wg = {0};
    go_chan(int) c = go_chan_make(int, 0);

    for (int i = 0; i < 5; i++) {
        workers[i].id = i;
        go_waitgroup_go(&wg, process, &workers[i], c);
    }
    for (int i = 0; i < 20; i++) {
        go_chan_send(c, 100 + i);
        go_sleep(GO_MILLISECOND);
    }
    go_chan_close(c);
    go_waitgroup_wait(&wg);
    go_chan_free(c);
    return 0;
}
