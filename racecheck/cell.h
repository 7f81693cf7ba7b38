/* cell.h - the state of one 8-byte word, and how an access changes it.
 *
 * A state is a set of accesses, none of which makes another superfluous.  It is held in a cell of
 * two words (w, site; see word.h).  One access lies in the cell itself; more lie in a struct past,
 * which the site word points to.  Then w is only a summary for the fast path: the epoch of the
 * last recorder and what its plain accesses in that epoch cover. */
#ifndef RC_CELL_H
#define RC_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "ctx.h"
#include "word.h"

struct entry {
    uint64_t w, site;
};

/* Never changes while more than one cell or memo refers to it, so that equal states of many cells
 * can share one. */
struct past {
    uint64_t link; /* the pool's */
    uint32_t refs; /* cells and memos that refer to it */
    uint32_t
        version; /* odd while the record is being written; changes with each use of the block */
    uint32_t n, cap;
    uint32_t head; /* of a crowd: see crowd.h */
    uint32_t tail_atomic;
    struct entry e[];
};

static inline struct past *past_of(uint64_t site)
{
    return (struct past *)(uintptr_t)(site & ~SITE_PAST);
}

void past_unref(struct past *p, uint32_t n);

/* An access to some bytes of a word. */
struct access {
    struct rc_ctx *c;
    uint64_t who;   /* c's epoch, with W_ATOMIC for atomic accesses */
    uint64_t masks; /* as in an access word */
    uint64_t site;  /* may have SITE_FREE; then masks are those of a free */
    uint32_t fill;  /* see fill.h; 0: none */
};

/* Earlier accesses that conflict with an access and are not ordered before it, and frees, ordered
 * or not.  Of very many only some are kept: the first ones, and then each that is the first for one
 * of the 8 bytes. */
enum { FOUND_FIRST = 8, FOUND_MAX = FOUND_FIRST + 8 };
struct found {
    unsigned n;
    unsigned bytes; /* those that have a race */
    struct entry e[FOUND_MAX];
};

/* The state after access a, which is checked against the state old.  Takes over old's reference to
 * a past and gives back one of the result's.  Adds races to found.  Caller holds the cell. */
struct entry cell_next(struct entry old, const struct access *a, struct found *found);

/* Some access in the state that *site_word names makes a needless to record.  who and masks are as
 * in struct access.  Needs no lock: reads again to see that the state was not changed meanwhile;
 * may say no when many accesses are recorded.  Requires: site has SITE_PAST. */
static inline bool cell_past_covers(const uint64_t *site_word, uint64_t site, uint64_t who,
                                    uint64_t masks)
{
    const struct past *p = past_of(site);
    uint32_t version = at_load_acq(&p->version); /* [past] */
    uint32_t n = at_load_acq(&p->n);             /* [past] */
    bool covers = false;
    for (uint32_t i = 0; i < n && i < 32 && !covers; i++) {
        uint64_t w = at_load_rlx(&p->e[i].w); /* relaxed: checked by the version below */
        covers = w_covers(w & ~(who & W_ATOMIC), who & ~W_ATOMIC, masks);
    }
    at_fence_acq(); /* [past] */
    return covers && (version & 1) == 0 &&
           at_load_rlx(&p->version) == version && /* relaxed: after the fence */
           at_load_rlx(site_word) == site;        /* relaxed: likewise */
}

/* The state has a past that nobody else refers to: no memo knows it.  Caller holds the cell. */
static inline bool cell_is_alone(struct entry old)
{
    return (old.site & SITE_PAST) && at_load_acq(&past_of(old.site)->refs) == 1; /* [past-last] */
}

/* What remains of e, an entry of the state, after a; 0: nothing.  Adds a race to found. */
uint64_t cell_check(struct entry e, const struct access *a, struct found *found);

/* The state without what it knows of the bytes in mask.  Takes over and gives back a reference. */
struct entry cell_without(struct entry old, unsigned mask);

/* The state without records that are like another one of it: same bytes and kind of access, same
 * stack, and a moment of the same class.  Takes over and gives back a reference; only changes
 * states of many records that one cell alone refers to. */
struct alike;
struct entry cell_merge(struct entry old, const struct alike *k);

/* Bytes in records of states with many of them. */
size_t cell_crowd_bytes(void);

/* Records in use: by cells, and by the memos of threads. */
size_t cell_pasts(void);

/* The state is no more needed. */
void cell_drop(struct entry old);

#endif
