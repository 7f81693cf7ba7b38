/* test_sequence.c - release sequences against a slow model: a list of who released what, as C11
 * has it. */
#include <criterion/criterion.h>
#include "rc.h"
#include "rc_double.h"
#include "sequence.h"

enum { FLOWS = 8, STEPS = 300, ROUNDS = 200 };

/* For each flow, how much of it is known: one of its clock's values. */
struct known {
    uint32_t of[FLOWS];
};

struct model {
    struct {
        int flow;
        struct known gives;
    } head[STEPS];
    int n_heads;
    struct known knows[FLOWS];
};

static struct rc_ctx *flow[FLOWS];
static uint64_t state;

static int below(int n)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (int)((state >> 33) % (unsigned)n);
}

static void join(struct known *k, const struct known *from)
{
    for (int i = 0; i < FLOWS; i++)
        if (from->of[i] > k->of[i])
            k->of[i] = from->of[i];
}

static struct known all_of(const struct model *m)
{
    struct known all = {0};
    for (int i = 0; i < m->n_heads; i++)
        join(&all, &m->head[i].gives);
    return all;
}

static void keep_heads_of(struct model *m, int f)
{
    int kept = 0;
    for (int i = 0; i < m->n_heads; i++)
        if (m->head[i].flow == f)
            m->head[kept++] = m->head[i];
    m->n_heads = kept;
}

static void add_head(struct model *m, int f)
{
    m->knows[f].of[f] = w_clock(flow[f]->clock.now.epoch);
    m->head[m->n_heads].flow = f;
    m->head[m->n_heads++].gives = m->knows[f];
}

static bool is_known(const struct sequence *q, int f, uint32_t clock)
{
    return snap_knows(&q->clock, w_epoch(w_slot(flow[f]->first), clock));
}

/* An acquire load learns what it should, and, when the flows are few, no more. */
static void check(const struct sequence *q, const struct model *m, bool exact)
{
    struct known want = all_of(m);
    for (int f = 0; f < FLOWS; f++) {
        uint32_t more = want.of[f] ? want.of[f] + 1 : w_clock(flow[f]->first);
        cr_assert(want.of[f] == 0 || is_known(q, f, want.of[f]));
        cr_assert(!exact || !is_known(q, f, more));
    }
}

static void acquire(struct sequence *q, struct model *m, int f)
{
    struct known all = all_of(m);
    flow_acquire(&flow[f]->clock, &q->clock);
    join(&m->knows[f], &all);
}

static void step(struct sequence *q, struct model *m, int f)
{
    switch (below(6)) {
    case 0:
        m->n_heads = 0;
        add_head(m, f);
        sequence_begin(q, &flow[f]->clock.now);
        rc_tick(flow[f]);
        break;
    case 1:
        keep_heads_of(m, f);
        sequence_end(q, flow[f]);
        break;
    case 2:
        acquire(q, m, f);
        break;
    case 3:
        acquire(q, m, f); /* fall through */
    default:
        add_head(m, f);
        sequence_add(q, flow[f], &flow[f]->clock.now);
        rc_tick(flow[f]);
        break;
    }
}

static void compare(int flows, bool exact)
{
    static struct model m;
    rc_init(NULL);
    for (int f = 0; f < FLOWS; f++)
        flow[f] = rc_ctx_make(NULL, RC_GOROUTINE, (uint64_t)f + 2, 1, NULL, 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct sequence q = {0};
        state = (uint64_t)round;
        m.n_heads = 0;
        for (int i = 0; i < STEPS; i++) {
            step(&q, &m, below(flows));
            check(&q, &m, exact);
        }
        sequence_clear(&q);
    }
}

Test(sequence, a_few_flows_are_told_apart)
{
    compare(SEQUENCE_HEADS, true);
}

Test(sequence, of_many_flows_nothing_is_lost)
{
    compare(FLOWS, false);
}
