/* dump.c - goroutines as text: go_dump(), SIGQUIT, panics and fatal errors.
 *
 * The layout is Go's, so that people and scripts know it:
 *
 *     goroutine 7 [chan receive, 2 minutes] "worker":
 *     consume()
 *             pool.c:21
 *     created by go_main, goroutine 1
 *             pool.c:40
 *
 * Stacks of parked goroutines are walked from their saved registers.  Goroutines that run elsewhere
 * are asked by a signal to their thread (signals.c).  Nothing stops while a dump is made, so it is
 * a picture of slightly different moments; a goroutine that moves on while it is being looked at
 * shows a short stack, never a wrong one. */
#include "dump.h"
#include "atomic.h"
#include "clock.h"
#include "env.h"
#include "hook.h"
#include "print.h"
#include "proc.h"
#include "scheduler.h"
#include "signals.h"
#include "spawn.h"
#include "stack.h"
#include "symbol.h"
#include "thread.h"
#include "unwind.h"
#include <stdlib.h>
#include <string.h>

enum { PCS_MAX = 128, INLINES_MAX = 16, LEADING_MAX = 12 };

static const char *const reasons[TR_REASONS] = {
    [TR_NONE] = "waiting",
    [TR_CHAN_SEND] = "chan send",
    [TR_CHAN_RECV] = "chan receive",
    [TR_CHAN_NIL] = "chan receive (nil chan)",
    [TR_SELECT] = "select",
    [TR_SELECT_EMPTY] = "select (no cases)",
    [TR_MUTEX] = "sync.Mutex.Lock",
    [TR_RWMUTEX_READ] = "sync.RWMutex.RLock",
    [TR_RWMUTEX_WRITE] = "sync.RWMutex.Lock",
    [TR_WAITGROUP] = "sync.WaitGroup.Wait",
    [TR_COND] = "sync.Cond.Wait",
    [TR_SEM] = "semacquire",
    [TR_ONCE] = "sync.Once.Do",
    [TR_SLEEP] = "sleep",
    [TR_NET] = "IO wait",
    [TR_SYSCALL] = "syscall",
};

const char *dump_reason(uint32_t why)
{
    return why < TR_REASONS && reasons[why] ? reasons[why] : "waiting";
}

/* ---- frames ---- */

static bool starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_runtime(const char *function)
{
    if (!strcmp(function, "go_main"))
        return false;
    return starts(function, "go_") || starts(function, "rt_") || starts(function, "switch_") ||
           !strcmp(function, "main_goroutine") || !strcmp(function, "dump_all");
}

static size_t frames_at(uintptr_t pc, struct symbol_frame *frames)
{
    return symbol_frames(pc - 1, frames, INLINES_MAX);
}

/* Index of the first pc of the user's code: behind the last of the leading frames that is a
 * function of the runtime with a known name (helpers inside it have names of any kind). */
static size_t user_begin(const uintptr_t *pcs, size_t n)
{
    struct symbol_frame f[INLINES_MAX];
    size_t begin = 0;
    for (size_t i = 0; i < n && i < LEADING_MAX; i++)
        if (is_runtime(f[frames_at(pcs[i], f) - 1].function))
            begin = i + 1;
    return begin < n ? begin : 0;
}

static size_t user_end(const uintptr_t *pcs, size_t n)
{
    struct symbol_frame f[INLINES_MAX];
    while (n > 1 && is_runtime(f[frames_at(pcs[n - 1], f) - 1].function))
        n--;
    return n;
}

static void print_place(int fd, const struct symbol_frame *f, uintptr_t pc)
{
    if (f->file && f->line)
        rt_printf(fd, "\t%s:%d\n", f->file, f->line);
    else
        rt_printf(fd, "\tpc=0x%lx\n", (unsigned long)pc);
}

void dump_frames(int fd, const uintptr_t *pcs, size_t n)
{
    bool all = env.traceback >= TRACEBACK_SYSTEM;
    size_t end = all ? n : user_end(pcs, n);
    for (size_t i = all ? 0 : user_begin(pcs, end); i < end; i++) {
        struct symbol_frame f[INLINES_MAX];
        size_t k = frames_at(pcs[i], f);
        for (size_t j = 0; j < k; j++) {
            rt_printf(fd, "%s(%s)\n", f[j].function, f[j].inlined ? "..." : "");
            print_place(fd, &f[j], pcs[i]);
        }
    }
}

/* ---- goroutines ---- */

static void print_wait(struct text *t, const struct g *g)
{
    uint64_t since = g->park_ticks, now = clock_ticks();
    if (!since || since > now)
        return;
    long minutes = (long)(signals_ticks_to_nanos(now - since) / 60000000000);
    if (minutes >= 1)
        text_printf(t, ", %ld minute%s", minutes, minutes == 1 ? "" : "s");
}

static void print_head(int fd, const struct g *g)
{
    char buf[160];
    struct text t;
    text_init(&t, buf, sizeof buf);
    uint32_t state = at_load_rlx(&g->state); /* relaxed: a picture */
    text_printf(&t, "goroutine %lu [", (unsigned long)g->id);
    if (state == G_PARKED) {
        text_printf(&t, "%s", dump_reason(g->why));
        if (g->why == TR_CHAN_SEND && !g->park_obj)
            text_printf(&t, " (nil chan)");
        print_wait(&t, g);
    } else {
        text_printf(&t, "%s", state == G_RUNNING ? "running" : "runnable");
    }
    bool seed = g->flags & G_SEED;
    if (!seed && g->locks_thread)
        text_printf(&t, ", locked to thread");
    text_printf(&t, "]");
    if (!seed && g->name[0])
        text_printf(&t, " \"%.31s\"", g->name);
    rt_printf(fd, "%s:\n", buf);
}

static void print_creator(int fd, const struct g *g)
{
    if ((g->flags & G_MAIN) || !g->created_pc || !g->created_by)
        return;
    struct symbol_frame f[INLINES_MAX];
    size_t k = frames_at(g->created_pc, f);
    rt_printf(fd, "created by %s, goroutine %lu\n", f[k - 1].function,
              (unsigned long)g->created_by);
    print_place(fd, &f[0], g->created_pc);
}

void dump_goroutine(int fd, const struct g *g, const uintptr_t *pcs, size_t n)
{
    print_head(fd, g);
    if (n > 0)
        dump_frames(fd, pcs, n);
    else
        rt_printf(fd, "\tstack unavailable\n");
    print_creator(fd, g);
}

static size_t parked_stack(const struct g *g, uintptr_t *pcs)
{
    if ((g->flags & G_SEED) || g->ctx.pc == (uintptr_t)switch_entry) { /* it has not begun */
        pcs[0] = (uintptr_t)g->entry + 1;
        return 1;
    }
    struct unwind_regs regs = {.pc = g->ctx.pc, .sp = g->ctx.sp, .fp = g->ctx.fp};
#if defined(__x86_64__)
    uintptr_t saved[] = {g->ctx.rbx, g->ctx.r12, g->ctx.r13, g->ctx.r14, g->ctx.r15};
    memcpy(regs.callee_saved, saved, sizeof saved);
#elif defined(__aarch64__)
    memcpy(regs.callee_saved, g->ctx.x, sizeof g->ctx.x);
#endif
    return unwind_regs(&regs, pcs, PCS_MAX);
}

struct list_of_gs {
    struct g **gs;
    size_t n, cap;
};

static void collect(struct g *g, void *arg)
{
    struct list_of_gs *l = arg;
    if (at_load_rlx(&g->state) == G_FREE || (g->flags & G_SYSTEM)) /* relaxed: a picture */
        return;
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 256;
        struct g **gs = realloc(l->gs, cap * sizeof *gs);
        if (!gs)
            return;
        l->gs = gs;
        l->cap = cap;
    }
    l->gs[l->n++] = g;
}

static int by_id(const void *a, const void *b)
{
    const struct g *x = *(struct g *const *)a, *y = *(struct g *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

void dump_all_but(int fd, struct g *self)
{
    struct list_of_gs l = {0};
    g_for_each(collect, &l);
    if (l.n > 1)
        qsort(l.gs, l.n, sizeof *l.gs, by_id);
    uintptr_t pcs[PCS_MAX];
    bool first = true;
    for (size_t i = 0; i < l.n; i++) {
        struct g *g = l.gs[i];
        if (g == self)
            continue;
        if (!first)
            rt_printf(fd, "\n");
        first = false;
        uint32_t state = at_load_rlx(&g->state); /* relaxed: a picture */
        size_t n = state == G_RUNNING ? signals_stack_of(g, pcs, PCS_MAX) : parked_stack(g, pcs);
        dump_goroutine(fd, g, pcs, n);
    }
    free(l.gs);
}

struct dump_job {
    int fd;
    struct g *self;
    const uintptr_t *pcs;
    size_t n;
};

static void dump_job(void *arg)
{
    struct dump_job *job = arg;
    if (job->n > 0) {
        dump_goroutine(job->fd, job->self, job->pcs, job->n);
        rt_printf(job->fd, "\n");
    }
    dump_all_but(job->fd, job->self);
}

void dump_all(int fd, struct g *self)
{
    uintptr_t pcs[PCS_MAX];
    size_t n = self && !(self->flags & G_THREAD) ? unwind_here(pcs, PCS_MAX, 0) : 0;
    struct dump_job job = {fd, self, pcs, n};
    rt_on_big_stack(dump_job, &job);
}
