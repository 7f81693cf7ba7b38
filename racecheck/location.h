/* location.h - what an address is to the user: a global, a heap block, a place on a stack. */
#ifndef RC_LOCATION_H
#define RC_LOCATION_H

#include "heap.h"
#include "print.h"
#include "report.h"
#include "symbol.h"

enum location_kind {
    LOCATION_UNKNOWN,
    LOCATION_GLOBAL,
    LOCATION_HEAP,
    LOCATION_STACK,
    LOCATION_THING,
};

struct location {
    enum location_kind kind;
    uintptr_t addr;
    struct symbol_global global; /* LOCATION_GLOBAL */
    struct heap_block block;     /* LOCATION_HEAP */
    const struct rc_life *stack; /* LOCATION_STACK: whose */
    size_t depth;                /* likewise: bytes from addr to where that stack begins */
    struct rc_thing thing;       /* LOCATION_THING: of the host's */
    bool has_local, has_pointee;
    struct symbol_local local;     /* has_local: which variable on the stack */
    struct symbol_pointee pointee; /* has_pointee: what the block is to those who use it */
};

/* Slow; on a stack and in a state where symbol.h may be used.  Of all that a report gathers this is
 * the first: nothing must have been allocated since the race was found. */
struct location location_find(uintptr_t addr);

/* Appends what the program calls an object that orders and begins there: "pool.mu", in a heap block
 * of known type "struct pool.mu".  False: it has no name. */
bool location_object(const struct location *l, struct text *t);

/* Finds out what the block is, from the places of both accesses and of the allocation: only if all
 * that know anything agree.  bytes: how many were accessed; 0: the address is that of an object. */
void location_find_type(struct location *l, const uintptr_t *pcs, size_t n, size_t bytes);

#endif
