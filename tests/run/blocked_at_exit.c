/* Under GOTRACEBACK=all goroutines that are still blocked when the program ends are reported after
 * its own output, those in the same place once; the exit code stays, and so does everything without
 * that setting. */
// exit: 3
// stdout: the program's own output
// case: left
// case: left
// env: GOTRACEBACK=all
// stderr: goshawk: 5 goroutines were still blocked at exit, for ever: nothing was left .*
// stderr: goroutine 2 \[chan receive\] "reader":
// stderr: reader\(\)
// stderr: created by go_main, goroutine 1
// stderr: waits for chan .* \(cap 0, len 0\), made by go_main at .*blocked_at_exit\.c:@made
// stderr: \.\.\. and 3 more in the same place, waiting for the same: goroutines 3-5
// stderr: goroutine 6 \[sync\.Mutex\.Lock\]:
// stderr: locker\(\)
// stderr: waits for mutex .* = mu .*, held by goroutine 1 since go_main at .*:@locked
// case: calls-exit
// env: GOTRACEBACK=all
// stderr: goshawk: 5 goroutines were still blocked at exit, for ever: nothing was left .*
// case: nobody
// env: GOTRACEBACK=all
// case: sleepers
// env: GOTRACEBACK=all
// case: left-and-sleepers
// env: GOTRACEBACK=all
// stderr: goshawk: 5 goroutines were still blocked at exit; what was still running, or a timer.*
// stderr-not: sleeper.*
// stderr-not: waits_for.*
#include "expect.h"

static go_mutex mu;

static void reader(go_chan(int) c)
{
    go_setname("reader");
    go_chan_recv(c);
}

static void locker(void)
{
    go_mutex_lock(&mu);
}

static void sleeper(void)
{
    go_sleep(GO_HOUR);
}

static void waits_for_timer(void)
{
    go_chan_recv(go_after(GO_HOUR));
}

static void waits_for_context(go_ctx *ctx)
{
    go_select(go_recv_case(go_ctx_done(ctx), NULL));
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    go_chan(int) c = go_chan_make(int, 0); // @made
    if (strstr(argv[1], "left") || !strcmp(argv[1], "calls-exit")) {
        for (int i = 0; i < 4; i++)
            go(reader, c);
        go_mutex_lock(&mu); // @locked
        go(locker);
        await_in_dump("sync.Mutex.Lock");
        for (int i = 2; i < 6; i++) {
            char text[64];
            snprintf(text, sizeof text, "goroutine %d [chan receive]", i);
            await_in_dump(text);
        }
    }
    if (strstr(argv[1], "sleepers")) {
        go(sleeper);
        await_in_dump("[sleep]");
        go(waits_for_timer);
        await_in_dump("of a timer that is armed");
        go(waits_for_context, go_ctx_with_timeout(go_ctx_background(), GO_HOUR));
        await_in_dump("[select]");
    }
    printf("the program's own output\n");
    if (!strcmp(argv[1], "calls-exit"))
        exit(3);
    return 3;
}
