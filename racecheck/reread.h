/* reread.h - locks for readers and writers that a flow takes for reading while it reads: a writer
 * that begins to wait in between waits for the flow, and the flow for the writer. */
#ifndef RC_REREAD_H
#define RC_REREAD_H

#include "ctx.h"

/* c has taken such a lock, where readers that come wait behind a writer that waits.  Reports it
 * when it is a second time, and a writer might have come in between.  Called before c learns what
 * was released at the lock, and before the lock is added to c's.  Fills in taken->met_writer. */
void reread_taken(const struct rc_ctx *c, struct rc_held_lock *taken, bool tried);

/* The lock at addr is no more. */
void reread_forget(uintptr_t addr);

#endif
