/* dump.c - goroutines as text: go_dump(), SIGQUIT, panics and fatal errors.
 *
 * The layout is Go's, so that people and scripts know it:
 *
 *     goroutine 7 [chan receive, 2 minutes] "worker":
 *     consume()
 *             pool.c:21
 *     created by go_main, goroutine 1
 *             pool.c:40
 *     waits for chan 0x55d2a0 (cap 0, len 0), made by go_main at pool.c:38
 *
 * Only the last line is ours (waits.c).  Stacks of parked goroutines are walked from their saved
 * registers.  Goroutines that run elsewhere are asked by a signal to their thread (signals.c).
 * Nothing stops while a dump is made, so it is a picture of slightly different moments; a goroutine
 * that moves on while it is being looked at shows a short stack, never a wrong one. */
#include "dump.h"
#include "atomic.h"
#include "census.h"
#include "clock.h"
#include "dso.h"
#include "env.h"
#include "hook.h"
#include "print.h"
#include "scheduler.h"
#include "signals.h"
#include "spawn.h"
#include "stack.h"
#include "symbol.h"
#include "thread.h"
#include "unwind.h"
#include "vmem.h"
#include "waits.h"
#include <string.h>

enum {
    PCS_MAX = 128,
    INLINES_MAX = 16,
    LEADING_MAX = 12,
    EACH_MAX = 256, /* goroutines that reports of a program's end show one by one */
};

const char *const dump_reasons[TR_REASONS] = {
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
    return why < TR_REASONS && dump_reasons[why] ? dump_reasons[why] : "waiting";
}

const char *dump_wait_reason(const struct g *g)
{
    if (g->why == TR_CHAN_SEND && !g->park_obj)
        return "chan send (nil chan)";
    if (g->why == TR_SELECT && !g->park_obj)
        return "select, all of whose channels are nil";
    return dump_reason(g->why);
}

/* ---- frames ---- */

static bool starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Length of the path of the runtime's folder, as the compiler recorded it. */
static size_t folder_length(void)
{
    return (size_t)(strrchr(__FILE__, '/') + 1 - __FILE__);
}

/* A file of the runtime: the compiler's path, or that behind the folder where it ran (clang). */
static bool in_folder(const char *file)
{
    if (!strncmp(file, __FILE__, folder_length()))
        return true;
    for (const char *s = file; __FILE__[0] == '.' && (s = strstr(s, "/../")); s++)
        if (!strncmp(s + 1, __FILE__, folder_length()))
            return true;
    return false;
}

/* The file tells where it is known: a program may have names like ours. */
static bool is_runtime(const struct symbol_frame *f)
{
    if (!strcmp(f->function, "go_main"))
        return false;
    if (f->file)
        return in_folder(f->file) || strstr(f->file, "/include/goshawk/");
    return starts(f->function, "go_") || starts(f->function, "rt_") ||
           starts(f->function, "switch_") || starts(f->function, "_goshawk_") ||
           !strcmp(f->function, "main_goroutine");
}

static size_t frames_at(uintptr_t pc, struct symbol_frame *frames)
{
    return symbol_frames(pc - 1, frames, INLINES_MAX);
}

/* Index of the first pc of the user's code, n if there is none: behind the leading frames of the
 * runtime.  Without debug information helpers inside it have names of any kind, so then they reach
 * to the last of the first frames whose name tells. */
static size_t user_begin(const uintptr_t *pcs, size_t n)
{
    struct symbol_frame f[INLINES_MAX];
    size_t begin = 0;
    for (size_t i = 0; i < n && i < LEADING_MAX; i++) {
        const struct symbol_frame *outer = &f[frames_at(pcs[i], f) - 1];
        if (is_runtime(outer))
            begin = i + 1;
        else if (outer->file)
            break;
    }
    return begin;
}

static size_t user_end(const uintptr_t *pcs, size_t n)
{
    struct symbol_frame f[INLINES_MAX];
    while (n > 1 && is_runtime(&f[frames_at(pcs[n - 1], f) - 1]))
        n--;
    return n;
}

/* With what addr2line needs. */
static void print_address(int fd, uintptr_t pc)
{
    char path[512];
    uintptr_t offset;
    if (dso_place(pc, path, sizeof path, &offset))
        rt_printf(fd, "\tpc=0x%lx %s+0x%lx\n", (unsigned long)pc, path, (unsigned long)offset);
    else
        rt_printf(fd, "\tpc=0x%lx\n", (unsigned long)pc);
}

static void print_place(int fd, const struct symbol_frame *f, uintptr_t pc)
{
    if (f->file && f->line)
        rt_printf(fd, "\t%s:%d\n", f->file, f->line);
    else
        print_address(fd, pc);
}

/* The frames at a pc, without those of our headers that are inlined into the user's function.
 * *first: the first to show. */
static size_t shown_at(uintptr_t pc, struct symbol_frame *f, size_t *first)
{
    size_t n = frames_at(pc, f);
    *first = 0;
    while (env.traceback < TRACEBACK_SYSTEM && *first + 1 < n && is_runtime(&f[*first]))
        ++*first;
    return n;
}

/* entry: return address into the function to show when there is no frame of the user's, which
 * leave nothing behind when they end in a call of the runtime; 0: then all are shown. */
static void print_frames(int fd, const uintptr_t *pcs, size_t n, uintptr_t entry)
{
    bool all = env.traceback >= TRACEBACK_SYSTEM;
    size_t end = all ? n : user_end(pcs, n), begin = all ? 0 : user_begin(pcs, end);
    if (begin == end && entry) {
        pcs = &entry;
        end = 1;
    }
    for (size_t i = begin < end ? begin : 0; i < end; i++) {
        struct symbol_frame f[INLINES_MAX];
        size_t j, k = shown_at(pcs[i], f, &j);
        for (; j < k; j++) {
            rt_printf(fd, "%s(%s)\n", f[j].function, f[j].inlined ? "..." : "");
            print_place(fd, &f[j], pcs[i]);
        }
    }
}

void dump_frames(int fd, const uintptr_t *pcs, size_t n)
{
    print_frames(fd, pcs, n, 0);
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
        text_printf(&t, "%s", dump_wait_reason(g));
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
    struct symbol_frame f; /* the innermost, which may have been inlined */
    symbol_frames(g->created_pc - 1, &f, 1);
    rt_printf(fd, "created by %s, goroutine %lu\n", f.function, (unsigned long)g->created_by);
    print_place(fd, &f, g->created_pc);
}

void dump_goroutine(int fd, const struct g *g, const uintptr_t *pcs, size_t n)
{
    print_head(fd, g);
    if (n > 0)
        print_frames(fd, pcs, n, g->entry ? (uintptr_t)g->entry + 1 : 0);
    else
        rt_printf(fd, "\tstack unavailable\n");
    print_creator(fd, g);
    if (at_load_rlx(&g->state) == G_PARKED) /* relaxed: a picture */
        waits_print(fd, g);
}

static size_t parked_stack(const struct g *g, uintptr_t *pcs, size_t max)
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
    return unwind_regs(&regs, pcs, max);
}

size_t dump_stack_of(const struct g *g, uintptr_t *pcs, size_t max)
{
    bool runs = at_load_rlx(&g->state) == G_RUNNING; /* relaxed: a picture */
    return runs ? signals_stack_of(g, pcs, max) : parked_stack(g, pcs, max);
}

/* How deep the stack has ever been, which frames alone do not tell; for go_dump(). */
static void print_mark(int fd, const struct g *g)
{
    if (g->flags & (G_SEED | G_THREAD))
        return;
    rt_printf(fd, "stack: high-water mark %zu KiB of %zu KiB\n", (stack_high_water(g) + 1023) >> 10,
              (size_t)g->stack_pages * VM_PAGE >> 10);
}

static void print_stacks(int fd)
{
    struct stack_counts n;
    stack_count(&n);
    rt_printf(fd, "\nstacks: %zu in use or cached, %zu idle, %zu without a guard\n", n.used, n.idle,
              n.unguarded);
}

static void dump_others(int fd, const struct g *self, size_t each_max, bool marks)
{
    struct census c;
    census_take(&c, NULL);
    census_print(fd, &c, self, each_max, marks ? print_mark : NULL);
    census_fini(&c);
}

void dump_all_but(int fd, struct g *self)
{
    dump_others(fd, self, env.traceback >= TRACEBACK_SYSTEM ? SIZE_MAX : EACH_MAX, false);
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
        print_mark(job->fd, job->self);
        rt_printf(job->fd, "\n");
    }
    dump_others(job->fd, job->self, SIZE_MAX, true);
    print_stacks(job->fd);
}

void dump_all(int fd, struct g *self)
{
    uintptr_t pcs[PCS_MAX];
    size_t n = self && !(self->flags & G_THREAD) ? unwind_here(pcs, PCS_MAX, 0) : 0;
    struct dump_job job = {fd, self, pcs, n};
    rt_on_big_stack(dump_job, &job);
}
