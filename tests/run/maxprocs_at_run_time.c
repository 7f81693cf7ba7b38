/* The number of processors changes while goroutines run; none gets lost. */
// stdout: ok
#include "expect.h"

static void worker(go_chan(int) in, go_chan(int) out)
{
    go_chan_range(int, v, in) {
        go_yield();
        go_chan_send(out, v);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) in = go_chan_make(int, 0), out = go_chan_make(int, 0);
    int before = go_maxprocs(0);
    EXPECT(before >= 1 && go_maxprocs(-5) == before);
    for (int i = 0; i < 20; i++)
        go(worker, in, out);
    static const int steps[] = {1, 8, 2, 16, 3, 1, 4};
    for (int k = 0; k < 70; k++) {
        int n = steps[k % 7];
        int old = go_maxprocs(n);
        EXPECT(old == (k ? steps[(k - 1) % 7] : before));
        EXPECT(go_maxprocs(0) == n);
        for (int i = 0; i < 20; i++)
            go_chan_send(in, 1);
        int sum = 0;
        for (int i = 0; i < 20; i++)
            sum += go_chan_recv(out);
        EXPECT(sum == 20);
    }
    puts("ok");
    return 0;
}
