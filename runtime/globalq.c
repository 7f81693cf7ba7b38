/* globalq.c - runnable goroutines that belong to no P.
 *
 * Two parts: a FIFO of single goroutines (made ready by threads without a P, or left by a P that
 * was taken away), and batches spilled by full rings.  A P without work takes the youngest batch,
 * so that a program that starts goroutines recursively works depth first, on hot stacks, with few
 * goroutines alive: a tree of a million goroutines needs a few thousand stacks.  From time to time
 * every P takes the oldest goroutine instead, so that nothing starves.
 *
 * A batch is a chain linked by g->next; its first goroutine also carries the links to the
 * neighbouring batches and the count.  In the others batch_next points some goroutines ahead, so
 * that who walks the chain, which is in no cache any more, waits for several of them at a time. */
#include "globalq.h"
#include "atomic.h"
#include "check.h"

enum { AHEAD = 6 };

static void set_count(struct globalq *q, uint32_t n)
{
    at_store_rlx(&q->count, n); /* relaxed: see globalq_count() */
}

void globalq_put(struct globalq *q, struct g *g)
{
    g->next = NULL;
    if (q->tail)
        q->tail->next = g;
    else
        q->head = g;
    q->tail = g;
    set_count(q, q->count + 1);
}

static struct g *take_single(struct globalq *q)
{
    struct g *g = q->head;
    if (!g)
        return NULL;
    q->head = g->next;
    if (!q->head)
        q->tail = NULL;
    set_count(q, q->count - 1);
    return g;
}

void globalq_chain(struct g **batch, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        batch[i]->next = i + 1 < n ? batch[i + 1] : NULL;
        batch[i]->batch_next = batch[i + AHEAD < n ? i + AHEAD : n - 1];
    }
}

void globalq_put_batch(struct globalq *q, struct g *first, uint32_t count)
{
    rt_assert(count > 0 && count <= RUNQ_CAP / 2 + 1);
    first->batch_count = count;
    first->batch_prev = NULL;
    first->batch_next = q->young;
    if (q->young)
        q->young->batch_prev = first;
    else
        q->old = first;
    q->young = first;
    set_count(q, q->count + count);
}

static void unlink_batch(struct globalq *q, struct g *first)
{
    if (first->batch_prev)
        first->batch_prev->batch_next = first->batch_next;
    else
        q->young = first->batch_next;
    if (first->batch_next)
        first->batch_next->batch_prev = first->batch_prev;
    else
        q->old = first->batch_prev;
    set_count(q, q->count - first->batch_count);
}

/* rest becomes the oldest batch. */
static void put_back_oldest(struct globalq *q, struct g *rest, uint32_t count)
{
    rest->batch_count = count;
    rest->batch_next = NULL;
    rest->batch_prev = q->old;
    if (q->old)
        q->old->batch_next = rest;
    else
        q->young = rest;
    q->old = rest;
    set_count(q, q->count + count);
}

static struct g *take_oldest_of_batch(struct globalq *q)
{
    struct g *g = q->old;
    if (!g)
        return NULL;
    unlink_batch(q, g);
    if (g->next)
        put_back_oldest(q, g->next, g->batch_count - 1);
    return g;
}

struct g *globalq_take_one(struct globalq *q, uint32_t round)
{
    struct g *g = round & 1 ? take_single(q) : take_oldest_of_batch(q);
    if (!g)
        g = round & 1 ? take_oldest_of_batch(q) : take_single(q);
    return g;
}

static void put_ring(struct runq *to, struct g *g)
{
    bool fits = runq_put(to, g);
    rt_check(fits);
}

struct g *globalq_take_many(struct globalq *q, struct runq *to, uint32_t shares)
{
    struct g *first = take_single(q);
    if (first) {
        uint32_t n = q->count / shares;
        for (n = n > RUNQ_CAP / 2 ? RUNQ_CAP / 2 : n; n > 0 && q->head; n--)
            put_ring(to, take_single(q));
        return first;
    }
    first = q->young;
    if (!first)
        return NULL;
    unlink_batch(q, first);
    __builtin_prefetch(q->young); /* the next to be taken */
    for (struct g *g = first->next, *next; g; g = next) {
        __builtin_prefetch(g->batch_next);
        next = g->next;
        put_ring(to, g);
    }
    return first;
}
