/* cmd_trace_timeline.c - goshawk trace timeline FILE: the schedule in the terminal.
 *
 *   goshawk trace timeline [--by p|g|f] [--from T] [--to T] [--width N] [--color WHEN] FILE
 *
 * Lanes of Ps and goroutines over time, then the table per entry function.  Goroutines get a row
 * each while they are few; else the goroutines of one entry function share a row, and what is not
 * shown is counted.  Blocks and colours on a terminal; letters elsewhere, and with NO_COLOR. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "cmd.h"
#include "timeline.h"
#include "timeline_draw.h"
#include "trace_file.h"

enum {
    WIDTH_DEFAULT = 100,
    WIDTH_MIN = 40,
    WIDTH_MAX = 1000,
    P_ROWS = 32,
    G_ROWS = 24,        /* more goroutines than this share rows */
    G_ROWS_ASKED = 200, /* with --by g */
    FN_ROWS = 24,
    TABLE_ROWS = 40,
};

struct options {
    const char *file, *by, *colour;
    int64_t from, to; /* to: -1 the end */
    unsigned width;   /* 0: the terminal's */
};

/* "1.5ms", "20us", "3s", "7" (ns) -> ns.  Returns false when it is none. */
static bool parse_time(const char *text, int64_t *ret_ns)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"", 1}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    char *end;
    double v = strtod(text, &end);
    if (end == text || !(v >= 0))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(end, units[i].unit) == 0 && v * units[i].ns < 9e18) {
            *ret_ns = (int64_t)(v * units[i].ns + 0.5);
            return true;
        }
    return false;
}

static bool is_one_of(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(s, *list) == 0)
            return true;
    return false;
}

/* Returns CMD_OK, or the exit code after a message. */
static int check_values(const char *cmd, struct options *o, const char *from, const char *to,
                        const char *width)
{
    if (o->by && !is_one_of(o->by, (const char *const[]){"p", "g", "f", NULL}))
        return cmd_wrong_use(cmd, "--by %s: take p (processors), g (goroutines) or f (functions)",
                             o->by);
    if (o->colour && !is_one_of(o->colour, (const char *const[]){"auto", "always", "never", NULL}))
        return cmd_wrong_use(cmd, "--color %s: take auto, always or never", o->colour);
    if (from && !parse_time(from, &o->from))
        return cmd_wrong_use(cmd, "--from %s: not a time such as 1.5ms", from);
    if (to && !parse_time(to, &o->to))
        return cmd_wrong_use(cmd, "--to %s: not a time such as 1.5ms", to);
    if (width) {
        char *end;
        unsigned long n = strtoul(width, &end, 10);
        if (*end || end == width || n < WIDTH_MIN || n > WIDTH_MAX)
            return cmd_wrong_use(cmd, "--width %s: take a number from %d to %d", width, WIDTH_MIN,
                                 WIDTH_MAX);
        o->width = (unsigned)n;
    }
    return CMD_OK;
}

static int parse(int argc, char **argv, struct options *o)
{
    const char *cmd = argv[0], *from = NULL, *to = NULL, *width = NULL;
    const struct {
        const char *name;
        const char **value;
    } known[] = {{"--by", &o->by},
                 {"--from", &from},
                 {"--to", &to},
                 {"--width", &width},
                 {"--color", &o->colour}};
    for (int i = 1; i < argc; i++) {
        int taken = 0;
        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]) && taken == 0; k++)
            taken = cmd_option(argc, argv, &i, known[k].name, known[k].value);
        if (taken < 0)
            return CMD_WRONG_USE;
        if (taken)
            continue;
        if (argv[i][0] == '-' && argv[i][1])
            return cmd_wrong_use(cmd, "unknown option %s; see goshawk help trace timeline",
                                 argv[i]);
        if (o->file)
            return cmd_wrong_use(cmd, "one trace at a time: %s and %s were given", o->file,
                                 argv[i]);
        o->file = argv[i];
    }
    if (!o->file)
        return cmd_wrong_use(cmd, "name a trace: %s FILE.gtrace", cmd);
    return check_values(cmd, o, from, to, width);
}

static unsigned terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize ws;
    unsigned long n = columns ? strtoul(columns, NULL, 10) : 0;
    if (n == 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0)
        n = ws.ws_col;
    if (n == 0)
        n = WIDTH_DEFAULT;
    return (unsigned)(n < WIDTH_MIN ? WIDTH_MIN : n > WIDTH_MAX ? WIDTH_MAX : n);
}

static bool wants_colour(const struct options *o)
{
    bool utf8 = setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (o->colour && strcmp(o->colour, "auto") != 0)
        return strcmp(o->colour, "always") == 0 && (utf8 || setlocale(LC_CTYPE, "C.UTF-8"));
    return utf8 && isatty(STDOUT_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
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
    td_clean(command, sizeof(command), without_folder(name), d->width / 2, d->colour);
    td_duration(length, (double)info->end_ns);
    tr_reader_verdict(t->r, verdict, sizeof(verdict));
    fprintf(d->out, "%s%s%s: %s, %u goroutine%s, %llu processor%s, %llu events; %s\n",
            d->colour ? "\033[1m" : "", command, d->colour ? "\033[0m" : "", length,
            t->numbers.count, t->numbers.count == 1 ? "" : "s", (unsigned long long)t->procs,
            t->procs == 1 ? "" : "s", (unsigned long long)t->events, verdict);
}

static void races(struct td *d, const struct timeline *t)
{
    for (uint32_t i = 0; i < t->races && i < 8; i++) {
        char at[16];
        td_duration(at, (double)t->race[i].time);
        fprintf(d->out, "data race at %s on 0x%llx: G%llu, and G%llu before it\n", at,
                (unsigned long long)t->race[i].addr, (unsigned long long)t->race[i].g,
                (unsigned long long)t->race[i].by);
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
    bool p = !by(o, 'g') && !by(o, 'f'), g = !by(o, 'p');
    bool single = by(o, 'g') || (g && !by(o, 'f') && t->numbers.count <= G_ROWS);
    d->label = td_label_width(d, t, p, g && single, g && !single);
    t->columns = d->width - d->label - TD_SHARE;
    uint64_t no_p = p ? tl_rows_of_p(t, P_ROWS) : 0, no_g = 0, no_f = 0;
    if (single)
        no_g = tl_rows_of_g(t, by(o, 'g') ? G_ROWS_ASKED : G_ROWS);
    else if (g)
        no_f = tl_rows_of_fn(t, FN_ROWS);
    if (!tl_fill(t))
        return false;
    head(d, t);
    fputc('\n', d->out);
    td_axis(d, t);
    if (p)
        td_rows(d, t, true);
    not_shown(d, no_p, "processors", "");
    if (p && g)
        fputc('\n', d->out);
    if (g)
        td_rows(d, t, false);
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
    t->from = o->from;
    t->to = o->to < 0 || o->to > end ? end : o->to;
    if (t->from >= t->to) {
        char length[16];
        td_duration(length, (double)end);
        return cmd_wrong_use(cmd, "nothing lies between --from and --to: %s is %s long", o->file,
                             length);
    }
    struct td d = {.out = stdout,
                   .colour = wants_colour(o),
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
    struct options o = {.to = -1};
    struct timeline t = {0};
    int code = parse(argc, argv, &o);
    if (code != CMD_OK)
        return code;
    code = trace_file_open_path(cmd, o.file, &t.r);
    if (code != CMD_OK)
        return code;
    code = timeline(cmd, &o, &t);
    tl_fini(&t);
    tr_reader_close(t.r);
    return code;
}
