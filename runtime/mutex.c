/* mutex.c - mutual exclusion.
 *
 * One word.  Who waits stands in the table of sema.c.
 *
 *     MU_HELD      somebody holds it.  Exact.
 *     MU_QUEUED    somebody waits in the table.  Exact while the bucket is not locked.
 *     MU_WOKEN     a goroutine that was woken, or spins, competes: unlocking need not wake another.
 *                  May be clear though one does; is never set for good when none does.
 *     MU_STARVING  unlocking hands the mutex to the first waiter.  Implies MU_HELD.
 *     MU_SHARED    nobody changes the word by a plain store.  Implied by the three above.
 *     MU_ASKED     somebody is about to set MU_SHARED: the upper bits say which thread.
 *     MU_BIASED    while it is free only one M changes the word, by plain stores (bias.h): the
 *                  upper bits say which.  Without any bit but MU_HELD they say which M had it
 *                  last, and how often in a row.
 *
 * Normal mode.  Unlocking frees the mutex and wakes the first waiter, which competes with whoever
 * runs: mostly it loses, but no time is lost in switching, and that is what makes a busy mutex
 * fast. A waiter that has lost goes back to the front of the queue; when it has waited for 1 ms in
 * all it sets MU_STARVING.  Starvation mode.  The mutex is never free: it goes from hand to hand
 * along the queue, and newcomers queue up behind.  The mode ends with a waiter that is the last
 * one, or that has waited less than 1 ms.  This is Go's policy; the words differ, for the sake of
 * lifetime.
 *
 * Lifetime.  The step that lets another lock the mutex may be the one after which the memory is
 * gone. So unlocking is a single successful compare-and-swap, and nothing touches the mutex after
 * it: not to see whether somebody must be woken (Go's slow path does), because that is known
 * before, in the same word.  The goroutine that will be woken is taken off the table before the
 * swap, under the bucket's lock; it is a user of the mutex that has yet to lock it, so the memory
 * is good until it has.
 *
 * Plain stores.  A mutex that nobody else wants is locked and freed without locked instructions.
 * The danger is that somebody changes the word between the look at it and the store, which then
 * wipes that out.  So plain stores are made only in these states, in which nobody else makes any:
 *     held, at most MU_BIASED       by the holder, who frees it
 *     free, MU_BIASED               by that M, which locks it
 * and whoever wants to set another bit asks first (share()), as bias.h has it: MU_SHARED is set
 * before any other bit, when no thread is between the look and the store.  The thread's number
 * keeps two askers apart.  MU_SHARED stays for a while after the last waiter has gone, since making
 * it costs a membarrier(2); so no bias is lost more often than that.  Plain threads, which have no
 * M, always swap.
 *
 * Spinning: only with several Ps, a few rounds of some 30 pauses, before the first sleep and again
 * after being woken.  A spinner sets MU_WOKEN so that the unlock wakes nobody for nothing.
 *
 * Edges: [mutex] unlock -> next lock, in the word or through rt_ready() when handed over. */
#include <goshawk/mutex.h>
#include "atomic.h"
#include "bias.h"
#include "check.h"
#include "holders.h"
#include "hook.h"
#include "mutex.h"
#include "panic.h"
#include "proc.h"
#include "sema.h"

#define MU_HELD      1u
#define MU_QUEUED    2u
#define MU_WOKEN     4u
#define MU_STARVING  8u
#define MU_SHARED    16u
#define MU_ASKED     32u
#define MU_BIASED    64u
#define MU_BITS      127u                           /* all of these */
#define MU_TID_SHIFT 7                              /* upper bits with MU_ASKED */
#define MU_WHO_SHIFT 7                              /* upper bits else: the M ... */
#define MU_ROW_SHIFT (MU_WHO_SHIFT + BIAS_WHO_BITS) /* ... and how often */

enum {
    SPIN_ROUNDS = 4,
    SPIN_PAUSES = 30,
    STARVING_NS = 1000000,
    SHARED_ROUNDS = 256, /* unlocks after which MU_SHARED goes, if nobody waits */
};

/* Their addresses in wake_arg. */
static char handed_over; /* the woken one holds the mutex */
static char asleep;      /* it has not been woken yet */

/* A goroutine on its way to a mutex. */
struct locker {
    go_mutex *m;
    enum tr_reason why;
    uint32_t spins;
    bool woken;    /* MU_WOKEN is ours to clear */
    bool starving; /* it has waited too long */
    int64_t since; /* when it first went to sleep; 0: not yet */
};

/* What the word of a mutex is that is free and biased to here. */
static inline uint32_t biased_to(const struct m *here)
{
    return here->who << MU_WHO_SHIFT | MU_BIASED;
}

/* Makes m, whose word was s, MU_SHARED.  False: the word has changed, look again. */
static bool share(go_mutex *m, uint32_t s)
{
    if (s & MU_SHARED)
        return true;
    if (s & MU_ASKED) { /* by a thread that needs a moment */
        sched_pause();
        return false;
    }
    uint32_t asked = (s & MU_HELD) | MU_ASKED | sched_tid() << MU_TID_SHIFT;
    if (!at_cas_rlx(&m->state_, s, asked)) /* relaxed: ordered by the fence */
        return false;
    sched_wait_storing(m);
    /* relaxed: publishes nothing */
    return at_cas_rlx(&m->state_, asked, (s & MU_HELD) | MU_SHARED);
}

/* What the word s of a free mutex becomes when here (NULL: a plain thread) locks it. */
static uint32_t locked(uint32_t s, const struct m *here)
{
    uint32_t who = bias_who(here), row = s >> MU_ROW_SHIFT;
    if (s & MU_BITS || who == 0)
        return (s & MU_BITS) | MU_HELD;
    row = (s >> MU_WHO_SHIFT & ((1u << BIAS_WHO_BITS) - 1)) == who ? row + 1 : 1;
    if (row >= BIAS_AFTER || rt_nprocs() == 1)
        return biased_to(here) | MU_HELD;
    return row << MU_ROW_SHIFT | who << MU_WHO_SHIFT | MU_HELD;
}

/* Locks m by a plain store if it is biased to here. */
static inline bool lock_alone(go_mutex *m, struct m *here)
{
    bias_begin(here, m);
    uint32_t s = at_load_acq(&m->state_); /* [mutex] whoever has freed it */
    bool mine = s == biased_to(here);
    if (likely(mine))
        at_store_rlx(&m->state_, s | MU_HELD); /* relaxed: nobody else changes it */
    bias_end(here);
    return mine;
}

/* Locks m, whose word was s and free, if nothing stands against it; else look again. */
static bool lock_free(go_mutex *m, uint32_t s, uint32_t without)
{
    struct m *here = rt_m();
    if (here && s == biased_to(here))
        return lock_alone(m, here);
    if (s & (MU_BIASED | MU_ASKED)) {
        share(m, s);
        return false;
    }
    return at_cas_acq(&m->state_, s, locked(s, here) & ~without); /* [mutex] */
}

static bool may_spin(const struct locker *l, uint32_t s)
{
    return (s & (MU_HELD | MU_STARVING)) == MU_HELD && l->spins < SPIN_ROUNDS && rt_nprocs() > 1;
}

static void spin(struct locker *l, uint32_t s)
{
    if (!l->woken && (s & (MU_QUEUED | MU_WOKEN)) == MU_QUEUED) /* so it is MU_SHARED */
        l->woken = at_cas_rlx(&l->m->state_, s, s | MU_WOKEN);  /* relaxed: a hint to unlock */
    for (int i = 0; i < SPIN_PAUSES; i++)
        at_pause();
    l->spins++;
}

/* The mutex was handed to us: starvation ends when we are the last, or have not waited long. */
static void take_over(const struct locker *l)
{
    uint32_t s = at_load_rlx(&l->m->state_); /* relaxed: rt_ready() ordered us after the unlock */
    rt_assert(s & MU_HELD);
    if (!(s & MU_QUEUED) || rt_nanos() - l->since <= STARVING_NS)
        at_and_rlx(&l->m->state_,
                   ~MU_STARVING); /* relaxed: we hold it; it only chooses the policy */
}

/* Sleeps until woken.  True when the mutex was handed over. */
static bool sleep_on(struct locker *l)
{
    struct sema_bucket *b = sema_lock(l->m);
    uint32_t s = at_load_rlx(&l->m->state_); /* relaxed: the CAS decides */
    uint32_t to = s | MU_QUEUED | (l->starving ? MU_STARVING : 0);
    if (l->woken)
        to &= ~MU_WOKEN;
    /* relaxed: nothing is published; the waker is ordered by the bucket's lock */
    if (!(s & MU_HELD) || !(s & MU_SHARED) || !at_cas_rlx(&l->m->state_, s, to)) {
        sema_unlock(b);
        return false;
    }
    bool again = l->since != 0;
    if (!again)
        l->since = rt_nanos();
    struct g *self = rt_self();
    self->wake_arg = &asleep;
    if (sema_park(b, self, l->m, l->why, again) == &handed_over) {
        take_over(l);
        return true;
    }
    l->woken = true;
    l->spins = 0;
    l->starving = l->starving || rt_nanos() - l->since > STARVING_NS;
    return false;
}

static void lock_slow(go_mutex *m, enum tr_reason why)
{
    struct locker l = {.m = m, .why = why};
    for (;;) {
        uint32_t s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
        if (!(s & MU_HELD)) {
            if (lock_free(m, s, l.woken ? MU_WOKEN : 0))
                return;
        } else if (may_spin(&l, s)) {
            spin(&l, s);
        } else if (share(m, s) && sleep_on(&l)) {
            return;
        }
    }
}

void mutex_lock_raw(go_mutex *m, enum tr_reason why)
{
    struct m *here = rt_m_here();
    if (unlikely(!here || !lock_alone(m, here)))
        lock_slow(m, why);
}

bool mutex_is_asleep_at_one(const struct g *g)
{
    return g->wake_arg == &asleep;
}

bool mutex_trylock_raw(go_mutex *m)
{
    for (;;) {
        uint32_t s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
        if (s & MU_HELD)
            return false;
        if (lock_free(m, s, 0))
            return true;
    }
}

/* Whether unlocking has to wake or to serve somebody. */
static bool must_wake(uint32_t s)
{
    return (s & MU_QUEUED) && (!(s & MU_WOKEN) || (s & MU_STARVING));
}

/* Frees the mutex for the first waiter, or hands it over.  False: nobody needs it now. */
static bool wake_first(go_mutex *m, enum tr_reason why)
{
    struct sema_bucket *b = sema_lock(m);
    uint32_t s = at_load_rlx(&m->state_), to; /* relaxed: the CAS decides */
    if (!must_wake(s)) {
        sema_unlock(b);
        return false;
    }
    bool more = false;
    struct g *g = sema_take(b, m, why, &more);
    rt_check(g);
    do {
        s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
        to = more ? s : s & ~MU_QUEUED;
        if (!(s & MU_STARVING))
            to = (to & ~MU_HELD) | MU_WOKEN;
    } while (!at_cas_rel(&m->state_, s, to)); /* [mutex] */
    g->wake_arg = s & MU_STARVING ? &handed_over : NULL;
    sema_unlock(b);
    rt_ready(g, rt_self());
    return true;
}

/* Whether MU_SHARED has been there for long enough. */
#ifndef MUTEX_SHARED_IS_OVER /* tests/model says so at any time */
static bool shared_is_over(void)
{
    static __thread uint32_t rounds;
    return ++rounds % SHARED_ROUNDS == 0;
}
#define MUTEX_SHARED_IS_OVER shared_is_over
#endif

/* What the word s becomes when nobody must be woken. */
static uint32_t freed(uint32_t s)
{
    if (s & MU_ASKED) /* who asked finds the mutex free */
        return 0;
    bool quiet = s == (MU_HELD | MU_SHARED) && MUTEX_SHARED_IS_OVER();
    return quiet ? 0 : s & ~MU_HELD;
}

static void unlock_slow(go_mutex *m, enum tr_reason why)
{
    for (;;) {
        uint32_t s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
        if (!(s & MU_HELD))
            rt_fatal("sync: unlock of unlocked mutex");
        if (must_wake(s)) {
            if (wake_first(m, why))
                return;
        } else if (at_cas_rel(&m->state_, s, freed(s))) { /* [mutex] */
            return;
        }
    }
}

/* Frees m by a plain store if nobody else wants it; see the essay. */
static inline bool unlock_alone(go_mutex *m, struct m *here)
{
    bias_begin(here, m);
    uint32_t s = at_load_rlx(&m->state_); /* relaxed: only we may change that */
    bool alone = (s & (MU_BITS & ~MU_BIASED)) == MU_HELD;
    if (likely(alone))
        at_store_rel(&m->state_, s & ~MU_HELD); /* [mutex] */
    bias_end(here);
    return alone;
}

void mutex_unlock_raw(go_mutex *m, enum tr_reason why)
{
    struct m *here = rt_m_here();
    if (unlikely(!here || !unlock_alone(m, here)))
        unlock_slow(m, why);
}

/* ---- with the detector's hooks ---- */

static inline void hook_got(go_mutex *m, unsigned how, uintptr_t pc)
{
    holders_add(m, pc);
    if (!GO_RACE)
        return;
    struct g *self = rt_self();
    hook_acquire(self, m); /* [hb-lock] */
    hook_locked(self, m, RC_LOCK_WRITE | how, "mutex", pc);
    hook_read(self, m, 1, pc); /* against who overwrites it */
}

void mutex_lock(go_mutex *m, uintptr_t pc)
{
    hook_wants(hook_self(), m, RC_LOCK_WRITE, "mutex", pc);
    mutex_lock_raw(m, TR_MUTEX);
    hook_got(m, RC_LOCK_WANTED, pc);
}

void mutex_unlock(go_mutex *m)
{
    struct g *self = hook_self();
    hook_release(self, m); /* [hb-lock] */
    hook_unlocked(self, m);
    holders_drop(m);
    mutex_unlock_raw(m, TR_MUTEX);
}

static __attribute__((noinline)) void lock_careful(go_mutex *m, uintptr_t pc)
{
    rt_point();
    mutex_lock(m, pc);
}

void go_mutex_lock(go_mutex *m)
{
    hook_uses(m);
    struct m *here = rt_m_here();
    if (!GO_RACE && likely(!rt_careful && here) && likely(lock_alone(m, here)))
        return;
    lock_careful(m, holders_caller());
}

bool go_mutex_trylock(go_mutex *m)
{
    hook_uses(m);
    rt_point();
    if (!mutex_trylock_raw(m))
        return false;
    hook_got(m, RC_LOCK_TRIED, holders_caller());
    return true;
}

static __attribute__((noinline)) void unlock_careful(go_mutex *m)
{
    rt_point();
    mutex_unlock(m);
}

void go_mutex_unlock(go_mutex *m)
{
    hook_uses(m);
    struct m *here = rt_m_here();
    if (!GO_RACE && likely(!rt_careful && here) && likely(unlock_alone(m, here)))
        return;
    unlock_careful(m);
}
