/* futex.h - sleeping on a word, and the lock of the runtime built on it.
 *
 * struct rt_lock protects short sections of the runtime.  Freeing it is one plain store, which is
 * what makes it cheap; so nobody can be told of it, and who does not get the lock by spinning looks
 * again after giving the processor away, and then after naps.  That is rare: a holder has a few
 * dozen instructions to go, unless its thread was descheduled.  Zero bytes are an unlocked lock.
 * It is never held over a goroutine switch, except by the hand-over of rt_park().
 * [lock] release by unlock -> acquire by the next lock. */
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include <stdbool.h>
#include <stdint.h>
#include "atomic.h"
#include "check.h"

/* Sleeps while *word == expected, at most timeout_ns (< 0: no limit).  May return early for no
 * reason; the caller looks at the word again.  Returns false when the time was up. */
bool rt_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns);

/* Wakes at most n sleepers on word.  word need not be valid memory any more. */
void rt_futex_wake(uint32_t *word, int n);

struct rt_lock {
    uint32_t word; /* 0 free, 1 held */
};

/* A moment of waiting for who holds a lock of that kind: longer the more rounds have passed. */
void rt_lock_pause(unsigned round);

/* The path of who found the lock held. */
void rt_lock_slow(struct rt_lock *l);

static inline bool rt_trylock(struct rt_lock *l)
{
    return at_xchg_acq(&l->word, 1u) == 0; /* [lock] */
}

static inline void rt_lock(struct rt_lock *l)
{
    if (unlikely(!rt_trylock(l)))
        rt_lock_slow(l);
}

static inline void rt_unlock(struct rt_lock *l)
{
    rt_assert(at_load_rlx(&l->word)); /* relaxed: we hold it */
    at_store_rel(&l->word, 0u);       /* [lock] */
}

#endif
