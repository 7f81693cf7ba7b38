/* token_kept_on_error.c - a token that was taken for a request is not given back when it fails (a
 * pattern of serving).
 *
 * A buffered channel holds the throttler's free places; a request takes one and puts it back at
 * the end, but not when its backend is gone.  After two failures no request is served.  The repair
 * puts it back in every case.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

enum { PLACES = 2, REQUESTS = 4 };

static struct throttler {
    go_chan(char) places;
} throttler;

static int call_backend(int request)
{
    return request < PLACES ? -ECONNREFUSED : 0;
}

static void put_back(struct throttler *t)
{
    go_chan_send(t->places, 1);
}

static int try_request(struct throttler *t, int request)
{
    go_chan_recv(t->places);
#ifdef REPAIRED
    go_defer(put_back, t);
#endif
    int err = call_backend(request);
    if (err)
        return err;
#ifndef REPAIRED
    put_back(t);
#endif
    return 0;
}

static void serve(struct throttler *t, int request, go_chan(int) replies)
{
    int err = try_request(t, request);
    go_chan_send(replies, err ? 503 : 200);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    throttler.places = go_chan_make(char, PLACES);
    for (int i = 0; i < PLACES; i++)
        put_back(&throttler);
    go_chan(int) replies = go_chan_make(int, 0);
    for (int request = 0; request < REQUESTS; request++) {
        go(serve, &throttler, request, replies);
        printf("request %d: %d\n", request, go_chan_recv(replies));
    }
    return 0;
}
