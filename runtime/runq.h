/* runq.h - queue of runnable goroutines of one P.
 *
 * A ring that its P fills and anybody empties.  Only the M that holds the P calls
 * put; get and grab may run at the same time on different Ms.  runq.c has the invariants. */
#ifndef RT_RUNQ_H
#define RT_RUNQ_H

#include <stdbool.h>
#include <stdint.h>
#include "atomic.h"
#include "g.h"

/* Small, so that programs that start goroutines recursively go deep early (globalq.c): a tree of a
 * million goroutines takes 0.8 of the time that it takes with 256. */
#ifndef RUNQ_CELLS /* tests/model has fewer */
#define RUNQ_CELLS 64
#endif
enum { RUNQ_CAP = RUNQ_CELLS };

struct runq {
    uint32_t head __attribute__((aligned(64))); /* next to take; CAS by takers */
    uint32_t tail;                              /* next to fill; by the P's M */
    struct g *ring[RUNQ_CAP];
};

/* Appends g; false when the ring is full. */
static inline bool runq_put(struct runq *q, struct g *g)
{
    uint32_t head = at_load_acq(&q->head); /* [take] cells before head have been read */
    uint32_t tail = at_load_rlx(&q->tail); /* relaxed: only this M writes it */
    if (tail - head >= RUNQ_CAP)
        return false;
    at_store_rlx(&q->ring[tail % RUNQ_CAP], g); /* relaxed: published by tail */
    at_store_rel(&q->tail, tail + 1);           /* [push] */
    return true;
}

/* Takes the oldest, or NULL. */
static inline struct g *runq_get(struct runq *q)
{
    for (;;) {
        uint32_t head = at_load_acq(&q->head); /* [take] pairs with other takers */
        uint32_t tail = at_load_acq(&q->tail); /* [push] */
        if (tail == head)
            return NULL;
        struct g *g = at_load_rlx(&q->ring[head % RUNQ_CAP]); /* relaxed: ordered by [push] */
        if (at_cas_acq_rel(&q->head, head, head + 1))         /* [take] */
            return g;
    }
}

/* Takes half of the queue (rounded up) off its old end into batch, which has room for RUNQ_CAP / 2;
 * returns how many.  Used by thieves, and by the owner when the ring is full. */
uint32_t runq_grab(struct runq *q, struct g **batch);

/* Number queued; exact for the P's M when nobody steals, else a hint. */
static inline uint32_t runq_len(const struct runq *q)
{
    /* relaxed: a hint; who takes looks again */
    uint32_t head = at_load_rlx(&q->head);
    uint32_t n = at_load_rlx(&q->tail) - head; /* relaxed: likewise */
    return n > RUNQ_CAP ? 0 : n;
}

#endif
