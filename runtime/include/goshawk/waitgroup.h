/* goshawk/waitgroup.h - waiting for a number of goroutines.  Zero bytes are an empty group. */
#ifndef GOSHAWK_WAITGROUP_H
#define GOSHAWK_WAITGROUP_H

#include <goshawk/base.h>
#include <goshawk/go.h>

GO_BEGIN_DECLS_

/* A count to wait for.  Its field is the library's; no copy while it is not zero. */
typedef struct go_waitgroup {
    uint64_t state_; /* count << 32 | somebody waits */
} go_waitgroup;

/* Adds n (may be negative) to the count; at zero every waiter goes on.  An add from zero must come
 * before the wait.  Panics with "sync: negative WaitGroup counter". */
GO_API_ void go_waitgroup_add(go_waitgroup *wg, int n);
/* go_waitgroup_add(wg, -1) */
GO_API_ void go_waitgroup_done(go_waitgroup *wg);
/* Waits until the count is zero. */
GO_API_ void go_waitgroup_wait(go_waitgroup *wg);

/* go_waitgroup_go(wg, fn, args...): adds 1, starts fn(args...) as a goroutine, and counts it done
 * when it ends, however it ends. */
#define go_waitgroup_go(wg, ...)                                                            \
    __extension__({                                                                         \
        GO_CHECK_RESULT_(__VA_ARGS__);                                                      \
        __typeof__(&*(GO_FIRST_(__VA_ARGS__))) go_fn_ = (GO_FIRST_(__VA_ARGS__));           \
        (void)GO_CALL_((__typeof__(go_fn_))go_waitgroup_prepare_((wg), (void *)go_fn_,      \
                                                                 GO_STACKED_(__VA_ARGS__)), \
                       __VA_ARGS__);                                                        \
    })
GO_API_ void *go_waitgroup_prepare_(go_waitgroup *wg, void *fn, size_t stacked_bytes_max);

GO_END_DECLS_

#endif
