/* location.c - see location.h.
 *
 * Stacks are asked first: a goroutine's stack may come from anywhere, and a host may well have put
 * it into a heap block or a static array; then the name that helps is the goroutine's.  The heap
 * comes before the globals because looking for those allocates: a freed block could be given out
 * again. */
#include "location.h"

static void find_local(struct location *l)
{
    struct symbol_place f;
    l->kind = LOCATION_STACK;
    l->depth = l->stack->stack_lo + l->stack->stack_size - l->addr;
    l->has_local = rc_frame_of(l->stack, l->addr, &f) && symbol_local(&f, l->addr, &l->local);
}

void location_find_type(struct location *l, const uintptr_t *pcs, size_t n, size_t bytes)
{
    if (l->kind == LOCATION_HEAP)
        l->has_pointee =
            symbol_pointee(pcs, n, l->block.size, l->addr - l->block.start, bytes, &l->pointee);
}

bool location_object(const struct location *l, struct text *t)
{
    if (l->kind == LOCATION_GLOBAL)
        text_printf(t, "%s%.*s", l->global.name, (int)l->global.whole, l->global.part);
    else if (l->kind == LOCATION_STACK && l->has_local)
        text_printf(t, "%s%.*s", l->local.name, (int)l->local.whole, l->local.part);
    else if (l->kind == LOCATION_HEAP && l->has_pointee)
        text_printf(t, "%s%.*s", l->pointee.type, (int)l->pointee.whole, l->pointee.part);
    else
        return false;
    return true;
}

/* The host's memory comes from where freed blocks go. */
static bool find_thing(struct location *l)
{
    const struct rc_host *host = rc_the_host();
    return host->find_thing && host->find_thing(l->addr, &l->thing);
}

/* It is no block to the program, and within it may be things. */
static bool is_living_hosts(const struct heap_block *b)
{
    return b->hosts && !b->freed;
}

struct location location_find(uintptr_t addr)
{
    struct location l = {.kind = LOCATION_UNKNOWN, .addr = addr};
    l.stack = rc_life_by_stack(addr);
    bool block = !l.stack && heap_find(addr, &l.block) && !is_living_hosts(&l.block);
    if (l.stack)
        find_local(&l);
    else if ((!block || l.block.freed) && find_thing(&l))
        l.kind = LOCATION_THING;
    else if (block)
        l.kind = LOCATION_HEAP;
    else if (symbol_global(addr, &l.global))
        l.kind = LOCATION_GLOBAL;
    return l;
}
