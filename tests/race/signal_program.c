/* signal_program.c - handlers, and what they order. */
#include "cases.h"
#include "case_threads.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int x, table[64], handled;
static pthread_t thread;

typedef void *body(void *);

static void on(int sig, void (*fn)(int), int flags)
{
    struct sigaction a = {.sa_handler = fn, .sa_flags = flags};
    sigemptyset(&a.sa_mask);
    check(sigaction(sig, &a, NULL) == 0);
}

static int is_handled(void)
{
    return __atomic_load_n(&handled, __ATOMIC_RELAXED); /* orders nothing */
}

static void *wait_until_handled(void *unused)
{
    step_to(1);
    while (!is_handled())
        sched_yield();
    return unused;
}

static void reads_table(int sig)
{
    (void)sig;
    x = table[3];
    __atomic_store_n(&handled, 1, __ATOMIC_RELAXED);
}

/* The thread began before. */
SILENT(handler_comes_after_its_sigaction)
{
    pthread_t t = start(wait_until_handled, NULL);
    await_step(1);
    table[3] = 1;
    on(SIGUSR1, reads_table, 0);
    check(pthread_kill(t, SIGUSR1) == 0);
    join(t);
    check(x == 1);
}

SILENT(handler_comes_after_who_sent)
{
    on(SIGUSR1, reads_table, 0);
    pthread_t t = start(wait_until_handled, NULL);
    await_step(1);
    table[3] = 1;
    check(pthread_kill(t, SIGUSR1) == 0);
    join(t);
    check(x == 1);
}

/* The main thread blocks the signal, so the other one handles it. */
static void after_who_sets(int sig, void (*set_timer)(void))
{
    sigset_t set;
    on(sig, reads_table, 0);
    pthread_t t = start(wait_until_handled, NULL);
    await_step(1);
    sigemptyset(&set);
    sigaddset(&set, sig);
    check(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    table[3] = 1;
    set_timer();
    join(t);
    check(x == 1);
}

static void set_interval_timer(void)
{
    struct itimerval soon = {.it_value = {.tv_usec = 1000}};
    check(setitimer(ITIMER_REAL, &soon, NULL) == 0);
}

SILENT(handler_comes_after_setitimer)
{
    after_who_sets(SIGALRM, set_interval_timer);
}

static void set_alarm(void)
{
    ualarm(1000, 0);
}

SILENT(handler_comes_after_alarm)
{
    after_who_sets(SIGALRM, set_alarm);
}

static void set_posix_timer(void)
{
    timer_t timer;
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    check(timer_create(CLOCK_MONOTONIC, &e, &timer) == 0);
    check(timer_settime(timer, 0, &soon, NULL) == 0);
}

SILENT(handler_comes_after_timer_settime)
{
    after_who_sets(SIGUSR2, set_posix_timer);
}

REPORT(handler_is_not_ordered_with_what_follows_the_sending, "DATA RACE")
{
    on(SIGUSR1, reads_table, 0);
    pthread_t t = start(wait_until_handled, NULL);
    await_step(1);
    check(pthread_kill(t, SIGUSR1) == 0);
    while (!is_handled())
        sched_yield();
    table[3] = 1;
    join(t);
}

SILENT(handler_and_the_code_that_it_interrupts)
{
    on(SIGUSR1, reads_table, 0);
    for (int i = 0; i < 100; i++) {
        table[3] = i;
        check(raise(SIGUSR1) == 0);
        check(x == i);
    }
}

static sem_t posted;
static int ticks, told[1000];

static void posts(int sig)
{
    int saved = errno;
    (void)sig;
    if (ticks < 1000) {
        told[ticks] = ticks;
        __atomic_store_n(&ticks, ticks + 1, __ATOMIC_RELEASE);
        sem_post(&posted);
    }
    errno = saved;
}

static void *takes(void *unused)
{
    for (int i = 0; i < 300; i++) {
        while (sem_wait(&posted) != 0)
            check(errno == EINTR);
        check(told[i] == i);
    }
    __atomic_store_n(&handled, 1, __ATOMIC_RELEASE);
    return unused;
}

static void only_here(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    check(pthread_sigmask(how, &set, NULL) == 0);
}

static int work[4096];

/* The signals come in the middle of everything that the engine does. */
SILENT(handler_posts_while_the_engine_works)
{
    struct itimerval each = {{0, 200}, {0, 200}};
    check(sem_init(&posted, 0, 0) == 0);
    only_here(SIG_BLOCK);
    pthread_t t = start(takes, NULL);
    only_here(SIG_UNBLOCK);
    on(SIGALRM, posts, SA_RESTART);
    check(setitimer(ITIMER_REAL, &each, NULL) == 0);
    for (unsigned i = 0; !__atomic_load_n(&handled, __ATOMIC_ACQUIRE); i++) {
        work[i * 7 % 4096]++;
        __atomic_fetch_add(&x, 1, __ATOMIC_ACQ_REL);
        free(malloc(i % 100));
    }
    only_here(SIG_BLOCK);
    join(t);
}

static int pipe_fds[2];

static void writes_to_the_pipe(int sig)
{
    int saved = errno;
    char c = 1;
    (void)sig;
    int fd = dup(pipe_fds[1]);
    if (fd >= 0 && write(fd, &c, 1) == 1)
        __atomic_store_n(&handled, 1, __ATOMIC_RELAXED);
    close(fd);
    errno = saved;
}

/* The detector's table of descriptors is used in the handler and in what it interrupts. */
SILENT(handler_uses_descriptors)
{
    struct itimerval each = {{0, 200}, {0, 200}};
    char c;
    check(pipe(pipe_fds) == 0);
    on(SIGALRM, writes_to_the_pipe, SA_RESTART);
    check(setitimer(ITIMER_REAL, &each, NULL) == 0);
    for (int got = 0; got < 300; got++) {
        for (int i = 0; i < 20; i++) {
            int two[2];
            check(pipe(two) == 0);
            close(two[0]);
            close(two[1]);
        }
        check(read(pipe_fds[0], &c, 1) == 1);
    }
    only_here(SIG_BLOCK);
}

static sigjmp_buf out;

static int deep(int n)
{
    return n == 0 ? raise(SIGUSR1) : deep(n - 1) + 1;
}

static void jumps(int sig)
{
    (void)sig;
    siglongjmp(out, 1);
}

static __attribute__((noinline)) void put_x(void)
{
    x = 1;
}

static void *put_after_jumps(void *unused)
{
    on(SIGUSR1, jumps, SA_ONSTACK);
    for (volatile int i = 0; i < 200; i++)
        if (sigsetjmp(out, 1) == 0)
            deep(50);
    put_x();
    step_to(1);
    return unused;
}

REPORT(stack_is_right_after_jumps_out_of_handlers, "DATA RACE")
{
    pthread_t t = start(put_after_jumps, NULL);
    await_step(1);
    put_x();
    join(t);
}

static void *jumps_on_another_stack(void *unused)
{
    static char memory[65536];
    stack_t s = {.ss_sp = memory, .ss_size = sizeof memory}, off = {.ss_flags = SS_DISABLE};
    check(sigaltstack(&s, NULL) == 0);
    put_after_jumps(NULL);
    check(sigaltstack(&off, NULL) == 0);
    return unused;
}

SILENT(jumps_off_another_stack)
{
    join(start(jumps_on_another_stack, NULL));
    put_x();
}

static void fault(int sig)
{
    (void)sig;
    siglongjmp(out, 1);
}

SILENT(faults_are_handled_at_once)
{
    on(SIGSEGV, fault, SA_NODEFER);
    for (volatile int i = 0; i < 50; i++)
        if (sigsetjmp(out, 1) == 0)
            memset((void *)(uintptr_t)(16 * (i + 1)), 0, 8);
}

static void *waits_for_a_signal(void *unused)
{
    sigset_t set;
    int sig;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    step_to(1);
    check(sigwait(&set, &sig) == 0 && sig == SIGUSR2);
    check(table[5] == 7);
    check(sigwaitinfo(&set, NULL) == SIGUSR2);
    check(table[6] == 8);
    int fd = signalfd(-1, &set, 0);
    struct signalfd_siginfo info;
    step_to(2);
    check(read(fd, &info, sizeof info) == sizeof info);
    check(table[7] == 9);
    close(fd);
    return unused;
}

SILENT(sigwait_comes_after_who_sent)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    check(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    thread = start(waits_for_a_signal, NULL);
    await_step(1);
    table[5] = 7;
    check(pthread_kill(thread, SIGUSR2) == 0);
    struct timespec nap = {.tv_nsec = 100000};
    sigset_t pending;
    do {                       /* one at a time: two would be one */
        nanosleep(&nap, NULL); /* sleeps: between looks */
        sigpending(&pending);
    } while (sigismember(&pending, SIGUSR2));
    table[6] = 8;
    check(kill(getpid(), SIGUSR2) == 0);
    await_step(2);
    table[7] = 9;
    check(kill(getpid(), SIGUSR2) == 0);
    join(thread);
}

static int got_value;

static void with_info(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    check(context != NULL);
    got_value += info->si_value.sival_int;
}

SILENT(handlers_are_given_back_as_they_were_set)
{
    struct sigaction a = {.sa_sigaction = with_info, .sa_flags = SA_SIGINFO}, was;
    check(sigaction(SIGRTMIN, &a, NULL) == 0);
    check(sigaction(SIGRTMIN, NULL, &was) == 0);
    check(was.sa_sigaction == with_info && (was.sa_flags & SA_SIGINFO));
    check(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5}) == 0);
    check(got_value == 5);
    check(signal(SIGUSR1, reads_table) == SIG_DFL);
    check(signal(SIGUSR1, SIG_IGN) == reads_table);
    check(raise(SIGUSR1) == 0 && x == 0);
    check(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
    on(SIGUSR1, reads_table, SA_RESETHAND);
    check(raise(SIGUSR1) == 0 && is_handled());
    check(sigaction(SIGUSR1, NULL, &was) == 0 && was.sa_handler == SIG_DFL);
    check(sigaction(99, &a, NULL) == -1 && errno == EINVAL);
    check(signal(SIGKILL, reads_table) == SIG_ERR);
}

/* ---- a pipe as a lock, which handlers take too ---- */

static int lock_pipe[2], guarded, unguarded;

static void pipe_lock(void)
{
    char c;
    check(read(lock_pipe[0], &c, 1) == 1);
}

static void pipe_unlock(void)
{
    check(write(lock_pipe[1], "x", 1) == 1);
}

static void counts_in_handler(int sig)
{
    (void)sig;
    pipe_lock();
    guarded++;
    pipe_unlock();
}

static void *counts_with_signals_blocked(void *arg)
{
    sigset_t all, was;
    sigfillset(&all);
    for (int i = 0; i < 50; i++) {
        pthread_sigmask(SIG_SETMASK, &all, &was);
        pipe_lock();
        guarded++;
        pipe_unlock();
        pthread_sigmask(SIG_SETMASK, &was, NULL);
        check(raise(SIGUSR1) == 0);
    }
    return arg;
}

static void make_pipe_lock(void)
{
    struct sigaction a = {.sa_handler = counts_in_handler};
    sigfillset(&a.sa_mask);
    check(pipe(lock_pipe) == 0);
    pipe_unlock();
    check(sigaction(SIGUSR1, &a, NULL) == 0);
}

SILENT(pipe_as_a_lock_of_threads_and_handlers)
{
    pthread_t t[2];
    make_pipe_lock();
    for (int i = 0; i < 2; i++)
        check(pthread_create(&t[i], NULL, counts_with_signals_blocked, NULL) == 0);
    for (int i = 0; i < 2; i++)
        check(pthread_join(t[i], NULL) == 0);
    check(guarded == 200);
}

static void *changes_after_unlocking(void *arg)
{
    pipe_lock();
    guarded++;
    pipe_unlock();
    unguarded = 1;
    step_to(1);
    await_step(2);
    return arg;
}

REPORT(changed_after_the_pipe_was_unlocked, "DATA RACE")
{
    pthread_t t;
    make_pipe_lock();
    check(pthread_create(&t, NULL, changes_after_unlocking, NULL) == 0);
    await_step(1);
    pipe_lock();
    unguarded++;
    pipe_unlock();
    step_to(2);
    check(pthread_join(t, NULL) == 0);
}

static int depths;
static int interrupted;

/* Interrupts itself at the bottom. */
static __attribute__((noinline)) void descend(int n)
{
    depths++;
    if (n > 0)
        descend(n - 1);
    else if (interrupted)
        check(raise(SIGUSR1) == 0);
    depths++;
}

static void descends(int sig)
{
    (void)sig;
    interrupted = 0;
    descend(500);
    interrupted = 1;
}

/* The frames of both grow. */
SILENT(handler_calls_deeply)
{
    on(SIGUSR1, descends, 0);
    interrupted = 1;
    for (int i = 0; i < 100; i++)
        descend(i);
    check(depths == 100 * 2 * 501 + 100 * 101);
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
