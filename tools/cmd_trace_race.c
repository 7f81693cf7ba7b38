/* cmd_trace_race.c - goshawk trace race FILE [N]: the story of a data race.
 *
 * Without a number the only race, or a list of them.  race_story.h gathers; this tells, in the
 * order in which one asks: which two accesses, what both sides did before, up to where they were
 * ordered and by what, where the order is missing, what would have made it; then a picture. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "access.h"
#include "cmd.h"
#include "picture.h"
#include "race_story.h"
#include "terminal.h"
#include "timeline_draw.h"
#include "trace_args.h"
#include "trace_file.h"
#include "trace_text.h"

struct options {
    struct trace_args args;
    const char *width, *colour;
    bool no_picture, report;
    unsigned columns;
    unsigned long n; /* 0: not said */
};

struct teller {
    const struct options *o;
    struct tr_reader *r;
    const struct races *all;
    const struct race *race;
    const struct race_story *s;
    bool bold;
};

static void heading(const struct teller *t, const char *text)
{
    printf("\n%s%s%s\n", t->bold ? "\033[1m" : "", text, t->bold ? "\033[0m" : "");
}

static const char *moment(char buf[24], int64_t ns)
{
    snprintf(buf, 24, "%.6f s", (double)ns / 1e9);
    return buf;
}

/* A line of its own, or more where it is long. */
static void __attribute__((format(printf, 2, 3)))
sentence(const struct teller *t, const char *fmt, ...)
{
    char text[4 * TRACE_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    trace_put_wrapped(stdout, text, t->o->columns, 2);
}

static const char *side_text(char buf[TRACE_TEXT_MAX], const struct race_story *s, enum side side)
{
    if (s->g[side] == 0)
        return strcpy(buf, "a thread");
    return trace_g_text(buf, s->g[side], s->label[side]);
}

/* ---- the report's lines ---- */

static const char *line(const struct teller *t, size_t i)
{
    static const char none[32];
    return i < t->race->lines ? t->all->line[t->race->first_line + i] : none;
}

/* Number of the first line that begins so, or SIZE_MAX. */
static size_t line_that(const struct teller *t, const char *begins)
{
    for (size_t i = 0; i < t->race->lines; i++)
        if (strncmp(line(t, i), begins, strlen(begins)) == 0)
            return i;
    return SIZE_MAX;
}

/* What an access was, from the report: "Read at 0x... by goroutine 2:" and the line below -> "read
 * say() f.c:15:5" */
static void add_from_report(const struct teller *t, struct trace_line *l, size_t i)
{
    char text[TRACE_TEXT_MAX];
    const char *what = line(t, i);
    what += strncmp(what, "Previous ", 9) == 0 ? 9 : 0;
    const char *at = strstr(what, " at 0x");
    td_clean(text, sizeof(text), line(t, i + 1), TRACE_TEXT_MAX / 2, false);
    trace_line_add(l, "%.*s at %s", at ? (int)(at - what) : 0, what, text + strspn(text, " "));
}

/* i: where the report has it, or SIZE_MAX. */
static void print_access(const struct teller *t, enum side side, size_t i, const char *when)
{
    char who[TRACE_TEXT_MAX], what[ACCESS_TEXT_MAX], at[TRACE_TEXT_MAX];
    struct trace_line l = {.out = stdout, .width = t->o->columns, .indent = 18};
    l.at = (unsigned)printf("  %-14s", when);
    trace_line_add(&l, "%s", side_text(who, t->s, side));
    trace_line_add(&l, "%s", access_text(what, &t->race->access[side]));
    if (*trace_place_text(at, t->r, t->race->stack[side]))
        trace_line_add(&l, "at %s", at);
    else if (i < t->race->lines)
        add_from_report(t, &l, i);
    trace_line_end(&l);
}

/* When the earlier one was. */
static void print_interval(const struct teller *t)
{
    const struct race_story *s = t->s;
    char from[24], to[24], took[16];
    if (s->from < 0 && s->to >= t->race->time)
        return;
    struct trace_line l = {.out = stdout, .width = t->o->columns, .indent = 18};
    l.at = (unsigned)printf("  %-14s", "");
    if (s->from < 0) {
        trace_line_add(&l, "made before %s", moment(to, s->to));
    } else {
        td_duration(took, (double)(s->to - s->from));
        trace_line_add(&l, "made between %s and %s", moment(from, s->from), moment(to, s->to));
        trace_line_add(&l, "(%s)", took);
    }
    trace_line_end(&l);
}

/* What lies there, in pieces where it has commas. */
static void print_place(const struct teller *t, const char *where)
{
    char text[TRACE_TEXT_MAX];
    struct trace_line l = {.out = stdout, .width = t->o->columns, .indent = 18};
    l.at = (unsigned)printf("  %-14s", "memory");
    for (size_t n; *where; where += n + (where[n] == ',') + (where[n] == ',' && where[n + 1])) {
        n = strcspn(where, ",");
        char piece[TRACE_TEXT_MAX];
        snprintf(piece, sizeof(piece), "%.*s", (int)(n < 200 ? n : 200), where);
        td_clean(text, sizeof(text), piece, 200, false);
        trace_line_add(&l, "%s", text);
    }
    trace_line_end(&l);
}

static void print_accesses(const struct teller *t)
{
    char at[24];
    size_t before = line_that(t, "Previous ");
    bool told = t->race->lines > 2;
    printf("data race %zu of %zu, found at %s, on 0x%" PRIx64 "\n",
           (size_t)(t->race - t->all->race) + 1, t->all->n, moment(at, t->race->time),
           t->race->addr);
    print_access(t, NOW, told ? 1 : SIZE_MAX, "now");
    print_access(t, BEFORE, told ? before : SIZE_MAX, "before it");
    print_interval(t);
    size_t where = line_that(t, "Location: ");
    if (where != SIZE_MAX)
        print_place(t, line(t, where) + strlen("Location: "));
}

/* ---- what both sides did ---- */

static void event_text(const struct teller *t, enum side side, const struct tr_event *e, char *buf,
                       size_t cap)
{
    char obj[64] = "";
    bool does = e->by == t->s->g[side] && e->g != t->s->g[side];
    unsigned long long other = does ? e->g : e->by;
    tr_reader_obj_name(t->r, e->why, e->obj, obj, sizeof(obj));
    const char *what = *obj ? obj : tr_reason_name(e->why);
    if (e->type == TR_EV_GO_CREATE && !other)
        snprintf(buf, cap, "begins");
    else if (e->type == TR_EV_GO_CREATE)
        snprintf(buf, cap, does ? "creates G%llu" : "created by G%llu", other);
    else if (e->type == TR_EV_GO_READY && other)
        snprintf(buf, cap, does ? "lets G%llu go on: %s" : "let go on by G%llu: %s", other, what);
    else if (e->type == TR_EV_GO_READY)
        snprintf(buf, cap, "goes on: %s", what);
    else if (e->type == TR_EV_GO_BLOCK)
        snprintf(buf, cap, "waits: %s%s%s", tr_reason_name(e->why), *obj ? " " : "", obj);
    else
        snprintf(buf, cap, "ends");
}

/* One line of the two columns. */
static void print_row(const struct teller *t, const char *when, const char *const text[2])
{
    unsigned column = (t->o->columns - 18) / 2;
    char left[4 * TRACE_TEXT_MAX], right[4 * TRACE_TEXT_MAX];
    unsigned n = td_clean(left, sizeof(left), text[BEFORE], column - 2, false);
    td_clean(right, sizeof(right), text[NOW], column, false);
    printf("%14s  %s%*s%s\n", when, left, *right ? (int)(column - n) : 0, "", right);
}

static void print_gap(const struct teller *t)
{
    static const char text[] = "---- from here on nothing orders left before right ";
    char dashes[TERMINAL_WIDTH_MAX + 1];
    int room = (int)t->o->columns - 18, n = (int)sizeof(text) - 1;
    memset(dashes, '-', sizeof(dashes));
    printf("%14s  %.*s%.*s\n", "", room, text, room > n ? room - n : 0, dashes);
}

/* What is no event of the two columns, in order of time: where the gap begins, and between which
 * two moments the earlier access was made. */
enum { GAP, FROM, TO, MARKS };

static void print_mark(const struct teller *t, int mark)
{
    const struct race_story *s = t->s;
    char when[24];
    if (mark == GAP)
        print_gap(t);
    else if (mark == FROM && s->from > s->known)
        print_row(t, moment(when, s->from), (const char *const[]){"", "( its access lies"});
    else if (mark == TO && s->to < t->race->time)
        print_row(t, moment(when, s->to), (const char *const[]){"", ") in between"});
}

/* Those before time that have not been printed yet. */
static void print_marks(const struct teller *t, int *next, int64_t time)
{
    const int64_t at[MARKS] = {t->s->known, t->s->from, t->s->to};
    for (; *next < MARKS && at[*next] < time; ++*next)
        print_mark(t, *next);
}

static uint64_t first_kept(const struct race_story *s, enum side side)
{
    return s->events[side] > STORY_EVENTS ? s->events[side] - STORY_EVENTS : 0;
}

static const struct tr_event *event_at(const struct race_story *s, enum side side, uint64_t i)
{
    return i < s->events[side] ? &s->event[side][i % STORY_EVENTS] : NULL;
}

static void print_events(const struct teller *t)
{
    const struct race_story *s = t->s;
    uint64_t at[2] = {first_kept(s, NOW), first_kept(s, BEFORE)};
    const char *const dots[2] = {at[NOW] ? "..." : "", at[BEFORE] ? "..." : ""};
    int mark = 0;
    if (at[NOW] || at[BEFORE])
        print_row(t, "", dots);
    for (;;) {
        const struct tr_event *x[2] = {event_at(s, NOW, at[NOW]), event_at(s, BEFORE, at[BEFORE])};
        if (!x[NOW] && !x[BEFORE])
            break;
        uint64_t now = x[NOW] ? x[NOW]->n : UINT64_MAX;
        uint64_t before = x[BEFORE] ? x[BEFORE]->n : UINT64_MAX;
        bool take[2] = {now <= before, before <= now};
        const struct tr_event *e = x[take[NOW] ? NOW : BEFORE];
        char when[24], text[2][TRACE_TEXT_MAX] = {"", ""};
        print_marks(t, &mark, e->time);
        for (enum side side = NOW; side <= BEFORE; side++)
            if (take[side]) {
                event_text(t, side, x[side], text[side], TRACE_TEXT_MAX);
                at[side]++;
            }
        print_row(t, moment(when, e->time), (const char *const[]){text[NOW], text[BEFORE]});
    }
    print_marks(t, &mark, INT64_MAX);
}

static void print_sides(const struct teller *t)
{
    char now[TRACE_TEXT_MAX], before[TRACE_TEXT_MAX], when[24];
    heading(t, "what both did before");
    side_text(now, t->s, NOW);
    side_text(before, t->s, BEFORE);
    print_row(t, "", (const char *const[]){now, before});
    print_events(t);
    print_row(t, moment(when, t->race->time), (const char *const[]){"! race found", ""});
}

/* ---- order ---- */

static void print_edge(const struct teller *t, const struct story_edge *e)
{
    char from[TRACE_TEXT_MAX], to[TRACE_TEXT_MAX], text[TRACE_TEXT_MAX], when[24];
    if (e->earlier)
        print_edge(t, e->earlier);
    struct trace_line l = {.out = stdout, .width = t->o->columns, .indent = 18};
    trace_g_text(from, e->from, e->from_label);
    trace_g_text(to, e->to, e->to_label);
    l.at = (unsigned)printf("%14s", moment(when, e->time));
    trace_line_add(&l, e->type == TR_EV_GO_CREATE ? "%s created %s" : "%s let %s go on", from, to);
    if (e->type == TR_EV_GO_READY)
        trace_line_add(&l, "%s", trace_wait_text(text, t->r, e->why, e->obj));
    if (*trace_place_text(text, t->r, e->stack))
        trace_line_add(&l, "at %s", text);
    trace_line_end(&l);
}

static void print_order(const struct teller *t)
{
    const struct race_story *s = t->s;
    char now[TRACE_TEXT_MAX], before[TRACE_TEXT_MAX], from[24], to[24];
    side_text(now, s, NOW);
    side_text(before, s, BEFORE);
    heading(t, "what ordered them");
    if (s->way) {
        print_edge(t, s->way);
        sentence(t, "so what %s did until %s happened before %s's access", before,
                 moment(from, s->known), now);
    } else {
        printf("  nothing that is in this trace\n");
    }
    heading(t, "what is missing");
    int64_t begin = s->from >= 0 ? s->from : s->created[BEFORE] >= 0 ? s->created[BEFORE] : 0;
    sentence(t, "the access of %s came between %s and %s;", before, moment(from, begin),
             moment(to, s->to));
    sentence(t, "nothing that it did after that access reached %s before %s", now,
             moment(to, t->race->time));
}

static int by_uses(const void *a, const void *b)
{
    const struct story_object *x = a, *y = b;
    uint64_t m = x->uses[0] < x->uses[1] ? x->uses[0] : x->uses[1];
    uint64_t n = y->uses[0] < y->uses[1] ? y->uses[0] : y->uses[1];
    return m < n ? 1 : m > n ? -1 : 0;
}

/* The detector's own reasons: the lines below "Not ordered because:". */
static bool print_reasons(const struct teller *t)
{
    size_t i = line_that(t, "Not ordered because:");
    if (i == SIZE_MAX)
        return false;
    for (i++; i < t->race->lines && line(t, i)[0] == ' '; i++)
        trace_put_wrapped(stdout, line(t, i), t->o->columns, 2);
    return true;
}

/* How an object of that kind would have ordered the two. */
static const char *remedy_with(enum tr_reason why)
{
    switch (tr_reason_class(why)) {
    case TR_CL_MUTEX:
        return "held at both accesses";
    case TR_CL_CHAN:
    case TR_CL_SELECT:
        return "sent to after the one, received from before the other";
    default:
        return "let go after the one, waited for before the other";
    }
}

static void print_remedy(const struct teller *t)
{
    struct race_story *s = (struct race_story *)t->s;
    char name[TRACE_TEXT_MAX];
    size_t shown = 0;
    heading(t, "what would have ordered them");
    bool told = print_reasons(t);
    if (s->object_ids.count > 1)
        qsort(s->objects, s->object_ids.count, sizeof(*s->objects), by_uses);
    for (size_t i = 0; i < s->object_ids.count && shown < 3; i++) {
        const struct story_object *o = &s->objects[i];
        if (!o->uses[NOW] || !o->uses[BEFORE])
            break;
        tr_reader_obj_name(t->r, o->why, o->obj, name, sizeof(name));
        printf("  %s, which both use: %s\n", name, remedy_with(o->why));
        shown++;
    }
    if (!told && !shown)
        puts("  the two met at no channel and no lock in this trace; it takes one that both use:\n"
             "  a mutex held at both accesses, or a channel from the earlier to the later one");
}

static void print_report(const struct teller *t)
{
    heading(t, "the detector's report");
    for (size_t i = 0; i < t->race->lines; i++) {
        trace_put(stdout, line(t, i));
        putchar('\n');
    }
    if (t->race->lines == 0)
        puts("  is not in the trace");
}

static void tell(const struct options *o, struct tr_reader *r, const struct races *all, size_t n)
{
    struct race_story s;
    const struct race *race = &all->race[n];
    race_story_read(&s, r, race);
    struct teller t = {o, r, all, race, &s, terminal_colour(o->colour)};
    print_accesses(&t);
    print_sides(&t);
    print_order(&t);
    print_remedy(&t);
    if (o->report)
        print_report(&t);
    int64_t from = s.known >= 0 ? s.known : s.created[NOW] >= 0 ? s.created[NOW] : race->time;
    if (!o->no_picture)
        picture_of(&(struct picture){.file = o->args.word[0],
                                     .info = tr_reader_info(r),
                                     .from = from,
                                     .to = race->time,
                                     .g = {race->g, race->by},
                                     .width = o->width,
                                     .colour = o->colour});
    race_story_fini(&s);
}

/* ---- the command ---- */

static void list(const struct options *o, const struct races *all)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct race *x = &all->race[i];
        char at[24];
        printf("%4zu  %s  G%" PRIu64 ", and G%" PRIu64 " before it, on 0x%" PRIx64 "\n", i + 1,
               moment(at, x->time), x->g, x->by, x->addr);
    }
    printf("goshawk trace race %s N tells one\n", o->args.word[0]);
}

static int story(const char *cmd, const struct options *o, struct tr_reader *r)
{
    struct races all = {0};
    int code = CMD_OK;
    races_read(&all, r);
    if (all.n == 0)
        printf("%s: no data race was reported%s\n", o->args.word[0],
               o->n ? "" : " (races are found in programs built with -race)");
    if (o->n > all.n)
        code = cmd_wrong_use(cmd, "there is no race %lu; %s has %zu", o->n, o->args.word[0], all.n);
    else if (o->n || all.n == 1)
        tell(o, r, &all, o->n ? o->n - 1 : 0);
    else if (all.n)
        list(o, &all);
    races_fini(&all);
    if (code == CMD_OK && (fflush(stdout) || ferror(stdout)))
        code = cmd_failed(cmd, "cannot write the output");
    return code;
}

static int parse(int argc, char **argv, struct options *o)
{
    const struct trace_option more[] = {{"--width", &o->width, NULL},
                                        {"--color", &o->colour, NULL},
                                        {"--no-picture", NULL, &o->no_picture},
                                        {"--report", NULL, &o->report},
                                        {0}};
    unsigned long columns = terminal_width();
    int code = trace_args_read(argc, argv, &o->args, "", more);
    if (code == CMD_OK && (o->args.words < 1 || o->args.words > 2))
        code = cmd_wrong_use(argv[0], "%s; usage: %s FILE [N]",
                             o->args.words ? "one race at a time" : "which trace?", argv[0]);
    if (code == CMD_OK && o->args.words == 2)
        code = trace_args_number(argv[0], "race", o->args.word[1], 1, 1000000, &o->n);
    if (code == CMD_OK && o->width)
        code = trace_args_number(argv[0], "--width", o->width, TERMINAL_WIDTH_MIN,
                                 TERMINAL_WIDTH_MAX, &columns);
    o->columns = (unsigned)columns;
    return code;
}

int cmd_trace_race(int argc, char **argv)
{
    struct options o = {0};
    struct tr_reader *r;
    int code = parse(argc, argv, &o);
    if (code == CMD_OK)
        code = trace_file_open_path(argv[0], o.args.word[0], &r);
    if (code == CMD_OK) {
        code = story(argv[0], &o, r);
        trace_file_note(argv[0], r);
        tr_reader_close(r);
    }
    trace_args_fini(&o.args);
    return code;
}
