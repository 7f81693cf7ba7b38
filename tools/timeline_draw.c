/* timeline_draw.c - see timeline_draw.h.
 *
 * Where the terminal can, the running share fills a cell from below in eighths, before a lit ground
 * when the goroutine also waited for a processor: what to look for stands out.  A cell of waiting
 * is a thin line, one of waiting for a processor a shaded block.  As plain text each cell is one
 * letter. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include "cmd.h"
#include "timeline_draw.h"

/* State: letter, glyph, colour of the 256, and its name in legend and table. */
static const struct look {
    char letter;
    const char *glyph;
    unsigned char colour;
    const char *name;
} looks[TL_KINDS] = {
    [TR_CL_RUNNING] = {'#', "█", 71, "running"},  [TR_CL_RUNNABLE] = {'r', "▒", 44, "runnable"},
    [TR_CL_CHAN] = {'c', "━", 174, "channel"},    [TR_CL_MUTEX] = {'m', "━", 167, "mutex"},
    [TR_CL_SELECT] = {'s', "━", 180, "select"},   [TR_CL_NET] = {'n', "━", 176, "net"},
    [TR_CL_SYSCALL] = {'y', "━", 131, "syscall"}, [TR_CL_SLEEP] = {'z', "─", 245, "sleep"},
    [TR_CL_OTHER] = {'o', "━", 137, "other"},     [TL_UNKNOWN] = {'?', "┄", 240, "not recorded"},
};

static const unsigned char fn_colours[TL_WITHOUT_P + 1] = {75,  179, 141, 80,  216,
                                                           110, 186, 182, 247, 131};
static const char *const eighths[9] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

/* ---- text ---- */

void td_duration(char buf[16], double ns)
{
    static const struct {
        double size;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    int u = 0;
    while (u < 3 && ns < units[u].size * 0.9995)
        u++;
    double v = ns / units[u].size;
    int digits = u == 3 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2;
    snprintf(buf, 16, "%.*f%s", digits, v, units[u].unit);
}

unsigned td_clean(char *buf, size_t cap, const char *text, unsigned max, bool utf8)
{
    size_t len = 0, left = strlen(text);
    unsigned columns = 0;
    mbstate_t state = {0};
    while (left > 0) {
        wchar_t w = 0;
        size_t n = utf8 ? mbrtowc(&w, text, left, &state) : 1;
        int wide = utf8 ? wcwidth(w) : *text >= 0x20 && *text < 0x7f ? 1 : -1;
        if (n == 0 || n > left) {
            memset(&state, 0, sizeof(state));
            n = 1;
            wide = -1;
        }
        unsigned cols = wide < 0 ? 1 : (unsigned)wide;
        if (columns + cols > max || len + n + 1 >= cap) {
            /* What does not fit is cut, and the cut is shown. */
            if (len > 0 && columns == max)
                buf[--len] = '~';
            break;
        }
        if (wide < 0)
            buf[len++] = '?';
        else {
            memcpy(buf + len, text, n);
            len += n;
        }
        columns += cols;
        text += n;
        left -= n;
    }
    buf[len] = 0;
    return columns;
}

static void label_of(const struct timeline *t, const struct tl_row *row, char *buf, size_t cap)
{
    if (row->lane != TL_LANE_G) {
        snprintf(buf, cap, "%c%llu", row->lane == TL_LANE_P ? 'P' : 'M',
                 (unsigned long long)row->id);
    } else if (row->g != UINT32_MAX) {
        const struct tl_g *g = &t->g[row->g];
        snprintf(buf, cap, "G%llu %s", (unsigned long long)g->id, g->label ? g->label : "?");
    } else {
        const struct tl_fn *f = &t->fn[row->fn];
        snprintf(buf, cap, row->members > 1 ? "%s x%llu" : "%s", f->name,
                 (unsigned long long)row->members);
    }
}

static unsigned widest(unsigned w, size_t len)
{
    return len > w ? (unsigned)len : w;
}

unsigned td_label_width(const struct td *d, const struct timeline *t, bool p_rows, bool g_rows,
                        bool fn_rows)
{
    unsigned w = p_rows ? 4 : 2, max = d->width / 4 < TD_LABEL_MAX ? d->width / 4 : TD_LABEL_MAX;
    char text[256];
    for (uint32_t i = 0; g_rows && i < t->numbers.count; i++)
        w = widest(w,
                   (size_t)snprintf(text, sizeof(text), "G%llu %s", (unsigned long long)t->g[i].id,
                                    t->g[i].label ? t->g[i].label : "?"));
    for (uint32_t i = 0; fn_rows && i < t->fn_ids.count; i++)
        if (t->fn[i].name)
            w = widest(w, (size_t)snprintf(text, sizeof(text), "%s x%u", t->fn[i].name,
                                           t->fn[i].goroutines));
    return w < max ? w : max;
}

/* ---- axis ---- */

static double nice_step(double raw)
{
    double power = pow(10, floor(log10(raw)));
    return power >= raw       ? power
           : power * 2 >= raw ? power * 2
           : power * 5 >= raw ? power * 5
                              : power * 10;
}

/* A tick's time, with the digits that its step calls for. */
static void tick_text(char buf[32], double ns, double step)
{
    static const double size[] = {1e9, 1e6, 1e3, 1};
    static const char *const unit[] = {"s", "ms", "us", "ns"};
    int u = 0;
    while (u < 3 && ns < size[u])
        u++;
    int digits = (int)ceil(log10(size[u] / step) - 1e-9);
    if (ns <= 0)
        snprintf(buf, 32, "0");
    else
        snprintf(buf, 32, "%.*f%s", digits < 0 ? 0 : digits, ns / size[u], unit[u]);
}

void td_axis(struct td *d, const struct timeline *t)
{
    double per_column = (double)(t->to - t->from) / t->columns;
    double step = nice_step(per_column * 14);
    char *line = cmd_alloc(t->columns + 1ul);
    memset(line, ' ', t->columns);
    for (double at = ceil((double)t->from / step - 1e-9) * step; at <= (double)t->to; at += step) {
        size_t c = (size_t)((at - (double)t->from) / per_column + 1e-9);
        char text[32];
        tick_text(text, at, step);
        size_t n = strlen(text);
        if (c + 1 + n > t->columns)
            break;
        line[c] = '|';
        memcpy(line + c + 1, text, n);
    }
    size_t end = t->columns;
    while (end > 0 && line[end - 1] == ' ')
        end--;
    line[end] = 0;
    fprintf(d->out, "%*s%s%s%s\n", (int)(d->label + TD_SHARE), "", d->colour ? "\033[2m" : "", line,
            d->colour ? "\033[0m" : "");
    free(line);
}

/* ---- cells ---- */

struct shares {
    float sum, share[TL_KINDS]; /* of the cell's length */
    int most;                   /* -1: none */
};

static struct shares shares_of(const struct timeline *t, const struct tl_row *row, unsigned c)
{
    struct shares s = {.most = -1};
    float len = (float)((double)(t->to - t->from) / t->columns * (double)row->members);
    for (int k = 0; k < TL_KINDS; k++) {
        s.share[k] = row->cell[c * TL_KINDS + (unsigned)k] / len;
        s.sum += s.share[k];
        if (s.share[k] > 0 && (s.most < 0 || s.share[k] > s.share[s.most]))
            s.most = k;
    }
    return s;
}

static char p_letter(const struct shares *s)
{
    if (s->most < 0)
        return '.';
    char c = s->most < TL_FUNCTIONS ? (char)('a' + s->most) : s->most == TL_WITHOUT_P ? 'y' : '*';
    return s->sum >= 0.75f && s->most < TL_FUNCTIONS ? (char)(c - 'a' + 'A') : c;
}

static char g_letter(const struct shares *s, bool single)
{
    if (s->most < 0 || (single && s->sum < 0.02f))
        return ' ';
    if (s->share[TR_CL_RUNNING] >= 0.5f)
        return '#';
    if (s->share[TR_CL_RUNNING] >= 0.125f)
        return '+';
    return looks[s->most].letter;
}

/* Sets the colours of what follows; -1 is the terminal's own.  Only changes are written. */
static void colours(struct td *d, int fg, int bg)
{
    if (fg == d->fg && bg == d->bg)
        return;
    if (fg < 0 || (bg < 0 && d->bg >= 0))
        fputs("\033[0m", d->out);
    if (fg >= 0 && bg >= 0)
        fprintf(d->out, "\033[38;5;%d;48;5;%dm", fg, bg);
    else if (fg >= 0)
        fprintf(d->out, "\033[38;5;%dm", fg);
    d->fg = fg;
    d->bg = bg;
}

static void paint(struct td *d, int fg, int bg, const char *glyph)
{
    if (d->colour)
        colours(d, fg, bg);
    fputs(glyph, d->out);
}

static int eighths_of(float share)
{
    int n = (int)(share * 8 + 0.5f);
    return n < 1 ? 1 : n > 8 ? 8 : n;
}

static void paint_p(struct td *d, const struct shares *s)
{
    if (s->most < 0)
        paint(d, -1, -1, " ");
    else
        paint(d, fn_colours[s->most], -1, eighths[eighths_of(s->sum)]);
}

static void paint_g(struct td *d, const struct shares *s)
{
    int front = s->share[TR_CL_RUNNING] >= 0.06f    ? TR_CL_RUNNING
                : s->share[TR_CL_RUNNABLE] >= 0.12f ? TR_CL_RUNNABLE
                                                    : -1;
    if (s->most < 0) {
        paint(d, -1, -1, " ");
    } else if (front < 0) {
        paint(d, looks[s->most].colour, -1, looks[s->most].glyph);
    } else if (s->share[front] >= 0.94f) {
        paint(d, looks[front].colour, -1, looks[front].glyph);
    } else {
        bool waits = front == TR_CL_RUNNING && s->share[TR_CL_RUNNABLE] >= 0.12f;
        paint(d, looks[front].colour, waits ? looks[TR_CL_RUNNABLE].colour : -1,
              eighths[eighths_of(s->share[front])]);
    }
}

/* Whether column c shows that time. */
static bool is_at(const struct timeline *t, int64_t time, unsigned c)
{
    double at = (double)(time - t->from) / (double)(t->to - t->from) * t->columns;
    if (time < t->from || time > t->to)
        return false;
    return (at >= t->columns ? t->columns - 1 : (unsigned)at) == c;
}

/* What a race puts into column c of a row: '!' where it was found; '(' and ')', or '?' where these
 * fall together, around the time of the earlier access; or 0. */
static char race_in(const struct timeline *t, const struct tl_row *row, unsigned c)
{
    char mark = 0;
    for (uint32_t i = 0; i < t->races && i < TL_RACES && row->g != UINT32_MAX; i++) {
        const struct tl_race *r = &t->race[i];
        if (r->g == t->g[row->g].id && is_at(t, r->time, c))
            return '!';
        if (r->by != t->g[row->g].id || r->by_from < 0)
            continue;
        bool begins = is_at(t, r->by_from, c), ends = is_at(t, r->by_to, c);
        if (begins || ends)
            mark = begins && ends ? '?' : begins ? '(' : ')';
    }
    return mark;
}

/* An earlier access that can be seen as an interval, for the legend. */
static bool has_interval(const struct timeline *t)
{
    for (uint32_t i = 0; i < t->races && i < TL_RACES; i++)
        if (t->race[i].by && t->race[i].by_from >= 0)
            return true;
    return false;
}

static void one_row(struct td *d, const struct timeline *t, const struct tl_row *row)
{
    char raw[512], label[TD_LABEL_MAX * 4 + 8], share[32];
    label_of(t, row, raw, sizeof(raw));
    unsigned cols = td_clean(label, sizeof(label), raw, d->label, d->colour);
    double busy = (double)row->busy / ((double)(t->to - t->from) * (double)row->members) * 100;
    snprintf(share, sizeof(share), busy > 0 && busy < 0.5 ? " <1%%" : "%3.0f%%", busy);
    fprintf(d->out, "%s%*s%s%s%s ", label, (int)(d->label - cols) + 1, "",
            d->colour ? "\033[2m" : "", share, d->colour ? "\033[0m" : "");
    char *line = cmd_alloc(t->columns + 1ul);
    for (unsigned c = 0; c < t->columns; c++) {
        struct shares s = shares_of(t, row, c);
        char race = race_in(t, row, c);
        if (!d->colour)
            line[c] = race                     ? race
                      : row->lane != TL_LANE_G ? p_letter(&s)
                                               : g_letter(&s, row->members == 1);
        else if (race)
            paint(d, 201, -1, (const char[]){race, 0});
        else if (row->lane != TL_LANE_G)
            paint_p(d, &s);
        else
            paint_g(d, &s);
    }
    if (!d->colour) {
        size_t end = t->columns;
        while (end > 0 && line[end - 1] == ' ')
            end--;
        fwrite(line, 1, end, d->out);
    }
    paint(d, -1, -1, "\n");
    free(line);
}

void td_rows(struct td *d, const struct timeline *t, enum tl_lane lane)
{
    for (uint32_t i = 0; i < t->rows_n; i++)
        if (t->rows[i].lane == lane)
            one_row(d, t, &t->rows[i]);
}

/* ---- legend ---- */

/* Items after a heading, in lines no longer than the terminal; the first is indented alike. */
struct flow {
    struct td *d;
    unsigned at;
};

static void flow_item(struct flow *f, int colour, const char *glyph, const char *text)
{
    unsigned n = (unsigned)strlen(text) + 2, margin = f->d->label + TD_SHARE;
    if (f->at > 0 && f->at + 2 + n > f->d->width) {
        fputc('\n', f->d->out);
        f->at = 0;
    }
    int indent = f->at > 0 ? 2 : (int)margin;
    fprintf(f->d->out, "%*s", indent, "");
    paint(f->d, colour, -1, glyph);
    paint(f->d, -1, -1, " ");
    fputs(text, f->d->out);
    f->at += n + (unsigned)indent;
}

static void flow_end(struct flow *f)
{
    if (f->at > 0)
        fputc('\n', f->d->out);
    f->at = 0;
}

static void legend_p(struct td *d, const struct timeline *t, bool threads)
{
    struct flow f = {.d = d};
    uint32_t *order = tl_fn_order(t);
    bool others = false;
    for (uint32_t i = 0; i < t->fn_ids.count; i++) {
        const struct tl_fn *fn = &t->fn[order[i]];
        char name[128], letter[2] = {(char)('A' + fn->colour), 0};
        if (!fn->name || !fn->total[TR_CL_RUNNING])
            continue;
        others = others || fn->colour >= TL_FUNCTIONS;
        if (fn->colour >= TL_FUNCTIONS)
            continue;
        td_clean(name, sizeof(name), fn->name, 30, d->colour);
        flow_item(&f, fn_colours[fn->colour], d->colour ? "█" : letter, name);
    }
    if (others)
        flow_item(&f, fn_colours[TL_FUNCTIONS], d->colour ? "█" : "*", "others");
    if (threads)
        flow_item(&f, fn_colours[TL_WITHOUT_P], d->colour ? "█" : "y",
                  "in a system call, without a P");
    if (!d->colour)
        flow_item(&f, -1, ".", "idle  (small letter: partly)");
    flow_end(&f);
    free(order);
}

static void legend_g(struct td *d, const struct timeline *t)
{
    struct flow f = {.d = d};
    bool used[TL_KINDS] = {0};
    for (uint32_t i = 0; i < t->fn_ids.count; i++)
        for (int k = 0; k < TL_KINDS; k++)
            used[k] = used[k] || t->fn[i].total[k] > 0;
    for (int k = 0; k < TL_KINDS; k++) {
        char letter[2] = {looks[k].letter, 0};
        if (used[k])
            flow_item(&f, looks[k].colour, d->colour ? looks[k].glyph : letter, looks[k].name);
        if (used[k] && k == TR_CL_RUNNING && !d->colour)
            flow_item(&f, -1, "+", "now and then");
    }
    if (t->races)
        flow_item(&f, 201, "!", "data race");
    if (has_interval(t))
        flow_item(&f, 201, "()", "around the access before it");
    flow_end(&f);
}

void td_legend(struct td *d, const struct timeline *t)
{
    bool has[TL_LANE_G + 1] = {0};
    for (uint32_t i = 0; i < t->rows_n; i++)
        has[t->rows[i].lane] = true;
    if (has[TL_LANE_P] || has[TL_LANE_M])
        legend_p(d, t, has[TL_LANE_M]);
    if (has[TL_LANE_G])
        legend_g(d, t);
}

/* ---- table ---- */

/* Columns of the table: how many, the classes, three figures of the scheduling latency. */
enum { TB_COUNT = -1, TB_P50 = -2, TB_P99 = -3, TB_MAX = -4, TB_COLUMNS = TL_KINDS + 4 };
enum { COLUMN = 9, COLUMN_NARROW = 7, NAME_MIN = 14, NAME_MAX = 30 };

static const char *column_name(int column)
{
    static const char *const names[] = {"", "n", "p50", "p99", "max"};
    return column >= 0 ? looks[column].name : names[-column];
}

/* The usual classes, and the others that occur. */
static int table_columns(const struct timeline *t, int columns[TB_COLUMNS])
{
    static const int order[] = {TR_CL_RUNNING, TR_CL_RUNNABLE, TR_CL_CHAN,
                                TR_CL_SELECT,  TR_CL_MUTEX,    TR_CL_NET,
                                TR_CL_SYSCALL, TR_CL_SLEEP,    TR_CL_OTHER};
    int n = 0;
    columns[n++] = TB_COUNT;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        uint64_t sum = 0;
        for (uint32_t f = 0; f < t->fn_ids.count; f++)
            sum += t->fn[f].total[order[i]];
        if (sum > 0 || (order[i] != TR_CL_SELECT && order[i] != TR_CL_OTHER))
            columns[n++] = order[i];
    }
    columns[n++] = TB_P50;
    columns[n++] = TB_P99;
    columns[n++] = TB_MAX;
    return n;
}

static unsigned column_width(int column, bool narrow)
{
    unsigned name = (unsigned)strlen(column_name(column)) + 1;
    return widest(narrow ? COLUMN_NARROW : COLUMN, name);
}

static void table_cell(struct td *d, const struct tl_fn *f, int column, bool narrow)
{
    char text[24] = "-";
    if (column == TB_COUNT)
        snprintf(text, sizeof(text), "%u", f->goroutines);
    else if (column >= 0 && f->total[column] > 0)
        td_duration(text, (double)f->total[column]);
    else if (column < 0 && f->latencies > 0)
        td_duration(text, (double)(column == TB_P50   ? tl_quantile(f, 0.5)
                                   : column == TB_P99 ? tl_quantile(f, 0.99)
                                                      : f->latency_max));
    fprintf(d->out, "%*s", (int)column_width(column, narrow), text);
}

static void table_name(struct td *d, const char *name, unsigned width)
{
    char clean[NAME_MAX * 4 + 8];
    unsigned cols = td_clean(clean, sizeof(clean), name, width, d->colour);
    fprintf(d->out, "%s%*s", clean, (int)(width - cols), "");
}

struct table {
    const uint32_t *order; /* of the functions */
    uint32_t max;          /* of them are shown */
    unsigned name;         /* columns for it */
    bool narrow;
};

/* Columns [from, to) for all functions. */
static void table_block(struct td *d, const struct timeline *t, const struct table *b,
                        const int *from, const int *to)
{
    fputs(d->colour ? "\033[2m" : "", d->out);
    table_name(d, "entry function", b->name);
    for (const int *c = from; c < to; c++)
        fprintf(d->out, "%*s", (int)column_width(*c, b->narrow), column_name(*c));
    fputs(d->colour ? "\033[0m\n" : "\n", d->out);
    for (uint32_t i = 0, shown = 0; i < t->fn_ids.count && shown < b->max; i++) {
        const struct tl_fn *f = &t->fn[b->order[i]];
        if (!f->name || !f->goroutines)
            continue;
        shown++;
        table_name(d, f->name, b->name);
        for (const int *c = from; c < to; c++)
            table_cell(d, f, *c, b->narrow);
        fputc('\n', d->out);
    }
}

static unsigned columns_width(const int *from, const int *to, bool narrow)
{
    unsigned w = 0;
    for (; from < to; from++)
        w += column_width(*from, narrow);
    return w;
}

/* All columns side by side if they can be made to fit; else in blocks, the latencies in one. */
static void table_blocks(struct td *d, const struct timeline *t, struct table b, const int *columns,
                         int n)
{
    unsigned wanted = b.name < NAME_MAX ? b.name : NAME_MAX;
    for (int narrow = 0; narrow < 2; narrow++) {
        unsigned all = columns_width(columns, columns + n, narrow);
        if (all + NAME_MIN > d->width)
            continue;
        b.name = all + wanted <= d->width ? wanted : d->width - all;
        b.narrow = narrow;
        table_block(d, t, &b, columns, columns + n);
        return;
    }
    b.name = wanted < 20 ? wanted : 20;
    const int *end = columns + n, *latencies = end - 3;
    for (const int *from = columns; from < end;) {
        const int *limit = from < latencies && columns_width(from, end, false) + b.name > d->width
                               ? latencies
                               : end,
                  *to = from + 1;
        while (to < limit && columns_width(from, to + 1, false) + b.name <= d->width)
            to++;
        if (from > columns)
            fputc('\n', d->out);
        table_block(d, t, &b, from, to);
        from = to;
    }
}

void td_table(struct td *d, const struct timeline *t, uint32_t max)
{
    int columns[TB_COLUMNS], n = table_columns(t, columns);
    uint32_t *order = tl_fn_order(t), named = 0;
    unsigned name = NAME_MIN;
    for (uint32_t i = 0; i < t->fn_ids.count; i++) {
        if (t->fn[i].name && t->fn[i].goroutines) {
            named++;
            name = widest(name, strlen(t->fn[i].name));
        }
    }
    table_blocks(d, t, (struct table){.order = order, .max = max, .name = name}, columns, n);
    if (named > max)
        fprintf(d->out, "... %u more functions\n", named - max);
    fprintf(d->out, "%sp50, p99, max: how long goroutines were runnable until they ran%s\n",
            d->colour ? "\033[2m" : "", d->colour ? "\033[0m" : "");
    free(order);
}
