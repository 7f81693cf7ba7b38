/* ctx.h - flows of control inside the engine.
 *
 * A context carries what the compiled code's calls need: its present epoch, its clock, and its
 * stack as a list of nodes of the call tree.  Each thread knows two contexts:
 *   ctx  the one it runs, or NULL;
 *   acc  the one that accesses are recorded for: ctx, or rc_nobody while nothing shall be recorded
 *        (no context, a disabled one, or a thread that is inside the engine).
 * rc_nobody's epoch is in no cell, so that the fast paths need no test for it. */
#ifndef RC_CTX_H
#define RC_CTX_H

#include "atomic.h"
#include "calls.h"
#include "check.h"
#include "fence.h"
#include "gate.h"
#include "journal.h"
#include "rc.h"
#include "report.h"
#include "vclock.h"

struct rc_frame {
    uint32_t node;   /* stack down to this frame */
    uint32_t in;     /* low half of an address in its function */
    uintptr_t sp;    /* stack pointer in its body */
    uintptr_t ret;   /* where the call returns to, and ... */
    uint32_t parent; /* ... the stack above it: what node was found by.  CALLS_NONE: never used */
    uint32_t lib_fn; /* the function, packed, that the library calls in it for the user, or 0 */
    uintptr_t other_ret;               /* the call that was made from here before that: ret, ... */
    uint32_t other_parent, other_node; /* ... parent and node */
};

enum { RC_ORDERS_LOOKED = 4 };

struct rc_ctx {
    uint64_t link;           /* the pool's */
    uint32_t busy;           /* clocks are being changed on its behalf: ctx_busy() */
    struct flow_clock clock; /* clock.now.epoch is its present epoch */
    uint64_t first;          /* its first epoch in its present slot */
    bool moved;              /* it has had others */
    uint64_t recorded;       /* the last epoch in which an access was recorded, or 0 */
    struct rc_frame *top;    /* the innermost frame */
    struct rc_frame *last;   /* the last one there is room for; one that is never used follows */
    struct rc_frame *frames; /* [0] is the bottom: the empty stack */
    unsigned disabled;       /* rc_disable() less rc_enable() */
    unsigned ignored[2];     /* plain reads, writes are not recorded: annotations that nest */
    unsigned no_sync;        /* the same for acquire and release */
    struct snap fence_rel;   /* its clock at its last release fence, or empty */
    struct snap fence_acq;   /* what its relaxed loads have read from; for the next acquire fence */
    struct rc_life *life;
    uint32_t n_started;         /* flows that it has created, or arranged for */
    struct rc_ctx *next, *prev; /* all that have not ended; guarded by ctx.c's lock */
    unsigned n_locks;           /* in the list ... */
    unsigned n_more;            /* ... and those that were taken while it was full: held.c */
    uint32_t handed;            /* what it knows of locks that are handed over: held.c */
    struct rc_held_lock lock[RC_LOCKS_SHOWN];
    uint32_t looked[RC_ORDERS_LOOKED]; /* orders of locks that it knows to be silent: lockorder.c */
    struct journal journal;
    uintptr_t waits_at;          /* the call in which it waits, for the journal; 0: not known */
    uint32_t held_at, held_node; /* the node for held_at's stack under these locks; 0: not known */
};

extern struct rc_ctx rc_nobody, rc_inside; /* alike */

struct rc_thread {
    struct rc_ctx *acc, *ctx;
};

extern __thread struct rc_thread rc_self __attribute__((tls_model("initial-exec")));

/* c's epoch ends: what it does from now on is not known to whoever acquired what it released. */
void rc_tick_slow(struct rc_ctx *c);

static inline void rc_tick(struct rc_ctx *c)
{
    if (unlikely(w_clock(c->clock.now.epoch) >= CLOCK_MAX))
        rc_tick_slow(c);
    else
        flow_tick(&c->clock);
}

/* Everything up to the access word w has happened before c's present. */
static inline bool rc_ordered(const struct rc_ctx *c, uint64_t w)
{
    return snap_knows(&c->clock.now, w);
}

/* Neither accesses nor synchronisation of c are recorded. */
static inline bool rc_is_silent(const struct rc_ctx *c)
{
    return c == NULL || c->disabled != 0;
}

/* Lets the signals in that came while the thread was inside the engine, unless it still is. */
void rc_let_in_postponed(void);

/* While a thread is inside the engine it records nothing, and signal handlers wait
 * (int_signal.c).  They look at acc: a thread whose ctx is missing for that is inside. */
void rc_enter_slow(struct rc_thread was);

static inline void rc_self_enters(void)
{
    rc_self.acc = &rc_inside;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    rc_self.ctx = NULL;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void rc_self_leaves(struct rc_thread was)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    rc_self.ctx = was.ctx;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    rc_self.acc = was.acc;
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* what came before waits in rc_postponed */
}

static inline struct rc_thread rc_enter(void)
{
    struct rc_thread was = rc_self;
    rc_self_enters();
    /* relaxed: after the store, by the fence of who shuts the gate [gate] */
    if (unlikely(at_load_rlx(&gate_mine)))
        rc_enter_slow(was);
    return was;
}

static inline void rc_leave(struct rc_thread was)
{
    rc_self_leaves(was);
    if (unlikely(rc_postponed != 0))
        rc_let_in_postponed();
}

/* ---- operations on clocks ----
 *
 * All that reads or changes the clocks of a flow or an object does so between ctx_busy() and
 * ctx_idle() of the flow on whose behalf it is, except that a fresh object or a flow without
 * knowledge may be made, and an ended one's may go, at any time. */

extern uint32_t ctx_stopped;

void ctx_busy_slow(struct rc_ctx *c);

static inline void ctx_busy(struct rc_ctx *c)
{
    at_store_rlx(&c->busy, 1u); /* relaxed: the fence orders it */
    rt_fence_often();
    if (unlikely(at_load_acq(&ctx_stopped))) /* [stop] */
        ctx_busy_slow(c);
}

static inline void ctx_idle(struct rc_ctx *c)
{
    at_store_rel(&c->busy, 0u); /* [idle] */
}

/* Waits until no flow is busy; none becomes so, begins or ends until ctx_resume(). */
void ctx_stop(void);
void ctx_resume(void);

/* Calls visit for all that flows know.  Between ctx_stop() and ctx_resume(). */
void ctx_each_clock(void (*visit)(const struct snap *s, void *arg), void *arg);

/* The acc of a thread that runs c. */
static inline struct rc_ctx *rc_acc_of(struct rc_ctx *c)
{
    return rc_is_silent(c) ? &rc_nobody : c;
}

static inline rc_site rc_site_here(const struct rc_ctx *c, uintptr_t pc)
{
    return (uint64_t)c->top->node << 32 | pc_pack(pc);
}

/* Is lock one that flows hand over, so that nobody holds it? */
bool rc_is_handed_over(const void *lock);

/* No lock lies there any more. */
void held_forget(uintptr_t lock);

/* The lock in c's list, or NULL.  c runs here. */
const struct rc_held_lock *held_find(const struct rc_ctx *c, const void *lock);

/* The node of c's present stack that also tells the locks that c holds. */
uint32_t rc_node_under_locks(struct rc_ctx *c);

/* rc_site_here() of an access, which is under locks. */
static inline rc_site rc_site_held(struct rc_ctx *c, uintptr_t pc)
{
    uint32_t node = c->top->node;
    if (unlikely(c->n_locks != 0))
        node = c->held_at == node ? c->held_node : rc_node_under_locks(c);
    return (uint64_t)node << 32 | pc_pack(pc);
}

/* Calls visit for all contexts that have not ended, until it returns true.  None ends meanwhile. */
void rc_each_ctx(bool (*visit)(const struct rc_ctx *c, void *arg), void *arg);

/* In the child of a fork() by c (may be NULL): its memory is a copy that was made after all that
 * any flow had done.  Other threads have ended. */
void ctx_forked(struct rc_ctx *c);

/* The innermost frame becomes that of a call which returns to pc; sp and in as in struct
 * rc_frame. */
static inline void rc_frame_push(struct rc_ctx *c, uint32_t node, uintptr_t pc, uintptr_t sp,
                                 uintptr_t in)
{
    struct rc_frame *f = c->top;
    f[1].other_ret = f[1].ret;
    f[1].other_parent = f[1].parent;
    f[1].other_node = f[1].node;
    f[1].node = node;
    f[1].in = (uint32_t)in;
    f[1].sp = sp;
    f[1].ret = pc;
    f[1].parent = f->node;
    f[1].lib_fn = 0;
    c->top = f + 1;
}

/* The same where neither the node nor the room for the frame is known. */
void rc_frame_enter(struct rc_ctx *c, uintptr_t pc, uintptr_t sp, uintptr_t in);

/* Gives c frames, the bottom one of which stands for node; takes them back. */
void rc_frames_begin(struct rc_ctx *c, uint32_t node);
void rc_frames_end(struct rc_ctx *c);

#endif
