/* When nothing can run again: the fatal error, and every goroutine with its number, its state and
 * the place where it waits. */
// exit: 2
// case: channels
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 1 \[chan receive.*\]:
// stderr: .*go_main.*
// stderr: .*deadlock_report\.c:@main.*
// stderr: goroutine 2 \[chan send.*\]:
// stderr: .*sender.*
// stderr: .*deadlock_report\.c:@sender.*
// stderr: created by .*go_main.*
// case: select
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 1 \[select.*\]:
// stderr-not: go_select_.*
// case: empty-select
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 1 \[select \(no cases\).*\]:
// case: nil-select
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 1 \[select, all of whose channels are nil.*\]:
// case: nil-receive
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 1 \[chan receive \(nil chan\).*\]:
// case: nil-send
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 1 \[chan send \(nil chan\).*\]:
// case: mutex
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 1 \[.*[Ll]ock.*\]:
// case: rwmutex
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 1 \[.*[Ll]ock.*\]:
// case: waitgroup
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 1 \[.*[Ww]ait.*\]:
// case: main-has-exited
// stderr: fatal error: .*deadlock!
// stderr: goroutine 2 \[chan send.*\]:
// case: after-a-sleep
// stderr: fatal error: all goroutines are asleep - deadlock!
// case: named
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 2 \[chan send\] "left alone":
// stderr-not: Reproduce.*
// case: names-like-ours
// stderr: goroutine 2 \[chan send\]:
// stderr: go_deep\(.*
// stderr: rt_worker\(.*
// case: seeded
// env: GOSHAWK_SEED=417
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: goroutine 1 \[chan receive.*\]:
// stderr: Reproduce: GOSHAWK_SEED=417
// case: seeded-and-preempted
// env: GOSHAWK_SEED=18446744073709551615
// env: GOSHAWK_DEBUG=preempt
// stderr: fatal error: all goroutines are asleep - deadlock!
// stderr: Reproduce: GOSHAWK_DEBUG=preempt GOSHAWK_SEED=18446744073709551615
#include "expect.h"

static go_chan(int) c;
static go_mutex mu;
static go_rwmutex rw;
static go_waitgroup wg;

static void sender(go_chan(int) to)
{
    go_chan_send(to, 1); // @sender
}

static void named(void)
{
    go_setname("left alone");
    sender(go_chan_make(int, 0));
}

static __attribute__((noinline)) void go_deep(go_chan(int) to)
{
    sender(to);
    EXPECT(!"sent");
}

static void rt_worker(void)
{
    go_deep(go_chan_make(int, 0));
    EXPECT(!"sent");
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    const char *what = argv[1];
    c = go_chan_make(int, 0);
    if (!strcmp(what, "channels") || !strcmp(what, "main-has-exited"))
        go(sender, go_chan_make(int, 0));
    if (!strcmp(what, "named"))
        go(named);
    if (!strcmp(what, "names-like-ours"))
        go(rt_worker);
    if (!strcmp(what, "main-has-exited"))
        go_exit();
    if (!strcmp(what, "after-a-sleep"))
        go_sleep(5 * GO_MILLISECOND);
    if (!strcmp(what, "select"))
        go_select(go_recv_case(c, NULL), go_send_case(c, 1));
    if (!strcmp(what, "empty-select"))
        go_select_n(NULL, 0);
    if (!strcmp(what, "nil-select"))
        go_select(go_recv_case((go_chan(int))NULL, NULL), go_send_case((go_chan(int))NULL, 1));
    if (!strcmp(what, "nil-receive"))
        go_chan_recv((go_chan(int))NULL);
    if (!strcmp(what, "nil-send"))
        go_chan_send((go_chan(int))NULL, 1);
    go_mutex_lock(&mu);
    if (!strcmp(what, "mutex"))
        go_mutex_lock(&mu);
    go_rwmutex_rlock(&rw);
    if (!strcmp(what, "rwmutex"))
        go_rwmutex_lock(&rw);
    go_waitgroup_add(&wg, 1);
    if (!strcmp(what, "waitgroup"))
        go_waitgroup_wait(&wg);
    go_chan_recv(c); // @main
    return 0;
}
