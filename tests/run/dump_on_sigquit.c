/* SIGQUIT prints every goroutine and ends the program with status 2; go_dump() prints the same and
 * lets it go on. */
// case: signal
// exit: 2
// send: SIGQUIT ready
// stdout: ready
// stderr: SIGQUIT: quit.*
// stderr: goroutine 1 .*\[.*\]:
// stderr: .*go_main.*
// stderr: goroutine \d+ \[chan receive\] "waiting for ever":
// stderr: .*waiter.*
// stderr: .*dump_on_sigquit\.c:@waiter.*
// stderr: created by .*go_main.*
// case: signal-while-computing
// exit: 2
// send: SIGQUIT ready
// stdout: ready
// stderr: SIGQUIT: quit.*
// stderr: goroutine 1 .*\[.*\]:
// case: call
// stdout: ready
// stdout: went on
// stderr: goroutine 1 .*\[running.*\]:
// stderr: goroutine \d+ \[chan receive\] "waiting for ever":
// stderr: .*waiter.*
// stderr: created by .*go_main.*
// case: before-it-begins
// procs: unset
// env: GOSHAWK_SEED=1
// stderr: goroutine 2 \[runnable\]:
// stderr: waiter\(\)
// stderr: .*dump_on_sigquit\.c:\d+
// stderr: created by go_main, goroutine 1
// stderr-not: .*\?\(\).*
#include "expect.h"

static void waiter(go_chan(int) c)
{
    go_setname("waiting for ever");
    go_chan_recv(c); // @waiter
}

static volatile unsigned long work;

static void compute(void)
{
    for (;;)
        work++;
}

static void say_ready(void)
{
    puts("ready");
    fflush(stdout);
}

/* A stack that runs tells itself what it is, for which a slow machine may take too long. */
static void say_when_main_sleeps(void)
{
    await_in_dump("goroutine 1 [sleep");
    say_ready();
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    go_chan(int) c = go_chan_make(int, 0);
    go(waiter, c);
    if (!strcmp(argv[1], "before-it-begins")) {
        go_dump(2);
        return 0;
    }
    await_in_dump("[chan receive] \"waiting for ever\"");
    if (!strcmp(argv[1], "call")) {
        say_ready();
        go_dump(2);
        puts("went on");
        return 0;
    }
    if (!strcmp(argv[1], "signal-while-computing")) {
        say_ready();
        compute();
    }
    go(say_when_main_sleeps);
    go_sleep(GO_HOUR);
    return 0;
}
