/* sync.h - objects that carry clocks from one flow to another.
 *
 * Host objects (rc_acquire and its like) are named by an exact address.  Atomic locations belong
 * to the 8-byte word they lie in; the word's object has the lock under which an atomic operation
 * and its bookkeeping are one step, and a clock for each (offset, size) that atomics were used
 * with. */
#ifndef RC_SYNC_H
#define RC_SYNC_H

#include "ctx.h"

void sync_init(void);

/* Objects in [p, p + n) are no more. */
void sync_forget(uintptr_t p, size_t n);

/* An atomic location of 1 to 16 bytes, held. */
struct atom {
    struct sync *word[2]; /* the second only for 16 bytes */
    uint8_t off, size;
};

/* True when no clock was ever released into the words of this location: a load has nothing to
 * acquire.  The load itself must come first, with acquire. */
bool atom_is_plain(uintptr_t addr, unsigned size);

/* On behalf of c. */
void atom_lock(struct rc_ctx *c, struct atom *a, uintptr_t addr, unsigned size);
void atom_unlock(struct rc_ctx *c, struct atom *a);

/* c has loaded from a; mo is one of __ATOMIC_*.  Returns whether something was released there. */
bool atom_loaded(struct rc_ctx *c, struct atom *a, int mo);

/* A load of that order acquires. */
bool atom_acquires(int mo);

/* c has stored to a; rmw: by a read-modify-write, which continues release sequences.  The caller
 * ticks c after atom_released() said that c's present became known. */
bool atom_stored(struct rc_ctx *c, struct atom *a, int mo, bool rmw);

void sync_fence(struct rc_ctx *c, int mo, uintptr_t pc);

/* Calls visit for the clocks of all objects.  Between ctx_stop() and ctx_resume(). */
void sync_each_clock(void (*visit)(const struct snap *s, void *arg), void *arg);

#endif
