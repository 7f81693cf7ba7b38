/* Panics in deferred calls, go_exit() in panics, panics in go_exit(), recovers in all of them: what
 * ends what, in the order of Go. */
// procs: 1,4
// case: panic-in-deferred
// exit: 2
// stderr: panic: first
// stderr: 	panic: second
// stderr: goroutine 1 \[running\]:
// case: panic-in-deferred-in-deferred
// exit: 2
// stderr: panic: 1
// stderr: 	panic: 2
// stderr: 	panic: 3
// case: panic-after-recovered
// exit: 2
// stderr: panic: not recovered
// stderr-not: .*inner.*
// case: panic-after-exit
// exit: 2
// stderr: panic: while exiting
// stderr: goroutine \d+ \[running\]:
// case: recovered-after-exit
// stdout: recovered: while exiting
// stdout: deferred before
// stdout: main went on
// case: exit-in-panic
// stdout: deferred before
// stdout: main went on
// case: exit-in-panic-of-main
// exit: 2
// stderr: fatal error: .*deadlock!
// stderr-not: panic: .*
// case: exit-in-recover
// stdout: deferred
// stdout: main went on
// case: yield-in-panic
// exit: 2
// stderr: panic: with others running
// case: block-in-panic
// exit: 2
// stdout: answered 5
// stderr: panic: after a talk
// case: deadlock-in-panic
// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// case: main-returns-in-panic
// exit: 2
// stderr: panic: told though main has returned
// stderr: created by .*
// case: outer-recover
// stdout: inner told nothing: null
// stdout: outer told: through two frames
// case: aborted
// stdout: recovered: new
// stdout: recovered: old
// case: many-in-turn
// stdout: 1000 recovered
// case: in-many-goroutines
// stdout: 200 recovered
#include "expect.h"

#include <stdatomic.h>

static go_waitgroup wg;

static void say(const char *text)
{
    puts(text);
}

static void panic(const char *text)
{
    go_panic("%s", text);
}

static void panic_in_deferred(void)
{
    go_defer(panic, "second");
    go_panic("first");
}

static void third(void)
{
    go_defer(panic, "3");
    go_panic("2");
}

static void panic_in_deferred_in_deferred(void)
{
    go_defer(third);
    go_panic("1");
}

static void panic_arg(void *text)
{
    go_panic("%s", (const char *)text);
}

static void recover_inside(void)
{
    const char *text = go_recover(panic_arg, "inner");
    EXPECT(text && !strcmp(text, "inner"));
}

static void panic_after_recovered(void)
{
    go_defer(recover_inside);
    go_panic("not recovered");
}

static void panic_after_exit(void)
{
    go_defer(panic, "while exiting");
    go_exit();
}

static void recover_a_panic(void)
{
    printf("recovered: %s\n", go_recover(panic_arg, "while exiting"));
}

static void recovered_after_exit(void)
{
    go_defer(go_waitgroup_done, &wg);
    go_defer(say, "deferred before");
    go_defer(recover_a_panic);
    go_exit();
}

static void leave(void)
{
    go_exit();
}

static void exit_in_panic(void)
{
    go_defer(go_waitgroup_done, &wg);
    go_defer(say, "deferred before");
    go_defer(leave);
    go_panic("never told");
}

static void exit_in_panic_of_main(void)
{
    go_defer(leave);
    go_panic("never told");
}

static void leave_arg(void *arg)
{
    (void)arg;
    go_defer(say, "deferred");
    go_exit();
}

static void exit_in_recover(void)
{
    go_defer(go_waitgroup_done, &wg);
    go_recover(leave_arg, NULL);
    puts("not here");
}

static void in_goroutine(void (*fn)(void))
{
    go_waitgroup_add(&wg, 1);
    go(fn);
    go_waitgroup_wait(&wg);
    puts("main went on");
}

static void busy(void)
{
    for (;;)
        go_yield();
}

static void yield_often(void)
{
    for (int i = 0; i < 1000; i++)
        go_yield();
}

static void yield_in_panic(void)
{
    go(busy);
    go(busy);
    go_defer(yield_often);
    go_panic("with others running");
}

static void answer(go_chan(int) c)
{
    go_chan_send(c, 5);
}

static void talk(void)
{
    go_chan(int) c = go_chan_make(int, 0);
    go(answer, c);
    printf("answered %d\n", go_chan_recv(c));
    go_sleep(GO_MILLISECOND);
}

static void block_in_panic(void)
{
    go_defer(talk);
    go_panic("after a talk");
}

static void panics_and_tells(go_chan(int) told)
{
    go_defer(go_chan_close, told);
    go_panic("told though main has returned");
}

static void main_returns_in_panic(void)
{
    go_chan(int) told = go_chan_make(int, 0);
    go(panics_and_tells, told);
    go_chan_recv(told);
}

static void wait_for_ever(void)
{
    go_chan_recv(go_chan_make(int, 0));
}

static void deadlock_in_panic(void)
{
    go_defer(wait_for_ever);
    go_panic("never told");
}

static void nothing(void *arg)
{
    (void)arg;
}

static void two_frames(void *arg)
{
    const char *text = go_recover(nothing, NULL);
    printf("inner told nothing: %s\n", text ? text : "null");
    panic(arg);
}

/* The new panic, raised while the old one runs deferred calls, ends at the recover inside them;
 * the old one goes on. */
static void raise_and_recover(void)
{
    printf("recovered: %s\n", go_recover(panic_arg, "new"));
}

static void aborted(void *arg)
{
    (void)arg;
    go_defer(raise_and_recover);
    go_panic("old");
}

static void many_in_turn(void)
{
    int n = 0;
    for (int i = 0; i < 1000; i++) {
        char text[20];
        snprintf(text, sizeof text, "panic %d", i);
        const char *told = go_recover(panic_arg, text);
        n += told && !strcmp(told, text);
    }
    printf("%d recovered\n", n);
}

static void recover_one(int i, atomic_int *n)
{
    char text[20];
    snprintf(text, sizeof text, "panic %d", i);
    go_yield();
    const char *told = go_recover(panic_arg, text);
    go_yield();
    atomic_fetch_add(n, told && !strcmp(told, text));
}

static void in_many_goroutines(void)
{
    static atomic_int n;
    for (int i = 0; i < 200; i++)
        go_waitgroup_go(&wg, recover_one, i, &n);
    go_waitgroup_wait(&wg);
    printf("%d recovered\n", atomic_load(&n));
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    static const struct {
        const char *name;
        void (*run)(void);
        bool apart;
    } cases[] = {
        {"panic-in-deferred", panic_in_deferred, false},
        {"panic-in-deferred-in-deferred", panic_in_deferred_in_deferred, false},
        {"panic-after-recovered", panic_after_recovered, false},
        {"panic-after-exit", panic_after_exit, true},
        {"recovered-after-exit", recovered_after_exit, true},
        {"exit-in-panic", exit_in_panic, true},
        {"exit-in-panic-of-main", exit_in_panic_of_main, false},
        {"exit-in-recover", exit_in_recover, true},
        {"yield-in-panic", yield_in_panic, false},
        {"block-in-panic", block_in_panic, false},
        {"deadlock-in-panic", deadlock_in_panic, false},
        {"main-returns-in-panic", main_returns_in_panic, false},
        {"many-in-turn", many_in_turn, false},
        {"in-many-goroutines", in_many_goroutines, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!strcmp(argv[1], cases[i].name)) {
            if (cases[i].apart)
                in_goroutine(cases[i].run);
            else
                cases[i].run();
        }
    if (!strcmp(argv[1], "outer-recover"))
        printf("outer told: %s\n", go_recover(two_frames, "through two frames"));
    if (!strcmp(argv[1], "aborted"))
        printf("recovered: %s\n", go_recover(aborted, NULL));
    return 0;
}
