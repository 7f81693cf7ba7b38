/* trace_export_chrome.c - Chrome's trace events (JSON), for chrome://tracing and every viewer that
 * reads them; for traces of up to some hundred thousand events, which is what those viewers bear.
 *
 * Processes of the viewer are our kinds of lane: P, G, M, and the regions of each goroutine, which
 * have lanes of their own, since the slices of one lane must nest.  A state is a complete event (X)
 * written when it ends.  A wake-up is a flow from the waker's running slice to the runnable slice
 * that it began; a task is an asynchronous event. */
#include <stdlib.h>
#include "access.h"
#include "cmd.h"
#include "gmap.h"
#include "stacks.h"
#include "trace_export.h"

enum lane_kind { LANES_P = 1, LANES_G, LANES_M, LANES_REGIONS };

struct chrome {
    struct tr_reader *r;
    struct out *out;
    struct stack_places places;
    struct gmap regions; /* open regions of each goroutine that is in one */
    struct gmap named;   /* lanes of P and M that have a name: kind << 32 | number */
    uint64_t flows;
    bool some; /* an event was written */
};

/* {"ph":"X","pid":2,"tid":7   */
static void open_event(struct chrome *x, char phase, enum lane_kind kind, uint64_t lane)
{
    struct out *o = x->out;
    if (x->some)
        out_literal(o, ",\n");
    x->some = true;
    out_literal(o, "{\"ph\":\"");
    out_char(o, phase);
    out_literal(o, "\",\"pid\":");
    out_uint(o, kind);
    out_literal(o, ",\"tid\":");
    out_uint(o, lane);
}

static void put_time(struct chrome *x, int64_t time)
{
    out_literal(x->out, ",\"ts\":");
    out_thousandths(x->out, (uint64_t)time);
}

static inline void put_key(struct chrome *x, const char *key)
{
    out_literal(x->out, ",\"");
    out_text(x->out, key);
    out_literal(x->out, "\":");
}

static void put_text(struct chrome *x, const char *key, const char *text)
{
    put_key(x, key);
    out_json(x->out, text);
}

/* A word of ours. */
static inline void put_word(struct chrome *x, const char *key, const char *word)
{
    put_key(x, key);
    out_quoted(x->out, word);
}

static inline void put_number(struct chrome *x, const char *key, uint64_t v)
{
    put_key(x, key);
    out_uint(x->out, v);
}

static void close_event(struct chrome *x)
{
    out_char(x->out, '}');
}

/* ---- names of lanes ---- */

static void name_lane(struct chrome *x, const char *what, enum lane_kind kind, uint64_t lane,
                      const char *name)
{
    open_event(x, 'M', kind, lane);
    put_word(x, "name", what);
    out_literal(x->out, ",\"args\":{\"name\":");
    out_json(x->out, name);
    out_literal(x->out, "}");
    close_event(x);
}

static void name_goroutine(struct chrome *x, uint64_t id)
{
    char *name = cmd_printf("G%llu %s", (unsigned long long)id,
                            tr_reader_g_label(x->r, tr_reader_g(x->r, id)));
    name_lane(x, "thread_name", LANES_G, id, name);
    free(name);
}

/* "P3", "M7", once. */
static void name_numbered(struct chrome *x, enum lane_kind kind, char letter, uint64_t number)
{
    uint64_t key = (uint64_t)kind << 32 | number;
    if (gmap_find(&x->named, key))
        return;
    *gmap_add(&x->named, key) = 1;
    char *name = cmd_printf("%c%llu", letter, (unsigned long long)number);
    name_lane(x, "thread_name", kind, number, name);
    free(name);
}

/* ---- states ---- */

static void open_state(struct chrome *x, enum lane_kind kind, const struct tr_span *s)
{
    open_event(x, 'X', kind, s->id);
    put_time(x, s->begin);
    out_literal(x->out, ",\"dur\":");
    out_thousandths(x->out, (uint64_t)(s->end - s->begin));
}

/* Runs goroutine s->g: a slice of its name. */
static void run_of(struct chrome *x, enum lane_kind kind, const struct tr_span *s)
{
    struct out *o = x->out;
    name_numbered(x, kind, kind == LANES_P ? 'P' : 'M', s->id);
    open_state(x, kind, s);
    out_literal(o, ",\"name\":\"G");
    out_uint(o, s->g);
    if (kind == LANES_P) {
        out_literal(o, "\",\"args\":{\"function\":");
        out_json(o, tr_reader_g_label(x->r, tr_reader_g(x->r, s->g)));
        out_literal(o, "}");
    } else {
        out_literal(o, "\"");
    }
    close_event(x);
}

static void blocked(struct chrome *x, const struct tr_span *s)
{
    struct out *o = x->out;
    uint32_t number = tr_reader_obj_number(x->r, s->obj);
    put_word(x, "name", s->why ? tr_reason_name(s->why) : "blocked");
    out_literal(o, ",\"args\":{\"by\":");
    out_uint(o, s->by);
    if (number) {
        const char *kind = tr_reason_kind(s->why);
        out_literal(o, ",\"object\":\"");
        out_text(o, *kind ? kind : "object");
        out_char(o, '#');
        out_uint(o, number);
        out_char(o, '"');
    }
    if (s->stack)
        put_text(x, "at", stack_place(&x->places, x->r, s->stack));
    out_literal(o, "}");
}

static void goroutine(struct chrome *x, const struct tr_span *s)
{
    open_state(x, LANES_G, s);
    if (s->state == TR_G_BLOCKED) {
        blocked(x, s);
    } else {
        put_word(x, "name", tr_gstate_name(s->state));
        if (s->state == TR_G_RUNNING) {
            out_literal(x->out, ",\"args\":{\"p\":");
            out_int(x->out, s->p);
            out_literal(x->out, "}");
        } else if (s->state == TR_G_RUNNABLE) {
            out_literal(x->out, ",\"args\":{\"by\":");
            out_uint(x->out, s->by);
            out_literal(x->out, "}");
        }
    }
    close_event(x);
}

static void span(void *arg, const struct tr_span *s)
{
    struct chrome *x = arg;
    if (s->lane == TR_LANE_P && s->state == TR_P_RUNNING)
        run_of(x, LANES_P, s);
    else if (s->lane == TR_LANE_M && (s->state == TR_M_RUNNING || s->state == TR_M_DETACHED))
        run_of(x, LANES_M, s);
    else if (s->lane == TR_LANE_G)
        goroutine(x, s);
}

/* ---- events ---- */

static void flow_end(struct chrome *x, char phase, uint64_t lane, int64_t time)
{
    open_event(x, phase, LANES_G, lane);
    put_time(x, time);
    put_number(x, "id", x->flows);
    out_literal(x->out, ",\"name\":\"wakes\",\"cat\":\"wakes\"");
    if (phase == 'f')
        put_word(x, "bp", "e"); /* ends at the slice that is there, not at the next one */
    close_event(x);
}

static void wake_up(struct chrome *x, const struct tr_event *e)
{
    if (!e->by || !e->g)
        return;
    x->flows++;
    flow_end(x, 's', e->by, e->time);
    flow_end(x, 'f', e->g, e->time);
}

static void region(struct chrome *x, const struct tr_event *e)
{
    uint64_t *depth =
        e->type == TR_EV_REGION_BEGIN ? gmap_add(&x->regions, e->g) : gmap_find(&x->regions, e->g);
    if (!depth)
        return; /* it began before the recording */
    *depth += e->type == TR_EV_REGION_BEGIN ? 1 : -1ull;
    if (!*depth)
        gmap_remove(&x->regions, e->g);
    open_event(x, e->type == TR_EV_REGION_BEGIN ? 'B' : 'E', LANES_REGIONS, e->g);
    put_time(x, e->time);
    put_text(x, "name", e->text);
    if (e->task) {
        out_literal(x->out, ",\"args\":{\"task\":");
        out_uint(x->out, e->task);
        out_literal(x->out, "}");
    }
    close_event(x);
}

/* Regions that the goroutine's end leaves open end with it. */
static void close_regions(struct chrome *x, const struct tr_event *e)
{
    const uint64_t *depth = gmap_find(&x->regions, e->g);
    for (uint64_t n = depth ? *depth : 0; n > 0; n--) {
        open_event(x, 'E', LANES_REGIONS, e->g);
        put_time(x, e->time);
        close_event(x);
    }
    gmap_remove(&x->regions, e->g);
}

static void task(struct chrome *x, const struct tr_event *e)
{
    open_event(x, e->type == TR_EV_TASK_BEGIN ? 'b' : 'e', LANES_G, e->g);
    put_time(x, e->time);
    put_number(x, "id", e->task);
    put_word(x, "cat", "task");
    put_text(x, "name", e->text ? e->text : "task");
    close_event(x);
}

/* What both sides of a race did, and when the earlier one was. */
static void sides(struct chrome *x, const struct tr_event *e)
{
    char text[ACCESS_TEXT_MAX];
    if (!e->access[0].size)
        return;
    put_word(x, "access", access_text(text, &e->access[0]));
    put_text(x, "at", stack_place(&x->places, x->r, e->stack));
    put_word(x, "earlier access", access_text(text, &e->access[1]));
    put_text(x, "earlier at", stack_place(&x->places, x->r, e->by_stack));
    if (e->by_from >= 0) {
        put_key(x, "earlier from us");
        out_thousandths(x->out, (uint64_t)e->by_from);
    }
    put_key(x, "earlier to us");
    out_thousandths(x->out, (uint64_t)e->by_to);
}

static void instant(struct chrome *x, const struct tr_event *e)
{
    open_event(x, 'i', LANES_G, e->g);
    put_time(x, e->time);
    put_word(x, "s", "t");
    if (e->type == TR_EV_LOG) {
        put_text(x, "name", e->category);
        out_literal(x->out, ",\"cat\":\"log\",\"args\":{\"message\":");
        out_json(x->out, e->text);
    } else {
        char address[32];
        snprintf(address, sizeof(address), "0x%llx", (unsigned long long)e->obj);
        put_word(x, "name", "data race");
        out_literal(x->out, ",\"cat\":\"race\",\"args\":{\"address\":");
        out_json(x->out, address);
        put_number(x, "with", e->by);
        sides(x, e);
    }
    out_literal(x->out, "}");
    close_event(x);
}

static void event(void *arg, const struct tr_event *e)
{
    struct chrome *x = arg;
    switch (e->type) {
    case TR_EV_GO_CREATE:
    case TR_EV_GO_STATE:
    case TR_EV_GO_NAME:
        if (e->g)
            name_goroutine(x, e->g);
        break;
    case TR_EV_GO_READY:
        wake_up(x, e);
        break;
    case TR_EV_GO_END:
        close_regions(x, e);
        break;
    case TR_EV_TASK_BEGIN:
    case TR_EV_TASK_END:
        task(x, e);
        break;
    case TR_EV_REGION_BEGIN:
    case TR_EV_REGION_END:
        if (e->g)
            region(x, e);
        break;
    case TR_EV_LOG:
    case TR_EV_RACE:
        instant(x, e);
        break;
    default:
        break;
    }
}

static void *begin(struct tr_reader *r, struct out *out, const char *folder)
{
    static const char *const kinds[] = {[LANES_P] = "processors (P)",
                                        [LANES_G] = "goroutines (G)",
                                        [LANES_M] = "threads (M)",
                                        [LANES_REGIONS] = "regions of goroutines"};
    (void)folder;
    struct chrome *x = cmd_alloc(sizeof(*x));
    *x = (struct chrome){.r = r, .out = out};
    out_literal(out, "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"program\":");
    out_json(out, tr_reader_info(r)->command);
    out_literal(out, "},\"traceEvents\":[\n");
    for (enum lane_kind k = LANES_P; k <= LANES_REGIONS; k++)
        name_lane(x, "process_name", k, 0, kinds[k]);
    return x;
}

static void end(void *arg, int64_t from, int64_t to)
{
    (void)from, (void)to;
    struct chrome *x = arg;
    out_literal(x->out, "\n]}\n");
    stack_places_fini(&x->places);
    gmap_fini(&x->regions);
    gmap_fini(&x->named);
    free(x);
}

const struct trace_export trace_export_chrome = {
    .name = "chrome", .begin = begin, .event = event, .span = span, .end = end};
