/* goshawk/once.h - running something exactly once.  Zero bytes are fresh. */
#ifndef GOSHAWK_ONCE_H
#define GOSHAWK_ONCE_H

#include <goshawk/base.h>
#include <goshawk/panic.h>

GO_BEGIN_DECLS_

/* What has run once or not yet.  Its field is the library's. */
typedef struct go_once {
    uint32_t state_;
} go_once;

/* go_once_do(once, fn, args...): the first call runs fn(args...); every call returns after it
 * ended. The arguments are evaluated by every call.  A fn that panics or exits counts as done. */
#define go_once_do(once, ...)                                                                 \
    __extension__({                                                                           \
        __typeof__(&*(GO_FIRST_(__VA_ARGS__))) go_fn_ = (GO_FIRST_(__VA_ARGS__));             \
        struct go_once_call_ go_once_ __attribute__((cleanup(go_once_leave_)));               \
        (void)GO_CALL_((__typeof__(go_fn_))go_once_enter_(&go_once_, (once), (void *)go_fn_), \
                       __VA_ARGS__);                                                          \
    })

/* A call in progress; lives in the caller's frame. */
struct go_once_call_ {
    go_once *once_; /* NULL: this call is not the first one */
    struct go_defer_ unwind_;
};
/* Returns fn to the first caller and, after the first call has ended, a function that does nothing
 * to the others. */
GO_API_ void *go_once_enter_(struct go_once_call_ *call, go_once *once, void *fn);
/* Ends the call; whoever waits for it goes on. */
GO_API_ void go_once_leave_(struct go_once_call_ *call);

GO_END_DECLS_

#endif
