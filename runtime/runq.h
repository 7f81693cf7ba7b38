/* runq.h - queue of runnable goroutines of one P.
 *
 * A ring that its P fills and anybody empties.  Only the M that holds the P calls put and
 * put_batch; get and steal may run at the same time on different Ms. */
#ifndef RT_RUNQ_H
#define RT_RUNQ_H

#include <stdbool.h>
#include <stdint.h>
#include "g.h"

/* Small, so that programs that start goroutines recursively go deep early (globalq.c): a tree of a
 * million goroutines takes 0.8 of the time that it takes with 256. */
enum { RUNQ_CAP = 64 };

struct runq {
    uint32_t head __attribute__((aligned(64))); /* next to take; CAS by takers */
    uint32_t tail;                              /* next to fill; by the P's M */
    struct g *ring[RUNQ_CAP];
};

/* Appends g; false when the ring is full. */
bool runq_put(struct runq *q, struct g *g);

/* Takes the oldest, or NULL. */
struct g *runq_get(struct runq *q);

/* Takes half of the queue (rounded up) off its old end into batch, which has room for RUNQ_CAP / 2;
 * returns how many.  Used by thieves, and by the owner when the ring is full. */
uint32_t runq_grab(struct runq *q, struct g **batch);

/* Number queued; exact for the P's M when nobody steals, else a hint. */
uint32_t runq_len(const struct runq *q);

#endif
