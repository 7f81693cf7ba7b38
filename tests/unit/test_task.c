/* test_task.c - see task.h. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "task.h"

/* A thread that waits to read from a pipe. */
static struct sleeper {
    pthread_t thread;
    int fd[2];
    atomic_int tid;
} sleeper;

static void *sleep_on(void *arg)
{
    char c;
    sleeper.tid = (int)syscall(SYS_gettid);
    while (read(sleeper.fd[0], &c, 1) < 0)
        ;
    return arg;
}

static int begin(void)
{
    cr_assert_eq(pipe(sleeper.fd), 0);
    sleeper.tid = 0;
    cr_assert_eq(pthread_create(&sleeper.thread, NULL, sleep_on, NULL), 0);
    while (sleeper.tid == 0)
        sched_yield();
    while (!task_sleeps(sleeper.tid))
        sched_yield();
    return sleeper.tid;
}

static void end(void)
{
    cr_assert_eq(write(sleeper.fd[1], "", 1), 1);
    cr_assert_eq(pthread_join(sleeper.thread, NULL), 0);
    close(sleeper.fd[0]);
    close(sleeper.fd[1]);
}

Test(task, who_asks_runs)
{
    cr_assert(!task_sleeps((int)syscall(SYS_gettid)));
    cr_assert(!task_sleeps(0));
}

/* Where no file can be opened, what was opened before is enough. */
Test(task, looks_without_opening_a_file)
{
    int tid = begin();
    struct rlimit none = {0, 0}, was;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
    none.rlim_max = was.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    cr_assert_lt(dup(0), 0);
    for (int i = 0; i < 100; i++)
        cr_assert(task_sleeps(tid));
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
    end();
}

Test(task, numbers_need_not_reach_high)
{
    struct rlimit few = {64, 0}, was;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
    few.rlim_max = was.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    int low = dup(0), tid = begin();
    for (int i = 0; i < 100; i++)
        cr_assert(task_sleeps(tid));
    end();
    close(low);
    int again = dup(0);
    cr_assert_eq(again, low, "some number was not given back");
}

Test(task, a_thread_that_has_ended_does_not_sleep)
{
    for (int i = 0; i < 100; i++) {
        int tid = begin();
        end();
        while (syscall(SYS_tgkill, getpid(), tid, 0) == 0)
            sched_yield(); /* a thread that was joined is gone a moment later */
        cr_assert(!task_sleeps(tid));
    }
    for (int fd = 512; fd < 512 + 64; fd++)
        cr_assert_lt(fcntl(fd, F_GETFD), 0, "%d was left open", fd);
}

/* A program that closes all it does not know, and uses the numbers. */
Test(task, numbers_may_become_the_program_s)
{
    int tid = begin(), mine[2], keep[2] = {dup(sleeper.fd[0]), dup(sleeper.fd[1])};
    cr_assert(keep[0] >= 0 && keep[1] >= 0);
    cr_assert_eq(pipe(mine), 0);
    for (int fd = 512; fd < 512 + 64; fd++) {
        close(fd);
        cr_assert_eq(dup2(fd % 2 ? mine[0] : open("/proc/self/exe", O_RDONLY), fd), fd);
    }
    for (int i = 0; i < 100; i++)
        cr_assert(task_sleeps(tid));
    for (int fd = 512; fd < 512 + 64; fd++)
        cr_assert_geq(fcntl(fd, F_GETFD), 0, "%d was the program's", fd);
    end();
}
