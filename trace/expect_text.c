/* expect_text.c - an expectation, from its text.
 *
 *     expectation = "no" ( "race" | "races" )
 *                 | "no" whom "longer" "than" TIME
 *                 | "at" ( "most" | "least" ) NUMBER whom
 *                 | moment "before" moment
 *     whom        = a query in which "goroutine", "goroutines", "is" and "was" say nothing, a bare
 *                   word stands for state:WORD, and "on" OBJECT for obj:OBJECT
 *     moment      = [ "first" | "last" ] ( word | quoted text | query )
 *
 * `whom` is rewritten into a query; a table says which column each of its characters came from, so
 * that a fault is told where the user wrote it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "expect.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool fault(struct tr_query_error *err, size_t column, const char *message)
{
    err->column = (unsigned)column + 1;
    snprintf(err->message, sizeof(err->message), "%s", message);
    return false;
}

/* ---- words ---- */

/* A word of the text: up to white space, over quotes and parentheses. */
struct word {
    size_t at, n;
};

static struct word next_word(const char *text, size_t at)
{
    bool quoted = false;
    int depth = 0;
    while (is_space(text[at]))
        at++;
    size_t begin = at;
    for (; text[at] && (quoted || depth > 0 || !is_space(text[at])); at++) {
        if (text[at] == '\\' && quoted && text[at + 1])
            at++;
        else if (text[at] == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (text[at] == '(') - (text[at] == ')');
    }
    return (struct word){begin, at - begin};
}

static bool word_is(const char *text, struct word w, const char *name)
{
    return w.n == strlen(name) && strncmp(text + w.at, name, w.n) == 0;
}

/* The word `name` in text[from..), outside of quotes and parentheses; n = 0 when it is not
 * there. */
static struct word find_word(const char *text, size_t from, const char *name)
{
    struct word w;
    while ((w = next_word(text, from)).n > 0) {
        if (word_is(text, w, name))
            return w;
        from = w.at + w.n;
    }
    return (struct word){from, 0};
}

/* ---- whom ---- */

struct rewrite {
    char *text;
    size_t *from; /* place in the original of each character, and of the end */
    size_t n;
};

static void put(struct rewrite *r, const char *s, size_t n, size_t from, bool moves)
{
    for (size_t i = 0; i < n; i++) {
        r->from[r->n] = from + (moves ? i : 0);
        r->text[r->n++] = s[i];
    }
}

/* Letters alone that are none of the query's own words: a name of a state, or a slip. */
static bool is_bare(const char *text, struct word w)
{
    static const char *const own[] = {"and", "or", "not"};
    for (size_t i = 0; i < w.n; i++)
        if (strchr(":=<>!()\"*", text[w.at + i]))
            return false;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (word_is(text, w, own[i]))
            return false;
    return true;
}

static bool is_silent(const char *text, struct word w)
{
    static const char *const silent[] = {"goroutine", "goroutines", "is",  "was",
                                         "are",       "at",         "once"};
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
        if (word_is(text, w, silent[i]))
            return true;
    return false;
}

/* The query that text[begin..end) means, as text.  A word that is no state is refused: it would be
 * searched for, and an expectation with a slip would hold. */
static bool rewrite(const char *text, size_t begin, size_t end, struct rewrite *r,
                    struct tr_query_error *err)
{
    for (size_t at = begin; at < end;) {
        struct word w = next_word(text, at);
        at = w.at + w.n;
        if (w.n == 0 || w.at >= end)
            break;
        if (is_silent(text, w))
            continue;
        if (word_is(text, w, "on")) {
            w = next_word(text, at);
            if (w.n == 0 || w.at >= end)
                return fault(err, w.at, "on which object?");
            at = w.at + w.n;
            put(r, "obj:", 4, w.at, false);
        } else if (is_bare(text, w)) {
            put(r, "state:", 6, w.at, false);
        }
        put(r, text + w.at, w.n, w.at, true);
        put(r, " ", 1, w.at + w.n, false);
    }
    r->from[r->n] = end;
    r->text[r->n] = 0;
    return r->n > 0 || fault(err, begin, "which state?  such as blocked, or a query");
}

static bool whom(const char *text, size_t begin, size_t end, struct tr_expect *e,
                 struct tr_query_error *err)
{
    size_t room = (end - begin) * 8 + 16;
    struct rewrite r = {.text = malloc(room), .from = malloc(room * sizeof(*r.from))};
    e->text_a = r.text;
    if (!r.text || !r.from || !rewrite(text, begin, end, &r, err)) {
        bool short_of_memory = !r.text || !r.from;
        free(r.from);
        return short_of_memory ? fault(err, begin, "out of memory") : false;
    }
    e->a = tr_query_make(r.text, err);
    if (!e->a && err->column >= 1 && err->column - 1 <= r.n)
        err->column = (unsigned)r.from[err->column - 1] + 1;
    while (r.n > 0 && r.text[r.n - 1] == ' ')
        r.text[--r.n] = 0;
    free(r.from);
    return e->a != NULL;
}

/* ---- moments ---- */

/* One word, without an operator: what the program said. */
static bool is_saying(const char *text)
{
    struct word w = next_word(text, 0);
    if (w.n == 0 || next_word(text, w.at + w.n).n > 0)
        return false;
    if (text[w.at] == '"')
        return true;
    for (size_t i = w.at; i < w.at + w.n; i++)
        if (strchr(":=<>!()\"-", text[i]) && !(text[i] == '-' && i > w.at))
            return false;
    return true;
}

bool tr_expect_moment(const char *text, struct tr_query **ret, struct tr_query_error *ret_err)
{
    if (!is_saying(text)) {
        *ret = tr_query_make(text, ret_err);
        return *ret != NULL;
    }
    char *query = NULL;
    size_t skip = strspn(text, " \t\n\v\f\r");
    if (asprintf(&query, "text:%s", text + skip) < 0)
        return fault(ret_err, 0, "out of memory");
    *ret = tr_query_make(query, ret_err);
    if (!*ret)
        ret_err->column = ret_err->column > 5 ? ret_err->column - 5 + (unsigned)skip : 1;
    free(query);
    return *ret != NULL;
}

static bool moment(const char *text, size_t begin, size_t end, enum tr_which *which,
                   struct tr_query **ret, char **ret_text, struct tr_query_error *err)
{
    struct word w = next_word(text, begin);
    if (w.n > 0 && w.at < end && (word_is(text, w, "first") || word_is(text, w, "last"))) {
        *which = word_is(text, w, "first") ? TR_FIRST : TR_LAST;
        begin = w.at + w.n;
    }
    while (begin < end && is_space(text[begin]))
        begin++;
    while (end > begin && is_space(text[end - 1]))
        end--;
    if (begin == end)
        return fault(err, begin, "before stands between two moments; one is missing here");
    *ret_text = strndup(text + begin, end - begin);
    if (!*ret_text)
        return fault(err, begin, "out of memory");
    if (tr_expect_moment(*ret_text, ret, err))
        return true;
    err->column += (unsigned)begin;
    return false;
}

/* ---- expectations ---- */

static bool shorter(const char *text, size_t begin, struct tr_expect *e, struct tr_query_error *err)
{
    struct word w = next_word(text, begin), longer = find_word(text, begin, "longer");
    if (word_is(text, w, "race") || word_is(text, w, "races")) {
        struct word rest = next_word(text, w.at + w.n);
        e->kind = TR_EXPECT_NO_RACE;
        return rest.n == 0 || fault(err, rest.at, "nothing more is expected after no races");
    }
    if (longer.n == 0)
        return fault(err, longer.at, "no ... wants `longer than TIME` at its end");
    struct word than = next_word(text, longer.at + longer.n);
    struct word time = next_word(text, than.at + than.n);
    if (!word_is(text, than, "than"))
        return fault(err, than.at, "longer than, and a time, must stand here");
    if (!tr_parse_time(text + time.at, time.n, &e->ns))
        return fault(err, time.at, "this is no time; write 1.5ms, 20us or 3s");
    struct word rest = next_word(text, time.at + time.n);
    if (rest.n > 0)
        return fault(err, rest.at, "nothing more is expected after the time");
    e->kind = TR_EXPECT_SHORTER;
    return whom(text, begin, longer.at, e, err);
}

static bool at_most(const char *text, struct word what, struct tr_expect *e,
                    struct tr_query_error *err)
{
    struct word number = next_word(text, what.at + what.n);
    char *end;
    if (!word_is(text, what, "most") && !word_is(text, what, "least"))
        return fault(err, what.at, "at most or at least, and a number, must stand here");
    e->kind = word_is(text, what, "most") ? TR_EXPECT_AT_MOST : TR_EXPECT_AT_LEAST;
    e->n = strtoul(text + number.at, &end, 10);
    if (number.n == 0 || number.n > 9 || end != text + number.at + number.n)
        return fault(err, number.at, "this is no number of goroutines");
    size_t begin = number.at + number.n;
    return whom(text, begin, strlen(text), e, err);
}

static bool parse(const char *text, struct tr_expect *e, struct tr_query_error *err)
{
    struct word first = next_word(text, 0), before = find_word(text, 0, "before");
    if (strlen(text) > TR_QUERY_LENGTH_MAX)
        return fault(err, TR_QUERY_LENGTH_MAX, "the expectation is too long");
    if (word_is(text, first, "no"))
        return shorter(text, first.at + first.n, e, err);
    if (word_is(text, first, "at"))
        return at_most(text, next_word(text, first.at + first.n), e, err);
    if (before.n == 0)
        return fault(
            err, first.at,
            "this is no expectation: write `no goroutine STATE longer than TIME`, `at most "
            "N STATE on OBJECT`, `A before B` or `no races`");
    e->kind = TR_EXPECT_BEFORE;
    return moment(text, 0, before.at, &e->which_a, &e->a, &e->text_a, err) &&
           moment(text, before.at + before.n, strlen(text), &e->which_b, &e->b, &e->text_b, err);
}

bool tr_expect_make(const char *text, struct tr_expect *ret, struct tr_query_error *ret_err)
{
    *ret = (struct tr_expect){0};
    if (parse(text, ret, ret_err))
        return true;
    tr_expect_fini(ret);
    return false;
}

void tr_expect_fini(struct tr_expect *e)
{
    tr_query_free(e->a);
    tr_query_free(e->b);
    free(e->text_a);
    free(e->text_b);
    *e = (struct tr_expect){0};
}
