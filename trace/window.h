/* window.h - how things stood when a window of the flight recorder began; the idea: window.c. */
#ifndef TR_WINDOW_H
#define TR_WINDOW_H

#include "record.h"
#include "records.h"

enum { STATE_NOT_YET = 0 }; /* beside enum tr_go_state: created in the window */

/* A goroutine. */
struct soul {
    uint64_t id;
    uint64_t fn;    /* 0 unknown */
    uint64_t wait;  /* blocked: key of reason and object */
    uint64_t first; /* time of its first change in the window; 0: none */
    uint32_t name;  /* in texts; 0 none */
    uint32_t lane;  /* running: its number + 1 */
    uint8_t state;
    bool detached; /* running, told: without a P */
    bool told;     /* by the host only */
};

/* A stream. */
struct lane {
    uint32_t id, m, tid;
    uint64_t g; /* what it ran when the window began; 0 none */
    int32_t p;  /* held; -1 none */
    bool parked, ended;
    bool begun;     /* it has events in the window */
    bool late;      /* and a chunk of its own only since the first of them */
    uint64_t cur_g; /* what it knew itself */
    int32_t cur_p;
    uint32_t number, seq; /* in the snapshot */
};

/* A processor: its first mention in the window. */
struct post {
    uint64_t first; /* 0: none */
    uint32_t lane;  /* who held it before, number + 1; 0 nobody */
};

enum { TR_NAMED_MAX = 1 << 17, POSTS_MAX = 4096 };
enum named { NAMED_STACK, NAMED_STRING, NAMED_KINDS };

struct tr_view {
    struct tr_window w;
    struct lane *lanes;
    size_t lane_count, lane_cap;
    struct soul *souls; /* a hash table; a power of two */
    size_t soul_count, soul_cap;
    struct post *posts;
    char *texts; /* names, each with its 0 */
    size_t texts_used, texts_cap;
    uint32_t gens[2];               /* of the dictionary's tables */
    uint32_t *used[2][NAMED_KINDS]; /* by table and id: 1, later the number in the snapshot */
    uint32_t procs;
    bool short_of_memory;
};

/* Takes the last `duration` units (0: all) and finds how things stood when they began.  Returns 0
 * or -errno; then there is nothing to close.  Requires: rec.control. */
int tr_view_open(struct tr_view *v, uint64_t duration);
void tr_view_close(struct tr_view *v);

/* The lane of a part; the decoder at the part's first record. */
struct lane *tr_view_part(struct tr_view *v, size_t i, struct decoder *d);

/* The next record up to the window's end, as the stream knows it. */
bool tr_view_next(const struct tr_view *v, struct decoder *d, struct record *ret);

struct soul *tr_view_soul(struct tr_view *v, uint64_t id); /* NULL: not known */

/* Nanoseconds of CLOCK_MONOTONIC at a time of the window. */
int64_t tr_view_mono(const struct tr_view *v, uint64_t ticks);

#endif
