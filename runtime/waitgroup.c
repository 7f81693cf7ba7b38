/* waitgroup.c - waiting for a number of goroutines.
 *
 * The word: the count in the upper half, and in bit 0 whether somebody waits, exact while the
 * bucket of the table is not locked.  The swap that brings the count to zero clears the bit as
 * well, under the bucket's lock, so (zero, somebody waits) never exists: whoever sees zero can take
 * the group away at once, although those who were parked have not been readied yet.  They stand in
 * the table only, and they do not look at the group again when they run: their waker tells the
 * detector for them.
 *
 * For the same reason Go's panics "WaitGroup is reused before previous Wait has returned" and "Add
 * called concurrently with Wait" are not here: what they detect cannot do harm to this algorithm.
 * The mistake behind the second, an add from zero that is not ordered with the wait, is a race, and
 * the detector is told of it as in Go: the add from zero reads, the first wait writes, the group's
 * first byte.
 *
 * Edges: [wg] every done -> the wait, through the word's chain of swaps or rt_ready(). */
#include <goshawk/waitgroup.h>
#include "atomic.h"
#include "check.h"
#include "hook.h"
#include "panic.h"
#include "sema.h"

#define WG_WAITED ((uint64_t)1)

enum { COUNT_SHIFT = 32 };

static inline int64_t count_of(uint64_t s)
{
    return (int64_t)s >> COUNT_SHIFT;
}

/* Brings the count to zero while somebody waits.  False: it is not so any more. */
static bool finish(go_waitgroup *wg, uint64_t s)
{
    struct sema_bucket *b = sema_lock(wg);
    if (!at_cas_acq_rel(&wg->state_, s, (uint64_t)0)) { /* [wg] */
        sema_unlock(b);
        return false;
    }
    sema_wake_all(b, rt_self(), wg, TR_WAITGROUP, wg); /* [hb-wg] */
    return true;
}

static void add(go_waitgroup *wg, int n, uintptr_t pc)
{
    struct g *self = hook_self();
    if (n < 0)
        hook_release_merge(self, wg); /* [hb-wg] */
    for (;;) {
        uint64_t s = at_load_rlx(&wg->state_); /* relaxed: the CAS decides */
        int64_t count = count_of(s) + n;
        if (count < 0 || count > INT32_MAX)
            rt_panic("sync: negative WaitGroup counter");
        if (count == 0 && (s & WG_WAITED)) {
            if (finish(wg, s))
                return;
        } else if (at_cas_acq_rel(&wg->state_, s,
                                  (uint64_t)count << COUNT_SHIFT | (s & 1))) { /* [wg] */
            if (n > 0 && count == n)
                hook_read(self, wg, 1, pc);
            return;
        }
    }
}

void go_waitgroup_add(go_waitgroup *wg, int n)
{
    hook_uses(wg);
    rt_point();
    add(wg, n, hook_caller());
}

void go_waitgroup_done(go_waitgroup *wg)
{
    hook_uses(wg);
    rt_point();
    add(wg, -1, hook_caller());
}

void go_waitgroup_wait(go_waitgroup *wg)
{
    hook_uses(wg);
    rt_point();
    struct g *self = hook_self();
    if (count_of(at_load_acq(&wg->state_)) == 0) { /* [wg] */
        hook_acquire(self, wg);                    /* [hb-wg] */
        return;
    }
    struct sema_bucket *b = sema_lock(wg);
    for (;;) {
        uint64_t s = at_load_acq(&wg->state_); /* [wg] */
        if (count_of(s) == 0) {
            sema_unlock(b);
            hook_acquire(self, wg); /* [hb-wg] */
            return;
        }
        /* relaxed: publishes nothing; the bucket's lock orders the waker */
        if (!at_cas_rlx(&wg->state_, s, s | WG_WAITED))
            continue;
        if (!(s & WG_WAITED))
            hook_write(self, wg, 1, hook_caller());
        sema_park(b, rt_self(), wg, TR_WAITGROUP, false);
        __asm__ volatile(""); /* no tail call: reports begin with this function's caller */
        return;
    }
}
