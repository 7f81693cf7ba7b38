/* test_export_filter.c - what each kind of format is told of a trace when a query or a window
 * leaves something out. */
#include "cmd.h"
#include "export_filter.h"
#include "tr_file.h"

void *cmd_alloc(unsigned long size)
{
    void *p = malloc(size ? size : 1);
    cr_assert_not_null(p);
    return p;
}

/* ---- a trace ----
 *
 *          100       200       300       400       500       600
 *     M0   P0 G1.....]  [G2........|ready G1..]  [G1......]
 *     M1       P1 [G3.........................]yield [G3......]
 *     M2   (330: P1 is taken from M1, 350: it has it again) */

static struct built b;

enum { CHAN = 0x1000, LAST_NS = 610 };

static void make_trace(void)
{
    built_init(&b, 3);
    b_proc(&b, 0, 100, TR_EV_P_START, 0);
    b_create(&b, 0, 101, 1);
    b_create(&b, 0, 102, 2);
    b_start(&b, 0, 110, 1, 0);
    b_proc(&b, 1, 150, TR_EV_P_START, 1);
    b_create(&b, 1, 160, 3);
    b_start(&b, 1, 170, 3, 1);
    b_block(&b, 0, 200, 1, TR_CHAN_RECV, CHAN);
    b_start(&b, 0, 210, 2, 0);
    b_ready(&b, 0, 300, 1, 2);
    b_retake(&b, 2, 330, 1, 1);
    b_proc(&b, 1, 350, TR_EV_P_START, 1);
    b_about_g(&b, 0, 400, TR_EV_GO_END, 2);
    b_start(&b, 0, 410, 1, 0);
    b_about_g(&b, 1, 450, TR_EV_GO_YIELD, 3);
    b_start(&b, 1, 460, 3, 1);
    b_about_g(&b, 0, 500, TR_EV_GO_END, 1);
    b_proc(&b, 0, 510, TR_EV_P_STOP, 0);
    b_about_g(&b, 1, 600, TR_EV_GO_END, 3);
    b_proc(&b, 1, LAST_NS, TR_EV_P_STOP, 1);
    built_seal(&b);
}

/* ---- a writer that remembers ---- */

enum { TOLD_MAX = 100 };

static struct tr_event told[TOLD_MAX];
static struct tr_span spans[TOLD_MAX];
static size_t told_n, spans_n;

static void keep_event(void *x, const struct tr_event *e)
{
    cr_assert(x == told && told_n < TOLD_MAX);
    told[told_n++] = *e;
}

static void keep_span(void *x, const struct tr_span *s)
{
    cr_assert(x == told && spans_n < TOLD_MAX);
    spans[spans_n++] = *s;
}

static const struct trace_export of_events = {.name = "events", .event = keep_event},
                                 of_spans = {.name = "spans",
                                             .event = keep_event,
                                             .span = keep_span},
                                 of_states = {
                                     .name = "states", .states = true, .event = keep_event};

static void hand_span(void *f, const struct tr_span *s)
{
    export_filter_span(f, s);
}

/* Exports as cmd_trace_export.c does; returns export_filter_end_ns(). */
static int64_t export(const struct trace_export *format, const char *query, int64_t from,
                      int64_t to)
{
    struct tr_query_error err;
    struct trace_args args = {.from = from, .to = to};
    struct export_filter f;
    struct tr_event e;
    cr_assert(!query || (args.query = tr_query_make(query, &err)));
    told_n = spans_n = 0;
    struct tr_reader *r = built_open(&b);
    export_filter_begin(&f, format, &args, r);
    f.state = told;
    struct tr_spans *sp = format->span ? tr_spans_make(r, hand_span, &f) : NULL;
    while (tr_reader_next(r, &e) && !export_filter_is_done(&f, e.time)) {
        export_filter_event(&f, &e);
        if (sp)
            tr_spans_feed(sp, &e);
    }
    if (sp)
        tr_spans_finish(sp);
    tr_spans_free(sp);
    int64_t end = export_filter_end_ns(&f);
    export_filter_fini(&f);
    tr_reader_close(r);
    tr_query_free(args.query);
    return end;
}

static size_t count(enum tr_type type, uint64_t g)
{
    size_t n = 0;
    for (size_t i = 0; i < told_n; i++)
        n += told[i].type == type && told[i].g == g;
    return n;
}

TestSuite(export_filter, .init = make_trace);

Test(export_filter, without_query_and_window_all_is_told)
{
    cr_assert_eq(export(&of_events, NULL, 0, INT64_MAX), LAST_NS);
    cr_assert_eq(told_n, 20);
    for (size_t i = 0; i < told_n; i++)
        cr_assert(told[i].n == i && !told[i].wrong, "event %zu: %s", i, told[i].wrong);
    export(&of_states, NULL, 0, INT64_MAX);
    cr_assert_eq(told_n, 20);
    export(&of_spans, NULL, 0, INT64_MAX);
    cr_assert_eq(told_n, 20);
    int64_t total = 0;
    for (size_t i = 0; i < spans_n; i++)
        if (spans[i].lane == TR_LANE_G)
            total += spans[i].end - spans[i].begin;
    cr_assert_eq(total, 500 - 101 + 400 - 102 + 600 - 160, "each goroutine's life");
}

Test(export_filter, events_of_a_window)
{
    cr_assert_eq(export(&of_events, NULL, 200, 300), 300);
    cr_assert_eq(told_n, 3);
    cr_assert(told[0].type == TR_EV_GO_BLOCK && told[0].time == 200 && told[0].n == 7);
    cr_assert(told[2].type == TR_EV_GO_READY && told[2].by == 2);
    cr_assert_eq(export(&of_events, NULL, 605, 99999), LAST_NS, "not beyond the trace");
    cr_assert_eq(told_n, 1);
}

Test(export_filter, events_of_a_query_and_a_window)
{
    export(&of_events, "g:2", 0, INT64_MAX);
    cr_assert(count(TR_EV_GO_CREATE, 2) == 1 && count(TR_EV_GO_START, 2) == 1 &&
              count(TR_EV_GO_END, 2) == 1);
    cr_assert_eq(count(TR_EV_GO_START, 3), 0);
    export(&of_events, "g:2", 205, 215);
    cr_assert(told_n == 1 && told[0].type == TR_EV_GO_START && told[0].g == 2);
}

Test(export_filter, spans_are_cut_to_the_window_and_names_are_told_for_them)
{
    export(&of_spans, "g:1", 250, 420);
    cr_assert(count(TR_EV_GO_CREATE, 1) == 1 && count(TR_EV_GO_CREATE, 3) == 1);
    struct {
        int state;
        int64_t begin, end;
    } want[] = {{TR_G_BLOCKED, 250, 300}, {TR_G_RUNNABLE, 300, 410}, {TR_G_RUNNING, 410, 420}};
    size_t n = 0;
    for (size_t i = 0; i < spans_n; i++) {
        if (spans[i].lane != TR_LANE_G)
            continue;
        cr_assert(n < 3 && spans[i].id == 1 && spans[i].state == want[n].state, "span %zu", i);
        cr_assert(spans[i].begin == want[n].begin && spans[i].end == want[n].end, "span %zu", i);
        n++;
    }
    cr_assert_eq(n, 3);
}

/* ---- formats of states ---- */

/* The told beginning of a window: what there is of type, of g or, of a P, on p. */
static const struct tr_event *beginning(enum tr_type type, uint64_t g, int32_t p, int64_t from)
{
    for (size_t i = 0; i < told_n && told[i].time == from; i++)
        if (told[i].type == type && told[i].g == g && (g || told[i].p == p))
            return &told[i];
    return NULL;
}

Test(export_filter, a_window_of_states_begins_with_how_things_stand)
{
    export(&of_states, NULL, 250, 320);
    const struct tr_event *p0 = beginning(TR_EV_P_START, 0, 0, 250);
    const struct tr_event *p1 = beginning(TR_EV_P_START, 0, 1, 250);
    const struct tr_event *g1 = beginning(TR_EV_GO_STATE, 1, 0, 250);
    const struct tr_event *g2 = beginning(TR_EV_GO_STATE, 2, 0, 250);
    const struct tr_event *g3 = beginning(TR_EV_GO_STATE, 3, 0, 250);
    cr_assert(p0 && p0->m == 0 && p1 && p1->m == 1);
    cr_assert(g1 && g1->arg == TR_STATE_BLOCKED && g1->why == TR_CHAN_RECV && g1->obj == CHAN);
    cr_assert(g2 && g2->arg == TR_STATE_RUNNING && g2->p == 0 && g2->m == 0);
    cr_assert(g3 && g3->arg == TR_STATE_RUNNING && g3->p == 1);
    cr_assert_eq(told_n, 5 + 1);
    cr_assert(told[5].type == TR_EV_GO_READY && told[5].by == 2);
}

Test(export_filter, who_runs_without_a_p_is_in_the_kernel)
{
    export(&of_states, NULL, 340, 345);
    const struct tr_event *g3 = beginning(TR_EV_GO_STATE, 3, 0, 340);
    cr_assert(g3 && g3->arg == TR_STATE_BLOCKED && g3->why == TR_SYSCALL && g3->p == TR_NO_P);
    cr_assert_null(beginning(TR_EV_P_START, 0, 1, 340), "nobody holds P1");
}

Test(export_filter, goroutines_that_a_query_means_stay_whole)
{
    export(&of_states, "g:1", 0, INT64_MAX);
    cr_assert(count(TR_EV_GO_CREATE, 1) == 1 && count(TR_EV_GO_START, 1) == 2 &&
              count(TR_EV_GO_BLOCK, 1) == 1 && count(TR_EV_GO_READY, 1) == 1 &&
              count(TR_EV_GO_END, 1) == 1);
    for (size_t i = 0; i < told_n; i++) {
        cr_assert(told[i].g == 1 || told[i].g == 0, "event %zu", i);
        cr_assert_eq(told[i].by, 0, "who made it ready is not told of");
    }
    cr_assert_eq(count(TR_EV_P_STOP, 0), 2, "processors are everybody's");
    export(&of_states, "g:1 state:chan", 0, 150);
    cr_assert_eq(count(TR_EV_GO_CREATE, 1), 0, "it waits later");
    export(&of_states, "g:1 state:chan", 220, 230);
    cr_assert_not_null(beginning(TR_EV_GO_STATE, 1, 0, 220));
    cr_assert_null(beginning(TR_EV_GO_STATE, 2, 0, 220));
}

/* Whatever the window: who is told of was created or told as living before, each lives in one
 * state, and all that runs runs on a P that is held. */
Test(export_filter, every_window_of_states_makes_sense)
{
    for (int64_t from = 1; from <= LAST_NS; from += 3) {
        int state[4] = {0}; /* 0: not told; else TR_STATE_* */
        bool held[2] = {false};
        export(&of_states, NULL, from, INT64_MAX);
        for (size_t i = 0; i < told_n; i++) {
            const struct tr_event *e = &told[i];
            bool moves = e->type == TR_EV_GO_START || e->type == TR_EV_GO_BLOCK ||
                         e->type == TR_EV_GO_END || e->type == TR_EV_GO_READY;
            cr_assert_geq(e->time, from);
            cr_assert(!moves || state[e->g], "from %d: event %zu of G%d, which nobody knows",
                      (int)from, i, (int)e->g);
            if (e->type == TR_EV_GO_START)
                cr_assert(held[e->p] && state[e->g] == TR_STATE_RUNNABLE, "from %d", (int)from);
            if (e->type == TR_EV_GO_STATE && e->arg == TR_STATE_RUNNING)
                cr_assert(held[e->p], "from %d", (int)from);
            switch (e->type) {
            case TR_EV_GO_CREATE:
            case TR_EV_GO_READY:
            case TR_EV_GO_YIELD:
                state[e->g] = TR_STATE_RUNNABLE;
                break;
            case TR_EV_GO_STATE:
                cr_assert_eq(state[e->g], 0, "from %d", (int)from);
                state[e->g] = (int)e->arg;
                break;
            case TR_EV_GO_START:
                state[e->g] = TR_STATE_RUNNING;
                break;
            case TR_EV_GO_BLOCK:
                state[e->g] = TR_STATE_BLOCKED;
                break;
            case TR_EV_GO_END:
                state[e->g] = 0;
                break;
            case TR_EV_P_START:
            case TR_EV_P_STOP:
            case TR_EV_P_RETAKE:
                held[e->p] = e->type == TR_EV_P_START;
                break;
            default:
                break;
            }
        }
    }
}

/* A recording that began in the middle of a run has no creations. */
Test(export_filter, who_is_known_by_its_own_events_only_lives_too)
{
    built_init(&b, 1);
    ((struct tr_file_header *)b.bytes)->flags = 0;
    b_proc(&b, 0, 100, TR_EV_P_START, 0);
    b_start(&b, 0, 110, 7, 0);
    b_block(&b, 0, 200, 7, TR_MUTEX, CHAN);
    b_ready(&b, 0, 300, 7, 0);
    built_seal(&b);
    export(&of_states, NULL, 250, INT64_MAX);
    const struct tr_event *g7 = beginning(TR_EV_GO_STATE, 7, 0, 250);
    cr_assert(g7 && g7->arg == TR_STATE_BLOCKED && g7->why == TR_MUTEX);
    cr_assert_eq(told_n, 3, "a P, a goroutine, and the one event of the window");
}

/* The other side of a race is named, though it is not meant. */
Test(export_filter, a_race_keeps_both_sides)
{
    unsigned char race[20] = {(unsigned char)built_g(&b, 0, 1), 4, TR_KEY_NEW, 0, 0x10};
    built_record(&b, 0, 605, TR_EV_RACE | TR_HEAD_X, race, 16);
    built_seal(&b);
    export(&of_states, "g:1", 0, INT64_MAX);
    cr_assert_eq(count(TR_EV_RACE, 1), 1);
    for (size_t i = 0; i < told_n; i++)
        cr_assert_eq(told[i].by, told[i].type == TR_EV_RACE ? 3u : 0u);
}
