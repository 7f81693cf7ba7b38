/* go_id(): 1 in main, different in each goroutine, never used again; go_numgoroutine() counts. */
// stdout: ok
#include "expect.h"

enum { N = 300 };

static go_chan(uint64_t) ids;

static void tell(go_chan(char) hold)
{
    uint64_t id = go_id();
    go_setname("a name that is longer than the thirty-one bytes that are kept of it");
    go_yield();
    EXPECT(go_id() == id);
    go_chan_send(ids, id);
    go_chan_recv(hold);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static uint64_t seen[2 * N];
    EXPECT(go_id() == 1);
    EXPECT(go_numgoroutine() == 1);
    go_setname("main");
    ids = go_chan_make(uint64_t, 0);
    for (int round = 0; round < 2; round++) {
        go_chan(char) hold = go_chan_make(char, 0);
        for (int i = 0; i < N; i++)
            go(tell, hold);
        for (int i = 0; i < N; i++)
            seen[round * N + i] = go_chan_recv(ids);
        EXPECT(go_numgoroutine() == N + 1);
        go_chan_close(hold);
        while (go_numgoroutine() != 1)
            go_yield();
    }
    qsort(seen, 2 * N, sizeof *seen, by_number);
    EXPECT(seen[0] > 1);
    for (int i = 1; i < 2 * N; i++)
        EXPECT(seen[i] != seen[i - 1]);
    EXPECT(go_id() == 1);
    puts("ok");
    return 0;
}
