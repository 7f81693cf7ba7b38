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
