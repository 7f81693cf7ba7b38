/* frames.c - the stack of the running flow, where more is to be done than the few instructions of a
 * known call (abi_misc.c).
 *
 * Frames come from compiled code that enters and leaves its functions, with two exceptions: a jump
 * leaves many at once, and where the library calls a function of the user's, or one of its own for
 * the user, the call that the user made of the library gets a frame, too.  The library is not
 * compiled for the detector, and without that frame the function that made the call would be
 * missing: a stack knows functions by the calls in them. */
#include "ctx.h"

__attribute__((noinline)) void rc_frame_enter(struct rc_ctx *c, uintptr_t pc, uintptr_t sp,
                                              uintptr_t in)
{
    uint32_t packed = pc_pack(pc), child = calls_child_near(c->top->node, packed);
    if (unlikely(child == CALLS_NONE) || unlikely(c->top == c->last)) {
        struct rc_thread was = rc_enter();
        if (c->top == c->last)
            rc_frames_grow(c);
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
