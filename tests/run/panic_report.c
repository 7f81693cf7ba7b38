/* What an unrecovered panic prints: text, blank line, the goroutine with its name, its stack with
 * function, file and line, who created it; more goroutines as GOTRACEBACK says. */
// exit: 2
// case: default
// stderr: panic: it broke
// stderr:
// stderr: goroutine (?:[2-9]|\d\d+) \[running\] "breaker":
// stderr: .*innermost.*
// stderr: .*panic_report\.c:@here.*
// stderr: .*middle.*
// stderr: .*panic_report\.c:@middle.*
// stderr: created by .*go_main.*
// stderr: .*panic_report\.c:@go.*
// stderr-not: .*sleeper.*
// case: all
// env: GOTRACEBACK=all
// stderr: panic: it broke
// stderr: .*innermost.*
// stderr: goroutine .*sleep.*
// stderr: .*sleeper.*
// case: system
// env: GOTRACEBACK=system
// stderr: panic: it broke
// stderr: .*innermost.*
// case: none
// env: GOTRACEBACK=none
// stderr: panic: it broke
// stderr-not: .*innermost.*
// case: crash
// env: GOTRACEBACK=crash
// exit: SIGABRT
// stderr: panic: it broke
// stderr: .*innermost.*
// case: unknown
// env: GOTRACEBACK=loud
// stderr: goshawk: GOTRACEBACK=loud .*
// stderr: panic: it broke
// case: exits
// stderr: panic: it broke
// stderr: goroutine .*running.*
// stderr: .*panics_in_exit.*
#include "expect.h"
#include <sched.h>
#include <stdatomic.h>

static __attribute__((noinline)) void innermost(int v)
{
    if (v == 3)
        go_panic("it broke"); // @here
}

static __attribute__((noinline)) void middle(int v)
{
    innermost(v + 1); // @middle
    __asm__ volatile("");
}

static void outer(void)
{
    go_setname("breaker");
    middle(2);
    __asm__ volatile("");
}

static void sleeper(void)
{
    go_sleep(GO_HOUR);
    __asm__ volatile(""); /* not a tail call: the frame is to be seen */
}

/* ---- one that panics while the process ends ---- */

static atomic_bool ends, panics;

static void has_panicked(void)
{
    panics = true;
}

static void panics_in_exit(void)
{
    go_defer(has_panicked);
    while (!ends)
        go_yield();
    go_panic("it broke");
}

static void lets_it_panic(void)
{
    ends = true;
    while (!panics)
        sched_yield();
}

int go_main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "exits") == 0) {
        EXPECT(atexit(lets_it_panic) == 0);
        go(panics_in_exit);
        return 0;
    }
    go(sleeper);
    await_in_dump("[sleep]");
    go(outer); // @go
    sleeper();
    return 0;
}
