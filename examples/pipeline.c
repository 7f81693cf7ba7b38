/* pipeline.c - stages that run at the same time, joined by channels.
 *
 * Each stage reads from one channel, writes to the next, and closes it when its input ends; so the
 * end travels down the line by itself.
 *
 *     goshawk run -race pipeline.c
 *
 * Prints: the odd squares 1 9 25 49 81, one a line; the detector is silent */
#include <goshawk.h>
#include <stdio.h>

typedef go_chan(int) int_chan;

static void count(int to, int_chan out)
{
    for (int i = 1; i <= to; i++)
        go_chan_send(out, i);
    go_chan_close(out);
}

static void square(int_chan in, int_chan out)
{
    go_chan_range(int, n, in)
        go_chan_send(out, n * n);
    go_chan_close(out);
}

static void keep_odd(int_chan in, int_chan out)
{
    go_chan_range(int, n, in)
        if (n % 2)
            go_chan_send(out, n);
    go_chan_close(out);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    int_chan numbers = go_chan_make(int, 0);
    int_chan squares = go_chan_make(int, 2);
    int_chan odd = go_chan_make(int, 0);

    go(count, 10, numbers);
    go(square, numbers, squares);
    go(keep_odd, squares, odd);
    go_chan_range(int, n, odd)
        printf("%d\n", n);
    return 0;
}
