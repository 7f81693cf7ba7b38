/* intercept.h - what all functions that stand in front of libc's share.
 *
 * An interceptor has libc's name and behaviour, and tells the engine what the call means: memory
 * that it reads and writes for its caller, and order.  Rules:
 * - Memory counts only when code that is itself checked calls: a library that was not compiled for
 *   the detector may order its threads by means that nobody sees (watched_from()).
 * - Order counts from whoever it comes (watched()).
 * - A thread without a context, the scheduler's and the reporter's, passes straight through.
 * - The race is told before the real call, order where it arises: releases before, acquires after.
 * - Our own library's code never comes here: real_names.h. */
#ifndef RC_INTERCEPT_H
#define RC_INTERCEPT_H

#include "atomic.h"
#include "check.h"
#include "rc.h"
#include "real.h"
#include "report.h"

/* Makes an interceptor's definition: INTERCEPT(int, close, (int fd)) { ... }
 * weak: a program may have a function of its own under that name, as with libc alone. */
#define INTERCEPT(result, name, parameters)                              \
    result name parameters __attribute__((visibility("default"), weak)); \
    result name parameters

#define PC ((uintptr_t)__builtin_return_address(0))

/* Is pc in code that was compiled for the detector: the program, or a library that calls __tsan_*?
 * Constant for the time that the code stays loaded. */
bool intercept_checked(uintptr_t pc);

/* What intercept_checked() knows may change: a library is being unloaded. */
void intercept_forget_modules(void);

/* The program's own code, the common case; size 0 until intercept_checked() has seen it. */
extern uintptr_t intercept_lo, intercept_size;

/* The context to which the call's order belongs, or NULL. */
static inline struct rc_ctx *watched(void)
{
    return rc_current();
}

/* The context to which the memory touched on behalf of the caller at pc belongs, or NULL. */
static inline struct rc_ctx *watched_from(uintptr_t pc)
{
    struct rc_ctx *c = rc_current();
    /* relaxed: two words that are set once; either of the old ones leads to the slow path */
    if (c && unlikely(pc - at_load_rlx(&intercept_lo) >= at_load_rlx(&intercept_size)) &&
        !intercept_checked(pc))
        return NULL;
    return c;
}

/* Around fork(): no other thread changes the table of threads.  Taken before gate_shut(). */
void threads_hold(void);
void threads_let_go(void);

/* In the child of a fork(): nobody loads or unloads a library, whatever other threads did. */
void load_forked(void);

/* The stack of the calling thread, which starts to run c, is new memory, whoever had it before. */
void threads_know_stack(struct rc_ctx *c);

/* From here on a fork finds nobody inside the detector's tables.  The first call: while there is
 * one thread. */
void watch_forks(void);

/* A number for a thread's context that none had before. */
uint64_t rc_next_thread(void);

/* Who acts on one of these signals is ordered after the caller; bit 0 is signal 1. */
void int_signal_sends(uint64_t signals);

/* A jump to a frame at sp leaves the signal handlers that it passes. */
void int_signal_jumps(uintptr_t sp);

/* The caller has got the lock, or is about to release it (int_sync.c).  how and kind: as for
 * rc_lock_taken(). */
void int_took(const void *lock, unsigned how, const char *kind, uintptr_t pc);
void int_drops(const void *lock, uintptr_t pc);

static inline void saw_read(struct rc_ctx *c, const void *p, size_t n, uintptr_t pc)
{
    if (c && n)
        rc_read(c, p, n, pc);
}

static inline void saw_write(struct rc_ctx *c, const void *p, size_t n, uintptr_t pc)
{
    if (c && n)
        rc_write(c, p, n, pc);
}

#endif
