/* block.h - blocks of the heap on their way: given out, freed, and back to libc.
 *
 * What malloc's interceptors and the host's own objects have in common: the shadow, the tables and
 * the quarantine in the right order. */
#ifndef RC_BLOCK_H
#define RC_BLOCK_H

#include "heap.h"
#include "report.h"

/* c (may be NULL) has got the block of n bytes at p, by a call that returns to pc: what was
 * recorded for the addresses is dropped.  Nobody else knows them yet. */
void block_given(const struct rc_ctx *c, void *p, size_t n, uintptr_t pc);

/* c (NULL: who is not checked) frees the block at p, by a call that returns to pc: what that means
 * for who uses it.  The block is kept if it has at most keep_max bytes.  Stores its size, 0 when it
 * is not known.  The caller does with it what the fate says. */
enum heap_fate block_freed(struct rc_ctx *c, void *p, size_t keep_max, size_t *ret_size,
                           uintptr_t pc);

/* Does with the block at p, of n bytes, what its fate says: HEAP_TWICE is nothing. */
void block_leaves(void *p, size_t n, enum heap_fate fate);

#endif
