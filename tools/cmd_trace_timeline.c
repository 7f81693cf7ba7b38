/* cmd_trace_timeline.c - goshawk trace timeline FILE: the schedule in the terminal.
 *
 *   goshawk trace timeline [--by p|m|g|f] [--from T] [--to T] [--filter QUERY] [--width N]
 *                          [--color WHEN] FILE
 *
 * Lanes of Ps and goroutines over time, then the table per entry function.  Goroutines get a row
 * each while they are few; else the goroutines of one entry function share a row, and what is not
 * shown is counted.  Blocks and colours on a terminal; letters elsewhere, and with NO_COLOR. */
#include <stdio.h>
#include <string.h>
#include "cmd.h"
#include "terminal.h"
#include "timeline.h"
#include "timeline_draw.h"
#include "trace_args.h"
#include "trace_file.h"

enum {
    P_ROWS = 32,
    M_ROWS = 64,
    G_ROWS = 24,        /* more goroutines than this share rows */
    G_ROWS_ASKED = 200, /* with --by g */
    FN_ROWS = 24,
    TABLE_ROWS = 40,
    NAME_LEAST = 12, /* columns of the program, however narrow */
};

struct options {
    struct trace_args args;
    const char *file, *by, *colour;
    unsigned width; /* 0: the terminal's */
};

static bool is_one_of(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(s, *list) == 0)
            return true;
    return false;
}

/* Returns CMD_OK, or the exit code after a message. */
static int check_values(const char *cmd, struct options *o, const char *width)
{
    unsigned long n = 0;
    int code = CMD_OK;
    if (o->by && !is_one_of(o->by, (const char *const[]){"p", "m", "g", "f", NULL}))
        return cmd_wrong_use(cmd,
                             "--by %s: take p (processors), m (threads), g (goroutines) or f "
                             "(functions)",
                             o->by);
    if (o->colour && !is_one_of(o->colour, (const char *const[]){"auto", "always", "never", NULL}))
        return cmd_wrong_use(cmd, "--color %s: take auto, always or never", o->colour);
    if (width)
        code = trace_args_number(cmd, "--width", width, TERMINAL_WIDTH_MIN, TERMINAL_WIDTH_MAX, &n);
    o->width = (unsigned)n;
    return code;
}

static int parse(int argc, char **argv, struct options *o)
{
    const char *width = NULL;
    const struct trace_option known[] = {
        {"--by", &o->by, NULL}, {"--width", &width, NULL}, {"--color", &o->colour, NULL}, {0}};
    int code = trace_args_read(argc, argv, &o->args, "fq", known);
    if (code == CMD_OK && !(o->file = trace_args_file(argv[0], &o->args)))
        code = CMD_WRONG_USE;
    return code == CMD_OK ? check_values(argv[0], o, width) : code;
}

/* ---- what is written ---- */

/* "/usr/bin/pool -n 3" -> "pool -n 3" */
static const char *without_folder(const char *command)
{
    const char *name = command;
    for (const char *s = command; *s && *s != ' '; s++)
        if (*s == '/')
            name = s + 1;
    return name;
}

static void head(struct td *d, const struct timeline *t)
{
    const struct tr_info *info = tr_reader_info(t->r);
    char verdict[256], length[16], command[256];
    const char *name = info->command && *info->command ? info->command : info->path;
    td_duration(length, (double)info->end_ns);
    tr_reader_verdict(t->r, verdict, sizeof(verdict));
    char counts[128];
    int n = snprintf(counts, sizeof(counts), ": %s, %u goroutine%s, %llu processor%s, %llu events;",
                     length, t->numbers.count, t->numbers.count == 1 ? "" : "s",
                     (unsigned long long)t->procs, t->procs == 1 ? "" : "s",
                     (unsigned long long)t->events);
    unsigned room = d->width > (unsigned)n + NAME_LEAST ? d->width - (unsigned)n : NAME_LEAST;
    room = room < d->width / 2 ? room : d->width / 2;
    unsigned used = td_clean(command, sizeof(command), without_folder(name), room, d->colour);
    bool fits = used + (size_t)n + 1 + strlen(verdict) <= d->width;
    fprintf(d->out, "%s%s%s%s%c%s\n", d->colour ? "\033[1m" : "", command,
            d->colour ? "\033[0m" : "", counts, fits ? ' ' : '\n', verdict);
}

/* What of it is shown, unless it is everything. */
static void shown(struct td *d, const struct timeline *t, const struct options *o)
{
    char a[16], b[16], text[256];
    bool part = t->from > 0 || t->to < tr_reader_info(t->r)->end_ns;
    if (!part && !o->args.filter)
        return;
    fputs("shown:", d->out);
    if (part) {
        td_duration(a, (double)t->from);
        td_duration(b, (double)t->to);
        fprintf(d->out, " from %s to %s", a, b);
    }
    if (o->args.filter) {
        td_clean(text, sizeof(text), o->args.filter, d->width / 2, d->colour);
        fprintf(d->out, "%s what matches %s", part ? "," : "", text);
    }
    fputc('\n', d->out);
}

/* "G7", "a thread" */
static const char *side(char buf[24], uint64_t g)
{
    if (g == 0)
        return "a thread";
    snprintf(buf, 24, "G%llu", (unsigned long long)g);
    return buf;
}

static void races(struct td *d, const struct timeline *t)
{
    for (uint32_t i = 0; i < t->races && i < 8; i++) {
        const struct tl_race *r = &t->race[i];
        char at[16], from[16], to[16], g[24], by[24], when[48] = "";
        td_duration(at, (double)r->time);
        if (r->by_from >= 0) {
            td_duration(from, (double)r->by_from);
            td_duration(to, (double)r->by_to);
            snprintf(when, sizeof(when), " (%s to %s)", from, to);
        }
        fprintf(d->out, "data race at %s on 0x%llx: %s, and before it%s %s\n", at,
                (unsigned long long)r->addr, side(g, r->g), when, side(by, r->by));
    }
    if (t->races > 8)
        fprintf(d->out, "... %u more data races\n", t->races - 8);
}

static void not_shown(struct td *d, uint64_t n, const char *what, const char *why)
{
    if (n > 0)
        fprintf(d->out, "... %llu more %s%s\n", (unsigned long long)n, what, why);
}

static bool by(const struct options *o, char kind)
{
    return o->by && o->by[0] == kind;
}

static bool draw(struct timeline *t, struct td *d, const struct options *o)
{
    bool all = !o->by, p = all || by(o, 'p'), m = by(o, 'm'), g = all || by(o, 'g') || by(o, 'f');
    bool single = by(o, 'g') || (g && !by(o, 'f') && t->numbers.count <= G_ROWS);
    d->label = td_label_width(d, t, p || m, g && single, g && !single);
    t->columns = d->width - d->label - TD_SHARE;
    uint64_t no_p = p ? tl_rows_of_p(t, P_ROWS) : 0, no_m = m ? tl_rows_of_m(t, M_ROWS) : 0;
    uint64_t no_g = 0, no_f = 0;
    if (single)
        no_g = tl_rows_of_g(t, by(o, 'g') ? G_ROWS_ASKED : G_ROWS);
    else if (g)
        no_f = tl_rows_of_fn(t, FN_ROWS);
    if (!tl_fill(t))
        return false;
    head(d, t);
    shown(d, t, o);
    fputc('\n', d->out);
    td_axis(d, t);
    if (p)
        td_rows(d, t, TL_LANE_P);
    not_shown(d, no_p, "processors", "");
    td_rows(d, t, TL_LANE_M);
    not_shown(d, no_m, "threads", "");
    if (all)
        fputc('\n', d->out);
    td_rows(d, t, TL_LANE_G);
    if (g && t->numbers.count == 0)
        fputs("no goroutine matches\n", d->out);
    not_shown(d, no_g, "goroutines", ", which ran less");
    not_shown(d, no_f, "functions", ", which ran less");
    fputc('\n', d->out);
    td_legend(d, t);
    races(d, t);
    fputc('\n', d->out);
    td_table(d, t, TABLE_ROWS);
    return true;
}

static int timeline(const char *cmd, const struct options *o, struct timeline *t)
{
    const struct tr_info *info = tr_reader_info(t->r);
    int64_t end = info->end_ns > 0 ? info->end_ns : 1;
    t->from = o->args.from;
    t->to = o->args.to > end ? end : o->args.to;
    t->query = o->args.query;
    if (t->from >= t->to) {
        char length[16];
        td_duration(length, (double)end);
        return cmd_wrong_use(cmd, "nothing lies between --from and --to: %s is %s long", o->file,
                             length);
    }
    struct td d = {.out = stdout,
                   .colour = terminal_colour(o->colour),
                   .fg = -1,
                   .bg = -1,
                   .width = o->width ? o->width : terminal_width()};
    if (!tl_survey(t) || !draw(t, &d, o))
        return cmd_failed(cmd, "out of memory");
    if (fflush(stdout) != 0 || ferror(stdout))
        return cmd_failed(cmd, "cannot write the timeline to its output");
    trace_file_note(cmd, t->r);
    return CMD_OK;
}

int cmd_trace_timeline(int argc, char **argv)
{
    const char *cmd = argv[0];
    struct options o = {0};
    struct timeline t = {0};
    int code = parse(argc, argv, &o);
    if (code == CMD_OK)
        code = trace_file_open_path(cmd, o.file, &t.r);
    if (code == CMD_OK) {
        code = timeline(cmd, &o, &t);
        tl_fini(&t);
        tr_reader_close(t.r);
    }
    trace_args_fini(&o.args);
    return code;
}
