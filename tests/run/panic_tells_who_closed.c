/* Where a channel was closed before, when it is closed again or sent to. */
// exit: 2
// only: race
// case: close
// stderr: panic: close of closed channel
// stderr: \tclosed by goroutine 2 in closer at .*panic_tells_who_closed\.c:@close
// stderr:
// stderr: goroutine 1 \[running\]:
// case: send
// stderr: panic: send on closed channel
// stderr: \tclosed by goroutine 2 in closer at .*panic_tells_who_closed\.c:@close
// case: try-send
// stderr: panic: send on closed channel
// stderr: \tclosed by goroutine 2 in closer at .*panic_tells_who_closed\.c:@close
// case: select-send
// stderr: panic: send on closed channel
// stderr: \tclosed by goroutine 2 in closer at .*panic_tells_who_closed\.c:@close
// case: parked-send
// stderr: panic: send on closed channel
// stderr: \tclosed by goroutine 2 in closer at .*panic_tells_who_closed\.c:@close
// case: parked-select-send
// stderr: panic: send on closed channel
// stderr: \tclosed by goroutine 2 in closer at .*panic_tells_who_closed\.c:@close
// case: parked-send-of-many
// stderr: panic: send on closed channel
// stderr: \tclosed by goroutine 2 in closer at .*panic_tells_who_closed\.c:@close
// case: thread
// stderr: panic: send on closed channel
// stderr: \tclosed by a thread in thread at .*panic_tells_who_closed\.c:@thread
// case: context
// stderr: panic: send on closed channel
// stderr: \tclosed by goroutine 1
// case: deferred
// stderr: panic: one
// stderr: \tpanic: close of closed channel
// stderr: \tclosed by goroutine 2 in closer at .*panic_tells_who_closed\.c:@close
// case: recovered
// exit: 0
// stdout: send on closed channel
#include "expect.h"
#include <pthread.h>

enum { MANY = 40 };

static go_chan(int) c;

static void closer(bool late)
{
    if (late)
        go_sleep(20 * GO_MILLISECOND);
    go_chan_close(c); // @close
}

static void *thread(void *unused)
{
    go_chan_close(c); // @thread
    return unused;
}

static void send(void)
{
    go_chan_send(c, 1);
}

static void send_recovered(void *unused)
{
    (void)unused;
    send();
}

static void send_of_many(void)
{
    go_case cases[MANY];
    for (int i = 0; i + 1 < MANY; i++)
        cases[i] = go_recv_case(go_chan_make(int, 0), NULL);
    cases[MANY - 1] = go_send_case(c, 1);
    go_select_n(cases, MANY);
}

static void close_again(void)
{
    go_chan_close(c);
}

static void by_a_thread(void)
{
    pthread_t t;
    EXPECT(pthread_create(&t, NULL, thread, NULL) == 0);
    pthread_join(t, NULL);
    send();
}

static void of_a_context(void)
{
    go_ctx *ctx = go_ctx_with_cancel(go_ctx_background());
    go_ctx_cancel(ctx);
    go_chan_send(go_ctx_done(ctx), 'a');
}

static void fail(const char *what)
{
    if (!strcmp(what, "close"))
        close_again();
    else if (!strcmp(what, "try-send"))
        EXPECT(!go_chan_try_send(c, 1));
    else if (strstr(what, "select-send"))
        go_select(go_send_case(c, 1), go_recv_case((go_chan(int))NULL, NULL));
    else if (!strcmp(what, "parked-send-of-many"))
        send_of_many();
    else if (strstr(what, "send"))
        send();
    else if (!strcmp(what, "recovered"))
        puts(go_recover(send_recovered, NULL));
    else if (!strcmp(what, "deferred")) {
        go_defer(close_again);
        go_panic("one");
    }
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    c = go_chan_make(int, 0);
    if (!strcmp(argv[1], "thread"))
        by_a_thread();
    if (!strcmp(argv[1], "context"))
        of_a_context();
    bool parked = strstr(argv[1], "parked") != NULL;
    go(closer, parked);
    if (!parked)
        go_chan_recv(c);
    fail(argv[1]);
    return 0;
}
