/* sched.c - which goroutine runs next.
 *
 * An M that holds a P looks for work in this order: due timers, now and then the oldest of the
 * global queue, the P's runnext, the P's ring, the global queue, other Ps' rings and timers.  When
 * there is none it gives the P up and sleeps (idle.c).
 *
 * The scheduler runs on its thread's own stack and starts anew every time a goroutine stops, so no
 * frame of it outlives a switch.
 *
 * A P's runnext belongs to its M.  Another M takes it only from one that is outside the runtime
 * (inside.h), because it computes and may do so for long. */
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
#include "spawn.h"
#include "thread.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAIR_ROUNDS = 61, /* every so many rounds the global queue goes first (a prime, as in Go) */
    STEAL_ROUNDS = 4,
    CALM_FULL = 1000,
    TIMER_ROUNDS = 8,
    TIMER_TICKS = 20000, /* 7 to 20 us: how stale the look at the timers may be */
    POLL_TICKS = 250000, /* 80 to 250 us: the same for descriptors while no M blocks for them */
};

__thread struct m *tls_m;

__attribute__((noinline)) struct m *rt_m(void)
{
    struct m *m = tls_m;
    __asm__ volatile("" : "+r"(m));
    return m;
}

void sched_forget_m(void)
{
    tls_m = NULL;
}

/* ---- putting ---- */

/* The ring of m's P is full: half of it and g go to the global queue. */
static void spill(struct p *p, struct g *g)
{
    struct g *batch[RUNQ_CAP / 2 + 1];
    uint32_t n = runq_spill(&p->runq, batch);
    batch[n++] = g;
    globalq_chain(batch, n);
    rt_lock(&sched.lock);
    globalq_put_batch(&sched.queue, batch[0], n);
    rt_unlock(&sched.lock);
}

void sched_put_tail(struct p *p, struct g *g)
{
    if (unlikely(!runq_put(&p->runq, g)))
        spill(p, g);
}

void sched_put_global(struct g *g)
{
    rt_lock(&sched.lock);
    globalq_put(&sched.queue, g);
    rt_unlock(&sched.lock);
    rt_fence_often(); /* [wake] */
    sched_wake();
}

void sched_put(struct m *m, struct g *g)
{
    if (unlikely(!m || !m->p || env.migrate)) {
        sched_put_global(g);
        return;
    }
    struct p *p = m->p;
    struct g *old = sched_put_runnext(p, g);
    if (old) {
        sched_put_tail(p, old);
        rt_fence_often(); /* [wake] */
        sched_wake();
        return;
    }
    rt_fence_often(); /* [wake] [linger] */
    sched_wake_for_next(p);
}

/* ---- taking ---- */

/* Under GOSHAWK_SEED any queued goroutine may be next. */
static struct g *take_seeded(struct p *p)
{
    struct g *g = sched_take_runnext(p);
    if (g)
        sched_put_tail(p, g);
    uint32_t n = runq_len(&p->runq);
    for (uint32_t k = n > 1 ? rand_below(&p->rand, n) : 0; k > 0; k--)
        sched_put_tail(p, runq_get(&p->runq));
    return runq_get(&p->runq);
}

/* What g's first instructions need is fetched while another one runs: its head, its registers and
 * the top of its stack. */
static inline void fetch_early(const struct g *g)
{
    uintptr_t at = (uintptr_t)g; /* may be NULL */
    __builtin_prefetch(g);
    __builtin_prefetch((const void *)(at + offsetof(struct g, ctx)));
    __builtin_prefetch((const void *)(at + offsetof(struct g, ctx) + 64));
    __builtin_prefetch((const void *)(at - 64));
}

/* runnext lets two goroutines that wake each other run at full speed; after CHAIN_MAX of them in a
 * row the others get their turn. */
static struct g *take_local(struct p *p)
{
    if (unlikely(sched.seeded))
        return take_seeded(p);
    struct g *g = sched_take_runnext(p);
    if (g) {
        uint32_t calm = at_load_rlx(&p->calm);             /* relaxed: a guess */
        at_store_rlx(&p->calm, calm + (calm < CALM_FULL)); /* relaxed: likewise */
        if (likely(++p->chain < CHAIN_MAX))
            return g;
    }
    p->chain = 0;
    if (!g) {
        g = runq_get(&p->runq);
        fetch_early(runq_peek(&p->runq));
        return g;
    }
    struct g *other = runq_get(&p->runq);
    if (!other)
        return g;
    sched_put_tail(p, g);
    rt_fence_often(); /* [wake] it may have been left to this M, and other may run for long */
    sched_wake();
    return other;
}

static struct g *take_fair(struct p *p)
{
    if (globalq_count(&sched.queue) == 0) /* looked at again before sleeping */
        return NULL;
    rt_lock(&sched.lock);
    struct g *g = globalq_take_one(&sched.queue, p->tick / FAIR_ROUNDS);
    rt_unlock(&sched.lock);
    return g;
}

static struct g *take_global(struct p *p)
{
    if (globalq_count(&sched.queue) == 0) /* looked at again before sleeping */
        return NULL;
    rt_lock(&sched.lock);
    struct g *g = globalq_take_many(&sched.queue, &p->runq, sched.nprocs);
    rt_unlock(&sched.lock);
    return g;
}

/* runnext of a P that comes by its scheduler is about to be run there. */
static struct g *steal_runnext(struct p *from)
{
    if (!sched_next_is_stuck(from))
        return NULL;
    struct g *g = sched_rob_runnext(from);
    if (!g)
        return NULL;
    at_store_rlx(&from->calm, 0u); /* relaxed: a guess */
    return g;
}

static struct g *steal_from(struct m *m, struct p *from, bool last)
{
    struct g *batch[RUNQ_CAP / 2];
    uint32_t n = runq_steal(&from->runq, batch);
    if (n == 0)
        return last ? steal_runnext(from) : NULL;
    hook_p_steal(m->trace, from->id, n);
    stats_steal(&m->p->stats, n);
    for (uint32_t i = 0; i + 1 < n; i++)
        sched_put_tail(m->p, batch[i]);
    return batch[n - 1];
}

/* Visits all other Ps, from a random one on.  The last round also takes runnexts and fires
 * timers. */
static struct g *steal(struct m *m, int64_t *now)
{
    uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
    for (int round = 0; round < STEAL_ROUNDS; round++) {
        bool last = round == STEAL_ROUNDS - 1;
        uint32_t at = rand_below(&m->p->rand, procs);
        for (uint32_t i = 0; i < procs; i++, at = at + 1 == procs ? 0 : at + 1) {
            struct p *from = sched.procs[at];
            if (last && timer_heap_next(&from->timers) != INT64_MAX) {
                if (!*now)
                    *now = rt_nanos();
                if (timer_heap_run(&from->timers, *now)) {
                    struct g *g = take_local(m->p);
                    if (g)
                        return g;
                }
            }
            struct g *g = from == m->p ? NULL : steal_from(m, from, last);
            if (g)
                return g;
        }
    }
    return NULL;
}

/* ---- timers ---- */

static void run_timers(struct p *p)
{
    if (timer_heap_next(&p->timers) == INT64_MAX)
        return;
    uint64_t ticks = clock_ticks();
    if (p->tick % TIMER_ROUNDS != 0 && ticks - p->clock_ticks < TIMER_TICKS && !sched.seeded)
        return; /* seeded: real time must have no say in what runs */
    p->clock_ticks = ticks;
    timer_heap_run(&p->timers, rt_nanos());
}

/* ---- descriptors ---- */

/* Between goroutines, at every FAIR_ROUNDS-th round. */
static void poll_now_and_then(uint64_t ticks)
{
    if (sched.seeded ? poller_waiting() : poller_is_due(ticks, POLL_TICKS))
        poller_now();
}

/* ---- the loop ---- */

static struct g *look_once(struct m *m)
{
    struct p *p = m->p;
    int64_t now = 0;
    at_store_rlx(&p->tick, p->tick + 1); /* relaxed: thieves look whether it moves */
    run_timers(p);
    struct g *g = NULL;
    if (unlikely(p->tick % FAIR_ROUNDS == 0)) {
        p->clock_ticks = clock_ticks();
        poll_now_and_then(p->clock_ticks);
        g = take_fair(p);
    }
    if (!g)
        g = take_local(p);
    if (!g)
        g = take_global(p);
    if (!g && poller_now_idly())
        g = take_local(p);
    if (g)
        return g;
    /* relaxed: a heuristic that keeps half of the busy Ps' number from spinning */
    uint32_t busy = at_load_rlx(&sched.nprocs) - at_load_rlx(&sched.idle_p_count);
    if (!m->spinning && 2 * at_load_rlx(&sched.spinning) >= busy) /* relaxed: likewise */
        return NULL;
    if (!m->spinning) {
        m->spinning = true;
        at_add_acq_rel(&sched.spinning, 1u); /* [wake] */
    }
    return steal(m, &now);
}

static __attribute__((noinline)) struct g *find_runnable(struct m *m)
{
    for (;;) {
        if (m->p && unlikely(m->p->id >= sched_nprocs()))
            sched_p_retire(m);
        if (m->p) {
            struct g *g = look_once(m);
            if (g || !sched_p_give_up(m, &g))
                return g;
        }
        bool last = m->spinning;
        if (last) {
            sched_stop_spinning(m);
            rt_fence_all(); /* [wake] before the last look */
        } else {
            rt_fence_all(); /* [wake] those who spun when this M did not look may have gone */
            last = at_load_rlx(&sched.spinning) == 0; /* relaxed: see the fence */
        }
        if (last && sched_work_somewhere() && sched_p_retake(m, true))
            continue;
        sched_sleep(m);
    }
}

void sched_execute(struct m *m, struct g *g)
{
    if (g->flags & G_SEED)
        g = rt_first_run(m, g);
    if (unlikely(g->home_m && g->home_m != m))
        sched_pass_home(m, g);
    g_move(g, G_READY, G_RUNNING);
    g->m = m;
    m->g = g;
    hook_go_start(m->trace, g, m->p->id);
    if (unlikely(g->ready_ticks)) {
        stats_run(&m->p->stats, clock_ticks() - g->ready_ticks);
        g->ready_ticks = 0;
    }
    *m->errno_p = g->saved_errno;
    rt_set_self(g);
    hook_race_switch(g);
    san_resume(&m->san, &g->san);
    rt_leave(m);
    switch_last(&g->ctx);
}

void sched_run(struct m *m)
{
    if (unlikely(m->locked_g)) {
        sched_wait_home(m);
        sched_execute(m, m->locked_g);
        return;
    }
    if (unlikely(m->p && m->p->id >= sched_nprocs()))
        sched_p_retire(m);
    struct g *g = find_runnable(m);
    if (m->spinning) {
        sched_stop_spinning(m);
        sched_wake(); /* more work may be there than this M takes */
    }
    if (unlikely(env.migrate && g->m == m && !g->home_m) && rand_below(&m->p->rand, 2))
        sched_pass_on(m, g);
    sched_execute(m, g);
}

static __attribute__((noinline)) void run_after_slow(struct m *m, struct g *g)
{
    struct p *p = m->p;
    if (p && !env.migrate) {
        sched_put_tail(p, g);
        rt_fence_often(); /* [wake] who runs next here may run for long */
        /* relaxed: only this M writes it; g waits for what lies there, or before g in the ring */
        if (at_load_rlx(&p->runnext) || runq_len(&p->runq) > 1)
            sched_wake();
    } else {
        sched_put_global(g);
    }
    sched_run(m);
}

static __attribute__((noinline)) void wake_and_execute(struct m *m, struct g *next)
{
    sched_wake();
    sched_execute(m, next);
}

/* True when a round of m has nothing to look after but its ring.  Whether GOMAXPROCS has become
 * less, it looks at every FAIR_ROUNDS-th. */
static inline bool ring_is_all(const struct m *m, const struct p *p)
{
    if (unlikely(!p || rt_careful || m->locked_g))
        return false;
    /* relaxed: only this M writes it */
    return !at_load_rlx(&p->runnext) && timer_heap_next(&p->timers) == INT64_MAX &&
           likely((p->tick + 1) % FAIR_ROUNDS != 0);
}

/* Most yields find somebody waiting in the ring and nothing else: then this is the whole round. */
void sched_run_after(struct m *m, struct g *g)
{
    struct p *p = m->p;
    struct g *next = likely(ring_is_all(m, p)) ? runq_turn(&p->runq, g) : NULL;
    if (unlikely(!next)) {
        run_after_slow(m, g);
        return;
    }
    at_store_rlx(&p->tick, p->tick + 1); /* relaxed: thieves look whether it moves */
    p->chain = 0;
    fetch_early(runq_peek(&p->runq));
    rt_fence_often(); /* [wake] who runs next here may run for long */
    if (unlikely(at_load_rlx(&sched.idle_p_count) != 0)) /* relaxed: see the fence */
        wake_and_execute(m, next);
    else
        sched_execute(m, next);
}

_Noreturn void sched_enter(struct m *m)
{
    tls_m = m;
    at_store_rlx(&m->inside, 1u); /* relaxed: it holds no P yet */
    if (m->next_p)
        sched_p_take(m, m->next_p);
    m->next_p = NULL;
    sched_run(m);
    __builtin_unreachable();
}
