/* signals.c - signals, and the monitor thread that does what a signal handler must not.
 *
 * A dump needs symbols, symbols need malloc and locks, and a signal handler may have interrupted
 * the holder of any of them.  So handlers only collect pcs and hand the work to the monitor, a
 * thread that sleeps all its life otherwise.  A crashing thread waits for the monitor, with a
 * limit: when malloc's lock was held by the crash itself, the bare pcs must do.
 *
 *     SIGQUIT                        all goroutines, exit status 2
 *     SIGSEGV SIGBUS SIGFPE SIGABRT  the goroutine (a stack overflow is named),
 *     SIGILL SIGTRAP SIGSYS          then the signal's usual end
 *     SIGUSR2                        a snapshot of the flight recorder, and the program goes on
 *     SIGURG                         asks a thread for the stack of the goroutine it runs
 *
 * When the monitor crashes while it prints, the bare pcs must do at once.
 *
 * Handlers run on a stack of their own (SA_ONSTACK): goroutine stacks are small, and in a stack
 * overflow there is none. [request] a request's fields -> the monitor;  [answer] the monitor's or a
 * thread's answer -> who asked. */
#include "signals.h"
#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "deadlock.h"
#include "dump.h"
#include "entry.h"
#include "env.h"
#include "flight.h"
#include "futex.h"
#include "metrics.h"
#include "panic.h"
#include "print.h"
#include "proc.h"
#include "stack.h"
#include "thread.h"
#include "unwind.h"
#include "vmem.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    ALT_STACK = 64 << 10,
    PCS_MAX = 1 << 15, /* an overflown stack has many frames */
    SHOWN = 40,        /* of them at each end */
    FRAME_MAX = 16 << 20,
    ANSWER_MS = 200,
    PRINT_SECONDS = 10,
    WATCH_MS = 200,
};

enum { DONE_PRINTED = 1, DONE_FAILED };
enum {
    WORK_QUIT = 1,
    WORK_CRASH = 2,
    WORK_WATCH = 4,
    WORK_SCAVENGE = 8,
    WORK_START = 16,
    WORK_SNAPSHOT = 32,
};

static struct {
    uint32_t work;    /* enum WORK_*; [request] */
    uint32_t done;    /* the crash has been printed, or cannot be; enum DONE_* [answer] */
    int tid;          /* kernel id of its thread; by it before the first request, or 0 */
    uint32_t started; /* r/o after signals_init() */
    uint64_t ticks0;
    int64_t nanos0;
} monitor;

/* The crash being printed; by the thread that crashed first. */
static struct {
    uint32_t taken;
    int sig, tid;
    uintptr_t pc, sp, addr;
    struct g *g;
    bool on_big_stack; /* inside rt_on_big_stack() */
    size_t n;
    uintptr_t pcs[PCS_MAX];
} crash;

/* A question to a thread; one at a time, by the holder of lock. */
static struct {
    struct rt_lock lock;
    struct m *m;       /* whom; [request] */
    const struct g *g; /* who must run there */
    uint32_t answered; /* [answer] */
    size_t n;
    uintptr_t pcs[128];
} question;

int64_t signals_ticks_to_nanos(uint64_t ticks)
{
    double span = (double)(clock_ticks() - monitor.ticks0);
    double nanos = (double)(clock_nanos() - monitor.nanos0);
    return span > 0 ? (int64_t)((double)ticks * (nanos / span)) : 0;
}

unsigned signals_thread_count(void)
{
    return monitor.started;
}

static void request(uint32_t work)
{
    at_or_acq_rel(&monitor.work, work); /* [request] */
    rt_futex_wake(&monitor.work, 1);
}

bool signals_crashed(void)
{
    return at_load_rlx(&crash.taken); /* relaxed: a moment more or less does no harm */
}

void signals_watch_deadlock(void)
{
    request(WORK_WATCH);
}

void signals_scavenge(void)
{
    request(WORK_SCAVENGE);
}

void signals_start_workers(void)
{
    request(WORK_START);
}

/* ---- what the monitor prints ---- */

static const char *signal_text(int sig)
{
    switch (sig) {
    case SIGSEGV:
        return "SIGSEGV: segmentation violation";
    case SIGBUS:
        return "SIGBUS: bus error";
    case SIGFPE:
        return "SIGFPE: floating-point exception";
    case SIGABRT:
        return "SIGABRT: abort";
    case SIGILL:
        return "SIGILL: illegal instruction";
    case SIGTRAP:
        return "SIGTRAP: trace trap";
    case SIGSYS:
        return "SIGSYS: bad system call";
    default:
        return "fatal signal";
    }
}

/* A frame larger than the guard steps over it: then the stack pointer tells, and the address lies
 * between it and the stack. */
static bool steps_over_guard(void)
{
    uintptr_t lo = (uintptr_t)crash.g->stack_lo;
    return crash.sp < lo && lo - crash.sp < FRAME_MAX && crash.addr < lo &&
           crash.addr >= crash.sp - VM_PAGE;
}

static bool is_overflow(void)
{
    return (crash.sig == SIGSEGV || crash.sig == SIGBUS) && crash.g &&
           !(crash.g->flags & G_THREAD) && !crash.on_big_stack &&
           (stack_guard_hit(crash.g, crash.addr) || steps_over_guard());
}

static uintptr_t stack_pointer(const ucontext_t *uc)
{
#if defined(__x86_64__)
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    return (uintptr_t)uc->uc_mcontext.sp;
#endif
}

static void print_overflow(void)
{
    const struct g *g = crash.g;
    uintptr_t entry = (uintptr_t)g->entry + 1;
    rt_printf(2, "fatal error: stack overflow\n\n");
    rt_printf(2, "goroutine %lu%s%s%s: its stack of %zu KiB [0x%lx, 0x%lx) is full\n",
              (unsigned long)g->id, g->name[0] ? " \"" : "", g->name, g->name[0] ? "\"" : "",
              ((size_t)(g->stack_hi - g->stack_lo) + VM_PAGE - 1) / VM_PAGE * VM_PAGE >> 10,
              (unsigned long)g->stack_lo, (unsigned long)g->stack_hi);
    rt_printf(2, "it may be made larger with go_set_stack_size() or GOSHAWK_STACK=1M\n");
    rt_printf(2, "entry function:\n");
    dump_frames(2, &entry, 1);
    rt_printf(2, "\n");
    if (crash.n <= 2 * SHOWN) {
        dump_goroutine(2, g, crash.pcs, crash.n);
        return;
    }
    dump_goroutine(2, g, crash.pcs, SHOWN);
    rt_printf(2, "...%zu frames left out...\n", crash.n - 2 * SHOWN);
    dump_frames(2, crash.pcs + crash.n - SHOWN, SHOWN);
}

static void print_crash(void)
{
    if (is_overflow()) {
        print_overflow();
        return;
    }
    rt_printf(2, "fatal error: unexpected signal\n[signal %s addr=0x%lx pc=0x%lx]\n\n",
              signal_text(crash.sig), (unsigned long)crash.addr, (unsigned long)crash.pc);
    if (env.traceback == TRACEBACK_NONE)
        return;
    if (crash.g && !(crash.g->flags & G_THREAD)) {
        dump_goroutine(2, crash.g, crash.pcs, crash.n);
    } else {
        rt_printf(2, "thread [running]:\n");
        dump_frames(2, crash.pcs, crash.n);
    }
    if (env.traceback >= TRACEBACK_ALL) {
        rt_printf(2, "\n");
        dump_all_but(2, crash.g);
    }
}

static _Noreturn void quit(void)
{
    panic_claim();
    flight_freeze();
    rt_printf(2, "SIGQUIT: quit\n\n");
    dump_all_but(2, NULL);
    flight_report("SIGQUIT");
    panic_exit();
}

/* ---- the monitor ---- */

static void answer(uint32_t done)
{
    at_store_rel(&monitor.done, done); /* [answer] */
    rt_futex_wake(&monitor.done, 1);
}

static void monitor_work(uint32_t work)
{
    if (work & WORK_START)
        worker_start_asked();
    if (work & WORK_SNAPSHOT)
        flight_snapshot("SIGUSR2");
    if (work & WORK_CRASH) {
        panic_claim_for(crash.tid);
        print_crash();
        flight_report(signal_text(crash.sig));
        answer(DONE_PRINTED);
    }
    if (work & WORK_QUIT)
        quit();
}

/* What the monitor does at times: when, INT64_MAX: never. */
struct times {
    int64_t watch, scavenge, schedtrace;
};

static void do_what_is_due(struct times *t)
{
    int64_t now = clock_nanos();
    if (now >= t->scavenge)
        t->scavenge = stack_scavenge(now);
    if (now >= t->watch) {
        t->watch = INT64_MAX;
        sched_recheck_deadlock(); /* may ask for another look */
    }
    if (now >= t->schedtrace) {
        metrics_schedtrace();
        t->schedtrace = now + env.schedtrace_ms * 1000000ll;
    }
}

/* Sleeps until there is a request, or something is due. */
static void monitor_sleep(const struct times *t)
{
    int64_t when = t->watch < t->scavenge ? t->watch : t->scavenge;
    when = when < t->schedtrace ? when : t->schedtrace;
    int64_t limit = when == INT64_MAX ? -1 : when - clock_nanos();
    if (limit > 0 || when == INT64_MAX)
        rt_futex_wait(&monitor.work, 0, limit);
}

static void *monitor_main(void *arg)
{
    struct times times = {INT64_MAX, INT64_MAX, env.schedtrace_ms ? clock_nanos() : INT64_MAX};
    (void)arg;
    at_store_rlx(&monitor.tid,
                 (int)syscall(SYS_gettid)); /* relaxed: only compared with one's own */
    for (;;) {
        uint32_t work = at_xchg_acq(&monitor.work, 0u); /* [request] */
        if (work & WORK_WATCH)
            times.watch = clock_nanos() + WATCH_MS * 1000000ll;
        if (work & WORK_SCAVENGE)
            times.scavenge = clock_nanos();
        monitor_work(work);
        do_what_is_due(&times);
        monitor_sleep(&times);
    }
    return NULL;
}

/* ---- handlers ---- */

static bool wait_for(uint32_t *word, int64_t limit_ns)
{
    int64_t end = clock_nanos() + limit_ns;
    while (!at_load_acq(word)) { /* [answer] */
        int64_t left = end - clock_nanos();
        if (left <= 0)
            return false;
        rt_futex_wait(word, 0, left);
    }
    return true;
}

static void print_bare(void)
{
    rt_printf(2, "fatal error: %s\n", signal_text(crash.sig));
    for (size_t i = 0; i < crash.n && i < SHOWN; i++)
        rt_printf(2, "\tpc=0x%lx\n", (unsigned long)crash.pcs[i]);
}

/* Another crash while the first is being printed: it must not end the report. */
static void on_second_crash(int sig, int tid)
{
    if (tid == crash.tid) { /* the handler itself crashed */
        signal(sig, SIG_DFL);
        return;
    }
    if (tid == at_load_rlx(&monitor.tid)) /* relaxed: see there */
        answer(DONE_FAILED);              /* while it printed: the heap may be broken */
    for (;;)
        pause();
}

static void note_crash(int sig, const siginfo_t *info, const void *ucontext)
{
    struct m *m = rt_m();
    crash.sig = sig;
    crash.g = m && !m->g ? NULL : rt_self_or_null(); /* on a scheduler's stack: no goroutine */
    crash.on_big_stack = m && m->on_big_stack;
    crash.addr = info->si_code > 0 ? (uintptr_t)info->si_addr : 0; /* sent by somebody: none */
    crash.sp = stack_pointer(ucontext);
    crash.n = unwind_ucontext(ucontext, crash.pcs, PCS_MAX);
    crash.pc = crash.n ? crash.pcs[0] : 0;
    if (crash.n)
        crash.pcs[0]++; /* as if it were a return address */
}

/* True when the monitor has printed the crash. */
static bool monitor_prints(void)
{
    if (crash.tid == at_load_rlx(&monitor.tid)) /* relaxed: see there */
        return false;
    request(WORK_CRASH);
    return wait_for(&monitor.done, PRINT_SECONDS * 1000000000ll) &&
           at_load_rlx(&monitor.done) == DONE_PRINTED; /* relaxed: it has been waited for */
}

static void on_crash(int sig, siginfo_t *info, void *ucontext)
{
    int tid = (int)syscall(SYS_gettid);
    if (at_xchg_acq_rel(&crash.taken, 1u)) { /* [crash] one only */
        on_second_crash(sig, tid);
        return;
    }
    flight_freeze();
    crash.tid = tid;
    note_crash(sig, info, ucontext);
    if (!monitor_prints())
        print_bare();
    if (is_overflow())
        panic_exit();
    signal(sig, SIG_DFL);
    raise(sig);
}

static void on_quit(int sig, siginfo_t *info, void *ucontext)
{
    (void)sig;
    (void)info;
    (void)ucontext;
    request(WORK_QUIT);
}

static void on_snapshot(int sig, siginfo_t *info, void *ucontext)
{
    (void)sig;
    (void)info;
    (void)ucontext;
    int saved = errno;
    request(WORK_SNAPSHOT);
    errno = saved;
}

static void on_question(int sig, siginfo_t *info, void *ucontext)
{
    int saved = errno;
    (void)sig;
    (void)info;
    struct m *m = rt_m();
    if (m && at_load_acq(&question.m) == m) { /* [request] */
        if (m->g == question.g && m->g)
            question.n = unwind_ucontext(ucontext, question.pcs, 128);
        if (question.n)
            question.pcs[0]++;
        at_store_rel(&question.answered, 1u); /* [answer] */
        rt_futex_wake(&question.answered, 1);
    }
    errno = saved;
}

size_t signals_stack_of(const struct g *g, uintptr_t *pcs, size_t max)
{
    struct m *m = g->m;
    int tid = m ? at_load_rlx(&m->tid) : 0; /* relaxed: 0 before the thread has begun */
    if (tid == 0 || tid == (int)syscall(SYS_gettid))
        return 0;
    rt_lock(&question.lock);
    question.g = g;
    question.n = 0;
    question.answered = 0;
    at_store_rel(&question.m, m); /* [request] */
    size_t n = 0;
    bool asked = syscall(SYS_tgkill, getpid(), tid, SIGURG) == 0;
    if (asked && wait_for(&question.answered, ANSWER_MS * 1000000ll))
        n = question.n < max ? question.n : max;
    memcpy(pcs, question.pcs, n * sizeof *pcs);
    at_store_rel(&question.m, (struct m *)NULL); /* [request] */
    rt_unlock(&question.lock);
    return n;
}

/* ---- set-up ---- */

void signals_thread_init(void)
{
    stack_t old;
    if (sigaltstack(NULL, &old) == 0 && !(old.ss_flags & SS_DISABLE))
        return;
    stack_t ss = {.ss_sp = vm_reserve(ALT_STACK), .ss_size = ALT_STACK};
    if (ss.ss_sp)
        sigaltstack(&ss, NULL);
}

void signals_thread_fini(void)
{
    stack_t ss, none = {.ss_flags = SS_DISABLE};
    if (sigaltstack(NULL, &ss) == 0 && ss.ss_size == ALT_STACK && sigaltstack(&none, NULL) == 0)
        vm_release(ss.ss_sp, ss.ss_size);
}

static void install(int sig, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction old,
        sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigemptyset(&sa.sa_mask);
    if (sigaction(sig, NULL, &old) != 0)
        return;
    /* as in Go: background jobs of a shell start with SIGQUIT ignored, but shall be dumped */
    bool free_to_take = old.sa_handler == SIG_DFL || (sig == SIGQUIT && old.sa_handler == SIG_IGN);
    if (free_to_take)
        sigaction(sig, &sa, NULL);
}

void signals_snapshots(bool wanted)
{
    struct sigaction sa;
    if (wanted && monitor.started)
        install(SIGUSR2, on_snapshot);
    else if (sigaction(SIGUSR2, NULL, &sa) == 0 && sa.sa_sigaction == on_snapshot)
        signal(SIGUSR2, SIG_DFL);
}

void signals_init(void)
{
    monitor.ticks0 = clock_ticks();
    monitor.nanos0 = clock_nanos();
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 2 << 20);
    monitor.started = pthread_create(&thread, &attr, monitor_main, NULL) == 0;
    pthread_attr_destroy(&attr);
    signals_thread_init();
    if (monitor.started) {
        static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL, SIGTRAP, SIGSYS};
        for (unsigned i = 0; i < sizeof fatal / sizeof *fatal; i++)
            install(fatal[i], on_crash);
        install(SIGQUIT, on_quit);
    }
    install(SIGURG, on_question);
}
