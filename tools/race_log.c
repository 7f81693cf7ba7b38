/* race_log.c - see race_log.h.
 *
 * Text is read line by line.  A report stands between two bars; inside it headings begin in the
 * first column and what belongs to them is indented, so that lines of other output in between are
 * neither.  A report that was cut off (no second bar) is left out. */
#include "race_log.h"
#include "cmd.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char bar[] = "==================";

struct line {
    const char *at;
    size_t n;
};

static bool next_line(const char **at, const char *end, struct line *l)
{
    if (*at == end)
        return false;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    l->at = *at;
    l->n = (size_t)((stop ? stop : end) - *at);
    *at = stop ? stop + 1 : end;
    if (l->n > 0 && l->at[l->n - 1] == '\r')
        l->n--;
    return true;
}

static bool starts(const struct line *l, const char *with)
{
    size_t n = strlen(with);
    return l->n >= n && memcmp(l->at, with, n) == 0;
}

/* ---- fingerprints: those of racecheck/report.c ---- */

static uint64_t mix(uint64_t h, const char *s)
{
    do {
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
    } while (*s++);
    return h;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static uint64_t mix_stack(uint64_t h, const struct json *stack)
{
    json_each(f, stack) {
        h = mix(h, json_text(f, "function", "?"));
        h = mix(h, base_name(json_text(f, "file", "")));
    }
    return h;
}

/* Of two accesses: a race, or a use after free. */
static uint64_t print_of_pair(const struct json *report)
{
    uint64_t side[2] = {0, 0};
    int n = 0;
    json_each(a, json_get(report, "accesses"))
        if (n < 2)
            side[n++] = mix_stack(mix(UINT64_C(0xcbf29ce484222325), json_text(a, "kind", "")),
                                  json_get(a, "stack"));
    uint64_t h = side[0] < side[1] ? side[0] * 31 + side[1] : side[1] * 31 + side[0];
    const struct json *l = json_get(report, "location");
    const char *type = json_text(report, "type", "");
    if (strcmp(json_text(l, "kind", ""), "global") == 0)
        h = mix(h, json_text(l, "name", ""));
    return strcmp(type, "race") == 0 ? h : mix(h, type);
}

static uint64_t print_of_other(const struct json *report)
{
    uint64_t h = mix(UINT64_C(0xcbf29ce484222325), json_text(report, "type", ""));
    json_each(s, json_get(report, "stacks"))
        h = mix_stack(h, json_get(s, "stack"));
    return h;
}

/* ---- text ---- */

static char *copy(const char *at, size_t n)
{
    return cmd_printf("%.*s", (int)n, at);
}

/* "goroutine 8 (worker)", "main goroutine", "thread T1", "main thread". */
static void add_flow(struct json *in, const char *key, const char *who)
{
    struct json *f = json_object(in, key);
    const char *word = strstr(who, "goroutine"), *open = strstr(who, " (");
    bool first = strncmp(who, "main ", 5) == 0;
    const char *digits = strpbrk(who, "0123456789");
    char *name = open ? copy(open + 2, strcspn(open + 2, ")")) : cmd_strdup("");
    json_string(f, "kind", word ? "goroutine" : "thread");
    json_number(f, "id", first ? word != NULL : digits ? strtoll(digits, NULL, 10) : 0);
    json_string(f, "name", name);
    json_bool(f, "main", first);
    free(name);
}

/* "/lib/libc.so.6+0x1234" */
static void add_module(struct json *frame, char *module)
{
    char *offset = strstr(module, "+0x");
    for (char *next; offset && (next = strstr(offset + 1, "+0x"));)
        offset = next;
    if (offset) {
        *offset = 0;
        json_string(frame, "offset", offset + 1);
    }
    json_string(frame, "module", module);
}

/* "  f() dir/a.c:12:3": two numbers at most, which are cut off; or a module. */
static void add_frame(struct json *stack, const struct line *l)
{
    char *s = copy(l->at + 2, l->n - 2), *paren = strstr(s, "() "),
         *file = paren ? paren + 3 : NULL;
    long number[2];
    int n = 0;
    struct json *f = file ? json_object(stack, NULL) : NULL;
    for (char *colon; f && n < 2 && (colon = strrchr(file, ':')) && colon[1]; n++) {
        char *end;
        number[n] = strtol(colon + 1, &end, 10);
        if (*end)
            break;
        *colon = 0;
    }
    if (f) {
        *paren = 0;
        json_string(f, "function", s);
        if (n) {
            json_string(f, "file", file);
            json_number(f, "line", number[n - 1]);
        } else {
            add_module(f, file);
        }
        if (n == 2)
            json_number(f, "column", number[0]);
    }
    free(s);
}

/* "Previous write (atomic) at 0x12 by goroutine 7:" */
static struct json *add_access(struct json *accesses, const struct line *l)
{
    char *s = copy(l->at, l->n), *at = strstr(s, " at 0x"), *by = at ? strstr(at, " by ") : NULL;
    struct json *a = NULL;
    size_t n = strlen(s); /* not l->n: the line may hold a 0 */
    if (by && s[n - 1] == ':') {
        s[n - 1] = *at = *by = 0;
        a = json_object(accesses, NULL);
        json_string(a, "kind", strstr(s, "(free)") ? "free" : strstr(s, "rite") ? "write" : "read");
        json_bool(a, "atomic", strstr(s, "(atomic)") != NULL);
        json_string(a, "address", at + 4);
        add_flow(a, "by", by + 4);
    }
    free(s);
    return a;
}

/* "Location: global 'x' of 4 bytes, a.c:3" */
static struct json *add_location(struct json *report, const struct line *l)
{
    static const char *const kinds[] = {"global", "heap", "stack", "chan"};
    struct json *at = json_object(report, "location");
    char *s = copy(l->at + 10, l->n - 10), *quote = strchr(s, '\'');
    const char *kind = "unknown";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(s, kinds[i], strlen(kinds[i])) == 0)
            kind = kinds[i];
    json_string(at, "kind", kind);
    json_string(at, "text", s);
    if (quote && strchr(quote + 1, '\'')) {
        char *name = copy(quote + 1, strcspn(quote + 1, "'"));
        json_string(at, "name", name);
        free(name);
    }
    free(s);
    return at;
}

/* "Goroutine 8 (running) created at:" */
static struct json *add_life(struct json *lives, const struct line *l)
{
    char *s = copy(l->at, l->n), *open = strstr(s, " (");
    struct json *life = json_object(lives, NULL);
    if (open)
        *open = 0;
    const char *digits = strpbrk(s, "0123456789");
    json_string(life, "kind", *s == 'G' ? "goroutine" : "thread");
    json_number(life, "id", digits ? strtoll(digits, NULL, 10) : 0);
    json_string(life, "name", "");
    json_bool(life, "main", false);
    json_string(life, "state",
                open && strncmp(open + 2, "running", 7) == 0 ? "running" : "finished");
    free(s);
    return life;
}

/* Where indented lines belong now. */
struct place {
    struct json *stack, *sentences;
};

static void read_race_line(struct json *r, const struct line *l, struct json *const parts[3],
                           struct place *p)
{
    struct json *owner = NULL;
    const char *key = "stack";
    if (starts(l, "  ")) {
        if (p->stack)
            add_frame(p->stack, l);
        if (p->sentences) {
            char *s = copy(l->at + 2, l->n - 2);
            json_string(p->sentences, NULL, s);
            free(s);
        }
        return;
    }
    *p = (struct place){0};
    if (starts(l, "Location: ")) {
        owner = add_location(r, l);
        key = "allocated_at";
    } else if (starts(l, "Not ordered because:")) {
        p->sentences = parts[2];
    } else if (starts(l, "Reproduce: ")) {
        char *s = copy(l->at + 11, l->n - 11);
        json_string(r, "reproduce", s);
        free(s);
    } else if (starts(l, "Goroutine ") || starts(l, "Thread T")) {
        owner = add_life(parts[1], l);
        key = "created_at";
    } else if (starts(l, "Write") || starts(l, "Read") || starts(l, "Previous ")) {
        owner = add_access(parts[0], l);
    }
    if (owner)
        p->stack = json_array(owner, key);
}

static struct json *begin_other(struct json *r, const struct line *l)
{
    char *s = copy(l->at + 9, l->n - 9), *type = cmd_strdup(s);
    type[strcspn(type, "(")] = 0;
    for (char *c = type; *c; c++)
        *c = *c == ' ' ? (c[1] ? '-' : 0) : *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    json_string(r, "type", type);
    json_string(r, "title", s);
    free(s);
    free(type);
    return json_array(r, "stacks");
}

static void read_other_line(struct json *stacks, const struct line *l, struct place *p)
{
    if (starts(l, "  ")) {
        if (p->stack)
            add_frame(p->stack, l);
        return;
    }
    p->stack = NULL;
    if (l->n == 0 || starts(l, "Reproduce: "))
        return;
    struct json *s = json_object(stacks, NULL);
    char *title = copy(l->at, l->n - (l->at[l->n - 1] == ':'));
    json_string(s, "title", title);
    free(title);
    p->stack = json_array(s, "stack");
}

/* NULL: the report is not of two accesses. */
static const char *type_of_pair(const struct line *first)
{
    return starts(first, "WARNING: DATA RACE")             ? "race"
           : starts(first, "WARNING: DOUBLE FREE (raced)") ? "race"
           : starts(first, "WARNING: HEAP USE AFTER FREE") ? "heap-use-after-free"
           : starts(first, "WARNING: DOUBLE FREE")         ? "double-free"
                                                           : NULL;
}

/* The report whose first line is l, up to its second bar; NULL: it was cut off. */
static struct json *read_text(const struct line *first, const char **at, const char *end, int *line)
{
    struct json *r = json_object(NULL, NULL);
    struct line l;
    struct place p = {0};
    struct json *parts[3] = {NULL}, *stacks = NULL;
    const char *type = type_of_pair(first);
    if (type) {
        json_string(r, "type", type);
        parts[0] = json_array(r, "accesses");
        parts[1] = json_array(r, "lives");
        parts[2] = json_array(r, "not_ordered_because");
    } else {
        stacks = begin_other(r, first);
    }
    while (next_line(at, end, &l)) {
        ++*line;
        if (starts(&l, bar)) {
            char *print = cmd_printf(
                "%016llx", (unsigned long long)(type ? print_of_pair(r) : print_of_other(r)));
            json_string(r, "fingerprint", print);
            free(print);
            return r;
        }
        if (type)
            read_race_line(r, &l, parts, &p);
        else
            read_other_line(stacks, &l, &p);
    }
    json_free(r);
    return NULL;
}

/* ---- all of a log ---- */

static void append(struct json *reports, struct json *r)
{
    const char *print = json_text(r, "fingerprint", "");
    for (struct json *old = reports->first; old; old = old->next) {
        if (strcmp(json_text(old, "fingerprint", ""), print) != 0)
            continue;
        for (struct json *m = old->first; m; m = m->next)
            if (strcmp(m->key, "count") == 0) {
                char *more = cmd_printf("%lld", json_int(old, "count", 0) + 1);
                free((char *)m->text);
                m->text = more;
            }
        json_free(r);
        return;
    }
    json_number(r, "count", 1);
    *(reports->last ? &reports->last->next : &reports->first) = r;
    reports->last = r;
}

const char *race_log_read(const char *text, size_t n, struct json *reports, int *ret_line)
{
    const char *at = text, *end = text + n, *error;
    struct line l;
    *ret_line = 0;
    while (next_line(&at, end, &l)) {
        struct json *r = NULL;
        ++*ret_line;
        if (starts(&l, "{\"type\":\"")) {
            r = json_parse(l.at, l.n, &error);
            if (!r)
                return error;
            if (!json_get(r, "fingerprint")) { /* a summary */
                json_free(r);
                r = NULL;
            }
        } else if (starts(&l, "WARNING: ")) {
            r = read_text(&l, &at, end, ret_line);
        }
        if (r)
            append(reports, r);
    }
    return NULL;
}
