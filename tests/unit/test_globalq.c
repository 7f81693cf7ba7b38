/* test_globalq.c - the global queue against a slow model; that nothing waits in it for ever. */
#include "in_go.h"
#include "globalq.h"
#include "rand.h"

enum { GS = 4000 };

static struct g gs[GS];

/* ---- the model: a list of singles, a list of batches, oldest first ---- */

struct model_batch {
    uint32_t n, ids[RUNQ_CAP / 2 + 1];
};

static struct {
    uint32_t singles[GS], single_count;
    struct model_batch batches[GS];
    uint32_t batch_count, all;
} model;

static uint32_t model_single(void)
{
    uint32_t id = model.singles[0];
    memmove(model.singles, model.singles + 1, --model.single_count * sizeof *model.singles);
    model.all--;
    return id;
}

static void model_drop_batch(uint32_t i)
{
    model.all -= model.batches[i].n;
    memmove(&model.batches[i], &model.batches[i + 1],
            (--model.batch_count - i) * sizeof *model.batches);
}

static uint32_t model_oldest_of_batch(void)
{
    struct model_batch *b = &model.batches[0];
    uint32_t id = b->ids[0];
    model.all--;
    memmove(b->ids, b->ids + 1, --b->n * sizeof *b->ids);
    if (b->n == 0)
        model_drop_batch(0);
    return id;
}

/* ---- the two side by side ---- */

static uint32_t id_of(const struct g *g)
{
    return (uint32_t)(g - gs);
}

static uint32_t free_ids[GS], free_count;

static uint32_t new_id(void)
{
    return free_ids[--free_count];
}

static void give_back(uint32_t id)
{
    free_ids[free_count++] = id;
}

static void same_put(struct globalq *q)
{
    uint32_t id = new_id();
    globalq_put(q, &gs[id]);
    model.singles[model.single_count++] = id;
    model.all++;
}

static void same_put_batch(struct globalq *q, uint32_t n)
{
    struct model_batch *b = &model.batches[model.batch_count++];
    b->n = n;
    for (uint32_t i = 0; i < n; i++)
        b->ids[i] = new_id();
    for (uint32_t i = 0; i < n; i++)
        gs[b->ids[i]].next = i + 1 < n ? &gs[b->ids[i + 1]] : NULL;
    globalq_put_batch(q, &gs[b->ids[0]], n);
    model.all += n;
}

static void same_take_one(struct globalq *q, uint32_t round)
{
    struct g *g = globalq_take_one(q, round);
    CHECK((g == NULL) == (model.all == 0));
    if (!g)
        return;
    bool single = model.single_count && (round % 2 || !model.batch_count);
    uint32_t id = single ? model_single() : model_oldest_of_batch();
    CHECK(id_of(g) == id);
    give_back(id);
}

static void expect_ring(struct runq *ring, uint32_t id)
{
    struct g *g = runq_get(ring);
    CHECK(g && id_of(g) == id);
    give_back(id);
}

static void same_take_many(struct globalq *q, uint32_t shares)
{
    static struct runq ring;
    struct g *g = globalq_take_many(q, &ring, shares);
    CHECK((g == NULL) == (model.all == 0));
    if (g && model.single_count) {
        uint32_t id = model_single(), n = model.all / shares;
        CHECK(id_of(g) == id);
        give_back(id);
        for (n = n > RUNQ_CAP / 2 ? RUNQ_CAP / 2 : n; n > 0 && model.single_count; n--)
            expect_ring(&ring, model_single());
    } else if (g) {
        struct model_batch b = model.batches[model.batch_count - 1];
        model_drop_batch(model.batch_count - 1);
        CHECK(id_of(g) == b.ids[0]);
        give_back(b.ids[0]);
        for (uint32_t i = 1; i < b.n; i++)
            expect_ring(&ring, b.ids[i]);
    }
    CHECK(runq_get(&ring) == NULL);
}

Test(globalq, does_what_two_lists_do)
{
    static struct globalq q;
    struct rt_rand rand = {7};
    for (uint32_t i = 0; i < GS; i++)
        give_back(i);
    for (int step = 0; step < 100000; step++) {
        uint32_t r = rand_below(&rand, 100), filling = step / 500 % 2 ? 40 : 10;
        uint32_t n = 1 + rand_below(&rand, RUNQ_CAP / 2 + 1);
        if (r < filling && free_count > 0)
            same_put(&q);
        else if (r < filling + filling / 8 && free_count >= n)
            same_put_batch(&q, n);
        else if (r < 95)
            same_take_one(&q, rand_below(&rand, 2));
        else
            same_take_many(&q, 1 + rand_below(&rand, 8));
        CHECK(globalq_count(&q) == model.all);
    }
    while (model.all)
        same_take_many(&q, 1);
    cr_expect_eq(globalq_count(&q), 0);
    cr_expect_null(q.head);
    cr_expect_null(q.young);
    cr_expect_eq(free_count, GS);
}

/* What lies there longest comes out after as many rounds of take_one as are queued, at most,
 * although younger singles and batches are put in all the time. */
Test(globalq, the_oldest_is_taken_in_bounded_rounds)
{
    static struct globalq q;
    struct g *chain[2] = {&gs[0], &gs[1]};
    chain[0]->next = chain[1];
    chain[1]->next = NULL;
    globalq_put_batch(&q, chain[0], 2);
    globalq_put(&q, &gs[2]);
    uint32_t next = 3, seen = 0;
    for (uint32_t round = 0; seen != 7; round++) {
        cr_assert_lt(round, 5, "after %u rounds only %x of the old ones are out", round, seen);
        globalq_put(&q, &gs[next++]);
        gs[next].next = NULL;
        globalq_put_batch(&q, &gs[next++], 1);
        struct g *g = globalq_take_one(&q, round);
        if (id_of(g) < 3)
            seen |= 1u << id_of(g);
    }
}
