/* goshawk/trace.h - recording the schedule. */
#ifndef GOSHAWK_TRACE_H
#define GOSHAWK_TRACE_H

#include <goshawk/base.h>
#include <goshawk/panic.h>
#include <goshawk/time.h>

GO_BEGIN_DECLS_

/* Begins a recording into path ("%p" becomes the process id).  Returns 0 or -errno: -EBUSY when one
 * already runs. */
GO_API_ int go_trace_start(const char *path);
/* Ends it; the file is complete when this returns. */
GO_API_ void go_trace_stop(void);

/* ---- the flight recorder: the last events, always at hand ---- */

/* Keeps in memory what happened lately: in some `bytes` for all threads (64 KiB each at least), and
 * for `duration` (0: as long as there is room).  bytes 0 ends it; called again it changes the
 * limits.  What it has is written on a panic, a deadlock, a data race, a crash, SIGQUIT and
 * SIGUSR2, to GOSHAWK_FLIGHT_FILE (flight-%p-%n.gtrace: process, number).  GOSHAWK_FLIGHT=SIZE does
 * the same without a change to the program.  While go_trace_start() records, the flight recorder
 * rests, and begins anew after it.  Returns 0 or -errno: -EINVAL for a negative duration. */
GO_API_ int go_trace_flight(size_t bytes, go_duration duration);
/* Writes what it has to path ("%p" as above): a trace like any other.  The program goes on
 * meanwhile.  Returns 0 or -errno: -ENODATA when the flight recorder is off. */
GO_API_ int go_trace_snapshot(const char *path);

/* ---- what the program says of itself; costs next to nothing while nothing is recorded ---- */

/* A task: a piece of work that several goroutines may have a part in. */
typedef struct go_task {
    uint64_t id_, outer_;
} go_task;

/* Begins a task, part of the one that this goroutine works for.  From now on the goroutine, and
 * those that it starts, work for the new one: their regions and logs belong to it. */
GO_API_ go_task go_trace_task(const char *name);
/* Ends it; any goroutine may.  The one that began it works again for the task it did before. */
GO_API_ void go_trace_task_end(go_task t);

/* go_trace_region("parse") { ... }: this goroutine is in the region while the block runs, however
 * it ends: also by return, by break (which leaves the block), by a panic or go_exit().  The name
 * must stay where it is until then. */
#define go_trace_region(name) GO_REGION_(name, GO_CAT_(go_region_, __COUNTER__))
#define GO_REGION_(name, r)                                                  \
    for (struct go_region_ r __attribute__((cleanup(go_trace_region_end_))), \
         *GO_CAT_(r, p_) = go_trace_region_begin_(&r, (name));               \
         GO_CAT_(r, p_); GO_CAT_(r, p_) = NULL)

/* An event with a text of up to 1023 bytes; category sorts them. */
GO_API_ void go_trace_log(const char *category, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A region in progress; lives in its block. */
struct go_region_ {
    const char *name_;
    uint64_t task_;
    bool open_;
    struct go_defer_ unwind_;
};
GO_API_ struct go_region_ *go_trace_region_begin_(struct go_region_ *r, const char *name);
GO_API_ void go_trace_region_end_(struct go_region_ *r);

GO_END_DECLS_

#endif
