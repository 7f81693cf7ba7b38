/* int_signal.c - signal handlers, and what sends signals.
 *
 * The kernel calls on_signal(), which calls the program's handler.
 * - A handler is ordered after the sigaction() that set it [action], and after who sent the signal
 *   by a call that is seen [sent]; so is who waits for a signal instead of handling it.
 * - A signal that interrupts the engine is handled when the thread leaves it, a few microseconds
 *   later: it is blocked and sent to the thread again, and rc_leave() lets it in.  So the
 *   order that a handler makes is never lost.  Not so what the thread did to itself (a fault), nor
 *   a handler for one signal only.
 * - What waits for the code that a handler interrupts waits on: the handler may be one that blocks
 *   it, and when it returns, what was blocked is blocked again.
 * - The handler's frames go where no half-written one of the code that it interrupts lies.
 * - An alternate stack belongs to a thread, and handlers of several flows come to lie on it, one
 *   after the other: what is below a handler that begins is fresh memory.
 * - On a thread that runs no flow, one of the scheduler's, what the handler orders counts, for
 *   others may be waiting for it; its accesses do not: it belongs to nobody.
 *
 * Rejected: keeping the signal until then and calling the handler with a copy of its context, which
 * is not the one that a handler might change. */
#include "intercept.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>
#include "fds.h"

enum { SIGNALS = 65 };

typedef void handler(int sig, siginfo_t *info, void *context);

static struct {
    handler *fn; /* the program's; a handler of one parameter ignores the others */
    int flags;
    uint64_t set, sent; /* clocks */
} action[SIGNALS];

/* A handler that runs on this thread; in on_signal()'s frame. */
struct running {
    struct running *outer;
    uintptr_t sp, stack_lo, stack_size; /* size 0: on the stack that was interrupted */
    struct rc_interrupted was;
    uint64_t postponed; /* what waits for the code that it interrupts */
};
static __thread struct running *running __attribute__((tls_model("initial-exec")));

static __attribute__((constructor(101))) void name_objects(void)
{
    rc_name_objects(action, sizeof action, "the set-up of a signal's handler");
}

static bool is_signal(int sig)
{
    return sig > 0 && sig < SIGNALS;
}

static void sends(int sig)
{
    struct rc_ctx *c = watched();
    if (!c || !is_signal(sig))
        return;
    rc_release_merge(c, &action[sig].sent); /* [sent] */
    fds_signal_sends(c);
}

static void received(struct rc_ctx *c, int sig)
{
    if (c && is_signal(sig))
        rc_acquire(c, &action[sig].sent); /* [sent] */
}

/* ---- handlers ---- */

/* The thread did it to itself: it cannot go on before it is handled. */
static bool is_fault(int sig, const siginfo_t *info)
{
    return info->si_code > 0 && (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE ||
                                 sig == SIGILL || sig == SIGTRAP || sig == SIGSYS);
}

/* Blocks the signal and sends it again.  False: the handler must run now. */
static bool postpone(int sig, siginfo_t *info, ucontext_t *context)
{
    sigset_t one;
    if (is_fault(sig, info) || (action[sig].flags & (int)SA_RESETHAND))
        return false;
    sigemptyset(&one);
    sigaddset(&one, sig);
    rt_real_pthread_sigmask(SIG_BLOCK, &one, NULL);
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), sig, info) != 0)
        return false;
    sigaddset(&context->uc_sigmask, sig);
    rc_postponed |= UINT64_C(1) << (sig - 1);
    return true;
}

static void begin(struct running *r, const ucontext_t *context)
{
    r->postponed = rc_postponed;
    rc_postponed = 0;
    if (!(context->uc_stack.ss_flags & SS_DISABLE)) {
        r->stack_lo = (uintptr_t)context->uc_stack.ss_sp;
        r->stack_size = context->uc_stack.ss_size;
    }
    r->sp = (uintptr_t)__builtin_frame_address(0);
    if (r->sp - r->stack_lo >= r->stack_size)
        r->stack_size = 0;
    else if (!rc_is_inside())
        rc_mem_fresh((void *)r->stack_lo, r->sp - r->stack_lo);
    r->outer = running;
    running = r;
    rc_handler_begin(&r->was);
}

static void end(struct running *r)
{
    running = r->outer;
    rc_handler_end(&r->was);
    rc_postponed |= r->postponed;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    struct running r = {0};
    int saved = errno;
    if (rc_is_inside() && postpone(sig, info, context)) {
        errno = saved;
        return;
    }
    begin(&r, context);
    if (watched()) {
        rc_acquire(watched(), &action[sig].set); /* [action] */
        received(watched(), sig);
    }
    errno = saved;
    at_load_acq (&action[sig].fn)(sig, info, context); /* [action] */
    saved = errno;
    end(&r);
    errno = saved;
}

void int_signal_jumps(uintptr_t sp)
{
    for (struct running *r; (r = running) != NULL; end(r))
        if (r->stack_size ? sp - r->stack_lo < r->stack_size : sp < r->sp)
            return;
}

static int set_action(int sig, const struct sigaction *now, struct sigaction *was)
{
    struct sigaction ours, old;
    handler *fn = is_signal(sig) ? at_load_acq(&action[sig].fn) : NULL; /* [action] */
    int flags = is_signal(sig) ? action[sig].flags : 0;
    if (now && is_signal(sig) && now->sa_handler != SIG_DFL && now->sa_handler != SIG_IGN) {
        ours = *now;
        ours.sa_sigaction = on_signal;
        ours.sa_flags |= SA_SIGINFO;
        if (watched())
            rc_release_merge(watched(), &action[sig].set); /* [action] */
        action[sig].flags = now->sa_flags;
        at_store_rel(&action[sig].fn, now->sa_sigaction); /* [action] */
        now = &ours;
    }
    int err = rt_real_sigaction(sig, now, &old);
    if (err) {
        if (is_signal(sig))
            at_store_rel(&action[sig].fn, fn); /* [action] */
        return err;
    }
    if (old.sa_sigaction == on_signal) {
        old.sa_sigaction = fn;
        old.sa_flags = flags;
    }
    if (was)
        *was = old;
    return 0;
}

INTERCEPT(int, sigaction,
          (int sig, const struct sigaction *restrict now, struct sigaction *restrict was))
{
    struct rc_ctx *c = watched_from(PC);
    struct sigaction copy;
    if (now) {
        saw_read(c, now, sizeof *now, PC);
        copy = *now;
    }
    int err = set_action(sig, now ? &copy : NULL, was);
    if (err == 0 && was)
        saw_write(c, was, sizeof *was, PC);
    return err;
}

INTERCEPT(__sighandler_t, signal, (int sig, __sighandler_t fn))
{
    struct sigaction now = {.sa_handler = fn, .sa_flags = SA_RESTART}, was;
    sigemptyset(&now.sa_mask);
    if (is_signal(sig))
        sigaddset(&now.sa_mask, sig);
    return set_action(sig, &now, &was) == 0 ? was.sa_handler : SIG_ERR;
}

/* ---- sending ---- */

#define SEND(name, parameters, arguments) \
    INTERCEPT(int, name, parameters)      \
    {                                     \
        sends(sig);                       \
        return rt_real_##name arguments;  \
    }
SEND(kill, (pid_t pid, int sig), (pid, sig))
SEND(killpg, (pid_t group, int sig), (group, sig))
SEND(tgkill, (pid_t pid, pid_t tid, int sig), (pid, tid, sig))
SEND(pthread_kill, (pthread_t t, int sig), (t, sig))
SEND(pthread_sigqueue, (pthread_t t, int sig, const union sigval v), (t, sig, v))
SEND(sigqueue, (pid_t pid, int sig, const union sigval v), (pid, sig, v))

/* A timer's signal comes after who set the timer. */
void int_signal_sends(uint64_t signals)
{
    for (; signals; signals &= signals - 1)
        sends(__builtin_ctzll(signals) + 1);
}

INTERCEPT(int, setitimer,
          (__itimer_which_t which, const struct itimerval *restrict now,
           struct itimerval *restrict was))
{
    static const int signals[] = {SIGALRM, SIGVTALRM, SIGPROF};
    struct rc_ctx *c = watched_from(PC);
    if (now)
        saw_read(c, now, sizeof *now, PC);
    if ((unsigned)which < sizeof signals / sizeof *signals)
        sends(signals[which]);
    int err = rt_real_setitimer((int)which, now, was);
    if (!err && was)
        saw_write(c, was, sizeof *was, PC);
    return err;
}

INTERCEPT(unsigned, alarm, (unsigned seconds))
{
    sends(SIGALRM);
    return rt_real_alarm(seconds);
}

INTERCEPT(useconds_t, ualarm, (useconds_t first, useconds_t then))
{
    sends(SIGALRM);
    return rt_real_ualarm(first, then);
}

/* ---- waiting ---- */

INTERCEPT(int, sigwait, (const sigset_t *restrict set, int *restrict sig))
{
    struct rc_ctx *c = watched_from(PC);
    saw_read(c, set, sizeof *set, PC);
    int err = rt_real_sigwait(set, sig);
    if (err == 0) {
        saw_write(c, sig, sizeof *sig, PC);
        received(watched(), *sig);
    }
    return err;
}

#define WAIT(name, parameters, arguments)             \
    INTERCEPT(int, name, parameters)                  \
    {                                                 \
        struct rc_ctx *c = watched_from(PC);          \
        saw_read(c, set, sizeof *set, PC);            \
        int sig = rt_real_##name arguments;           \
        if (sig > 0) {                                \
            if (info)                                 \
                saw_write(c, info, sizeof *info, PC); \
            received(watched(), sig);                 \
        }                                             \
        return sig;                                   \
    }
WAIT(sigwaitinfo, (const sigset_t *restrict set, siginfo_t *restrict info), (set, info))
WAIT(sigtimedwait,
     (const sigset_t *restrict set, siginfo_t *restrict info, const struct timespec *restrict t),
     (set, info, t))
