/* goshawk/go.h - goroutines.
 *
 * A goroutine is a function running on a stack of its own, scheduled by the library over all
 * processors.  It may move between threads whenever it calls into the library, so it must not keep
 * pointers to thread-local variables over such a call. */
#ifndef GOSHAWK_GO_H
#define GOSHAWK_GO_H

#include <goshawk/base.h>
#include <goshawk/time.h>

GO_BEGIN_DECLS_

/* ---- programs ---- */

/* Yours.  Runs as goroutine 1; when it returns, the process exits with its value even if other
 * goroutines still run. */
int go_main(int argc, char **argv);

/* Starts the runtime inside an existing main(): runs fn(argc, argv) as goroutine 1 and returns its
 * value after it ended.  May be called again after it returned.  Requires: not inside a
 * goroutine. */
GO_API_ int go_run(int (*fn)(int, char **), int argc, char **argv);

/* ---- goroutines ---- */

/* go(fn, args...) starts fn(args...) as a goroutine.  It has the exact meaning of the C call: the
 * arguments are evaluated now, in the caller, and converted to the parameter types; scalars of
 * every kind, pointers and structures by value work (on AArch64 structures of up to 16 bytes,
 * larger ones are refused by the compiler); the result is dropped.  At most 23 arguments; a
 * compound literal with commas stands in parentheses. fn must not be declared noreturn, as exit()
 * and abort() are: the compiler would take the go itself for the end of the caller (start a
 * function that calls them).  That is why go_exit and go_panic, which can be started and deferred,
 * are noreturn only when they are called by name. */
#define go(...) GO_START_(GO_CAT_(go_fn_, __COUNTER__), __VA_ARGS__)
#define GO_START_(fn_, ...)                                                                 \
    __extension__({                                                                         \
        GO_CHECK_RESULT_(__VA_ARGS__);                                                      \
        __typeof__(&*(GO_FIRST_(__VA_ARGS__))) fn_ = (GO_FIRST_(__VA_ARGS__));              \
        (void)GO_CALL_((__typeof__(fn_))go_prepare_((void *)fn_, GO_STACKED_(__VA_ARGS__)), \
                       __VA_ARGS__);                                                        \
        __asm__ volatile(""); /* no tail call: reports show this place as where it began */ \
    })

/* go() for callers without the macro: starts fn(arg) as a goroutine. */
GO_API_ void go_start(void (*fn)(void *), void *arg);

/* Lets other goroutines run; returns when it is this one's turn again. */
GO_API_ void go_yield(void);

/* Runs this goroutine's deferred calls and ends it.  In the main goroutine the others go on, and
 * the program ends as a deadlock when all of them have ended. */
GO_API_ void go_exit(void);
#define go_exit() (go_exit(), __builtin_unreachable()) /* see go() */

/* Pauses this goroutine for at least d nanoseconds; d <= 0 returns at once. */
GO_API_ void go_sleep(go_duration d);

/* This goroutine's number, never reused: 1 is the main goroutine; 0 outside goroutines. */
GO_API_ uint64_t go_id(void);

/* Names this goroutine in dumps, reports and traces; the text is copied (at most 31 bytes). */
GO_API_ void go_setname(const char *name);

/* Number of goroutines that exist. */
GO_API_ int go_numgoroutine(void);

/* ---- processors ---- */

/* n >= 1 sets how many goroutines run at the same time; n < 1 only asks.  Returns the old value. */
GO_API_ int go_maxprocs(int n);

/* CPUs this process may use: its affinity, limited by the cgroup's quota. */
GO_API_ int go_numcpu(void);

/* From here until the matching unlock (calls nest) this goroutine runs on the present thread and no
 * other goroutine does.  A goroutine that ends without the unlock ends the thread: what it did to
 * the thread's state meets nobody else, and destructors of thread-specific data run. */
GO_API_ void go_lock_thread(void);
GO_API_ void go_unlock_thread(void);

/* A cheap point at which a long loop lets others run when its time (10 ms) is over.  Without it
 * they run on another thread meanwhile, if they have to wait for longer than that. */
GO_API_ void go_checkpoint(void);

/* Around a call that may block the thread: in between other goroutines use this processor.  They do
 * so without these calls too, but only when the runtime has noticed (20 us to 10 ms). */
GO_API_ void go_blocking_begin(void);
GO_API_ void go_blocking_end(void);

/* ---- looking inside ---- */

/* Writes every goroutine to fd: id, name, state, reason, time waited, stack, creator, what it waits
 * for, and how deep its stack has been (by it, or by one that had the stack before). */
GO_API_ void go_dump(int fd);

/* Bytes of stack of goroutines started from now on; rounded up to pages.  Default 256 KiB. */
GO_API_ void go_set_stack_size(size_t bytes);

/* Not for programs: notes fn for the next call through the returned stub. */
GO_API_ void *go_prepare_(void *fn, size_t stacked_bytes_max);

GO_END_DECLS_

#endif
