/* vclock.h - vector clocks as persistent tries.
 *
 * A clock maps every slot to a number, 0 at first.  It is the root of a tree: leaves hold 64
 * numbers, inner nodes 16 children, as many levels as the highest slot needs.  Nodes are shared
 * between clocks and counted; a node that more than one holder can reach never changes.  So a copy
 * costs one increment, and a join visits only what the two clocks do not share: its price is what
 * changed.
 *
 * A snap is a clock plus two epochs apart from it, each of which stands for (slot -> clock).  One
 * is the moment it was taken: a context's clock is a snap whose epoch is its present, and released
 * into an object it is copied in O(1).  The other is what was learned last: flows that take turns
 * change it again and again, and share a trie that nobody copies. */
#ifndef RC_VCLOCK_H
#define RC_VCLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "check.h"
#include "word.h"

struct vc_node;

/* All functions that take `struct vc_node *a` and return a node consume the caller's reference of a
 * and give back one of the result.  NULL is the clock of zeros. */

struct vc_node *vc_ref(struct vc_node *a);
void vc_unref(struct vc_node *a);

uint32_t vc_get(const struct vc_node *a, uint32_t slot);

/* a[slot] = max(a[slot], clock) */
struct vc_node *vc_raise(struct vc_node *a, uint32_t slot, uint32_t clock);

/* for all i: a[i] = max(a[i], b[i]); b is only borrowed */
struct vc_node *vc_join(struct vc_node *a, struct vc_node *b);

/* Nodes in use by all clocks. */
size_t vc_nodes(void);

/* Sums over many clocks at once: vc_weigh() gives a clock a weight, and vc_weigh_end() calls visit
 * for each leaf (clocks of n slots from the given one) with the sum of the weights of all clocks
 * that it is a part of.  Each node is looked at once.  Requires: the caller holds references to the
 * clocks, and nobody else weighs. */
struct vc_weighing *vc_weigh_begin(void);
void vc_weigh(struct vc_weighing *w, struct vc_node *a, uint64_t weight);
void vc_weigh_end(struct vc_weighing *w,
                  void (*visit)(uint32_t slot, const uint32_t *clock, uint32_t n, uint64_t weight,
                                void *arg),
                  void *arg);

struct snap {
    struct vc_node *vc;
    uint64_t epoch; /* 0: none.  Not 0: the snap is all that its owner knew at that moment */
    uint64_t late;  /* 0: none.  Not 0: higher than vc in its slot */
};

static inline bool snap_empty(const struct snap *s)
{
    return s->vc == NULL && s->epoch == 0 && s->late == 0;
}

/* From that epoch on its slot belongs to a flow that does not know what the slot's earlier ones
 * knew.  Requires: nobody knows the epoch yet. */
void vc_break(uint64_t epoch);

extern uint32_t *vc_breaks; /* by slot: clock of the last break; NULL before the first */

/* dst = src */
void snap_copy(struct snap *dst, const struct snap *src);
void snap_clear(struct snap *s);

/* s knows that the epoch (an access word or an epoch) has happened. */
static inline bool snap_knows(const struct snap *s, uint64_t w)
{
    uint32_t slot = w_slot(w), clock = w_clock(w);
    if (slot == w_slot(s->epoch) && clock <= w_clock(s->epoch))
        return true;
    if (slot == w_slot(s->late))
        return clock <= w_clock(s->late);
    return clock <= vc_get(s->vc, slot);
}

/* s knows all that the epoch's owner knew at that moment, by knowing the moment itself.  May say no
 * where that is so, but never yes where it is not. */
static inline bool snap_implies(const struct snap *s, uint64_t epoch)
{
    const uint32_t *breaks = at_load_rlx(&vc_breaks); /* relaxed: see vc_break() */
    if (unlikely(breaks != NULL) && w_clock(epoch) < at_load_rlx(&breaks[w_slot(epoch)]))
        return false; /* relaxed: likewise */
    return snap_knows(s, epoch);
}

/* dst joins src, keeping its own epoch. */
void snap_acquire(struct snap *dst, const struct snap *src);

/* dst joins src; its epoch remains, or becomes src's, only where the promise of struct snap holds.
 * */
void snap_merge(struct snap *dst, const struct snap *src);

/* ---- a flow's own clock ----
 *
 * Origins are a few moments which, with the flow's present one, imply all that the flow knows.  Who
 * knows them needs no join to learn from it, and it learns from who knows them by taking over
 * their clock.  Two sets are kept: the moments of others since the flow began, and those since its
 * own last release, with that one. */
enum { ORIGINS = 4, ORIGINS_UNKNOWN = ORIGINS + 1 };

struct origins {
    unsigned n; /* or ORIGINS_UNKNOWN */
    uint64_t epoch[ORIGINS];
};

struct flow_clock {
    struct snap now; /* now.epoch: the flow's present moment, never 0 */
    struct origins since_begin, since_release;
};

/* c's present moment was released and ends.  Requires: the slot has a further clock. */
static inline void flow_tick(struct flow_clock *c)
{
    c->since_release.n = 1;
    c->since_release.epoch[0] = c->now.epoch;
    c->now.epoch += UINT64_C(1) << W_CLOCK_SHIFT;
}

/* c, whose clock is still empty, begins after the present of by. */
void flow_begin(struct flow_clock *c, struct flow_clock *by);

/* c goes on in another slot. */
void flow_move(struct flow_clock *c, uint64_t epoch);

/* c learns all of src. */
void flow_acquire(struct flow_clock *c, const struct snap *src);

/* dst learns all of c. */
void flow_release_merge(const struct flow_clock *c, struct snap *dst);

#endif
