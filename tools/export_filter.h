/* export_filter.h - the part of a trace that goshawk trace export hands to a writer: --filter,
 * --from and --to.
 *
 * What a query leaves depends on what the format tells:
 *   events   (csv, json, ctf): those that goshawk trace dump would show
 *   spans    (pprof, folded, chrome): those that goshawk trace query would show, cut to the window
 *   states   (go, perfetto): their readers follow each goroutine from state to state, so goroutines
 *            stay whole: those of which the query means anything in the window.  The window begins
 *            with how things stand then, told as a recording that begins in the middle tells it. */
#ifndef EXPORT_FILTER_H
#define EXPORT_FILTER_H

#include "gmap.h"
#include "idset.h"
#include "trace_args.h"
#include "trace_export.h"

struct export_filter {
    const struct trace_export *format;
    const struct trace_args *args;
    struct tr_reader *r;
    void *state; /* the writer's */
    bool all;    /* no query and no window */

    /* formats of states */
    struct idset meant;
    uint64_t before;    /* number of events before the window; as they are read: */
    struct gmap living; /* those of meant that live */
    struct gmap held;   /* P + 1: thread + 1 */
    uint64_t procs;
};

/* Reads the whole trace once if the format needs to know which goroutines are meant.  args, r and
 * format outlive f. */
void export_filter_begin(struct export_filter *f, const struct trace_export *format,
                         const struct trace_args *args, struct tr_reader *r);

/* Each event of the reader, after tr_reader_next(); each span that it ended. */
void export_filter_event(struct export_filter *f, const struct tr_event *e);
void export_filter_span(struct export_filter *f, const struct tr_span *s);

/* Whether events later than time are wanted no more. */
bool export_filter_is_done(const struct export_filter *f, int64_t time);

/* End of the window, within the trace. */
int64_t export_filter_end_ns(const struct export_filter *f);

void export_filter_fini(struct export_filter *f);

#endif
