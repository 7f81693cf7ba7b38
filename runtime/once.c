/* once.c - running something exactly once.
 *
 *     FRESH --enter--> RUNNING --another comes--> WAITED --leave--> DONE
 *                         +------------------leave----------------> DONE
 *
 * One word; who waits stands in the table of sema.c, WAITED says so, exact while the bucket is not
 * locked.  The swap to DONE is the last access to the object: whoever sees DONE may free it.
 *
 * The first caller's stack holds a record among the goroutine's deferred calls, so that a panic or
 * go_exit() that passes through the function counts as its end, as in Go.
 *
 * For reports of who waits for whom, and for them alone, who runs it holds a lock.
 *
 * Edges: [once] the function -> every return of go_once_do. */
#include <goshawk/once.h>
#include "atomic.h"
#include "check.h"
#include "holders.h"
#include "hook.h"
#include "sema.h"

enum { ONCE_FRESH, ONCE_RUNNING, ONCE_WAITED, ONCE_DONE };

/* Stands for the function when it need not run.  Its arguments are ignored, which every calling
 * convention that we know allows. */
static void nothing(void)
{
}

/* Waits until the first call has ended. */
static void wait_done(go_once *once)
{
    struct sema_bucket *b = sema_lock(once);
    for (;;) {
        uint32_t s = at_load_acq(&once->state_); /* [once] */
        if (s == ONCE_DONE) {
            sema_unlock(b);
            hook_acquire(hook_self(), once); /* [hb-once] */
            return;
        }
        /* relaxed: publishes nothing; the bucket's lock orders the waker */
        if (s == ONCE_WAITED || at_cas_rlx(&once->state_, s, (uint32_t)ONCE_WAITED)) {
            sema_park(b, rt_self(), once, TR_ONCE, false);
            return;
        }
    }
}

static void unwound(void *call)
{
    go_once_leave_(call);
}

/* The record goes on top of the goroutine's deferred calls, the first to be unwound. */
static void begin(struct go_once_call_ *call, go_once *once, uintptr_t pc)
{
    struct g *self = rt_self();
    call->once_ = once;
    call->unwind_.plain_ = unwound;
    call->unwind_.owner_ = call;
    call->unwind_.fn_ = NULL;
    call->unwind_.args_ = NULL;
    call->unwind_.next_ = self->defers;
    self->defers = &call->unwind_;
    holders_add(once, pc);
    hook_locked(self, once, RC_LOCK_WRITE, "once", pc);
}

void *go_once_enter_(struct go_once_call_ *call, go_once *once, void *fn)
{
    rt_point();
    hook_read(hook_self(), once, 1, holders_caller()); /* against who overwrites it */
    call->once_ = NULL;
    uint32_t s = at_load_acq(&once->state_); /* [once] */
    if (likely(s == ONCE_DONE)) {
        hook_acquire(hook_self(), once); /* [hb-once] */
    } else if (s == ONCE_FRESH && at_cas_rlx(&once->state_, s, (uint32_t)ONCE_RUNNING)) {
        /* relaxed: to win says nothing about others' memory */
        begin(call, once, holders_caller());
        return fn;
    } else {
        wait_done(once);
    }
    return (void *)nothing;
}

void go_once_leave_(struct go_once_call_ *call)
{
    rt_point();
    go_once *once = call->once_;
    if (!once)
        return;
    call->once_ = NULL;
    struct g *self = rt_self();
    if (self->defers == &call->unwind_) /* not so when it is being unwound */
        self->defers = call->unwind_.next_;
    hook_unlocked(self, once);
    holders_drop(once);
    hook_release(self, once);                                                   /* [hb-once] */
    if (at_cas_rel(&once->state_, (uint32_t)ONCE_RUNNING, (uint32_t)ONCE_DONE)) /* [once] */
        return;
    struct sema_bucket *b = sema_lock(once);
    at_store_rel(&once->state_, (uint32_t)ONCE_DONE); /* [once] */
    sema_wake_all(b, self, once, TR_ONCE, once);      /* [hb-once] */
}
