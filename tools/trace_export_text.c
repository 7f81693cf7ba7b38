/* trace_export_text.c - events as CSV and as JSON lines (one object a line), for ad hoc
 * questions. */
#include <stdlib.h>
#include <string.h>
#include "access.h"
#include "cmd.h"
#include "stacks.h"
#include "trace_export.h"

struct text_export {
    struct tr_reader *r;
    struct out *out;
    struct stack_places places;
    char *race; /* text of the last one; NULL none */
};

/* What a row says, in both formats. */
struct row {
    const char *reason, *function, *name, *category, *place;
    const char *kind; /* of the object; NULL: an address, or nothing */
    uint64_t object;  /* its number, or the address; 0 none */
};

/* "write of 4 bytes, before it read of 4 bytes at say f.c:15 from 1200 to 3400 ns" */
static const char *race_text(struct text_export *x, const struct tr_event *e)
{
    char now[ACCESS_TEXT_MAX], before[ACCESS_TEXT_MAX];
    const char *place = stack_place(&x->places, x->r, e->by_stack);
    free(x->race);
    x->race = cmd_printf("%s, before it %s%s%s", access_text(now, &e->access[0]),
                         access_text(before, &e->access[1]), *place ? " at " : "", place);
    if (e->by_from >= 0) {
        char *with_times = cmd_printf("%s from %lld to %lld ns", x->race, (long long)e->by_from,
                                      (long long)e->by_to);
        free(x->race);
        x->race = with_times;
    }
    return e->access[0].size ? x->race : "";
}

static void fill(struct text_export *x, const struct tr_event *e, struct row *row)
{
    row->reason = tr_reason_name(e->why);
    row->function = e->type == TR_EV_GO_CREATE ? tr_reader_function(x->r, e->fn) : "";
    row->name = e->type == TR_EV_RACE ? race_text(x, e) : e->text ? e->text : "";
    row->category = e->category ? e->category : "";
    row->place = stack_place(&x->places, x->r, e->stack);
    row->kind = e->type == TR_EV_RACE ? NULL : tr_reason_kind(e->why);
    row->object = row->kind ? tr_reader_obj_number(x->r, e->obj) : e->obj;
}

/* "chan#3", "0x7f0012": as tr_reader_obj_name() has it, which is slow. */
static void put_object(struct out *o, const struct row *row)
{
    if (!row->object)
        return;
    if (!row->kind) {
        out_hex(o, row->object);
        return;
    }
    out_text(o, *row->kind ? row->kind : "object");
    out_char(o, '#');
    out_uint(o, row->object);
}

static void *begin(struct tr_reader *r, struct out *out, const char *folder)
{
    (void)folder;
    struct text_export *x = cmd_alloc(sizeof(*x));
    *x = (struct text_export){.r = r, .out = out};
    return x;
}

static void *begin_csv(struct tr_reader *r, struct out *out, const char *folder)
{
    out_literal(out,
                "n,time_ns,m,p,g,event,reason,object,by,function,name,place,arg,task,category\n");
    return begin(r, out, folder);
}

static void end(void *arg, int64_t from, int64_t to)
{
    (void)from, (void)to;
    struct text_export *x = arg;
    stack_places_fini(&x->places);
    free(x->race);
    free(x);
}

static void csv_uint(struct out *o, uint64_t v)
{
    out_uint(o, v);
    out_char(o, ',');
}

static void csv_int(struct out *o, int64_t v)
{
    out_int(o, v);
    out_char(o, ',');
}

static void csv_text(struct out *o, const char *s)
{
    out_csv(o, s);
    out_char(o, ',');
}

static void csv_event(void *arg, const struct tr_event *e)
{
    struct text_export *x = arg;
    struct out *o = x->out;
    struct row row;
    fill(x, e, &row);
    csv_uint(o, e->n);
    csv_int(o, e->time);
    csv_int(o, (int32_t)e->m);
    csv_int(o, e->p);
    csv_uint(o, e->g);
    csv_text(o, tr_type_name(e->type));
    csv_text(o, row.reason);
    put_object(o, &row);
    out_char(o, ',');
    csv_uint(o, e->by);
    csv_text(o, row.function);
    csv_text(o, row.name);
    csv_text(o, row.place);
    csv_uint(o, e->arg);
    csv_uint(o, e->task);
    out_csv(o, row.category);
    out_char(o, '\n');
}

/* ,"key":  */
static void json_key(struct out *o, const char *key)
{
    out_literal(o, ",\"");
    out_text(o, key);
    out_literal(o, "\":");
}

static void json_text(struct out *o, const char *key, const char *text)
{
    if (!*text)
        return;
    json_key(o, key);
    out_json(o, text);
}

static void json_number(struct out *o, const char *key, uint64_t v)
{
    if (!v)
        return;
    json_key(o, key);
    out_uint(o, v);
}

/* Both sides, and when the earlier one was. */
static void json_race(struct text_export *x, const struct tr_event *e)
{
    char text[ACCESS_TEXT_MAX];
    json_text(x->out, "access", access_text(text, &e->access[0]));
    json_text(x->out, "by_access", access_text(text, &e->access[1]));
    json_text(x->out, "by_place", stack_place(&x->places, x->r, e->by_stack));
    if (e->by_from >= 0)
        json_number(x->out, "by_from_ns", (uint64_t)e->by_from);
    json_number(x->out, "by_to_ns", (uint64_t)e->by_to);
}

static void json_event(void *arg, const struct tr_event *e)
{
    struct text_export *x = arg;
    struct out *o = x->out;
    struct row row;
    fill(x, e, &row);
    out_literal(o, "{\"n\":");
    out_uint(o, e->n);
    out_literal(o, ",\"time_ns\":");
    out_int(o, e->time);
    json_key(o, "event");
    out_quoted(o, tr_type_name(e->type));
    if (e->m != UINT32_MAX) {
        json_key(o, "m");
        out_uint(o, e->m);
    }
    if (e->p != TR_NO_P) {
        json_key(o, "p");
        out_int(o, e->p);
    }
    json_number(o, "g", e->g);
    json_number(o, "by", e->by);
    json_number(o, "arg", e->arg);
    if (*row.reason) {
        json_key(o, "reason");
        out_quoted(o, row.reason);
    }
    if (row.object) {
        json_key(o, "object");
        out_char(o, '"');
        put_object(o, &row);
        out_char(o, '"');
    }
    json_text(o, "function", row.function);
    json_number(o, "task", e->task);
    json_text(o, "category", row.category);
    if (e->type == TR_EV_RACE)
        json_race(x, e);
    else
        json_text(o, "name", row.name);
    json_text(o, "place", row.place);
    out_literal(o, "}\n");
}

const struct trace_export trace_export_csv = {
    .name = "csv", .begin = begin_csv, .event = csv_event, .end = end};
const struct trace_export trace_export_json = {
    .name = "json", .begin = begin, .event = json_event, .end = end};
