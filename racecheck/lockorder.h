/* lockorder.h - locks that are taken in different orders, which can end in a deadlock. */
#ifndef RC_LOCKORDER_H
#define RC_LOCKORDER_H

#include "ctx.h"

/* c, which holds locks, takes one more, or is about to, and waits for it if need be.  Reports an
 * inversion that this makes.  Called before the lock is added to c's. */
void lockorder_wanted(struct rc_ctx *c, const struct rc_held_lock *wanted);

/* The lock at addr is no more. */
void lockorder_forget(uintptr_t addr);

/* Orders that are known: pairs of locks. */
uint32_t lockorder_count(void);

#endif
