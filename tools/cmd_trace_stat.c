/* cmd_trace_stat.c - goshawk trace stat FILE: tables over the whole trace.
 *
 *   goroutines by entry function: how long they were in each state
 *   scheduling latency: from runnable to running, quantiles and a histogram
 *   objects by the time that goroutines waited for them, and the longest waits
 *   processors: what they did, and when they did least
 *   critical path: what the run as a whole waited for
 *
 * stat.h gathers, this prints. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "stat.h"
#include "terminal.h"
#include "timeline_draw.h"
#include "trace_file.h"
#include "trace_text.h"

enum {
    TOP_DEFAULT = 10,
    TOP_MAX = 1000,
    FUNCTIONS = 40,
    WINDOWS = 3,
    BAR = 40,
    OBJECT_WIDTH = 16,
};

struct options {
    struct trace_args args;
    const char *file, *colour;
    unsigned long top;
    bool critical;
    int64_t window_ns;
    unsigned width;
};

struct out {
    const struct options *o;
    struct stats *s;
    struct td d;
};

static const char *time_text(char buf[16], uint64_t ns)
{
    if (ns)
        td_duration(buf, (double)ns);
    else
        strcpy(buf, "-");
    return buf;
}

static void heading(const struct out *o, const char *text)
{
    printf("\n%s%s%s\n", o->d.colour ? "\033[1m" : "", text, o->d.colour ? "\033[0m" : "");
}

static void more(uint64_t n, uint64_t shown, const char *what)
{
    if (n > shown)
        printf("and %" PRIu64 " more %s; --top N shows more\n", n - shown, what);
}

/* ---- head ---- */

static void print_head(const struct out *o)
{
    const struct stats *s = o->s;
    const struct tr_info *i = tr_reader_info(s->t.r);
    char verdict[TR_ERR_MAX], took[16];
    tr_reader_verdict(s->t.r, verdict, sizeof(verdict));
    printf("%s: %s\n", i->path, verdict);
    if (*i->command) {
        printf("%-12s", "program");
        trace_put(stdout, i->command);
        printf(", process %u\n", i->pid);
    }
    printf("%-12s%s, %" PRIu64 " events of %" PRIu64 " goroutines, %.1f bytes an event\n",
           "recorded", time_text(took, (uint64_t)i->end_ns), s->t.events, s->created,
           s->t.events ? (double)i->file_size / (double)s->t.events : 0.0);
    if (s->t.races)
        printf("%-12s%u reported; goshawk trace race tells them\n", "data races", s->t.races);
    if (s->t.from > 0 || s->t.to < i->end_ns) {
        char a[16], b[16];
        printf("%-12sfrom %s to %s\n", "window", time_text(a, (uint64_t)s->t.from),
               time_text(b, (uint64_t)s->t.to));
    }
    if (o->o->args.filter) {
        printf("%-12s", "filter");
        trace_put(stdout, o->o->args.filter);
        putchar('\n');
    }
}

static void print_functions(struct out *o)
{
    if (o->s->t.fn_ids.count == 0) {
        puts("\nno goroutine matches");
        return;
    }
    heading(o, "goroutines by entry function");
    td_table(&o->d, &o->s->t, o->o->top > FUNCTIONS ? (uint32_t)o->o->top : FUNCTIONS);
}

/* ---- latency ---- */

static void print_histogram(const struct stats *s, unsigned width)
{
    uint64_t most = 1;
    unsigned first = 64, last = 0, bar_max = width > 70 ? BAR : width - 28;
    for (unsigned log = 0; log < 63; log++) {
        uint64_t n = stats_latency_between(s, log);
        most = n > most ? n : most;
        if (n) {
            first = log < first ? log : first;
            last = log;
        }
    }
    for (unsigned log = first; log <= last && log < 63; log++) {
        char a[16];
        uint64_t n = stats_latency_between(s, log);
        int bar = (int)((n * bar_max + most - 1) / most);
        printf("  up to %8s %9" PRIu64 " %.*s\n", time_text(a, (uint64_t)2 << log), n, bar,
               "########################################");
    }
}

static void print_latency(const struct out *o)
{
    const struct stats *s = o->s;
    char a[16], b[16], c[16], d[16];
    uint64_t n = stats_latencies(s);
    if (n == 0)
        return;
    heading(o, "scheduling latency");
    printf("from runnable to running, %" PRIu64 " starts\np50 %s   p90 %s   p99 %s   max %s\n", n,
           time_text(a, stats_latency(s, 0.5)), time_text(b, stats_latency(s, 0.9)),
           time_text(c, stats_latency(s, 0.99)), time_text(d, stats_latency_max(s)));
    print_histogram(s, o->d.width);
}

/* ---- waits ---- */

static int by_wait(const void *a, const void *b)
{
    const struct stat_object *x = a, *y = b;
    return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void add_who(struct trace_line *l, struct tr_reader *r, uint64_t by, const char *by_label,
                    uint32_t stack)
{
    char text[TRACE_TEXT_MAX];
    if (*trace_place_text(text, r, stack))
        trace_line_add(l, "at %s", text);
    if (by)
        trace_line_add(l, "ended by %s", trace_g_text(text, by, by_label));
}

static void print_objects(const struct out *o)
{
    struct stats *s = o->s;
    size_t n = s->obj_ids.count;
    if (n == 0)
        return;
    qsort(s->objects, n, sizeof(*s->objects), by_wait); /* their numbers are not used again */
    heading(o, "objects by the time goroutines waited for them");
    printf("%-*s %8s %8s %8s  longest wait\n", OBJECT_WIDTH, "", "waits", "time", "longest");
    for (size_t i = 0; i < n && i < o->o->top; i++) {
        const struct stat_object *x = &s->objects[i];
        char name[64], time[16], longest[16], g[TRACE_TEXT_MAX];
        tr_reader_obj_name(s->t.r, x->why, x->addr, name, sizeof(name));
        struct trace_line l = {.out = stdout, .width = o->d.width, .indent = OBJECT_WIDTH + 29};
        l.at = (unsigned)printf("%-*s %8" PRIu64 " %8s %8s", OBJECT_WIDTH, name, x->waits,
                                time_text(time, x->ns), time_text(longest, x->max_ns));
        trace_line_add(&l, "%s", trace_g_text(g, x->max_g, x->max_label));
        add_who(&l, s->t.r, x->max_by, x->by_label, x->stack);
        trace_line_end(&l);
    }
    more(n, o->o->top, "objects");
}

static void print_waits(const struct out *o)
{
    const struct stats *s = o->s;
    if (s->longest[0].ns == 0)
        return;
    heading(o, "longest waits");
    for (int i = 0; i < STAT_WAITS && (unsigned)i < o->o->top && s->longest[i].ns; i++) {
        const struct stat_wait *w = &s->longest[i];
        char time[16], text[TRACE_TEXT_MAX];
        struct trace_line l = {.out = stdout, .width = o->d.width, .indent = 26};
        l.at = (unsigned)printf("%8s from %.6f s  %s", time_text(time, w->ns),
                                (double)w->begin / 1e9, trace_g_text(text, w->g, w->label));
        trace_line_add(&l, "%s", trace_wait_text(text, s->t.r, w->why, w->obj));
        add_who(&l, s->t.r, w->by, w->by_label, w->stack);
        trace_line_end(&l);
    }
}

/* ---- processors ---- */

static void print_windows(const struct out *o)
{
    struct stats *s = o->s;
    struct window worst[WINDOWS];
    char length[16];
    double all = (double)(s->t.to - s->t.from);
    printf("\nused %.0f %% of %" PRIu64 " processor%s; on average %.2f goroutines were runnable\n",
           s->t.procs && all > 0 ? (double)s->ran_ns / all / (double)s->t.procs * 100 : 0,
           s->t.procs, s->t.procs == 1 ? "" : "s", all > 0 ? (double)s->ready_ns / all : 0);
    uint32_t n = windows_worst(&s->windows, s->t.procs, worst, WINDOWS);
    printf("least used, over %s each\n", time_text(length, (uint64_t)s->window_ns));
    for (uint32_t i = 0; i < n; i++)
        printf("  from %.6f s %5.1f %%   %.2f goroutines were runnable%s\n",
               (double)worst[i].begin / 1e9, worst[i].busy * 100, worst[i].runnable,
               worst[i].busy < 0.9 && worst[i].runnable >= 0.5 ? ": work waited" : "");
}

static void print_procs(const struct out *o)
{
    const struct stats *s = o->s;
    if (s->t.procs == 0)
        return;
    heading(o, "processors");
    printf("%-6s %8s %9s %9s %9s\n", "", "runs", "running", "scheduler", "idle");
    for (size_t i = 0; i < s->t.procs && i < s->proc_cap; i++) {
        const struct stat_proc *p = &s->procs[i];
        uint64_t all = p->ns[TR_P_RUNNING] + p->ns[TR_P_SCHEDULER] + p->ns[TR_P_IDLE];
        double per_cent = all ? 100.0 / (double)all : 0;
        printf("P%-5zu %8" PRIu64 " %8.1f%% %8.1f%% %8.1f%%\n", i, p->runs,
               (double)p->ns[TR_P_RUNNING] * per_cent, (double)p->ns[TR_P_SCHEDULER] * per_cent,
               (double)p->ns[TR_P_IDLE] * per_cent);
    }
    print_windows(o);
}

/* ---- critical path ---- */

struct path_row {
    const char *name;
    int cls;
    uint64_t ns, parts;
};

static int by_ns(const void *a, const void *b)
{
    const struct path_row *x = a, *y = b;
    return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : x->cls - y->cls;
}

static size_t path_rows(const struct stats *s, struct path_row *row)
{
    size_t n = 0;
    for (uint32_t f = 0; f <= s->t.fn_ids.count; f++) {
        bool other = f == s->t.fn_ids.count;
        const struct stat_path *p = other ? &s->path_other : &s->path[f];
        for (int c = 0; c < TR_CLASSES; c++)
            if (p->ns[c])
                row[n++] =
                    (struct path_row){other ? "(others)" : s->t.fn[f].name, c, p->ns[c], p->parts};
    }
    qsort(row, n, sizeof(*row), by_ns);
    return n;
}

/* The longest pieces: where to look. */
static void print_pieces(const struct stats *s)
{
    for (size_t i = 0; i < sizeof(s->path_longest) / sizeof(s->path_longest[0]); i++) {
        const struct critical_part *p = &s->path_longest[i];
        uint32_t n = idmap_find(&s->t.numbers, p->g);
        char time[16], g[TRACE_TEXT_MAX];
        if (p->end > p->begin)
            printf("%s %8s from %.6f s  %s  %s\n", i ? "             " : "longest piece",
                   time_text(time, (uint64_t)(p->end - p->begin)), (double)p->begin / 1e9,
                   trace_g_text(g, p->g, n == UINT32_MAX ? NULL : s->t.g[n].label),
                   tr_class_name((enum tr_class)p->cls));
    }
}

static void print_path(const struct out *o)
{
    const struct stats *s = o->s;
    if (!s->wants_path) {
        heading(o, "critical path");
        puts(
            "left out of a trace as large as this; --critical finds it, with much temporary space");
        return;
    }
    if (!s->path || s->path_ns == 0)
        return;
    struct path_row *row = cmd_alloc((s->t.fn_ids.count + 1ul) * TR_CLASSES * sizeof(*row));
    size_t n = path_rows(s, row);
    heading(o, "critical path");
    puts("what the end of the run waited for, step by step: only shortening this helps");
    for (size_t i = 0; i < n && i < o->o->top; i++) {
        char name[4 * 30 + 8], time[16];
        unsigned columns = td_clean(name, sizeof(name), row[i].name, 30, o->d.colour);
        printf("  %5.1f%% %8s  %s%*s %s\n", (double)row[i].ns / (double)s->path_ns * 100,
               time_text(time, row[i].ns), name, (int)(30 - columns), "",
               tr_class_name((enum tr_class)row[i].cls));
    }
    print_pieces(s);
    free(row);
}

/* ---- the command ---- */

static int stat_of(const char *cmd, const struct options *o, struct stats *s)
{
    s->window_ns = o->window_ns;
    s->wants_path = o->critical || tr_reader_info(s->t.r)->file_size <= STAT_CRITICAL_BYTES;
    if (o->args.from >= tr_reader_info(s->t.r)->end_ns || o->args.from >= o->args.to)
        return cmd_wrong_use(cmd, "nothing lies between --from and --to");
    if (!stats_gather(s, &o->args))
        return cmd_failed(cmd, "out of memory");
    struct out out = {.o = o, .s = s};
    out.d = (struct td){.out = stdout, .fg = -1, .bg = -1, .width = o->width};
    out.d.colour = terminal_colour(o->colour);
    print_head(&out);
    print_functions(&out);
    print_latency(&out);
    print_objects(&out);
    print_waits(&out);
    print_procs(&out);
    print_path(&out);
    if (fflush(stdout) || ferror(stdout))
        return cmd_failed(cmd, "cannot write the output");
    return CMD_OK;
}

static int parse(int argc, char **argv, struct options *o)
{
    const char *top = NULL, *window = NULL, *width = NULL, *cmd = argv[0];
    const struct trace_option more_options[] = {{"--top", &top, NULL},
                                                {"--window", &window, NULL},
                                                {"--width", &width, NULL},
                                                {"--color", &o->colour, NULL},
                                                {"--critical", NULL, &o->critical},
                                                {0}};
    unsigned long columns = 0;
    int code = trace_args_read(argc, argv, &o->args, "fq", more_options);
    o->top = TOP_DEFAULT;
    if (code == CMD_OK && !(o->file = trace_args_file(cmd, &o->args)))
        code = CMD_WRONG_USE;
    if (code == CMD_OK && top)
        code = trace_args_number(cmd, "--top", top, 1, TOP_MAX, &o->top);
    if (code == CMD_OK && window)
        code = trace_args_time(cmd, "--window", window, &o->window_ns);
    if (code == CMD_OK && width)
        code = trace_args_number(cmd, "--width", width, TERMINAL_WIDTH_MIN, TERMINAL_WIDTH_MAX,
                                 &columns);
    o->width = width ? (unsigned)columns : terminal_width();
    return code;
}

int cmd_trace_stat(int argc, char **argv)
{
    struct options o = {0};
    struct stats *s = cmd_alloc(sizeof(*s));
    memset(s, 0, sizeof(*s));
    int code = parse(argc, argv, &o);
    if (code == CMD_OK)
        code = trace_file_open_path(argv[0], o.file, &s->t.r);
    if (code == CMD_OK) {
        code = stat_of(argv[0], &o, s);
        stats_fini(s);
        tr_reader_close(s->t.r);
    }
    trace_args_fini(&o.args);
    free(s);
    return code;
}
