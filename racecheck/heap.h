/* heap.h - every block of the heap: where it is, how large, who asked for it.
 *
 * Kept by the interceptors of malloc and free; asked by reports, with any address inside a
 * block. */
#ifndef RC_HEAP_H
#define RC_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report.h"

struct heap_block {
    uintptr_t start;
    size_t size;              /* as asked for */
    rc_site site;             /* where */
    const struct rc_life *by; /* NULL: not by a flow of control */
    bool freed;               /* it has been given back, and its address not yet given out again */
    bool kept;                /* freed, and in quarantine: the memory is nobody's */
    bool hosts;               /* the host gave it out, and still has it */
};

/* malloc has returned that block. */
void heap_add(uintptr_t start, size_t size, rc_site site, const struct rc_life *by);

/* The host gives out that block, as an object of its own. */
void heap_add_hosts(uintptr_t start, size_t size, rc_site site, const struct rc_life *by);

/* What becomes of a block that is freed. */
enum heap_fate {
    HEAP_UNKNOWN,
    HEAP_GONE,  /* it goes back to libc */
    HEAP_KEPT,  /* it is to be put in quarantine */
    HEAP_TWICE, /* it is in quarantine already */
};

/* The living block at start is about to be freed; one of 1 to keep_max bytes is kept.  Stores its
 * size, if it is known. */
enum heap_fate heap_free(uintptr_t start, size_t keep_max, size_t *ret_size);

/* The host is through with the block at start, which was freed before or is so now.  HEAP_TWICE: it
 * was through with it before. */
enum heap_fate heap_gone(uintptr_t start, size_t keep_max);

/* As heap_free() for a block that is not kept.  Returns its size; 0 when it is unknown. */
size_t heap_remove(uintptr_t start);

/* The block leaves the quarantine, and is about to go back to libc. */
void heap_release(uintptr_t start);

/* addr is in a block that is in quarantine. */
bool heap_is_kept(uintptr_t addr);

/* The block that begins at start is in quarantine: its size.  False: there is none. */
bool heap_kept_size(uintptr_t start, size_t *ret_size);

/* What was asked for when the living block at start was given out.  Returns false when it is
 * unknown. */
bool heap_size(uintptr_t start, size_t *ret_size);

/* The block, living or freed, that covers addr.  A block of 0 bytes covers its first one. */
bool heap_find(uintptr_t addr, struct heap_block *ret_block);

/* Calls visit with who asked for each block, living or freed. */
void heap_each_owner(void (*visit)(const struct rc_life *by));

/* Around fork(): no other thread is inside the tables. */
void heap_hold(void);
void heap_let_go(void);

#endif
