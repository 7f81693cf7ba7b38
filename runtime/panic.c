/* panic.c - panic, recover, and ends of programs.
 *
 * A panic calls the goroutine's deferred calls on top of its own frames, so that the stack of the
 * panic is still there when it turns out that nobody recovers and it must be printed.  go_recover()
 * marks a place; a panic that reaches the mark jumps there.
 *
 * Two goroutines may panic at once: the first to claim the end prints and exits, the others wait
 * for the exit, so that no report is torn and none is printed twice.  The main goroutine may return
 * meanwhile: then the report comes first and its status is the program's, as in Go. */
#include "panic.h"
#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "defer.h"
#include "dump.h"
#include "entry.h"
#include "env.h"
#include "flight.h"
#include "hook.h"
#include "print.h"
#include "scheduler.h"
#include "thread.h"
#include "unwind.h"
#include "waits.h"
#include <goshawk/go.h>
#include <goshawk/panic.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    TEXT_MAX = 512,
    PCS_MAX = 128,
    LAST_WORDS_NS = 100000000, /* for what panics defer, once the main goroutine has returned */
};

/* A go_recover() in progress; lies in its frame. */
struct rt_recover {
    struct rt_recover *outer;
    struct go_defer_ *defers; /* innermost deferred call from before */
    struct rt_panic *panics;  /* in progress from before: one of them may run fn, deferred */
    uint32_t call_count;      /* announced calls from before */
    bool exiting;             /* go_exit() had begun before */
    jmp_buf back;
};

/* A panic in progress; lies in rt_panic()'s frame. */
struct rt_panic {
    struct rt_panic *outer; /* the panic whose deferred call raised this one */
    const char *did;        /* what was done before to the object that it is about; NULL: nothing */
    uint64_t did_by;        /* goroutine, 0: a thread */
    uintptr_t did_at;
    char text[TEXT_MAX];
};

static int claimed; /* kernel id of the thread whose report it is, or 0 */
static uint32_t
    under_way; /* ends that have begun: claimed next, unless they are panics that stop */

void panic_claim_for(int tid)
{
    if (at_cas_acq_rel(&claimed, 0, tid) || /* [die] one only */
        at_load_rlx(&claimed) == tid)       /* relaxed: never changed again */
        return;
    for (;;)
        pause();
}

void panic_claim(void)
{
    if (at_cas_acq_rel(&claimed, 0, (int)syscall(SYS_gettid))) /* [die] one only */
        return;
    for (;;)
        pause();
}

void panic_goes_first(void)
{
    int64_t until = clock_nanos() + LAST_WORDS_NS;
    /* relaxed: counts; who claims has been counted, and ends the process in any case */
    while (at_load_rlx(&under_way) && !at_load_rlx(&claimed) && clock_nanos() < until)
        go_yield();
    while (at_load_rlx(&claimed)) /* relaxed: as above */
        pause();
}

static pid_t process; /* whose exit waits; r/o once set */

/* Runs in exit(), behind the functions that the program has registered. */
static void before_exit(void)
{
    int64_t until = clock_nanos() + LAST_WORDS_NS;
    if (getpid() != process) /* a child that has forked */
        return;
    /* relaxed: as above */
    while (at_load_rlx(&under_way) && !at_load_rlx(&claimed) && clock_nanos() < until)
        sched_yield();
    int by = at_load_rlx(&claimed); /* relaxed: as above */
    while (by != 0 && by != (int)syscall(SYS_gettid))
        pause();
}

void panic_init(void)
{
    process = getpid();
    atexit(before_exit);
}

_Noreturn void panic_exit(void)
{
    if (env.traceback == TRACEBACK_CRASH) {
        signal(SIGABRT, SIG_DFL);
        abort();
    }
    rt_die(2);
}

/* ---- printing ---- */

struct report {
    const char *kind; /* "panic: " or "fatal error: " */
    const struct rt_panic *panic;
    const char *text;
    struct g *self;
    uintptr_t pcs[PCS_MAX];
    size_t n;
    bool all;
};

static void print_before(const struct rt_panic *p)
{
    if (p->did_by)
        rt_printf(2, "\t%s by goroutine %lu", p->did, (unsigned long)p->did_by);
    else
        rt_printf(2, "\t%s by a thread", p->did);
    waits_print_place(2, " in", p->did_at);
    rt_printf(2, "\n");
}

static void print_panics(const struct rt_panic *p)
{
    if (p->outer) {
        print_panics(p->outer);
        rt_printf(2, "\tpanic: %s\n", p->text);
    } else {
        rt_printf(2, "panic: %s\n", p->text);
    }
    if (p->did)
        print_before(p);
}

static void print_stacks(const struct report *r)
{
    bool thread = !r->self || (r->self->flags & G_THREAD);
    if (r->all || env.traceback >= TRACEBACK_ALL) {
        rt_printf(2, "\n");
        if (!thread) {
            dump_goroutine(2, r->self, r->pcs, r->n);
            rt_printf(2, "\n");
        }
        dump_all_but(2, r->self);
    } else if (thread) {
        rt_printf(2, "\nthread [running]:\n");
        dump_frames(2, r->pcs, r->n);
    } else {
        rt_printf(2, "\n");
        dump_goroutine(2, r->self, r->pcs, r->n);
    }
}

static void print_report(void *arg)
{
    const struct report *r = arg;
    char why[TEXT_MAX + 16];
    if (r->panic)
        print_panics(r->panic);
    else
        rt_printf(2, "%s%s\n", r->kind, r->text);
    if (env.traceback != TRACEBACK_NONE)
        print_stacks(r);
    snprintf(why, sizeof why, "%s%s", r->panic ? "panic: " : r->kind,
             r->panic ? r->panic->text : r->text);
    flight_report(why);
}

static _Noreturn void end_program(struct report *r)
{
    panic_claim();
    flight_freeze();
    r->self = rt_self_or_null();
    rt_on_big_stack(print_report, r);
    panic_exit();
}

_Noreturn void rt_fatal(const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    at_add_rlx(&under_way, 1u); /* relaxed: a count */
    struct report r = {.kind = "fatal error: ", .text = text};
    r.n = unwind_here(r.pcs, PCS_MAX, 0);
    end_program(&r);
}

_Noreturn void panic_fatal_all(const char *text)
{
    struct report r = {.kind = "fatal error: ", .text = text, .all = true};
    const char *reproduce = env_reproduce();
    panic_claim();
    flight_freeze();
    print_report(&r);
    if (reproduce)
        rt_printf(2, "\nReproduce: %s\n", reproduce);
    panic_exit();
}

/* ---- panic and recover ---- */

/* The panics in progress, but those from before `until`, go no further. */
static void stop_panics(struct g *self, struct rt_panic *until)
{
    for (; self->panics != until; self->panics = self->panics->outer)
        at_sub_rlx(&under_way, 1u); /* relaxed: a count */
}

void panic_stopped_by_exit(struct g *self)
{
    stop_panics(self, NULL);
}

static _Noreturn void jump_back(struct g *self, struct rt_panic *p)
{
    struct rt_recover *rec = self->recover;
    free(self->recovered);
    self->recovered = strdup(p->text);
    self->recover = rec->outer;
    self->call_count = rec->call_count;
    stop_panics(self, rec->panics);
    hook_race_unwound((uintptr_t)(rec + 1)); /* with what go_recover() noted of its call */
    longjmp(rec->back, 1);
}

_Noreturn void rt_panic(const char *text)
{
    rt_panic_after(text, NULL, 0, 0);
}

_Noreturn void rt_panic_after(const char *text, const char *did, uint64_t g, uintptr_t pc)
{
    struct g *self = rt_self();
    struct report r = {.n = 0};
    at_add_rlx(&under_way, 1u); /* relaxed: a count */
    r.n = unwind_here(r.pcs, PCS_MAX, 0);
    struct rt_panic p = {.outer = self->panics, .did = did, .did_by = g, .did_at = pc};
    snprintf(p.text, sizeof p.text, "%s", text);
    self->panics = &p;
    rt_defers_run(self, self->recover ? self->recover->defers : NULL);
    if (self->recover)
        jump_back(self, &p);
    r.panic = &p;
    end_program(&r);
}

_Noreturn void(go_panic)(const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    rt_panic(text);
}

const char *go_recover(void (*fn)(void *), void *arg)
{
    struct g *self = rt_self();
    struct rt_recover rec = {.outer = self->recover,
                             .defers = self->defers,
                             .panics = self->panics,
                             .call_count = self->call_count,
                             .exiting = self->exiting};
    if (setjmp(rec.back)) {
        if (self->exiting && !rec.exiting)
            go_exit(); /* the panic came from a call deferred inside fn: go on with the exit */
        return self->recovered ? self->recovered : "out of memory";
    }
    self->recover = &rec;
    size_t depth = hook_calls_back(hook_caller(), (void *)fn);
    fn(arg);
    hook_called_back(depth);
    self->recover = rec.outer;
    return NULL;
}
