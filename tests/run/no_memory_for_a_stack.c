/* When there is no memory for another stack the program says so in one line and ends. */
// only: plain
// procs: 2
// exit: 2
// stderr: fatal error: out of memory: .*stack.*
#include "expect.h"

#include <sys/mman.h>
#include <sys/resource.h>

static void park(go_chan(int) c)
{
    go_chan_recv(c);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct rlimit limit = {1ul << 31, 1ul << 31};
    go_chan(int) c = go_chan_make(int, 0);
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
    void *all = mmap(NULL, limit.rlim_cur, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all != MAP_FAILED) {
        puts("an emulator sets no limits");
        return 77;
    }
    for (int i = 0; i < 1000000; i++)
        go(park, c);
    go_chan_recv(c); /* they get their stacks when they run */
    puts("a million stacks in 2 GiB");
    return 0;
}
