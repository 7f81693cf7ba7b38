/* holders.h - who holds which lock, for reports.
 *
 * A lock's word does not say who holds it, and writing that down would cost every lock and unlock.
 * So it is written down only on request (GOTRACEBACK=all or more), in a table beside the locks;
 * else these calls are one load and one branch. */
#ifndef RT_HOLDERS_H
#define RT_HOLDERS_H

#include <stddef.h>
#include <stdint.h>
#include "atomic.h"
#include "check.h"

extern uint32_t holders_on; /* set once, before the first goroutine; read relaxed */

struct holder {
    uint64_t g;   /* goroutine, 0: a thread */
    uintptr_t pc; /* return address of the call that locked it, or 0 */
};

/* From now on holders are written down. */
void holders_start(void);

/* Stores at most max of those who hold lock; returns how many there are. */
size_t holders_of(const void *lock, struct holder *ret, size_t max);

void holders_add_(const void *lock, uintptr_t pc);
void holders_drop_(const void *lock);

/* Return address of the calling function, for holders_add() and the detector. */
#define holders_caller() ((uintptr_t)__builtin_return_address(0))

/* The running goroutine has got lock, or a part of it (a reader). */
static inline void holders_add(const void *lock, uintptr_t pc)
{
    if (unlikely(at_load_rlx(&holders_on))) /* relaxed: a setting */
        holders_add_(lock, pc);
}

/* The running goroutine is about to release lock, which may be held by another one. */
static inline void holders_drop(const void *lock)
{
    if (unlikely(at_load_rlx(&holders_on))) /* relaxed: a setting */
        holders_drop_(lock);
}

#endif
