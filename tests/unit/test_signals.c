/* test_signals.c - crashes, overflown stacks, SIGQUIT, and stacks of goroutines that run
 * elsewhere. */
#include "in_child.h"
#include "in_go.h"
#include <pthread.h>
#include "clock.h"
#include "proc.h"
#include "scheduler.h"
#include "signals.h"
#include "unwind.h"

static volatile int sink;

/* ---- crashes: a dump, then the signal's usual end ---- */

static __attribute__((noinline)) void wild(void)
{
    *(volatile int *)(uintptr_t)(sink + 64) = 1;
}

static void crasher(int sig)
{
    go_setname("crasher");
    if (sig == SIGSEGV)
        wild();
#if defined(__x86_64__) /* elsewhere a division by zero has a result */
    else if (sig == SIGFPE)
        sink = 100 / sink;
#endif
    else
        raise(sig);
    __asm__ volatile(""); /* no tail call */
}

static int wanted;

static int crashes(int argc, char **argv)
{
    go(crasher, wanted);
    go_sleep(GO_HOUR);
    return argc && argv;
}

static void expect_crash(int sig, const char *text)
{
    if (GO_ASAN)
        cr_skip_test("the sanitizer has its own handlers");
    wanted = sig;
    struct child c = in_child(crashes, NULL);
    EXPECT_STATUS(&c, -sig);
    EXPECT_BEGINS(&c, "fatal error: unexpected signal\n[signal ");
    EXPECT_SAYS(&c, text);
    EXPECT_SAYS(&c, " [running] \"crasher\":\n");
    EXPECT_SAYS(&c, "crasher(");
    EXPECT_SAYS(&c, "created by crashes, goroutine 1\n");
}

Test(signals, sigsegv)
{
    expect_crash(SIGSEGV, "SIGSEGV: segmentation violation addr=0x40 ");
}

Test(signals, sigbus)
{
    expect_crash(SIGBUS, "SIGBUS: bus error");
}

Test(signals, sigfpe)
{
    expect_crash(SIGFPE, "SIGFPE: floating-point exception");
}

Test(signals, sigabrt)
{
    expect_crash(SIGABRT, "SIGABRT: abort");
}

static void *crashes_in_thread(void *arg)
{
    wild();
    return arg;
}

static int thread_crashes(int argc, char **argv)
{
    pthread_t t;
    pthread_create(&t, NULL, crashes_in_thread, NULL);
    pthread_join(t, NULL);
    return argc && argv;
}

Test(signals, in_a_plain_thread)
{
    if (GO_ASAN)
        cr_skip_test("the sanitizer has its own handlers");
    struct child c = in_child(thread_crashes, NULL);
    EXPECT_STATUS(&c, -SIGSEGV);
    EXPECT_SAYS(&c, "thread [running]:\n");
    EXPECT_SAYS(&c, "wild(");
}

static int all_crash(int argc, char **argv)
{
    go_maxprocs(4);
    for (int i = 0; i < 8; i++)
        go(crasher, SIGSEGV);
    go_sleep(GO_HOUR);
    return argc && argv;
}

Test(signals, several_at_once_print_one_report)
{
    if (GO_ASAN)
        cr_skip_test("the sanitizer has its own handlers");
    struct child c = in_child(all_crash, NULL);
    EXPECT_STATUS(&c, -SIGSEGV);
    EXPECT_BEGINS(&c, "fatal error: unexpected signal\n");
    cr_expect_null(strstr(c.out + 1, "fatal error"), "%s", c.out);
}

static int keeps_own_handler(int argc, char **argv)
{
    raise(SIGSEGV);
    return argc && argv;
}

static void own_handler(int sig)
{
    static const char text[] = "mine\n";
    _exit(write(1, text, sizeof text - 1) < 0 ? 1 : 40 + (sig == SIGSEGV));
}

static int installs_own(void)
{
    signal(SIGSEGV, own_handler);
    return go_run(keeps_own_handler, 0, NULL);
}

Test(signals, handlers_of_the_program_stay)
{
    struct child c = in_plain_child(installs_own, NULL);
    EXPECT_STATUS(&c, 41);
    cr_expect_str_eq(c.out, "mine\n");
}

static void wild_on_big_stack(void *arg)
{
    (void)arg;
    wild();
    __asm__ volatile(""); /* no tail call */
}

static int crashes_on_big_stack(int argc, char **argv)
{
    go_setname("big");
    rt_on_big_stack(wild_on_big_stack, NULL);
    return argc && argv;
}

Test(signals, on_the_big_stack)
{
    if (GO_ASAN)
        cr_skip_test("the sanitizer has its own handlers");
    struct child c = in_child(crashes_on_big_stack, NULL);
    EXPECT_STATUS(&c, -SIGSEGV);
    EXPECT_BEGINS(&c, "fatal error: unexpected signal\n[signal SIGSEGV");
    EXPECT_SAYS(&c, "goroutine 1 [running] \"big\":\nwild(");
    EXPECT_SAYS(&c, "wild_on_big_stack(");
    EXPECT_SAYS(&c, "crashes_on_big_stack("); /* below it, on the goroutine's stack */
}

static int crashes_in_deferred(int argc, char **argv)
{
    go_defer(wild);
    go_panic("first");
    return argc && argv;
}

/* The frames of the crash lie above those of the panic. */
Test(signals, in_a_deferred_call_of_a_panic)
{
    if (GO_ASAN)
        cr_skip_test("the sanitizer has its own handlers");
    struct child c = in_child(crashes_in_deferred, NULL);
    EXPECT_STATUS(&c, -SIGSEGV);
    EXPECT_SAYS(&c, "goroutine 1 [running]:\nwild(");
    EXPECT_SAYS(&c, "crashes_in_deferred(");
}

static void crashes_one_way(int way)
{
    if (way == 0)
        wild();
    else if (way == 1)
        sink = 100 / sink;
    else if (way == 2)
        raise(SIGABRT);
    else
        go_panic("panic %d", way);
}

static void *crashes_too(void *arg)
{
    go_sleep(GO_MILLISECOND);
    crashes_one_way((int)(intptr_t)arg);
    return arg;
}

static int crash_in_many_ways(int argc, char **argv)
{
    go_maxprocs(4);
    for (int i = 0; i < 8; i++) {
        pthread_t t;
        if (i < 3)
            pthread_create(&t, NULL, crashes_too, (void *)(intptr_t)i);
        go(crashes_one_way, i % 4);
    }
    go_sleep(GO_HOUR);
    return argc && argv;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (const char *s = text; (s = strstr(s, what)); s++)
        n++;
    return n;
}

/* Whoever is first prints all and ends the program; a panic's report and a crash's do not mix. */
Test(signals, and_panics_at_once_print_one_report)
{
    if (GO_ASAN)
        cr_skip_test("the sanitizer has its own handlers");
    for (int i = 0; i < 10; i++) {
        struct child c = in_child(crash_in_many_ways, NULL);
        cr_expect(c.status == 2 || c.status == -SIGSEGV || c.status == -SIGFPE ||
                      c.status == -SIGABRT,
                  "%d", c.status);
        cr_expect_eq(count(c.out, "fatal error: ") + count(c.out, "panic: "), 1, "%s", c.out);
        free(c.out);
    }
}

static int traps(int argc, char **argv)
{
    __builtin_trap();
    return argc && argv;
}

Test(signals, sigill)
{
    if (GO_ASAN)
        cr_skip_test("the sanitizer has its own handlers");
    struct child c = in_child(traps, NULL);
    cr_expect(c.status == -SIGILL || c.status == -SIGTRAP, "%d", c.status);
    EXPECT_SAYS(&c, "goroutine 1 [running]:\ntraps(");
}

/* ---- overflow ---- */

static size_t frame_bytes;

static __attribute__((noinline)) int overflow(int n)
{
    volatile char *frame = __builtin_alloca(frame_bytes);
    frame[0] = (char)n;
    return n ? overflow(n + 1) + frame[0] : 0;
}

static void overflower(void)
{
    go_setname("deep");
    sink = overflow(1);
}

static void waits(void)
{
    go_sleep(GO_HOUR);
}

static int overflows(int argc, char **argv)
{
    for (int i = 0; i < 20; i++)
        go(waits);
    go(overflower);
    go_sleep(GO_HOUR);
    return argc && argv;
}

/* Small frames touch the guard; large ones must not step over it into the neighbour. */
Test(signals, stack_overflow)
{
    if (GO_ASAN)
        cr_skip_test("the sanitizer has its own handlers");
    static const size_t bytes[] = {16, 1000, 5000, 10000, 30000, 60000};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        frame_bytes = bytes[i];
        struct child c = in_child(overflows, NULL);
        EXPECT_STATUS(&c, 2);
        EXPECT_BEGINS(&c, "fatal error: stack overflow\n\ngoroutine ");
        EXPECT_SAYS(&c, " \"deep\": its stack of 256 KiB [0x");
        EXPECT_SAYS(&c, "entry function:\noverflower(");
        EXPECT_SAYS(&c, "overflow(");
        free(c.out);
    }
}

/* ---- SIGQUIT ---- */

static int quits(int argc, char **argv)
{
    for (int i = 0; i < 3; i++)
        go(waits);
    go_sleep(5 * GO_MILLISECOND);
    kill(getpid(), SIGQUIT);
    for (;;)
        go_sleep(GO_SECOND);
    return argc && argv;
}

Test(signals, sigquit_dumps_and_exits_with_2)
{
    struct child c = in_child(quits, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_BEGINS(&c, "SIGQUIT: quit\n\ngoroutine 1 [");
    int shown = 0;
    for (const char *s = c.out; (s = strstr(s, "created by quits")); s++)
        shown++;
    cr_expect_eq(shown, 3);
}

/* ---- asking a thread ---- */

static struct g *runner;
static bool stop;

static __attribute__((noinline)) void runs(void *arg)
{
    __atomic_store_n(&runner, rt_self(), __ATOMIC_RELEASE);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        ;
    (void)arg;
}

static int ask(int argc, char **argv)
{
    uintptr_t pcs[64];
    go_maxprocs(2);
    start(runs, NULL);
    while (!__atomic_load_n(&runner, __ATOMIC_ACQUIRE))
        go_yield();
    for (int i = 0; i < 100; i++) {
        size_t n = signals_stack_of(runner, pcs, 64);
        CHECK(n >= 1 && n <= 64);
        CHECK(pcs[0] > (uintptr_t)runs && pcs[0] < (uintptr_t)runs + 500);
        CHECK(signals_stack_of(runner, pcs, 1) == 1);
    }
    CHECK(signals_stack_of(rt_self(), pcs, 64) == 0); /* this very thread */
    stop = true;
    finish();
    return argc && argv;
}

Test(signals, a_running_goroutine_tells_its_stack)
{
    cr_expect_eq(go_run(ask, 0, NULL), 0);
}

/* ---- the clock ---- */

struct moment {
    uint64_t ticks;
    int64_t nanos;
};

/* Both clocks at about the same time: nobody came between, or for a short while only. */
static struct moment both_clocks(void)
{
    for (;;) {
        int64_t before = clock_nanos();
        struct moment m = {clock_ticks(), clock_nanos()};
        if (m.nanos - before < 100 * GO_MICROSECOND)
            return m;
    }
}

static int compares_clocks(int argc, char **argv)
{
    struct moment a = both_clocks();
    go_sleep(50 * GO_MILLISECOND);
    struct moment b = both_clocks();
    int64_t nanos = b.nanos - a.nanos, from_ticks = signals_ticks_to_nanos(b.ticks - a.ticks);
    CHECK(from_ticks > nanos * 9 / 10 && from_ticks < nanos * 11 / 10);
    return argc && argv;
}

Test(signals, ticks_are_nanoseconds_in_the_end)
{
    cr_expect_eq(go_run(compares_clocks, 0, NULL), 0);
}
