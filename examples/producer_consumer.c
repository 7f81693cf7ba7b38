/* producer_consumer.c - three producers, two consumers, a buffer between them.
 *
 * The buffered channel lets producers run ahead by four items and no further.  The producers are
 * waited for before the channel is closed, since a send on a closed channel is a panic.
 *
 *     goshawk run -race producer_consumer.c
 *
 * Prints: 300 items consumed, sum 44850; the detector is silent */
#include <goshawk.h>
#include <stdio.h>

enum { PRODUCERS = 3, CONSUMERS = 2, ITEMS = 100 };

struct result {
    int count;
    long sum;
};

static void produce(int first, go_chan(int) buffer)
{
    for (int i = 0; i < ITEMS; i++)
        go_chan_send(buffer, first + i);
}

static void consume(go_chan(int) buffer, struct result *ret)
{
    go_chan_range(int, item, buffer) {
        ret->count++;
        ret->sum += item;
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) buffer = go_chan_make(int, 4);
    go_waitgroup producers = {0}, consumers = {0};
    struct result results[CONSUMERS] = {{0}};

    for (int i = 0; i < PRODUCERS; i++)
        go_waitgroup_go(&producers, produce, i * ITEMS, buffer);
    for (int i = 0; i < CONSUMERS; i++)
        go_waitgroup_go(&consumers, consume, buffer, &results[i]);

    go_waitgroup_wait(&producers);
    go_chan_close(buffer);
    go_waitgroup_wait(&consumers);
    printf("%d items consumed, sum %ld\n", results[0].count + results[1].count,
           results[0].sum + results[1].sum);
    go_chan_free(buffer);
    return 0;
}
