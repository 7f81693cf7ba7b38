/* park.c - goroutines that stop running, and how they run again.
 *
 * A goroutine leaves its stack by switch_call(): its registers are saved first, and only then, on
 * the scheduler's stack, is it published as waiting (the commit function) or queued again.  So
 * nobody can resume a goroutine that is still on its way out.
 * [tpark]  waker's writes -> the plain thread whose stand-in was parked.
 * [mpark]  who hands a bound goroutine over -> the M it is bound to. */
#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "core.h"
#include "deadlock.h"
#include "env.h"
#include "hook.h"
#include "inside.h"
#include "panic.h"
#include "poller.h"
#include "thread.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void rt_ready(struct g *g, struct g *by)
{
    struct m *m = by ? by->m : rt_m();
    if (unlikely(g->flags & G_THREAD)) {
        rt_check(at_load_rlx(&g->state) == G_PARKED); /* relaxed: the caller took it off its list */
        at_store_rel(&g->state, (uint32_t)G_RUNNING); /* [tpark] */
        rt_futex_wake(&g->state, 1);
        return;
    }
    if (hook_tracing())
        hook_go_ready(thread_stream(m, by), g, by ? by->id : 0);
    g_move(g, G_PARKED, G_READY);
    bool entered = m && rt_enter(m);
    if (unlikely(stats_ready(m_stats(m))))
        g->ready_ticks = clock_ticks();
    sched_put(m, g);
    if (entered)
        rt_leave(m);
}

/* ---- parking ---- */

/* True when self runs in a blocking section without a P: a trace has it blocked. */
static inline bool in_blocking_call(const struct g *self)
{
    return unlikely(self->blocking > 0) && !self->m->p;
}

static void thread_park(struct g *self, rt_commit *commit, void *arg)
{
    at_store_rlx(&self->state, (uint32_t)G_PARKED); /* relaxed: published by the list's lock */
    if (commit && !commit(self, arg)) {
        at_store_rlx(&self->state, (uint32_t)G_RUNNING); /* relaxed: nobody else knows of it */
        return;
    }
    while (at_load_acq(&self->state) == G_PARKED) /* [tpark] */
        rt_futex_wait(&self->state, G_PARKED, -1);
}

/* On the scheduler's stack: the goroutine that m has just left, saved. */
static inline struct g *left(struct m *m)
{
    struct g *g = m->g;
    san_enter(&m->san);
    hook_race_switch(NULL);
    m->g = NULL;
    return g;
}

static void park_saved(void *arg)
{
    struct m *m = arg;
    struct g *g = left(m);
    g_move(g, G_RUNNING, G_PARKED);
    if (m->commit && !m->commit(g, m->commit_arg)) {
        hook_go_ready(m->trace, g, 0);
        g_move(g, G_PARKED, G_READY);
        if (m->p) {
            sched_execute(m, g);
            return;
        }
        sched_put_global(g);
    }
    sched_run(m);
}

void rt_park(struct g *self, rt_commit *commit, void *arg, enum tr_reason why, const void *obj)
{
    self->why = why;
    self->park_obj = obj;
    if (unlikely(self->flags & G_THREAD)) {
        thread_park(self, commit, arg);
        return;
    }
    struct m *m = self->m;
    rt_assert(m->g == self && !m->on_big_stack);
    rt_enter(m);
    if (likely(!in_blocking_call(self))) /* else it has been blocked since go_blocking_begin() */
        hook_go_block(m->trace, self, why, obj);
    stats_park(m_stats(m));
    self->park_ticks = m->p ? m->p->clock_ticks : 0;
    self->saved_errno = *m->errno_p;
    m->commit = commit;
    m->commit_arg = arg;
    hook_race_waits(self);
    san_leave(&self->san, &m->san);
    switch_call(&self->ctx, m->sched_sp, san_saved(&m->san, park_saved), m);
    san_enter(&self->san);
}

static bool unlock_commit(struct g *g, void *lock)
{
    (void)g;
    rt_unlock(lock);
    return true;
}

void rt_park_unlock(struct g *self, struct rt_lock *lock, enum tr_reason why, const void *obj)
{
    rt_park(self, unlock_commit, lock, why, obj);
}

static void yield_saved(void *arg)
{
    struct m *m = arg;
    struct g *g = left(m);
    g_move(g, G_RUNNING, G_READY);
    sched_run_after(m, g);
}

/* True when m's P has nothing else to run, nor to look after; then a round of the scheduler would
 * come back here. */
static inline bool nobody_else(const struct m *m)
{
    const struct p *p = m->p;
    /* relaxed: another M that pushes just now comes before or after this yield */
    return !at_load_rlx(&p->runnext) && !runq_len(&p->runq) && !globalq_count(&sched.queue) &&
           timer_heap_next(&p->timers) == INT64_MAX && !poller_waiting() && p->id < sched_nprocs();
}

static void note_yield(struct m *m, const struct g *self)
{
    if (unlikely(in_blocking_call(self)))
        hook_go_ready(m->trace, self, 0); /* it has been blocked since go_blocking_begin() */
    else
        hook_go_yield(m->trace, self);
}

void rt_yield(struct g *self)
{
    if (unlikely(self->flags & G_THREAD)) {
        thread_yield();
        return;
    }
    struct m *m = self->m;
    rt_enter(m);
    if (unlikely(!m->p || rt_careful || hook_tracing())) {
        note_yield(m, self);
    } else if (nobody_else(m)) {
        at_store_rlx(&m->p->tick, m->p->tick + 1); /* relaxed: thieves look whether it moves */
        rt_leave(m);
        return;
    }
    self->saved_errno = *m->errno_p;
    san_leave(&self->san, &m->san);
    switch_call(&self->ctx, m->sched_sp, san_saved(&m->san, yield_saved), m);
    san_enter(&self->san);
}

/* ---- blocking calls ---- */

static void no_p_saved(void *arg)
{
    struct m *m = arg;
    struct g *g = left(m);
    g_move(g, G_RUNNING, G_READY);
    sched_put_global(g);
    sched_run(m);
}

/* Waits for a P, with everybody else. */
static void wait_for_p(struct m *m, struct g *self)
{
    self->saved_errno = *m->errno_p;
    san_leave(&self->san, &m->san);
    switch_call(&self->ctx, m->sched_sp, san_saved(&m->san, no_p_saved), m);
    san_enter(&self->san);
}

void sched_block_begin(struct g *self)
{
    struct m *m = self->m;
    self->why = TR_SYSCALL;
    self->park_obj = NULL;
    rt_enter(m);
    hook_go_block(m->trace, self, TR_SYSCALL, NULL);
    if (m->p)
        sched_release_p(m);
    rt_leave(m);
}

void sched_block_end(struct g *self)
{
    struct m *m = self->m;
    rt_enter(m);
    if (m->p) { /* it parked in between, and got a P when it ran again */
        rt_leave(m);
        return;
    }
    bool got = sched_p_retake(m, false);
    hook_go_ready(m->trace, self, 0);
    if (got) {
        hook_go_start(m->trace, self, m->p->id);
        rt_leave(m);
        return;
    }
    wait_for_p(m, self);
}

void sched_regain(struct g *self)
{
    struct m *m = self->m;
    rt_enter(m);
    if (m->p || sched_p_retake(m, false)) {
        rt_leave(m);
        return;
    }
    hook_go_yield(m->trace, self);
    wait_for_p(m, self);
}

/* ---- goroutines that must change their thread ---- */

_Noreturn void sched_pass_on(struct m *m, struct g *g)
{
    struct g *old = sched_put_runnext(m->p, g);
    if (old)
        sched_put_tail(m->p, old);
    sched_release_p(m);
    sched_run(m);
    __builtin_unreachable();
}

/* g must run on another M: hands it over, with the P. */
_Noreturn void sched_pass_home(struct m *m, struct g *g)
{
    struct m *home = g->home_m;
    struct p *p = m->p;
    sched_p_drop(m);
    rt_lock(&sched.lock);
    home->next_p = p;
    sched.idle_m_count--;
    sched.idle_left++;
    rt_unlock(&sched.lock);
    sched_post(home);
    sched_run(m);
    __builtin_unreachable();
}

/* m's goroutine is not ready, and m may run no other: sleeps until it is handed over. */
void sched_wait_home(struct m *m)
{
    if (m->p)
        sched_release_p(m);
    rt_lock(&sched.lock);
    sched.idle_m_count++;
    rt_unlock(&sched.lock);
    sched_recheck_sleep();
    hook_m_park(m->trace);
    while (!at_load_acq(&m->park_word)) /* [mpark] */
        rt_futex_wait(&m->park_word, 0, -1);
    at_store_rlx(&m->park_word, 0u); /* relaxed: consumed; the poster is done with it */
    hook_m_unpark(m->trace);
    sched_p_take(m, m->next_p);
    m->next_p = NULL;
}
