/* walks.h - stacks that are known without a walk; see walks.c. */
#ifndef TR_WALKS_H
#define TR_WALKS_H

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
    uintptr_t fp; /* of the frame, if by_fp */
    uint32_t id;  /* of the stack ... */
    uint32_t gen; /* ... in this recording */
    uint8_t state, worth, n;
    bool by_fp;
    uint32_t at[TR_WALK_WORDS]; /* where the words lie above sp */
    uintptr_t value[TR_WALK_WORDS];
};

/* Frames side by side: what is looked at first is in one cache line. */
struct tr_walk_set {
    uintptr_t pc[TR_WALK_WAYS], sp[TR_WALK_WAYS];
    struct tr_walk way[TR_WALK_WAYS];
};

/* All by the thread whose stacks they are. */
struct tr_walks {
    uint32_t budget, turn;
    struct tr_walk_set set[TR_WALK_SETS] __attribute__((aligned(64)));
};

/* Returns NULL when memory is short. */
struct tr_walks *tr_walks_new(void);
void tr_walks_free(struct tr_walks *t);

static inline struct tr_walk_set *tr_walk_set(struct tr_walks *t, const struct unwind_frame *f)
{
    uint64_t h = (f->sp * UINT64_C(0x9e3779b97f4a7c15) ^ f->pc) * UINT64_C(0xbf58476d1ce4e5b9);
    return &t->set[h >> 32 & (TR_WALK_SETS - 1)];
}

/* Would a walk from f read w's words?  Requires: w is known, pc and sp are f's. */
static inline bool tr_walk_holds(const struct tr_walk *w, const struct unwind_frame *f)
{
    if (w->by_fp && w->fp != f->fp)
        return false;
    for (unsigned i = 0; i < w->n; i++)
        if (*(const uintptr_t *)(f->sp + w->at[i]) != w->value[i])
            return false;
    return true;
}

/* Number in recording gen of the stack of f, a frame of this thread that has called; 0 when it is
 * not known. */
static inline uint32_t tr_walks_find(struct tr_walks *t, const struct unwind_frame *f, uint32_t gen)
{
    struct tr_walk_set *set = tr_walk_set(t, f);
    for (unsigned i = 0; i < TR_WALK_WAYS; i++) {
        struct tr_walk *w = &set->way[i];
        if (set->pc[i] != f->pc || set->sp[i] != f->sp)
            continue;
        if (w->state == TR_WALK_KNOWN && w->gen == gen && tr_walk_holds(w, f)) {
            if (unlikely(w->worth != TR_WALK_KEEP))
                w->worth = TR_WALK_KEEP;
            return w->id;
        }
    }
    return 0;
}

/* What a walk of at most max frames has found just now where tr_walks_find() knew nothing: n pcs,
 * which have number id. */
void tr_walks_learn(struct tr_walks *t, const struct unwind_frame *f, const uintptr_t *pcs,
                    size_t n, size_t max, uint32_t id, uint32_t gen);

#endif
