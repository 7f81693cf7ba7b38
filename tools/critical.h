/* critical.h - the critical path: what the run as a whole waited for.
 *
 * From the end of the trace backwards: while a goroutine ran, it was what mattered; before that it
 * waited for a processor; before that it waited for whoever made it runnable, so the path goes on
 * there.  Where nobody did (a timer, the kernel), the wait itself is on the path.  So its parts are
 * as long together as the window, and shortening anything that is not on it gains nothing.
 *
 * The path can be known at the end only, so all spans go to a temporary file that has no name, 32
 * bytes each, which is then read from its end to its beginning. */
#ifndef CRITICAL_H
#define CRITICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "reader.h"

struct critical_part {
    uint64_t g;
    int64_t begin, end;
    int cls; /* enum tr_class */
};

struct critical {
    FILE *file;
    struct critical_record *buf; /* on its way to the file, or from it */
    size_t n;                    /* in buf */
    uint64_t written;            /* records in the file */
    int64_t from, to;
    bool failed; /* the disk is full: there is no path */
};

/* Returns false when there is no temporary file to be had. */
bool critical_begin(struct critical *c, int64_t from, int64_t to);

/* A goroutine's span, as the reader hands it out, and its class (-1 none). */
void critical_add(struct critical *c, const struct tr_span *s, int cls);

/* Walks the path, the latest part first.  Returns false when the file failed. */
typedef void critical_fn(void *arg, const struct critical_part *part);
bool critical_walk(struct critical *c, critical_fn *fn, void *arg);
void critical_fini(struct critical *c);

#endif
