/* goshawk/expect.h - what a test expects of a schedule that was recorded.
 *
 *     go_trace_start("run.gtrace");
 *     ...
 *     go_trace_stop();
 *     char why[GO_EXPECT_MESSAGE];
 *     if (go_trace_expect("run.gtrace", "no goroutine runnable longer than 5ms", why, sizeof why))
 *         test_failed(why);
 *
 * Not part of <goshawk.h>.  `goshawk cc` links what it needs, other builds take `pkg-config --libs
 * goshawk-trace`.  `goshawk trace expect FILE 'EXPECTATION'` is the same from outside and adds a
 * picture; `goshawk help trace expect` tells what can be expected, `goshawk help trace query` the
 * QUERY in it:
 *
 *     no goroutine [QUERY] STATE longer than TIME       at most N goroutines [QUERY] STATE [on
 *     OBJECT] [first|last] A before [first|last] B              at least N goroutines [QUERY] STATE
 *     ... no races */
#ifndef GOSHAWK_EXPECT_H
#define GOSHAWK_EXPECT_H

#include <goshawk/base.h>
#include <goshawk/time.h>

GO_BEGIN_DECLS_

/* Room that any message fits into. */
#define GO_EXPECT_MESSAGE 1024

/* Whether the trace `file` is as the expectation says.  Returns 0 when it is; 1 when it is not;
 * -EINVAL for an expectation that is none; another -errno for a file that cannot be read (-EBADMSG:
 * no trace).  message (NULL: nobody wants it; else of n bytes) gets one line unless it returns 0:
 * what happened instead, who and when, or where the fault is.  Reads the whole file, on the calling
 * thread: some 100 ns an event. */
GO_API_ int go_trace_expect(const char *file, const char *expectation, char *message, size_t n);
/* That no span that the query means, such as "g:worker* state:runnable", is longer than d. */
GO_API_ int go_trace_expect_shorter(const char *file, const char *query, go_duration d,
                                    char *message, size_t n);
/* That both occur, and every a before every b: a log's text or category, a name of a task or
 * region, or a query that names events, such as "g:worker event:end". */
GO_API_ int go_trace_expect_before(const char *file, const char *a, const char *b, char *message,
                                   size_t n);
/* That the query's spans are of at most `most` goroutines at any time: "state:blocked
 * obj:mutex#1". */
GO_API_ int go_trace_expect_at_most(const char *file, unsigned most, const char *query,
                                    char *message, size_t n);

GO_END_DECLS_

#endif
