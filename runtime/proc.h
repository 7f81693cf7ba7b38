/* proc.h - P, the right to run goroutines, and M, the thread that uses it.
 *
 * GOMAXPROCS Ps exist; a P is held by exactly one M, or lies on the idle list.  An M runs
 * goroutines only while it holds a P.  All per-processor memory hangs on the P, so an M without one
 * has none. */
#ifndef RT_PROC_H
#define RT_PROC_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "futex.h"
#include "g.h"
#include "rand.h"
#include "runq.h"
#include "scheduler.h"
#include "stack.h"
#include "stats.h"
#include "timerheap.h"

enum { PROCS_MAX = 1024, MS_MAX = 10000, CHAIN_MAX = 64, HOLDING_MAX = 4 };

enum p_state {
    P_IDLE,    /* on sched.idle_ps.      -> RUNNING by who takes it off, DEAD by go_maxprocs() */
    P_RUNNING, /* held, or handed over.  -> IDLE or DEAD by its M, or by who hands it over */
    P_DEAD,    /* beyond GOMAXPROCS.     -> IDLE by go_maxprocs() */
};

struct p {
    uint32_t id;
    uint32_t state;     /* enum p_state; under sched.lock */
    struct m *m;        /* who holds it; by that M, a hint to sysmon and thieves [holder] */
    struct p *next;     /* on sched.idle_ps; under sched.lock */
    struct g *runnext;  /* runs before the queue; by its M, or who robs it (inside.c) */
    uint32_t chain;     /* times runnext was taken in a row; by its M */
    uint32_t calm;      /* times runnext was taken here since one was stolen; relaxed [linger] */
    uint32_t unwoken;   /* 1: a wake-up was left out since somebody last looked; relaxed [linger] */
    uint32_t seen_tick; /* tick when the lingerer last looked; by the lingerer */
    uint32_t tick;      /* scheduling rounds; by its M */
    uint32_t slice_tick;  /* round that slice_ticks is of; by its M */
    uint64_t slice_ticks; /* clock_ticks() at the first go_checkpoint() of that round; by its M */
    uint64_t clock_ticks; /* clock_ticks() when timers were last looked at; by its M */
    uint64_t id_next, id_end; /* goroutine ids not yet given out; by its M */
    uint64_t spawned, ended;  /* goroutines; by its M, read relaxed by others */
    struct p_stats stats;     /* by its M, read relaxed by others */
    struct g_cache free;      /* goroutines with stacks; by its M, or under sched.lock while idle */
    struct g_cache seeds;     /* likewise */
    struct rt_rand rand;
    struct timer_heap timers;
    struct runq runq;
};

struct m {
    uint32_t id;
    int tid; /* kernel thread id, 0 before it has begun; by itself */
    pthread_t thread;
    uint32_t inside;     /* 1: in the runtime, which keeps its P; by this M [inside] */
    uint32_t asked;      /* 1: somebody is about to take its P; under sched.lock [inside] */
    const void *storing; /* the lock whose word it changes by a plain store just now [storing] */
    const void *holding[HOLDING_MAX]; /* biased locks that it holds [holding] */
    uint32_t who;                     /* its number in the words of locks (bias.h), 0: none; r/o */
    bool detached;                    /* computes without a P that was taken from it; relaxed */
    struct p *p;                      /* held P, or NULL; by this M while inside, see inside.h */
    struct p *next_p;                 /* handed over by who wakes it; under sched.lock */
    struct g *g;                      /* running goroutine, or NULL; by this M, read by dumps */
    void *sched_sp;                   /* top of the scheduler's stack, while goroutines run */
    void *leave;                      /* jmp_buf by which the thread ends; by this M */
    bool listed;         /* on the list of all Ms; by its thread, then by who starts another */
    int *errno_p;        /* this thread's errno */
    bool spinning;       /* counted in sched.spinning; by this M */
    bool on_big_stack;   /* inside rt_on_big_stack(); by this M */
    uint32_t points;     /* synchronising calls, where they count (point.c); by this M */
    uint32_t park_word;  /* 1: a wake-up has been posted [mpark] */
    bool idle;           /* on sched.idle_ms; under sched.lock */
    struct m *next_idle; /* on sched.idle_ms; under sched.lock */
    struct m *next_all;  /* r/o after publication [allm] */
    struct g *locked_g;  /* the only goroutine it may run, or NULL; by that goroutine */
    struct tr_stream *trace;
    struct san_stack san; /* the thread's own stack, as ASan is told; empty otherwise */
    rt_commit *commit;    /* to run once the parking goroutine is saved; by this M */
    void *commit_arg;
};

/* Counters of the P that m holds, or NULL. */
static inline struct p_stats *m_stats(const struct m *m)
{
    return likely(m && m->p) ? &m->p->stats : NULL;
}

/* The M of this thread, or NULL.  Only where no goroutine switch can come in between. */
struct m *rt_m(void);

/* The same, inline, in functions that never switch.  (tests/model has threads of its own.) */
#ifndef rt_m_here
extern __thread struct m *tls_m __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline struct m *rt_m_here(void)
{
    return tls_m;
}
#endif

/* Makes g, which runs nowhere and is in state READY, runnable on m's P, or on any when m has
 * none. */
void sched_put(struct m *m, struct g *g);

/* Scheduler stack: picks the next goroutine and runs it.  Does not return; is not declared so, that
 * its callers may jump to it (arch/switch.h). */
void sched_run(struct m *m);

/* Begins M's life on its own thread; does not return. */
_Noreturn void sched_enter(struct m *m);

/* Gives m's P to other Ms. */
void sched_release_p(struct m *m);

/* Around a call of self that may block its thread. */
void sched_block_begin(struct g *self);
void sched_block_end(struct g *self);

/* Gives free goroutines in the caches of Ps back: of idle ones now, of others soon; true when there
 * were no others. */
bool sched_trim(void);

/* Sets up the Ps; called once.  seed: of every choice; virtual_time: one P, clock jumps when
 * idle. */
void sched_init(uint32_t nprocs, uint64_t seed, bool virtual_time);

/* Sets the number of Ps; returns the old one.  n == 0 only asks. */
uint32_t sched_set_nprocs(uint32_t n);

/* A timer that fires at when has been added: wakes who sleeps longer than that. */
void sched_timer_added(int64_t when);

/* Virtual time goes on to p's next timer, if it has one, although goroutines run. */
void sched_clock_skip(struct p *p);

/* A synchronising call, by who has the P.  True: so many were made while virtual time stood still
 * that some has passed now. */
bool sched_clock_wears(void);

/* The heap for timers armed by m (NULL: a plain thread). */
struct timer_heap *sched_timer_heap(struct m *m);

/* Counts a goroutine begun (n = 1) or ended (n = -1) by m (may be NULL). */
void sched_count_add(struct m *m, int n);

/* Goroutines that exist, without the runtime's own. */
int64_t sched_count(void);

/* True when a timer is armed somewhere. */
bool sched_timers_pend(void);

/* True when every M sleeps, nothing is runnable and no timer pends.  *ret_since is the same in two
 * answers only if it was true all the time between them. */
bool sched_all_asleep(uint64_t *ret_since);

/* The monitor's look: calls deadlock_check() when everything still sleeps. */
void sched_recheck_deadlock(void);

/* For an M that is counted as idle, but not by sched_sleep(): what the last one to fall asleep has
 * to see to, a deadlock or, under virtual time, the clock. */
void sched_recheck_sleep(void);

/* Under virtual time: true when no goroutine has a P and a timer pends, but not all Ms sleep, since
 * a goroutine goes on without a P; push: the clock goes on to that timer all the same. */
bool sched_clock_stands(void);
void sched_clock_push(void);

/* A goroutine id. */
uint64_t sched_new_id(struct p *p);

/* Adds m to the list of all Ms (worker.c). */
struct m *worker_start(struct p *p, bool spinning);

/* Returns when no M is in the middle of changing the lock by a plain store, if it began before a
 * change of the lock that the caller has made (bias.h). */
void sched_wait_storing(const void *lock);

/* The kernel's number of this thread, unique among those that live. */
uint32_t sched_tid(void);

/* Lets another thread run that this one spins for. */
void sched_pause(void);

extern struct m *worker_list; /* the first of them [allm]; for gdb.c */

/* All Ms there have been, newest first; structs of dead ones are used again. */
struct m *worker_all(void);

/* Ms that live, or are about to. */
uint32_t worker_count(void);

/* m, on its scheduler's stack and with nothing to run, ends its thread: its goroutine has ended
 * while it had the thread locked. */
_Noreturn void worker_leave(struct m *m);

/* The monitor starts the threads that others must not start. */
void worker_start_asked(void);

/* The thread is no M any more. */
void sched_forget_m(void);

#endif
