/* Each misuse ends the program with Go's text and status 2. */
// exit: 2
// procs: 1,4
// case: send-on-closed
// stderr: panic: send on closed channel
// stderr: goroutine 1 \[running\]:
// case: buffered-send-on-closed
// stderr: panic: send on closed channel
// case: try-send-on-closed
// stderr: panic: send on closed channel
// case: select-send-on-closed
// stderr: panic: send on closed channel
// case: parked-send-on-closed
// stderr: panic: send on closed channel
// stderr: goroutine (?:[2-9]|\d\d+) \[running\]:
// case: parked-select-send-on-closed
// stderr: panic: send on closed channel
// case: close-of-closed
// stderr: panic: close of closed channel
// case: close-of-nil
// stderr: panic: close of nil channel
// case: negative-counter
// stderr: panic: sync: negative WaitGroup counter
// case: unlock-of-unlocked
// stderr: fatal error: sync: unlock of unlocked mutex
// stderr: goroutine 1 \[running\]:
// case: unlock-of-unlocked-rwmutex
// stderr: fatal error: sync: Unlock of unlocked RWMutex
// case: runlock-of-unlocked-rwmutex
// stderr: fatal error: sync: RUnlock of unlocked RWMutex
// case: user
// stderr: panic: answer 42 of the user
// case: user-with-newline
// stderr: panic: two
// stderr: lines
// case: unlock-is-not-recoverable
// stderr: fatal error: sync: unlock of unlocked mutex
#include "expect.h"

static go_chan(int) c;
static go_mutex mu;
static go_rwmutex rw;
static go_waitgroup wg;

static void send(void)
{
    go_chan_send(c, 1);
}

static void select_send(void)
{
    go_select(go_send_case(c, 1), go_recv_case((go_chan(int))NULL, NULL));
}

static void unlock(void *arg)
{
    (void)arg;
    go_mutex_unlock(&mu);
}

static void close_when_parked(void (*fn)(void))
{
    go(fn);
    go_sleep(20 * GO_MILLISECOND); /* it panics too when it comes late */
    go_chan_close(c);
    go_sleep(GO_HOUR);
}

static void misuse(const char *what)
{
    c = go_chan_make(int, !strncmp(what, "buffered", 8));
    if (!strcmp(what, "parked-send-on-closed"))
        close_when_parked(send);
    if (!strcmp(what, "parked-select-send-on-closed"))
        close_when_parked(select_send);
    if (strstr(what, "closed"))
        go_chan_close(c);

    if (!strcmp(what, "send-on-closed") || !strcmp(what, "buffered-send-on-closed"))
        send();
    else if (!strcmp(what, "try-send-on-closed"))
        EXPECT(!go_chan_try_send(c, 1));
    else if (!strcmp(what, "select-send-on-closed"))
        select_send();
    else if (!strcmp(what, "close-of-closed"))
        go_chan_close(c);
    else if (!strcmp(what, "close-of-nil"))
        go_chan_close(NULL);
    else if (!strcmp(what, "negative-counter"))
        go_waitgroup_done(&wg);
    else if (!strcmp(what, "unlock-of-unlocked"))
        go_mutex_unlock(&mu);
    else if (!strcmp(what, "unlock-of-unlocked-rwmutex"))
        go_rwmutex_unlock(&rw);
    else if (!strcmp(what, "runlock-of-unlocked-rwmutex"))
        go_rwmutex_runlock(&rw);
    else if (!strcmp(what, "user"))
        go_panic("answer %d of the %s", 42, "user");
    else if (!strcmp(what, "user-with-newline"))
        go_panic("two\nlines");
    else if (!strcmp(what, "unlock-is-not-recoverable"))
        go_recover(unlock, NULL);
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    misuse(argv[1]);
    return 0;
}
