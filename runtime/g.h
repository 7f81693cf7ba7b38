/* g.h - the goroutine.
 *
 * A struct g lies at the top of its own stack: when a goroutine ends, the struct and its stack go
 * to a free list together.  Its address is never unmapped, so a stale pointer to a g is never a
 * wild one, but the memory of one that stays free is given back and then reads as zero: G_FREE.
 *
 * A goroutine that has not run yet needs no stack.  It is a seed (G_SEED in flags): the head of a
 * struct g, then the call to make.  Only run queues and dumps ever see one.  Whoever runs it takes
 * a stack for it - the one that became free last, still in the cache - moves the head there and
 * drops the seed (spawn.c).
 *
 *              rt_spawn                scheduler pops it
 *     G_FREE ------------> G_READY ----------------------> G_RUNNING
 *       ^                     ^  ^                          |  |  |
 *       |                     |  +------- go_yield ---------+  |  |
 *       |                     |                                |  |
 *       |                     +--- rt_ready --- G_PARKED <-----+  |   rt_park
 *       +-------------------------------------------------------+    return, go_exit
 *
 * A seed is RUNNING for the moment in which a stack takes its place.
 *
 * A thread that is not one of the scheduler's gets a stand-in (G_THREAD in flags) on its first call
 * into the runtime, so that every primitive works from plain threads: parking it blocks the
 * thread. */
#ifndef RT_G_H
#define RT_G_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "atomic.h"
#include "check.h"
#include "sanitize.h"
#include "switch.h"

enum g_state {
    G_FREE,    /* on a free list, which owns it.             -> READY by rt_spawn() */
    G_READY,   /* on exactly one run queue.                  -> RUNNING by the M that popped it */
    G_RUNNING, /* on no queue; owns its stack.           -> PARKED, READY, FREE: only by its M */
    G_PARKED,  /* on the wait list of what park_obj names.   -> READY by whoever takes it off */
    G_STATES
};

enum g_flag {
    G_THREAD = 1, /* stands for a plain thread */
    G_MAIN = 2,   /* goroutine 1 */
    G_SYSTEM = 4, /* the runtime's own: not counted, not shown, not part of deadlock detection */
    G_SEED = 8,   /* has not run yet and has no stack: nothing below the head exists */
};

enum { G_NAME_MAX = 32, G_CALLS_MAX = 4 };

/* A call announced by go_prepare_() and taken by the stub. */
struct g_call {
    void *fn;
    size_t stacked_max;
    struct go_waitgroup *wg; /* done when the goroutine ends, or NULL */
    struct go_defer_ *defer; /* a deferred call: its record */
    void *shown;             /* the function to show for fn, or NULL */
    uint64_t made_by;        /* goroutine to show as its creator when none creates it now */
};

struct arena;
struct m;
struct chan_wait;
struct rc_ctx;
struct tr_stream;
struct go_defer_;
struct rt_panic;
struct rt_recover;

struct g {
    /* ---- the head, which a seed has too ---- */
    uint32_t state;      /* enum g_state; by g_move(), for stand-ins by park.c */
    uint32_t flags;      /* enum g_flag; r/o after creation */
    struct g *next;      /* link of the run queue or free list it is on; by that queue */
    struct arena *arena; /* where its memory comes from; r/o while the memory is there */
    struct m *m;         /* the M that runs it; by that M */
    struct m *home_m;    /* the M it is bound to, or NULL; by itself */
    struct g *batch_next, *batch_prev; /* first of a spilled batch: its neighbours; sched.lock.
                                        * Others: what to fetch early, or anything; never read */
    uint32_t batch_count;              /* likewise: goroutines in it */
    uint32_t stack_pages;              /* of the stack it has or shall have; r/o after creation */
    uint64_t id;                       /* r/o after creation; 0: thread */
    struct rc_ctx *race;               /* the detector's context; r/o after creation */
    void *entry;                       /* function it runs; r/o after creation */
    uintptr_t created_pc;              /* return address of the go statement; r/o after creation */
    uint64_t created_by;               /* goroutine that did it; r/o after creation */
    uint64_t task;                     /* of go_trace_task() that it works for; by itself */
    struct go_waitgroup *wg;           /* done at its end, or NULL; by itself */
    uint64_t ready_ticks; /* clock_ticks() when it was made ready, or 0: not measured (stats.h);
                           * by who makes it ready, then by who runs it */

    /* ---- the body ---- */
    struct switch_ctx ctx; /* registers while it does not run; by its M, or the queue that has it */
    int saved_errno;       /* errno while it does not run */
    uint32_t selected;     /* select: 1 once one case has won; [select] */
    void *wake_arg;        /* what the waker tells the woken; by whoever takes it off a wait list.
                              Of one that waits for a semaphore: its node there, for reports */
    const void *park_obj;  /* what it waits for; by itself before parking */
    uint64_t park_ticks;   /* clock_ticks() of about when it parked; likewise */
    uint32_t why;          /* enum tr_reason; likewise */
    uint32_t call_count;   /* announced calls; by itself */
    uint32_t locks_thread; /* depth of go_lock_thread(); by itself */
    uint32_t blocking;     /* depth of go_blocking_begin(); by itself */
    uint32_t select_count; /* select: how many waiters; by itself before parking */
    uint32_t select_nil;   /* likewise: cases whose channel is nil */
    const struct chan_wait *select_waits; /* likewise: the waiters */
    struct go_defer_ *defers;             /* innermost first; by itself */
    struct rt_panic *panics;              /* being unwound, innermost first; by itself */
    struct rt_recover *recover;           /* innermost go_recover(); by itself */
    char *recovered;           /* text of the last recovered panic, from malloc; by itself */
    struct tr_stream *trace;   /* of a stand-in; by itself */
    char *stack_lo, *stack_hi; /* usable stack; r/o while the memory is there */
    bool exiting;              /* go_exit() has begun; by itself */
    struct san_stack san;      /* its stack, as ASan is told; empty otherwise */
    struct g_call calls[G_CALLS_MAX];
    char name[G_NAME_MAX]; /* by itself; may be read torn by dumps */
};

/* A seed: the head of a struct g, which g points to, then the call. */
enum { G_SEED_STACKED = 128 };

struct g_seed {
    _Alignas(16) char head[offsetof(struct g, ctx)];
    struct fp_modes fp;    /* of the creator */
    uint16_t stacked_low;  /* stacked arguments: their address in the creator, modulo 64 */
    uint16_t bytes;        /* how many of them */
    struct call_regs regs; /* argument registers */
    char stacked[G_SEED_STACKED];
};

/* Moves g's state; stops the program on a move that the picture above does not have. */
static inline void g_move(struct g *g, enum g_state from, enum g_state to)
{
    unsigned may = from == G_FREE      ? 1 << G_READY
                   : from == G_READY   ? 1 << G_RUNNING
                   : from == G_RUNNING ? 1 << G_PARKED | 1 << G_READY | 1 << G_FREE
                                       : 1 << G_READY;
    rt_check(may >> to & 1);
    rt_check(at_load_rlx(&g->state) == (uint32_t)from); /* relaxed: the owner alone moves it */
    at_store_rlx(&g->state, (uint32_t)to); /* relaxed: ownership passes by queues and lists */
}

#endif
