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
#include "vmem.h"
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

static _Noreturn void no_memory(size_t stack)
{
    rt_fatal("out of memory: no stack of %zu bytes for a goroutine", stack);
}

/* A goroutine that will be the next to run here takes its stack now, if a hot one is at hand.  Any
 * other gets it when it runs, so that a thousand that are started at once and end soon need a few
 * stacks only. */
static struct g *alloc_on(struct p *p, size_t stack, size_t bytes)
{
    bool next = !at_load_rlx(&p->runnext); /* relaxed: a guess */
    if (bytes > G_SEED_STACKED || (next && g_cache_fits(&p->free, stack)))
        return g_alloc(&p->free, stack);
    return g_alloc_seed(&p->seeds);
}

static struct g *alloc(struct m *m, size_t stack, size_t bytes)
{
    if (likely(m && m->p))
        return alloc_on(m->p, stack, bytes);
    struct g_cache cache = {0};
    struct g *g = bytes > G_SEED_STACKED ? g_alloc(&cache, stack) : g_alloc_seed(&cache);
    g_cache_flush(&cache);
    return g;
}

/* A call on its way to the stack that it will run on. */
struct pending_call {
    const struct call_regs *regs;
    const void *stacked;
    size_t bytes;
    uintptr_t low;               /* of the address that stacked had in the caller */
    const struct fp_modes *fp;   /* NULL: the caller's */
    const struct origin *origin; /* when nobody makes it now, or NULL */
};

static inline void copy_fp(struct fp_modes *to, const struct fp_modes *from)
{
    if (from)
        *to = *from;
    else
        switch_fp(to);
}

/* Lays a call out at the top of g's stack. */
static void lay_out(struct g *g, const struct pending_call *c)
{
    size_t room = (c->bytes + 15) & ~(size_t)15;
    size_t least = 4096; /* for the goroutine's own frames */
    if (room + sizeof *c->regs + ALIGN_MAX + least > (size_t)(g->stack_hi - g->stack_lo))
        rt_fatal("go: arguments of %zu bytes do not fit a stack of %zu bytes", c->bytes,
                 (size_t)(g->stack_hi - g->stack_lo));
    char *args = g->stack_hi - room;
    args -= ((uintptr_t)args - c->low) % ALIGN_MAX; /* aligned as the originals are */
    san_copy_frame(args, c->stacked, c->bytes);
    struct call_regs *at = (struct call_regs *)args - 1;
    *at = *c->regs;
    switch_init(&g->ctx, at);
    copy_fp(&g->ctx.modes, c->fp);
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
    g->ready_ticks = 0;
    g->name[0] = 0;
}

/* g, whose head is filled in, gets ready for its first instructions. */
static void plant(struct g *g, const struct pending_call *c)
{
    reset(g);
    san_stack_init(&g->san, g->stack_lo, (size_t)(g->stack_hi - g->stack_lo));
    san_unpoison(g->stack_lo, (size_t)(g->stack_hi - g->stack_lo));
    lay_out(g, c);
    hook_race_stack(g);
}

static void keep_call(struct g *seed, const struct pending_call *c)
{
    struct g_seed *s = (struct g_seed *)seed;
    copy_fp(&s->fp, c->fp);
    s->stacked_low = c->low % ALIGN_MAX;
    s->bytes = (uint16_t)c->bytes;
    s->regs = *c->regs;
    san_copy_frame(s->stacked, c->stacked, c->bytes);
}

static void start(struct g *by, const struct g_call *call, const struct pending_call *c,
                  uintptr_t pc, uint32_t flags)
{
    struct m *m = rt_m();
    bool entered = m && rt_enter(m);
    size_t stack = stack_size();
    struct g *g = alloc(m, stack, c->bytes);
    if (unlikely(!g))
        no_memory(stack);
    g->flags = flags | (g->flags & G_SEED);
    g->stack_pages = (uint32_t)(stack / VM_PAGE);
    g->id = flags & G_MAIN ? 1 : sched_new_id(m ? m->p : NULL);
    g->entry = call->shown ? call->shown : call->fn;
    g->created_pc = pc;
    g->created_by = by ? by->id : call->made_by;
    g->task = by ? by->task : 0;
    g->wg = call->wg;
    if (!(flags & G_SYSTEM))
        sched_count_add(m, 1);
    hook_race_create(by, g, pc);
    if (c->origin && c->origin->edge)
        hook_race_begins_after(g, c->origin->edge, &c->origin->arranged);
    if (g->flags & G_SEED)
        keep_call(g, c);
    else
        plant(g, c);
    if (hook_tracing())
        hook_go_create(thread_stream(m, by), g, by);
    g_move(g, G_FREE, G_READY);
    sched_put(m, g);
    if (entered)
        rt_leave(m);
}

struct g *rt_first_run(struct m *m, struct g *seed)
{
    const struct g_seed *s = (const struct g_seed *)seed;
    __builtin_prefetch(s->regs.vec);
    __builtin_prefetch(s->regs.vec + sizeof s->regs.vec / sizeof s->regs.vec[0] / 2);
    size_t stack = (size_t)seed->stack_pages * VM_PAGE;
    struct g *g = g_alloc(&m->p->free, stack);
    g_move(seed, G_READY, G_RUNNING);
    if (unlikely(!g)) {
        rt_set_self(NULL); /* the one that ran here before has nothing to do with it */
        no_memory(stack);
    }
    g->flags = seed->flags & ~(uint32_t)G_SEED;
    g->m = NULL;
    g->id = seed->id;
    g->race = seed->race;
    g->entry = seed->entry;
    g->created_pc = seed->created_pc;
    g->created_by = seed->created_by;
    g->task = seed->task;
    g->wg = seed->wg;
    plant(g, &(struct pending_call){.regs = &s->regs,
                                    .stacked = s->stacked,
                                    .bytes = s->bytes,
                                    .low = s->stacked_low,
                                    .fp = &s->fp});
    g_move(g, G_FREE, G_READY);
    g_move(seed, G_RUNNING, G_FREE);
    g_release(&m->p->seeds, seed);
    return g;
}

void rt_go_call(struct call_regs *regs, const void *stacked, uintptr_t pc)
{
    struct g *self = rt_self();
    struct g_call call = rt_announced(self);
    regs->fn = (uintptr_t)call.fn;
    struct pending_call c = {.regs = regs, .stacked = stacked, .low = (uintptr_t)stacked};
    c.bytes = rt_stacked_bytes(self, &call, stacked);
    start(self, &call, &c, pc, 0);
    rt_settle(self);
    rt_point();
}

static void spawn_at(struct g *by, struct g_call call, void *arg, uint32_t flags, uintptr_t pc,
                     const struct origin *origin)
{
    struct call_regs regs = {.gpr = {(uintptr_t)arg}, .fn = (uintptr_t)call.fn};
    struct fp_modes fp = switch_default_fp();
    struct pending_call c = {.regs = &regs, .origin = origin};
    c.fp = by ? NULL : &fp; /* a scheduler stack has whatever ran last */
    start(by, &call, &c, pc, flags);
}

void rt_spawn(struct g *by, void (*fn)(void *), void *arg, uint32_t flags)
{
    struct g_call call = {.fn = (void *)fn};
    spawn_at(by, call, arg, flags, (uintptr_t)__builtin_return_address(0), NULL);
}

void rt_spawn_for(const struct origin *o, void (*fn)(void *), void *arg)
{
    struct g_call call = {.fn = (void *)fn, .shown = o->shown, .made_by = o->by};
    spawn_at(NULL, call, arg, 0, o->pc, o);
}

void rt_spawn_main(struct g *by, void (*fn)(void *), void *arg, void *shown)
{
    struct g_call call = {.fn = (void *)fn, .shown = shown};
    spawn_at(by, call, arg, G_MAIN, (uintptr_t)__builtin_return_address(0), NULL);
}

void go_start(void (*fn)(void *), void *arg)
{
    struct g_call call = {.fn = (void *)fn};
    spawn_at(rt_self(), call, arg, 0, (uintptr_t)__builtin_return_address(0), NULL);
    rt_point();
}

/* ---- end ---- */

static void exit_saved(void *arg)
{
    struct m *m = arg;
    struct g *g = m->g;
    san_enter(&m->san);
    san_end(&g->san);
    hook_race_switch(NULL);
    hook_race_end(g);
    m->g = NULL;
    bool locked = g->locks_thread > 0;
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
    if (unlikely(locked))
        worker_leave(m);
    sched_run(m);
}

/* Does not return. */
static inline void end(struct g *self)
{
    struct go_waitgroup *wg = self->wg;
    if (wg) {
        at_store_rlx(&self->wg,
                     NULL); /* relaxed: a picture, for who wants to know who is not done */
        go_waitgroup_done(wg);
    }
    if (unlikely(self->blocking > 0)) { /* it ends inside a blocking section */
        self->blocking = 0;
        sched_block_end(self);
    }
    struct m *m = self->m;
    rt_enter(m);
    hook_go_end(m->trace, self);
    san_leave(NULL, &m->san);
    switch_call(&self->ctx, m->sched_sp, san_saved(&m->san, exit_saved), m);
}

_Noreturn void rt_exit(struct g *self)
{
    end(self);
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

void rt_goroutine_end(void)
{
    end(rt_self());
}
