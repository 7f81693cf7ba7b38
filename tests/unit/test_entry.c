/* test_entry.c - go_run(): its value, again and again, from any thread, and what it refuses. */
#include "in_child.h"
#include "in_go.h"
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include "entry.h"

static int adds(int argc, char **argv)
{
    CHECK(go_id() == 1 && rt_run() != 0);
    return argc + argv[0][0];
}

static char *arguments[] = {(char[]){1, 0}, NULL};

Test(entry, gives_the_value_of_its_function)
{
    cr_expect_eq(rt_run(), 0);
    cr_expect_eq(go_run(adds, 41, arguments), 42);
    cr_expect_eq(go_run(adds, -2, arguments), -1);
    cr_expect_eq(rt_run(), 0);
    cr_expect_eq(go_id(), 0);
}

/* In place of libc's, for the runtime too: the size of the kernel's pages may be made another.
 * ThreadSanitizer asks for it before functions can be looked up. */
#ifndef __SANITIZE_THREAD__
static long page_bytes;

long sysconf(int name)
{
    long (*real)(int) = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
    return name == _SC_PAGESIZE && page_bytes ? page_bytes : real(name);
}

static int runs_nothing(void)
{
    page_bytes = 65536;
    return go_run(adds, 0, NULL);
}

Test(entry, pages_of_another_size_are_refused)
{
    struct child c = in_plain_child(runs_nothing, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_BEGINS(&c, "fatal error: this kernel has memory pages of 65536 bytes");
}
#endif

static uint32_t ran;

static void counts(void)
{
    __atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
}

static int starts_some(int argc, char **argv)
{
    CHECK(go_numgoroutine() == 1);
    for (int i = 0; i < argc; i++)
        go(counts);
    go_time begin = go_now();
    while (go_numgoroutine() > 1) {
        CHECK(go_since(begin) < 30 * GO_SECOND);
        go_yield();
    }
    return argv ? 1 : 0;
}

/* Each begins with itself as the only goroutine. */
Test(entry, runs_again_and_again)
{
    for (int i = 0; i < 300; i++)
        cr_expect_eq(go_run(starts_some, 10, NULL), 0);
    cr_expect_eq(__atomic_load_n(&ran, __ATOMIC_RELAXED), 3000);
}

static go_chan(int) handed_over;

static void goes_on(void)
{
    go_chan_send(handed_over, 5);
}

static int leaves_one(int argc, char **argv)
{
    handed_over = go_chan_make(int, 0);
    go(goes_on);
    return argc && argv;
}

static int takes_over(int argc, char **argv)
{
    CHECK(go_chan_recv(handed_over) == 5);
    return argc && argv;
}

Test(entry, goroutines_outlive_a_run)
{
    cr_expect_eq(go_run(leaves_one, 0, NULL), 0);
    cr_expect_eq(go_run(takes_over, 0, NULL), 0);
}

static void *in_thread(void *arg)
{
    CHECK(go_run(adds, 1, arguments) == 2);
    return arg;
}

Test(entry, runs_from_any_thread)
{
    for (int i = 0; i < 20; i++) {
        pthread_t t;
        pthread_create(&t, NULL, in_thread, NULL);
        pthread_join(t, NULL);
    }
    cr_expect_eq(go_run(adds, 1, arguments), 2);
}

/* On one processor the thread in go_run() may have to wait before its goroutine exists, while the M
 * of the last run looks for a deadlock. */
static int runs_on_one_processor(void)
{
    cpu_set_t allowed, one;
    CHECK(sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &allowed))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
    for (int i = 0; i < 20000; i++)
        CHECK(go_run(adds, 1, arguments) == 2);
    return 9;
}

Test(entry, no_deadlock_between_runs)
{
    struct child c = in_plain_child(runs_on_one_processor, "GOMAXPROCS=1", NULL);
    EXPECT_STATUS(&c, 9);
    free(c.out);
}

/* ---- misuse ---- */

static int runs_inside(int argc, char **argv)
{
    return go_run(adds, argc, argv);
}

Test(entry, not_inside_a_goroutine)
{
    struct child c = in_child(runs_inside, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_BEGINS(&c, "fatal error: go_run: called inside a goroutine\n");
}

static int runs_beside(int argc, char **argv)
{
    pthread_t t;
    pthread_create(&t, NULL, in_thread, NULL);
    pthread_join(t, NULL);
    return argc && argv;
}

Test(entry, not_two_at_once)
{
    struct child c = in_child(runs_beside, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_BEGINS(&c, "fatal error: go_run: another one is running\n");
}

/* ---- before the first run ---- */

static int uses_it_before(void)
{
    CHECK(go_maxprocs(0) == 3);
    CHECK(go_maxprocs(2) == 3 && go_maxprocs(0) == 2);
    go_time t = go_now();
    go_sleep(2 * GO_MILLISECOND);
    CHECK(go_since(t) >= 2 * GO_MILLISECOND);
    go(counts);
    while (__atomic_load_n(&ran, __ATOMIC_RELAXED) == 0)
        go_yield();
    go_chan(int) c = go_chan_make(int, 1);
    go_chan_send(c, 3);
    CHECK(go_chan_recv(c) == 3);
    return go_run(adds, 1, arguments);
}

Test(entry, everything_works_before_it)
{
    struct child c = in_plain_child(uses_it_before, "GOMAXPROCS=3", NULL);
    EXPECT_STATUS(&c, 2);
}

/* ---- ends ---- */

static int dies(int argc, char **argv)
{
    printf("kept");
    rt_die(7);
    return argc && argv;
}

Test(entry, die_loses_no_output)
{
    struct child c = in_child(dies, NULL);
    EXPECT_STATUS(&c, 7);
    cr_expect_str_eq(c.out, "kept");
}

static void never_ends(void)
{
    for (;;)
        go_yield();
}

static int returns_at_once(int argc, char **argv)
{
    go_maxprocs(4);
    for (int i = 0; i < 8; i++)
        go(never_ends);
    return 11 + (argc && argv);
}

Test(entry, main_does_not_wait_for_the_others)
{
    for (int i = 0; i < 20; i++) {
        struct child c = in_child(returns_at_once, NULL);
        EXPECT_STATUS(&c, 11);
        free(c.out);
    }
}
