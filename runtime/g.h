/* g.h - the goroutine.
 *
 * A struct g lies at the top of its own stack and lives as long as the process: when a goroutine
 * ends, the struct and its stack go to a free list together.  So a stale pointer to a g is never a
 * wild one.
 *
 *              rt_spawn                scheduler pops it
 *     G_FREE ------------> G_READY ----------------------> G_RUNNING
 *       ^                     ^  ^                          |  |  |
 *       |                     |  +------- go_yield ---------+  |  |
 *       |                     |                                |  |
 *       |                     +--- rt_ready --- G_PARKED <-----+  |   rt_park
 *       +-------------------------------------------------------+    return, go_exit
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
};

enum { G_NAME_MAX = 32, G_CALLS_MAX = 4 };

/* A call announced by go_prepare_() and taken by the stub. */
struct g_call {
    void *fn;
    size_t stacked_max;
    struct go_waitgroup *wg; /* done when the goroutine ends, or NULL */
    struct go_defer_ *defer; /* a deferred call: its record */
    void *shown;             /* the function to show for fn, or NULL */
};

struct m;
struct rc_ctx;
struct tr_stream;
struct go_defer_;
struct rt_panic;
struct rt_recover;

struct g {
    struct switch_ctx ctx; /* registers while it does not run; by its M, or the queue that has it */
    uint32_t state;        /* enum g_state; written by g_move() only */
    uint32_t flags;        /* enum g_flag; r/o after creation */
    struct g *next;        /* link of the run queue or free list it is on; by that queue */
    struct m *m;           /* the M that runs it; by that M */
    uint64_t id;           /* r/o after creation; 0: thread */
    int saved_errno;       /* errno while it does not run */
    uint32_t selected;     /* select: 1 once one case has won; [select] */
    void *wake_arg;        /* what the waker tells the woken; by whoever takes it off a wait list */
    uint32_t why;          /* enum tr_reason; by itself before parking */
    const void *park_obj;  /* what it waits for; likewise */
    uint64_t park_ticks;   /* clock_ticks() of about when it parked; likewise */
    struct g *batch_next,
        *batch_prev;            /* first of a spilled batch: its neighbours; under sched.lock */
    uint32_t batch_count;       /* likewise: goroutines in it */
    struct tr_stream *trace;    /* of a stand-in; by itself */
    struct rc_ctx *race;        /* the detector's context; r/o after creation */
    void *entry;                /* function it runs; r/o after creation */
    uintptr_t created_pc;       /* return address of the go statement; r/o after creation */
    uint64_t created_by;        /* goroutine that did it; r/o after creation */
    struct go_waitgroup *wg;    /* done at its end, or NULL */
    struct go_defer_ *defers;   /* innermost first; by itself */
    struct rt_panic *panics;    /* being unwound, innermost first; by itself */
    struct rt_recover *recover; /* innermost go_recover(); by itself */
    char *recovered;            /* text of the last recovered panic, from malloc; by itself */
    char *stack_lo, *stack_hi;  /* usable stack; r/o after creation */
    uint32_t call_count;        /* announced calls; by itself */
    uint32_t locks_thread;      /* depth of go_lock_thread(); by itself */
    struct m *home_m;           /* the M it is bound to, or NULL; by itself */
    uint32_t blocking;          /* depth of go_blocking_begin(); by itself */
    bool exiting;               /* go_exit() has begun; by itself */
    struct san_stack san;       /* its stack, as ASan is told; empty otherwise */
    struct g_call calls[G_CALLS_MAX];
    char name[G_NAME_MAX]; /* by itself; may be read torn by dumps */
};

/* Moves g's state; stops the program on a move that the picture above does not have. */
static inline void g_move(struct g *g, enum g_state from, enum g_state to)
{
    unsigned may = from == G_FREE      ? 1 << G_READY | 1 << G_RUNNING
                   : from == G_READY   ? 1 << G_RUNNING
                   : from == G_RUNNING ? 1 << G_PARKED | 1 << G_READY | 1 << G_FREE
                                       : 1 << G_READY;
    rt_check(may >> to & 1);
    rt_check(at_load_rlx(&g->state) == (uint32_t)from); /* relaxed: the owner alone moves it */
    at_store_rlx(&g->state, (uint32_t)to); /* relaxed: ownership passes by queues and lists */
}

#endif
