/* cmd_trace_diff.c - goshawk trace diff A B: what changed between two runs.
 *
 * Goroutines of two runs have nothing in common but what they run, so entry functions are compared,
 * by name: how many goroutines, how long in each state, how long runnable until they ran.  The
 * largest changes come first; what is alike is left out. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "stat.h"
#include "terminal.h"
#include "timeline_draw.h"
#include "trace_args.h"
#include "trace_file.h"
#include "trace_text.h"

enum { TOP_DEFAULT = 15, TOP_MAX = 1000, NAME = 24, RUNS = 2 };

struct options {
    struct trace_args args;
    const char *colour;
    unsigned long top;
};

struct diff {
    const struct options *o;
    struct stats *run[RUNS];
    bool bold;
};

/* One line: a figure of both runs. */
struct row {
    const char *name, *what;
    double v[RUNS];
};

/* ---- lines ---- */

static void heading(const struct diff *d, const char *text)
{
    printf("\n%s%-*s %10s %10s %10s%s\n", d->bold ? "\033[1m" : "", NAME + 10, text, "A", "B",
           "change", d->bold ? "\033[0m" : "");
}

static const char *figure(char buf[16], double v, bool is_time)
{
    if (v == 0)
        return strcpy(buf, "-");
    if (is_time)
        td_duration(buf, v);
    else
        snprintf(buf, 16, "%.0f", v);
    return buf;
}

static const char *change_text(char buf[24], const double v[RUNS])
{
    if (v[0] == v[1])
        return strcpy(buf, "");
    if (v[0] == 0)
        return strcpy(buf, "new");
    if (v[1] == 0)
        return strcpy(buf, "gone");
    double times = v[1] / v[0];
    if (times >= 10)
        snprintf(buf, 24, "x %.0f", times);
    else
        snprintf(buf, 24, "%+.*f%%", fabs(times - 1) < 0.0995 ? 1 : 0, (times - 1) * 100);
    return buf;
}

static void print_row(const struct row *r, bool is_time)
{
    char name[4 * NAME + 8], a[16], b[16], change[24];
    unsigned n = td_clean(name, sizeof(name), r->name, NAME, false);
    printf("%s%*s %-9s %10s %10s %10s\n", name, (int)(NAME - n), "", r->what,
           figure(a, r->v[0], is_time), figure(b, r->v[1], is_time), change_text(change, r->v));
}

/* ---- the whole ---- */

static double used(const struct stats *s)
{
    double all = (double)(s->t.to - s->t.from) * (double)s->t.procs;
    return all > 0 ? (double)s->ran_ns / all * 100 : 0;
}

static void print_whole(const struct diff *d)
{
    const struct stats *a = d->run[0], *b = d->run[1];
    static const double q[] = {0.5, 0.9, 0.99};
    static const char *const q_name[] = {"p50", "p90", "p99"};
    const struct row times[] = {
        {"length", "", {(double)(a->t.to - a->t.from), (double)(b->t.to - b->t.from)}},
        {"all goroutines", "running", {(double)a->ran_ns, (double)b->ran_ns}},
        {"all goroutines", "runnable", {(double)a->ready_ns, (double)b->ready_ns}},
    };
    const struct row counts[] = {
        {"goroutines", "", {(double)a->created, (double)b->created}},
        {"processors", "", {(double)a->t.procs, (double)b->t.procs}},
        {"processors used", "%", {used(a), used(b)}},
        {"starts", "", {(double)stats_latencies(a), (double)stats_latencies(b)}},
        {"data races", "", {a->t.races, b->t.races}},
    };
    heading(d, "");
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        print_row(&times[i], true);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        if (counts[i].v[0] || counts[i].v[1])
            print_row(&counts[i], false);
    heading(d, "runnable until running");
    for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++)
        print_row(&(struct row){"all goroutines",
                                q_name[i],
                                {(double)stats_latency(a, q[i]), (double)stats_latency(b, q[i])}},
                  true);
    print_row(&(struct row){"all goroutines",
                            "max",
                            {(double)stats_latency_max(a), (double)stats_latency_max(b)}},
              true);
}

/* ---- by function ---- */

static const struct tl_fn *function(const struct stats *s, const char *name)
{
    for (uint32_t i = 0; i < s->t.fn_ids.count; i++)
        if (s->t.fn[i].name && strcmp(s->t.fn[i].name, name) == 0)
            return &s->t.fn[i];
    return NULL;
}

static double state_of(const struct tl_fn *f, int c)
{
    return f ? (double)f->total[c] : 0;
}

static double quantile_of(const struct tl_fn *f, int unused)
{
    (void)unused;
    return f && f->latencies ? (double)tl_quantile(f, 0.99) : 0;
}

static double count_of(const struct tl_fn *f, int unused)
{
    (void)unused;
    return f ? f->goroutines : 0;
}

static int by_change(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    double m = fabs(a->v[1] - a->v[0]), n = fabs(b->v[1] - b->v[0]);
    if (m != n)
        return m < n ? 1 : -1;
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->what, b->what);
}

/* A row for each function of either run and each of the n kinds, where the runs differ by more than
 * a hundredth. */
static size_t rows_of(const struct diff *d, struct row *row, const char *const *what, int kinds,
                      double (*value)(const struct tl_fn *, int))
{
    size_t n = 0;
    for (int run = 0; run < RUNS; run++)
        for (uint32_t i = 0; i < d->run[run]->t.fn_ids.count; i++) {
            const struct tl_fn *f = &d->run[run]->t.fn[i];
            if (!f->name || (run == 1 && function(d->run[0], f->name)))
                continue;
            const struct tl_fn *a = function(d->run[0], f->name), *b = function(d->run[1], f->name);
            for (int k = 0; k < kinds; k++) {
                struct row r = {f->name, what[k], {value(a, k), value(b, k)}};
                double most = r.v[0] > r.v[1] ? r.v[0] : r.v[1];
                if (fabs(r.v[1] - r.v[0]) > most / 100)
                    row[n++] = r;
            }
        }
    qsort(row, n, sizeof(*row), by_change);
    return n;
}

static void print_functions(const struct diff *d, const char *title, const char *const *what,
                            int kinds, double (*value)(const struct tl_fn *, int), bool is_time)
{
    size_t most = (d->run[0]->t.fn_ids.count + d->run[1]->t.fn_ids.count + 1ul) * (size_t)kinds;
    struct row *row = cmd_alloc(most * sizeof(*row));
    size_t n = rows_of(d, row, what, kinds, value);
    heading(d, title);
    for (size_t i = 0; i < n && i < d->o->top; i++)
        print_row(&row[i], is_time);
    if (n == 0)
        puts("no change of more than 1 %");
    if (n > d->o->top)
        printf("and %zu smaller changes; --top N shows more\n", n - (size_t)d->o->top);
    free(row);
}

static void print_diff(const struct diff *d)
{
    static const char *const state[TL_KINDS] = {"running",    "runnable", "chan",    "mutex",
                                                "select",     "net",      "syscall", "sleep",
                                                "other wait", "not known"};
    for (int run = 0; run < RUNS; run++) {
        const struct tr_info *info = tr_reader_info(d->run[run]->t.r);
        printf("%c  %s: ", 'A' + run, info->path);
        trace_put(stdout, *info->command ? info->command : "a program without a name");
        putchar('\n');
    }
    if (d->o->args.filter) {
        fputs("of both, what matches ", stdout);
        trace_put(stdout, d->o->args.filter);
        putchar('\n');
    }
    print_whole(d);
    print_functions(d, "goroutines by entry function", (const char *const[]){""}, 1, count_of,
                    false);
    print_functions(d, "time by entry function", state, TL_KINDS, state_of, true);
    print_functions(d, "runnable until running", (const char *const[]){"p99"}, 1, quantile_of,
                    true);
}

/* ---- the command ---- */

static int parse(int argc, char **argv, struct options *o)
{
    const char *top = NULL;
    const struct trace_option more[] = {{"--top", &top, NULL}, {"--color", &o->colour, NULL}, {0}};
    int code = trace_args_read(argc, argv, &o->args, "fq", more);
    o->top = TOP_DEFAULT;
    if (code == CMD_OK && o->args.words != 2)
        code =
            cmd_wrong_use(argv[0], "two traces are compared; usage: %s A.gtrace B.gtrace", argv[0]);
    if (code == CMD_OK && top)
        code = trace_args_number(argv[0], "--top", top, 1, TOP_MAX, &o->top);
    return code;
}

static int compare(const char *cmd, struct diff *d)
{
    for (int run = 0; run < RUNS; run++)
        if (!stats_gather(d->run[run], &d->o->args))
            return cmd_failed(cmd, "out of memory");
    print_diff(d);
    for (int run = 0; run < RUNS; run++)
        trace_file_note(cmd, d->run[run]->t.r);
    if (fflush(stdout) || ferror(stdout))
        return cmd_failed(cmd, "cannot write the output");
    return CMD_OK;
}

int cmd_trace_diff(int argc, char **argv)
{
    struct options o = {0};
    struct diff d = {.o = &o};
    int code = parse(argc, argv, &o), opened = 0;
    for (; code == CMD_OK && opened < RUNS; opened += code == CMD_OK) {
        d.run[opened] = cmd_alloc(sizeof(struct stats));
        memset(d.run[opened], 0, sizeof(struct stats));
        code = trace_file_open_path(argv[0], o.args.word[opened], &d.run[opened]->t.r);
        if (code != CMD_OK)
            break;
    }
    d.bold = terminal_colour(o.colour);
    if (code == CMD_OK)
        code = compare(argv[0], &d);
    for (int run = 0; run < opened; run++) {
        struct tr_reader *r = d.run[run]->t.r;
        stats_fini(d.run[run]);
        tr_reader_close(r);
    }
    for (int run = 0; run < RUNS; run++)
        free(d.run[run]);
    trace_args_fini(&o.args);
    return code;
}
