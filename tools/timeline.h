/* timeline.h - the terminal's timeline as a model: who lived, rows of cells, table by function.
 *
 * Two passes over the trace.  The first (survey) keeps 40 bytes for each goroutine and a record for
 * each entry function; from it the rows are chosen.  The second (fill) adds up, for each cell of
 * each row, how long it was in which state: memory is rows x columns, however long the trace is. */
#ifndef TIMELINE_H
#define TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "idmap.h"
#include "progress.h"
#include "query.h"
#include "reader.h"

enum {
    TL_FUNCTIONS = 8,        /* entry functions that P rows tell apart */
    TL_UNKNOWN = TR_CLASSES, /* G rows: alive, state not recorded */
    TL_KINDS = TR_CLASSES + 1,
    TL_OTHER_FUNCTION = TL_FUNCTIONS, /* P and M rows: cells are [0, TL_FUNCTIONS] by function */
    TL_WITHOUT_P,                     /* M rows: a goroutine in a system call, its P is elsewhere */
    TL_HIST_SUB = 32,                 /* buckets for each power of two: quantiles to 3 % */
    TL_HIST = 64 * TL_HIST_SUB,
    TL_RACES = 32,
    TL_THREADS = 256, /* that can have a row */
};

/* A goroutine, as the survey leaves it. */
struct tl_g {
    uint64_t id;
    const char *label; /* the reader's */
    uint32_t fn;       /* number of its function */
    uint32_t row;      /* + 1; 0: none */
    int64_t first_run; /* INT64_MAX: never */
    uint64_t running;  /* ns */
};

/* An entry function and all goroutines that began there. */
struct tl_fn {
    const char *name;
    uint32_t goroutines;
    uint32_t row; /* + 1 */
    int colour;   /* 0..TL_FUNCTIONS */
    int64_t first_run;
    uint64_t total[TL_KINDS]; /* ns by class */
    uint64_t runs, latencies, latency_max;
    uint32_t *hist; /* TL_HIST counts of scheduling latencies */
};

enum tl_lane { TL_LANE_P, TL_LANE_M, TL_LANE_G };

struct tl_row {
    enum tl_lane lane; /* G: cells are classes, else functions */
    uint64_t id;       /* of the P or M */
    uint32_t g, fn;    /* number of the one goroutine, or UINT32_MAX: all those of fn */
    uint64_t members;  /* goroutines that share the row */
    float *cell;       /* [columns][TL_KINDS]: ns */
    uint64_t busy;     /* ns running */
};

struct tl_race {
    int64_t time;
    uint64_t g, by, addr;
    int64_t by_from, by_to; /* the earlier access lies in between; by_from -1: not known */
};

struct timeline {
    struct tr_reader *r;
    int64_t from, to;       /* window, ns */
    struct tr_query *query; /* what is shown; NULL: everything */
    struct progress progress;
    unsigned columns;

    struct idmap numbers;
    struct tl_g *g;
    uint32_t g_cap;
    struct idmap fn_ids; /* by address of the name, which the reader keeps once for each function */
    struct tl_fn *fn;
    uint32_t fn_cap;

    struct tl_row *rows;
    uint32_t rows_n, rows_cap;
    uint64_t procs;                  /* Ps seen */
    struct idmap threads;            /* Ms seen, and their rows */
    uint32_t thread_row[TL_THREADS]; /* + 1, by number in threads */

    /* Whoever else wants what the first pass reads; may be NULL. */
    void (*also_span)(void *arg, const struct tr_span *s);
    void (*also_event)(void *arg, const struct tr_event *e);
    void *also_arg;

    uint64_t events;
    struct tl_race race[TL_RACES];
    uint32_t races;
};

/* First pass, over the window and what the query means.  Returns false when memory is short. */
bool tl_survey(struct timeline *t);

/* Adds rows: the first max Ps; the first max Ms; at most max goroutines, those that ran longest, in
 * order of their first run; or one row for each of at most max functions.  Returns how many found
 * no room. */
uint64_t tl_rows_of_p(struct timeline *t, uint32_t max);
uint64_t tl_rows_of_m(struct timeline *t, uint32_t max);
uint64_t tl_rows_of_g(struct timeline *t, uint32_t max);
uint64_t tl_rows_of_fn(struct timeline *t, uint32_t max);

/* Second pass: fills the rows' cells. */
bool tl_fill(struct timeline *t);

/* Least and middle value of bucket b of a histogram. */
uint64_t tl_bucket_least(unsigned b);
uint64_t tl_bucket_middle(unsigned b);

/* Class of a goroutine's span, TL_UNKNOWN when it has none. */
int tl_class(const struct tr_span *s);

/* How much of [begin, end) lies in the window. */
uint64_t tl_inside(const struct timeline *t, const struct tr_span *s);

/* Latency that the share q of f's starts did not exceed, ns. */
uint64_t tl_quantile(const struct tl_fn *f, double q);

/* Functions by time running, the longest first, in memory to free. */
uint32_t *tl_fn_order(const struct timeline *t);

void tl_fini(struct timeline *t);

#endif
