/* steps_program.c - a signal at every single instruction.
 *
 * Another process steps through an operation one instruction at a time and sends a signal after
 * each, or after some.  Each must have been handled, once, when the operation has ended, and
 * nothing be reported.  Where tracing is forbidden, nothing is tested. */
#include "cases.h"
#include "case_threads.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the process that steps ---- */

enum { DONE = 1, STEPS_MAX = 100000 };

static const int signals[2] = {SIGUSR1, SIGUSR2};

static pid_t traced;
static struct user_regs_struct regs; /* its registers where it stopped */

/* Lets it go on, and waits until it stops.  Returns the signal that it stopped for. */
static int goes(int how, int sig)
{
    int status;
    check(ptrace(how, traced, NULL, (void *)(long)sig) == 0);
    check(waitpid(traced, &status, __WALL) == traced && WIFSTOPPED(status));
    check(ptrace(PTRACE_GETREGS, traced, NULL, &regs) == 0);
    sig = WSTOPSIG(status);
    check(sig == SIGTRAP || sig == SIGUSR1 || sig == SIGUSR2);
    return sig;
}

static int is_at_mark(void)
{
    siginfo_t info;
    check(ptrace(PTRACE_GETSIGINFO, traced, NULL, &info) == 0);
    return info.si_signo == SIGTRAP && info.si_code == SI_KERNEL;
}

static int is_blocked(int sig)
{
    uint64_t set;
    check(ptrace(PTRACE_GETSIGMASK, traced, (void *)sizeof set, &set) == 0);
    return set >> (sig - 1) & 1;
}

static void set_debug_register(int i, long value)
{
    check(ptrace(PTRACE_POKEUSER, traced, offsetof(struct user, u_debugreg[i]), value) == 0);
}

/* Delivers the signal where it has stopped, and waits until it is there again, or has jumped. */
static void is_interrupted(int sig)
{
    struct user_regs_struct at = regs;
    set_debug_register(0, (long)at.rip);
    set_debug_register(7, 1);
    do
        sig = goes(PTRACE_CONT, sig == SIGTRAP ? 0 : sig);
    while (!(sig == SIGTRAP && ((regs.rip == at.rip && regs.rsp == at.rsp) || is_at_mark())));
    check(!is_at_mark() || regs.rax == 0);
    set_debug_register(7, 0);
}

/* Steps through the operation.  One step in `apart` is followed by a signal.  Returns how many
 * signals there were. */
static int sends_while_stepping(unsigned apart, unsigned *random)
{
    int sent = 0, steps = 0;
    for (int stop; stop = goes(PTRACE_SINGLESTEP, 0), !is_at_mark() || regs.rax == 0; steps++) {
        check(steps < STEPS_MAX);
        *random = *random * 1664525 + 1013904223;
        int sig = signals[*random >> 31];
        if (stop != SIGTRAP) { /* was postponed */
            is_interrupted(stop);
        } else if ((*random >> 16) % apart == 0 && !is_blocked(sig)) {
            is_interrupted(sig);
            sent++;
        }
    }
    return sent;
}

static int handled_so_far(void)
{
    return (int)ptrace(PTRACE_PEEKDATA, traced, regs.rax, NULL);
}

static void steps_through(const unsigned *apart)
{
    unsigned random = 1;
    int status;
    check(waitpid(traced, &status, __WALL) == traced && WSTOPSIG(status) == SIGTRAP);
    for (; *apart; apart++) {
        check(ptrace(PTRACE_GETREGS, traced, NULL, &regs) == 0);
        int was = handled_so_far();
        int sent = sends_while_stepping(*apart, &random);
        int is = handled_so_far();
        check(is == was + sent);
        check(!is_blocked(signals[0]) && !is_blocked(signals[1]));
        check(goes(PTRACE_CONT, 0) == SIGTRAP); /* at the next beginning */
    }
    check(ptrace(PTRACE_POKEUSER, traced, offsetof(struct user_regs_struct, rax), DONE) == 0);
    check(ptrace(PTRACE_DETACH, traced, NULL, NULL) == 0);
}

/* ---- the process that is stepped through ---- */

static const unsigned each[] = {1, 1, 2, 5, 0}, seldom[] = {200, 200, 0};

static int handled, x, table[64], room[8];
static char from[100], to[100];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t sem;
static sigjmp_buf back;
static int may_jump, tells_too;

/* Stops here for who traces; returns what he says.  word: where handled is, at the beginning and
 * the end of an operation; NULL: in between. */
static inline long mark(int *word)
{
    long answer;
    __asm__ volatile("int3" : "=a"(answer) : "0"(word) : "memory");
    return answer;
}

__attribute__((noinline)) static void innermost(int i)
{
    table[i & 63] = table[(i + 1) & 63] + 1;
    __asm__ volatile("");
}

__attribute__((noinline)) static void inner(int i)
{
    innermost(i);
    innermost(i + 1);
    __asm__ volatile("");
}

/* Each handler tells its number after the fence of the one before, as the same flow; then it waits
 * unseen, and writes.  Who listens knows what the one before wrote. */
static int number, written[10000];

static void tells(int n)
{
    __atomic_store_n(&number, n, __ATOMIC_RELAXED);
    await_step(n);
    written[n] = 1;
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void *listens(void *unused)
{
    for (int n = 1, now; (now = __atomic_load_n(&number, __ATOMIC_ACQUIRE)) >= 0;) {
        if (now < n) {
            sched_yield();
            continue;
        }
        check(n == 1 || written[n - 1] == 1);
        step_to(n++);
    }
    return unused;
}

static void handles(int sig)
{
    (void)sig;
    inner(x);
    x++;
    handled++;
    if (tells_too)
        tells(handled);
    if (may_jump)
        siglongjmp(back, 1);
}

/* Returns -1 where no process may trace another. */
static pid_t fork_who_steps(const unsigned *apart)
{
    int to_child[2], to_parent[2];
    char may = 0;
    traced = gettid();
    check(pipe(to_child) == 0 && pipe(to_parent) == 0);
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        check(read(to_child[0], &may, 1) == 1);
        may = ptrace(PTRACE_SEIZE, traced, NULL, NULL) == 0;
        check(write(to_parent[1], &may, 1) == 1);
        if (may)
            steps_through(apart);
        _exit(0);
    }
    prctl(PR_SET_PTRACER, pid, 0, 0, 0);
    check(write(to_child[1], &may, 1) == 1 && read(to_parent[0], &may, 1) == 1);
    return may ? pid : -1;
}

static void at_instructions(const unsigned *apart, void (*operation)(void))
{
    struct sigaction a = {.sa_handler = handles};
    int status;
    sigemptyset(&a.sa_mask);
    if (apart == seldom) /* a jump out of one handler would leave the other one, too */
        for (int i = 0; i < 2; i++)
            sigaddset(&a.sa_mask, signals[i]);
    operation(); /* whatever is done the first time only is not stepped through */
    for (int i = 0; i < 2; i++) {
        check(sigaction(signals[i], &a, NULL) == 0);
        check(raise(signals[i]) == 0);
    }
    operation();
    pid_t pid = fork_who_steps(apart);
    if (pid < 0)
        return;
    while (mark(&handled) != DONE) {
        operation();
        mark(&handled);
    }
    check(waitpid(pid, &status, 0) == pid && status == 0);
}

static void nothing(void)
{
}

SILENT(of_nothing)
{
    at_instructions(each, nothing);
}

static void reads_and_writes(void)
{
    x = table[3] + room[0];
    room[1] = x;
}

SILENT(of_reads_and_writes)
{
    at_instructions(each, reads_and_writes);
}

static void is_listened_to(void (*operation)(void))
{
    pthread_t t = start(listens, NULL);
    tells_too = 1;
    at_instructions(each, operation);
    __atomic_store_n(&number, -1, __ATOMIC_RELAXED);
    join(t);
}

SILENT(of_reads_and_writes_by_a_handler_that_tells)
{
    is_listened_to(reads_and_writes);
}

static void calls(void)
{
    inner(1);
    innermost(2);
    inner(3);
}

SILENT(of_calls)
{
    at_instructions(each, calls);
}

static void atomics(void)
{
    __atomic_fetch_add(&room[2], 1, __ATOMIC_ACQ_REL);
    __atomic_store_n(&room[2], x, __ATOMIC_RELEASE);
    x = __atomic_load_n(&room[2], __ATOMIC_ACQUIRE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

SILENT(of_atomics)
{
    at_instructions(each, atomics);
}

static void locks(void)
{
    pthread_mutex_lock(&lock);
    room[3]++;
    pthread_mutex_unlock(&lock);
}

SILENT(of_locks)
{
    at_instructions(each, locks);
}

SILENT(of_locks_by_a_handler_that_tells)
{
    is_listened_to(locks);
}

static void copies(void)
{
    memset(to, x, sizeof to);
    memcpy(to, from, sizeof to - 1);
}

SILENT(of_copies)
{
    at_instructions(each, copies);
}

static void allocates(void)
{
    char *volatile p = malloc(40);
    check(p);
    p[3] = 1;
    free(p);
}

SILENT(of_allocations)
{
    at_instructions(each, allocates);
}

static void posts(void)
{
    sem_post(&sem);
    sem_wait(&sem);
}

SILENT(of_semaphores)
{
    check(sem_init(&sem, 0, 0) == 0);
    at_instructions(each, posts);
}

/* Whoever is thrown out of the calls says so, and begins again. */
static void jumps(void)
{
    if (sigsetjmp(back, 1) != 0) {
        may_jump = 0;
        mark(NULL);
    }
    may_jump = 1;
    inner(1);
    innermost(2);
    may_jump = 0;
}

SILENT(of_what_is_jumped_out_of)
{
    at_instructions(seldom, jumps);
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
