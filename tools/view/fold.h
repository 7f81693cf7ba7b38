/* fold.h - short states of a long trace, added up, so that a page of it stays small.
 *
 * Spans go in as they end and come out, to f->emit, as they are or folded.  Outside the window
 * [from, to] the spans of a lane that end in one stretch of time, each shorter than the stretch,
 * are replaced by their sums: one span for each state and object (or entry function), laid end to
 * end over the same time.  Every lane so keeps the exact time of each state in each stretch.
 *
 * The stretch is a power of two and adapts: so many spans come out as were asked for, evenly over
 * the trace. */
#ifndef FOLD_H
#define FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "reader.h"

enum { FOLD_EXACT = 2 /* so few are not worth it */ };

/* A span with the numbers of the page. */
struct fold_item {
    struct tr_span s;
    uint32_t lane, obj;
    int64_t g, by;
    uint32_t key;   /* of what is added up apart from others: object, entry function */
    uint32_t count; /* states that it stands for; 0: it is one itself */
    bool first;     /* of the spans that replace others */
};

struct fold_group;

/* Zero bytes, from, to, end and most set: nothing is folded while most is 0. */
struct fold {
    int64_t from, to; /* the window that keeps every state */
    int64_t end;      /* of the trace */
    uint64_t most;    /* spans wanted outside the window */
    void (*emit)(void *arg, const struct fold_item *item);
    void *arg;
    /* of fold.c */
    int64_t width, next; /* the stretch, and its end */
    uint64_t emitted, folded;
    struct fold_group *groups; /* those of this stretch */
    size_t groups_n, groups_cap;
    struct fold_slots {
        uint32_t *at; /* group of a lane + 1; 0 none */
        size_t n;
    } slots[3];
};

void fold_span(struct fold *f, const struct fold_item *item);
void fold_finish(struct fold *f); /* emits what is left, and frees */

#endif
