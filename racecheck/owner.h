/* owner.h - who may change the cells of a page without locked instructions.
 *
 * Most memory is used by one thread.  So each page of 4 KiB belongs at first to the thread that
 * first changes a cell of it; that thread changes them with plain loads and stores, between
 * owner_enter() and owner_leave().  When another thread wants to change one, it takes the page from
 * its owner, for good: then the page is shared, and a cell is changed by who exchanged its first
 * word (shadow.c).
 *
 * It is the thread that owns, not the context which it runs.  A thread is inside while it changes
 * cells, on shared pages too: a signal handler that finds its thread inside records nothing. */
#ifndef RC_OWNER_H
#define RC_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "check.h"
#include "gate.h"

enum { OWNER_SHIFT = 12, OWNER_PAGE = 1 << OWNER_SHIFT };

/* A page's word: one of these, or the id of the thread that owns it. */
enum {
    OWNER_NONE,    /* no cell was ever changed.         -> an id or SHARED, by who comes first */
    OWNER_SHARED,  /* cells are taken one by one.       for ever */
    OWNER_LEAVING, /* somebody takes or borrows it.     -> SHARED, or back, by the same */
    OWNER_FIRST,   /* the lowest id.                    -> LEAVING by any other thread */
};
/* Or this with a number: see fill.h.  From NONE; -> LEAVING and SHARED, or NONE, by who spreads or
 * drops the fill. */
#define OWNER_FILLED (UINT32_C(1) << 31)

struct owner {
    uint32_t id;    /* of the thread; OWNER_NOBODY before it has one */
    uint32_t turns; /* odd while the thread is between enter and leave; written by it alone */
} __attribute__((aligned(64)));

enum { OWNER_NOBODY = -1 }; /* no page's word */

extern __thread struct owner *owner_mine __attribute__((tls_model("initial-exec")));

/* owner_enter() for a page that neither belongs to the thread nor is shared. */
bool owner_enter_slow(uint32_t *page);

/* The calling thread goes inside.  True: it owns the page and may change its cells until
 * owner_leave(); nobody else reads more of them than single words.  False: the page is shared.
 * Requires: the thread is not inside. */
static inline bool owner_enter(uint32_t *page)
{
    struct owner *o = owner_mine;
    uint32_t w = at_load_acq(page); /* [owner] */
    if (likely(w == o->id) || likely(w == OWNER_SHARED && o->id != (uint32_t)OWNER_NOBODY)) {
        at_store_rlx(&o->turns, o->turns + 1); /* relaxed: before the load, by [fence-all] */
        __asm__ volatile("" ::: "memory");     /* the fence is revoke()'s: [fence-all] */
        /* [owner] after who had borrowed it; relaxed: the gate's flag, by the fence [gate] */
        if (likely(at_load_acq(page) == w) && likely(at_load_rlx(&gate_mine) == 0))
            return w != OWNER_SHARED;
        at_store_rel(&o->turns, o->turns + 1); /* [turn] */
    }
    return owner_enter_slow(page);
}

static inline void owner_leave(void)
{
    struct owner *o = owner_mine;
    at_store_rel(&o->turns, o->turns + 1); /* [turn] */
}

/* The thread is between enter and leave: this is a signal handler. */
static inline bool owner_is_inside(void)
{
    return (owner_mine->turns & 1) != 0 && owner_mine->id != (uint32_t)OWNER_NOBODY;
}

/* owner_enter() without waiting, and also where the thread may be inside.  OTHER: neither of the
 * two, and it is as it was. */
enum owner_page { OWNER_PAGE_OTHER, OWNER_PAGE_MINE, OWNER_PAGE_SHARED };
static inline enum owner_page owner_enter_now(const uint32_t *page)
{
    struct owner *o = owner_mine;
    uint32_t turns = o->turns;
    if (unlikely(turns & 1)) /* inside, or nobody */
        return OWNER_PAGE_OTHER;
    at_store_rlx(&o->turns, turns + 1);               /* relaxed: as in owner_enter() */
    __asm__ volatile("" ::: "memory");                /* the fence is revoke()'s: [fence-all] */
    uint32_t w = at_load_acq(page);                   /* [owner] after who had borrowed it */
    bool open = likely(at_load_rlx(&gate_mine) == 0); /* relaxed: by the fence [gate] */
    if (likely(w == o->id) && open)
        return OWNER_PAGE_MINE;
    if (likely(w == OWNER_SHARED) && open)
        return OWNER_PAGE_SHARED;
    at_store_rel(&o->turns, turns + 2); /* [turn] */
    return OWNER_PAGE_OTHER;
}

/* ---- looking at all pages ---- */

enum { OWNER_TOGETHER = 16 }; /* neighbours that change hands at once */

struct owner_loan {
    uint32_t *first;              /* OWNER_TOGETHER pages' words, at a multiple of their size */
    uint32_t was[OWNER_TOGETHER]; /* whose a page is that was borrowed, or OWNER_NONE */
};

/* The calling thread goes inside, for all these pages at once; their owners wait until
 * owner_give_back(), which is to come soon.  Requires: the thread is not inside. */
void owner_borrow(struct owner_loan *l, uint32_t *first);

/* What may be done to the cells of the i-th page meanwhile. */
enum owner_may {
    OWNER_MAY_NOT,    /* nobody had changed any when the page was borrowed */
    OWNER_MAY_TAKE,   /* take them one by one */
    OWNER_MAY_CHANGE, /* change them plainly */
};
enum owner_may owner_may(const struct owner_loan *l, unsigned i);

void owner_give_back(const struct owner_loan *l);

/* The thread ends; another one may get its id, and its pages with it. */
void owner_thread_fini(void);

/* In the child of a fork(): no other thread is left. */
void owner_forked(void);

/* Pages taken from their owners so far. */
uint32_t owner_revoked(void);

#endif
