/* query.h - the query language: which goroutines, spans and events are meant.
 *
 *     g:worker* state:chan dur>1ms
 *
 * Terms that stand beside each other must all hold; `or`, `not` (or a leading -) and parentheses do
 * what they say.  The grammar stands in query.c; `goshawk help trace query` has it for users, and
 * tests/query_cases.txt is the table of what matches and what is refused, for this implementation
 * and every other one. */
#ifndef TR_QUERY_H
#define TR_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tr_reader;
struct tr_event;
struct tr_span;
struct tr_query;

enum {
    TR_QUERY_LENGTH_MAX = 4096,
    TR_QUERY_DEPTH_MAX = 64,
    TR_QUERY_MESSAGE_MAX = 240,
};

struct tr_query_error {
    unsigned column; /* of the fault, in characters, from 1 */
    char message[TR_QUERY_MESSAGE_MAX];
};

/* What a term can ask about.  Zero bytes ask for no stack, object or number: NULL and 0 are
 * "has none", which no value matches.  p and m: -1 none. */
struct tr_subject {
    uint64_t g, by, addr;
    const char *label, *fn;              /* of g */
    const char *by_label;                /* of by, while it lives */
    const char *why, *obj;               /* "chan receive", "chan#3" */
    const char *at_function, *at_file;   /* the user's frame of the stack */
    const char *event, *text, *category; /* events; marks of the program */
    int at_line;
    int state;    /* enum tr_class, -1 none */
    bool blocked; /* waits: neither running, nor runnable, nor in a system call with its thread */
    int32_t p;
    int64_t m;
    int64_t begin, end; /* an event: both its time */
    bool is_span;       /* only spans have a duration */
};

/* Reads text.  Returns the query, or NULL with *ret_err.  An empty text matches everything. */
struct tr_query *tr_query_make(const char *text, struct tr_query_error *ret_err);
void tr_query_free(struct tr_query *q); /* NULL is fine */

bool tr_query_matches(const struct tr_query *q, const struct tr_subject *s);

/* Whether q (NULL: everything) means this span: of a goroutine, or what a P or M did. */
bool tr_query_span(const struct tr_query *q, struct tr_reader *r, const struct tr_span *s);

/* Whether q (NULL: everything) means the event that tr_reader_next() has just returned, or a span
 * that it ended: `state:chan dur>1ms` finds the events that end such waits. */
bool tr_query_event(const struct tr_query *q, struct tr_reader *r, const struct tr_event *e);

/* Whether what q says depends on more than the goroutine. */
bool tr_query_names_spans(const struct tr_query *q);

/* "1.5ms", "20us", "3s", "7" (ns): false when text[0..n) is none. */
bool tr_parse_time(const char *text, size_t n, int64_t *ret_ns);

/* Whether text is what the pattern says: * any characters, ? one; case does not count. */
bool tr_pattern_matches(const char *pattern, const char *text);

#endif
