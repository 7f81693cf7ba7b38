/* test_panic.c - panic and recover; what an end of the program prints, and with which status. */
#include "in_child.h"
#include "in_go.h"
#include <pthread.h>
#include "panic.h"
#include "scheduler.h"

static void panics(void *arg)
{
    go_panic("%s", (const char *)arg);
}

static void silent(void *arg)
{
    (void)arg;
}

/* ---- recover ---- */

IN_GO(panic, recover_tells_the_text_or_null)
{
    for (int i = 0; i < 100; i++) {
        CHECK_TEXT(go_recover(panics, "boo"), "boo");
        CHECK(go_recover(silent, NULL) == NULL);
        CHECK(!rt_self()->panics && !rt_self()->recover);
    }
}

static void recovers_within(void *arg)
{
    CHECK_TEXT(go_recover(panics, "inner"), "inner");
    if (arg)
        go_panic("outer after %s", (const char *)arg);
}

IN_GO(panic, recovers_nest)
{
    CHECK(go_recover(recovers_within, NULL) == NULL);
    CHECK_TEXT(go_recover(recovers_within, "that"), "outer after that");
}

static void again(void)
{
    go_panic("second");
}

static void panics_twice(void *arg)
{
    go_defer(again);
    go_panic("%s", (const char *)arg);
}

IN_GO(panic, the_last_panic_is_recovered)
{
    CHECK_TEXT(go_recover(panics_twice, "first"), "second");
    CHECK_TEXT(go_recover(panics, "alone"), "alone");
}

/* A deferred call that panics and recovers by itself does not end the panic that runs it. */
static void handles_its_own(void)
{
    CHECK_TEXT(go_recover(panics, "own"), "own");
    CHECK(rt_self()->panics != NULL);
}

static void defers_handler(void *arg)
{
    go_defer(handles_its_own);
    go_panic("%s", (const char *)arg);
}

IN_GO(panic, a_recover_in_a_deferred_call_ends_only_its_own)
{
    CHECK_TEXT(go_recover(defers_handler, "still here"), "still here");
    CHECK(rt_self()->panics == NULL);
}

static void announces_and_panics(void *arg)
{
    go(silent, (go_panic("%s", (const char *)arg), NULL));
}

IN_GO(panic, announced_calls_are_forgotten)
{
    for (int i = 0; i < 20; i++)
        CHECK_TEXT(go_recover(announces_and_panics, "in an argument"), "in an argument");
    CHECK(rt_self()->call_count == 0);
}

static char long_text[2000];

IN_GO(panic, a_long_text_is_cut)
{
    memset(long_text, 'x', sizeof long_text - 1);
    const char *got = go_recover(panics, long_text);
    CHECK(got && strlen(got) == 511 && strspn(got, "x") == 511);
}

/* ---- go_exit and panics ---- */

static int steps[16], step_count;

static void step(int n)
{
    steps[step_count] = n;
    __atomic_store_n(&step_count, step_count + 1, __ATOMIC_RELEASE);
}

static void recovering_step(int n)
{
    CHECK_TEXT(go_recover(panics, "within"), "within");
    step(n);
}

static void panics_when_deferred(void)
{
    step(2);
    go_panic("out of go_exit");
}

static void exits(void *arg)
{
    (void)arg;
    go_defer(recovering_step, 3);
    go_defer(panics_when_deferred);
    go_defer(recovering_step, 1);
    go_exit();
}

static void exits_inside_recover(void *arg)
{
    (void)arg;
    go_defer(step, 4);
    go_recover(exits, NULL);
    step(99); /* the exit goes on, although its deferred call panicked and was recovered */
}

IN_GO(panic, go_exit_goes_on_after_a_recovered_panic)
{
    step_count = 0;
    go_start(exits_inside_recover, NULL);
    while (__atomic_load_n(&step_count, __ATOMIC_ACQUIRE) < 4)
        go_yield();
    go_sleep(GO_MILLISECOND);
    CHECK(step_count == 4);
    for (int i = 0; i < 4; i++)
        CHECK(steps[i] == i + 1);
}

/* ---- ends of the program ---- */

static int just_panics(int argc, char **argv)
{
    go_panic("number %d, %s", 7, "text");
    return argc && argv;
}

Test(panic, prints_its_text_and_exits_with_2)
{
    struct child c = in_child(just_panics, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_BEGINS(&c, "panic: number 7, text\n\ngoroutine 1 [running]:\n");
    EXPECT_SAYS(&c, "just_panics(");
    EXPECT_SAYS(&c, "test_panic.c:");
    cr_expect(!strstr(c.out, "go_panic"), "frames of the runtime are left out:\n%s", c.out);
}

static void sleeper(void)
{
    go_sleep(GO_HOUR);
    __asm__ volatile(""); /* no tail call */
}

static int panics_beside_sleeper(int argc, char **argv)
{
    go(sleeper);
    settle();
    return just_panics(argc, argv);
}

Test(panic, gotraceback)
{
    struct child c = in_child(panics_beside_sleeper, "GOTRACEBACK=none", NULL);
    EXPECT_STATUS(&c, 2);
    cr_expect_str_eq(c.out, "panic: number 7, text\n");
    c = in_child(panics_beside_sleeper, "GOTRACEBACK=single", NULL);
    EXPECT_STATUS(&c, 2);
    cr_expect(!says(&c, "[sleep]"), "%s", c.out);
    c = in_child(panics_beside_sleeper, "GOTRACEBACK=all", NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_SAYS(&c, " [sleep]:\n");
    c = in_child(panics_beside_sleeper, "GOTRACEBACK=system", NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_SAYS(&c, " [sleep]:\n");
    c = in_child(panics_beside_sleeper, "GOTRACEBACK=crash", NULL);
    EXPECT_STATUS(&c, -SIGABRT);
    EXPECT_SAYS(&c, "panic: number 7, text\n");
}

static int panics_while_panicking(int argc, char **argv)
{
    if (argv == NULL)
        panics_twice("first");
    return argc;
}

Test(panic, all_panics_in_progress_are_printed)
{
    struct child c = in_child(panics_while_panicking, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_SAYS(&c, "panic: first\n\tpanic: second\n\ngoroutine 1 [running]:\n");
}

static void handles_then_panics(void)
{
    handles_its_own();
    go_panic("after handling");
}

static int panics_after_inner_recover(int argc, char **argv)
{
    go_defer(handles_then_panics);
    go_panic("first");
    return argc && argv;
}

Test(panic, an_inner_recover_does_not_hide_the_outer_panic)
{
    struct child c = in_child(panics_after_inner_recover, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_SAYS(&c, "panic: first\n\tpanic: after handling\n\n");
}

static int fatal(int argc, char **argv)
{
    rt_fatal("it is %s", "over");
    return argc && argv;
}

Test(panic, a_fatal_error)
{
    struct child c = in_child(fatal, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_BEGINS(&c, "fatal error: it is over\n\ngoroutine 1 [running]:\n");
}

static void fatal_in_recover(void *arg)
{
    rt_fatal("%s", (const char *)arg);
}

static int recovers_fatal(int argc, char **argv)
{
    go_recover(fatal_in_recover, "cannot be stopped");
    return argc && argv;
}

Test(panic, a_fatal_error_cannot_be_recovered)
{
    struct child c = in_child(recovers_fatal, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_SAYS(&c, "fatal error: cannot be stopped\n");
}

static void *thread_panics(void *arg)
{
    panics(arg);
    return NULL;
}

static int panics_in_thread(int argc, char **argv)
{
    pthread_t t;
    pthread_create(&t, NULL, thread_panics, "from a thread");
    pthread_join(t, NULL);
    return argc && argv;
}

Test(panic, in_a_plain_thread)
{
    struct child c = in_child(panics_in_thread, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_SAYS(&c, "panic: from a thread\n\nthread [running]:\n");
}

/* ---- two at once ---- */

static void panics_soon(int n)
{
    while (!__atomic_load_n(&step_count, __ATOMIC_ACQUIRE))
        ;
    go_panic("one of %d", n);
}

static int panic_together(int argc, char **argv)
{
    go_maxprocs(4);
    for (int i = 0; i < 3; i++)
        go(panics_soon, 3);
    go_sleep(2 * GO_MILLISECOND); /* most of them run by then; orders nothing */
    __atomic_store_n(&step_count, 1, __ATOMIC_RELEASE);
    go_sleep(GO_HOUR);
    return argc && argv;
}

Test(panic, several_at_once_print_one_whole_report)
{
    for (int i = 0; i < 20; i++) {
        struct child c = in_child(panic_together, NULL);
        EXPECT_STATUS(&c, 2);
        int panics_printed = 0;
        for (const char *s = c.out; (s = strstr(s, "panic: one of 3\n")); s++)
            panics_printed++;
        cr_expect_eq(panics_printed, 1, "%d reports:\n%s", panics_printed, c.out);
        free(c.out);
    }
}
