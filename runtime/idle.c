/* idle.c - Ms and Ps without work: waking, sleeping, giving Ps away.
 *
 * Waking [wake].  The danger is a goroutine that is made runnable while the last M goes to sleep.
 *   producer:  push;                        full fence;  spinning == 0 and idle Ps?  wake one M
 *   consumer:  give up P; spinning -= 1;    full fence;  look at all queues again;   sleep
 * Either the consumer sees the push or the producer sees that nobody spins.  An M that spins has
 * said that it will look at all queues once more, so nobody else needs to be woken.  A producer
 * that has counted itself among those that spin, and then gets no thread to do it, has said so in
 * vain: sched.unserved makes the next M that would sleep look instead.
 *
 * Not waking [linger].  Two goroutines that wake each other in turn need one P; waking an M for
 * each hand-over costs more than the hand-over, and an M that steals from such a pair makes it
 * slow.  So a P whose runnext has lately always been taken by its own M (p->calm) leaves the
 * wake-up out, provided that some M lingers: it sleeps with a limit of LINGER_NS, and takes a
 * runnext that did not move on.
 *   producer:  runnext = g;   full fence;  lingering?   unwoken = 1, no wake-up
 *   lingerer:  lingering = 0; full fence;  look at all queues again;      sleep for long
 *
 * Sleeping until a timer [sleeper].  One idle M (sched.sleeper) sleeps with a limit, the others
 * without.
 *   sleeper:  publish sleep_until;  full fence;  look at the heaps again;   sleep
 *   arming:   put into the heap;    full fence;  when < sleep_until?        wake the sleeper
 *
 * Deadlock.  When the last M goes to sleep without a timer to wait for, and all Ps are idle, nobody
 * can make anything runnable any more, unless threads exist that are not ours.
 *
 * Rejected: a lock-free global queue (it is off the fast path); a wake-up for each goroutine made
 * runnable (threads then wake to find nothing); handing the P over instead of spinning (a wake-up
 * costs 20 to 50 us of latency on virtual machines). */
#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "core.h"
#include "deadlock.h"
#include "env.h"
#include "fence.h"
#include "hook.h"
#include "panic.h"
#include "poller.h"
#include "sysmon.h"
#include "thread.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALM_MIN = 16,       /* own takes of runnext in a row before wake-ups are left out */
    LINGER_NS = 50000,   /* how long a goroutine may then wait behind one that computes */
    STUCK_TICKS = 50000, /* 17 to 50 us: how long a runnext waits before it is taken away */
};

/* ---- timers ---- */

struct timer_heap *sched_timer_heap(struct m *m)
{
    struct p *p = m ? at_load_rlx(&m->p) : NULL; /* relaxed: any heap will do */
    return p ? &p->timers : &sched.procs[0]->timers;
}

static int64_t next_timer(void)
{
    int64_t when = INT64_MAX;
    uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
    for (uint32_t i = 0; i < procs; i++) {
        int64_t w = timer_heap_next(&sched.procs[i]->timers);
        when = w < when ? w : when;
    }
    return when;
}

bool sched_timers_pend(void)
{
    return next_timer() != INT64_MAX;
}

/* ---- waking ---- */

void sched_post(struct m *m)
{
    at_store_rel(&m->park_word, 1u); /* [mpark] publishes next_p and spinning */
    if (!poller_break(m))
        rt_futex_wake(&m->park_word, 1);
}

/* Under sched.lock. */
static void idle_m_remove(struct m *m)
{
    struct m **at = &sched.idle_ms;
    while (*at != m)
        at = &(*at)->next_idle;
    *at = m->next_idle;
    sched.idle_m_count--;
    sched.idle_left++;
    m->idle = false;
}

/* Under sched.lock.  The poller last: it has something to do. */
static struct m *idle_m_take(void)
{
    struct m *m = sched.idle_ms;
    if (m && poller_holds(m) && m->next_idle)
        m = m->next_idle;
    if (m)
        idle_m_remove(m);
    return m;
}

/* Under sched.lock. */
static struct p *idle_p_take(void)
{
    struct p *p = sched.idle_ps;
    if (p) {
        sched.idle_ps = p->next;
        at_store_rlx(&sched.idle_p_count, sched.idle_p_count - 1); /* relaxed: under lock */
        p->state = P_RUNNING;
        sysmon_wake();
    }
    return p;
}

/* Under sched.lock. */
void sched_idle_p_put(struct p *p)
{
    p->state = P_IDLE;
    p->next = sched.idle_ps;
    sched.idle_ps = p;
    at_store_rlx(&sched.idle_p_count, sched.idle_p_count + 1); /* relaxed: fenced in [wake] */
}

/* Gives p to an idle M.  None, and last: leaves p idle, for the next M that would sleep. */
static bool hand_to_idle(struct p *p, bool spinning, bool last)
{
    rt_lock(&sched.lock);
    struct m *m = idle_m_take();
    if (m) {
        m->next_p = p;
        m->spinning = spinning;
    } else if (last) {
        sched_idle_p_put(p);
        sched.unserved = true;
    }
    rt_unlock(&sched.lock);
    if (m)
        sched_post(m);
    return m != NULL;
}

void sched_p_hand_over(struct p *p, bool spinning)
{
    if (hand_to_idle(p, spinning, false) || worker_start(p, spinning))
        return;
    if (worker_count() == 0)
        rt_fatal("cannot start a thread: %s", strerror(errno));
    if (!hand_to_idle(p, spinning, true) && spinning)
        at_sub_acq_rel(&sched.spinning, 1u); /* [wake] */
}

/* Makes sure that somebody looks for work.  Requires: a full fence since the push. */
void sched_wake(void)
{
    /* relaxed: ordered after the push by the caller's fence [wake] */
    while (at_load_rlx(&sched.idle_p_count) != 0 && at_load_rlx(&sched.spinning) == 0) {
        if (!at_cas_acq_rel(&sched.spinning, 0u, 1u)) /* [wake] */
            return;
        rt_lock(&sched.lock);
        struct p *p = idle_p_take();
        rt_unlock(&sched.lock);
        if (p) {
            sched_p_hand_over(p, true);
            return;
        }
        at_sub_acq_rel(&sched.spinning, 1u); /* [wake] */
        rt_fence_all();                      /* [wake] others may have relied on our looking */
        if (!sched_work_somewhere())
            return;
    }
}

void sched_wake_for_next(struct p *p)
{
    /* relaxed: calm is a guess; lingering is ordered after the push by the caller's fence
     * [linger] */
    if (at_load_rlx(&p->calm) >= CALM_MIN && at_load_rlx(&sched.lingering)) {
        at_store_rlx(&p->unwoken,
                     1u); /* relaxed: keeps the lingerer; a late one is looked at later */
        return;
    }
    sched_wake();
}

void sched_timer_added(int64_t when)
{
    rt_fence_often();                            /* [sleeper] after the heap, before sleep_until */
    if (when >= at_load_rlx(&sched.sleep_until)) /* relaxed: see the fence */
        return;
    rt_lock(&sched.lock);
    struct m *m = sched.sleeper;
    bool asleep = m && m->idle;
    if (asleep) {
        idle_m_remove(m);
        m->next_p = NULL;
        m->spinning = false;
    }
    rt_unlock(&sched.lock);
    if (asleep)
        sched_post(m);
    else
        sched_wake();
}

/* ---- idling ---- */

void sched_p_take(struct m *m, struct p *p)
{
    at_store_rlx(&m->p, p);            /* relaxed: m is inside */
    at_store_rel(&p->m, m);            /* [holder] what its maker and its thread wrote in it */
    at_store_rlx(&m->detached, false); /* relaxed: a count for sysmon */
    p->clock_ticks = clock_ticks();    /* it may have been idle for long */
    hook_p_start(m->trace, p->id);
}

void sched_p_drop(struct m *m)
{
    hook_p_stop(m->trace, m->p->id);
    at_store_rlx(&m->p->m, (struct m *)NULL); /* relaxed: a hint to sysmon */
    at_store_rlx(&m->p, (struct p *)NULL);    /* relaxed: m is inside */
}

void sched_stop_spinning(struct m *m)
{
    m->spinning = false;
    at_sub_acq_rel(&sched.spinning, 1u); /* [wake] */
    at_fence_sc_after_rmw();             /* [wake] before sched_wake() looks for idle Ps */
}

bool sched_next_is_stuck(const struct p *p)
{
    /* relaxed: ordered by the caller's fence, or a hint to a thief */
    const struct g *g = at_load_rlx(&p->runnext);
    if (!g)
        return false;
    /* relaxed: a guess; lingering is ordered by the fence of linger_end() [linger] */
    if (at_load_rlx(&p->calm) >= CALM_MIN && at_load_rlx(&sched.lingering))
        return false;
    uint32_t tick = at_load_rlx(&p->tick); /* relaxed: compared with itself */
    uint64_t since = clock_ticks();
    uint32_t rounds;
    do {
        at_pause();
        rounds = at_load_rlx(&p->tick) - tick; /* relaxed: compared with itself */
    } while (rounds < 2 && clock_ticks() - since < STUCK_TICKS);
    /* a single round that left g there took one of the global queue, and may run it for long */
    return rounds == 0 || (rounds == 1 && at_load_rlx(&p->runnext) == g); /* relaxed: likewise */
}

/* A runnext on a P that comes by its scheduler is taken there: the next one will see that nobody
 * looks any more, and wake.  Without an idle P nothing that is found could be run. */
bool sched_work_somewhere(void)
{
    /* relaxed: who makes the first P idle after this looks itself [wake] */
    if (at_load_rlx(&sched.idle_p_count) == 0)
        return false;
    if (globalq_count(&sched.queue))
        return true;
    uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
    for (uint32_t i = 0; i < procs; i++) {
        struct p *p = sched.procs[i];
        /* relaxed: ordered by the fence of stop_spinning [wake] */
        if (runq_len(&p->runq))
            return true;
        if (sched_next_is_stuck(p))
            return true;
    }
    return false;
}

/* Takes an idle P to go on looking for work; false when there is none. */
bool sched_p_retake(struct m *m, bool spinning)
{
    rt_lock(&sched.lock);
    struct p *p = idle_p_take();
    rt_unlock(&sched.lock);
    if (!p)
        return false;
    sched_p_take(m, p);
    if (spinning && !m->spinning) {
        m->spinning = true;
        at_add_acq_rel(&sched.spinning, 1u); /* [wake] */
    }
    return true;
}

/* Under sched.lock, about to sleep: becomes the sleeper if timers pend and nobody is.  While all Ps
 * are held there is nothing that a sleeper could do: it would wake in vain, and at once again;
 * whoever gives the next P up looks here. */
static int64_t sleep_limit(struct m *m)
{
    if ((sched.sleeper && sched.sleeper != m) || !sched.idle_ps)
        return INT64_MAX;
    int64_t when = next_timer();
    sched.sleeper = when == INT64_MAX ? NULL : m;
    at_store_rlx(&sched.sleep_until, when); /* relaxed: see the fence [sleeper] */
    rt_fence_all();                         /* [sleeper] */
    int64_t again = next_timer();
    if (again < when) {
        sched.sleeper = m;
        at_store_rlx(&sched.sleep_until, again); /* relaxed: it only became earlier */
        when = again;
    }
    return when;
}

/* About to sleep: may this M linger?  Some P must be at work, and calm enough to leave wake-ups
 * out. */
static bool linger_begin(void)
{
    if (sched.virtual_now || at_load_rlx(&sched.lingering)) /* relaxed: the CAS decides */
        return false;
    bool calm = false;
    uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
    for (uint32_t i = 0; i < procs; i++) {
        struct p *p = sched.procs[i];
        at_store_rlx(&p->unwoken, 0u); /* relaxed: from here on */
        /* relaxed: guesses */
        calm = calm || (at_load_rlx(&p->m) && at_load_rlx(&p->calm) >= CALM_MIN);
    }
    return calm && at_cas_acq_rel(&sched.lingering, 0u, 1u); /* [linger] */
}

/* A goroutine in p's runnext has waited since the last look: p is not calm any more. */
static bool look_for_stuck(struct p *p)
{
    uint32_t tick = at_load_rlx(&p->tick); /* relaxed: compared with what was seen before */
    bool stuck =
        tick == p->seen_tick && at_load_rlx(&p->runnext); /* relaxed: a look, not the last */
    p->seen_tick = tick;
    if (stuck)
        at_store_rlx(&p->calm, 0u); /* relaxed: a guess */
    return stuck;
}

enum look { LOOK_AGAIN, LOOK_WORK, LOOK_QUIET };

/* What the lingerer finds: work, reason to look again (wake-ups were left out), or neither. */
static enum look linger_look(void)
{
    enum look look = sched_work_somewhere() ? LOOK_WORK : LOOK_QUIET;
    uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
    for (uint32_t i = 0; i < procs; i++) {
        struct p *p = sched.procs[i];
        if (look_for_stuck(p))
            look = LOOK_WORK;
        if (at_load_rlx(&p->unwoken)) {    /* relaxed: a hint, cleared below */
            at_store_rlx(&p->unwoken, 0u); /* relaxed: a lost one costs one look */
            look = look == LOOK_QUIET ? LOOK_AGAIN : look;
        }
    }
    return look;
}

static void linger_end(void)
{
    at_xchg_acq_rel(&sched.lingering, 0u); /* [linger] */
    rt_fence_all();                        /* [linger] before the last look */
}

/* Under sched.lock. */
static void end_sleep(struct m *m)
{
    if (sched.sleeper == m) {
        sched.sleeper = NULL;
        at_store_rlx(&sched.sleep_until, INT64_MAX); /* relaxed: arming then wakes an M at worst */
    }
}

/* Ends m's sleep by its own will; false when somebody has chosen it and is about to post. */
static bool get_up(struct m *m)
{
    rt_lock(&sched.lock);
    bool mine = m->idle;
    if (mine)
        idle_m_remove(m);
    end_sleep(m);
    rt_unlock(&sched.lock);
    return mine;
}

/* Sleeps as the poller, if there is none, or on the futex; true when it holds events. */
static bool m_wait_once(struct m *m, int64_t left)
{
    if (poller_left_to_others()) {
        rt_futex_wait(&m->park_word, 0, left >= 0 && left < LINGER_NS ? left : LINGER_NS);
        return false;
    }
    enum poller_block got = poller_block(m, left);
    if (got == POLLER_TAKEN)
        rt_futex_wait(&m->park_word, 0, left);
    return got == POLLER_EVENTS;
}

/* Waits until posted (true, maybe with a P in m->next_p), until when, or until it holds events. */
static bool m_wait(struct m *m, int64_t when)
{
    bool enough = false;
    while (!at_load_acq(&m->park_word)) { /* [mpark] */
        int64_t left = when == INT64_MAX ? -1 : when - clock_nanos();
        if (enough || (when != INT64_MAX && left <= 0)) {
            if (get_up(m))
                return false;
            do
                rt_futex_wait(&m->park_word, 0, -1);
            while (!at_load_acq(&m->park_word)); /* [mpark] */
            break;
        }
        enough = m_wait_once(m, left);
    }
    at_store_rlx(&m->park_word, 0u); /* relaxed: consumed; the poster is done with it */
    rt_lock(&sched.lock);
    end_sleep(m);
    rt_unlock(&sched.lock);
    return true;
}

/* Under sched.lock. */
static void idle_m_put(struct m *m)
{
    m->idle = true;
    m->next_p = NULL;
    m->next_idle = sched.idle_ms;
    sched.idle_ms = m;
    sched.idle_m_count++;
}

bool sched_ps_rest(void)
{
    uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
    for (uint32_t i = 0; i < procs; i++)
        if (sched.procs[i]->state == P_RUNNING)
            return false;
    return true;
}

/* Under sched.lock: every M sleeps, and nothing of ours will wake one.  A P that does not rest then
 * is in sysmon's hands, on its way to an M, maybe with goroutines. */
static bool all_asleep(void)
{
    return sched.idle_m_count == worker_count() && sched_ps_rest() &&
           !globalq_count(&sched.queue) && next_timer() == INT64_MAX && !poller_waiting();
}

bool sched_all_asleep(uint64_t *ret_since)
{
    rt_lock(&sched.lock);
    bool asleep = all_asleep();
    *ret_since = sched.idle_left;
    rt_unlock(&sched.lock);
    return asleep;
}

/* Virtual time, under sched.lock: with idle Ms asleep all are, and wait for nothing but time. */
static bool all_wait_for_time(uint32_t idle)
{
    return sched.virtual_now && idle == worker_count() && !globalq_count(&sched.queue) &&
           next_timer() != INT64_MAX;
}

/* Sleeps until posted, or until the first timer, or for a moment when lingering.  True when it was
 * only the moment that was over. */
static bool doze(struct m *m, bool lingering)
{
    rt_lock(&sched.lock);
    if (all_wait_for_time(sched.idle_m_count + 1)) { /* others fell asleep since it last looked */
        rt_unlock(&sched.lock);
        return false;
    }
    if (unlikely(sched.unserved)) {
        sched.unserved = false;
        rt_unlock(&sched.lock);
        return false;
    }
    int64_t when = sched.virtual_now ? INT64_MAX : sleep_limit(m);
    idle_m_put(m);
    bool dead = when == INT64_MAX && all_asleep();
    rt_unlock(&sched.lock);
    if (dead)
        deadlock_check();
    int64_t moment = lingering && !dead ? clock_nanos() + LINGER_NS : INT64_MAX;
    bool posted = m_wait(m, moment < when ? moment : when);
    return !posted && moment < when && !poller_holds(m);
}

/* Lingers, then sleeps for long.  Returns when posted, when a timer is due, or when a queue has
 * work. */
static void sleep_until_needed(struct m *m)
{
    bool lingering = linger_begin();
    while (lingering) {
        enum look look = doze(m, true) ? linger_look() : LOOK_WORK;
        if (look == LOOK_AGAIN)
            continue;
        linger_end();
        if (look == LOOK_WORK || sched_work_somewhere())
            return;
        lingering = false;
    }
    doze(m, false);
}

/* Virtual time: instead of sleeping, the last M that is awake has the clock jump to the next timer.
 * True when it did. */
static bool sleep_virtually(struct m *m)
{
    rt_lock(&sched.lock);
    bool last = all_wait_for_time(sched.idle_m_count + 1);
    int64_t when = next_timer();
    if (last && when > sched.virtual_now)
        at_store_rlx(&sched.virtual_now, when); /* relaxed: one P */
    rt_unlock(&sched.lock);
    return last && sched_p_retake(m, true);
}

void sched_sleep(struct m *m)
{
    if (globalq_count(&sched.queue) && sched_p_retake(m, false))
        return;
    if (sleep_virtually(m))
        return;
    hook_m_park(m->trace);
    sleep_until_needed(m);
    hook_m_unpark(m->trace);
    if (m->next_p)
        sched_p_take(m, m->next_p);
    else
        sched_p_retake(m, true);
    m->next_p = NULL;
    poller_deliver(m);
    if (m->p && !m->spinning) {
        at_fence_sc(); /* [wake] somebody else must look after timers, pairs and descriptors now */
        sched_wake();
    }
}

void sched_recheck_deadlock(void)
{
    uint64_t since;
    if (sched_all_asleep(&since))
        deadlock_check();
}

void sched_recheck_sleep(void)
{
    rt_lock(&sched.lock);
    bool last = all_wait_for_time(sched.idle_m_count);
    rt_unlock(&sched.lock);
    if (last)
        sched_wake();
    sched_recheck_deadlock();
}

/* This P is beyond GOMAXPROCS: leaves its goroutines and timers to the others. */
void sched_p_retire(struct m *m)
{
    struct p *p = m->p;
    for (struct g *g; (g = sched_take_runnext(p)) || (g = runq_get(&p->runq));)
        sched_put_global(g);
    timer_heap_move(&sched.procs[0]->timers, &p->timers);
    rt_lock(&sched.lock);
    sched_p_drop(m);
    if (p->id < sched.nprocs) { /* go_maxprocs() has raised the number again meanwhile */
        sched_idle_p_put(p);
    } else {
        p->state = P_DEAD;
    }
    rt_unlock(&sched.lock);
    sched_timer_added(INT64_MIN);
}

/* Gives the P up; false when work turned up meanwhile and the P is kept. */
bool sched_p_give_up(struct m *m, struct g **ret_g)
{
    rt_lock(&sched.lock);
    if (unlikely(m->p->id >= sched.nprocs)) { /* it has become so since this round began */
        rt_unlock(&sched.lock);
        sched_p_retire(m);
        return true;
    }
    *ret_g = globalq_take_many(&sched.queue, &m->p->runq, sched.nprocs);
    if (*ret_g) {
        rt_unlock(&sched.lock);
        return false;
    }
    struct p *p = m->p;
    sched_p_drop(m);
    sched_idle_p_put(p);
    rt_unlock(&sched.lock);
    return true;
}

void sched_release_p(struct m *m)
{
    struct p *p = m->p;
    if (unlikely(p->id >= sched_nprocs())) {
        sched_p_retire(m);
        return;
    }
    sched_p_drop(m);
    if (runq_len(&p->runq) || at_load_rlx(&p->runnext) || /* relaxed: nobody else holds the P */
        globalq_count(&sched.queue) || timer_heap_next(&p->timers) != INT64_MAX) {
        sched_p_hand_over(p, false);
        return;
    }
    rt_lock(&sched.lock);
    sched_idle_p_put(p);
    rt_unlock(&sched.lock);
    rt_fence_all(); /* [wake] [sleeper] somebody may have pushed, or armed, and found no idle P */
    /* relaxed: see the fence */
    bool unwatched = at_load_rlx(&sched.sleep_until) == INT64_MAX && next_timer() != INT64_MAX;
    if (unwatched || poller_unwatched() || sched_work_somewhere())
        sched_wake();
}
