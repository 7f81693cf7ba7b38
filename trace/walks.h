/* walks.h - stacks that are known without a walk; see walks.c. */
#ifndef TR_WALKS_H
#define TR_WALKS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "check.h"
#include "format.h"
#include "unwind.h"

enum {
    TR_WALK_SETS = 128, /* a power of two */
    TR_WALK_WAYS = 4,
    TR_WALK_WORDS = 28, /* a walk that reads more is not kept */
    TR_WALK_KEEP = 4,   /* misses in its set that it outlives without being used */
};

enum tr_walk_state {
    TR_WALK_NONE,
    TR_WALK_SEEN,    /* once: the next time its words are learned   */
    TR_WALK_KNOWN,   /* the words are there                         */
    TR_WALK_STRANGE, /* its walk depends on more than can be learned */
};

struct tr_walk {
    uintptr_t fp; /* of the frame, if by_fp, as a distance from sp */
    uint32_t id;  /* of the stack ... */
    uint32_t gen; /* ... in this recording */
    uint8_t state, worth, n;
    uint8_t max; /* frames that were asked for */
    bool by_fp;
    uint32_t inner;                 /* words that point into the stack: bits */
    uint32_t at[TR_WALK_WORDS];     /* where the words lie above sp */
    uintptr_t value[TR_WALK_WORDS]; /* of inner ones the distance from sp */
};
static_assert(TR_WALK_WORDS <= 32, "a bit for each");

/* Frames side by side: what is looked at first is in one cache line. */
struct tr_walk_set {
    uintptr_t pc[TR_WALK_WAYS], depth[TR_WALK_WAYS];
    struct tr_walk way[TR_WALK_WAYS];
} __attribute__((aligned(64)));

/* All by the thread whose stacks they are. */
struct tr_walks {
    uint32_t budget, turn;
    struct tr_walk_set set[TR_WALK_SETS];
};

/* Returns NULL when memory is short. */
struct tr_walks *tr_walks_new(void);
void tr_walks_free(struct tr_walks *t);

/* A frame that has called, on a stack that ends at top. */
struct tr_place {
    struct unwind_frame f;
    uintptr_t depth; /* top - f.sp */
};

static inline struct tr_walk_set *tr_walk_set(struct tr_walks *t, const struct tr_place *at)
{
    uint64_t h =
        (at->depth * UINT64_C(0x9e3779b97f4a7c15) ^ at->f.pc) * UINT64_C(0xbf58476d1ce4e5b9);
    return &t->set[h >> 32 & (TR_WALK_SETS - 1)];
}

/* Would a walk from f read w's words?  Requires: w is known, pc and depth are f's. */
static inline bool tr_walk_holds(const struct tr_walk *w, const struct unwind_frame *f)
{
    if (w->by_fp && w->fp != f->fp - f->sp)
        return false;
    for (unsigned i = 0; i < w->n; i++) {
        uintptr_t value = *(const uintptr_t *)(f->sp + w->at[i]);
        if (value - (w->inner >> i & 1 ? f->sp : 0) != w->value[i])
            return false;
    }
    return true;
}

/* Number in recording gen of the stack of a frame of this thread; 0 when it is not known. */
static inline uint32_t tr_walks_find(struct tr_walks *t, const struct tr_place *at, uint32_t gen)
{
    struct tr_walk_set *set = tr_walk_set(t, at);
    for (unsigned i = 0; i < TR_WALK_WAYS; i++) {
        struct tr_walk *w = &set->way[i];
        if (set->pc[i] != at->f.pc || set->depth[i] != at->depth)
            continue;
        if (w->state == TR_WALK_KNOWN && w->gen == gen && tr_walk_holds(w, &at->f)) {
            if (unlikely(w->worth != TR_WALK_KEEP))
                w->worth = TR_WALK_KEEP;
            return w->id;
        }
    }
    return 0;
}

/* What a walk of at most max frames has found just now where tr_walks_find() knew nothing: n pcs,
 * which have number id. */
void tr_walks_learn(struct tr_walks *t, const struct tr_place *at, const uintptr_t *pcs, size_t n,
                    size_t max, uint32_t id, uint32_t gen);

#endif
