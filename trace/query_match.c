/* query_match.c - asks a query about a goroutine's span or an event; see query.h.
 *
 * Only what the query's terms ask for is looked up: names of objects and frames of stacks cost more
 * than all the rest. */
#include <stdio.h>
#include <string.h>
#include "query_impl.h"

/* ---- names ---- */

bool tr_pattern_matches(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            again = text;
        } else if (*pattern && (*pattern == '?' || query_lower(*pattern) == query_lower(*text))) {
            pattern++;
            /* ? takes a character, not a byte of one */
            text++;
            while (pattern[-1] == '?' && (*text & 0xc0) == 0x80)
                text++;
        } else if (star) {
            pattern = star + 1;
            text = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

/* Whether word occurs in text. */
static bool occurs(const char *word, const char *text)
{
    for (; text && *text; text++) {
        size_t i = 0;
        while (word[i] && query_lower(word[i]) == query_lower(text[i]))
            i++;
        if (!word[i])
            return true;
    }
    return false;
}

/* ---- terms ---- */

static bool name_is(const struct value *v, const char *name)
{
    return v->pattern && name && tr_pattern_matches(v->pattern, name);
}

static bool number_is(const struct value *v, uint64_t n)
{
    return !v->pattern && n >= v->lo && n <= v->hi;
}

/* "file.c:12", and the same without folders. */
static bool place_is(const struct value *v, const struct tr_subject *s)
{
    char place[512];
    if (!s->at_file)
        return false;
    snprintf(place, sizeof(place), "%s:%d", s->at_file, s->at_line);
    const char *slash = strrchr(place, '/');
    return name_is(v, place) || (slash && name_is(v, slash + 1));
}

static bool word_is(const struct value *v, const struct tr_subject *s)
{
    const char *const texts[] = {s->label, s->fn, s->why, s->obj, s->text, s->category};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (occurs(v->pattern, texts[i]))
            return true;
    return false;
}

static bool value_is(enum field f, const struct value *v, const struct tr_subject *s)
{
    switch (f) {
    case F_WORD:
        return word_is(v, s);
    case F_G:
        return number_is(v, s->g) || name_is(v, s->label) || name_is(v, s->fn);
    case F_FN:
        return name_is(v, s->fn);
    case F_WHY:
        return name_is(v, s->why);
    case F_OBJ:
        return name_is(v, s->obj) || (s->addr && number_is(v, s->addr));
    case F_P:
        return number_is(v, (uint64_t)(int64_t)s->p);
    case F_M:
        return number_is(v, (uint64_t)s->m);
    case F_BY:
        return number_is(v, s->by) || name_is(v, s->by_label);
    case F_AT:
        return name_is(v, s->at_function) || place_is(v, s);
    case F_EVENT:
        return name_is(v, s->event);
    case F_TEXT:
        return name_is(v, s->text) || name_is(v, s->category);
    default:
        return false;
    }
}

/* A span is at t where any of it is: [lo, hi] is one point but for that. */
static bool compares(enum op op, uint64_t lo, uint64_t hi, uint64_t v)
{
    switch (op) {
    case OP_LT:
        return lo < v;
    case OP_LE:
        return lo <= v;
    case OP_GT:
        return hi > v;
    case OP_GE:
        return hi >= v;
    case OP_NE:
        return lo > v || hi < v;
    default:
        return lo <= v && v <= hi;
    }
}

static bool bound_holds(const struct node *t, uint64_t v, const struct tr_subject *s)
{
    uint64_t n = t->field == F_P ? (uint64_t)(int64_t)s->p : (uint64_t)s->m;
    switch (t->field) {
    case F_DUR:
        n = (uint64_t)(s->end - s->begin);
        return s->is_span && compares(t->op, n, n, v);
    case F_T:
        return compares(t->op, (uint64_t)s->begin, (uint64_t)s->end, v);
    default:
        return n != UINT64_MAX && compares(t->op, n, n, v);
    }
}

static bool term_holds(const struct tr_query *q, const struct node *t, const struct tr_subject *s)
{
    const struct value *v = t->count ? &q->values[t->first] : NULL; /* states are no values */
    bool found = false;
    if (t->field == F_DUR || t->field == F_T || (t->op >= OP_LT && t->op <= OP_GE))
        return bound_holds(t, v->lo, s);
    if (t->field == F_STATE)
        found = (s->state >= 0 && t->states >> s->state & 1) ||
                (s->blocked && t->states >> BLOCKED_BIT & 1);
    for (uint32_t i = 0; i < t->count && !found; i++)
        found = value_is(t->field, &v[i], s);
    return found != (t->op == OP_NE);
}

static bool holds(const struct tr_query *q, uint32_t i, const struct tr_subject *s)
{
    const struct node *n = &q->nodes[i];
    switch (n->kind) {
    case N_NOT:
        return !holds(q, n->a, s);
    case N_AND:
        return holds(q, n->a, s) && holds(q, n->b, s);
    case N_OR:
        return holds(q, n->a, s) || holds(q, n->b, s);
    default:
        return term_holds(q, n, s);
    }
}

bool tr_query_matches(const struct tr_query *q, const struct tr_subject *s)
{
    return !q || q->empty || holds(q, q->root, s);
}

/* ---- what there is to ask about ---- */

enum { NAME_OF_OBJ = 64 };

static bool asks(const struct tr_query *q, unsigned fields)
{
    return (q->asks & fields) != 0;
}

static void look_at_g(struct tr_subject *s, const struct tr_query *q, struct tr_reader *r,
                      const struct tr_g *g)
{
    if (!g)
        return;
    if (asks(q, 1u << F_G | 1u << F_WORD))
        s->label = tr_reader_g_label(r, g);
    if (g->fn && asks(q, 1u << F_G | 1u << F_FN | 1u << F_WORD))
        s->fn = tr_reader_function(r, g->fn);
}

static void look_at_rest(struct tr_subject *s, const struct tr_query *q, struct tr_reader *r,
                         enum tr_reason why, uint64_t obj, uint32_t stack, char *name)
{
    struct tr_frame f;
    const struct tr_g *by;
    s->addr = obj;
    if (why != TR_NONE)
        s->why = tr_reason_name(why);
    if (obj && asks(q, 1u << F_OBJ | 1u << F_WORD)) {
        tr_reader_obj_name(r, why, obj, name, NAME_OF_OBJ);
        s->obj = name;
    }
    if (stack && asks(q, 1u << F_AT) && tr_reader_user_frame(r, stack, &f)) {
        s->at_function = f.function;
        s->at_file = f.file;
        s->at_line = f.line;
    }
    if (s->by && asks(q, 1u << F_BY) && (by = tr_reader_g(r, s->by)))
        s->by_label = tr_reader_g_label(r, by);
}

static int class_of(const struct tr_span *s)
{
    switch (s->state) {
    case TR_G_RUNNABLE:
        return TR_CL_RUNNABLE;
    case TR_G_RUNNING:
        return TR_CL_RUNNING;
    case TR_G_BLOCKED:
        return (int)tr_reason_class(s->why);
    case TR_G_DETACHED:
        return TR_CL_SYSCALL;
    default:
        return -1;
    }
}

bool tr_query_span(const struct tr_query *q, struct tr_reader *r, const struct tr_span *sp)
{
    char obj[NAME_OF_OBJ];
    if (!q || q->empty)
        return true;
    struct tr_subject s = {
        .p = sp->p, .m = -1, .state = -1, .begin = sp->begin, .end = sp->end, .is_span = true};
    if (sp->lane == TR_LANE_G) {
        s.g = sp->id;
        s.by = sp->by;
        s.state = class_of(sp);
        s.blocked = sp->state == TR_G_BLOCKED;
        s.m = sp->state == TR_G_RUNNING || sp->state == TR_G_DETACHED ? (int64_t)sp->m : -1;
        look_at_g(&s, q, r, sp->info ? sp->info : tr_reader_g(r, sp->id));
    } else {
        s.g = sp->g;
        s.p = sp->lane == TR_LANE_P ? (int32_t)sp->id : sp->p;
        s.m = sp->lane == TR_LANE_M ? (int64_t)sp->id : sp->m;
        s.state = sp->g ? TR_CL_RUNNING : -1;
        look_at_g(&s, q, r, tr_reader_g(r, sp->g));
    }
    look_at_rest(&s, q, r, sp->why, sp->obj, sp->stack, obj);
    return tr_query_matches(q, &s);
}

bool tr_query_event(const struct tr_query *q, struct tr_reader *r, const struct tr_event *e)
{
    char obj[NAME_OF_OBJ];
    if (!q || q->empty)
        return true;
    struct tr_subject s = {.g = e->g,
                           .by = e->by,
                           .p = e->p,
                           .m = (int32_t)e->m,
                           .state = -1,
                           .begin = e->time,
                           .end = e->time};
    s.event = tr_type_name(e->type);
    s.text = e->text;
    s.category = e->category;
    look_at_g(&s, q, r, tr_reader_g(r, e->g));
    look_at_rest(&s, q, r, e->why, e->obj, e->stack, obj);
    if (tr_query_matches(q, &s))
        return true;
    const struct tr_span *ended;
    size_t n = asks(q, 1u << F_STATE | 1u << F_DUR) ? tr_reader_ended(r, &ended) : 0;
    for (size_t i = 0; i < n; i++)
        if (ended[i].lane == TR_LANE_G && tr_query_span(q, r, &ended[i]))
            return true;
    return false;
}
