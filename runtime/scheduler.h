/* scheduler.h - what the primitives may ask of the scheduler.
 *
 * There is one way to wait and one way to be woken:
 *
 *     put a waiter that names g on a wait list, under the list's lock
 *     rt_park(...)        the commit function, on the scheduler's stack, drops that lock
 *     ...
 *     another goroutine takes the waiter off under the lock, then calls rt_ready(g)
 *
 * g is published as waiting only when its registers are saved, because until the commit function
 * has run the list's lock is held.  After rt_ready() the waiter, which may lie on g's stack, is
 * gone. */
#ifndef RT_SCHED_H
#define RT_SCHED_H

#include <stdbool.h>
#include <stdint.h>
#include "futex.h"
#include "g.h"
#include "hook.h"

/* The running goroutine, or the stand-in of a plain thread; never NULL.  Not on a scheduler stack.
 * The result stays right over parks; g->m does not. */
struct g *rt_self(void);

/* Runs on the scheduler's stack when g is PARKED and saved.  Returns false to let g go on at
 * once. */
typedef bool rt_commit(struct g *g, void *arg);

/* Parks self (== rt_self()) until rt_ready().  why and obj say what it waits for, in dumps and
 * traces. commit may be NULL: then somebody must already be bound to wake it. */
void rt_park(struct g *self, rt_commit *commit, void *arg, enum tr_reason why, const void *obj);

/* rt_park() whose commit drops lock. */
void rt_park_unlock(struct g *self, struct rt_lock *lock, enum tr_reason why, const void *obj);

/* Makes a parked goroutine runnable.  by: who does it, or NULL (timer, scheduler).  Callable from
 * goroutines, plain threads and scheduler stacks; may be called under a primitive's lock. */
void rt_ready(struct g *g, struct g *by);

/* Moves self behind the other runnable goroutines; returns when it is its turn again. */
void rt_yield(struct g *self);

/* Starts fn(arg) as a goroutine on behalf of by (NULL: the runtime).  flags: G_SYSTEM or 0. */
void rt_spawn(struct g *by, void (*fn)(void *), void *arg, uint32_t flags);

/* Ends self at once, without its deferred calls. */
_Noreturn void rt_exit(struct g *self);

/* Every synchronising call begins with a point, where GOSHAWK_DEBUG=preempt, GOSHAWK_SEED and race
 * builds may let others run first.  No lock is held, and the call has done nothing yet. */
extern bool rt_point_on; /* r/o after rt_point_init() */
void rt_point_taken(void);
static inline void rt_point(void)
{
    if (unlikely(rt_point_on))
        rt_point_taken();
}

/* Some setting wants more of every call than usual: points, seeds, holders of locks, a fence.
 * Where not, short calls look at this alone.  True until the runtime has been set up. */
extern bool rt_careful;

/* Called once, before the first goroutine.  seed: decides how often points let others run. */
void rt_point_init(bool on, bool seeded, uint64_t seed);

/* A scheduling choice in [0, n), n > 0, from the one seeded source. */
uint32_t rt_choose(uint32_t n);

/* The monotonic clock of the runtime, ns; virtual under GOSHAWK_SEED. */
int64_t rt_nanos(void);

/* Number of processors (GOMAXPROCS) now. */
uint32_t rt_nprocs(void);

/* Runs fn(arg) on the thread's own, deep stack; the goroutine stays where it is meanwhile. */
void rt_on_big_stack(void (*fn)(void *), void *arg);

#endif
