/* check.h - assertions with a price.
 *
 *   rt_check(x)     always compiled in: a corrupt runtime must stop
 *   rt_assert(x)    with -Dchecks=on (debug and CI builds) and paranoid
 *   rt_paranoid(x)  with -Dchecks=paranoid: O(n) validators
 *
 * A failed check prints expression, file and line to stderr and aborts.  Errors of the user
 * (misuse of the API) do not end here; they are panics and fatal errors of the runtime. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#ifndef GO_CHECKS
#define GO_CHECKS 0 /* 0 off, 1 on, 2 paranoid; set by the build */
#endif

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Prints "goshawk: internal error: EXPR at FILE:LINE" and aborts. */
_Noreturn void rt_check_failed(const char *expr, const char *file, int line);

#define rt_check(x)    (likely(x) ? (void)0 : rt_check_failed(#x, __FILE__, __LINE__))
#define rt_assert(x)   ((void)(GO_CHECKS >= 1 && (rt_check(x), 0)))
#define rt_paranoid(x) ((void)(GO_CHECKS >= 2 && (rt_check(x), 0)))

#endif
