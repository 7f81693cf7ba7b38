/* Spans: each lane is covered without gaps or overlaps, and says who woke whom and how long it
 * took. */
#include "tr_file.h"

enum { KEPT = 64 };

struct kept {
    struct tr_span span[KEPT];
    size_t n;
};

static void keep(void *arg, const struct tr_span *s)
{
    struct kept *k = arg;
    cr_assert_lt(k->n, (size_t)KEPT);
    k->span[k->n++] = *s;
}

static void read_spans(struct built *b, struct kept *k)
{
    struct tr_reader *r = built_open(b);
    struct tr_spans *sp = tr_spans_make(r, keep, k);
    struct tr_event e;
    k->n = 0;
    while (tr_reader_next(r, &e)) {
        cr_assert_null(e.wrong, "%s", e.wrong);
        tr_spans_feed(sp, &e);
    }
    tr_spans_finish(sp);
    tr_spans_free(sp);
    tr_reader_close(r);
}

/* The i-th span of a lane. */
static const struct tr_span *nth(const struct kept *k, enum tr_lane lane, uint64_t id, size_t i)
{
    for (size_t j = 0; j < k->n; j++)
        if (k->span[j].lane == lane && k->span[j].id == id && i-- == 0)
            return &k->span[j];
    cr_assert_fail("no such span");
    return NULL;
}

static void expect(const struct tr_span *s, unsigned state, int64_t begin, int64_t end)
{
    cr_assert_eq(s->state, state, "state %u", s->state);
    cr_assert_eq(s->begin, begin, "begin %lld", (long long)s->begin);
    cr_assert_eq(s->end, end, "end %lld", (long long)s->end);
}

Test(spans, a_block_names_object_and_waker_and_the_wait_for_a_processor)
{
    static struct built b;
    struct kept k;
    built_init(&b, 2);
    b_proc(&b, 0, 100, TR_EV_P_START, 0);
    b_create(&b, 0, 110, 1);
    b_create(&b, 0, 120, 2);
    b_start(&b, 0, 130, 1, 0);
    b_block(&b, 0, 200, 1, TR_CHAN_RECV, 0xabc0);
    b_start(&b, 0, 210, 2, 0);
    b_ready(&b, 0, 300, 1, 2);
    b_proc(&b, 1, 310, TR_EV_P_START, 1);
    b_start(&b, 1, 350, 1, 1);
    b_about_g(&b, 1, 400, TR_EV_GO_END, 1);
    read_spans(&b, &k);

    expect(nth(&k, TR_LANE_G, 1, 0), TR_G_RUNNABLE, 110, 130);
    cr_assert(nth(&k, TR_LANE_G, 1, 0)->created);
    expect(nth(&k, TR_LANE_G, 1, 1), TR_G_RUNNING, 130, 200);
    cr_assert_eq(nth(&k, TR_LANE_G, 1, 1)->p, 0);
    const struct tr_span *blocked = nth(&k, TR_LANE_G, 1, 2), *waits = nth(&k, TR_LANE_G, 1, 3);
    expect(blocked, TR_G_BLOCKED, 200, 300);
    cr_assert_eq(blocked->why, TR_CHAN_RECV);
    cr_assert_eq(blocked->obj, 0xabc0u);
    cr_assert_eq(blocked->by, 2u);
    cr_assert_eq(blocked->by_p, 0);
    expect(waits, TR_G_RUNNABLE, 300, 350);
    cr_assert_eq(waits->by, 2u);
    cr_assert_not(waits->created);
    expect(nth(&k, TR_LANE_G, 1, 4), TR_G_RUNNING, 350, 400);
    cr_assert_eq(nth(&k, TR_LANE_G, 1, 4)->m, 1u);

    expect(nth(&k, TR_LANE_G, 2, 1), TR_G_RUNNING, 210, 400);
    cr_assert(nth(&k, TR_LANE_G, 2, 1)->open);
    expect(nth(&k, TR_LANE_P, 0, 0), TR_P_IDLE, 0, 100);
    expect(nth(&k, TR_LANE_P, 0, 1), TR_P_SCHEDULER, 100, 130);
    expect(nth(&k, TR_LANE_P, 0, 2), TR_P_RUNNING, 130, 200);
    cr_assert_eq(nth(&k, TR_LANE_P, 0, 2)->g, 1u);
}

Test(spans, a_goroutine_whose_processor_is_taken_goes_on_without_one)
{
    static struct built b;
    struct kept k;
    built_init(&b, 2);
    b_proc(&b, 0, 10, TR_EV_P_START, 0);
    b_create(&b, 0, 20, 1);
    b_start(&b, 0, 30, 1, 0);
    b_retake(&b, 1, 100, 0, 0);
    b_proc(&b, 1, 110, TR_EV_P_START, 0);
    b_proc(&b, 1, 150, TR_EV_P_STOP, 0);
    b_proc(&b, 0, 200, TR_EV_P_START, 0);
    b_about_g(&b, 0, 300, TR_EV_GO_END, 1);
    read_spans(&b, &k);
    expect(nth(&k, TR_LANE_G, 1, 1), TR_G_RUNNING, 30, 100);
    expect(nth(&k, TR_LANE_G, 1, 2), TR_G_DETACHED, 100, 200);
    expect(nth(&k, TR_LANE_G, 1, 3), TR_G_RUNNING, 200, 300);
    expect(nth(&k, TR_LANE_M, 0, 3), TR_M_DETACHED, 100, 200);
}

Test(spans, lanes_are_covered_without_gap)
{
    static struct built b;
    struct kept k;
    built_init(&b, 2);
    b_thread(&b, 1, 5, TR_EV_M_PARK);
    b_proc(&b, 0, 10, TR_EV_P_START, 0);
    b_create(&b, 0, 20, 1);
    b_start(&b, 0, 30, 1, 0);
    b_about_g(&b, 0, 40, TR_EV_GO_YIELD, 1);
    b_thread(&b, 1, 45, TR_EV_M_UNPARK);
    b_proc(&b, 1, 46, TR_EV_P_START, 1);
    b_start(&b, 1, 50, 1, 1);
    b_block(&b, 1, 60, 1, TR_SLEEP, 0);
    b_ready(&b, 1, 70, 1, 0);
    b_proc(&b, 1, 80, TR_EV_P_STOP, 1);
    read_spans(&b, &k);
    for (size_t i = 0; i < k.n; i++) {
        const struct tr_span *s = &k.span[i];
        cr_assert_leq(s->begin, s->end);
        for (size_t j = i + 1; j < k.n; j++)
            if (k.span[j].lane == s->lane && k.span[j].id == s->id) {
                cr_assert_eq(k.span[j].begin, s->end);
                break;
            }
    }
}
