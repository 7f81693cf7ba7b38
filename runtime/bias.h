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
 * some thousands), nor have plain threads. */
#ifndef RT_BIAS_H
#define RT_BIAS_H

#include "fence.h"
#include "proc.h"

enum {
    BIAS_WHO_BITS = 14, /* a word has room for these and for 10 bits that count */
#ifndef BIAS_AFTER      /* tests/model has fewer */
    BIAS_AFTER = 64,
    BIAS_AGAIN_AFTER = 1000,
#endif
};

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

#endif
