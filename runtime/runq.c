/* runq.c - see runq.h.
 *
 * head and tail run freely and wrap; tail - head is the number queued.
 * I1  0 <= tail - head <= RUNQ_CAP.
 * I2  ring[i % RUNQ_CAP] is stable for head <= i < tail: the owner overwrites a cell only after it
 *     has seen, with acquire, a head beyond it, or while getting is 1 and robbed 0.
 * I3  head is changed by plain stores only while getting is 1, by the owner, which then found
 *     robbed to be 0; else by compare-and-swap, which is right at any other time.
 * [push]  the owner's release of tail publishes the cell and the goroutine to thieves.
 * [take]  a thief's release of head says that it has read its cells, so that the owner may reuse
 *         them; it reads the cells before the CAS and drops what it read when that fails.
 *
 * A locked instruction would be a third of a switch of goroutines, so the owner takes without one,
 * and thieves, who come seldom, have the fence for both (base/fence.h):
 *     owner   getting = 1;                       robbed?   by CAS, else head++;   getting = 0
 *     thief   robbed = 1;  fence on all threads; getting?  give up, else by CAS;  robbed = 0
 * [steal]  Either the thief sees that the owner is getting, or the owner sees that it is robbed.
 * One thief at a time: who finds robbed set goes elsewhere.  Nobody waits for anybody.
 *
 * A ring with head and tail in one word and a Chase-Lev deque were considered.  The deque gives the
 * owner the young end, and goroutines that were made ready first must run first. */
#include "runq.h"
#include "atomic.h"
#include "check.h"
#include "fence.h"

/* Moves head on by half of the queue, one at least, or by at most one; returns what it passed. */
static uint32_t take_shared(struct runq *q, struct g **batch, bool half)
{
    for (;;) {
        uint32_t head = at_load_acq(&q->head); /* [take] */
        uint32_t tail = at_load_acq(&q->tail); /* [push] */
        uint32_t n = tail - head;
        n = half ? n - n / 2 : n > 0;
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

struct g *runq_get_robbed(struct runq *q)
{
    struct g *g;
    at_store_rlx(&q->getting, 0u); /* relaxed: head has not been touched */
    return take_shared(q, &g, false) ? g : NULL;
}

uint32_t runq_spill(struct runq *q, struct g **batch)
{
    return take_shared(q, batch, true);
}

uint32_t runq_steal(struct runq *q, struct g **batch)
{
    uint32_t n = 0;
    if (runq_len(q) == 0 || at_load_rlx(&q->robbed) || /* relaxed: a hint */
        at_xchg_acq(&q->robbed, 1u))                   /* [steal] by another thief */
        return 0;
    rt_fence_all();
    if (!at_load_acq(&q->getting)) /* [steal] 0: what the owner did to head is seen */
        n = take_shared(q, batch, true);
    at_store_rel(&q->robbed, 0u); /* [steal] head has been moved */
    return n;
}
