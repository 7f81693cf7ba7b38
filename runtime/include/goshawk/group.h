/* goshawk/group.h - goroutines that work on one task and may fail.  Zero bytes are an empty
 * group. */
#ifndef GOSHAWK_GROUP_H
#define GOSHAWK_GROUP_H

#include <goshawk/base.h>
#include <goshawk/sem.h>
#include <goshawk/waitgroup.h>

GO_BEGIN_DECLS_

/* A group.  Its fields are the library's; no copy while goroutines of it run. */
typedef struct go_group {
    go_waitgroup wg_;
    go_sem slots_;
    int32_t limit_; /* 0: none */
    int32_t err_;   /* the first result that is not 0 */
} go_group;

/* Starts fn(arg) as a goroutine of the group; waits for a free place when the group has a limit. */
GO_API_ void go_group_go(go_group *g, int (*fn)(void *), void *arg);
/* At most n goroutines of the group at a time; n <= 0: no limit.  Requires: none runs. */
GO_API_ void go_group_limit(go_group *g, int n);
/* Waits for all; returns the first result that was not 0, or 0.  The group is empty again. */
GO_API_ int go_group_wait(go_group *g);

GO_END_DECLS_

#endif
