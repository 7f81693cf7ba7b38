/* rwmutex.c - many readers or one writer.
 *
 * One word for readers and the one writer that holds or comes next; a mutex in front of it for the
 * writers among themselves, so at most one writer ever meets the readers.
 *
 *     RW_WRITER    a writer holds it; then there are no readers.  Exact. RW_NEXT      a writer is
 *     parked, waiting for the readers (or the writer) to leave.  Exact while
 *                  the bucket is not locked.  New readers queue up behind it.
 *     RW_QUEUED    readers are parked.  Exact while the bucket is not locked.
 *     RW_READER    one reader; the rest of the word counts them.
 *
 *     free --rlock--> n readers --last runlock--> free, or to the NEXT writer free --lock--->
 *     WRITER ---unlock--> to all QUEUED readers, or else to the NEXT writer, or free
 *
 * Whoever is woken has been given the lock already: it does not look at the word again.  A writer
 * that waits keeps new readers out, and a writer that leaves lets all waiting readers in before the
 * next writer, so neither side starves.  Writers among themselves have the mutex's policy.
 *
 * Lifetime.  The last access of every unlock is the one swap of state_ that lets others in: a
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
#include "check.h"
#include "holders.h"
#include "hook.h"
#include "mutex.h"
#include "panic.h"
#include "rwmutex.h"
#include "sema.h"

#define RW_WRITER       1u
#define RW_NEXT         2u
#define RW_QUEUED       4u
#define RW_READER       8u
#define RW_READERS_MASK (~(RW_READER - 1))

static inline bool closed_to_readers(uint32_t s)
{
    return s & (RW_WRITER | RW_NEXT);
}

struct rwmutex_state rwmutex_state(const go_rwmutex *m)
{
    return (struct rwmutex_state){
        .readers = m->state_ / RW_READER,
        .written = m->state_ & RW_WRITER,
        .writer_next = m->state_ & RW_NEXT,
    };
}

/* ---- detector ---- */

static inline void hook_reader_got(go_rwmutex *m, unsigned how, uintptr_t pc)
{
    holders_add(m, pc);
    if (!GO_RACE)
        return;
    struct g *self = rt_self();
    hook_acquire(self, &m->state_); /* [hb-lock] */
    hook_locked(self, m, how, "rwmutex", pc);
}

static inline void hook_writer_got(go_rwmutex *m, unsigned how, uintptr_t pc)
{
    holders_add(m, pc);
    if (!GO_RACE)
        return;
    struct g *self = rt_self();
    hook_acquire(self, &m->state_);   /* [hb-lock] */
    hook_acquire(self, &m->writers_); /* [hb-lock] */
    hook_locked(self, m, RC_LOCK_WRITE | how, "rwmutex", pc);
}

/* ---- readers ---- */

static void rlock_slow(go_rwmutex *m)
{
    struct sema_bucket *b = sema_lock(m);
    for (;;) {
        uint32_t s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
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

static inline bool try_rlock(go_rwmutex *m)
{
    uint32_t s;
    do {
        s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
        if (closed_to_readers(s))
            return false;
    } while (!at_cas_acq(&m->state_, s, s + RW_READER)); /* [rw] */
    return true;
}

/* The last reader leaves: the parked writer gets the lock.  False: it is not so any more. */
static bool give_to_writer(go_rwmutex *m)
{
    bool more;
    struct sema_bucket *b = sema_lock(m);
    uint32_t s;
    do {
        s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
        if ((s & RW_READERS_MASK) != RW_READER || !(s & RW_NEXT)) {
            sema_unlock(b);
            return false;
        }
    } while (!at_cas_acq_rel(&m->state_, s, (s & RW_QUEUED) | RW_WRITER)); /* [rw] */
    struct g *g = sema_take(b, m, TR_RWMUTEX_WRITE, &more);
    rt_check(g);
    sema_unlock(b);
    rt_ready(g, rt_self());
    return true;
}

void go_rwmutex_rlock(go_rwmutex *m)
{
    rt_point();
    if (unlikely(!try_rlock(m)))
        rlock_slow(m);
    hook_reader_got(m, 0, holders_caller());
}

bool go_rwmutex_tryrlock(go_rwmutex *m)
{
    rt_point();
    if (!try_rlock(m))
        return false;
    hook_reader_got(m, RC_LOCK_TRIED, holders_caller());
    return true;
}

void go_rwmutex_runlock(go_rwmutex *m)
{
    rt_point();
    struct g *self = hook_self();
    hook_release_merge(self, &m->writers_); /* [hb-lock] */
    hook_unlocked(self, m);
    holders_drop(m);
    for (;;) {
        uint32_t s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
        if (!(s & RW_READERS_MASK))
            rt_fatal("sync: RUnlock of unlocked RWMutex");
        if ((s & RW_NEXT) && (s & RW_READERS_MASK) == RW_READER) {
            if (give_to_writer(m))
                return;
        } else if (at_cas_rel(&m->state_, s, s - RW_READER)) { /* [rw] */
            return;
        }
    }
}

/* ---- writers ---- */

static void lock_slow(go_rwmutex *m)
{
    struct sema_bucket *b = sema_lock(m);
    for (;;) {
        uint32_t s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
        rt_assert(!(s & RW_NEXT));            /* one writer at a time comes here */
        if (!(s & (RW_WRITER | RW_READERS_MASK))) {
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

/* The writer leaves a lock that s describes: to all parked readers, or else to the parked
 * writer. */
static uint32_t after_writer(uint32_t s, uint32_t parked_readers)
{
    if (s & RW_QUEUED)
        return (s & RW_NEXT) | parked_readers * RW_READER;
    return s & RW_NEXT ? RW_WRITER : 0;
}

static void unlock_slow(go_rwmutex *m)
{
    struct sema_bucket *b = sema_lock(m);
    uint32_t readers = sema_count(b, m, TR_RWMUTEX_READ), s;
    bool more;
    do {
        s = at_load_rlx(&m->state_); /* relaxed: the CAS decides */
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

void go_rwmutex_lock(go_rwmutex *m)
{
    rt_point();
    mutex_lock_raw(&m->writers_, TR_RWMUTEX_WRITE);
    if (unlikely(!at_cas_acq(&m->state_, 0u, RW_WRITER))) /* [rw] */
        lock_slow(m);
    hook_writer_got(m, 0, holders_caller());
}

bool go_rwmutex_trylock(go_rwmutex *m)
{
    rt_point();
    if (!mutex_trylock_raw(&m->writers_))
        return false;
    if (!at_cas_acq(&m->state_, 0u, RW_WRITER)) { /* [rw] */
        mutex_unlock_raw(&m->writers_, TR_RWMUTEX_WRITE);
        return false;
    }
    hook_writer_got(m, RC_LOCK_TRIED, holders_caller());
    return true;
}

void go_rwmutex_unlock(go_rwmutex *m)
{
    rt_point();
    /* relaxed: the holder reads its own mark; for others any answer is misuse */
    if (unlikely(!(at_load_rlx(&m->state_) & RW_WRITER)))
        rt_fatal("sync: Unlock of unlocked RWMutex");
    struct g *self = hook_self();
    hook_release(self, &m->state_); /* [hb-lock] */
    hook_unlocked(self, m);
    holders_drop(m);
    mutex_unlock_raw(&m->writers_, TR_RWMUTEX_WRITE);
    if (unlikely(!at_cas_rel(&m->state_, RW_WRITER, 0u))) /* [rw] */
        unlock_slow(m);
}
