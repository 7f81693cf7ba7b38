/* goshawk/panic.h - panic, defer, recover. */
#ifndef GOSHAWK_PANIC_H
#define GOSHAWK_PANIC_H

#include <goshawk/base.h>

GO_BEGIN_DECLS_

/* Ends the goroutine's normal course with a text: runs deferred calls up to the go_recover() that
 * surrounds it.  Without one it prints "panic: TEXT", the stack, and exits with status 2. */
GO_API_ void go_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define go_panic(...) (go_panic(__VA_ARGS__), __builtin_unreachable()) /* see go() */

/* Runs fn(arg).  Returns NULL, or the text of the panic that ended it; the text is valid until this
 * goroutine's next go_recover(). */
GO_API_ const char *go_recover(void (*fn)(void *), void *arg);

/* A deferred call: lives in the frame that defers. */
struct go_defer_ {
    struct go_defer_ *next_;
    void *fn_;
    size_t stacked_max_;
    void *args_; /* the saved call, made by the stub */
    void *owner_;
    void (*plain_)(void *); /* when set, unwinding calls plain_(owner_) instead of the saved call */
    __attribute__((aligned(16))) unsigned char small_[320];
};

/* go_defer(fn, args...) calls fn(args...) at the end of the enclosing block, also when a panic or
 * go_exit() passes.  The arguments are evaluated now. */
#define go_defer(...) GO_DEFER_(GO_CAT_(go_defer_, __COUNTER__), __VA_ARGS__)
#define GO_DEFER_(name, ...)                                                            \
    struct go_defer_ name __attribute__((cleanup(go_defer_run_)));                      \
    (void)__extension__({                                                               \
        GO_CHECK_RESULT_(__VA_ARGS__);                                                  \
        __typeof__(&*(GO_FIRST_(__VA_ARGS__))) go_fn_ = (GO_FIRST_(__VA_ARGS__));       \
        (void)GO_CALL_((__typeof__(go_fn_))go_defer_prepare_(&name, (void *)go_fn_,     \
                                                             GO_STACKED_(__VA_ARGS__)), \
                       __VA_ARGS__);                                                    \
        0;                                                                              \
    })
GO_API_ void *go_defer_prepare_(struct go_defer_ *d, void *fn, size_t stacked_bytes_max);
GO_API_ void go_defer_run_(struct go_defer_ *d);

GO_END_DECLS_

#endif
