/* A hundred thousand goroutines wait at the same time and all come back. */
// case: 100000
// only: plain
// stdout: ok
// case: 10000
// only: race
// stdout: ok
#include "expect.h"

#include <stdatomic.h>

static atomic_int back;

static void park(go_chan(int) c, go_waitgroup *wg)
{
    go_waitgroup_done(wg);
    go_chan_recv(c);
    atomic_fetch_add(&back, 1);
    go_waitgroup_done(wg);
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    int n = atoi(argv[1]);
    static go_waitgroup wg;
    for (int round = 0; round < 2; round++) {
        go_chan(int) c = go_chan_make(int, 0);
        atomic_store(&back, 0);
        go_waitgroup_add(&wg, n);
        for (int i = 0; i < n; i++)
            go(park, c, &wg);
        go_waitgroup_wait(&wg);
        EXPECT(go_numgoroutine() == n + 1);
        go_waitgroup_add(&wg, n);
        if (round)
            for (int i = 0; i < n; i++)
                go_chan_send(c, i);
        else
            go_chan_close(c);
        go_waitgroup_wait(&wg);
        EXPECT(atomic_load(&back) == n);
        go_chan_free(c);
        while (go_numgoroutine() != 1)
            go_yield();
    }
    puts("ok");
    return 0;
}
