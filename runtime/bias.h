/* bias.h - words that one M changes by plain stores.
 *
 * A lock that nobody else wants costs its locked instructions and nothing else, two for a lock and
 * an unlock.  Most locks are used by one thread for long.  So the word of such a lock may say that
 * it is biased to an M: that M alone changes it, by loads and stores.  The M says so meanwhile, and
 * who else wants the lock takes the bias away first:
 *
 *     M         m->storing = lock;      word biased to m?  then word = ...;      m->storing = NULL
 *     another   word = asked, if it is biased to m;      fence on all threads;
 *               wait while any m->storing == lock;       word = not biased, if it is still what was
 *               stored: the M has not changed it meanwhile, else look again
 *
 * An M that comes after the first step sees that the word is not biased to it; one that came before
 * is waited for, and breaks the chain [storing].  While a word is asked for nobody else changes it.
 *
 * Taking a bias away costs a membarrier(2), so it must be rare: a lock becomes biased when the same
 * M has had it several times in a row, at once if there is one P only, and having lost its bias it
 * has to be had very many times first.  M's that come later have no bias (there are numbers for
 * some thousands), nor have plain threads.
 *
 * struct bias_lock is an rt_lock of that kind, for short sections that one thread mostly has for
 * itself.  A word that is biased does not say whether the lock is held: m->holding does.
 *
 *     M         m->holding = lock;    word biased to m?    ...section...    m->holding = NULL
 *     another   word = held, if it is biased to m;  fence on all threads;  wait while any
 *               m->holding == lock;   now it holds the lock
 *
 * [holding] what was done under the lock, when it is freed by its M -> who has taken the bias away.
 * [lock] as for rt_lock. */
#ifndef RT_BIAS_H
#define RT_BIAS_H

#include "check.h"
#include "fence.h"
#include "proc.h"

enum {
    BIAS_WHO_BITS = 14, /* a word has room for these and for 10 bits that count */
#ifndef BIAS_AFTER      /* tests/model has fewer */
    BIAS_AFTER = 64,
    BIAS_AGAIN_AFTER = 1000,
#endif
};

/* ---- words ---- */

/* The number of m in words, 0: none. */
static inline uint32_t bias_who(const struct m *m)
{
    return m ? m->who : 0;
}

/* Between these here may change the word of a lock that is biased to it. */
static inline void bias_begin(struct m *here, const void *lock)
{
    at_store_rlx(&here->storing, lock); /* relaxed: ordered by the fence */
    rt_fence_often();
}

static inline void bias_end(struct m *here)
{
    at_store_rel(&here->storing, (const void *)NULL); /* [storing] the word is changed */
}

/* ---- locks ---- */

/* Zero bytes are an unlocked lock. */
struct bias_lock {
    uint32_t word;
};

/* The paths of who has no bias; here may be NULL. */
void bias_lock_slow(struct bias_lock *l);
void bias_unlock_slow(struct bias_lock *l, const struct m *here);

/* What the word of a lock is that is biased to here. */
static inline uint32_t bias_word(const struct m *here)
{
    return here->who << 3 | 2u;
}

/* Locks l.  here: the M of this thread, or NULL.  slot: how many of these locks the thread holds
 * already. */
static inline void bias_lock_nth(struct bias_lock *l, struct m *here, unsigned slot)
{
    if (likely(here && slot < HOLDING_MAX)) {
        at_store_rlx(&here->holding[slot], (const void *)l); /* relaxed: ordered by the fence */
        rt_fence_often();
        if (likely(at_load_rlx(&l->word) == bias_word(here))) /* relaxed: this M had it last */
            return;
        at_store_rlx(&here->holding[slot], (const void *)NULL); /* relaxed: nothing was done */
    }
    bias_lock_slow(l);
}

/* Unlocks l, with what it was locked with. */
static inline void bias_unlock_nth(struct bias_lock *l, struct m *here, unsigned slot)
{
    if (likely(here && slot < HOLDING_MAX && here->holding[slot] == l))
        at_store_rel(&here->holding[slot], (const void *)NULL); /* [holding] */
    else
        bias_unlock_slow(l, here);
}

static inline void bias_lock(struct bias_lock *l, struct m *here)
{
    bias_lock_nth(l, here, 0);
}

static inline void bias_unlock(struct bias_lock *l, struct m *here)
{
    bias_unlock_nth(l, here, 0);
}

#endif
