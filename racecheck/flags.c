/* flags.c - see flags.h.
 *
 * flags.def is expanded twice: into the structure and into a table that the parser walks.  A wrong
 * option never stops the program (Go goes on as well): the line on stderr names it, says what it
 * wants and lists the options there are, and the default stands. */
#include "flags.h"
#include "check.h"
#include "print.h"
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum kind { INT, WORD, TEXT };

struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    int lowest, highest, number; /* number: the default */
    const char *text;            /* the default of a text; the words of a word */
};

static const struct option options[] = {
#define FLAG_INT(name, dflt, lo, hi, what) \
    {#name, INT, offsetof(struct rc_flags, name), lo, hi, dflt, NULL},
#define FLAG_WORD(name, dflt, words, what) \
    {#name, WORD, offsetof(struct rc_flags, name), 0, 0, dflt, words},
#define FLAG_TEXT(name, dflt, what) {#name, TEXT, offsetof(struct rc_flags, name), 0, 0, 0, dflt},
#include "flags.def"
#undef FLAG_INT
#undef FLAG_WORD
#undef FLAG_TEXT
};

enum { N_OPTIONS = sizeof options / sizeof *options };

/* The defaults, for who asks before rc_flags_init(). */
static struct rc_flags in_force = {
#define FLAG_INT(name, dflt, lo, hi, what) .name = dflt,
#define FLAG_WORD(name, dflt, words, what) .name = dflt,
#define FLAG_TEXT(name, dflt, what)        .name = dflt,
#include "flags.def"
#undef FLAG_INT
#undef FLAG_WORD
#undef FLAG_TEXT
};

const struct rc_flags *rc_flags(void)
{
    return &in_force;
}

static int *number_at(struct rc_flags *f, const struct option *o)
{
    return (int *)(void *)((char *)f + o->offset);
}

static void set_default(struct rc_flags *f, const struct option *o)
{
    if (o->kind == TEXT)
        strcpy((char *)f + o->offset, o->text);
    else
        *number_at(f, o) = o->number;
}

static bool set_int(struct rc_flags *f, const struct option *o, const char *value)
{
    char *end;
    errno = 0;
    long v = strtol(value, &end, 10);
    if (end == value || *end || errno || v < o->lowest || v > o->highest)
        return false;
    *number_at(f, o) = (int)v;
    return true;
}

/* value is one of the words a|b|c. */
static bool set_word(struct rc_flags *f, const struct option *o, const char *value)
{
    size_t n = strlen(value);
    int index = 0;
    for (const char *w = o->text;; w++, index++) {
        size_t len = strcspn(w, "|");
        if (len == n && memcmp(w, value, n) == 0) {
            *number_at(f, o) = index;
            return true;
        }
        w += len;
        if (!*w)
            return false;
    }
}

static bool set(struct rc_flags *f, const struct option *o, const char *value)
{
    if (o->kind == INT)
        return set_int(f, o, value);
    if (o->kind == WORD)
        return set_word(f, o, value);
    if (strlen(value) >= RC_TEXT_MAX)
        return false;
    strcpy((char *)f + o->offset, value);
    return true;
}

static void complain_value(const struct option *o, const char *value,
                           void (*complain)(const char *))
{
    char buf[512];
    struct text t;
    text_init(&t, buf, sizeof buf);
    /* goshawk run -race knows a program with a detector by how these lines begin (cmd_run.c). */
    text_printf(&t, "goshawk: GORACE: %s=%.100s: ", o->name, value);
    if (o->kind == INT)
        text_printf(&t, "not a number from %d to %d", o->lowest, o->highest);
    else if (o->kind == WORD)
        text_printf(&t, "not one of %s", o->text);
    else
        text_printf(&t, "longer than %d bytes", RC_TEXT_MAX - 1);
    text_printf(&t, "; the default stands\n");
    complain(buf);
}

static void complain_name(const char *name, bool has_value, void (*complain)(const char *))
{
    char buf[1024];
    struct text t;
    text_init(&t, buf, sizeof buf);
    text_printf(&t, "goshawk: GORACE: %.100s: %s; the options are", name,
                has_value ? "no such option" : "not NAME=VALUE");
    for (int i = 0; i < N_OPTIONS; i++)
        text_printf(&t, " %s=", options[i].name);
    text_printf(&t, "\n");
    complain(buf);
}

/* One NAME=VALUE, whose value is NULL where there was no '='.  Returns the number of complaints. */
static int apply(struct rc_flags *f, const char *name, const char *value,
                 void (*complain)(const char *))
{
    for (int i = 0; value && i < N_OPTIONS; i++) {
        if (strcmp(options[i].name, name) != 0)
            continue;
        if (set(f, &options[i], value))
            return 0;
        complain_value(&options[i], value, complain);
        return 1;
    }
    complain_name(name, value != NULL, complain);
    return 1;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Copies one value, without its quotes, to out and returns what follows it. */
static const char *take_value(const char *s, char *out, size_t cap)
{
    char quote = *s == '"' || *s == '\'' ? *s++ : 0;
    size_t n = 0;
    while (*s && (quote ? *s != quote : !blank(*s))) {
        if (n + 1 < cap)
            out[n++] = *s;
        s++;
    }
    out[n] = 0;
    return *s && quote ? s + 1 : s;
}

int rc_flags_parse(struct rc_flags *f, const char *text, void (*complain)(const char *line))
{
    char name[128], value[RC_TEXT_MAX + 1];
    int wrong = 0;
    for (int i = 0; i < N_OPTIONS; i++)
        set_default(f, &options[i]);
    for (const char *s = text ? text : ""; *s;) {
        if (blank(*s)) {
            s++;
            continue;
        }
        size_t len = strcspn(s, "= \t\r\n"), n = len < sizeof name ? len : sizeof name - 1;
        memcpy(name, s, n);
        name[n] = 0;
        s += len;
        bool has_value = *s == '=';
        if (has_value)
            s = take_value(s + 1, value, sizeof value);
        wrong += apply(f, name, has_value ? value : NULL, complain);
    }
    return wrong;
}

static void complain_on_stderr(const char *line)
{
    rt_write(2, line, strlen(line));
}

void rc_flags_init(void)
{
    rc_flags_parse(&in_force, getenv("GORACE"), complain_on_stderr);
}
