/* stream_closed_under_its_reader.c - a stream is closed, and its reader is not told (after grpc-go
 * #1275).
 *
 * The reader of a stream waits for the next message in its buffer.  Closing the stream takes it out
 * of the transport's table, so that no frame reaches the buffer any more, and nothing else does.
 * The repair puts an end of file there.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"

enum { END_OF_FILE = -1 };

struct stream {
    go_chan(int) buffer;
    go_chan(int) total; /* what the reader has read */
    bool in_table;
};

struct transport {
    go_mutex mu;
    struct stream stream[2]; /* mu */
};

static void read_all(struct stream *s)
{
    int sum = 0;
    for (int n; (n = go_chan_recv(s->buffer)) != END_OF_FILE;)
        sum += n;
    go_chan_send(s->total, sum);
}

static void handle_data(struct transport *t, int id, int n)
{
    go_mutex_lock(&t->mu);
    if (t->stream[id].in_table)
        go_chan_send(t->stream[id].buffer, n);
    go_mutex_unlock(&t->mu);
}

static void close_stream(struct transport *t, int id)
{
    go_mutex_lock(&t->mu);
    t->stream[id].in_table = false;
#ifdef REPAIRED
    go_chan_send(t->stream[id].buffer, END_OF_FILE);
#endif
    go_mutex_unlock(&t->mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct transport t;
    for (int id = 0; id < 2; id++) {
        t.stream[id] = (struct stream){go_chan_make(int, 8), go_chan_make(int, 1), true};
        go(read_all, &t.stream[id]);
    }
    handle_data(&t, 0, 5);
    handle_data(&t, 1, 7);
    handle_data(&t, 1, END_OF_FILE);
    int sum = go_chan_recv(t.stream[1].total);
    close_stream(&t, 0);
    handle_data(&t, 0, END_OF_FILE);
    wait_for_quiet();
    return sum != 7;
}
