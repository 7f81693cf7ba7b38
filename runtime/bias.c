/* bias.c - biased locks without the bias; see bias.h.
 *
 *     BL_HELD     somebody holds it who has no bias.  Exact.
 *     BL_BIASED   the M in the upper bits holds it, or nobody.
 *     BL_AGAIN    a bias was taken away: the next one is to come late.
 *     upper bits  which M had it last, and how often in a row; written by who holds it
 *
 * Who takes the bias away gets the lock by the same step, and waits until the M has left it. */
#include "bias.h"
#include "atomic.h"
#include "scheduler.h"

#define BL_HELD   1u
#define BL_BIASED 2u
#define BL_AGAIN  4u

enum { WHO_SHIFT = 3, ROW_SHIFT = WHO_SHIFT + BIAS_WHO_BITS };

/* Waits until the M that l was biased to does not hold it. */
static void wait_until_left(const struct bias_lock *l)
{
    rt_fence_all(); /* [holding] who looked at the word before has said so */
    for (struct m *m = worker_all(); m; m = m->next_all)
        for (unsigned slot = 0, round = 0; slot < HOLDING_MAX; slot++)
            while (at_load_acq(&m->holding[slot]) == l) /* [holding] */
                rt_lock_pause(round++);
}

void bias_lock_slow(struct bias_lock *l)
{
    for (unsigned round = 0;; round++) {
        uint32_t s = at_load_rlx(&l->word); /* relaxed: the CAS decides */
        if (s & BL_BIASED) {
            if (at_cas_acq(&l->word, s, BL_HELD | BL_AGAIN)) { /* [lock] */
                wait_until_left(l);
                return;
            }
        } else if (!(s & BL_HELD)) {
            if (at_cas_acq(&l->word, s, s | BL_HELD)) /* [lock] */
                return;
        } else {
            rt_lock_pause(round);
        }
    }
}

/* What the word s of a lock becomes when here (NULL: a plain thread) leaves it. */
static uint32_t word_left(uint32_t s, const struct m *here)
{
    uint32_t who = bias_who(here), again = s & BL_AGAIN, row = s >> ROW_SHIFT;
    if (who == 0)
        return again;
    row = (s >> WHO_SHIFT & ((1u << BIAS_WHO_BITS) - 1)) == who ? row + 1 : 1;
    if (row >= (again ? BIAS_AGAIN_AFTER : BIAS_AFTER) || (!again && rt_nprocs() == 1))
        return bias_word(here);
    return row << ROW_SHIFT | who << WHO_SHIFT | again;
}

void bias_unlock_slow(struct bias_lock *l, const struct m *here)
{
    uint32_t s = at_load_rlx(&l->word); /* relaxed: we hold it */
    rt_assert(s & BL_HELD);
    at_store_rel(&l->word, word_left(s, here)); /* [lock] */
}
