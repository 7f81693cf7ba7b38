/* inside.h - when an M's P may be taken away.
 *
 * A goroutine that computes for long, or blocks its thread in the kernel, needs no P: sysmon takes
 * it and lets another M go on with it.  But the P is full of things that its M changes without
 * locks, so it must not go while the M is at that.  Hence an M says when it is inside the runtime:
 * always on the scheduler's stack, and on a goroutine's stack between rt_enter() and rt_leave().
 *
 *     M         inside = 1;  asked? then wait for sched.lock;   use m->p (it may be NULL now)
 *     sysmon    lock; asked = 1;  fence on all threads;  inside? then give up, else m->p = NULL;
 *               asked = 0; unlock
 *
 * Either sysmon sees that the M is inside, or the M sees that it is asked [inside].  The M's side
 * is two plain stores and a load, because the fence is sysmon's (base/fence.h).
 *
 * Outside, m->p is a hint and nothing of the P may be touched. */
#ifndef RT_INSIDE_H
#define RT_INSIDE_H

#include "fence.h"
#include "proc.h"

/* The path of an M that is asked for its P. */
void rt_enter_slow(struct m *m);

/* From here to rt_leave(), or to the switch to the scheduler, m keeps its P.  False, and nothing to
 * leave, when m is inside already.  Requires: sched.lock is not held, unless already inside. */
static inline bool rt_enter(struct m *m)
{
    if (m->inside)
        return false;
    at_store_rlx(&m->inside, 1u); /* relaxed: ordered by the fence */
    rt_fence_often();
    if (unlikely(at_load_acq(&m->asked))) /* [inside] 0 again: m->p has been changed */
        rt_enter_slow(m);
    return true;
}

static inline void rt_leave(struct m *m)
{
    at_store_rel(&m->inside, 0u); /* [inside] what was changed of the P, before it may go */
}

/* A goroutine that runs on without the P that was taken from it gets one back, or waits for one.
 * Requires: no lock is held, not inside.  Cheap when nothing was taken. */
void rt_settle_slow(struct g *self);

static inline void rt_settle(struct g *self)
{
    /* relaxed: a hint; the slow path looks again */
    if (unlikely(self->m && !at_load_rlx(&self->m->p)))
        rt_settle_slow(self);
}

#endif
