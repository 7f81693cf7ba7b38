/* A value goes through ten thousand goroutines, each adding one. */
// stdout: 10000
#include "expect.h"

typedef go_chan(int) int_chan;

static void link_of_chain(int_chan from, int_chan to)
{
    go_chan_send(to, go_chan_recv(from) + 1);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    int_chan first = go_chan_make(int, 0), from = first;
    for (int i = 0; i < 10000; i++) {
        int_chan to = go_chan_make(int, 0);
        go(link_of_chain, from, to);
        from = to;
    }
    go_chan_send(first, 0);
    printf("%d\n", go_chan_recv(from));
    return 0;
}
