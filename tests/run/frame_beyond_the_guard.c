/* A frame that is larger than the guard below a stack is reported as a stack overflow, though its
 * function touches only the far end of it: goshawk cc has such frames probed page by page.  Without
 * that the write would land in another goroutine's stack. */
// case: array
// exit: 2
// stderr: fatal error: stack overflow
// stderr: .*goroutine \d+.*large.*
// case: alloca
// exit: 2
// stderr: fatal error: stack overflow
// stderr: .*goroutine \d+.*large.*
#include "expect.h"

#include <alloca.h>

enum { BEYOND = 3 << 20 }; /* further than several stacks */

static size_t volatile bytes = BEYOND;
static int volatile sink;

static __attribute__((noinline)) void of_array(void)
{
    volatile char frame[BEYOND];
    __asm__ volatile("" : : "r"(frame) : "memory"); /* it must be there as a whole */
    frame[0] = 1;
    sink = frame[0];
}

static __attribute__((noinline)) void of_alloca(void)
{
    volatile char *frame = alloca(bytes);
    frame[0] = 1;
    sink = frame[0];
}

static void large(bool array, go_chan(int) done)
{
    go_setname("large");
    if (array)
        of_array();
    else
        of_alloca();
    go_chan_send(done, 1);
}

static void neighbour(go_chan(int) done)
{
    go_chan_recv(done);
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    go_chan(int) done = go_chan_make(int, 0);
    for (int i = 0; i < 100; i++)
        go(neighbour, done);
    go_yield();
    go(large, !strcmp(argv[1], "array"), done);
    for (int i = 0; i < 100; i++)
        go(neighbour, done);
    go_chan_recv(done);
    puts("not reported");
    return 0;
}
