/* channel_freed_under_its_receiver.c - stop() frees the channel that a goroutine may still ask (a
 * pattern of moby).
 *
 * Closing wakes the subscriber, but it looks once more whether the channel has something, when its
 * owner has freed it.  C's own danger; in Go the collector would wait.  The repair frees when the
 * subscriber has ended.
 *
 * shows: misuse HEAP USE AFTER FREE
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct publisher {
    go_chan(int) events;
    go_chan(char) evicted; /* the subscriber knows that it is */
    go_chan(char) freed;
    go_waitgroup wg;
};

static void subscribe(struct publisher *p)
{
    int events = 0, event;
    while (go_chan_recv_ok(p->events, &event))
        events++;
#ifndef REPAIRED
    go_chan_send(p->evicted, 1);
    go_chan_recv(p->freed);
#endif
    if (go_chan_try_recv(p->events, &event))
        events++;
    printf("%d events\n", events);
}

static void stop(struct publisher *p)
{
    go_chan_close(p->events);
#ifdef REPAIRED
    go_waitgroup_wait(&p->wg);
    go_chan_free(p->events);
#else
    go_chan_recv(p->evicted);
    go_chan_free(p->events);
    go_chan_send(p->freed, 1);
    go_waitgroup_wait(&p->wg);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct publisher p = {go_chan_make(int, 2), go_chan_make(char, 0), go_chan_make(char, 0), {0}};
    go_waitgroup_go(&p.wg, subscribe, &p);
    go_chan_send(p.events, 7);
    stop(&p);
    go_chan_free(p.evicted);
    go_chan_free(p.freed);
    return 0;
}
