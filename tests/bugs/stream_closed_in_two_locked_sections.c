/* stream_closed_in_two_locked_sections.c - asked under the lock, done under the lock, but not the
 * same time (a pattern of grpc-go).
 *
 * is_active() and close_stream() each lock; between the two calls another goroutine closes the same
 * stream.  No access is unguarded, so there is no data race: the second close panics.  The repair
 * asks and closes in one section.
 *
 * shows: panic close of closed channel
 * when: some seed */
#include <goshawk.h>
#include <stdio.h>

struct stream {
    go_mutex mu;
    bool active; /* guarded by mu */
    go_chan(char) done;
    go_chan(int) goodbyes;
};

static bool is_active(struct stream *s)
{
    go_mutex_lock(&s->mu);
    bool active = s->active;
    go_mutex_unlock(&s->mu);
    return active;
}

static void close_stream(struct stream *s)
{
    go_mutex_lock(&s->mu);
#ifdef REPAIRED
    if (s->active)
#endif
        go_chan_close(s->done);
    s->active = false;
    go_mutex_unlock(&s->mu);
}

static void cancel(struct stream *s)
{
    if (is_active(s)) {
        go_chan_send(s->goodbyes, 1);
        close_stream(s);
    }
}

static void write_goodbyes(struct stream *s)
{
    go_chan_range(int, frame, s->goodbyes)
        printf("frame %d\n", frame);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct stream s = {.active = true, .done = go_chan_make(char, 0)};
    s.goodbyes = go_chan_make(int, 0);
    go_waitgroup cancels = {0}, writer = {0};
    for (int i = 0; i < 2; i++)
        go_waitgroup_go(&cancels, cancel, &s);
    go_waitgroup_go(&writer, write_goodbyes, &s);
    go_waitgroup_wait(&cancels);
    go_chan_close(s.goodbyes);
    go_waitgroup_wait(&writer);
    go_chan_free(s.done);
    go_chan_free(s.goodbyes);
    return 0;
}
