/* test_runq.c - the ring against a slow model, and against thieves. */
#include "in_go.h"
#include <pthread.h>
#include "atomic.h"
#include "rand.h"
#include "runq.h"

/* Elements are told apart by their id; a ring never looks into them. */
static struct g *element(uint64_t id)
{
    return (struct g *)(uintptr_t)((id + 1) * 64);
}

static uint64_t id_of(const struct g *g)
{
    return (uintptr_t)g / 64 - 1;
}

/* ---- the model: an array that is shifted ---- */

struct model {
    uint64_t ids[RUNQ_CAP];
    uint32_t n;
};

static void model_take(struct model *m, uint32_t n)
{
    memmove(m->ids, m->ids + n, (m->n - n) * sizeof *m->ids);
    m->n -= n;
}

static void same_put(struct runq *q, struct model *m, uint64_t id)
{
    bool fits = runq_put(q, element(id));
    CHECK(fits == (m->n < RUNQ_CAP));
    if (fits)
        m->ids[m->n++] = id;
}

static void same_get(struct runq *q, struct model *m)
{
    struct g *g = runq_get(q);
    CHECK((g == NULL) == (m->n == 0));
    if (g) {
        CHECK(id_of(g) == m->ids[0]);
        model_take(m, 1);
    }
}

static void same_turn(struct runq *q, struct model *m, uint64_t id)
{
    struct g *g = runq_turn(q, element(id));
    CHECK((g == NULL) == (m->n == 0));
    if (g) {
        CHECK(id_of(g) == m->ids[0]);
        model_take(m, 1);
        m->ids[m->n++] = id;
    }
}

static void same_half(struct runq *q, struct model *m, bool steal)
{
    struct g *batch[RUNQ_CAP / 2];
    uint32_t n = steal ? runq_steal(q, batch) : runq_spill(q, batch);
    CHECK(n == (m->n + 1) / 2);
    for (uint32_t i = 0; i < n; i++)
        CHECK(id_of(batch[i]) == m->ids[i]);
    model_take(m, n);
}

/* Phases of mostly putting and mostly taking, so that it is full and empty again and again; head
 * and tail begin just below the point where they wrap. */
Test(runq, does_what_a_shifted_array_does)
{
    static struct runq q;
    static struct model m;
    q.head = q.tail = UINT32_MAX - 1000;
    struct rt_rand rand = {42};
    uint64_t id = 0;
    for (int step = 0; step < 300000; step++) {
        uint32_t puts = step / 3000 % 2 ? 80 : 35;
        uint32_t r = rand_below(&rand, 100);
        if (r < puts)
            same_put(&q, &m, id++);
        else if (r < 95)
            same_get(&q, &m);
        else if (r < 99)
            same_turn(&q, &m, id++);
        else
            same_half(&q, &m, step % 2);
        CHECK(runq_len(&q) == m.n);
    }
}

Test(runq, is_empty_when_zeroed)
{
    static struct runq q;
    struct g *batch[RUNQ_CAP / 2];
    cr_expect_eq(runq_len(&q), 0);
    cr_expect_null(runq_get(&q));
    cr_expect_null(runq_turn(&q, element(1)));
    cr_expect_eq(runq_spill(&q, batch), 0);
    cr_expect_eq(runq_steal(&q, batch), 0);
}

/* ---- thieves ---- */

enum { THIEVES = 3, ELEMENTS = 400000 };

static struct {
    struct runq q;
    uint8_t taken[ELEMENTS]; /* how often */
    uint32_t all_put, stolen;
} shared;

static void note(const struct g *g)
{
    CHECK(id_of(g) < ELEMENTS);
    at_add_rlx(&shared.taken[id_of(g)], (uint8_t)1);
}

/* What is got in one go is in order. */
static void note_all(struct g **batch, uint32_t n)
{
    CHECK(n <= RUNQ_CAP / 2);
    for (uint32_t i = 0; i < n; i++) {
        note(batch[i]);
        CHECK(i == 0 || id_of(batch[i]) > id_of(batch[i - 1]));
    }
}

static void *thief(void *arg)
{
    struct g *batch[RUNQ_CAP / 2];
    (void)arg;
    for (;;) {
        bool last = at_load_acq(&shared.all_put);
        uint32_t n = runq_steal(&shared.q, batch);
        note_all(batch, n);
        at_add_rlx(&shared.stolen, n);
        if (n == 0 && last && runq_len(&shared.q) == 0)
            return NULL;
    }
}

Test(runq, gives_every_element_to_exactly_one_taker)
{
    pthread_t threads[THIEVES];
    for (uintptr_t i = 0; i < THIEVES; i++)
        pthread_create(&threads[i], NULL, thief, (void *)(i + 1));
    struct rt_rand rand = {99};
    for (uint64_t id = 0; id < ELEMENTS;) {
        uint32_t r = rand_below(&rand, 64);
        if (r > 20 && runq_put(&shared.q, element(id))) {
            id++;
        } else if (r > 0) {
            bool turn = r < 10;
            struct g *g = turn ? runq_turn(&shared.q, element(id)) : runq_get(&shared.q);
            if (g)
                note(g);
            id += turn && g;
        } else {
            struct g *batch[RUNQ_CAP / 2];
            note_all(batch, runq_spill(&shared.q, batch));
        }
    }
    at_store_rel(&shared.all_put, 1u);
    for (int i = 0; i < THIEVES; i++)
        pthread_join(threads[i], NULL);
    cr_expect(shared.stolen > 0, "thieves and owner never met");
    cr_expect_eq(runq_len(&shared.q), 0);
    for (uint64_t id = 0; id < ELEMENTS; id++)
        cr_assert_eq(shared.taken[id], 1, "element %lu was taken %d times", id, shared.taken[id]);
}
