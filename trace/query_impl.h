/* query_impl.h - a query as query.c reads it and query_match.c asks it. */
#ifndef TR_QUERY_IMPL_H
#define TR_QUERY_IMPL_H

#include "query.h"
#include "reader.h"

enum field {
    F_WORD,
    F_G,
    F_FN,
    F_STATE,
    F_WHY,
    F_OBJ,
    F_P,
    F_M,
    F_DUR,
    F_T,
    F_BY,
    F_AT,
    F_EVENT,
    F_TEXT,
    FIELDS
};
/* What the values of a field are. */
enum form { AS_PATTERN, AS_GOROUTINE, AS_STATE, AS_OBJECT, AS_NUMBER, AS_TIME, AS_EVENT };
/* OP_IS: a colon. */
enum op { OP_IS, OP_LT, OP_LE, OP_GT, OP_GE, OP_EQ, OP_NE };

enum { BLOCKED_BIT = TR_CLASSES }; /* of a term's states: any of waiting */

struct value {
    char *pattern; /* NULL: a number, or a range of them */
    uint64_t lo, hi;
};

enum kind { N_TERM, N_NOT, N_AND, N_OR };

struct node {
    enum kind kind;
    enum field field; /* N_TERM, with what follows */
    enum op op;
    unsigned states;
    uint32_t first, count; /* of its values */
    uint32_t a, b;         /* children */
};

struct tr_query {
    struct node *nodes;
    uint32_t n, cap, root;
    struct value *values;
    uint32_t value_n, value_cap;
    unsigned asks; /* bit of each field that is used */
    bool empty;
};

/* ASCII only. */
static inline char query_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif
