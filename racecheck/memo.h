/* memo.h - transitions that a thread has just made, to make again at once.
 *
 * A loop over an array does the same thing to word after word: the same state meets the same access
 * and becomes the same next state.  Each thread remembers some transitions, and for each which one
 * came after it; a repetition costs a compare, and the words share one struct past.  A remembered
 * transition had no race, and has none now: the key holds the epoch, and within an epoch a clock
 * only grows. */
#ifndef RC_MEMO_H
#define RC_MEMO_H

#include <string.h>

#include "atomic.h"
#include "cell.h"
#include "check.h"

enum { MEMO_SHIFT_MIN = 8, MEMO_SHIFT_MAX = 12, MEMO_MAX = 1 << MEMO_SHIFT_MAX, MEMO_BATCH = 64 };

struct memo {
    struct entry old, next;
    uint64_t who, masks, site; /* the access; who == 0: empty */
    uint32_t credit;           /* references to next's past that nobody has yet */
    uint32_t debt;             /* references to old's past that the entry has besides its own */
    struct memo *then;         /* the one that was used after this one the last time */
};

/* Fresh pages, of which only the first places of each table are used. */
struct memo_table {
    unsigned shift; /* 1 << shift places */
    uint32_t crowded;
    struct memo memo[MEMO_MAX];
    uint64_t tag[MEMO_MAX];
    struct past *kept[MEMO_MAX]; /* by contents; each holds a reference */
};

extern __thread struct memo_table *memo_mine __attribute__((tls_model("initial-exec")));

static inline uint64_t memo_mix(uint64_t h)
{
    return h * UINT64_C(0x9e3779b97f4a7c15);
}

/* The one that the calling thread used last; never NULL. */
extern __thread struct memo *memo_last __attribute__((tls_model("initial-exec")));

static inline bool memo_is(const struct memo *m, struct entry old, uint64_t who, uint64_t masks,
                           uint64_t site)
{
    return m->old.w == old.w && m->old.site == old.site && m->who == who && m->site == site &&
           m->masks == masks;
}

/* More references for m to give away; m collects no more. */
void memo_borrow(struct memo *m);
void memo_repay(struct memo *m);

/* The next state by m, whose old state is that of a cell.  Takes over and gives back references as
 * cell_next() does. */
static inline struct entry memo_use(struct memo *m)
{
    if (m->next.site & SITE_PAST) {
        if (unlikely(m->credit == 0))
            memo_borrow(m);
        m->credit--;
    }
    if ((m->old.site & SITE_PAST) && unlikely(++m->debt == MEMO_BATCH))
        memo_repay(m);
    memo_last = m;
    return m->next;
}

/* The transition, if it is remembered, or NULL. */
struct memo *memo_look_up(struct entry old, const struct access *a);

/* The next state when it is remembered.  False: unknown. */
static inline bool memo_find(struct entry old, const struct access *a, struct entry *ret_next)
{
    struct memo *m = memo_look_up(old, a);
    if (m)
        *ret_next = memo_use(m);
    return m != NULL;
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

/* All threads' tables, as far as they are used. */
uint64_t memo_bytes(void);

/* Forgets everything of the calling thread and gives back its memory. */
void memo_thread_fini(void);

#endif
