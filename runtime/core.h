/* core.h - the scheduler's own state, shared by its files and nobody else:
 *
 *   sched.c   the loop: which goroutine runs next
 *   idle.c    Ms and Ps without work: waking, sleeping, giving Ps away
 *   park.c    goroutines that stop running: park, ready, yield, blocking calls, bound threads
 *   procs.c   Ps: set-up, GOMAXPROCS, counters, ids, the clock
 *
 * sched.lock is the scheduler's only lock.  A timer heap's lock may be held when it is taken. */
#ifndef RT_CORE_H
#define RT_CORE_H

#include "globalq.h"
#include "proc.h"

struct sched {
    struct rt_lock lock;
    struct globalq queue;  /* under lock; its count is read relaxed */
    struct p *idle_ps;     /* under lock */
    uint32_t idle_p_count; /* written under lock, read in [wake] */
    struct m *idle_ms;     /* under lock */
    uint32_t idle_m_count; /* under lock */
    uint64_t idle_left;    /* times an M stopped being idle; under lock */
    uint32_t nprocs;       /* GOMAXPROCS; written under lock, read relaxed */
    uint32_t procs_made;   /* Ps that exist; release/acquire [procs] */
    uint32_t spinning;     /* Ms looking for work [wake] */
    bool unserved;         /* a P was left idle as no thread could be started; under lock */
    uint32_t lingering;    /* 1: an M that sleeps looks again soon [linger] */
    struct m *sleeper;     /* under lock */
    int64_t sleep_until;   /* of sleeper, INT64_MAX if none [sleeper] */
    uint64_t next_id;
    int64_t outside;            /* goroutines started by, minus ended on, no P */
    int64_t virtual_now;        /* 0: real time */
    bool seeded;                /* r/o after sched_init() [seeded] */
    struct p *procs[PROCS_MAX]; /* r/o once made [procs] */
};
extern struct sched sched;

/* rt_nprocs() for the scheduler's own files. */
static inline uint32_t sched_nprocs(void)
{
    return at_load_rlx(&sched.nprocs); /* relaxed: a setting */
}

/* ---- idle.c ---- */

/* Makes sure that somebody looks for work.  Requires: a full fence since the push. */
void sched_wake(void);

/* The same for a goroutine that was put into the empty runnext of p, whose M calls. */
void sched_wake_for_next(struct p *p);

/* True when p's runnext waits behind a goroutine that computes: p's M has not come by the scheduler
 * for a while.  A calm P's runnext is left to the M that lingers, if one does. */
bool sched_next_is_stuck(const struct p *p);

/* Gives p, which is on no list and held by nobody, to an M. */
void sched_p_hand_over(struct p *p, bool spinning);

/* Wakes an idle M by its park word. */
void sched_post(struct m *m);

/* m takes p, which is on no list; m gives its P up to the caller. */
void sched_p_take(struct m *m, struct p *p);
void sched_p_drop(struct m *m);

/* Under sched.lock: puts p on the idle list. */
void sched_idle_p_put(struct p *p);

/* Under sched.lock: true when no P is held, nor on its way to an M. */
bool sched_ps_rest(void);

/* Takes an idle P for m, to look for work with it if spinning; false when there is none. */
bool sched_p_retake(struct m *m, bool spinning);

/* Puts m's P on the idle list, or retires it; false when the global queue had work: then *ret_g is
 * it. */
bool sched_p_give_up(struct m *m, struct g **ret_g);

/* m's P is beyond GOMAXPROCS: leaves its goroutines and timers to the others. */
void sched_p_retire(struct m *m);

/* m does not look for work any more. */
void sched_stop_spinning(struct m *m);

/* True when some queue is not empty. */
bool sched_work_somewhere(void);

/* Sleeps without a P until there is something to do; returns with or without one. */
void sched_sleep(struct m *m);

/* ---- sched.c ---- */

/* Runs g, which is READY and on no queue.  Does not return, as sched_run(). */
void sched_execute(struct m *m, struct g *g);

/* g, which is READY and on no queue, goes behind the others, and whoever is next runs.
 * Likewise. */
void sched_run_after(struct m *m, struct g *g);

/* p's M, inside: puts g in p's runnext and returns what lay there; takes what lies there. */
static inline struct g *sched_put_runnext(struct p *p, struct g *g)
{
    struct g *old = p->runnext;
    at_store_rlx(&p->runnext, g); /* relaxed: others look whether there is one, see inside.h */
    return old;
}

static inline struct g *sched_take_runnext(struct p *p)
{
    struct g *g = p->runnext;
    if (g)
        at_store_rlx(&p->runnext, (struct g *)NULL); /* relaxed: likewise */
    return g;
}

/* Appends g to the ring of p, whose M calls; to the global queue. */
void sched_put_tail(struct p *p, struct g *g);
void sched_put_global(struct g *g);

/* ---- inside.c ---- */

/* Takes p away from m and hands it over, unless m is inside the runtime or does not hold it any
 * more.  computes: m's goroutine does not sit in the kernel.  Called without locks. */
bool sched_retake(struct p *p, struct m *m, struct tr_stream *trace, bool computes);

/* Takes the runnext of p, whose M is outside the runtime; NULL when it is not, or has none. */
struct g *sched_rob_runnext(struct p *p);

/* ---- park.c ---- */

/* self, whose P was taken, gets one back or waits for one; does nothing when it has one. */
void sched_regain(struct g *self);

/* m's goroutine is not ready, and m may run no other: sleeps until it is handed over. */
void sched_wait_home(struct m *m);

/* GOSHAWK_DEBUG=migrate: hands g, which ran on m before, to any other M, with the P. */
_Noreturn void sched_pass_on(struct m *m, struct g *g);

/* g must run on another M: hands it over, with the P. */
_Noreturn void sched_pass_home(struct m *m, struct g *g);

#endif
