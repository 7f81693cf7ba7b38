/* memo.h - transitions that a thread has just made, to make again at once.
 *
 * A loop over an array does the same thing to word after word: the same state meets the same access
 * and becomes the same next state.  Each thread remembers some transitions; a repetition costs a
 * compare, and the words share one struct past.  A remembered transition had no race, and has none
 * now: the key holds the epoch, and within an epoch a clock only grows. */
#ifndef RC_MEMO_H
#define RC_MEMO_H

#include <string.h>

#include "atomic.h"
#include "cell.h"

enum { MEMO_SHIFT = 8, MEMO_ENTRIES = 1 << MEMO_SHIFT, MEMO_BATCH = 64 };

struct memo {
    struct entry old, next;
    uint64_t who, masks, site; /* the access; who == 0: empty */
    uint32_t credit;           /* references to next's past that nobody has yet */
    uint32_t debt;             /* references to old's past that the entry has besides its own */
};

struct memo_table {
    struct memo memo[MEMO_ENTRIES];
    uint64_t tag[MEMO_ENTRIES];
    struct past *kept[MEMO_ENTRIES]; /* by contents; each holds a reference */
};

extern __thread struct memo_table *memo_mine __attribute__((tls_model("initial-exec")));

static inline uint64_t memo_mix(uint64_t h)
{
    return h * UINT64_C(0x9e3779b97f4a7c15);
}

/* Where the transition would be: there, or in the neighbour (its place xor 1).  The unrolled loops
 * of compilers repeat several transitions in turn; two of them must not drive each other out. */
static inline struct memo *memo_place(struct entry old, const struct access *a)
{
    uint64_t h = memo_mix(old.w ^ old.site >> 4 ^ a->site << 20 ^ a->masks << 7);
    return &memo_mine->memo[h >> (64 - MEMO_SHIFT)];
}

static inline bool memo_is(const struct memo *m, struct entry old, const struct access *a)
{
    return m->old.w == old.w && m->old.site == old.site && m->who == a->who && m->site == a->site &&
           m->masks == a->masks;
}

/* The next state when it is remembered; takes over and gives back references as cell_next() does.
 * False: unknown. */
static inline bool memo_find(struct entry old, const struct access *a, struct entry *ret_next)
{
    if (memo_mine == NULL)
        return false;
    struct memo *m = memo_place(old, a);
    if (!memo_is(m, old, a)) {
        m = &memo_mine->memo[(m - memo_mine->memo) ^ 1];
        if (!memo_is(m, old, a))
            return false;
    }
    if (m->next.site & SITE_PAST) {
        if (m->credit == 0) {
            at_add_rlx(&past_of(m->next.site)->refs,
                       (uint32_t)MEMO_BATCH); /* relaxed: we hold one */
            m->credit = MEMO_BATCH;
        }
        m->credit--;
    }
    if ((old.site & SITE_PAST) && ++m->debt == MEMO_BATCH) {
        past_unref(past_of(old.site), MEMO_BATCH);
        m->debt = 0;
    }
    *ret_next = m->next;
    return true;
}

/* a's place in the program makes a transition that memo_find() did not know.  True when it did so
 * before in this epoch: then it is worth to remember. */
bool memo_again(const struct access *a);

/* old became next by a, without a race.  The caller still has its references to both pasts; none
 * is taken over. */
void memo_learn(struct entry old, const struct access *a, struct entry next);

/* A past with just these entries that this thread kept lately, with a reference for the caller, or
 * NULL.  So equal states come to share one past again, whatever way they took. */
struct past *memo_same(const struct entry *e, uint32_t n);

/* p may be found by memo_same() from now on. */
void memo_keep(struct past *p);

/* Forgets everything of the calling thread and gives back its memory. */
void memo_thread_fini(void);

#endif
