/* Endless recursion ends with a report of whose stack it was and what fills it, not with a bare
 * SIGSEGV; a wild pointer is still that. */
// case: recursion
// exit: 2
// stderr: fatal error: stack overflow
// stderr: .*goroutine \d+.*digger.*
// stderr: .*recurse.*
// stderr: .*stack_overflow\.c:@recurse.*
// stderr: .*dig.*
// case: large-frame
// exit: 2
// stderr: fatal error: stack overflow
// case: set-size
// stdout: 8 MiB are enough
// case: segv
// exit: SIGSEGV
// stderr: .*SIGSEGV.*
// stderr: goroutine .*\[running.*\]:
// stderr: .*wild.*
// case: fpe
// exit: SIGFPE
// stderr: .*SIGFPE.*
// case: abort
// exit: SIGABRT
// stderr: .*SIGABRT.*
// stderr: .*go_main.*
#include "expect.h"

#include <signal.h>

static int volatile sink;

static __attribute__((noinline)) int recurse(int n)
{
    volatile char frame[200];
    frame[n % 200] = (char)n;
    return n ? recurse(n - 1) + frame[n % 200] : 0; // @recurse
}

static void dig(int n, go_chan(int) done)
{
    go_setname("digger");
    sink = recurse(n);
    go_chan_send(done, 1);
}

static __attribute__((noinline)) int large_frame(int n)
{
    volatile char frame[20000];
    frame[0] = (char)n;
    return n == 1 << 30 ? 0 : large_frame(n + 1) + frame[0];
}

static void dig_large(void)
{
    sink = large_frame(0);
}

static __attribute__((noinline)) void wild(int *p)
{
    *p = 1;
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    go_chan(int) done = go_chan_make(int, 0);
    if (!strcmp(argv[1], "recursion"))
        go(dig, 1 << 30, done);
    if (!strcmp(argv[1], "large-frame"))
        go(dig_large);
    if (!strcmp(argv[1], "segv"))
        go(wild, (int *)16);
#if defined(__x86_64__) /* elsewhere a division by zero has a result */
    if (!strcmp(argv[1], "fpe"))
        sink = 7 / sink;
#else
    if (!strcmp(argv[1], "fpe"))
        raise(SIGFPE);
#endif
    if (!strcmp(argv[1], "abort"))
        abort();
    if (!strcmp(argv[1], "set-size")) {
        go_set_stack_size(8 << 20);
        go(dig, 20000, done);
        go_chan_recv(done);
        puts("8 MiB are enough");
        return 0;
    }
    go_chan_recv(done);
    return 0;
}
