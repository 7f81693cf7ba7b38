/* buffer_recycled_while_it_is_sent.c - a buffer goes back to the pool before the writer has written
 * it (a pattern of grpc-go).
 *
 * send_message() queues its buffer for the transport's writer and puts it back into the pool at
 * once, so that the next message is composed in the bytes that are being written.  The repair lets
 * the writer give it back.
 *
 * shows: race send_message write_frames
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <string.h>

enum { SIZE = 64, MESSAGES = 3 };

struct buffer {
    unsigned char bytes[SIZE];
};

static go_chan(struct buffer *) pool, frames;

static void send_message(int n)
{
    struct buffer *b = go_chan_recv(pool);
    memset(b->bytes, 'a' + n, sizeof b->bytes);
    go_chan_send(frames, b);
#ifndef REPAIRED
    go_chan_send(pool, b);
#endif
}

static void write_frames(go_chan(unsigned) sums)
{
    unsigned sum = 0;
    go_chan_range(struct buffer *, b, frames) {
        for (int i = 0; i < SIZE; i++)
            sum += b->bytes[i];
#ifdef REPAIRED
        go_chan_send(pool, b);
#endif
    }
    go_chan_send(sums, sum);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct buffer buffers[2];
    pool = go_chan_make(struct buffer *, 2);
    frames = go_chan_make(struct buffer *, MESSAGES);
    go_chan(unsigned) sums = go_chan_make(unsigned, 0);
    go_chan_send(pool, &buffers[0]);
    go_chan_send(pool, &buffers[1]);
    go(write_frames, sums);
    for (int n = 0; n < MESSAGES; n++)
        send_message(n);
    go_chan_close(frames);
    printf("%u\n", go_chan_recv(sums));
    go_chan_free(pool);
    go_chan_free(frames);
    go_chan_free(sums);
    return 0;
}
