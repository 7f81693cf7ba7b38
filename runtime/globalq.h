/* globalq.h - runnable goroutines that belong to no P.  All calls under the scheduler's lock, but
 * count. */
#ifndef RT_GLOBALQ_H
#define RT_GLOBALQ_H

#include <stdint.h>
#include "g.h"
#include "runq.h"

/* Zero bytes are an empty queue. */
struct globalq {
    struct g *head, *tail; /* single goroutines, oldest first */
    struct g *young, *old; /* batches: their first goroutines */
    uint32_t count;        /* goroutines in both; written under the lock, read relaxed */
};

/* Number queued.  Without the lock a hint: who sees 0 looks again under the lock before
 * sleeping. */
static inline uint32_t globalq_count(const struct globalq *q)
{
    return at_load_rlx(&q->count); /* relaxed: see the header; ordered by the fences of [wake] */
}

/* Appends one goroutine. */
void globalq_put(struct globalq *q, struct g *g);

/* Links n goroutines for globalq_put_batch().  Without any lock. */
void globalq_chain(struct g **batch, uint32_t n);

/* Adds a batch: count goroutines linked by next, at most RUNQ_CAP / 2 + 1. */
void globalq_put_batch(struct globalq *q, struct g *first, uint32_t count);

/* Takes the oldest single goroutine or the oldest of the oldest batch, in turn by round; or
 * NULL. */
struct g *globalq_take_one(struct globalq *q, uint32_t round);

/* Takes a share (of shares) of the singles, or the youngest batch: the rest goes to the empty ring
 * to; returns the first, or NULL. */
struct g *globalq_take_many(struct globalq *q, struct runq *to, uint32_t shares);

#endif
