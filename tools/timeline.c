/* timeline.c - see timeline.h. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "timeline.h"

/* Makes room for one more element of size in an array that holds n. */
static void grow(void **p, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap)
        return;
    uint32_t new_cap = *cap * 2 + 32;
    char *q = cmd_alloc(new_cap * size);
    if (n)
        memcpy(q, *p, n * size);
    memset(q + n * size, 0, (new_cap - n) * size);
    free(*p);
    *p = q;
    *cap = new_cap;
}

/* ---- first pass ---- */

static uint32_t fn_number(struct timeline *t, const char *name)
{
    uint32_t before = t->fn_ids.count;
    uint32_t n = idmap_add(&t->fn_ids, (uintptr_t)name);
    if (n == before) {
        /* The same name may stand at two addresses: static functions of two files. */
        for (uint32_t i = 0; i < before; i++)
            if (t->fn[i].name && strcmp(t->fn[i].name, name) == 0) {
                grow((void **)&t->fn, n, &t->fn_cap, sizeof(*t->fn));
                t->fn[n] = (struct tl_fn){.name = NULL, .row = i};
                return i;
            }
        grow((void **)&t->fn, n, &t->fn_cap, sizeof(*t->fn));
        t->fn[n] = (struct tl_fn){.name = name, .first_run = INT64_MAX};
    }
    return t->fn[n].name ? n : t->fn[n].row;
}

static struct tl_g *g_of(struct timeline *t, uint64_t id, const struct tr_g *info)
{
    uint32_t before = t->numbers.count, n = idmap_add(&t->numbers, id);
    grow((void **)&t->g, n, &t->g_cap, sizeof(*t->g));
    struct tl_g *g = &t->g[n];
    if (n == before) {
        const char *fn = info && info->fn ? tr_reader_function(t->r, info->fn) : "?";
        *g = (struct tl_g){.id = id, .first_run = INT64_MAX, .fn = fn_number(t, fn)};
        t->fn[g->fn].goroutines++;
    }
    if (info)
        g->label = info->name || !g->label ? tr_reader_g_label(t->r, info) : g->label;
    return g;
}

int tl_class(const struct tr_span *s)
{
    switch (s->state) {
    case TR_G_RUNNABLE:
        return TR_CL_RUNNABLE;
    case TR_G_RUNNING:
        return TR_CL_RUNNING;
    case TR_G_BLOCKED:
        return tr_reason_class(s->why);
    case TR_G_DETACHED:
        return TR_CL_SYSCALL;
    default:
        return TL_UNKNOWN;
    }
}

static unsigned bucket_of(uint64_t ns)
{
    if (ns < TL_HIST_SUB)
        return (unsigned)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns);
    return (power - 4) * TL_HIST_SUB + (unsigned)(ns >> (power - 5) & (TL_HIST_SUB - 1));
}

uint64_t tl_bucket_least(unsigned b)
{
    if (b < TL_HIST_SUB)
        return b;
    unsigned power = b / TL_HIST_SUB + 4;
    return (1ull << power) + ((uint64_t)(b % TL_HIST_SUB) << (power - 5));
}

uint64_t tl_bucket_middle(unsigned b)
{
    return b < TL_HIST_SUB ? b : tl_bucket_least(b) + (1ull << (b / TL_HIST_SUB - 1)) / 2;
}

static void count_latency(struct tl_fn *f, uint64_t ns)
{
    if (!f->hist) {
        f->hist = cmd_alloc(TL_HIST * sizeof(*f->hist));
        memset(f->hist, 0, TL_HIST * sizeof(*f->hist));
    }
    f->hist[bucket_of(ns)]++;
    f->latencies++;
    if (ns > f->latency_max)
        f->latency_max = ns;
}

uint64_t tl_inside(const struct timeline *t, const struct tr_span *s)
{
    int64_t a = s->begin > t->from ? s->begin : t->from, b = s->end < t->to ? s->end : t->to;
    return b > a ? (uint64_t)(b - a) : 0;
}

static void survey_span(void *arg, const struct tr_span *s)
{
    struct timeline *t = arg;
    if (t->also_span)
        t->also_span(t->also_arg, s);
    if (s->lane == TR_LANE_P && s->id >= t->procs && s->id < 1u << 16)
        t->procs = s->id + 1;
    if (s->lane == TR_LANE_M && s->id != UINT32_MAX)
        idmap_add(&t->threads, s->id);
    if (s->lane != TR_LANE_G || s->state == TR_G_DEAD || s->end < t->from || s->begin > t->to ||
        !tr_query_span(t->query, t->r, s))
        return;
    struct tl_g *g = g_of(t, s->id, s->info);
    struct tl_fn *f = &t->fn[g->fn];
    int c = tl_class(s);
    f->total[c] += tl_inside(t, s);
    if (c == TR_CL_RUNNING || s->state == TR_G_DETACHED) {
        g->running += tl_inside(t, s);
        if (s->begin < g->first_run)
            g->first_run = s->begin;
        if (s->begin < f->first_run)
            f->first_run = s->begin;
        f->runs += c == TR_CL_RUNNING;
    }
    if (c == TR_CL_RUNNABLE && !s->open && s->end >= t->from && s->end <= t->to)
        count_latency(f, (uint64_t)(s->end - s->begin));
}

static void survey_event(struct timeline *t, const struct tr_event *e)
{
    t->events++;
    if (t->also_event)
        t->also_event(t->also_arg, e);
    if (e->type == TR_EV_RACE && e->time >= t->from && e->time <= t->to) {
        if (t->races < TL_RACES)
            t->race[t->races] =
                (struct tl_race){e->time, e->g, e->by, e->obj, e->by_from, e->by_to};
        t->races++;
    }
}

static bool read_all(struct timeline *t, tr_span_fn *on_span, bool survey)
{
    progress_begin(&t->progress, t->r, survey ? "reading, first of two passes" : "reading");
    struct tr_spans *spans = tr_spans_make(t->r, on_span, t);
    if (!spans)
        return false;
    struct tr_event e;
    while (tr_reader_next(t->r, &e)) {
        if (survey)
            survey_event(t, &e);
        tr_spans_feed(spans, &e);
        progress_tick(&t->progress, e.time);
    }
    tr_spans_finish(spans);
    tr_spans_free(spans);
    progress_end(&t->progress);
    return true;
}

static const struct timeline *sorted; /* of the qsort that runs */

static int by_running(const void *a, const void *b)
{
    const struct tl_fn *x = &sorted->fn[*(const uint32_t *)a];
    const struct tl_fn *y = &sorted->fn[*(const uint32_t *)b];
    uint64_t rx = x->total[TR_CL_RUNNING], ry = y->total[TR_CL_RUNNING];
    if (rx != ry)
        return rx < ry ? 1 : -1;
    return x->name && y->name ? strcmp(x->name, y->name) : !x->name - !y->name;
}

uint32_t *tl_fn_order(const struct timeline *t)
{
    uint32_t *order = cmd_alloc((t->fn_ids.count + 1ul) * sizeof(*order));
    for (uint32_t i = 0; i < t->fn_ids.count; i++)
        order[i] = i;
    sorted = t;
    qsort(order, t->fn_ids.count, sizeof(*order), by_running);
    return order;
}

static void colour_functions(struct timeline *t)
{
    uint32_t *order = tl_fn_order(t);
    for (uint32_t i = 0; i < t->fn_ids.count; i++)
        t->fn[order[i]].colour = i < TL_FUNCTIONS ? (int)i : TL_OTHER_FUNCTION;
    free(order);
}

bool tl_survey(struct timeline *t)
{
    if (!read_all(t, survey_span, true))
        return false;
    colour_functions(t);
    return true;
}

/* ---- rows ---- */

static struct tl_row *add_row(struct timeline *t)
{
    grow((void **)&t->rows, t->rows_n, &t->rows_cap, sizeof(*t->rows));
    struct tl_row *row = &t->rows[t->rows_n++];
    size_t size = t->columns * TL_KINDS * sizeof(*row->cell);
    *row = (struct tl_row){.lane = TL_LANE_G, .g = UINT32_MAX, .fn = UINT32_MAX, .members = 1};
    row->cell = cmd_alloc(size);
    memset(row->cell, 0, size);
    return row;
}

uint64_t tl_rows_of_p(struct timeline *t, uint32_t max)
{
    for (uint64_t p = 0; p < t->procs && p < max; p++) {
        struct tl_row *row = add_row(t);
        row->lane = TL_LANE_P;
        row->id = p;
    }
    return t->procs > max ? t->procs - max : 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

uint64_t tl_rows_of_m(struct timeline *t, uint32_t max)
{
    uint32_t n = 0, all = t->threads.count;
    uint64_t *ids = cmd_alloc((all + 1ul) * sizeof(*ids));
    for (uint32_t i = 0; t->threads.slots && i <= t->threads.mask; i++)
        if (t->threads.slots[i].number)
            ids[n++] = t->threads.slots[i].id;
    qsort(ids, n, sizeof(*ids), by_number);
    max = max < TL_THREADS ? max : TL_THREADS;
    for (uint32_t i = 0; i < n && i < max; i++) {
        struct tl_row *row = add_row(t);
        row->lane = TL_LANE_M;
        row->id = ids[i];
        t->thread_row[idmap_find(&t->threads, ids[i])] = t->rows_n;
    }
    free(ids);
    return n > max ? n - max : 0;
}

static int g_by_running(const void *a, const void *b)
{
    const struct tl_g *x = &sorted->g[*(const uint32_t *)a];
    const struct tl_g *y = &sorted->g[*(const uint32_t *)b];
    if (x->running != y->running)
        return x->running < y->running ? 1 : -1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int g_by_first_run(const void *a, const void *b)
{
    const struct tl_g *x = &sorted->g[*(const uint32_t *)a];
    const struct tl_g *y = &sorted->g[*(const uint32_t *)b];
    if (x->first_run != y->first_run)
        return x->first_run < y->first_run ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

uint64_t tl_rows_of_g(struct timeline *t, uint32_t max)
{
    uint32_t all = t->numbers.count, n = all < max ? all : max;
    uint32_t *order = cmd_alloc((all + 1ul) * sizeof(*order));
    for (uint32_t i = 0; i < all; i++)
        order[i] = i;
    sorted = t;
    qsort(order, all, sizeof(*order), g_by_running);
    qsort(order, n, sizeof(*order), g_by_first_run);
    for (uint32_t i = 0; i < n; i++) {
        struct tl_row *row = add_row(t);
        row->g = order[i];
        row->fn = t->g[order[i]].fn;
        t->g[order[i]].row = t->rows_n;
    }
    free(order);
    return all - n;
}

uint64_t tl_rows_of_fn(struct timeline *t, uint32_t max)
{
    uint32_t *order = tl_fn_order(t);
    uint64_t left = 0;
    for (uint32_t i = 0; i < t->fn_ids.count; i++) {
        struct tl_fn *f = &t->fn[order[i]];
        if (!f->name || !f->goroutines)
            continue;
        if (max == 0) {
            left++;
            continue;
        }
        max--;
        struct tl_row *row = add_row(t);
        row->fn = order[i];
        row->members = f->goroutines;
        f->row = t->rows_n;
    }
    free(order);
    return left;
}

/* ---- second pass ---- */

static void fill_cells(struct timeline *t, struct tl_row *row, const struct tr_span *s, int kind)
{
    double per_ns = t->columns / (double)(t->to - t->from);
    double a = (double)(s->begin - t->from) * per_ns, b = (double)(s->end - t->from) * per_ns;
    if (b <= 0 || a >= t->columns)
        return;
    a = a < 0 ? 0 : a;
    b = b > t->columns ? t->columns : b;
    for (unsigned c = (unsigned)a; c < t->columns && c < b; c++) {
        double lo = a > c ? a : c, hi = b < c + 1 ? b : c + 1;
        if (hi > lo)
            row->cell[c * TL_KINDS + (unsigned)kind] += (float)((hi - lo) / per_ns);
    }
}

/* The P or M of row ran goroutine g, of an entry function that has a colour. */
static void fill_lane(struct timeline *t, uint32_t row, const struct tr_span *s, uint64_t g,
                      bool without_p)
{
    uint32_t n = idmap_find(&t->numbers, g);
    int kind = without_p         ? TL_WITHOUT_P
               : n == UINT32_MAX ? TL_OTHER_FUNCTION
                                 : t->fn[t->g[n].fn].colour;
    fill_cells(t, &t->rows[row], s, kind);
    if (!without_p)
        t->rows[row].busy += tl_inside(t, s);
}

/* A goroutine ran: on a P, on an M.  (A goroutine's spans, not those of the P: the filter means
 * them.) */
static void fill_where(struct timeline *t, const struct tr_span *s)
{
    uint32_t m = idmap_find(&t->threads, s->m);
    if (s->state == TR_G_RUNNING && s->p >= 0 && (uint32_t)s->p < t->rows_n &&
        t->rows[s->p].lane == TL_LANE_P)
        fill_lane(t, (uint32_t)s->p, s, s->id, false);
    if ((s->state == TR_G_RUNNING || s->state == TR_G_DETACHED) && m < TL_THREADS &&
        t->thread_row[m])
        fill_lane(t, t->thread_row[m] - 1, s, s->id, s->state == TR_G_DETACHED);
}

static void fill_span(void *arg, const struct tr_span *s)
{
    struct timeline *t = arg;
    if (s->lane != TR_LANE_G || s->state == TR_G_DEAD || s->end < t->from || s->begin > t->to)
        return;
    uint32_t n = idmap_find(&t->numbers, s->id);
    if (n == UINT32_MAX || !tr_query_span(t->query, t->r, s))
        return;
    fill_where(t, s);
    uint32_t row = t->g[n].row ? t->g[n].row : t->fn[t->g[n].fn].row;
    if (row == 0)
        return;
    int c = tl_class(s);
    fill_cells(t, &t->rows[row - 1], s, c);
    if (c == TR_CL_RUNNING)
        t->rows[row - 1].busy += tl_inside(t, s);
}

bool tl_fill(struct timeline *t)
{
    tr_reader_rewind(t->r);
    return read_all(t, fill_span, false);
}

uint64_t tl_quantile(const struct tl_fn *f, double q)
{
    uint64_t wanted = (uint64_t)(q * (double)f->latencies + 0.999999), n = 0;
    if (wanted == 0)
        wanted = 1;
    for (unsigned b = 0; b < TL_HIST && f->hist; b++) {
        n += f->hist[b];
        if (n >= wanted) {
            uint64_t v = tl_bucket_middle(b);
            return v < f->latency_max ? v : f->latency_max;
        }
    }
    return 0;
}

void tl_fini(struct timeline *t)
{
    for (uint32_t i = 0; i < t->rows_n; i++)
        free(t->rows[i].cell);
    for (uint32_t i = 0; i < t->fn_ids.count; i++)
        free(t->fn[i].hist);
    free(t->rows);
    free(t->fn);
    free(t->g);
    idmap_fini(&t->numbers);
    idmap_fini(&t->threads);
    idmap_fini(&t->fn_ids);
}
