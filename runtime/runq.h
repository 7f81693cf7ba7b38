/* runq.h - queue of runnable goroutines of one P.
 *
 * A ring that its P fills and empties; others steal from it.  Only the M that holds the P (the
 * owner) calls put, get and spill; steal may run at the same time on any other M.  runq.c has the
 * invariants. */
#ifndef RT_RUNQ_H
#define RT_RUNQ_H

#include <stdbool.h>
#include <stdint.h>
#include "atomic.h"
#include "fence.h"
#include "g.h"

/* Small, so that programs that start goroutines recursively go deep early (globalq.c): a tree of a
 * million goroutines takes 0.8 of the time that it takes with 256. */
#ifndef RUNQ_CELLS /* tests/model has fewer */
#define RUNQ_CELLS 64
#endif
enum { RUNQ_CAP = RUNQ_CELLS };

struct runq {
    uint32_t head __attribute__((aligned(64))); /* next to take; by the owner, or see robbed */
    uint32_t tail;                              /* next to fill; by the owner */
    uint32_t getting;                           /* 1: the owner takes by plain stores [steal] */
    uint32_t robbed;                            /* 1: head is changed by CAS only [steal] */
    struct g *ring[RUNQ_CAP];
};

/* Owner: appends g; false when the ring is full. */
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

/* runq_get() while somebody steals. */
struct g *runq_get_robbed(struct runq *q);

/* Owner: takes the oldest, or NULL. */
static inline struct g *runq_get(struct runq *q)
{
    uint32_t tail = at_load_rlx(&q->tail); /* relaxed: only this M writes it */
    if (at_load_rlx(&q->head) == tail)     /* relaxed: thieves only move it on, up to tail */
        return NULL;
    at_store_rlx(&q->getting, 1u); /* relaxed: ordered by the fence */
    rt_fence_often();
    if (unlikely(at_load_acq(&q->robbed))) /* [steal] 0: the last thief has moved head */
        return runq_get_robbed(q);
    struct g *g = NULL;
    uint32_t head = at_load_rlx(&q->head); /* relaxed: nobody else writes it now */
    if (likely(head != tail)) {
        g = at_load_rlx(&q->ring[head % RUNQ_CAP]); /* relaxed: this M has put it there */
        at_store_rlx(&q->head, head + 1);           /* relaxed: published by getting */
    }
    at_store_rel(&q->getting, 0u); /* [steal] head has been moved */
    return g;
}

/* Owner: takes the oldest and appends g, as runq_get() and runq_put() would, for less.  NULL, and
 * nothing has been done, when the queue is empty or somebody steals. */
static inline struct g *runq_turn(struct runq *q, struct g *g)
{
    struct g *next = NULL;
    uint32_t tail = at_load_rlx(&q->tail); /* relaxed: only this M writes it */
    if (at_load_rlx(&q->head) == tail)     /* relaxed: thieves only move it on, up to tail */
        return NULL;
    at_store_rlx(&q->getting, 1u); /* relaxed: ordered by the fence */
    rt_fence_often();
    if (likely(!at_load_acq(&q->robbed))) {    /* [steal] 0: thieves have read all before head */
        uint32_t head = at_load_rlx(&q->head); /* relaxed: nobody else writes it now */
        if (likely(head != tail)) {
            next = at_load_rlx(&q->ring[head % RUNQ_CAP]); /* relaxed: this M has put it there */
            at_store_rlx(&q->head, head + 1);              /* relaxed: published by getting */
            at_store_rlx(&q->ring[tail % RUNQ_CAP], g);    /* relaxed: likewise */
            at_store_rlx(&q->tail, tail + 1);              /* relaxed: likewise */
        }
    }
    at_store_rel(&q->getting, 0u); /* [steal] head has been moved, and g is there */
    return next;
}

/* Owner: the one that runq_get() returns next, or any other or NULL; not to be looked into. */
static inline struct g *runq_peek(const struct runq *q)
{
    /* relaxed: a hint */
    return at_load_rlx(&q->ring[at_load_rlx(&q->head) % RUNQ_CAP]);
}

/* Another M takes half of the queue (rounded up) off its old end into batch, which has room for
 * RUNQ_CAP / 2; returns how many, 0 also when the owner or another thief is taking just now. */
uint32_t runq_steal(struct runq *q, struct g **batch);

/* Owner: takes the same, because the ring is full. */
uint32_t runq_spill(struct runq *q, struct g **batch);

/* Number queued; exact for the P's M when nobody steals, else a hint. */
static inline uint32_t runq_len(const struct runq *q)
{
    /* relaxed: a hint; who takes looks again */
    uint32_t head = at_load_rlx(&q->head);
    uint32_t n = at_load_rlx(&q->tail) - head; /* relaxed: likewise */
    return n > RUNQ_CAP ? 0 : n;
}

#endif
