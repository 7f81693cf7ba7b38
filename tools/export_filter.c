/* export_filter.c - see export_filter.h.
 *
 * A window of a format of states begins like a recording in the middle of a run: PROCS, P_START of
 * each processor that is held, GO_STATE of each goroutine that lives.  They are told with the
 * states from before the first event of the window, so the events before it are followed for who
 * lives and who holds what; the reader knows the rest. */
#include "export_filter.h"
#include <stdlib.h>
#include <string.h>

/* ---- which goroutines are meant ---- */

static void mean(struct export_filter *f, uint64_t g)
{
    if (g)
        idset_add(&f->meant, g);
}

static void look_at_span(void *arg, const struct tr_span *s)
{
    struct export_filter *f = arg;
    uint64_t g = s->lane == TR_LANE_G ? s->id : s->g;
    if (trace_args_in(f->args, s->begin, s->end) && !idset_has(&f->meant, g) &&
        tr_query_span(f->args->query, f->r, s))
        mean(f, g);
}

static void find_meant(struct export_filter *f)
{
    struct tr_spans *spans = tr_spans_make(f->r, look_at_span, f);
    struct tr_event e;
    while (spans && tr_reader_next(f->r, &e)) {
        if (e.time < f->args->from)
            f->before = e.n + 1;
        if (trace_args_in(f->args, e.time, e.time) && !idset_has(&f->meant, e.g) &&
            tr_query_event(f->args->query, f->r, &e))
            mean(f, e.g);
        tr_spans_feed(spans, &e);
    }
    if (spans)
        tr_spans_finish(spans);
    tr_spans_free(spans);
    tr_reader_rewind(f->r);
}

void export_filter_begin(struct export_filter *f, const struct trace_export *format,
                         const struct trace_args *args, struct tr_reader *r)
{
    memset(f, 0, sizeof(*f));
    f->format = format;
    f->args = args;
    f->r = r;
    f->all = !args->query && !trace_args_has_window(args);
    if (format->states && !f->all)
        find_meant(f);
}

void export_filter_fini(struct export_filter *f)
{
    idset_fini(&f->meant);
    gmap_fini(&f->living);
    gmap_fini(&f->held);
}

/* ---- how things stand when the window begins ---- */

static void follow(struct export_filter *f, const struct tr_event *e)
{
    switch (e->type) {
    case TR_EV_GO_CREATE:
    case TR_EV_GO_STATE:
        if (e->g && idset_has(&f->meant, e->g))
            *gmap_add(&f->living, e->g) = 1;
        break;
    case TR_EV_GO_END:
        if (e->g)
            gmap_remove(&f->living, e->g);
        break;
    case TR_EV_P_START:
        *gmap_add(&f->held, (uint64_t)e->p + 1) = (uint64_t)e->m + 1;
        break;
    case TR_EV_P_STOP:
    case TR_EV_P_RETAKE:
        gmap_remove(&f->held, (uint64_t)e->p + 1);
        break;
    case TR_EV_PROCS:
        f->procs = e->arg;
        break;
    default: /* in a recording that began later, what moves lives */
        if (e->g && idset_has(&f->meant, e->g) && tr_reader_g(f->r, e->g))
            *gmap_add(&f->living, e->g) = 1;
        break;
    }
}

static enum tr_go_state told_state(const struct tr_g *g)
{
    return g->state == TR_G_RUNNING    ? TR_STATE_RUNNING
           : g->state == TR_G_BLOCKED  ? TR_STATE_BLOCKED
           : g->state == TR_G_DETACHED ? TR_STATE_BLOCKED
                                       : TR_STATE_RUNNABLE;
}

static void tell_goroutine(struct export_filter *f, const struct tr_event *last, uint64_t id)
{
    const struct tr_g *g = tr_reader_g(f->r, id);
    if (!g)
        return;
    struct tr_event e = {.type = TR_EV_GO_STATE,
                         .time = f->args->from,
                         .n = last->n,
                         .offset = last->offset,
                         .g = id,
                         .fn = g->fn,
                         .arg = told_state(g),
                         .m = g->m,
                         .p = g->state == TR_G_RUNNING ? g->p : TR_NO_P,
                         .obj = g->obj,
                         .stack = g->block_stack,
                         .why = g->state == TR_G_DETACHED ? TR_SYSCALL : (enum tr_reason)g->why};
    f->format->event(f->state, &e);
}

/* last: the one before the window, whose states are those of its beginning. */
static void begin_window(struct export_filter *f, const struct tr_event *last)
{
    struct tr_event e = {.time = f->args->from, .n = last->n, .offset = last->offset};
    if (f->procs) {
        e.type = TR_EV_PROCS;
        e.p = TR_NO_P;
        e.arg = f->procs;
        f->format->event(f->state, &e);
    }
    for (size_t i = 0; f->held.count && i <= f->held.mask; i++) {
        if (!f->held.slots[i].id)
            continue;
        e.type = TR_EV_P_START;
        e.p = (int32_t)(f->held.slots[i].id - 1);
        e.m = (uint32_t)(f->held.slots[i].value - 1);
        f->format->event(f->state, &e);
    }
    for (size_t i = 0; f->living.count && i <= f->living.mask; i++)
        if (f->living.slots[i].id)
            tell_goroutine(f, last, f->living.slots[i].id);
}

/* ---- events and spans ---- */

/* What is left of e for a reader that knows the goroutines of meant only. */
static void hand_state(struct export_filter *f, const struct tr_event *e)
{
    struct tr_event kept = *e;
    bool of_p = e->type == TR_EV_P_START || e->type == TR_EV_P_STOP || e->type == TR_EV_P_RETAKE ||
                e->type == TR_EV_PROCS || e->type == TR_EV_P_STEAL;
    if (!idset_has(&f->meant, e->g)) {
        if (!of_p)
            return;
        kept.g = 0;
    }
    if (!idset_has(&f->meant, e->by) && e->type != TR_EV_RACE)
        kept.by = 0;
    f->format->event(f->state, &kept);
}

static bool names_a_goroutine(enum tr_type t)
{
    return t == TR_EV_GO_CREATE || t == TR_EV_GO_STATE || t == TR_EV_GO_NAME;
}

void export_filter_event(struct export_filter *f, const struct tr_event *e)
{
    if (!f->format->event)
        return;
    bool in = trace_args_in(f->args, e->time, e->time);
    if (f->all) {
        f->format->event(f->state, e);
    } else if (f->format->states) {
        if (e->n < f->before)
            follow(f, e);
        else if (in)
            hand_state(f, e);
        if (e->n + 1 == f->before)
            begin_window(f, e);
    } else if (f->format->span && names_a_goroutine(e->type)) {
        f->format->event(f->state, e); /* spans of other events stand under the name */
    } else if (in && tr_query_event(f->args->query, f->r, e)) {
        f->format->event(f->state, e);
    }
}

void export_filter_span(struct export_filter *f, const struct tr_span *s)
{
    if (f->all) {
        f->format->span(f->state, s);
        return;
    }
    if (!trace_args_in(f->args, s->begin, s->end) || !tr_query_span(f->args->query, f->r, s))
        return;
    struct tr_span cut = *s;
    cut.begin = s->begin < f->args->from ? f->args->from : s->begin;
    cut.end = s->end > f->args->to ? f->args->to : s->end;
    f->format->span(f->state, &cut);
}

bool export_filter_is_done(const struct export_filter *f, int64_t time)
{
    return time > f->args->to && !f->format->span; /* spans that began before may end behind it */
}

int64_t export_filter_end_ns(const struct export_filter *f)
{
    int64_t end = tr_reader_info(f->r)->end_ns;
    return f->args->to < end ? f->args->to : end;
}
