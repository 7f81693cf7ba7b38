/* goshawk/time.h - durations and the monotonic clock. */
#ifndef GOSHAWK_TIME_H
#define GOSHAWK_TIME_H

#include <goshawk/base.h>

GO_BEGIN_DECLS_

/* A time that passes, in nanoseconds. */
typedef int64_t go_duration;
/* A point in time: nanoseconds of the monotonic clock. */
typedef int64_t go_time;

/* Durations, to be multiplied: 10 * GO_MILLISECOND. */
#define GO_NANOSECOND  ((go_duration)1)
#define GO_MICROSECOND (1000 * GO_NANOSECOND)
#define GO_MILLISECOND (1000 * GO_MICROSECOND)
#define GO_SECOND      (1000 * GO_MILLISECOND)
#define GO_MINUTE      (60 * GO_SECOND)
#define GO_HOUR        (60 * GO_MINUTE)

/* Nanoseconds of the monotonic clock (CLOCK_MONOTONIC; its zero is the start of the machine).
 * Under GOSHAWK_SEED the clock of the run, which jumps when all goroutines sleep. */
GO_API_ go_time go_now(void);

/* The time that has passed since t: go_now() - t. */
GO_API_ go_duration go_since(go_time t);

GO_END_DECLS_

#endif
