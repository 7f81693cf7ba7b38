/* expect.c - expectations on a schedule, asked of a trace.
 *
 *   SHORTER   no span that the query means is longer than a time.  A span that the end of the trace
 *             cut counts as long as it is.
 *   AT_MOST   at no time are more goroutines in spans that the query means; AT_LEAST: at some time
 *             there are so many.  Spans of no length count nowhere; a span ends before another one
 *             begins at the same time.
 *   BEFORE    every (the first, the last) event of a comes before every (the first, the last) one
 *             of b, in the reader's causal order; both must occur.
 *   NO_RACE   the detector reported no race.
 *
 * Spans come in the order of their ends, so the greatest number at a time is known when their
 * begins have been sorted: AT_MOST and AT_LEAST hold 16 bytes for each span that the query means.
 * The others hold nothing. */
#include "expect.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long ull;

struct moment {
    uint64_t n; /* number of the event */
    int64_t time;
    uint64_t g;
    bool there;
};

struct ask {
    struct tr_reader *r;
    const struct tr_expect *e;
    struct tr_expect_result *ret;

    struct tr_span worst; /* SHORTER */
    char label[64], by[64], place[200];
    uint64_t longer;
    bool found; /* a span that the query means */

    int64_t *begins, *ends; /* AT_MOST, AT_LEAST */
    size_t n, cap;
    bool no_memory;

    struct moment a, b; /* BEFORE: the decisive ones */
    uint64_t races;
    struct tr_event race;
};

/* ---- words ---- */

static void time_text(char buf[24], int64_t ns)
{
    static const struct {
        double size;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    int u = 0;
    while (u < 3 && (double)ns < units[u].size)
        u++;
    snprintf(buf, 24, "%.4g%s", (double)ns / units[u].size, units[u].unit);
}

/* "G7 worker"; what a name could say to a terminal becomes a question mark. */
static void g_text(struct tr_reader *r, uint64_t g, const struct tr_g *info, char *buf, size_t cap)
{
    const char *label = info ? tr_reader_g_label(r, info) : "";
    int n = snprintf(buf, cap, "G%llu%s%s", (ull)g, *label ? " " : "", label);
    (void)n;
    for (char *c = buf; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

static void __attribute__((format(printf, 2, 3)))
say(struct tr_expect_result *ret, const char *fmt, ...)
{
    size_t n = strlen(ret->message);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(ret->message + n, sizeof(ret->message) - n, fmt, ap);
    va_end(ap);
}

static void look(struct tr_expect_result *ret, int64_t from, int64_t to, uint64_t g, uint64_t other)
{
    ret->from = from;
    ret->to = to;
    ret->g[0] = g;
    ret->g[1] = other != g ? other : 0;
}

/* ---- longer than ---- */

static void keep_worst(struct ask *k, const struct tr_span *s)
{
    struct tr_frame f;
    k->worst = *s;
    k->by[0] = k->place[0] = 0;
    g_text(k->r, s->id, s->info ? s->info : tr_reader_g(k->r, s->id), k->label, sizeof(k->label));
    if (s->by && s->by != s->id)
        g_text(k->r, s->by, tr_reader_g(k->r, s->by), k->by, sizeof(k->by));
    if (s->stack && tr_reader_user_frame(k->r, s->stack, &f) && f.file)
        snprintf(k->place, sizeof(k->place), "%.80s %.80s:%d", f.function, f.file, f.line);
    for (char *c = k->place; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

static const char *state_of(const struct tr_span *s)
{
    return s->state == TR_G_DETACHED ? "in a system call"
                                     : tr_gstate_name((enum tr_gstate)s->state);
}

static void tell_shorter(struct ask *k)
{
    char length[24], limit[24], name[64] = "";
    const struct tr_span *s = &k->worst;
    struct tr_expect_result *ret = k->ret;
    ret->holds = k->longer == 0;
    if (ret->holds)
        return;
    time_text(length, s->end - s->begin);
    time_text(limit, k->e->ns);
    say(ret, "%s was %s for %s%s from %.6f s", k->label, state_of(s), length,
        s->open ? " and still is" : "", (double)s->begin / 1e9);
    if (s->state == TR_G_BLOCKED) {
        tr_reader_obj_name(k->r, s->why, s->obj, name, sizeof(name));
        say(ret, " in %s%s%s", tr_reason_name(s->why), *name ? " on " : "", name);
    }
    if (k->place[0])
        say(ret, " at %s", k->place);
    if (k->by[0])
        say(ret, ", %s %s", s->state == TR_G_BLOCKED ? "until" : "made so by", k->by);
    if (k->longer > 1)
        say(ret, "; %llu spans are longer than %s", (ull)k->longer, limit);
    else
        say(ret, "; at most %s was expected", limit);
    look(ret, s->begin, s->end, s->id, s->by);
}

/* ---- at most, at least ---- */

static void keep_span(struct ask *k, const struct tr_span *s)
{
    if (k->n == k->cap && !k->no_memory) {
        size_t cap = k->cap * 2 + 1024;
        int64_t *b = realloc(k->begins, cap * sizeof(*b));
        if (b)
            k->begins = b;
        int64_t *e = realloc(k->ends, cap * sizeof(*e));
        if (e)
            k->ends = e;
        k->no_memory = !b || !e;
        k->cap = k->no_memory ? k->cap : cap;
    }
    if (k->no_memory)
        return;
    k->begins[k->n] = s->begin;
    k->ends[k->n++] = s->end;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void tell_count(struct ask *k)
{
    size_t most = 0, now = 0, at_end = 0;
    int64_t from = 0, to = 0;
    if (k->n > 1) {
        qsort(k->begins, k->n, sizeof(*k->begins), by_time);
        qsort(k->ends, k->n, sizeof(*k->ends), by_time);
    }
    for (size_t i = 0; i < k->n; i++) {
        for (; at_end < i && k->ends[at_end] <= k->begins[i]; at_end++)
            now--;
        if (++now > most) {
            most = now;
            from = k->begins[i];
            to = k->ends[at_end];
        }
    }
    bool is_most = k->e->kind == TR_EXPECT_AT_MOST;
    k->ret->holds = is_most ? most <= k->e->n : most >= k->e->n;
    if (k->ret->holds)
        return;
    const char *query = k->e->text_a && *k->e->text_a ? k->e->text_a : "(everything)";
    if (most > 0)
        say(k->ret, "%zu goroutine%s at %.6f s at once in: %s", most, most == 1 ? " was" : "s were",
            (double)from / 1e9, query);
    else
        say(k->ret, "no goroutine was ever in: %s", query);
    say(k->ret, "; at %s %llu %s expected", is_most ? "most" : "least", (ull)k->e->n,
        k->e->n == 1 ? "was" : "were");
    if (most > 0)
        look(k->ret, from, to, 0, 0);
}

/* ---- before ---- */

/* Keeps the decisive event of several: of a the last one, of b the first, unless it is said
 * which. */
static void keep_moment(struct moment *m, enum tr_which which, bool is_a, const struct tr_event *e)
{
    bool last = which == TR_LAST || (which == TR_EVERY && is_a);
    if (!m->there || last)
        *m = (struct moment){e->n, e->time, e->g, true};
}

static void tell_missing(struct ask *k, const char *text)
{
    k->ret->holds = false;
    say(k->ret, "%s%s does not occur", *k->ret->message ? ", " : "", text);
}

static void tell_before(struct ask *k)
{
    static const char *const which[] = {"", "the first ", "the last "};
    const struct tr_expect *e = k->e;
    const char *a = e->text_a ? e->text_a : "a", *b = e->text_b ? e->text_b : "b";
    char apart[24];
    k->ret->holds = k->a.there && k->b.there && k->a.n < k->b.n;
    if (!k->a.there)
        tell_missing(k, a);
    if (!k->b.there)
        tell_missing(k, b);
    if (k->ret->holds || !k->a.there || !k->b.there)
        return;
    if (k->a.n == k->b.n) {
        say(k->ret, "%s and %s are the same event, at %.6f s", a, b, (double)k->a.time / 1e9);
    } else {
        time_text(apart, k->a.time - k->b.time);
        say(k->ret, "%s%s came at %.6f s, %s before %s%s at %.6f s", which[e->which_b], b,
            (double)k->b.time / 1e9, apart, which[e->which_a], a, (double)k->a.time / 1e9);
    }
    look(k->ret, k->b.time, k->a.time, k->a.g, k->b.g);
}

/* ---- races ---- */

static void tell_races(struct ask *k)
{
    k->ret->holds = k->races == 0;
    if (k->ret->holds)
        return;
    say(k->ret,
        "%llu data race%s; the first at %.6f s on 0x%llx, between G%llu and G%llu before it",
        (ull)k->races, k->races == 1 ? "" : "s", (double)k->race.time / 1e9, (ull)k->race.obj,
        (ull)k->race.g, (ull)k->race.by);
    look(k->ret, k->race.time, k->race.time, k->race.g, k->race.by);
}

/* ---- asking ---- */

static void on_span(void *arg, const struct tr_span *s)
{
    struct ask *k = arg;
    if (s->lane != TR_LANE_G || s->state == TR_G_DEAD || s->state == TR_G_UNKNOWN ||
        s->end <= s->begin)
        return;
    bool shorter = k->e->kind == TR_EXPECT_SHORTER;
    if (!tr_query_span(k->e->a, k->r, s))
        return;
    k->found = true;
    if (!shorter) {
        keep_span(k, s);
        return;
    }
    if (s->end - s->begin <= k->e->ns)
        return;
    if (k->longer++ == 0 || s->end - s->begin > k->worst.end - k->worst.begin)
        keep_worst(k, s);
}

static void on_event(struct ask *k, const struct tr_event *e)
{
    if (k->e->kind == TR_EXPECT_BEFORE) {
        if (tr_query_event(k->e->a, k->r, e))
            keep_moment(&k->a, k->e->which_a, true, e);
        if (tr_query_event(k->e->b, k->r, e))
            keep_moment(&k->b, k->e->which_b, false, e);
    }
    if (e->type == TR_EV_RACE && k->races++ == 0)
        k->race = *e;
}

static int read_trace(struct ask *k)
{
    struct tr_event e;
    bool wants_spans = k->e->kind <= TR_EXPECT_AT_LEAST;
    struct tr_spans *spans = wants_spans ? tr_spans_make(k->r, on_span, k) : NULL;
    if (wants_spans && !spans)
        return -ENOMEM;
    tr_reader_rewind(k->r);
    while (tr_reader_next(k->r, &e)) {
        on_event(k, &e);
        if (spans)
            tr_spans_feed(spans, &e);
    }
    if (spans)
        tr_spans_finish(spans);
    tr_spans_free(spans);
    return k->no_memory ? -ENOMEM : 0;
}

int tr_expect_ask(struct tr_reader *r, const struct tr_expect *e, struct tr_expect_result *ret)
{
    static void (*const tell[])(struct ask *) = {
        [TR_EXPECT_SHORTER] = tell_shorter, [TR_EXPECT_AT_MOST] = tell_count,
        [TR_EXPECT_AT_LEAST] = tell_count,  [TR_EXPECT_BEFORE] = tell_before,
        [TR_EXPECT_NO_RACE] = tell_races,
    };
    struct ask k = {.r = r, .e = e, .ret = ret};
    *ret = (struct tr_expect_result){0};
    int err = read_trace(&k);
    if (err == 0)
        tell[e->kind](&k);
    ret->nothing = ret->holds && e->kind <= TR_EXPECT_AT_LEAST && !k.found;
    free(k.begins);
    free(k.ends);
    return err;
}
