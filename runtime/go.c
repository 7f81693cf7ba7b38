/* go.c - the small calls of goshawk/go.h and goshawk/time.h. */
#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "cpus.h"
#include "defer.h"
#include "dump.h"
#include "entry.h"
#include "env.h"
#include "hook.h"
#include "inside.h"
#include "panic.h"
#include "proc.h"
#include "scheduler.h"
#include "spawn.h"
#include "stack.h"
#include "thread.h"
#include "timers.h"
#include <goshawk/go.h>
#include <string.h>
#include <time.h>

enum {
    SLICE_TICKS = 25000000, /* about 10 ms, as Go's time slice */
    CHECKPOINTS = 16,       /* under a seed: every so many, on average, end a slice */
};

/* An object knows which library it was compiled for (goshawk/base.h); this library has its
 * symbol. */
#if GO_RACE
GO_API_ const char go_object_was_compiled_with_race__link_with_goshawk_cc_race = 1;
#else
GO_API_ const char go_object_was_compiled_without_race__link_without_race = 1;
#endif

const char *go_version(void)
{
    return GO_VERSION;
}

void go_yield(void)
{
    rt_point();
    rt_yield(rt_self());
}

_Noreturn void(go_exit)(void)
{
    struct g *self = rt_self();
    if (self->flags & G_THREAD)
        rt_fatal("go_exit: called outside goroutines");
    self->exiting = true;
    rt_defers_run(self, NULL);
    panic_stopped_by_exit(self);
    if (self->flags & G_MAIN)
        rt_note_main_exit();
    rt_exit(self);
}

/* ---- sleeping ---- */

static void sleep_over(struct rt_timer *t, int64_t now)
{
    (void)now;
    rt_ready(t->arg, NULL);
}

/* Arms the timer when the goroutine is parked, so that it cannot fire before. */
static bool sleep_commit(struct g *g, void *arg)
{
    struct rt_timer *t = arg;
    (void)g;
    rt_timer_start(t, t->when, 0);
    return true;
}

void go_sleep(go_duration d)
{
    struct g *self = rt_self();
    if (d <= 0)
        return;
    struct rt_timer t = {.fn = sleep_over, .arg = self};
    if (__builtin_add_overflow(rt_nanos(), d, &t.when))
        t.when = INT64_MAX - 1;
    rt_park(self, sleep_commit, &t, TR_SLEEP, NULL);
}

go_time go_now(void)
{
    return rt_nanos();
}

go_duration go_since(go_time t)
{
    return rt_nanos() - t;
}

/* ---- who and how many ---- */

uint64_t go_id(void)
{
    struct g *self = rt_self_or_null();
    return self ? self->id : 0;
}

void go_setname(const char *name)
{
    struct g *self = rt_self();
    size_t n = strnlen(name, G_NAME_MAX - 1);
    memcpy(self->name, name, n);
    self->name[n] = 0;
    hook_race_name(self, self->name);
    struct m *m = self->m;
    hook_go_name(m ? m->trace : NULL, self, self->name);
}

int go_numgoroutine(void)
{
    return (int)sched_count();
}

int go_maxprocs(int n)
{
    rt_init();
    return (int)sched_set_nprocs(n < 1 ? 0 : (uint32_t)n);
}

int go_numcpu(void)
{
    return cpus_usable();
}

/* ---- threads ---- */

void go_lock_thread(void)
{
    struct g *self = rt_self();
    if ((self->flags & G_THREAD) || self->locks_thread++ > 0)
        return;
    self->home_m = self->m;
    self->m->locked_g = self;
}

void go_unlock_thread(void)
{
    struct g *self = rt_self();
    if ((self->flags & G_THREAD) || self->locks_thread == 0 || --self->locks_thread > 0)
        return;
    self->home_m = NULL;
    self->m->locked_g = NULL;
}

void go_blocking_begin(void)
{
    struct g *self = rt_self();
    if (!(self->flags & G_THREAD) && self->blocking++ == 0)
        sched_block_begin(self);
}

void go_blocking_end(void)
{
    struct g *self = rt_self();
    if ((self->flags & G_THREAD) || self->blocking == 0 || --self->blocking > 0)
        return;
    sched_block_end(self);
}

void go_checkpoint(void)
{
    struct g *self = rt_self();
    struct m *m = self->m;
    if (self->flags & G_THREAD)
        return;
    if (unlikely(env.seeded)) { /* real time has no say */
        if (rt_choose(CHECKPOINTS) == 0)
            rt_yield(self);
        return;
    }
    rt_settle(self);
    rt_enter(m = self->m);
    struct p *p = m->p;
    uint64_t now = clock_ticks();
    bool over = p && p->slice_tick == p->tick && now - p->slice_ticks > SLICE_TICKS;
    if (p && p->slice_tick != p->tick) {
        p->slice_tick = p->tick;
        p->slice_ticks = now;
    }
    rt_leave(m);
    if (over)
        rt_yield(self);
}

void go_set_stack_size(size_t bytes)
{
    stack_set_size(bytes);
}

void go_dump(int fd)
{
    dump_all(fd, rt_self());
    __asm__ volatile(""); /* no tail call: this frame is where the program's begin */
}

/* ---- the big stack ---- */

struct big {
    void (*fn)(void *);
    void *arg;
    struct m *m;
    struct g *g;
};

static void on_big_stack(void *arg)
{
    struct big *b = arg;
    san_back(&b->m->san);
    b->fn(b->arg);
    san_lend(&b->m->san, &b->g->san);
}

void rt_on_big_stack(void (*fn)(void *), void *arg)
{
    struct m *m = rt_m();
    if (!m || !m->g || m->on_big_stack) { /* a plain thread, or already there */
        fn(arg);
        return;
    }
    struct g *g = m->g;
    m->on_big_stack = true;
    hook_race_switch(NULL);
    struct big b = {fn, arg, m, g};
    san_lend(&g->san, &m->san);
    switch_onto(m->sched_sp, on_big_stack, &b);
    san_back(&g->san);
    hook_race_switch(g);
    m->on_big_stack = false;
}
