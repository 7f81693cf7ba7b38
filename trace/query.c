/* query.c - the query language; see query.h.
 *
 *     query   = [ any ]
 *     any     = all { "or" all }
 *     all     = part { [ "and" ] part }
 *     part    = { "not" | "-" } ( "(" any ")" | term )
 *     term    = FIELD ( ":" | "=" | "!=" ) value { "," value }
 *             | NUMBER-FIELD ( "<" | "<=" | ">" | ">=" | "=" | "!=" ) NUMBER
 *             | value                      (a word that occurs in a name)
 *     value   = '"' text '"' | word        (\" and \\ in a text)
 *
 * A word ends at white space, a comma, a parenthesis or a quote; a bare one goes over commas.
 * FIELD is letters directly before one of : = ! < >.  A value of a name is a pattern for the whole
 * of it, with * and ?; upper and lower case are the same.
 *
 * A query is a tree in an array, children before their parents.  Three-valued logic was rejected:
 * a term about something that is not there (the duration of an event) does not hold, so its
 * negation does.
 *
 * The parser never looks further than its text, keeps every number in bounds and goes no deeper
 * than TR_QUERY_DEPTH_MAX: tests/fuzz/fuzz_query.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "query_impl.h"

static const struct {
    const char *name;
    enum form form;
} fields[FIELDS] = {
    [F_WORD] = {"", AS_PATTERN},     [F_G] = {"g", AS_GOROUTINE},     [F_FN] = {"fn", AS_PATTERN},
    [F_STATE] = {"state", AS_STATE}, [F_WHY] = {"why", AS_PATTERN},   [F_OBJ] = {"obj", AS_OBJECT},
    [F_P] = {"p", AS_NUMBER},        [F_M] = {"m", AS_NUMBER},        [F_DUR] = {"dur", AS_TIME},
    [F_T] = {"t", AS_TIME},          [F_BY] = {"by", AS_GOROUTINE},   [F_AT] = {"at", AS_PATTERN},
    [F_EVENT] = {"event", AS_EVENT}, [F_TEXT] = {"text", AS_PATTERN},
};
static const char field_list[] = "g, fn, state, why, obj, p, m, dur, t, by, at, event, text";
static const char state_list[] =
    "running, runnable, chan, mutex, select, net, syscall, sleep, other, blocked";

struct parser {
    struct tr_query *q;
    const char *text, *at;
    struct tr_query_error *err;
    unsigned depth;
    bool failed;
};

/* ---- faults ---- */

static void __attribute__((format(printf, 3, 4)))
fail(struct parser *p, const char *at, const char *fmt, ...)
{
    if (p->failed)
        return;
    p->failed = true;
    unsigned column = 1;
    for (const char *c = p->text; c < at; c++)
        column += (*c & 0xc0) != 0x80;
    p->err->column = column;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p->err->message, sizeof(p->err->message), fmt, ap);
    va_end(ap);
}

/* ---- characters ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return query_lower(c) >= 'a' && query_lower(c) <= 'z';
}

static bool ends_word(char c)
{
    return c == 0 || is_space(c) || c == '(' || c == ')' || c == '"';
}

static void skip_space(struct parser *p)
{
    while (is_space(*p->at))
        p->at++;
}

/* Whether the keyword stands here, as a word of its own; steps over it. */
static bool keyword(struct parser *p, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < n; i++)
        if (query_lower(p->at[i]) != word[i])
            return false;
    if (!ends_word(p->at[n]))
        return false;
    p->at += n;
    return true;
}

/* ---- numbers ---- */

static bool parse_number(const char *s, size_t n, unsigned base, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        char c = query_lower(s[i]);
        unsigned d = is_digit(c)            ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                            : base;
        if (d >= base || v > (UINT64_MAX - d) / base)
            return false;
        v = v * base + d;
    }
    *ret = v;
    return n > 0;
}

bool tr_parse_time(const char *text, size_t n, int64_t *ret_ns)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"", 1}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    double v = 0, digit = 1;
    size_t i = 0, digits = 0;
    for (; i < n && is_digit(text[i]); i++, digits++)
        v = v * 10 + (text[i] - '0');
    if (i < n && text[i] == '.')
        for (i++; i < n && is_digit(text[i]); i++, digits++)
            v += (text[i] - '0') * (digit /= 10);
    for (size_t u = 0; digits && u < sizeof(units) / sizeof(units[0]); u++)
        if (strlen(units[u].unit) == n - i && strncmp(units[u].unit, text + i, n - i) == 0 &&
            v * units[u].ns < 9e18) {
            *ret_ns = (int64_t)(v * units[u].ns + 0.5);
            return true;
        }
    return false;
}

/* ---- building ---- */

static void *room(struct parser *p, void *list, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap)
        return list;
    void *more = realloc(list, (*cap * 2ul + 16) * size);
    if (!more) {
        fail(p, p->at, "out of memory");
        return list;
    }
    *cap = *cap * 2 + 16;
    return more;
}

/* Returns the node's number; 0 with a fault noted when there is no memory. */
static uint32_t add_node(struct parser *p, struct node node)
{
    struct tr_query *q = p->q;
    q->nodes = room(p, q->nodes, q->n, &q->cap, sizeof(*q->nodes));
    if (p->failed)
        return 0;
    q->nodes[q->n] = node;
    return q->n++;
}

static void add_value(struct parser *p, struct value v)
{
    struct tr_query *q = p->q;
    q->values = room(p, q->values, q->value_n, &q->value_cap, sizeof(*q->values));
    if (p->failed)
        free(v.pattern);
    else
        q->values[q->value_n++] = v;
}

static char *copy(struct parser *p, const char *s, size_t n)
{
    char *c = malloc(n + 1);
    if (!c) {
        fail(p, s, "out of memory");
        return NULL;
    }
    memcpy(c, s, n);
    c[n] = 0;
    return c;
}

/* ---- values ---- */

/* The text between quotes; steps over it. */
static char *quoted(struct parser *p)
{
    const char *open = p->at++;
    char *text = copy(p, p->at, strlen(p->at));
    size_t n = 0;
    while (text && *p->at && *p->at != '"') {
        if (*p->at == '\\' && (p->at[1] == '"' || p->at[1] == '\\'))
            p->at++;
        text[n++] = *p->at++;
    }
    if (text)
        text[n] = 0;
    if (*p->at == '"')
        p->at++;
    else
        fail(p, open, "this quote is not closed");
    return text;
}

static void state_value(struct parser *p, const char *s, size_t n, unsigned *states)
{
    char name[16] = "";
    for (size_t i = 0; i < n && i < sizeof(name) - 1; i++)
        name[i] = query_lower(s[i]);
    for (int c = 0; c < TR_CLASSES; c++)
        if (n < sizeof(name) && strcmp(name, tr_class_name((enum tr_class)c)) == 0) {
            *states |= 1u << c;
            return;
        }
    if (n < sizeof(name) && strcmp(name, "blocked") == 0)
        *states |= 1u << BLOCKED_BIT;
    else
        fail(p, s, "there is no state %.*s; take one of %s", n > 40 ? 40 : (int)n, s, state_list);
}

/* "12", "3..7" of a letter that may stand before each (G12, P0): a number or a range. */
static bool number_value(const char *s, size_t n, char letter, struct value *ret)
{
    const char *dots = NULL;
    for (size_t i = 0; i + 1 < n && !dots; i++)
        if (s[i] == '.' && s[i + 1] == '.')
            dots = s + i;
    size_t first = dots ? (size_t)(dots - s) : n, second = dots ? n - first - 2 : 0;
    const char *rest = dots ? dots + 2 : s;
    size_t skip = first > 1 && query_lower(s[0]) == letter,
           skip2 = second > 1 && query_lower(*rest) == letter;
    if (!parse_number(s + skip, first - skip, 10, &ret->lo))
        return false;
    ret->hi = ret->lo;
    return !dots || parse_number(rest + skip2, second - skip2, 10, &ret->hi);
}

static void event_exists(struct parser *p, const char *at, const char *pattern)
{
    for (int t = 1; t < TR_EV_MAX; t++)
        if (tr_pattern_matches(pattern, tr_type_name((enum tr_type)t)))
            return;
    fail(p, at, "there is no event %.40s; goshawk trace dump shows what they are called", pattern);
}

static void pattern_value(struct parser *p, const char *at, enum form form, char *text)
{
    if (text && form == AS_EVENT && !p->failed)
        event_exists(p, at, text);
    add_value(p, (struct value){.pattern = text});
}

/* The unquoted value s[0..n). */
static void word_value(struct parser *p, const char *s, size_t n, struct node *term)
{
    const char *name = fields[term->field].name;
    struct value v = {0};
    switch (fields[term->field].form) {
    case AS_STATE:
        state_value(p, s, n, &term->states);
        return;
    case AS_NUMBER:
        if (n == 4 && strncmp(s, "none", 4) == 0)
            v.lo = v.hi = UINT64_MAX;
        else if (!number_value(s, n, name[0], &v))
            fail(p, s, "%s takes a number, a range such as 0..3, or none", name);
        add_value(p, v);
        return;
    case AS_GOROUTINE:
        if (number_value(s, n, 'g', &v)) {
            add_value(p, v);
            return;
        }
        break;
    case AS_OBJECT:
        if (n > 2 && s[0] == '0' && query_lower(s[1]) == 'x') {
            if (!parse_number(s + 2, n - 2, 16, &v.lo))
                fail(p, s, "this is no address");
            v.hi = v.lo;
            add_value(p, v);
            return;
        }
        break;
    default:
        break;
    }
    pattern_value(p, s, fields[term->field].form, copy(p, s, n));
}

static void values(struct parser *p, struct node *term)
{
    enum form form = fields[term->field].form;
    for (;;) {
        const char *s = p->at;
        if (*s == '"') {
            if (form == AS_STATE || form == AS_NUMBER)
                fail(p, s, "%s takes no quoted text", fields[term->field].name);
            pattern_value(p, s, form, quoted(p));
        } else {
            while (!ends_word(*p->at) && *p->at != ',')
                p->at++;
            if (p->at == s)
                fail(p, s, "%s: a value is missing here", fields[term->field].name);
            else
                word_value(p, s, (size_t)(p->at - s), term);
        }
        if (p->failed || *p->at != ',')
            break;
        p->at++;
    }
    if (!p->failed && !ends_word(*p->at))
        fail(p, p->at, "a space is missing here");
}

/* ---- terms ---- */

static enum op comparison(struct parser *p)
{
    char c = *p->at++;
    bool equal = *p->at == '=' && c != ':' && c != '=';
    p->at += equal;
    switch (c) {
    case '<':
        return equal ? OP_LE : OP_LT;
    case '>':
        return equal ? OP_GE : OP_GT;
    case '!':
        return OP_NE;
    case '=':
        return OP_EQ;
    default:
        return OP_IS;
    }
}

static void bound(struct parser *p, struct node *term)
{
    const char *s = p->at, *name = fields[term->field].name;
    struct value v = {0};
    int64_t ns;
    while (!ends_word(*p->at) && *p->at != ',')
        p->at++;
    size_t n = (size_t)(p->at - s);
    bool number = fields[term->field].form == AS_NUMBER;
    if (n == 0)
        fail(p, s, "%s: a %s is missing here", name, number ? "number" : "time");
    else if (number && !parse_number(s, n, 10, &v.lo))
        fail(p, s, "this is no number");
    else if (!number && !tr_parse_time(s, n, &ns))
        fail(p, s, "this is no time; write 1.5ms, 20us or 3s");
    else if (!number)
        v.lo = (uint64_t)ns;
    if (!p->failed && *p->at == ',')
        fail(p, p->at, "a comparison has one value");
    add_value(p, v);
}

/* The field whose name stands here before an operator; F_WORD: none.  Steps over the name. */
static enum field field_here(struct parser *p)
{
    size_t n = 0;
    while (is_letter(p->at[n]))
        n++;
    char c = p->at[n];
    if (n == 0 ||
        !(c == ':' || c == '=' || c == '<' || c == '>' || (c == '!' && p->at[n + 1] == '=')))
        return F_WORD;
    for (int f = F_WORD + 1; f < FIELDS; f++) {
        size_t i = 0;
        while (i < n && query_lower(p->at[i]) == fields[f].name[i])
            i++;
        if (i == n && !fields[f].name[n]) {
            p->at += n;
            return (enum field)f;
        }
    }
    fail(p, p->at, "there is no field %.*s; take one of %s, or put the text in quotes",
         n > 30 ? 30 : (int)n, p->at, field_list);
    return F_WORD;
}

static void word(struct parser *p)
{
    const char *s = p->at;
    if (*s == '"') {
        add_value(p, (struct value){.pattern = quoted(p)});
        return;
    }
    while (!ends_word(*p->at))
        p->at++;
    if (p->at == s)
        fail(p, s,
             *s ? "something to look for is missing before this"
                : "something to look for is missing here");
    else
        add_value(p, (struct value){.pattern = copy(p, s, (size_t)(p->at - s))});
}

static uint32_t term(struct parser *p)
{
    struct node t = {.kind = N_TERM, .first = p->q->value_n};
    const char *begin = p->at;
    t.field = field_here(p);
    if (p->failed)
        return 0;
    p->q->asks |= 1u << t.field;
    if (t.field == F_WORD) {
        word(p);
    } else {
        enum form form = fields[t.field].form;
        const char *sign = p->at;
        t.op = comparison(p);
        bool order = t.op >= OP_LT && t.op <= OP_GE;
        if (form == AS_TIME && t.op == OP_IS)
            fail(p, sign, "%s needs a comparison, such as %s>1ms", fields[t.field].name,
                 fields[t.field].name);
        else if (order && form != AS_TIME && form != AS_NUMBER)
            fail(p, sign, "%.*s cannot be compared; write %.*s:VALUE", (int)(sign - begin), begin,
                 (int)(sign - begin), begin);
        else if (form == AS_TIME || order)
            bound(p, &t);
        else
            values(p, &t);
    }
    t.count = p->q->value_n - t.first;
    return add_node(p, t);
}

/* A - that something follows: not. */
static bool minus(struct parser *p)
{
    bool is = *p->at == '-' && p->at[1] && !is_space(p->at[1]) && p->at[1] != ')';
    p->at += is;
    return is;
}

static uint32_t any(struct parser *p);

static uint32_t part(struct parser *p)
{
    skip_space(p);
    if (++p->depth > TR_QUERY_DEPTH_MAX)
        fail(p, p->at, "this is nested too deeply");
    uint32_t n = 0;
    const char *open = p->at;
    if (p->failed) {
        /* said */
    } else if (keyword(p, "not") || minus(p)) {
        n = add_node(p, (struct node){.kind = N_NOT, .a = part(p)});
    } else if (*p->at == '(') {
        p->at++;
        n = any(p);
        skip_space(p);
        if (*p->at == ')')
            p->at++;
        else
            fail(p, open, "this parenthesis is not closed");
    } else {
        n = term(p);
    }
    p->depth--;
    return n;
}

static uint32_t all(struct parser *p)
{
    uint32_t left = part(p);
    while (!p->failed) {
        skip_space(p);
        const char *here = p->at;
        bool or = keyword(p, "or");
        p->at = here;
        if (!*p->at || *p->at == ')' || or)
            break;
        keyword(p, "and");
        uint32_t right = part(p);
        left = add_node(p, (struct node){.kind = N_AND, .a = left, .b = right});
    }
    return left;
}

static uint32_t any(struct parser *p)
{
    uint32_t left = all(p);
    while (!p->failed) {
        skip_space(p);
        if (!keyword(p, "or"))
            break;
        uint32_t right = all(p);
        left = add_node(p, (struct node){.kind = N_OR, .a = left, .b = right});
    }
    return left;
}

struct tr_query *tr_query_make(const char *text, struct tr_query_error *ret_err)
{
    struct tr_query *q = calloc(1, sizeof(*q));
    struct parser p = {.q = q, .text = text, .at = text, .err = ret_err};
    if (!q) {
        fail(&p, text, "out of memory");
        return NULL;
    }
    skip_space(&p);
    q->empty = !*p.at;
    if (strlen(text) > TR_QUERY_LENGTH_MAX)
        fail(&p, text + TR_QUERY_LENGTH_MAX, "the query is too long");
    if (!q->empty && !p.failed) {
        q->root = any(&p);
        skip_space(&p);
        if (!p.failed && *p.at)
            fail(&p, p.at, "this parenthesis was never opened");
    }
    if (!p.failed)
        return q;
    tr_query_free(q);
    return NULL;
}

void tr_query_free(struct tr_query *q)
{
    if (!q)
        return;
    for (uint32_t i = 0; i < q->value_n; i++)
        free(q->values[i].pattern);
    free(q->values);
    free(q->nodes);
    free(q);
}

bool tr_query_names_spans(const struct tr_query *q)
{
    return q && (q->asks & ~(1u << F_G | 1u << F_FN)) != 0;
}
