/* goshawk/time.h - durations and the monotonic clock. */
#ifndef GOSHAWK_TIME_H
#define GOSHAWK_TIME_H

#include <goshawk/base.h>

GO_BEGIN_DECLS_

typedef int64_t go_duration; /* nanoseconds */
typedef int64_t go_time;     /* nanoseconds of the monotonic clock */

#define GO_NANOSECOND  ((go_duration)1)
#define GO_MICROSECOND (1000 * GO_NANOSECOND)
#define GO_MILLISECOND (1000 * GO_MICROSECOND)
#define GO_SECOND      (1000 * GO_MILLISECOND)
#define GO_MINUTE      (60 * GO_SECOND)
#define GO_HOUR        (60 * GO_MINUTE)

GO_API_ go_time go_now(void);

/* go_now() - t */
GO_API_ go_duration go_since(go_time t);

GO_END_DECLS_

#endif
