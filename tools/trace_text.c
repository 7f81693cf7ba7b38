/* trace_text.c - see trace_text.h. */
#include "trace_text.h"
#include <stdarg.h>
#include <string.h>
#include "timeline_draw.h"

enum { NAME_MAX_ = 60 };

void trace_put(FILE *f, const char *text)
{
    char buf[4 * TRACE_TEXT_MAX + 8];
    td_clean(buf, sizeof(buf), text, TRACE_TEXT_MAX, false);
    fputs(buf, f);
}

const char *trace_label(struct tr_reader *r, uint64_t g)
{
    const struct tr_g *info = g ? tr_reader_g(r, g) : NULL;
    return info ? tr_reader_g_label(r, info) : NULL;
}

const char *trace_g_text(char buf[TRACE_TEXT_MAX], uint64_t g, const char *label)
{
    char clean[TRACE_TEXT_MAX];
    if (!g)
        return strcpy(buf, "nobody");
    bool known = label && strcmp(label, "?") != 0;
    td_clean(clean, sizeof(clean), known ? label : "", NAME_MAX_, false);
    snprintf(buf, TRACE_TEXT_MAX, "G%llu%s%.200s", (unsigned long long)g, *clean ? " " : "", clean);
    return buf;
}

const char *trace_place_text(char buf[TRACE_TEXT_MAX], struct tr_reader *r, uint32_t stack)
{
    struct tr_frame f;
    char function[TRACE_TEXT_MAX], file[TRACE_TEXT_MAX];
    *buf = 0;
    if (!stack || !tr_reader_user_frame(r, stack, &f))
        return buf;
    td_clean(function, sizeof(function), f.function, NAME_MAX_, false);
    const char *slash = f.file ? strrchr(f.file, '/') : NULL;
    td_clean(file, sizeof(file), slash ? slash + 1 : f.file ? f.file : "", NAME_MAX_, false);
    if (*file)
        snprintf(buf, TRACE_TEXT_MAX, "%.120s %.100s:%d", function, file, f.line);
    else if (strcmp(function, "?") != 0)
        snprintf(buf, TRACE_TEXT_MAX, "%s", function);
    return buf;
}

const char *trace_wait_text(char buf[TRACE_TEXT_MAX], struct tr_reader *r, enum tr_reason why,
                            uint64_t obj)
{
    char name[64] = "";
    tr_reader_obj_name(r, why, obj, name, sizeof(name));
    snprintf(buf, TRACE_TEXT_MAX, "%s%s%s", tr_reason_name(why), *name ? " " : "", name);
    return buf;
}

void trace_put_wrapped(FILE *f, const char *text, unsigned width, unsigned indent)
{
    char buf[8 * TRACE_TEXT_MAX];
    td_clean(buf, sizeof(buf), text, sizeof(buf) - 8, false);
    unsigned at = 0;
    for (const char *word = buf; *(word += strspn(word, " "));) {
        unsigned n = (unsigned)strcspn(word, " ");
        if (at > 0 && at + 1 + n > width) {
            fputc('\n', f);
            at = 0;
        }
        at += (unsigned)fprintf(f, "%*s%.*s", at ? 1 : (int)indent, "", (int)n, word);
        word += n;
    }
    fputc('\n', f);
}

/* Where a text of n columns begins on a line of its own: indented, less where it would not fit. */
static unsigned indent_of(const struct trace_line *l, unsigned n)
{
    unsigned least = 4, most = l->width > least + n ? l->width - n : least;
    return l->indent < most ? l->indent : most;
}

void trace_line_add(struct trace_line *l, const char *fmt, ...)
{
    char text[2 * TRACE_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    unsigned n = (unsigned)strlen(text);
    if (n == 0)
        return;
    if (l->at > l->indent && l->at + 2 + n > l->width) {
        l->at = indent_of(l, n);
        fprintf(l->out, "\n%*s", (int)l->at, "");
    } else if (l->at > 0) {
        fputs("  ", l->out);
        l->at += 2;
    }
    fputs(text, l->out);
    l->at += n;
}

void trace_line_end(struct trace_line *l)
{
    fputc('\n', l->out);
    l->at = 0;
}
