/* runq.c - see runq.h.
 *
 * head and tail run freely and wrap; tail - head is the number queued.
 * I1  0 <= tail - head <= RUNQ_CAP.
 * I2  ring[i % RUNQ_CAP] is stable for head <= i < tail: the owner overwrites a cell only after it
 *     has seen, with acquire, a head beyond it.
 * [push]  the owner's release of tail publishes the cell and the goroutine to takers.
 * [take]  a taker's release of head says that it has read its cells, so that the owner may reuse
 *         them; takers read the cells before the CAS and drop what they read when it fails.
 *
 * A ring with head and tail in one word and a Chase-Lev deque were considered.  The deque gives the
 * owner the young end, and goroutines that were made ready first must run first. */
#include "runq.h"
#include "atomic.h"
#include "check.h"

bool runq_put(struct runq *q, struct g *g)
{
    uint32_t head = at_load_acq(&q->head); /* [take] cells before head have been read */
    uint32_t tail = at_load_rlx(&q->tail); /* relaxed: only this M writes it */
    if (tail - head >= RUNQ_CAP)
        return false;
    at_store_rlx(&q->ring[tail % RUNQ_CAP], g); /* relaxed: published by tail */
    at_store_rel(&q->tail, tail + 1);           /* [push] */
    return true;
}

struct g *runq_get(struct runq *q)
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

uint32_t runq_grab(struct runq *q, struct g **batch)
{
    for (;;) {
        uint32_t head = at_load_acq(&q->head); /* [take] */
        uint32_t tail = at_load_acq(&q->tail); /* [push] */
        uint32_t n = tail - head;
        n -= n / 2;
        if (n == 0)
            return 0;
        if (n > RUNQ_CAP / 2)
            continue; /* head and tail are of different moments */
        for (uint32_t i = 0; i < n; i++)
            /* relaxed: ordered by [push] */
            batch[i] = at_load_rlx(&q->ring[(head + i) % RUNQ_CAP]);
        if (at_cas_acq_rel(&q->head, head, head + n)) /* [take] */
            return n;
    }
}

uint32_t runq_len(const struct runq *q)
{
    /* relaxed: a hint; who takes looks again */
    uint32_t head = at_load_rlx(&q->head);
    uint32_t n = at_load_rlx(&q->tail) - head; /* relaxed: likewise */
    return n > RUNQ_CAP ? 0 : n;
}
