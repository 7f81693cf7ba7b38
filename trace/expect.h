/* expect.h - expectations on a schedule, asked of a reader; see expect.c for what can be
 * expected. */
#ifndef TR_EXPECT_H
#define TR_EXPECT_H

#include <stdbool.h>
#include <stdint.h>
#include "query.h"
#include "reader.h"

enum { TR_EXPECT_MESSAGE_MAX = 1024 };

struct tr_expect_result {
    bool holds;
    char message[TR_EXPECT_MESSAGE_MAX]; /* what happened; "" when it holds */
    int64_t from, to; /* where to look, when it does not hold and there is a place */
    uint64_t g[2];    /* and at whom; 0: all */
    bool nothing;     /* holds, for the query means nothing in this trace: a slip? */
};

enum tr_expect_kind {
    TR_EXPECT_SHORTER,
    TR_EXPECT_AT_MOST,
    TR_EXPECT_AT_LEAST,
    TR_EXPECT_BEFORE,
    TR_EXPECT_NO_RACE
};
enum tr_which { TR_EVERY, TR_FIRST, TR_LAST };

struct tr_expect {
    enum tr_expect_kind kind;
    struct tr_query *a, *b;         /* b: BEFORE.  NULL: everything */
    char *text_a, *text_b;          /* of them, for messages */
    enum tr_which which_a, which_b; /* BEFORE */
    int64_t ns;                     /* SHORTER */
    uint64_t n;                     /* AT_MOST, AT_LEAST */
};

/* Reads an expectation.  Returns false with *ret_err, whose column is one of text. */
bool tr_expect_make(const char *text, struct tr_expect *ret, struct tr_query_error *ret_err);

/* A moment of it: a query about events, or one word or quoted text, which the program said. */
bool tr_expect_moment(const char *text, struct tr_query **ret, struct tr_query_error *ret_err);
void tr_expect_fini(struct tr_expect *e);

/* Reads the trace from its beginning to its end.  Returns 0, or -ENOMEM. */
int tr_expect_ask(struct tr_reader *r, const struct tr_expect *e, struct tr_expect_result *ret);

#endif
