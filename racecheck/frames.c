/* frames.c - the stack of the running flow, where more is to be done than the few instructions of a
 * known call (abi_misc.c).
 *
 * Frames come from compiled code that enters and leaves its functions, with two exceptions: a jump
 * leaves many at once, and where the library calls a function of the user's, or one of its own for
 * the user, the call that the user made of the library gets a frame, too.  The library is not
 * compiled for the detector, and without that frame the function that made the call would be
 * missing: a stack knows functions by the calls in them. */
#include "ctx.h"
#include "pool.h"
#include <string.h>

enum { FIRST = 10 }; /* half a kilobyte */

/* There are n frames: the bottom one, those to use, and one that never is. */
static void make(struct rc_ctx *c, size_t n)
{
    c->frames = c->top = rc_alloc(n * sizeof *c->frames);
    c->last = c->frames + n - 2;
    memset(c->frames, 0, n * sizeof *c->frames);
}

static size_t room(const struct rc_ctx *c)
{
    return (size_t)(c->last + 2 - c->frames);
}

void rc_frames_begin(struct rc_ctx *c, uint32_t node)
{
    make(c, FIRST);
    c->top[0] = (struct rc_frame){.node = node, .sp = UINTPTR_MAX};
}

void rc_frames_end(struct rc_ctx *c)
{
    rc_free(c->frames, room(c) * sizeof *c->frames);
}

/* Frames that were left keep their contents: the next call from the same place is found there. */
static void grow(struct rc_ctx *c)
{
    struct rc_frame *old = c->frames;
    size_t n = room(c), used = (size_t)(c->top - old);
    make(c, 2 * n);
    memcpy(c->frames, old, n * sizeof *old);
    rc_free(old, n * sizeof *old);
    c->top = c->frames + used;
}

__attribute__((noinline)) void rc_frame_enter(struct rc_ctx *c, uintptr_t pc, uintptr_t sp,
                                              uintptr_t in)
{
    uint32_t packed = pc_pack(pc), child = calls_child_near(c->top->node, packed);
    if (unlikely(child == CALLS_NONE) || unlikely(c->top == c->last)) {
        struct rc_thread was = rc_enter();
        if (c->top == c->last)
            grow(c);
        child = calls_child_slow(c->top->node, packed, (size_t)(c->top - c->frames));
        rc_leave(was);
    }
    rc_frame_push(c, child, pc, sp, in);
}

/* The frame returns to nowhere, so that no call of the user's is taken for it later. */
__attribute__((noinline)) size_t rc_calls_back(uintptr_t pc, const void *fn)
{
    struct rc_ctx *c = rc_self.ctx;
    if (c == NULL)
        return 0;
    size_t depth = (size_t)(c->top - c->frames);
    if (pc == 0)
        pc = pc_unpack((uint32_t)journal_site(c));
    if (pc == 0)
        return depth;
    uintptr_t in = (uintptr_t)__builtin_return_address(0);
    rc_frame_enter(c, pc, (uintptr_t)__builtin_dwarf_cfa(), in);
    c->top->ret = 0;
    c->top->lib_fn = fn ? pc_pack((uintptr_t)fn + 1) : 0;
    return depth;
}

void rc_called_back(size_t depth)
{
    struct rc_ctx *c = rc_self.ctx;
    if (c)
        c->top = c->frames + depth;
}

void rc_unwound(uintptr_t sp)
{
    struct rc_ctx *c = rc_self.ctx;
    if (c == NULL)
        return;
    while (c->top->sp < sp)
        c->top--;
}
