/* goshawk/trace.h - recording the schedule. */
#ifndef GOSHAWK_TRACE_H
#define GOSHAWK_TRACE_H

#include <goshawk/base.h>

GO_BEGIN_DECLS_

/* Begins a recording into path ("%p" becomes the process id).  Returns 0 or -errno: -EBUSY when one
 * already runs. */
GO_API_ int go_trace_start(const char *path);
/* Ends it; the file is complete when this returns. */
GO_API_ void go_trace_stop(void);

GO_END_DECLS_

#endif
