/* test_deadlock.c - when nothing can run any more, and when it only looks so. */
#include "in_child.h"
#include "in_go.h"
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include "core.h"
#include "vmem.h"

#define DEADLOCK "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 ["

static go_waitgroup never;

static int waits_for_nothing(int argc, char **argv)
{
    go_waitgroup_add(&never, 1);
    go_waitgroup_wait(&never);
    return argc && argv;
}

Test(deadlock, main_waits_for_nothing)
{
    for (int i = 0; i < 20; i++) {
        struct child c = in_child(waits_for_nothing, i % 2 ? "GOMAXPROCS=1" : "GOMAXPROCS=4", NULL);
        EXPECT_STATUS(&c, 2);
        EXPECT_BEGINS(&c, DEADLOCK);
        free(c.out);
    }
}

static void wait_too(void)
{
    go_waitgroup_wait(&never);
}

static int many_wait(int argc, char **argv)
{
    go_waitgroup_add(&never, 1);
    for (int i = 0; i < 100; i++)
        go(wait_too);
    go_sleep(5 * GO_MILLISECOND);
    go_waitgroup_wait(&never);
    return argc && argv;
}

Test(deadlock, every_goroutine_is_shown)
{
    struct child c = in_child(many_wait, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_BEGINS(&c, DEADLOCK);
    int shown = 0;
    for (const char *s = c.out; (s = strstr(s, "[sync.WaitGroup.Wait]")); s++)
        shown++;
    cr_expect_eq(shown, 101, "%d", shown);
}

static int main_exits(int argc, char **argv)
{
    go_exit();
    return argc && argv;
}

static int main_exits_before_another(int argc, char **argv)
{
    go_waitgroup_add(&never, 1);
    go(wait_too);
    go_exit();
    return argc && argv;
}

Test(deadlock, main_has_exited)
{
    struct child c = in_child(main_exits, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_BEGINS(&c, "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n");
    c = in_child(main_exits_before_another, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_BEGINS(&c, "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n");
    EXPECT_SAYS(&c, "[sync.WaitGroup.Wait]");
}

static void locked_wait(void)
{
    go_lock_thread();
    go_waitgroup_wait(&never);
}

static int locked_ones_wait(int argc, char **argv)
{
    go_waitgroup_add(&never, 1);
    for (int i = 0; i < 5; i++)
        go(locked_wait);
    go_lock_thread();
    go_sleep(5 * GO_MILLISECOND);
    go_waitgroup_wait(&never);
    return argc && argv;
}

Test(deadlock, of_goroutines_bound_to_threads)
{
    for (int i = 0; i < 10; i++) {
        struct child c = in_child(locked_ones_wait, i % 2 ? "GOMAXPROCS=1" : "GOMAXPROCS=3", NULL);
        EXPECT_STATUS(&c, 2);
        EXPECT_BEGINS(&c, DEADLOCK);
        free(c.out);
    }
}

/* ---- what is none ---- */

static void pause_thread(int64_t nanos)
{
    struct timespec ts = {nanos / GO_SECOND, nanos % GO_SECOND};
    nanosleep(&ts, NULL); /* sleeps: so that the others are asleep before; orders nothing */
}

static void *wakes_later(void *arg)
{
    pause_thread(300 * GO_MILLISECOND);
    go_waitgroup_done(arg);
    return NULL;
}

static int woken_by_thread(int argc, char **argv)
{
    pthread_t t;
    go_waitgroup_add(&never, 1);
    pthread_create(&t, NULL, wakes_later, &never);
    go_waitgroup_wait(&never);
    pthread_join(t, NULL);
    return 7 + (argc && argv);
}

Test(deadlock, none_while_a_plain_thread_may_wake_somebody)
{
    struct child c = in_child(woken_by_thread, NULL);
    EXPECT_STATUS(&c, 7);
    cr_expect_str_empty(c.out);
}

static void *ends_soon(void *arg)
{
    pause_thread(100 * GO_MILLISECOND);
    return arg;
}

static int left_alone(int argc, char **argv)
{
    pthread_t t;
    pthread_create(&t, NULL, ends_soon, NULL);
    pthread_detach(t);
    return waits_for_nothing(argc, argv);
}

Test(deadlock, seen_when_that_thread_has_ended)
{
    struct child c = in_child(left_alone, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_BEGINS(&c, DEADLOCK);
}

static void blocks_then_wakes(void)
{
    go_blocking_begin();
    pause_thread(50 * GO_MILLISECOND);
    go_blocking_end();
    go_waitgroup_done(&never);
}

static int waits_for_blocked(int argc, char **argv)
{
    go_waitgroup_add(&never, 1);
    go(blocks_then_wakes);
    go_waitgroup_wait(&never);
    return 7 + (argc && argv);
}

Test(deadlock, none_while_a_blocking_call_may_return)
{
    struct child c = in_child(waits_for_blocked, "GOMAXPROCS=1", NULL);
    EXPECT_STATUS(&c, 7);
    c = in_child(waits_for_blocked, "GOMAXPROCS=4", NULL);
    EXPECT_STATUS(&c, 7);
}

static void sleeps_then_wakes(int ms)
{
    go_sleep(ms * GO_MILLISECOND);
    go_waitgroup_done(&never);
}

static int waits_for_sleepers(int argc, char **argv)
{
    for (int i = 0; i < 50; i++) {
        go_waitgroup_add(&never, 3);
        go(sleeps_then_wakes, 0);
        go(sleeps_then_wakes, 1);
        go(sleeps_then_wakes, i % 3);
        go_waitgroup_wait(&never);
    }
    return 7 + (argc && argv);
}

Test(deadlock, none_while_a_timer_pends)
{
    static const char *const procs[] = {"GOMAXPROCS=1", "GOMAXPROCS=2", "GOMAXPROCS=8"};
    for (int i = 0; i < 3; i++) {
        struct child c = in_child(waits_for_sleepers, procs[i], NULL);
        EXPECT_STATUS(&c, 7);
        cr_expect_str_empty(c.out);
    }
}

static int leaves_waiters(int argc, char **argv)
{
    go_waitgroup_add(&never, 1);
    for (int i = 0; i < 10; i++)
        go(wait_too);
    go_sleep(GO_MILLISECOND);
    return argc && argv;
}

static int runs_then_pauses(void)
{
    int value = go_run(leaves_waiters, 0, NULL);
    pause_thread(300 * GO_MILLISECOND);
    return value ? value : 7;
}

Test(deadlock, none_between_two_runs)
{
    struct child c = in_plain_child(runs_then_pauses, NULL);
    EXPECT_STATUS(&c, 7);
    cr_expect_str_empty(c.out);
}

/* ---- go_run() in a thread that is not the main one ---- */

static void *runs(void *arg)
{
    go_run(waits_for_nothing, 0, NULL);
    return arg;
}

static void *joins_a_thread(void *arg)
{
    pthread_t t;
    pthread_create(&t, NULL, arg, NULL);
    pthread_join(t, NULL);
    return NULL;
}

static int main_joins(void)
{
    joins_a_thread((void *)runs);
    return 7;
}

static void *joins_the_runner(void *arg)
{
    joins_a_thread((void *)runs);
    return arg;
}

static int main_joins_a_joiner(void)
{
    joins_a_thread((void *)joins_the_runner);
    return 7;
}

static int main_has_left(void)
{
    pthread_t t;
    pthread_create(&t, NULL, runs, NULL);
    pthread_exit(NULL);
}

Test(deadlock, seen_when_other_threads_wait_for_go_run)
{
    static int (*const bodies[])(void) = {main_joins, main_joins_a_joiner};
    if (vm_emulated())
        cr_skip_test("the kernel shows the emulator's calls, by another processor's numbers");
    for (int i = 0; i < 2; i++) {
        struct child c = in_plain_child(bodies[i], NULL);
        EXPECT_STATUS(&c, 2);
        EXPECT_BEGINS(&c, DEADLOCK);
    }
}

Test(deadlock, seen_when_the_main_thread_has_left)
{
    struct child c = in_plain_child(main_has_left, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_BEGINS(&c, DEADLOCK);
}

static void *runs_and_is_woken(void *arg)
{
    return (void *)(intptr_t)go_run(arg, 0, NULL);
}

static int waits_for_other(int argc, char **argv)
{
    go_waitgroup_wait(&never);
    return argc && argv;
}

static int main_wakes_then_joins(void)
{
    pthread_t t;
    void *value;
    go_waitgroup_add(&never, 1);
    pthread_create(&t, NULL, runs_and_is_woken, (void *)waits_for_other);
    pause_thread(300 * GO_MILLISECOND);
    go_waitgroup_done(&never);
    pthread_join(t, &value);
    return value ? 1 : 7;
}

Test(deadlock, none_while_the_main_thread_may_wake_somebody)
{
    struct child c = in_plain_child(main_wakes_then_joins, NULL);
    EXPECT_STATUS(&c, 7);
    cr_expect_str_empty(c.out);
}

/* ---- a P on its way from sysmon to an M ---- */

static sem_t begun;

static int begins_and_waits(int argc, char **argv)
{
    sem_post(&begun);
    return waits_for_other(argc, argv);
}

static void await_all_asleep(void)
{
    uint64_t since;
    while (!sched_all_asleep(&since))
        sched_yield();
}

static pthread_t fall_asleep(void)
{
    pthread_t t;
    go_waitgroup_add(&never, 1);
    sem_init(&begun, 0, 0);
    pthread_create(&t, NULL, runs_and_is_woken, (void *)begins_and_waits);
    sem_wait(&begun);
    await_all_asleep();
    return t;
}

static void wake_up(pthread_t t)
{
    await_all_asleep();
    go_waitgroup_done(&never);
    pthread_join(t, NULL);
}

/* The goroutines of a P that was taken away are on no queue that is looked at, and meanwhile the M
 * that it was taken from may fall asleep as the last one. */
static int takes_the_p(void)
{
    pthread_t t = fall_asleep();
    uint64_t since;
    rt_lock(&sched.lock);
    struct p *p = sched.idle_ps;
    CHECK(p && !p->next);
    sched.idle_ps = NULL;
    at_store_rlx(&sched.idle_p_count, 0u); /* relaxed: under lock */
    p->state = P_RUNNING;
    rt_unlock(&sched.lock);
    CHECK(!sched_all_asleep(&since));
    rt_lock(&sched.lock);
    sched_idle_p_put(p);
    rt_unlock(&sched.lock);
    wake_up(t);
    return 7;
}

Test(deadlock, none_while_a_p_is_handed_over)
{
    struct child c = in_plain_child(takes_the_p, "GOMAXPROCS=1", NULL);
    EXPECT_STATUS(&c, 7);
    cr_expect_str_empty(c.out);
}

/* The same for a P that is one too many since, beside one that is idle. */
static int takes_a_p_too_many(void)
{
    pthread_t t = fall_asleep();
    uint64_t since;
    rt_lock(&sched.lock);
    struct p **at = &sched.idle_ps;
    while ((*at)->id == 0)
        at = &(*at)->next;
    struct p *p = *at;
    *at = p->next;
    at_store_rlx(&sched.idle_p_count, sched.idle_p_count - 1); /* relaxed: under lock */
    p->state = P_RUNNING;
    rt_unlock(&sched.lock);
    go_maxprocs(1);
    for (uint32_t asleep = 0;;) { /* an M comes to look after the change */
        rt_lock(&sched.lock);
        asleep = sched.idle_ps ? sched.idle_m_count : 0;
        rt_unlock(&sched.lock);
        CHECK(!sched_all_asleep(&since));
        if (asleep == worker_count())
            break;
        sched_yield();
    }
    rt_lock(&sched.lock);
    p->state = P_DEAD;
    rt_unlock(&sched.lock);
    wake_up(t);
    return 7;
}

Test(deadlock, none_while_a_p_too_many_is_handed_over)
{
    struct child c = in_plain_child(takes_a_p_too_many, "GOMAXPROCS=2", NULL);
    EXPECT_STATUS(&c, 7);
    cr_expect_str_empty(c.out);
}

/* A thread starts a goroutine and ends while the last M falls asleep: when the threads are counted
 * nobody is left who could wake anything, but there is something to run. */
static void *start_and_end(void *chan)
{
    go_start(go_chan_close, chan);
    return NULL;
}

static int threads_start_and_end(int argc, char **argv)
{
    for (int i = 0; i < 3000; i++) {
        go_chan(int) c = go_chan_make(int, 0);
        pthread_t t;
        pthread_create(&t, NULL, start_and_end, c);
        go_chan_recv_ok(c, NULL);
        pthread_join(t, NULL);
        go_chan_free(c);
    }
    return argc && argv;
}

Test(deadlock, work_from_a_thread_that_ends_is_seen)
{
    struct child c = in_child(threads_start_and_end, "GOMAXPROCS=4", NULL);
    EXPECT_STATUS(&c, 0);
}
