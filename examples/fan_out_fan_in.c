/* fan_out_fan_in.c - one stream split over several goroutines and joined again.
 *
 * Fan-out: three goroutines read the same channel and each writes to its own.  Fan-in: one
 * goroutine selects among the three and writes everything to one channel again.
 *
 *     goshawk run -race fan_out_fan_in.c
 *
 * Prints: 30 squares, sum 9455; the detector is silent */
#include <goshawk.h>
#include <stdio.h>

typedef go_chan(int) int_chan;

static void generate(int_chan out)
{
    for (int i = 1; i <= 30; i++)
        go_chan_send(out, i);
    go_chan_close(out);
}

static void square(int_chan in, int_chan out)
{
    go_chan_range(int, n, in)
        go_chan_send(out, n * n);
    go_chan_close(out);
}

/* A closed channel is set to NULL, the channel on which nothing ever comes. */
static void merge(int_chan a, int_chan b, int_chan c, int_chan out)
{
    while (a || b || c) {
        int n;
        bool ok;
        switch (go_select(go_recv_case(a, &n, &ok), go_recv_case(b, &n, &ok),
                          go_recv_case(c, &n, &ok))) {
        case 0:
            a = ok ? a : NULL;
            break;
        case 1:
            b = ok ? b : NULL;
            break;
        case 2:
            c = ok ? c : NULL;
            break;
        }
        if (ok)
            go_chan_send(out, n);
    }
    go_chan_close(out);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    int_chan numbers = go_chan_make(int, 0), out = go_chan_make(int, 0);
    int_chan squares[3];

    go(generate, numbers);
    for (int i = 0; i < 3; i++) {
        squares[i] = go_chan_make(int, 0);
        go(square, numbers, squares[i]);
    }
    go(merge, squares[0], squares[1], squares[2], out);

    int count = 0, sum = 0;
    go_chan_range(int, n, out) {
        count++;
        sum += n;
    }
    printf("%d squares, sum %d\n", count, sum);
    return 0;
}
