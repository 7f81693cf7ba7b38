/* test_go.c - the small calls: ids, names, counts, sleeping, bound threads, blocking,
 * checkpoints. */
#include "in_child.h"
#include "in_go.h"
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include "proc.h"
#include "scheduler.h"

/* ---- who ---- */

static uint64_t ids[1000];

static void notes_id(void *arg)
{
    CHECK(go_id() > 1);
    *(uint64_t *)arg = go_id();
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

IN_GO(go, ids_are_unique)
{
    CHECK(go_id() == 1);
    for (int i = 0; i < 1000; i++)
        start(notes_id, &ids[i]);
    finish();
    qsort(ids, 1000, sizeof *ids, by_value);
    for (int i = 1; i < 1000; i++)
        CHECK(ids[i] != ids[i - 1]);
}

IN_GO(go, names_are_cut_and_copied)
{
    char name[] = "0123456789012345678901234567890123456789";
    go_setname(name);
    name[0] = 'x';
    CHECK_TEXT(rt_self()->name, "0123456789012345678901234567890");
    go_setname("");
    CHECK_TEXT(rt_self()->name, "");
}

static void waits(void *arg)
{
    go_chan_recv((go_chan(int))arg);
}

IN_GO(go, numgoroutine_is_exact_when_quiet)
{
    go_chan(int) c = go_chan_make(int, 0);
    while (go_numgoroutine() > 1)
        go_yield();
    for (int i = 1; i <= 100; i++) {
        start(waits, c);
        CHECK(go_numgoroutine() == 1 + i);
    }
    go_chan_close(c);
    finish();
    go_time t = go_now();
    while (go_numgoroutine() > 1) {
        CHECK(go_since(t) < 30 * GO_SECOND);
        go_yield();
    }
    go_chan_free(c);
}

/* ---- sleeping ---- */

IN_GO(go, sleep_is_never_short)
{
    for (int us = 0; us < 1000; us = us * 2 + 1) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        go_time t = go_now();
        go_sleep(us * GO_MICROSECOND);
        clock_gettime(CLOCK_MONOTONIC, &b);
        CHECK(go_since(t) >= us * GO_MICROSECOND);
        CHECK((b.tv_sec - a.tv_sec) * GO_SECOND + b.tv_nsec - a.tv_nsec >= us * GO_MICROSECOND);
    }
}

/* On a busy machine nearly every one may be; a clock that is too coarse makes all. */
IN_GO(go, sleep_is_not_much_too_long)
{
    go_duration best = GO_HOUR;
    for (int i = 0; i < 2000 && best >= 4 * GO_MILLISECOND; i++) {
        go_time t = go_now();
        go_sleep(2 * GO_MILLISECOND);
        go_duration d = go_since(t);
        best = d < best ? d : best;
    }
    CHECK(best < 4 * GO_MILLISECOND);
}

static int sleeps_for_ever(int argc, char **argv)
{
    go_sleep(-1);
    go_sleep(INT64_MIN);
    go_sleep(0);
    go(go_sleep, INT64_MAX);
    go(go_sleep, INT64_MAX - 5);
    go_sleep(2 * GO_MILLISECOND);
    return argc && argv;
}

Test(go, sleep_takes_any_duration)
{
    struct child c = in_child(sleeps_for_ever, NULL);
    EXPECT_STATUS(&c, 0);
}

/* ---- errno ---- */

/* Compilers keep the address of errno over a call, and after it the thread may be another. */
static __attribute__((noinline)) int *errno_here(void)
{
    __asm__ volatile("");
    return &errno;
}

static void keeps_errno(void *arg)
{
    for (int i = 1; i < 100; i++) {
        *errno_here() = (int)(uintptr_t)arg + i;
        if (i % 10 == 0)
            go_sleep(GO_MICROSECOND);
        else
            go_yield();
        CHECK(*errno_here() == (int)(uintptr_t)arg + i);
    }
}

IN_GO(go, errno_stays_with_the_goroutine)
{
    for (uintptr_t i = 0; i < 20; i++)
        start(keeps_errno, (void *)(i * 1000));
    finish();
}

/* ---- bound threads ---- */

static void stays(void *arg)
{
    go_chan(int) c = arg;
    go_lock_thread();
    go_lock_thread();
    pthread_t here = pthread_self();
    for (int i = 0; i < 50; i++) {
        if (i % 5 == 0)
            go_sleep(20 * GO_MICROSECOND);
        else if (i % 5 == 1)
            go_chan_recv(c);
        else if (i % 5 == 2)
            go_blocking_begin(), go_blocking_end();
        else
            go_yield();
        CHECK(pthread_equal(here, pthread_self()));
        CHECK(rt_self()->m->locked_g == rt_self());
        if (i == 25)
            go_unlock_thread(); /* one of two */
    }
    go_unlock_thread();
    CHECK(rt_self()->m->locked_g == NULL && rt_self()->home_m == NULL);
    go_yield();
}

static void sends(void *arg)
{
    for (int i = 0; i < 10; i++)
        go_chan_send((go_chan(int))arg, i);
}

static void is_no_guest(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) {
        struct m *m = rt_self()->m;
        CHECK(m->locked_g == NULL);
        go_yield();
    }
}

IN_GO(go, a_locked_goroutine_stays_on_its_thread_alone)
{
    go_chan(int) c = go_chan_make(int, 0);
    for (int i = 0; i < 6; i++) {
        start(stays, c);
        start(sends, c);
        start(is_no_guest, NULL);
    }
    finish();
    go_chan_free(c);
}

IN_GO(go, main_may_be_locked)
{
    go_lock_thread();
    pthread_t here = pthread_self();
    for (int i = 0; i < 20; i++) {
        start(is_no_guest, NULL);
        go_yield();
        CHECK(pthread_equal(here, pthread_self()));
    }
    finish();
    CHECK(pthread_equal(here, pthread_self()));
    go_unlock_thread();
    go_unlock_thread(); /* one too many is ignored */
}

/* ---- blocking calls ---- */

static int pipe_fd[2];

static void writes(void *arg)
{
    CHECK(write(pipe_fd[1], arg, 1) == 1);
}

/* Outside the runtime a P may be taken at any time, but then it is said. */
static bool has_processor(void)
{
    struct m *m = rt_self()->m;
    return at_load_rlx(&m->p) || at_load_rlx(&m->detached); /* relaxed: its own M's */
}

/* With one P: read() would block for ever if the P stayed here. */
IN_GO(go, a_blocking_call_frees_the_processor)
{
    CHECK(pipe(pipe_fd) == 0);
    for (int i = 0; i < 100; i++) {
        char c = 0;
        start(writes, "x");
        go_blocking_begin();
        go_blocking_begin();
        ssize_t n = read(pipe_fd[0], &c, 1);
        go_blocking_end();
        CHECK(rt_self()->m->p == NULL);
        go_blocking_end();
        CHECK(n == 1 && c == 'x' && has_processor());
    }
    finish();
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    go_blocking_end(); /* one too many is ignored */
}

static void parks_while_blocking(void *arg)
{
    go_chan(int) c = arg;
    for (int i = 0; i < 20; i++) {
        go_blocking_begin();
        go_chan_send(c, i);
        go_yield();
        go_sleep(GO_MICROSECOND);
        go_blocking_end();
        CHECK(has_processor() && rt_self()->blocking == 0);
    }
}

/* A callback inside a blocking call may use the runtime; it then has a P again. */
IN_GO(go, parking_inside_a_blocking_call)
{
    go_chan(int) c = go_chan_make(int, 0);
    for (int i = 0; i < 4; i++)
        start(parks_while_blocking, c);
    for (int i = 0; i < 80; i++)
        go_chan_recv(c);
    finish();
    go_chan_free(c);
}

/* ---- checkpoints ---- */

static bool other_ran;

static void sets_flag(void *arg)
{
    __atomic_store_n((bool *)arg, true, __ATOMIC_RELAXED);
}

IN_GO(go, checkpoints_let_others_run)
{
    int procs = go_maxprocs(1);
    go_yield();
    __atomic_store_n(&other_ran, false, __ATOMIC_RELAXED);
    start(sets_flag, &other_ran);
    go_time t = go_now();
    while (!__atomic_load_n(&other_ran, __ATOMIC_RELAXED)) {
        CHECK(go_since(t) < 20 * GO_SECOND);
        go_checkpoint();
    }
    finish();
    go_maxprocs(procs);
}

/* ---- the thread's own stack ---- */

static __attribute__((noinline)) void uses_much(void *arg) /* one of them is 1 MiB deep */
{
    char big[1 << 20];
    memset(big, 1, sizeof big);
    __asm__ volatile("" ::"r"(big) : "memory");
    ++*(int *)arg;
}

static void uses_more(void *arg)
{
    rt_on_big_stack(uses_much, arg);
    uses_much(arg);
}

IN_GO(go, the_big_stack_is_big)
{
    int times = 0;
    for (int i = 0; i < 50; i++) {
        rt_on_big_stack(uses_more, &times);
        go_yield();
    }
    CHECK(times == 100);
}

IN_GO(go, version_and_cpus)
{
    CHECK_TEXT(go_version(), GO_VERSION);
    CHECK(go_numcpu() >= 1);
    CHECK(go_maxprocs(-5) == go_maxprocs(0));
}
