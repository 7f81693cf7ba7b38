/* hook.h - where the runtime speaks to the detector and to the tracer.
 *
 * The only file of the runtime that sees rc.h and tr.h.  Detector hooks are gone in the plain build
 * (GO_RACE is a constant 0 or 1); tracer hooks cost one load and one predictable branch when off.
 * Call sites stay one line.
 *
 * Edges (the names are used at the call sites)
 * - [hb-go] go statement -> start of the goroutine
 * - [hb-chan] k-th send -> k-th receive; k-th receive -> (k+cap)-th send; both ways when unbuffered
 * - [hb-close] close -> receive that sees it
 * - [hb-lock] unlock -> next lock; readers' unlocks -> next writer's lock
 * - [hb-wg] done -> wait that it lets go
 * - [hb-once] once's function -> every return of go_once_do
 * - [hb-cond] signal, broadcast -> the wait it wakes
 * - [hb-sem] release -> acquire it lets go
 * - [hb-fd] write to a descriptor, or its close -> read from its other end
 * - [hb-timer] arming a timer -> its function or its value's receiver
 * - [hb-ctx] cancel -> done */
#ifndef RT_HOOK_H
#define RT_HOOK_H

#include <stdlib.h>
#include <string.h>
#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "g.h"
#include "rc.h"
#include "tr.h"
#include "unwind.h"

#ifndef GO_RACE
#error "GO_RACE must be 0 or 1"
#endif

/* ---- detector ---- */

/* What walking a stack does belongs to no flow: it would order those that are traced. */
static inline void *hook_walk_begins(void)
{
    return rc_current() ? rc_switch(NULL) : NULL;
}

static inline void hook_walk_ends(void *c)
{
    if (c)
        rc_switch(c);
}

static inline void hook_race_init(const struct rc_host *host)
{
    if (!GO_RACE)
        return;
    rc_init(host);
    unwind_watcher = (struct unwind_watcher){hook_walk_begins, hook_walk_ends};
}

/* The process is about to exit with status; returns the status to use. */
static inline int hook_race_fini(int status)
{
    return GO_RACE ? rc_fini(status) : status;
}

/* [hb-go] by is the creating goroutine or thread. */
static inline void hook_race_create(struct g *by, struct g *g, uintptr_t pc)
{
    if (!GO_RACE)
        return;
    g->race = rc_ctx_make(by ? by->race : NULL, RC_GOROUTINE, g->id, pc, NULL, 0);
    rc_ctx_runs(g->race, g->entry);
}

/* The running goroutine's call that returns to pc arranges for others to begin; nothing is known of
 * it in the plain build. */
static inline struct rc_arranged hook_arranges(struct g *g, uintptr_t pc)
{
    return GO_RACE ? rc_arranges(g->race, pc) : (struct rc_arranged){0};
}

/* g, which has not run yet, was arranged for by that call, and begins after what was released at
 * obj. */
static inline void hook_race_begins_after(struct g *g, const void *obj,
                                          const struct rc_arranged *by)
{
    if (GO_RACE)
        rc_begins_after(g->race, obj, by);
}

/* g, which has not run yet, has got its stack. */
static inline void hook_race_stack(struct g *g)
{
    if (GO_RACE)
        rc_ctx_stack(g->race, g->stack_lo, (size_t)(g->stack_hi - g->stack_lo));
}

/* The stand-in of a plain thread works in the thread's own context. */
static inline void hook_race_adopt(struct g *standin)
{
    if (GO_RACE)
        standin->race = rc_current();
}

static inline void hook_race_end(struct g *g)
{
    if (GO_RACE)
        rc_ctx_end(g->race);
}

/* The running goroutine is about to leave its stack, until others let it run on. */
static inline void hook_race_waits(struct g *g)
{
    if (GO_RACE)
        rc_waits(g->race);
}

/* The running goroutine leaves all frames below sp without returning from them. */
static inline void hook_race_unwound(uintptr_t sp)
{
    if (GO_RACE)
        rc_unwound(sp);
}

/* The running goroutine is about to call fn on behalf of the user's function that the call to this
 * library, which returns to pc (0: find it), stands in; and the return, with what that gave. */
static inline size_t hook_calls_back(uintptr_t pc, const void *fn)
{
    return GO_RACE ? rc_calls_back(pc, fn) : 0;
}

static inline void hook_called_back(size_t depth)
{
    if (GO_RACE)
        rc_called_back(depth);
}

static inline void hook_race_name(struct g *g, const char *name)
{
    if (GO_RACE)
        rc_ctx_name(g->race, name);
}

/* The thread runs g from now on; NULL: a scheduler stack. */
static inline void hook_race_switch(struct g *g)
{
    if (GO_RACE)
        rc_switch(g ? g->race : NULL);
}

/* The thread ends and runs nothing any more. */
static inline void hook_race_thread_fini(void)
{
    if (GO_RACE)
        rc_thread_fini();
}

static inline void hook_acquire(struct g *g, const void *obj)
{
    if (GO_RACE)
        rc_acquire(g->race, obj);
}

static inline void hook_release(struct g *g, const void *obj)
{
    if (GO_RACE)
        rc_release(g->race, obj);
}

static inline void hook_release_merge(struct g *g, const void *obj)
{
    if (GO_RACE)
        rc_release_merge(g->race, obj);
}

static inline void hook_release_acquire(struct g *g, const void *obj)
{
    if (GO_RACE)
        rc_release_acquire(g->race, obj);
}

/* hook_release() to the one, then hook_acquire() from the other. */
static inline void hook_pass(struct g *g, const void *to, const void *from)
{
    if (GO_RACE)
        rc_pass(g->race, to, from);
}

/* a and b have met at obj: each goes on after the other. */
static inline void hook_meet(struct g *a, struct g *b, const void *obj)
{
    if (GO_RACE)
        rc_meet(a->race, b->race, obj);
}

static inline void hook_forget(const void *p, size_t n)
{
    if (GO_RACE)
        rc_forget(p, n);
}

/* An object of n bytes was made for the user at p, by a call that returns to pc. */
static inline void hook_made(struct g *g, void *p, size_t n, uintptr_t pc)
{
    if (GO_RACE)
        rc_block_made(g->race, p, n, pc);
}

/* The user frees it, and the object at inner that is a part of it, by a call that returns to pc (0:
 * find it).  False: once more, which is told; then nothing else is done. */
static inline bool hook_freed(struct g *g, void *p, void *inner, uintptr_t pc)
{
    return GO_RACE ? rc_block_freed(g->race, p, inner, pc) : true;
}

/* free() for such an object, which nobody refers to any more. */
static inline void hook_gone(void *p, size_t n)
{
    if (GO_RACE)
        rc_block_gone(p, n);
    else
        free(p);
}

/* The user's memory, touched by the runtime on g's behalf. */
static inline void hook_read(struct g *g, const void *p, size_t n, uintptr_t pc)
{
    if (GO_RACE && p)
        rc_read(g->race, p, n, pc);
}

static inline void hook_write(struct g *g, const void *p, size_t n, uintptr_t pc)
{
    if (GO_RACE && p)
        rc_write(g->race, p, n, pc);
}

/* The running goroutine is about to use an object that orders, and may have been freed. */
#define hook_uses(obj)                                                               \
    do {                                                                             \
        if (GO_RACE)                                                                 \
            rc_uses(rt_self()->race, (obj), (uintptr_t)__builtin_return_address(0)); \
    } while (0)

/* The same by g, in a call that returns to pc. */
static inline void hook_uses_at(struct g *g, const void *obj, uintptr_t pc)
{
    if (GO_RACE)
        rc_uses(g->race, obj, pc);
}

/* [hb-fd] before a write to the descriptor; after a read from it; before its close. */
static inline void hook_fd_sends(struct g *g, int fd)
{
    if (GO_RACE)
        rc_fd_sends(g->race, fd);
}

static inline void hook_fd_received(struct g *g, int fd)
{
    if (GO_RACE)
        rc_fd_received(g->race, fd);
}

static inline void hook_fd_closes(struct g *g, int fd)
{
    if (GO_RACE)
        rc_fd_closes(g->race, fd);
}

/* g is about to take the lock, and may have to wait for it. */
static inline void hook_wants(struct g *g, const void *lock, unsigned how, const char *kind,
                              uintptr_t pc)
{
    if (GO_RACE)
        rc_lock_wanted(g->race, lock, how, kind, pc);
}

static inline void hook_locked(struct g *g, const void *lock, unsigned how, const char *kind,
                               uintptr_t pc)
{
    if (GO_RACE)
        rc_lock_taken(g->race, lock, how, kind, pc);
}

static inline void hook_unlocked(struct g *g, const void *lock)
{
    if (GO_RACE)
        rc_lock_dropped(g->race, lock);
}

/* Stores at most max of the locks that g holds, if it has not moved meanwhile; returns how many.
 * None in the plain build. */
static inline size_t hook_locks_held(const struct g *g, const void **ret_locks, size_t max)
{
    return GO_RACE ? rc_locks_held(g->race, ret_locks, max) : 0;
}

/* Stores at most max of those who hold lock; returns how many.  None in the plain build. */
static inline size_t hook_lock_holders(const void *lock, struct rc_lock_holder *ret, size_t max)
{
    return GO_RACE ? rc_lock_holders(lock, ret, max) : 0;
}

/* A number for where g waits and where it was created, never 0; 1 in the plain build. */
static inline uint64_t hook_place(const struct g *g)
{
    return GO_RACE ? rc_place(g->race) | 1 : 1;
}

/* A number that changes with each acquire and release of g; 0 in the plain build. */
static inline uint32_t hook_moves(const struct g *g)
{
    return GO_RACE ? rc_moves(g->race) : 0;
}

static inline void hook_race_disable(struct g *g)
{
    if (GO_RACE)
        rc_disable(g->race);
}

static inline void hook_race_enable(struct g *g)
{
    if (GO_RACE)
        rc_enable(g->race);
}

static inline unsigned hook_race_errors(void)
{
    return GO_RACE ? rc_errors() : 0;
}

static inline void hook_race_on_report(void (*fn)(const struct rc_report *r, void *arg), void *arg)
{
    if (GO_RACE)
        rc_on_report(fn, arg);
}

/* The running goroutine where only the detector needs to know it; NULL in the plain build. */
#define hook_self() (GO_RACE ? rt_self() : NULL)

/* Where the function in which this stands was called from; 0 in the plain build. */
#define hook_caller() (GO_RACE ? (uintptr_t)__builtin_return_address(0) : 0)

/* memcpy and memset for the user's memory: the detector's own versions would take the runtime for a
 * user who does it, so in the race build these are loops that no compiler turns back into calls. */
typedef uint64_t hook_word __attribute__((may_alias, aligned(1)));

static inline void hook_copy(void *to, const void *from, size_t n)
{
    if (!GO_RACE) {
        memcpy(to, from, n);
        return;
    }
    unsigned char *d = to;
    const unsigned char *s = from;
    for (; n >= 8; n -= 8, d += 8, s += 8) {
        *(hook_word *)d = *(const hook_word *)s;
        __asm__ volatile("" ::: "memory");
    }
    for (; n > 0; n--) {
        *d++ = *s++;
        __asm__ volatile("" ::: "memory");
    }
}

static inline void hook_zero(void *to, size_t n)
{
    if (!GO_RACE) {
        memset(to, 0, n);
        return;
    }
    for (unsigned char *d = to; n > 0; n--) {
        *d++ = 0;
        __asm__ volatile("" ::: "memory");
    }
}

/* For reports: at which times flows were in which epochs.  Where an event is recorded. */
static inline void hook_race_time(struct rc_ctx *c)
{
    if (GO_RACE && c)
        rc_note_time(c, clock_ticks());
}

/* ---- tracer ---- s: the stream of the running M (m->trace), g: the goroutine it is about */

static inline bool hook_tracing(void)
{
    return unlikely(at_load_rlx(&tr_on)); /* relaxed: a late event more or less does no harm */
}

static inline void hook_go_create(struct tr_stream *s, const struct g *g, const struct g *by)
{
    if (!hook_tracing())
        return;
    hook_race_time(by ? by->race : NULL);
    if (GO_RACE)
        rc_note_begin(g->race, clock_ticks());
    tr_go_create(s, g->id, by ? by->id : 0, g->entry);
}

static inline void hook_go_start(struct tr_stream *s, const struct g *g, uint32_t p)
{
    if (!hook_tracing())
        return;
    tr_go_start(s, g->id, p, g);
    hook_race_time(g->race);
}

static inline void hook_go_end(struct tr_stream *s, const struct g *g)
{
    if (!hook_tracing())
        return;
    if (GO_RACE)
        rc_note_end(g->race, clock_ticks());
    tr_go_end(s, g->id);
}

static inline void hook_go_yield(struct tr_stream *s, const struct g *g)
{
    if (!hook_tracing())
        return;
    hook_race_time(g->race);
    tr_go_yield(s, g->id);
}

static inline void hook_go_block(struct tr_stream *s, const struct g *g, enum tr_reason why,
                                 const void *obj)
{
    if (!hook_tracing())
        return;
    hook_race_time(g->race);
    tr_go_block(s, g->id, why, obj);
}

static inline void hook_go_ready(struct tr_stream *s, const struct g *g, uint64_t by)
{
    if (!hook_tracing())
        return;
    hook_race_time(GO_RACE ? rc_current() : NULL);
    tr_go_ready(s, g->id, by, (enum tr_reason)g->why, g->park_obj);
}

static inline void hook_go_name(struct tr_stream *s, const struct g *g, const char *name)
{
    if (hook_tracing())
        tr_go_name(s, g->id, name);
}

static inline void hook_p_start(struct tr_stream *s, uint32_t p)
{
    if (hook_tracing())
        tr_p_start(s, p);
}

static inline void hook_p_stop(struct tr_stream *s, uint32_t p)
{
    if (hook_tracing())
        tr_p_stop(s, p);
}

static inline void hook_p_retake(struct tr_stream *s, uint32_t p, uint32_t m)
{
    if (hook_tracing())
        tr_p_retake(s, p, m);
}

static inline void hook_p_steal(struct tr_stream *s, uint32_t from, uint32_t n)
{
    if (hook_tracing())
        tr_p_steal(s, from, n);
}

static inline void hook_m_park(struct tr_stream *s)
{
    if (hook_tracing())
        tr_m_park(s);
}

static inline void hook_m_unpark(struct tr_stream *s)
{
    if (hook_tracing())
        tr_m_unpark(s);
}

static inline void hook_procs(struct tr_stream *s, uint32_t n)
{
    if (hook_tracing())
        tr_procs(s, n);
}

#endif
