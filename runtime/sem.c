/* sem.c - weighted semaphores.
 *
 * A number and a list of parked goroutines under a lock.  First come, first served: a small request
 * waits behind a big one, so big ones do not starve.  A release serves as many from the front as
 * the units allow; who is woken has got his units already.
 *
 * Lifetime.  A release's last access is the unlock of the list: an acquire that gets the units,
 * parked or not, can return only after it (glibc's sem_post once did not keep that).
 *
 * Detector: a release merges its clock into the semaphore's, an acquire joins it.  Units are not
 * told apart, so an acquire is ordered after all releases before it, not only those whose units it
 * got. */
#include <goshawk/sem.h>
#include "hook.h"
#include "panic.h"
#include "waitlist.h"

static inline struct rt_lock *lock_of(go_sem *s)
{
    _Static_assert(sizeof(struct rt_lock) == sizeof s->lock_, "the lock stands in the public type");
    return (struct rt_lock *)&s->lock_;
}

static void check_units(int64_t n)
{
    if (n < 0)
        rt_panic("semaphore: negative number of units");
}

/* The lock is held. */
static bool take(go_sem *s, int64_t n)
{
    if (s->head_ || s->free_ < n)
        return false;
    s->free_ -= n;
    hook_acquire(hook_self(), s); /* [hb-sem] */
    return true;
}

bool go_sem_tryacquire(go_sem *s, int64_t n)
{
    hook_uses(s);
    rt_point();
    check_units(n);
    rt_lock(lock_of(s));
    bool got = take(s, n);
    rt_unlock(lock_of(s));
    return got;
}

void go_sem_acquire(go_sem *s, int64_t n)
{
    hook_uses(s);
    rt_point();
    check_units(n);
    rt_lock(lock_of(s));
    if (take(s, n)) {
        rt_unlock(lock_of(s));
        return;
    }
    struct g *self = rt_self();
    struct wait_node w = {.g = self, .n = n};
    waitlist_push(&s->head_, &s->tail_, &w);
    self->wake_arg = &w; /* for reports */
    rt_park_unlock(self, lock_of(s), TR_SEM, s);
}

/* Takes off all whom the free units serve; returns them linked, in their order.  The lock is
 * held. */
static struct wait_node *serve(go_sem *s)
{
    struct wait_node *served = NULL, **tail = &served;
    while (s->head_ && ((struct wait_node *)s->head_)->n <= s->free_) {
        struct wait_node *w = waitlist_pop(&s->head_, &s->tail_);
        s->free_ -= w->n;
        hook_acquire(w->g, s); /* [hb-sem] */
        *tail = w;
        tail = &w->next;
    }
    *tail = NULL;
    return served;
}

void go_sem_release(go_sem *s, int64_t n)
{
    hook_uses(s);
    rt_point();
    check_units(n);
    struct g *self = rt_self();
    rt_lock(lock_of(s));
    hook_release_merge(self, s); /* [hb-sem] */
    bool overflow = __builtin_add_overflow(s->free_, n, &s->free_);
    struct wait_node *served = overflow ? NULL : serve(s);
    rt_unlock(lock_of(s));
    if (overflow)
        rt_panic("semaphore: too many units released");
    waitlist_ready(served, self);
}
