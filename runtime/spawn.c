/* spawn.c - where goroutines begin and end.
 *
 * go(fn, args...) compiles to a call of a stub through fn's own type.  The stub saves every
 * register that may hold an argument and comes here; the stacked arguments lie above its return
 * address.  How many there are nobody knows, but the macro gives an upper bound from the arguments'
 * sizes, and copying too much of the caller's frame does no harm.
 *
 * The announced call lies on a small stack in the goroutine, because a go() may stand inside the
 * argument list of another, and C leaves open which of them is announced first. */
#include "spawn.h"
#include "atomic.h"
#include "check.h"
#include "hook.h"
#include "inside.h"
#include "panic.h"
#include "proc.h"
#include "stack.h"
#include "thread.h"
#include <goshawk/go.h>
#include <goshawk/waitgroup.h>
#include <string.h>

enum { ALIGN_MAX = 64 }; /* of a parameter's type */

static bool main_exited; /* relaxed flag, read when nothing runs any more */

void rt_note_main_exit(void)
{
    at_store_rlx(&main_exited, true); /* relaxed: see main_exited */
}

bool rt_main_exited(void)
{
    return at_load_rlx(&main_exited); /* relaxed: see above */
}

/* ---- announced calls ---- */

void rt_announce(struct g *self, struct g_call call)
{
    if (self->call_count == G_CALLS_MAX)
        rt_fatal("go: more than %d calls nested in argument lists", G_CALLS_MAX);
    self->calls[self->call_count++] = call;
}

struct g_call rt_announced(struct g *self)
{
    rt_check(self->call_count > 0);
    return self->calls[--self->call_count];
}

void *go_prepare_(void *fn, size_t stacked_bytes_max)
{
    rt_announce(rt_self(), (struct g_call){.fn = fn, .stacked_max = stacked_bytes_max});
    return (void *)switch_go_stub;
}

void *go_waitgroup_prepare_(go_waitgroup *wg, void *fn, size_t stacked_bytes_max)
{
    go_waitgroup_add(wg, 1);
    rt_announce(rt_self(), (struct g_call){.fn = fn, .stacked_max = stacked_bytes_max, .wg = wg});
    return (void *)switch_go_stub;
}

size_t rt_stacked_bytes(const struct g *self, const struct g_call *call, const void *stacked)
{
    size_t n = call->stacked_max;
    if (!(self->flags & G_THREAD) && n > (size_t)(self->stack_hi - (const char *)stacked))
        n = (size_t)(self->stack_hi - (const char *)stacked);
    return n;
}

/* ---- beginning ---- */

static struct g *alloc(struct m *m)
{
    if (likely(m && m->p))
        return g_alloc(&m->p->free);
    struct g_cache cache = {0};
    struct g *g = g_alloc(&cache);
    g_cache_flush(&cache);
    return g;
}

/* Lays regs and stacked arguments out at the top of g's stack. */
static void lay_out(struct g *g, const struct call_regs *regs, const void *stacked, size_t bytes)
{
    size_t room = (bytes + 15) & ~(size_t)15;
    size_t least = 4096; /* for the goroutine's own frames */
    if (room + sizeof *regs + ALIGN_MAX + least > (size_t)(g->stack_hi - g->stack_lo))
        rt_fatal("go: arguments of %zu bytes do not fit a stack of %zu bytes", bytes,
                 (size_t)(g->stack_hi - g->stack_lo));
    char *args = g->stack_hi - room;
    args -= ((uintptr_t)args - (uintptr_t)stacked) % ALIGN_MAX; /* aligned as the originals are */
    san_copy_frame(args, stacked, bytes);
    struct call_regs *at = (struct call_regs *)args - 1;
    *at = *regs;
    switch_init(&g->ctx, at);
}

/* Forgets what the last goroutine on g left, which may have ended by go_exit() anywhere. */
static void reset(struct g *g)
{
    g->saved_errno = 0;
    g->defers = NULL;
    g->panics = NULL;
    g->recover = NULL;
    g->exiting = false;
    g->call_count = 0;
    g->blocking = 0;
    g->park_ticks = 0;
    g->name[0] = 0;
}

static void start(struct g *by, const struct g_call *call, const struct call_regs *regs,
                  const void *stacked, size_t bytes, uintptr_t pc, uint32_t flags)
{
    struct m *m = rt_m();
    bool entered = m && rt_enter(m);
    struct g *g = alloc(m);
    if (unlikely(!g))
        rt_fatal("out of memory: no stack of %zu bytes for a goroutine", stack_size());
    g->flags = flags;
    g->id = flags & G_MAIN ? 1 : sched_new_id(m ? m->p : NULL);
    g->entry = call->shown ? call->shown : call->fn;
    g->created_pc = pc;
    g->created_by = by ? by->id : 0;
    g->wg = call->wg;
    reset(g);
    san_stack_init(&g->san, g->stack_lo, (size_t)(g->stack_hi - g->stack_lo));
    san_unpoison(g->stack_lo, (size_t)(g->stack_hi - g->stack_lo));
    lay_out(g, regs, stacked, bytes);
    if (!by) /* a scheduler stack has the modes of whoever ran last */
        switch_default_fp(&g->ctx);
    if (!(flags & G_SYSTEM))
        sched_count_add(m, 1);
    hook_race_create(by, g, pc, g->stack_lo, (size_t)(g->stack_hi - g->stack_lo));
    if (hook_tracing())
        hook_go_create(thread_stream(m, by), g, by);
    g_move(g, G_FREE, G_READY);
    sched_put(m, g);
    if (entered)
        rt_leave(m);
}

void rt_go_call(struct call_regs *regs, const void *stacked, uintptr_t pc)
{
    struct g *self = rt_self();
    struct g_call call = rt_announced(self);
    regs->fn = (uintptr_t)call.fn;
    start(self, &call, regs, stacked, rt_stacked_bytes(self, &call, stacked), pc, 0);
    rt_settle(self);
}

static void spawn_at(struct g *by, struct g_call call, void *arg, uint32_t flags, uintptr_t pc)
{
    struct call_regs regs = {.gpr = {(uintptr_t)arg}, .fn = (uintptr_t)call.fn};
    start(by, &call, &regs, NULL, 0, pc, flags);
}

void rt_spawn(struct g *by, void (*fn)(void *), void *arg, uint32_t flags)
{
    struct g_call call = {.fn = (void *)fn};
    spawn_at(by, call, arg, flags, (uintptr_t)__builtin_return_address(0));
}

void rt_spawn_main(struct g *by, void (*fn)(void *), void *arg, void *shown)
{
    struct g_call call = {.fn = (void *)fn, .shown = shown};
    spawn_at(by, call, arg, G_MAIN, (uintptr_t)__builtin_return_address(0));
}

void go_start(void (*fn)(void *), void *arg)
{
    struct g_call call = {.fn = (void *)fn};
    spawn_at(rt_self(), call, arg, 0, (uintptr_t)__builtin_return_address(0));
}

/* ---- end ---- */

static void exit_saved(void *arg)
{
    struct m *m = arg;
    struct g *g = m->g;
    san_enter(&m->san);
    hook_race_switch(NULL);
    hook_race_end(g);
    m->g = NULL;
    m->locked_g = NULL;
    g->home_m = NULL;
    g->locks_thread = 0;
    if (!(g->flags & G_SYSTEM))
        sched_count_add(m, -1);
    g_move(g, G_RUNNING, G_FREE);
    if (m->p) {
        g_release(&m->p->free, g);
    } else {
        struct g_cache cache = {0};
        g_release(&cache, g);
        g_cache_flush(&cache);
    }
    sched_run(m);
}

_Noreturn void rt_exit(struct g *self)
{
    if (self->wg)
        go_waitgroup_done(self->wg);
    struct m *m = self->m;
    rt_enter(m);
    hook_go_end(m->trace, self);
    san_leave(NULL, &m->san);
    switch_call(&self->ctx, m->sched_sp, exit_saved, m);
    __builtin_unreachable();
}

#if GO_ASAN
void rt_goroutine_begin(void)
{
    san_enter(&rt_self()->san);
}

/* Goroutine stacks are no roots of the search for leaks, so what it finds may well be in use. */
GO_API_ const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

_Noreturn void rt_goroutine_end(void)
{
    rt_exit(rt_self());
}
