/* stat.h - what goshawk trace stat and diff know of a trace.
 *
 * One pass over the spans: by entry function (timeline.h), by object, by processor, the longest
 * waits, the critical path, the windows in which processors were used least.  Memory is that of the
 * goroutines, functions, objects and processors, not of events. */
#ifndef STAT_H
#define STAT_H

#include "critical.h"
#include "idmap.h"
#include "timeline.h"
#include "trace_args.h"
#include "windows.h"

enum {
    STAT_WAITS = 10,
    STAT_PROCS = 4096,
    STAT_CRITICAL_BYTES = 32 << 20, /* of a larger trace no critical path unless asked for */
};

struct stat_object {
    uint64_t addr, waits, ns, max_ns, max_g, max_by;
    const char *max_label, *by_label;
    enum tr_reason why;
    uint32_t stack; /* of the longest wait */
};

struct stat_proc {
    uint64_t ns[TR_P_RUNNING + 1];
    uint64_t runs;
};

struct stat_wait {
    uint64_t g, by, ns, obj;
    const char *label, *by_label;
    int64_t begin;
    enum tr_reason why;
    uint32_t stack;
};

/* What the critical path spent, by goroutine's number in timeline.numbers, then by function. */
struct stat_path {
    uint64_t ns[TR_CLASSES];
    uint64_t parts;
};

struct stats {
    struct timeline t; /* functions, latencies, races, events */
    struct idmap obj_ids;
    struct stat_object *objects;
    size_t object_cap;
    struct stat_proc *procs;
    size_t proc_cap;
    struct stat_wait longest[STAT_WAITS];
    uint64_t created, ran_ns, ready_ns; /* sums over goroutines */
    int64_t window_ns;
    struct windows windows;
    struct critical critical;
    bool wants_path;
    struct stat_path *path;      /* by number of the function; NULL: no path */
    struct stat_path path_other; /* goroutines without a function that is shown */
    uint64_t path_ns;
    struct critical_part path_longest[3];
};

/* Reads the trace that t.r reads, window and query from args; wants_path and window_ns (0: a
 * twentieth of the trace) are set before.  Returns false when memory is short. */
bool stats_gather(struct stats *s, const struct trace_args *args);
void stats_fini(struct stats *s);

/* Latency that the share q of all starts did not exceed, and the greatest; ns. */
uint64_t stats_latency(const struct stats *s, double q);
uint64_t stats_latency_max(const struct stats *s);
uint64_t stats_latencies(const struct stats *s);

/* Starts with a latency in [2^log, 2^(log+1)). */
uint64_t stats_latency_between(const struct stats *s, unsigned log);

#endif
