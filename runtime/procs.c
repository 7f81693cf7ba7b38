/* procs.c - Ps: set-up, GOMAXPROCS, counters, ids, the clock.
 *
 * Ps are made once and never freed; [procs] publishes them.  A P beyond GOMAXPROCS is DEAD: its M
 * retires it in its next round, without stopping the others. */
#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "core.h"
#include "deadlock.h"
#include "env.h"
#include "hook.h"
#include "inside.h"
#include "panic.h"
#include "thread.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool rt_careful = true;
struct sched sched = {.sleep_until = INT64_MAX, .next_id = 2};

enum {
    ID_BATCH = GO_RACE ? 1 : 16, /* race builds number goroutines as they begin, for reports */
    LOOKS_MAX = 1000,            /* looks at the virtual clock before it takes them for waiting */
    LOOK_NS = 100,               /* what passes with each further one */
    CALLS_MAX = 10000,           /* synchronising calls while the virtual clock stands still */
    CALLS_NS = CALLS_MAX * LOOK_NS, /* what passes then */
};

/* ---- time and choice ---- */

/* Virtual time stands still while goroutines run.  Who looks at it again and again waits for it to
 * pass, so then it does. */
static int64_t virtual_nanos(void)
{
    static int64_t seen, looks; /* by who has the P */
    struct m *m = rt_m();
    int64_t now = at_load_rlx(&sched.virtual_now); /* relaxed: one P */
    if (!m || !m->p)
        return now;
    looks = now == seen ? looks + 1 : 0;
    if (looks > LOOKS_MAX)
        at_store_rlx(&sched.virtual_now, now += LOOK_NS); /* relaxed: one P */
    seen = now;
    return now;
}

int64_t rt_nanos(void)
{
    /* [seeded] a plain thread may ask while another one sets things up */
    return likely(!at_load_acq(&sched.seeded)) ? clock_nanos() : virtual_nanos();
}

void sched_clock_skip(struct p *p)
{
    int64_t next = timer_heap_next(&p->timers);
    if (sched.seeded && next != INT64_MAX && next > at_load_rlx(&sched.virtual_now)) /* relaxed: */
        at_store_rlx(&sched.virtual_now, next);                                      /* one P */
}

bool sched_clock_wears(void)
{
    static int64_t seen, calls;                    /* by who has the P */
    int64_t now = at_load_rlx(&sched.virtual_now); /* relaxed: one P */
    calls = now == seen ? calls + 1 : 0;
    seen = now;
    if (calls < CALLS_MAX)
        return false;
    at_store_rlx(&sched.virtual_now, now + CALLS_NS); /* relaxed: one P */
    return true;
}

bool sched_clock_stands(void)
{
    if (!sched.seeded)
        return false;
    rt_lock(&sched.lock);
    bool stands = sched.idle_p_count >= sched.nprocs && sched.idle_m_count < worker_count() &&
                  timer_heap_next(&sched.procs[0]->timers) != INT64_MAX;
    rt_unlock(&sched.lock);
    return stands;
}

void sched_clock_push(void)
{
    sched_clock_skip(sched.procs[0]);
    rt_fence_all(); /* [wake] */
    sched_wake();
}

/* The choice of a thread without a P; that two of them make the same one does no harm. */
static uint32_t choose_outside(uint32_t n)
{
    static uint64_t state;
    struct rt_rand r = {at_load_rlx(&state)}; /* relaxed: only a number */
    uint32_t choice = rand_below(&r, n);
    at_store_rlx(&state, r.state); /* relaxed: likewise */
    return choice;
}

uint32_t rt_choose(uint32_t n)
{
    struct m *m = rt_m();
    bool entered = m && rt_enter(m);
    uint32_t choice = m && m->p ? rand_below(&m->p->rand, n) : choose_outside(n);
    if (entered)
        rt_leave(m);
    return choice;
}

uint32_t rt_nprocs(void)
{
    return sched_nprocs();
}

uint64_t sched_new_id(struct p *p)
{
    if (!p)
        return at_add_rlx(&sched.next_id, 1u); /* relaxed: only uniqueness */
    if (p->id_next == p->id_end) {
        p->id_next = at_add_rlx(&sched.next_id, ID_BATCH + 0u); /* relaxed: likewise */
        p->id_end = p->id_next + ID_BATCH;
    }
    return p->id_next++;
}

int64_t sched_count(void)
{
    int64_t n = at_load_rlx(&sched.outside);         /* relaxed: exact only when all is quiet */
    uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
    for (uint32_t i = 0; i < procs; i++)
        n += (int64_t)(at_load_rlx(&sched.procs[i]->spawned) - /* relaxed: likewise */
                       at_load_rlx(&sched.procs[i]->ended));   /* relaxed: likewise */
    return n;
}

void sched_count_add(struct m *m, int n)
{
    if (!m || !m->p)
        at_add_rlx(&sched.outside, (int64_t)n); /* relaxed: a counter */
    else if (n > 0)
        at_store_rlx(&m->p->spawned, m->p->spawned + 1); /* relaxed: this M alone writes it */
    else
        at_store_rlx(&m->p->ended, m->p->ended + 1); /* relaxed: this M alone writes it */
}

/* ---- Ps ---- */

/* Under sched.lock. */
static void p_make(uint32_t id, uint64_t seed)
{
    struct p *p = aligned_alloc(64, (sizeof(struct p) + 63) / 64 * 64);
    if (!p)
        rt_fatal("out of memory");
    memset(p, 0, sizeof *p);
    p->id = id;
    p->rand.state = seed + id * 0x9e3779b97f4a7c15u;
    timer_heap_init(&p->timers);
    sched.procs[id] = p;
    at_store_rel(&sched.procs_made, id + 1); /* [procs] */
}

uint32_t sched_set_nprocs(uint32_t n)
{
    rt_lock(&sched.lock);
    uint32_t old = sched.nprocs;
    n = n > PROCS_MAX ? PROCS_MAX : n;
    if (n == 0 || n == old || sched.seeded) {
        rt_unlock(&sched.lock);
        return old;
    }
    at_store_rlx(&sched.nprocs, n); /* relaxed: Ms look at it every round */
    struct p *idle = sched.idle_ps;
    sched.idle_ps = NULL;
    at_store_rlx(&sched.idle_p_count, 0u); /* relaxed: rebuilt below, under lock */
    for (struct p *next; idle; idle = next) {
        next = idle->next;
        if (idle->id < n)
            sched_idle_p_put(idle);
        else
            idle->state = P_DEAD;
    }
    for (uint32_t id = 0; id < n; id++) {
        if (id >= sched.procs_made)
            p_make(id, (uint64_t)clock_nanos());
        else if (sched.procs[id]->state != P_DEAD)
            continue;
        sched_idle_p_put(sched.procs[id]);
    }
    rt_unlock(&sched.lock);
    for (uint32_t id = n; id < old; id++) /* timers of Ps that were idle */
        timer_heap_move(&sched.procs[0]->timers, &sched.procs[id]->timers);
    sched_timer_added(INT64_MIN);
    at_fence_sc(); /* [wake] */
    sched_wake();
    struct m *m = rt_m();
    hook_procs(m ? m->trace : NULL, n);
    return old;
}

bool sched_trim(void)
{
    bool all = true;
    uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
    for (uint32_t i = 0; i < procs; i++) {
        struct p *p = sched.procs[i];
        rt_lock(&sched.lock);
        if (p->state == P_RUNNING) { /* its M will do it */
            g_cache_trim(&p->free);
            g_cache_trim(&p->seeds);
            all = false;
        } else {
            g_cache_flush(&p->free);
            g_cache_flush(&p->seeds);
        }
        rt_unlock(&sched.lock);
    }
    return all;
}

void sched_init(uint32_t nprocs, uint64_t seed, bool virtual_time)
{
    /* relaxed: published by seeded */
    at_store_rlx(&sched.virtual_now, virtual_time ? (int64_t)1000000000 : 0);
    at_store_rel(&sched.seeded, virtual_time); /* [seeded] virtual_now */
    sched.nprocs = virtual_time ? 1 : nprocs > PROCS_MAX ? PROCS_MAX : nprocs;
    rt_lock(&sched.lock);
    for (uint32_t id = 0; id < sched.nprocs; id++)
        p_make(id, seed);
    for (uint32_t id = sched.nprocs; id-- > 0;)
        sched_idle_p_put(sched.procs[id]);
    rt_unlock(&sched.lock);
}
