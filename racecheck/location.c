/* location.c - see location.h.
 *
 * Stacks are asked first: a goroutine's stack may come from anywhere, and a host may well have put
 * it into a heap block or a static array; then the name that helps is the goroutine's.  The heap
 * comes before the globals because looking for those allocates: a freed block could be given out
 * again. */
#include "location.h"

struct location location_find(uintptr_t addr)
{
    struct location l = {.kind = LOCATION_UNKNOWN, .addr = addr};
    l.stack = rc_life_by_stack(addr);
    if (l.stack)
        l.kind = LOCATION_STACK;
    else if (heap_find(addr, &l.block))
        l.kind = LOCATION_HEAP;
    else if (symbol_global(addr, &l.global))
        l.kind = LOCATION_GLOBAL;
    return l;
}
