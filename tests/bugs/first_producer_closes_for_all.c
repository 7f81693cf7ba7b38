/* first_producer_closes_for_all.c - the producer that is done first closes the channel of all (a
 * pattern of syncthing).
 *
 * Two walkers send what they find into one channel, and each closes it when it is done.  The repair
 * counts the walkers and closes when the last one is done.
 *
 * shows: panic closed channel
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static go_chan(int) found;
static go_waitgroup walkers;

static void walk(int files)
{
    for (int i = 0; i < files; i++)
        go_chan_send(found, i);
#ifndef REPAIRED
    go_chan_close(found);
#endif
}

static void close_after_all(void)
{
    go_waitgroup_wait(&walkers);
#ifdef REPAIRED
    go_chan_close(found);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    found = go_chan_make(int, 0);
    go_waitgroup_go(&walkers, walk, 1);
    go_waitgroup_go(&walkers, walk, 3);
    go_waitgroup closer = {0};
    go_waitgroup_go(&closer, close_after_all);
    int n = 0;
    go_chan_range(int, file, found)
        n += file >= 0;
    go_waitgroup_wait(&closer);
    printf("%d files\n", n);
    go_chan_free(found);
    return 0;
}
