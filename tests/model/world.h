/* world.h - park and ready for models of what is built on them: a thread of the model is a
 * goroutine.
 *
 * Parking runs the commit, then waits until somebody has readied the goroutine.  Readying one that
 * is not about to park, or twice, is a failure.  To be included once in a model. */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include "explore.h"
#include "atomic.h"
#include "scheduler.h"

enum { WORLD_GS = 5 };

static struct g world_gs[WORLD_GS];

struct g *rt_self(void)
{
    return &world_gs[ex_self()];
}

static bool world_is_ready(void *g)
{
    return ((struct g *)g)->state == G_RUNNING;
}

void rt_park(struct g *self, rt_commit *commit, void *arg, enum tr_reason why, const void *obj)
{
    (void)why, (void)obj;
    EX_HOLD(self == rt_self() && self->state == G_RUNNING);
    self->state = G_PARKED;
    if (commit && !commit(self, arg))
        self->state = G_RUNNING;
    ex_wait(world_is_ready, self);
}

static bool world_unlock(struct g *g, void *lock)
{
    (void)g;
    rt_unlock(lock);
    return true;
}

void rt_park_unlock(struct g *self, struct rt_lock *lock, enum tr_reason why, const void *obj)
{
    rt_park(self, world_unlock, lock, why, obj);
}

/* Goes through an exchange, as every queue of runnable goroutines does. */
void rt_ready(struct g *g, struct g *by)
{
    (void)by;
    uint32_t was = at_xchg_acq_rel(&g->state, (uint32_t)G_RUNNING);
    EX_HOLD(was == G_PARKED);
}

uint32_t rt_choose(uint32_t n)
{
    return ex_choose(n);
}

static uint32_t world_nprocs = 1;

uint32_t rt_nprocs(void)
{
    return world_nprocs;
}

/* Long and short waits alike: either may have happened. */
int64_t rt_nanos(void)
{
    return 1 + 2000000 * (int64_t)ex_choose(2);
}

/* The goroutines' words that pass between them. */
static void world_begin(void)
{
    for (int i = 0; i < WORLD_GS; i++) {
        world_gs[i].state = G_RUNNING;
        ex_region(&world_gs[i].state, sizeof world_gs[i].state);
        ex_region(&world_gs[i].selected, sizeof world_gs[i].selected);
        ex_quiet(&world_gs[i].wake_arg, sizeof world_gs[i].wake_arg);
        ex_quiet(&world_gs[i].defers, sizeof world_gs[i].defers);
    }
}

#endif
