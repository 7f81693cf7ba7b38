/* rwmutex.c - many readers or one writer.
 *
 * One word for readers and the one writer that holds or comes next; a mutex in front of it for the
 * writers among themselves, so at most one writer ever meets the readers.
 *
 *     RW_WRITER    a writer holds it; then there are no readers.  Exact.
 *     RW_NEXT      a writer is parked, waiting for the readers (or the writer) to leave.  Exact
 *                  while the bucket is not locked.  New readers queue up behind it.
 *     RW_QUEUED    readers are parked.  Exact while the bucket is not locked.
 *     RW_READER    one reader; the upper half of the word counts them.
 *
 *     free --rlock--> n readers --last runlock--> free, or to the NEXT writer
 *     free --lock---> WRITER ----unlock---------> to all QUEUED readers, or else to the NEXT
 *                                                 writer, or free
 *
 * Whoever is woken has been given the lock already: it does not look at the word again.  A writer
 * that waits keeps new readers out, and a writer that leaves lets all waiting readers in before the
 * next writer, so neither side starves.  Writers among themselves have the mutex's policy.
 *
 * Bias (bias.h).  While the word is biased to an M, that M alone changes it, by plain stores, be it
 * for readers or for the writer; who comes from elsewhere takes the bias away.  RW_NEXT and
 * RW_QUEUED exclude a bias.
 *
 *     RW_BIASED    only the M in RW_WHO changes the word.
 *     RW_ASKED     somebody takes the bias away; RW_WHO and RW_ROW are its thread.
 *     RW_AGAIN     that has been done: the next bias is to come late.
 *     RW_WHO       else: the M that came last, and ...
 *     RW_ROW       ... how often in a row.
 *
 * Lifetime.  The last access of every unlock is the one change of state_ that lets others in: a
 * reader's or the writer's.  Therefore the writer releases the writers' mutex before, while it
 * still keeps everybody out.  The waiters it lets in are users that have yet to unlock, in the
 * table, not here.
 *
 * Detector: as in Go, readers acquire what the last writer released (the address of state_),
 * writers acquire that and what all readers merged into the other clock (the address of writers_).
 *
 * Edges: [rw] any unlock -> any later lock, in the word or through rt_ready() when it is given. */
#include <goshawk/rwmutex.h>
#include "atomic.h"
#include "bias.h"
#include "check.h"
#include "holders.h"
#include "hook.h"
#include "mutex.h"
#include "panic.h"
#include "rwmutex.h"
#include "sema.h"

#define RW_WRITER 1u
#define RW_NEXT   2u
#define RW_QUEUED 4u
#define RW_BIASED 8u
#define RW_ASKED  16u
#define RW_AGAIN  32u
#define RW_READER ((uint64_t)1 << 32)
#define RW_LOCK   (RW_WRITER | RW_NEXT | RW_QUEUED | ~(RW_READER - 1)) /* without the marks */

enum { WHO_SHIFT = 8, ROW_SHIFT = WHO_SHIFT + BIAS_WHO_BITS, TID_SHIFT = WHO_SHIFT };

static inline bool closed_to_readers(uint64_t s)
{
    return s & (RW_WRITER | RW_NEXT);
}

struct rwmutex_state rwmutex_state(const go_rwmutex *m)
{
    return (struct rwmutex_state){
        .readers = (uint32_t)(m->state_ / RW_READER),
        .written = m->state_ & RW_WRITER,
        .writer_next = m->state_ & RW_NEXT,
    };
}

/* ---- bias ---- */

/* What the word of a free lock is that is biased to here. */
static inline uint64_t biased_to(const struct m *here)
{
    return (uint64_t)here->who << WHO_SHIFT | RW_BIASED;
}

/* Takes away the bias of m, whose word was s, or waits a moment for who does. */
static void unbias(go_rwmutex *m, uint64_t s)
{
    if (s & RW_ASKED) {
        sched_pause();
        return;
    }
    uint64_t lock = s & RW_LOCK;
    uint64_t asked = lock | RW_ASKED | (uint64_t)sched_tid() << TID_SHIFT;
    if (!at_cas_rlx(&m->state_, s, asked)) /* relaxed: ordered by the fence */
        return;
    sched_wait_storing(m);
    if (at_load_rlx(&m->state_) == asked) /* relaxed: else the M was faster, look at its word */
        at_store_rlx(&m->state_, lock | RW_AGAIN); /* relaxed: nobody else changes it now */
}

/* The word, not biased: to be changed by compare-and-swap. */
static uint64_t shared_word(go_rwmutex *m)
{
    for (;;) {
        uint64_t s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
        if (likely(!(s & (RW_BIASED | RW_ASKED))))
            return s;
        unbias(m, s);
    }
}

/* The marks that the word s, not biased, gets when here (NULL: a plain thread) locks it. */
static uint64_t marks(uint64_t s, const struct m *here)
{
    uint32_t who = bias_who(here), row = (uint32_t)s >> ROW_SHIFT;
    if (who == 0)
        return s & RW_AGAIN;
    row = ((uint32_t)s >> WHO_SHIFT & ((1u << BIAS_WHO_BITS) - 1)) == who ? row + 1 : 1;
    if (row >= (s & RW_AGAIN ? BIAS_AGAIN_AFTER : BIAS_AFTER) ||
        (!(s & RW_AGAIN) && rt_nprocs() == 1))
        return biased_to(here);
    return row << ROW_SHIFT | who << WHO_SHIFT | (s & RW_AGAIN);
}

/* What may be changed of a word that is biased to the M, by that M. */
enum change { RLOCK, RUNLOCK, LOCK, UNLOCK };

/* Changes m by a plain store if it is biased to here and nothing stands against it. */
static inline __attribute__((always_inline)) bool change_alone(go_rwmutex *m, struct m *here,
                                                               enum change how)
{
    bias_begin(here, m);
    uint64_t s = at_load_acq(&m->state_); /* [rw] whoever has left it */
    uint64_t lock = s - biased_to(here);  /* if it is biased to here: no other marks, not QUEUED */
    bool may = how == RLOCK     ? !(lock & (RW_READER - 1))
               : how == RUNLOCK ? !(lock & (RW_READER - 1)) && lock != 0
               : how == LOCK    ? lock == 0
                                : lock == RW_WRITER;
    if (likely(may))
        at_store_rel(&m->state_, how == RLOCK     ? s + RW_READER /* [rw] */
                                 : how == RUNLOCK ? s - RW_READER
                                 : how == LOCK    ? s + RW_WRITER
                                                  : s - RW_WRITER);
    bias_end(here);
    return may;
}

/* ---- detector ---- */

static inline void hook_reader_got(go_rwmutex *m, unsigned how, uintptr_t pc)
{
    holders_add(m, pc);
    if (!GO_RACE)
        return;
    struct g *self = rt_self();
    hook_locked(self, m, RC_LOCK_IN_TURN | how, "rwmutex", pc);
    hook_acquire(self, &m->state_); /* [hb-lock] */
    hook_read(self, m, 1, pc);      /* against who overwrites it */
}

static inline void hook_writer_got(go_rwmutex *m, unsigned how, uintptr_t pc)
{
    holders_add(m, pc);
    if (!GO_RACE)
        return;
    struct g *self = rt_self();
    hook_locked(self, m, RC_LOCK_IN_TURN | RC_LOCK_WRITE | how, "rwmutex", pc);
    hook_acquire(self, &m->state_);   /* [hb-lock] */
    hook_acquire(self, &m->writers_); /* [hb-lock] */
    hook_read(self, m, 1, pc);        /* against who overwrites it */
}

/* ---- readers ---- */

static void rlock_slow(go_rwmutex *m)
{
    struct sema_bucket *b = sema_lock(m);
    for (;;) {
        uint64_t s = shared_word(m);
        if (!closed_to_readers(s)) {
            if (at_cas_acq(&m->state_, s, s + RW_READER)) { /* [rw] */
                sema_unlock(b);
                return;
            }
        } else if (at_cas_rlx(&m->state_, s, s | RW_QUEUED)) { /* relaxed: publishes nothing; the
                                                                * bucket's lock orders the waker */
            sema_park(b, rt_self(), m, TR_RWMUTEX_READ, false);
            return;
        }
    }
}

static bool try_rlock(go_rwmutex *m)
{
    struct m *here = rt_m();
    for (;;) {
        uint64_t s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
        if (closed_to_readers(s))
            return false;
        if (here && change_alone(m, here, RLOCK))
            return true;
        s = shared_word(m);
        if (!closed_to_readers(s) &&
            at_cas_acq(&m->state_, s, (s & RW_LOCK) + RW_READER + marks(s, here))) /* [rw] */
            return true;
    }
}

/* The last reader leaves: the parked writer gets the lock.  False: it is not so any more. */
static bool give_to_writer(go_rwmutex *m)
{
    bool more;
    struct sema_bucket *b = sema_lock(m);
    uint64_t s;
    do {
        s = shared_word(m);
        if (s / RW_READER != 1 || !(s & RW_NEXT)) {
            sema_unlock(b);
            return false;
        }
    } while (!at_cas_acq_rel(&m->state_, s, s - RW_READER - RW_NEXT + RW_WRITER)); /* [rw] */
    struct g *g = sema_take(b, m, TR_RWMUTEX_WRITE, &more);
    rt_check(g);
    sema_unlock(b);
    rt_ready(g, rt_self());
    return true;
}

static __attribute__((noinline)) void rlock_careful(go_rwmutex *m, uintptr_t pc)
{
    rt_point();
    hook_wants(hook_self(), m, 0, "rwmutex", pc);
    if (unlikely(!try_rlock(m)))
        rlock_slow(m);
    hook_reader_got(m, RC_LOCK_WANTED, pc);
}

void go_rwmutex_rlock(go_rwmutex *m)
{
    hook_uses(m);
    struct m *here = rt_m_here();
    if (!GO_RACE && likely(!rt_careful && here) && likely(change_alone(m, here, RLOCK)))
        return;
    rlock_careful(m, holders_caller());
}

bool go_rwmutex_tryrlock(go_rwmutex *m)
{
    hook_uses(m);
    rt_point();
    if (!try_rlock(m))
        return false;
    hook_reader_got(m, RC_LOCK_TRIED, holders_caller());
    return true;
}

static void runlock_shared(go_rwmutex *m)
{
    for (;;) {
        uint64_t s = shared_word(m);
        if (s < RW_READER)
            rt_fatal("sync: RUnlock of unlocked RWMutex");
        if ((s & RW_NEXT) && s / RW_READER == 1) {
            if (give_to_writer(m))
                return;
        } else if (at_cas_rel(&m->state_, s, s - RW_READER)) { /* [rw] */
            return;
        }
    }
}

static __attribute__((noinline)) void runlock_careful(go_rwmutex *m)
{
    rt_point();
    struct g *self = hook_self();
    hook_release_merge(self, &m->writers_); /* [hb-lock] */
    hook_unlocked(self, m);
    holders_drop(m);
    struct m *here = rt_m();
    if (!here || !change_alone(m, here, RUNLOCK))
        runlock_shared(m);
}

void go_rwmutex_runlock(go_rwmutex *m)
{
    hook_uses(m);
    struct m *here = rt_m_here();
    if (!GO_RACE && likely(!rt_careful && here) && likely(change_alone(m, here, RUNLOCK)))
        return;
    runlock_careful(m);
}

/* ---- writers ---- */

static void lock_slow(go_rwmutex *m)
{
    struct sema_bucket *b = sema_lock(m);
    for (;;) {
        uint64_t s = shared_word(m);
        rt_assert(!(s & RW_NEXT)); /* one writer at a time comes here */
        if (!(s & RW_WRITER) && s < RW_READER) {
            if (at_cas_acq(&m->state_, s, s | RW_WRITER)) { /* [rw] */
                sema_unlock(b);
                return;
            }
        } else if (at_cas_rlx(&m->state_, s, s | RW_NEXT)) { /* relaxed: publishes nothing; the
                                                              * bucket's lock orders the waker */
            sema_park(b, rt_self(), m, TR_RWMUTEX_WRITE, false);
            return;
        }
    }
}

/* The word s, that of a lock that the writer leaves: to all parked readers, or else to the parked
 * writer. */
static uint64_t after_writer(uint64_t s, uint32_t parked_readers)
{
    if (s & RW_QUEUED)
        return s - RW_QUEUED - RW_WRITER + parked_readers * RW_READER;
    return s & RW_NEXT ? s - RW_NEXT : s - RW_WRITER;
}

static void unlock_slow(go_rwmutex *m)
{
    struct sema_bucket *b = sema_lock(m);
    uint32_t readers = sema_count(b, m, TR_RWMUTEX_READ);
    uint64_t s;
    bool more;
    do {
        s = shared_word(m);
    } while (!at_cas_acq_rel(&m->state_, s, after_writer(s, readers))); /* [rw] */
    if (s & RW_QUEUED) {
        sema_wake_all(b, rt_self(), m, TR_RWMUTEX_READ, NULL);
        return;
    }
    struct g *g = s & RW_NEXT ? sema_take(b, m, TR_RWMUTEX_WRITE, &more) : NULL;
    sema_unlock(b);
    if (g)
        rt_ready(g, rt_self());
}

/* Locks m, for a caller that holds the writers' mutex, if nobody holds it. */
static bool try_lock(go_rwmutex *m)
{
    struct m *here = rt_m();
    if (here && change_alone(m, here, LOCK))
        return true;
    for (;;) {
        uint64_t s = shared_word(m);
        if (s & RW_LOCK)
            return false;
        if (at_cas_acq(&m->state_, s, RW_WRITER + marks(s, here))) /* [rw] */
            return true;
    }
}

void go_rwmutex_lock(go_rwmutex *m)
{
    hook_uses(m);
    rt_point();
    hook_wants(hook_self(), m, RC_LOCK_WRITE, "rwmutex", holders_caller());
    mutex_lock_raw(&m->writers_, TR_RWMUTEX_WRITE);
    if (unlikely(!try_lock(m)))
        lock_slow(m);
    hook_writer_got(m, RC_LOCK_WANTED, holders_caller());
}

bool go_rwmutex_trylock(go_rwmutex *m)
{
    hook_uses(m);
    rt_point();
    if (!mutex_trylock_raw(&m->writers_))
        return false;
    if (!try_lock(m)) {
        mutex_unlock_raw(&m->writers_, TR_RWMUTEX_WRITE);
        return false;
    }
    hook_writer_got(m, RC_LOCK_TRIED, holders_caller());
    return true;
}

void go_rwmutex_unlock(go_rwmutex *m)
{
    hook_uses(m);
    rt_point();
    /* relaxed: the holder reads its own mark; for others any answer is misuse */
    if (unlikely(!(at_load_rlx(&m->state_) & RW_WRITER)))
        rt_fatal("sync: Unlock of unlocked RWMutex");
    struct g *self = hook_self();
    hook_release(self, &m->state_); /* [hb-lock] */
    hook_unlocked(self, m);
    holders_drop(m);
    mutex_unlock_raw(&m->writers_, TR_RWMUTEX_WRITE);
    struct m *here = rt_m();
    if (here && change_alone(m, here, UNLOCK))
        return;
    uint64_t s = shared_word(m);
    if (unlikely((s & RW_LOCK) != RW_WRITER ||
                 !at_cas_rel(&m->state_, s, s - RW_WRITER))) /* [rw] */
        unlock_slow(m);
}
