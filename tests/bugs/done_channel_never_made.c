/* done_channel_never_made.c - a field for a channel stays nil (a pattern of grpc-go).
 *
 * A stream made by one of two functions has no done channel.  To wait for it is to wait for ever,
 * and no close can help, which would panic.  The repair makes it there too.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"

struct stream {
    go_chan(char) done;
    go_chan(int) frames;
};

static struct stream new_stream(void)
{
    return (struct stream){.done = go_chan_make(char, 0), .frames = go_chan_make(int, 0)};
}

static struct stream new_stream_for_retry(struct stream *of)
{
#ifdef REPAIRED
    return (struct stream){.done = go_chan_make(char, 0), .frames = of->frames};
#else
    return (struct stream){.frames = of->frames};
#endif
}

static void await_end(struct stream *s)
{
    go_chan_recv(s->done);
}

static void finish(struct stream *s)
{
    if (s->done)
        go_chan_close(s->done);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct stream first, retry;
    first = new_stream();
    retry = new_stream_for_retry(&first);
    go(await_end, &first);
    go(await_end, &retry);
    finish(&first);
    finish(&retry);
    wait_for_quiet();
    return 0;
}
