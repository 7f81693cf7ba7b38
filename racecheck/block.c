/* block.c - see block.h.
 *
 * A new block is fresh: what was recorded for the addresses is dropped, after malloc has given them
 * out and before anyone else can know them.  A free is a write of the whole block, told before the
 * block goes back, so that it races with every unordered use, at any offset, and so do later uses,
 * until the addresses are given out again.
 *
 * A freed block goes to the quarantine first.  While it is there, uses that come after the free are
 * reported as well, among them a second free, which then ends with the report.
 *
 * The order at a free matters: first the race is told and the block leaves the tables, then libc
 * gets it; another thread that is given the same addresses at once finds them untouched by us
 * afterwards.
 *
 * The host's objects are two steps: the program frees one, and the host is through with it, which
 * may be later, when others still refer to it.  In between the block counts as freed, and as kept:
 * nobody else can have its memory.  Clocks of the object stay until the second step, since the host
 * may still need them.  The program does not touch such an object, but names it in calls: so the
 * free is a write of the one byte at which these calls ask, and the shadow of the rest costs
 * nothing. */
#include "block.h"
#include "ctx.h"
#include "quarantine.h"
#include "real.h"
#include "sync.h"

void block_given(const struct rc_ctx *c, void *p, size_t n, uintptr_t pc)
{
    rc_mem_fresh(p, n);
    heap_add((uintptr_t)p, n, c ? rc_here(c, pc) : 0, rc_life_of(c));
}

enum heap_fate block_freed(struct rc_ctx *c, void *p, size_t keep_max, size_t *ret_size,
                           uintptr_t pc)
{
    *ret_size = 0;
    enum heap_fate fate = heap_free((uintptr_t)p, c ? keep_max : 0, ret_size);
    if (c && *ret_size > 0)
        rc_mem_freed(c, p, *ret_size, pc);
    else if (fate == HEAP_GONE)
        rc_mem_fresh(p, *ret_size);
    return fate;
}

void block_leaves(void *p, size_t n, enum heap_fate fate)
{
    if (fate == HEAP_KEPT)
        quarantine_put(p, n);
    else if (fate != HEAP_TWICE)
        rt_free_forgotten(p);
}

/* ---- the host's objects ---- */

void rc_block_made(struct rc_ctx *c, void *p, size_t n, uintptr_t pc)
{
    rc_mem_fresh(p, n);
    heap_add_hosts((uintptr_t)p, n, rc_here(c, pc), rc_life_of(c));
}

bool rc_block_freed(struct rc_ctx *c, void *p, void *inner, uintptr_t pc)
{
    size_t n;
    if (pc == 0 && c)
        pc = pc_unpack((uint32_t)journal_site(c));
    bool twice = heap_free((uintptr_t)p, quarantine_limit(), &n) == HEAP_TWICE;
    rc_mem_freed(c, p, 1, pc);
    if (inner && !twice)
        rc_mem_freed(c, inner, 1, pc);
    return !twice;
}

void rc_block_gone(void *p, size_t n)
{
    struct rc_thread was = rc_enter();
    sync_forget((uintptr_t)p, n);
    rc_leave(was);
    block_leaves(p, n, heap_gone((uintptr_t)p, quarantine_limit()));
}
