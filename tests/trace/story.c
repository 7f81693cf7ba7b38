/* story.c - see story.h.  Takes the place of the trace reader in a test's link. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "story.h"

enum { GS = 4, PS = 2, SPANS = 2048, US = 1000 };
enum fn { FN_MAIN = 1, FN_WORKER, FN_TICKER };

struct tr_reader {
    struct tr_info info;
    unsigned next;
};

struct tr_spans {
    struct tr_reader *r;
    tr_span_fn *fn;
    void *arg;
};

static const char *const fn_names[] = {"?", "main_goroutine", "worker", "ticker"};

static struct tr_g gs[GS + 1] = {
    [1] = {.id = 1, .created = 0, .fn = FN_MAIN, .create_stack = 1},
    [2] = {.id = 2,
           .by = 1,
           .created = 50 * US,
           .fn = FN_WORKER,
           .name = STORY_NAME,
           .create_stack = 1},
    [3] = {.id = 3, .by = 1, .created = 60 * US, .fn = FN_WORKER, .create_stack = 1},
    [4] = {.id = 4, .by = 1, .created = 90 * US, .fn = FN_TICKER, .create_stack = 1},
};

static struct tr_span spans[SPANS];
static unsigned spans_n;

/* ---- telling ---- */

static struct tr_span *tell(enum tr_lane lane, uint64_t id, int state, int64_t begin, int64_t end)
{
    struct tr_span *s = &spans[spans_n++];
    *s = (struct tr_span){.lane = lane,
                          .id = id,
                          .state = (uint8_t)state,
                          .begin = begin,
                          .end = end,
                          .p = TR_NO_P,
                          .by_p = TR_NO_P,
                          .info = lane == TR_LANE_G ? &gs[id] : NULL};
    s->open = end == STORY_END_NS;
    return s;
}

static void runnable(uint64_t g, int64_t begin, int64_t end, uint64_t by, int by_p, bool created)
{
    struct tr_span *s = tell(TR_LANE_G, g, TR_G_RUNNABLE, begin, end);
    s->by = by;
    s->by_p = by_p;
    s->created = created;
    s->stack = created ? 1 : 0;
}

static void running(uint64_t g, int p, int64_t begin, int64_t end)
{
    struct tr_span *s = tell(TR_LANE_G, g, TR_G_RUNNING, begin, end);
    s->p = p;
    s->m = (uint32_t)p;
    s = tell(TR_LANE_P, (uint64_t)p, TR_P_RUNNING, begin, end);
    s->g = g;
    s->m = (uint32_t)p;
    s = tell(TR_LANE_M, (uint64_t)p, TR_M_RUNNING, begin, end);
    s->g = g;
    s->p = p;
}

static void blocked(uint64_t g, enum tr_reason why, uint64_t obj, int64_t begin, int64_t end,
                    uint64_t by, int by_p)
{
    struct tr_span *s = tell(TR_LANE_G, g, TR_G_BLOCKED, begin, end);
    s->why = why;
    s->obj = obj;
    s->stack = 2;
    s->by = by;
    s->by_p = by_p;
}

static int by_end(const void *a, const void *b)
{
    const struct tr_span *x = a, *y = b;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return x->begin != y->begin ? (x->begin < y->begin ? -1 : 1) : (int)x->lane - (int)y->lane;
}

/* Whatever a P and its M do between two goroutines. */
static void fill_gaps(void)
{
    unsigned n = spans_n;
    for (unsigned p = 0; p < PS; p++) {
        int64_t at = 0;
        qsort(spans, n, sizeof(*spans), by_end);
        for (unsigned i = 0; i < n; i++) {
            if (spans[i].lane != TR_LANE_P || spans[i].id != p)
                continue;
            if (spans[i].begin > at) {
                tell(TR_LANE_P, p, TR_P_SCHEDULER, at, spans[i].begin)->m = p;
                tell(TR_LANE_M, p, TR_M_IDLE, at, spans[i].begin)->p = (int)p;
            }
            at = spans[i].end;
        }
        if (at < STORY_END_NS) {
            tell(TR_LANE_P, p, TR_P_IDLE, at, STORY_END_NS);
            tell(TR_LANE_M, p, TR_M_PARKED, at, STORY_END_NS);
        }
    }
    qsort(spans, spans_n, sizeof(*spans), by_end);
}

static void tell_story(void)
{
    spans_n = 0;
    runnable(1, 0, 10 * US, 0, TR_NO_P, true);
    running(1, 0, 10 * US, 100 * US);
    blocked(1, TR_WAITGROUP, 3, 100 * US, 800 * US, 3, 1);
    runnable(1, 800 * US, 820 * US, 3, 1, false);
    running(1, 0, 820 * US, STORY_END_NS);

    runnable(2, 50 * US, 110 * US, 1, 0, true);
    running(2, 0, 110 * US, 300 * US);
    blocked(2, TR_CHAN_RECV, 1, 300 * US, 500 * US, 3, 1);
    runnable(2, 500 * US, 550 * US, 3, 1, false);
    running(2, 0, 550 * US, 700 * US);

    runnable(3, 60 * US, 120 * US, 1, 0, true);
    running(3, 1, 120 * US, 600 * US);
    blocked(3, TR_MUTEX, 2, 600 * US, 700 * US, 2, 0);
    runnable(3, 700 * US, 700 * US, 2, 0, false);
    running(3, 1, 700 * US, 800 * US);

    runnable(4, 90 * US, 600 * US, 1, 0, true);
    running(4, 1, 600 * US, 650 * US);
    blocked(4, TR_SLEEP, 0, 650 * US, 900 * US, 0, TR_NO_P);
    runnable(4, 900 * US, 905 * US, 0, TR_NO_P, false);
    for (int64_t t = 905 * US; t < STORY_END_NS; t += 500) {
        running(4, 1, t, t + 400);
        runnable(4, t + 400, t + 500, 4, 1, false);
    }
    fill_gaps();
}

/* ---- the reader ---- */

int tr_reader_open(const char *path, struct tr_reader **ret, char err[TR_ERR_MAX])
{
    const char *slash = strrchr(path, '/');
    if (strcmp(slash ? slash + 1 : path, "story.gtrace") != 0) {
        snprintf(err, TR_ERR_MAX, "%s: not a story", path);
        return -EBADMSG;
    }
    tell_story();
    *ret = calloc(1, sizeof(**ret));
    (*ret)->info = (struct tr_info){.path = path,
                                    .command = "story",
                                    .pid = 42,
                                    .from_start = true,
                                    .end = TR_END_STOPPED,
                                    .end_ns = STORY_END_NS,
                                    .complete_until = INT64_MAX};
    return 0;
}

void tr_reader_close(struct tr_reader *r)
{
    free(r);
}

void tr_reader_rewind(struct tr_reader *r)
{
    r->next = 0;
}

const struct tr_info *tr_reader_info(const struct tr_reader *r)
{
    return &r->info;
}

void tr_reader_verdict(const struct tr_reader *r, char *buf, size_t cap)
{
    (void)r;
    snprintf(buf, cap, "complete");
}

/* Two events that are not spans. */
bool tr_reader_next(struct tr_reader *r, struct tr_event *ret)
{
    static const struct tr_event events[] = {
        {.type = TR_EV_PROCS, .arg = PS, .p = TR_NO_P, .m = 0, .tid = 1000},
        {.type = TR_EV_RACE,
         .time = 400 * US,
         .p = 1,
         .g = 3,
         .by = 2,
         .obj = 0x5150,
         .m = 1,
         .tid = 1001,
         .stack = 1,
         .by_stack = 2,
         .access = {{.size = 4}, {.size = 8, .write = 1}},
         .by_from = 180 * US,
         .by_to = 240 * US},
    };
    if (r->next == sizeof(events) / sizeof(events[0]))
        return false;
    *ret = events[r->next++];
    return true;
}

struct tr_spans *tr_spans_make(struct tr_reader *r, tr_span_fn *fn, void *arg)
{
    struct tr_spans *sp = calloc(1, sizeof(*sp));
    *sp = (struct tr_spans){r, fn, arg};
    return sp;
}

void tr_spans_feed(struct tr_spans *sp, const struct tr_event *e)
{
    (void)sp;
    (void)e;
}

void tr_spans_finish(struct tr_spans *sp)
{
    for (unsigned i = 0; i < spans_n; i++)
        sp->fn(sp->arg, &spans[i]);
}

void tr_spans_free(struct tr_spans *sp)
{
    free(sp);
}

/* ---- names ---- */

const char *tr_reader_g_label(struct tr_reader *r, const struct tr_g *g)
{
    return g->name ? g->name : tr_reader_function(r, g->fn);
}

const char *tr_reader_function(struct tr_reader *r, uint64_t pc)
{
    (void)r;
    return fn_names[pc <= FN_TICKER ? pc : 0];
}

uint32_t tr_reader_obj_number(struct tr_reader *r, uint64_t obj)
{
    (void)r;
    return (uint32_t)obj;
}

/* Stack 1: a creation; stack 2: a wait, three frames deep in the runtime. */
const uint64_t *tr_reader_stack(const struct tr_reader *r, uint32_t id, size_t *ret_n)
{
    static const uint64_t created[] = {100, 1}, waits[] = {101, 102, 2};
    (void)r;
    *ret_n = id == 1 ? 2 : id == 2 ? 3 : 0;
    return id == 1 ? created : id == 2 ? waits : NULL;
}

size_t tr_reader_runtime_depth(struct tr_reader *r, const uint64_t *pcs, size_t n)
{
    size_t depth = 0;
    (void)r;
    while (depth < n && pcs[depth] >= 100)
        depth++;
    return depth;
}

size_t tr_reader_frames(struct tr_reader *r, uint64_t pc, bool is_return,
                        const struct tr_frame **ret)
{
    static const struct tr_frame of_user[] = {{"?", NULL, 0, false},
                                              {"main_goroutine", "/src/story.c", 12, false},
                                              {"worker", "/src/story.c", 34, false},
                                              {"ticker", "/src/story.c", 56, false}};
    static const struct tr_frame of_runtime[] = {{"go_spawn", "/src/runtime/go.c", 7, false},
                                                 {"wait_for_peer", "/src/runtime/chan.c", 8, false},
                                                 {"go_chan_recv", "/src/runtime/chan.c", 9, false}};
    (void)r;
    (void)is_return;
    *ret = pc >= 100 ? &of_runtime[pc - 100] : &of_user[pc];
    return 1;
}

bool tr_is_runtime_function(const char *name)
{
    return strncmp(name, "go_", 3) == 0 && strcmp(name, "go_main") != 0;
}

enum tr_class tr_reason_class(enum tr_reason why)
{
    switch (why) {
    case TR_CHAN_RECV:
        return TR_CL_CHAN;
    case TR_MUTEX:
        return TR_CL_MUTEX;
    case TR_SLEEP:
        return TR_CL_SLEEP;
    default:
        return TR_CL_OTHER;
    }
}
