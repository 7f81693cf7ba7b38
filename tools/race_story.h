/* race_story.h - what the trace knows of one data race: how the two goroutines came to it.
 *
 * The detector says that two accesses have no order; the trace says what was in order.  An edge
 * leads from who does something to the goroutine that it lets go on: a creation, an end of a wait.
 * What the earlier goroutine did up to its last edge that reaches the later one (`known`, through
 * others if need be) happened before the later access, so its own access came after that.  Between
 * `known` and the race lies the gap, and an edge in it would have been the missing one.
 *
 * When the earlier access was made nobody has noted, but the recording tells two moments between
 * which it was; it comes after `known`; and a goroutine accesses memory only while it runs.
 *
 * Calls that did not have to wait are no events, so these edges are some of all; the detector's own
 * words, which programs with -race put into their traces, know the others. */
#ifndef RACE_STORY_H
#define RACE_STORY_H

#include <stddef.h>
#include "idmap.h"
#include "reader.h"

enum {
    STORY_EVENTS = 12, /* of each side, the last ones */
    STORY_RUNS = 64,   /* of BEFORE, likewise */
};

enum side { NOW, BEFORE };

struct race {
    uint64_t n; /* number of its event */
    int64_t time;
    uint64_t g, by, addr;
    int64_t from, to;           /* BEFORE's access was made in between; from -1: not known */
    uint32_t stack[2];          /* by side */
    struct tr_access access[2]; /* likewise */
    size_t first_line, lines;   /* of the report, in races.line */
};

struct races {
    struct race *race;
    size_t n, cap;
    const char **line; /* the reader's */
    size_t line_n, line_cap;
};

/* All races of a trace.  races_fini(). */
void races_read(struct races *all, struct tr_reader *r);
void races_fini(struct races *all);

/* An edge of the way from BEFORE to NOW. */
struct story_edge {
    uint64_t from, to;
    const char *from_label, *to_label;
    int64_t time;
    enum tr_type type;
    enum tr_reason why;
    uint64_t obj;
    uint32_t stack;
    struct story_edge *earlier; /* of the way */
    unsigned refs;
};

struct story_object {
    uint64_t obj;
    enum tr_reason why;
    uint64_t uses[2]; /* by side */
};

struct race_story {
    uint64_t g[2];                /* by side */
    const char *label[2];         /* NULL: not seen */
    int64_t created[2], ended[2]; /* -1: not seen */
    struct tr_event event[2][STORY_EVENTS];
    uint64_t
        events[2]; /* all there were; the last STORY_EVENTS are kept, event i at i % STORY_EVENTS */
    struct story_edge
        *way;      /* the last edge into NOW that carries the latest news of BEFORE; NULL none */
    int64_t known; /* what BEFORE did until then is ordered before the access; -1 nothing */
    struct story_run {
        int64_t begin, end;
    } run[STORY_RUNS]; /* of BEFORE, that its access may lie in; run i at i % STORY_RUNS */
    uint64_t runs;
    int64_t from, to; /* race's, narrowed by what the trace tells; from -1: since its beginning */
    struct idmap object_ids;
    struct story_object *objects;
    size_t object_cap;
};

/* Reads the trace up to the race. */
void race_story_read(struct race_story *s, struct tr_reader *r, const struct race *race);
void race_story_fini(struct race_story *s);

#endif
