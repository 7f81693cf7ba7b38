/* sequence.c - see sequence.h.
 *
 * The clock joins what all flows have released.  As long as that was one flow it is its part as
 * well.  With the second one a list of parts begins; whoever comes when it is full leaves a bit, so
 * that it is known at least who may have a part: a bit is of 64 flows.
 *
 * The caller holds the location's word. */
#include "sequence.h"
#include "pool.h"
#include "slot.h"

struct sequence_heads {
    uint64_t others; /* a bit for each flow beyond the first; never clear for one that released */
    uint32_t n;
    struct snap part[SEQUENCE_HEADS];
};

static struct pool pool = POOL(sizeof(struct sequence_heads), "release sequences");

static bool is_by(const struct snap *s, const struct rc_ctx *c)
{
    if (s->epoch == 0)
        return false;
    if (w_slot(s->epoch) == w_slot(c->first))
        return w_clock(s->epoch) >= w_clock(c->first);
    return unlikely(c->moved) && slot_life(s->epoch) == c->life;
}

static uint64_t bit_of(const struct rc_ctx *c)
{
    return UINT64_C(1) << ((uintptr_t)c->life / sizeof(struct rc_life) % 64);
}

/* The parts are told apart no longer. */
static void forget_parts(struct sequence *q)
{
    struct sequence_heads *h = q->of_each;
    if (likely(h == NULL))
        return;
    for (uint32_t i = 0; i < h->n; i++)
        snap_clear(&h->part[i]);
    pool_put(&pool, h);
    q->of_each = NULL;
}

static struct snap *part_of(struct sequence_heads *h, const struct rc_ctx *c)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (is_by(&h->part[i], c))
            return &h->part[i];
    return NULL;
}

void sequence_clear(struct sequence *q)
{
    forget_parts(q);
    snap_clear(&q->clock);
}

void sequence_begin(struct sequence *q, const struct snap *given)
{
    forget_parts(q);
    snap_copy(&q->clock, given);
}

void sequence_end(struct sequence *q, const struct rc_ctx *c)
{
    struct sequence_heads *h = q->of_each;
    if (h == NULL) {
        if (!is_by(&q->clock, c))
            snap_clear(&q->clock);
        return;
    }
    const struct snap *part = part_of(h, c);
    if (part)
        snap_copy(&q->clock, part);
    else if (h->others & bit_of(c))
        return;
    else
        snap_clear(&q->clock);
    forget_parts(q);
}

/* The second flow to release is about to. */
static struct sequence_heads *tell_apart(const struct snap *first)
{
    struct sequence_heads *h = pool_get(&pool);
    *h = (struct sequence_heads){.n = 1};
    snap_copy(&h->part[0], first);
    return h;
}

static void add_part(struct sequence_heads *h, const struct rc_ctx *c, const struct snap *given)
{
    struct snap *part = part_of(h, c);
    if (part == NULL && h->n < SEQUENCE_HEADS)
        part = &h->part[h->n++];
    if (part)
        snap_merge(part, given);
    else
        h->others |= bit_of(c);
}

void sequence_add(struct sequence *q, const struct rc_ctx *c, const struct snap *given)
{
    if (q->of_each == NULL && !snap_empty(&q->clock) && !is_by(&q->clock, c))
        q->of_each = tell_apart(&q->clock);
    if (q->of_each)
        add_part(q->of_each, c, given);
    snap_merge(&q->clock, given);
}

void sequence_each_clock(const struct sequence *q, void (*visit)(const struct snap *s, void *arg),
                         void *arg)
{
    visit(&q->clock, arg);
    for (uint32_t i = 0; q->of_each && i < q->of_each->n; i++)
        visit(&q->of_each->part[i], arg);
}
