/* cond.c - condition variables.
 *
 * A list of parked goroutines under a lock.  The waiter queues itself before it unlocks the mutex
 * and parks with the lock of the list, so a signal by whoever locks the mutex next finds it.
 * Signals go to the waiter that has waited longest; one that comes later cannot take a signal sent
 * before.
 *
 * Lifetime.  Whoever is woken does not touch the condition again, only the mutex; a signal's last
 * access is the unlock of the list, before it readies anybody.
 *
 * Lock order: the list's lock, then what unlocking a mutex takes: a bucket, sched.lock. */
#include <goshawk/cond.h>
#include "atomic.h"
#include "hook.h"
#include "mutex.h"
#include "waitlist.h"

static inline struct rt_lock *lock_of(go_cond *c)
{
    _Static_assert(sizeof(struct rt_lock) == sizeof c->lock_, "the lock stands in the public type");
    return (struct rt_lock *)&c->lock_;
}

void go_cond_wait(go_cond *c, go_mutex *m)
{
    hook_uses(c);
    rt_point();
    struct g *self = rt_self();
    struct wait_node w = {.g = self};
    rt_lock(lock_of(c));
    waitlist_push(&c->head_, &c->tail_, &w);
    mutex_unlock(m);
    rt_park_unlock(self, lock_of(c), TR_COND, c);
    mutex_lock(m, hook_caller());
}

/* relaxed: a waiter queues itself before it unlocks the mutex, so whoever has changed the condition
 * under the mutex sees it; others may come too early, as ever */
static inline bool nobody_waits(go_cond *c)
{
    return at_load_rlx(&c->head_) == NULL; /* relaxed: see above */
}

void go_cond_signal(go_cond *c)
{
    hook_uses(c);
    rt_point();
    if (nobody_waits(c))
        return;
    struct g *self = rt_self();
    struct wait_node *w = NULL;
    rt_lock(lock_of(c));
    if (c->head_) {
        w = waitlist_pop(&c->head_, &c->tail_);
        w->next = NULL;
        hook_release(self, c); /* [hb-cond] */
        hook_acquire(w->g, c); /* [hb-cond] */
    }
    rt_unlock(lock_of(c));
    waitlist_ready(w, self);
}

void go_cond_broadcast(go_cond *c)
{
    hook_uses(c);
    rt_point();
    if (nobody_waits(c))
        return;
    struct g *self = rt_self();
    rt_lock(lock_of(c));
    struct wait_node *all = c->head_;
    waitlist_set_head(&c->head_, NULL);
    c->tail_ = NULL;
    hook_release(self, c); /* [hb-cond] */
    for (struct wait_node *w = all; GO_RACE && w; w = w->next)
        hook_acquire(w->g, c); /* [hb-cond] */
    rt_unlock(lock_of(c));
    waitlist_ready(all, self);
}
