/* expect_file.c - goshawk/expect.h: expectations of a test on a trace that it has recorded. */
#include "goshawk/expect.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "expect.h"

static void tell(char *message, size_t n, const char *text)
{
    if (message && n > 0)
        snprintf(message, n, "%s", text);
}

static int refuse(char *message, size_t n, const char *what, const struct tr_query_error *err)
{
    char text[TR_QUERY_MESSAGE_MAX + 64];
    snprintf(text, sizeof(text), "%s, column %u: %s", what, err->column, err->message);
    tell(message, n, text);
    return -EINVAL;
}

/* Asks and lets go of e. */
static int ask(const char *file, struct tr_expect *e, char *message, size_t n)
{
    char err[TR_ERR_MAX];
    struct tr_reader *r;
    struct tr_expect_result result;
    int code = tr_reader_open(file, &r, err);
    if (code == 0) {
        code = tr_expect_ask(r, e, &result);
        if (code != 0)
            tell(message, n, "out of memory");
        else if (!result.holds)
            tell(message, n, result.message);
        tr_reader_close(r);
        code = code ? code : !result.holds;
    } else {
        tell(message, n, err);
    }
    tr_expect_fini(e);
    return code;
}

int go_trace_expect(const char *file, const char *expectation, char *message, size_t n)
{
    struct tr_expect e;
    struct tr_query_error err;
    if (!tr_expect_make(expectation, &e, &err))
        return refuse(message, n, "the expectation", &err);
    return ask(file, &e, message, n);
}

/* e with the query, whose text it keeps. */
static bool with_query(struct tr_expect *e, const char *query, struct tr_query_error *err)
{
    e->a = tr_query_make(query, err);
    e->text_a = e->a ? strdup(query) : NULL;
    return e->a != NULL;
}

int go_trace_expect_shorter(const char *file, const char *query, go_duration d, char *message,
                            size_t n)
{
    struct tr_expect e = {.kind = TR_EXPECT_SHORTER, .ns = d};
    struct tr_query_error err;
    if (!with_query(&e, query, &err))
        return refuse(message, n, "the query", &err);
    return ask(file, &e, message, n);
}

int go_trace_expect_at_most(const char *file, unsigned most, const char *query, char *message,
                            size_t n)
{
    struct tr_expect e = {.kind = TR_EXPECT_AT_MOST, .n = most};
    struct tr_query_error err;
    if (!with_query(&e, query, &err))
        return refuse(message, n, "the query", &err);
    return ask(file, &e, message, n);
}

int go_trace_expect_before(const char *file, const char *a, const char *b, char *message, size_t n)
{
    struct tr_expect e = {.kind = TR_EXPECT_BEFORE};
    struct tr_query_error err;
    bool first = tr_expect_moment(a, &e.a, &err);
    if (!first || !tr_expect_moment(b, &e.b, &err)) {
        tr_expect_fini(&e);
        return refuse(message, n, first ? "the second moment" : "the first moment", &err);
    }
    e.text_a = strdup(a);
    e.text_b = strdup(b);
    return ask(file, &e, message, n);
}
