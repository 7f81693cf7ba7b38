/* trace_export.h - writers of other tools' formats.
 *
 * A writer is told each event of the trace, and each span when it ends, in the reader's order, and
 * writes as it goes: its memory is for the live goroutines and for what is defined once (names,
 * stacks), not for the trace.  cmd_trace_export.c runs them; what a filter does not leave of the
 * trace (export_filter.h), they are not told. */
#ifndef TRACE_EXPORT_H
#define TRACE_EXPORT_H

#include "out.h"
#include "reader.h"

struct trace_export {
    const char *name;
    bool folder; /* makes several files: out is FOLDER/stream, the others are its own affair */
    bool states; /* follows goroutines from state to state, which a filter therefore leaves whole */

    /* Returns the writer's state, NULL with errno set when it cannot begin. */
    void *(*begin)(struct tr_reader *r, struct out *out, const char *folder);
    void (*event)(void *x, const struct tr_event *e); /* NULL: does not want them */
    void (*span)(void *x, const struct tr_span *s);   /* after its last event; NULL likewise */

    /* Writes the rest of what was told of the time from .. to, frees x. */
    void (*end)(void *x, int64_t from, int64_t to);
};

extern const struct trace_export trace_export_go, trace_export_perfetto, trace_export_chrome,
    trace_export_pprof_sched, trace_export_pprof_block, trace_export_pprof_sync,
    trace_export_pprof_syscall, trace_export_folded, trace_export_csv, trace_export_json,
    trace_export_ctf;

#endif
