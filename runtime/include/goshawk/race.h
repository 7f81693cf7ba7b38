/* goshawk/race.h - speaking to the race detector.  In the plain library all of this does
 * nothing. */
#ifndef GOSHAWK_RACE_H
#define GOSHAWK_RACE_H

#include <goshawk/base.h>

GO_BEGIN_DECLS_

/* True in a program linked with the detector. */
GO_API_ bool go_race_enabled(void);
/* What was released at p before is ordered before what this goroutine does from now on. */
GO_API_ void go_race_acquire(const void *p);
/* What this goroutine has done is ordered before the next acquires of p, in place of what was
 * released before (release) or beside it (release_merge). */
GO_API_ void go_race_release(const void *p);
GO_API_ void go_race_release_merge(const void *p);
/* Counts as a read, a write of [p, p+n) by this goroutine. */
GO_API_ void go_race_read(const void *p, size_t n);
GO_API_ void go_race_write(const void *p, size_t n);
/* In between nothing this goroutine does is recorded; the calls nest. */
GO_API_ void go_race_disable(void);
GO_API_ void go_race_enable(void);
/* Number of distinct races reported so far. */
GO_API_ int go_race_errors(void);

/* A report as a callback sees it; the texts are valid until the callback returns. */
typedef struct go_race_report {
    int number;              /* 1 for the first of its kind in this process */
    const char *kind;        /* "race", "heap-use-after-free", "mutex-misuse", ... */
    const char *fingerprint; /* 16 hexadecimal digits; the same when lines shift */
    const char *text;        /* as in the log, whether or not it is printed */
} go_race_report;

/* From now on fn(report, arg) is called for every report, besides the log; NULL: no longer.  It
 * runs on the thread that has found the race, in its midst, with nothing recorded: it must not
 * park, and not wait for a lock that the racing code may hold. */
GO_API_ void go_race_on_report(void (*fn)(const go_race_report *report, void *arg), void *arg);

GO_END_DECLS_

#endif
