/* cmd_trace_query.c - goshawk trace query FILE [QUERY]: the spans that a query means, one a line.
 *
 *   goshawk trace query [--from T] [--to T] [--sort dur] [-n N] FILE QUERY
 *
 * Spans come in the order in which they ended, as the reader hands them out; with --sort the
 * longest N are kept in a heap, so memory is N lines however long the trace is.  A line at the end
 * says how much that was. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "progress.h"
#include "terminal.h"
#include "timeline_draw.h"
#include "trace_args.h"
#include "trace_file.h"
#include "trace_text.h"

enum { LONGEST_DEFAULT = 20, LONGEST_MAX = 100000 };

struct found {
    struct tr_span s;
    const char *label, *by; /* the reader's */
};

struct search {
    struct tr_reader *r;
    const struct trace_args *args;
    struct found *heap; /* the shortest first; NULL: all, as they come */
    unsigned long limit, kept;
    uint64_t spans;
    int64_t total, longest;
    unsigned width;
};

static const char *state_text(const struct tr_span *s)
{
    switch (s->state) {
    case TR_G_BLOCKED:
        return tr_class_name(tr_reason_class(s->why));
    case TR_G_DETACHED:
        return "syscall";
    default:
        return tr_gstate_name((enum tr_gstate)s->state);
    }
}

static void print_found(const struct search *x, const struct found *f)
{
    const struct tr_span *s = &f->s;
    char length[16], g[TRACE_TEXT_MAX], text[TRACE_TEXT_MAX];
    td_duration(length, (double)(s->end - s->begin));
    struct trace_line l = {.out = stdout, .width = x->width, .indent = 26};
    l.at = (unsigned)printf("%14.9f %9s%s  %s", (double)s->begin / 1e9, length, s->open ? "+" : " ",
                            trace_g_text(g, s->id, f->label));
    trace_line_add(&l, "%s", state_text(s));
    if (s->state == TR_G_RUNNING && s->p >= 0)
        trace_line_add(&l, "on P%d", s->p);
    if (s->state == TR_G_BLOCKED)
        trace_line_add(&l, "%s", trace_wait_text(text, x->r, s->why, s->obj));
    if (*trace_place_text(text, x->r, s->stack))
        trace_line_add(&l, s->created ? "created at %s" : "at %s", text);
    if (s->by && s->by != s->id)
        trace_line_add(&l, "%s %s", s->state == TR_G_BLOCKED ? "ended by" : "by",
                       trace_g_text(g, s->by, f->by));
    trace_line_end(&l);
}

/* ---- the longest ones ---- */

static int64_t length_of(const struct found *f)
{
    return f->s.end - f->s.begin;
}

static void sink(struct search *x, unsigned long i)
{
    for (;;) {
        unsigned long least = i, left = 2 * i + 1;
        for (unsigned long c = left; c < x->kept && c < left + 2; c++)
            if (length_of(&x->heap[c]) < length_of(&x->heap[least]))
                least = c;
        if (least == i)
            return;
        struct found f = x->heap[i];
        x->heap[i] = x->heap[least];
        x->heap[least] = f;
        i = least;
    }
}

static void keep(struct search *x, const struct found *f)
{
    if (x->kept < x->limit) {
        x->heap[x->kept++] = *f;
        if (x->kept == x->limit)
            for (unsigned long i = x->kept; i-- > 0;)
                sink(x, i);
    } else if (length_of(f) > length_of(&x->heap[0])) {
        x->heap[0] = *f;
        sink(x, 0);
    }
}

static int longest_first(const void *a, const void *b)
{
    const struct found *f = a, *g = b;
    int64_t x = length_of(f), y = length_of(g);
    if (x != y)
        return x < y ? 1 : -1;
    return f->s.begin < g->s.begin ? -1 : f->s.begin > g->s.begin;
}

/* ---- search ---- */

static void on_span(void *arg, const struct tr_span *s)
{
    struct search *x = arg;
    if (s->lane != TR_LANE_G || s->state == TR_G_DEAD || s->state == TR_G_UNKNOWN ||
        !trace_args_in(x->args, s->begin, s->end) || !tr_query_span(x->args->query, x->r, s))
        return;
    struct found f = {*s, s->info ? tr_reader_g_label(x->r, s->info) : trace_label(x->r, s->id),
                      trace_label(x->r, s->by)};
    x->spans++;
    x->total += length_of(&f);
    if (length_of(&f) > x->longest)
        x->longest = length_of(&f);
    if (x->heap)
        keep(x, &f);
    else
        print_found(x, &f);
}

static bool search(struct search *x)
{
    struct progress p;
    struct tr_event e;
    struct tr_spans *spans = tr_spans_make(x->r, on_span, x);
    if (!spans)
        return false;
    progress_begin(&p, x->r, "searching");
    printf("%14s %9s\n", "begin, s", "length");
    while (!ferror(stdout) && tr_reader_next(x->r, &e)) {
        progress_tick(&p, e.time);
        tr_spans_feed(spans, &e);
    }
    tr_spans_finish(spans);
    tr_spans_free(spans);
    progress_end(&p);
    if (x->kept)
        qsort(x->heap, x->kept, sizeof(*x->heap), longest_first);
    for (unsigned long i = 0; i < x->kept; i++)
        print_found(x, &x->heap[i]);
    return true;
}

static int query(const char *cmd, struct search *x)
{
    char total[16], longest[16];
    if (!search(x))
        return cmd_failed(cmd, "out of memory");
    td_duration(total, (double)x->total);
    td_duration(longest, (double)x->longest);
    printf("%" PRIu64 " span%s, %s in all, the longest %s", x->spans, x->spans == 1 ? "" : "s",
           total, longest);
    printf(x->heap && x->spans > x->kept ? "; shown are the longest %lu\n" : "\n", x->kept);
    if (fflush(stdout) || ferror(stdout))
        return cmd_failed(cmd, "cannot write the output");
    trace_file_note(cmd, x->r);
    return CMD_OK;
}

static int read_args(int argc, char **argv, struct trace_args *a, struct search *x)
{
    const char *n = NULL, *sort = NULL, *cmd = argv[0];
    const struct trace_option more[] = {{"--sort", &sort, NULL}, {"-n", &n, NULL}, {0}};
    int code = trace_args_read(argc, argv, a, "f", more);
    if (code == CMD_OK && (a->words < 1 || a->words > 2))
        code = cmd_wrong_use(cmd, "%s; usage: %s FILE 'QUERY'",
                             a->words ? "one query at a time, in quotes" : "which trace?", cmd);
    if (code == CMD_OK && sort && strcmp(sort, "dur") != 0)
        code = cmd_wrong_use(cmd, "--sort %s: take dur, the longest first", sort);
    if (code == CMD_OK && n)
        code = trace_args_number(cmd, "-n", n, 1, LONGEST_MAX, &x->limit);
    if (code == CMD_OK && a->words == 2)
        code = trace_args_query(cmd, "the query", a->word[1], &a->query);
    if (code == CMD_OK && (n || sort)) {
        x->limit = x->limit ? x->limit : LONGEST_DEFAULT;
        x->heap = cmd_alloc(x->limit * sizeof(*x->heap));
    }
    return code;
}

int cmd_trace_query(int argc, char **argv)
{
    struct trace_args a;
    struct search x = {.args = &a, .width = terminal_width()};
    int code = read_args(argc, argv, &a, &x);
    if (code == CMD_OK)
        code = trace_file_open_path(argv[0], a.word[0], &x.r);
    if (code == CMD_OK) {
        code = query(argv[0], &x);
        tr_reader_close(x.r);
    }
    free(x.heap);
    trace_args_fini(&a);
    return code;
}
