/* json.c - see json.h.  A parser by recursive descent; values are malloc memory, strings too. */
#include "json.h"
#include "cmd.h"
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

/* ---- building ---- */

static struct json *add(struct json *in, const char *key, enum json_type type)
{
    struct json *v = cmd_alloc(sizeof *v);
    *v = (struct json){.type = type, .key = key ? cmd_strdup(key) : NULL};
    if (!in)
        return v;
    *(in->last ? &in->last->next : &in->first) = v;
    in->last = v;
    return v;
}

struct json *json_object(struct json *in, const char *key)
{
    return add(in, key, JSON_OBJECT);
}

struct json *json_array(struct json *in, const char *key)
{
    return add(in, key, JSON_ARRAY);
}

void json_string(struct json *in, const char *key, const char *s)
{
    add(in, key, JSON_STRING)->text = cmd_strdup(s);
}

void json_number(struct json *in, const char *key, long long n)
{
    add(in, key, JSON_NUMBER)->text = cmd_printf("%lld", n);
}

void json_bool(struct json *in, const char *key, bool b)
{
    add(in, key, JSON_BOOL)->boolean = b;
}

void json_free(struct json *v)
{
    while (v) {
        struct json *next = v->next;
        json_free(v->first);
        free((char *)v->key);
        free((char *)v->text);
        free(v);
        v = next;
    }
}

/* ---- asking ---- */

const struct json *json_get(const struct json *v, const char *key)
{
    if (!v || v->type != JSON_OBJECT)
        return NULL;
    json_each(m, v)
        if (strcmp(m->key, key) == 0)
            return m;
    return NULL;
}

const char *json_text(const struct json *v, const char *key, const char *fallback)
{
    const struct json *m = json_get(v, key);
    return m && m->type == JSON_STRING ? m->text : fallback;
}

long long json_int(const struct json *v, const char *key, long long fallback)
{
    const struct json *m = json_get(v, key);
    return m && m->type == JSON_NUMBER ? strtoll(m->text, NULL, 10) : fallback;
}

bool json_is(const struct json *v, const char *key)
{
    const struct json *m = json_get(v, key);
    return m && m->type == JSON_BOOL && m->boolean;
}

/* ---- writing ---- */

static void write_string(const char *s, FILE *out)
{
    putc('"', out);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\u%04x", c);
        else
            putc(c, out);
    }
    putc('"', out);
}

static void new_line(FILE *out, int indent)
{
    if (indent >= 0)
        fprintf(out, "\n%*s", indent, "");
}

static void write_members(const struct json *v, FILE *out, int indent)
{
    int inner = indent >= 0 ? indent + 2 : -1;
    putc(v->type == JSON_ARRAY ? '[' : '{', out);
    json_each(m, v) {
        new_line(out, inner);
        if (m->key) {
            write_string(m->key, out);
            fputs(indent >= 0 ? ": " : ":", out);
        }
        json_write(m, out, inner);
        if (m->next)
            putc(',', out);
    }
    if (v->first)
        new_line(out, indent);
    putc(v->type == JSON_ARRAY ? ']' : '}', out);
}

void json_write(const struct json *v, FILE *out, int indent)
{
    switch (v->type) {
    case JSON_NULL:
        fputs("null", out);
        break;
    case JSON_BOOL:
        fputs(v->boolean ? "true" : "false", out);
        break;
    case JSON_NUMBER:
        fputs(v->text, out);
        break;
    case JSON_STRING:
        write_string(v->text, out);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        write_members(v, out, indent);
        break;
    }
}

/* ---- reading ---- */

struct parser {
    const char *at, *end;
    const char *error;
};

static bool fail(struct parser *p, const char *what)
{
    if (!p->error)
        p->error = what;
    return false;
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->end && strchr(" \t\r\n", *p->at) && *p->at)
        p->at++;
}

static bool take(struct parser *p, char c)
{
    skip_blanks(p);
    if (p->at == p->end || *p->at != c)
        return false;
    p->at++;
    return true;
}

static bool take_word(struct parser *p, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(p->end - p->at) < n || memcmp(p->at, word, n) != 0)
        return fail(p, "not a value");
    p->at += n;
    return true;
}

/* Four hexadecimal digits; -1: they are not. */
static int take_hex(struct parser *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        const char *digits = "0123456789abcdef", *d;
        char c = p->at < p->end ? *p->at : 0;
        c = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
        if (!c || !(d = strchr(digits, c)))
            return -1;
        v = v * 16 + (int)(d - digits);
    }
    return v;
}

static size_t put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    to[0] = (char)(0xe0 | c >> 12);
    to[1] = (char)(0x80 | (c >> 6 & 0x3f));
    to[2] = (char)(0x80 | (c & 0x3f));
    return 3;
}

/* What stands behind a backslash.  Halves of surrogate pairs stay halves: reports have none. */
static bool take_escape(struct parser *p, char *to, size_t *n)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char c = p->at < p->end ? *p->at++ : 0;
    const char *e = c ? strchr(from, c) : NULL;
    if (e) {
        to[(*n)++] = into[e - from];
        return true;
    }
    int code = c == 'u' ? take_hex(p) : -1;
    if (code <= 0)
        return fail(p, "a wrong escape in a string");
    *n += put_utf8(to + *n, (unsigned)code);
    return true;
}

/* A string whose opening quote was taken; NULL: it is none.  No escape is shorter than what it
 * stands for. */
static char *take_string(struct parser *p)
{
    const char *close = p->at;
    while (close < p->end && *close != '"')
        close += *close == '\\' && close + 1 < p->end ? 2 : 1;
    char *s = cmd_alloc((size_t)(close - p->at) + 1);
    size_t n = 0;
    while (p->at < p->end && *p->at != '"') {
        char c = *p->at++;
        if ((unsigned char)c < 0x20 ? !fail(p, "a control character in a string")
                                    : c == '\\' && !take_escape(p, s, &n))
            break;
        if (c != '\\')
            s[n++] = c;
    }
    s[n] = 0;
    if (!p->error && !take(p, '"'))
        fail(p, "a string without an end");
    if (p->error) {
        free(s);
        return NULL;
    }
    return s;
}

static bool take_digits(struct parser *p)
{
    const char *from = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
        p->at++;
    return p->at > from || fail(p, "not a value");
}

static bool take_number(struct parser *p, struct json *v)
{
    const char *from = p->at;
    if (p->at < p->end && *p->at == '-')
        p->at++;
    if (!take_digits(p))
        return false;
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        if (!take_digits(p))
            return false;
    }
    if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
        p->at++;
        if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
            p->at++;
        if (!take_digits(p))
            return false;
    }
    v->text = cmd_printf("%.*s", (int)(p->at - from), from);
    return true;
}

static bool take_value(struct parser *p, struct json *in, char *key, int depth);

static bool take_members(struct parser *p, struct json *v, int depth)
{
    char close = v->type == JSON_ARRAY ? ']' : '}';
    if (take(p, close))
        return true;
    do {
        char *key = NULL;
        if (v->type == JSON_OBJECT && (!take(p, '"') || !(key = take_string(p)) || !take(p, ':'))) {
            free(key);
            return fail(p, "not \"name\": value");
        }
        if (!take_value(p, v, key, depth + 1))
            return false;
    } while (take(p, ','));
    return take(p, close) || fail(p, "an object or array without an end");
}

/* Appends the next value to `in`.  Owns key. */
static bool take_value(struct parser *p, struct json *in, char *key, int depth)
{
    struct json *v = add(in, key, JSON_NULL);
    free(key);
    skip_blanks(p);
    if (p->at == p->end || depth > DEPTH_MAX)
        return fail(p, p->at == p->end ? "the text ends too early" : "nested too deep");
    switch (*p->at) {
    case '{':
    case '[':
        v->type = *p->at++ == '{' ? JSON_OBJECT : JSON_ARRAY;
        return take_members(p, v, depth);
    case '"':
        p->at++;
        v->type = JSON_STRING;
        v->text = take_string(p);
        if (!v->text)
            v->type = JSON_NULL;
        return v->text != NULL;
    case 't':
    case 'f':
        v->type = JSON_BOOL;
        v->boolean = *p->at == 't';
        return take_word(p, v->boolean ? "true" : "false");
    case 'n':
        return take_word(p, "null");
    default:
        v->type = JSON_NUMBER;
        if (take_number(p, v))
            return true;
        v->type = JSON_NULL;
        return false;
    }
}

struct json *json_parse(const char *text, size_t n, const char **ret_error)
{
    struct parser p = {text, text + n, NULL};
    struct json *holder = json_array(NULL, NULL);
    if (take_value(&p, holder, NULL, 0)) {
        skip_blanks(&p);
        if (p.at != p.end)
            fail(&p, "more than one value");
    }
    struct json *v = holder->first;
    holder->first = NULL;
    json_free(holder);
    *ret_error = p.error;
    if (p.error) {
        json_free(v);
        return NULL;
    }
    return v;
}
