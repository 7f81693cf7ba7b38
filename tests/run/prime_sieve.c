/* Primes by a chain of goroutines, one for each prime, that grows while it runs. */
// stdout: 2 3 5 7 11 13 17 19 23 29
// stdout: the 300th is 1987
#include "expect.h"

static void count_up(go_chan(int) out)
{
    for (int i = 2;; i++)
        go_chan_send(out, i);
}

static void drop_multiples(int prime, go_chan(int) in, go_chan(int) out)
{
    go_chan_range(int, n, in)
        if (n % prime)
            go_chan_send(out, n);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) c = go_chan_make(int, 0);
    go(count_up, c);
    for (int i = 1; i <= 300; i++) {
        int prime = go_chan_recv(c);
        if (i <= 10)
            printf("%d%c", prime, i < 10 ? ' ' : '\n');
        if (i == 300)
            printf("the 300th is %d\n", prime);
        go_chan(int) next = go_chan_make(int, 0);
        go(drop_multiples, prime, c, next);
        c = next;
    }
    return 0;
}
