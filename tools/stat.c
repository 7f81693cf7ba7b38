/* stat.c - see stat.h. */
#include "stat.h"
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "trace_text.h"

/* Room for element i of an array of elements of size bytes, zeroed. */
static void *room(void *p, size_t *cap, size_t i, size_t size)
{
    if (i < *cap)
        return p;
    size_t want = *cap ? *cap * 2 : 64;
    while (want <= i)
        want *= 2;
    char *more = cmd_alloc(want * size);
    memset(more, 0, want * size);
    if (*cap)
        memcpy(more, p, *cap * size);
    free(p);
    *cap = want;
    return more;
}

/* ---- waits ---- */

/* Sleeps are as long as they were meant to be: only a filter that asks for them shows them. */
static bool is_wait(const struct stats *s, const struct tr_span *sp)
{
    return sp->why != TR_SLEEP || s->t.query;
}

static void add_longest(struct stats *s, const struct tr_span *sp, uint64_t ns)
{
    if (ns <= s->longest[STAT_WAITS - 1].ns)
        return;
    struct tr_reader *r = s->t.r;
    struct stat_wait w = {.g = sp->id,
                          .by = sp->by,
                          .ns = ns,
                          .obj = sp->obj,
                          .begin = sp->begin,
                          .why = sp->why,
                          .stack = sp->stack};
    w.label = sp->info ? tr_reader_g_label(r, sp->info) : NULL;
    w.by_label = trace_label(r, sp->by);
    for (int i = 0; i < STAT_WAITS; i++)
        if (w.ns > s->longest[i].ns) {
            struct stat_wait out = s->longest[i];
            s->longest[i] = w;
            w = out;
        }
}

static void add_object(struct stats *s, const struct tr_span *sp, uint64_t ns)
{
    uint32_t i = idmap_add(&s->obj_ids, sp->obj);
    s->objects = room(s->objects, &s->object_cap, i, sizeof(*s->objects));
    struct stat_object *o = &s->objects[i];
    o->addr = sp->obj;
    o->waits++;
    o->ns += ns;
    if (o->why == TR_NONE || (sp->why != TR_SELECT && o->why == TR_SELECT))
        o->why = sp->why;
    if (ns >= o->max_ns) {
        o->max_ns = ns;
        o->stack = sp->stack;
        o->max_g = sp->id;
        o->max_by = sp->by;
        o->max_label = sp->info ? tr_reader_g_label(s->t.r, sp->info) : NULL;
        o->by_label = trace_label(s->t.r, sp->by);
    }
}

/* ---- spans ---- */

static void add_g(struct stats *s, const struct tr_span *sp, uint64_t ns)
{
    bool runnable = sp->state == TR_G_RUNNABLE;
    if (runnable || sp->state == TR_G_RUNNING) {
        windows_add(&s->windows, sp->begin, sp->end, runnable);
        *(runnable ? &s->ready_ns : &s->ran_ns) += ns;
    }
    if (sp->state != TR_G_BLOCKED)
        return;
    if (is_wait(s, sp))
        add_longest(s, sp, ns);
    if (sp->obj)
        add_object(s, sp, ns);
}

static void on_span(void *arg, const struct tr_span *sp)
{
    struct stats *s = arg;
    uint64_t ns = tl_inside(&s->t, sp);
    if (sp->end < s->t.from || sp->begin > s->t.to)
        return;
    if (sp->lane == TR_LANE_G && sp->state != TR_G_DEAD) {
        int cls = tl_class(sp);
        critical_add(&s->critical, sp, cls < TR_CLASSES ? cls : -1);
        if (tr_query_span(s->t.query, s->t.r, sp))
            add_g(s, sp, ns);
    } else if (sp->lane == TR_LANE_P && sp->id < STAT_PROCS) {
        s->procs = room(s->procs, &s->proc_cap, sp->id, sizeof(*s->procs));
        s->procs[sp->id].ns[sp->state] += ns;
        s->procs[sp->id].runs += sp->state == TR_P_RUNNING;
    }
}

static void on_event(void *arg, const struct tr_event *e)
{
    struct stats *s = arg;
    s->created += e->type == TR_EV_GO_CREATE || e->type == TR_EV_GO_STATE;
}

/* ---- the path ---- */

static void on_part(void *arg, const struct critical_part *part)
{
    struct stats *s = arg;
    uint32_t n = idmap_find(&s->t.numbers, part->g);
    struct stat_path *p = n == UINT32_MAX ? &s->path_other : &s->path[s->t.g[n].fn];
    p->ns[part->cls] += (uint64_t)(part->end - part->begin);
    p->parts++;
    s->path_ns += (uint64_t)(part->end - part->begin);
    struct critical_part x = *part;
    for (size_t i = 0; i < sizeof(s->path_longest) / sizeof(s->path_longest[0]); i++)
        if (x.end - x.begin > s->path_longest[i].end - s->path_longest[i].begin) {
            struct critical_part out = s->path_longest[i];
            s->path_longest[i] = x;
            x = out;
        }
}

static void find_path(struct stats *s)
{
    size_t size = (s->t.fn_ids.count + 1ul) * sizeof(*s->path);
    s->path = cmd_alloc(size);
    memset(s->path, 0, size);
    if (critical_walk(&s->critical, on_part, s))
        return;
    free(s->path);
    s->path = NULL;
}

bool stats_gather(struct stats *s, const struct trace_args *args)
{
    const struct tr_info *info = tr_reader_info(s->t.r);
    int64_t end = info->end_ns > 0 ? info->end_ns : 1;
    s->t.from = args->from < end ? args->from : end;
    s->t.to = args->to < end ? args->to : end;
    s->t.query = args->query;
    s->t.also_span = on_span;
    s->t.also_event = on_event;
    s->t.also_arg = s;
    int64_t window = s->window_ns ? s->window_ns : (s->t.to - s->t.from) / 20 + 1;
    s->window_ns = windows_begin(&s->windows, s->t.from, s->t.to, window);
    if (s->wants_path)
        critical_begin(&s->critical, s->t.from, s->t.to);
    if (!tl_survey(&s->t))
        return false;
    if (s->wants_path)
        find_path(s);
    return true;
}

void stats_fini(struct stats *s)
{
    tl_fini(&s->t);
    idmap_fini(&s->obj_ids);
    windows_fini(&s->windows);
    critical_fini(&s->critical);
    free(s->objects);
    free(s->procs);
    free(s->path);
}

/* ---- latencies of all functions ---- */

uint64_t stats_latencies(const struct stats *s)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < s->t.fn_ids.count; i++)
        n += s->t.fn[i].latencies;
    return n;
}

uint64_t stats_latency_max(const struct stats *s)
{
    uint64_t max = 0;
    for (uint32_t i = 0; i < s->t.fn_ids.count; i++)
        max = s->t.fn[i].latency_max > max ? s->t.fn[i].latency_max : max;
    return max;
}

static uint64_t in_bucket(const struct stats *s, unsigned b)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < s->t.fn_ids.count; i++)
        n += s->t.fn[i].hist ? s->t.fn[i].hist[b] : 0;
    return n;
}

uint64_t stats_latency(const struct stats *s, double q)
{
    uint64_t wanted = (uint64_t)(q * (double)stats_latencies(s) + 0.999999), n = 0;
    uint64_t max = stats_latency_max(s);
    for (unsigned b = 0; b < TL_HIST; b++) {
        n += in_bucket(s, b);
        if (n >= (wanted ? wanted : 1))
            return tl_bucket_middle(b) < max ? tl_bucket_middle(b) : max;
    }
    return max;
}

uint64_t stats_latency_between(const struct stats *s, unsigned log)
{
    uint64_t n = 0;
    for (unsigned b = 0; b < TL_HIST; b++) {
        uint64_t v = tl_bucket_least(b);
        if (v >> log == 1 || (log == 0 && v == 0))
            n += in_bucket(s, b);
    }
    return n;
}
