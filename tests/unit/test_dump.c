/* test_dump.c - goroutines as text. */
#include "in_child.h"
#include "in_go.h"
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include "dump.h"
#include "tr.h"

Test(dump, every_reason_has_words)
{
    for (uint32_t why = 0; why < TR_REASONS; why++)
        cr_expect_gt(strlen(dump_reason(why)), 2, "reason %u", why);
    cr_expect_str_eq(dump_reason(TR_CHAN_RECV), "chan receive");
    cr_expect_str_eq(dump_reason(TR_REASONS), "waiting");
    cr_expect_str_eq(dump_reason(UINT32_MAX), "waiting");
}

static bool fits(const char *text, const char *expression)
{
    regex_t re;
    cr_assert_eq(regcomp(&re, expression, REG_EXTENDED | REG_NOSUB), 0, "%s", expression);
    bool fits = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return fits;
}
#define EXPECT_FITS(c, re) cr_expect(fits((c)->out, re), "%s\ndoes not fit\n%s", re, (c)->out)

static go_chan(int) c;
static go_waitgroup wg;
static bool stop;

static __attribute__((noinline)) void waits_for_value(void)
{
    go_setname("reader \"1\"");
    go_chan_recv(c);
}

static bool computing;

static __attribute__((noinline)) void computes(void)
{
    __atomic_store_n(&computing, true, __ATOMIC_RELAXED);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        ;
}

static __attribute__((noinline)) void locked_sleeper(void)
{
    go_lock_thread();
    go_sleep(GO_HOUR);
    __asm__ volatile(""); /* no tail call */
}

static int dumps(int argc, char **argv)
{
    c = go_chan_make(int, 0);
    go_maxprocs(4);
    go_waitgroup_add(&wg, 1);
    go(waits_for_value);
    go(go_waitgroup_wait, &wg);
    go(locked_sleeper);
    settle();
    go(computes);
    while (!__atomic_load_n(&computing, __ATOMIC_RELAXED))
        go_yield();
    go_dump(1);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    return argc && argv;
}

static void never_ran(void)
{
}

static int dumps_seeds(int argc, char **argv)
{
    go_maxprocs(1);
    for (int i = 0; i < 3; i++)
        go(never_ran);
    go_dump(1);
    return argc && argv;
}

/* Goroutines that have not run yet have no stack, but a place where they begin. */
Test(dump, shows_goroutines_that_have_not_run_yet)
{
    struct child d = in_child(dumps_seeds, "GOSHAWK_SEED=1", NULL); /* real time has no say */
    EXPECT_STATUS(&d, 0);
    int shown = 0;
    for (const char *s = d.out; (s = strstr(s, " [runnable]:\nnever_ran(")); s++)
        shown++;
    cr_expect_eq(shown, 3, "%s", d.out);
    EXPECT_FITS(&d, "\\[runnable\\]:\nnever_ran\\(\\)\n\t[^\n]*test_dump\\.c:[0-9]+\n"
                    "created by dumps_seeds, goroutine 1\n");
}

/* As Go prints it: head, frames as function and place, who created it; blank lines in between. */
Test(dump, looks_like_gos, .disabled = ON_TSAN)
{
    struct child d = in_child(dumps, NULL);
    EXPECT_STATUS(&d, 0);
    EXPECT_BEGINS(&d, "goroutine 1 [running]:\ndumps(");
    EXPECT_FITS(&d, "\n\ngoroutine [0-9]+ \\[chan receive\\] \"reader \"1\"\":\n"
                    "waits_for_value\\(\\)\n\t[^\n]*test_dump\\.c:[0-9]+\n"
                    "created by dumps, goroutine 1\n\t[^\n]*test_dump\\.c:[0-9]+\n");
    EXPECT_FITS(&d, "\ngoroutine [0-9]+ \\[sync\\.WaitGroup\\.Wait\\]:\n");
    EXPECT_FITS(&d, "\ngoroutine [0-9]+ \\[sleep, locked to thread\\]:\nlocked_sleeper\\(\\)\n");
    EXPECT_FITS(&d, "\ngoroutine [0-9]+ \\[running\\]:\ncomputes\\(\\)\n");
    EXPECT_FITS(&d, "\nstack: high-water mark [0-9]+ KiB of 256 KiB\n\ngoroutine ");
    EXPECT_FITS(&d, "\n\nstacks: [0-9]+ in use or cached, [0-9]+ idle, 0 without a guard\n$");
    cr_expect(!says(&d, "unavailable"), "%s", d.out);
}

static void *dumps_in_thread(void *arg)
{
    go_dump(1);
    return arg;
}

static int dumps_elsewhere(int argc, char **argv)
{
    c = go_chan_make(int, 0);
    go(waits_for_value);
    settle();
    pthread_t t;
    pthread_create(&t, NULL, dumps_in_thread, NULL);
    go_sleep(GO_MILLISECOND); /* main is seen running or asleep; orders nothing */
    pthread_join(t, NULL);
    return argc && argv;
}

Test(dump, can_be_made_by_a_plain_thread)
{
    struct child d = in_child(dumps_elsewhere, NULL);
    EXPECT_STATUS(&d, 0);
    EXPECT_SAYS(&d, "goroutine 1 [");
    EXPECT_SAYS(&d, "[chan receive] \"reader");
}

static int nothing_but_main(int argc, char **argv)
{
    go_dump(1);
    return argc && argv;
}

Test(dump, of_main_alone)
{
    struct child d = in_child(nothing_but_main, NULL);
    EXPECT_STATUS(&d, 0);
    EXPECT_BEGINS(&d, "goroutine 1 [running]:\nnothing_but_main(");
    cr_expect(!says(&d, "created by"), "main has no creator: %s", d.out);
}

static int parked_for_minutes(int argc, char **argv)
{
    c = go_chan_make(int, 0);
    go(waits_for_value);
    go_sleep(90 * GO_SECOND);
    go_dump(1);
    return argc && argv;
}

/* Time that passed virtually counts for no wait: that is measured by the processor's clock. */
Test(dump, under_a_seed)
{
    struct child d = in_child(parked_for_minutes, "GOSHAWK_SEED=1", NULL);
    EXPECT_STATUS(&d, 0);
    EXPECT_SAYS(&d, "[chan receive] \"reader");
}

/* ---- a picture of what moves ---- */

static void ping(go_chan(int) from, go_chan(int) to)
{
    while (go_chan_recv(from) >= 0 && !__atomic_load_n(&stop, __ATOMIC_RELAXED))
        go_chan_send(to, 1);
    go_chan_close(to);
}

static void deep_yielder(int depth)
{
    go_yield();
    if (depth > 0)
        deep_yielder(depth - 1);
    else if (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        go(deep_yielder, 12);
    else
        go_waitgroup_done(&wg);
    go_yield();
}

static void sleeps(void)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        go_sleep(10 * GO_MICROSECOND);
    go_waitgroup_done(&wg);
}

static int dumps_all_the_time(int argc, char **argv)
{
    int fd = open("/dev/null", O_WRONLY);
    go_maxprocs(4);
    go_chan(int) a = go_chan_make(int, 0), b = go_chan_make(int, 0);
    go(ping, a, b);
    go(ping, b, a);
    go_chan_send(a, 1);
    go_waitgroup_add(&wg, 20);
    for (int i = 0; i < 10; i++) {
        go(deep_yielder, 12);
        go(sleeps);
    }
    go_time begin = go_now();
    for (int i = 0; i < 300 && go_since(begin) < 3 * GO_SECOND; i++)
        go_dump(fd);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    go_waitgroup_wait(&wg);
    return argc && argv;
}

Test(dump, survives_goroutines_that_move_on, .timeout = 60)
{
    struct child d = in_child(dumps_all_the_time, NULL);
    EXPECT_STATUS(&d, 0);
}

/* ---- goroutines that a timer starts ---- */

static void started_by_timer(void *arg)
{
    (void)arg;
    go_chan_recv(c);
}

static int arms_a_timer(int argc, char **argv)
{
    c = go_chan_make(int, 0);
    go_timer *t = go_after_func(GO_MILLISECOND, started_by_timer, NULL);
    struct go_metrics m = {.size = sizeof m};
    while (go_metrics_read(&m) == 0 && m.g_waiting_for[GO_WAIT_CHAN_RECV] == 0)
        go_yield();
    go_dump(1);
    go_timer_free(t);
    return argc && argv;
}

Test(dump, names_who_armed_the_timer)
{
    struct child d = in_child(arms_a_timer, NULL);
    EXPECT_STATUS(&d, 0);
    EXPECT_FITS(&d, "\ngoroutine [0-9]+ \\[chan receive\\]:\nstarted_by_timer\\(\\)\n"
                    "\t[^\n]*test_dump\\.c:[0-9]+\n"
                    "created by arms_a_timer, goroutine 1\n\t[^\n]*test_dump\\.c:[0-9]+\n");
}
