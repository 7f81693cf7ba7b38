/* test_fold.c - folding keeps the time of every state, and everything in the window. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "view/fold.h"

/* Of main.c, which has a main() of its own. */
void *cmd_alloc(unsigned long size)
{
    void *p = malloc(size);
    cr_assert_not_null(p);
    return p;
}

enum { LANES = 5, STATES = 4, SPANS = 200000 };

/* What came out. */
static struct {
    uint64_t n, folded, states;
    int64_t end[LANES], total[LANES][STATES];
    int64_t in_window;
    bool broken, after_fold[LANES];
} got;

static void take(void *arg, const struct fold_item *it)
{
    (void)arg;
    got.n++;
    got.broken |= it->s.begin != got.end[it->lane] || it->s.end < it->s.begin;
    got.broken |= it->count > 0 && !it->first && !got.after_fold[it->lane];
    got.after_fold[it->lane] = it->count > 0;
    got.folded += it->count;
    got.states += it->count ? it->count : 1;
    got.end[it->lane] = it->s.end;
    got.total[it->lane][it->s.state] += it->s.end - it->s.begin;
    got.in_window += it->count == 0 && it->s.begin >= 1000000 && it->s.end <= 2000000;
}

static struct fold_item span(uint32_t lane, int state, uint32_t key, int64_t begin, int64_t end)
{
    return (struct fold_item){
        .s = {.lane = TR_LANE_G, .state = (uint8_t)state, .begin = begin, .end = end},
        .lane = lane,
        .key = key};
}

/* LANES lanes of random spans, in the order of their ends. */
static void feed(struct fold *f, int64_t sums[LANES][STATES], int64_t *ret_in_window)
{
    struct fold_item next[LANES];
    unsigned seed = 1;
    for (uint32_t l = 0; l < LANES; l++)
        next[l] = span(l, 0, 0, 0, 10 + l);
    for (int i = 0; i < SPANS; i++) {
        uint32_t l = 0;
        for (uint32_t k = 1; k < LANES; k++)
            if (next[k].s.end < next[l].s.end)
                l = k;
        struct fold_item it = next[l];
        sums[l][it.s.state] += it.s.end - it.s.begin;
        *ret_in_window += it.s.begin >= 1000000 && it.s.end <= 2000000;
        fold_span(f, &it);
        int len = rand_r(&seed) % 100 ? rand_r(&seed) % 300 : rand_r(&seed) % 100000;
        next[l] =
            span(l, rand_r(&seed) % STATES, (uint32_t)rand_r(&seed) % 6, it.s.end, it.s.end + len);
    }
    fold_finish(f);
}

Test(fold, times_of_states_are_kept)
{
    static int64_t sums[LANES][STATES];
    int64_t in_window = 0;
    struct fold f = {.from = 1000000, .to = 2000000, .end = 50000000, .most = 20000, .emit = take};
    memset(&got, 0, sizeof(got));
    feed(&f, sums, &in_window);
    cr_expect_not(got.broken, "spans of a lane lie end to end, sums behind their first");
    cr_expect_eq(memcmp(sums, got.total, sizeof(sums)), 0, "time of each state of each lane");
    cr_expect_gt(in_window, 1000);
    cr_expect_eq(got.in_window, in_window, "nothing in the window is folded");
    cr_expect_eq(got.folded, f.folded);
    cr_expect_eq(got.states, (uint64_t)SPANS, "every state is counted");
    cr_expect_lt(got.n - (uint64_t)in_window, 40000u);
    cr_expect_gt(got.folded, (uint64_t)SPANS / 2);
}

Test(fold, a_short_trace_stays_as_it_is)
{
    static int64_t sums[LANES][STATES];
    int64_t in_window = 0;
    struct fold f = {.emit = take};
    memset(&got, 0, sizeof(got));
    feed(&f, sums, &in_window);
    cr_expect_eq(got.n, (uint64_t)SPANS);
    cr_expect_eq(got.folded, 0u);
}

Test(fold, two_states_are_not_worth_it)
{
    struct fold f = {.from = INT64_MAX, .to = INT64_MIN, .end = 1 << 24, .most = 100, .emit = take};
    memset(&got, 0, sizeof(got));
    for (int i = 0; i < 2; i++) {
        struct fold_item it = span(0, i, 0, i * 10, i * 10 + 10);
        fold_span(&f, &it);
    }
    fold_finish(&f);
    cr_expect_eq(got.n, 2u);
    cr_expect_eq(got.folded, 0u);
}
