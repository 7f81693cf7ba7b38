/* defer.c - deferred calls.
 *
 * A record lies in the frame that defers and is linked into its goroutine, innermost first.  It
 * runs once: at the end of its block (the compiler calls go_defer_run_()), or earlier by a panic or
 * go_exit() that passes.  The saved call is registers and stacked arguments, as for go(). */
#include "defer.h"
#include "check.h"
#include "hook.h"
#include "panic.h"
#include "scheduler.h"
#include "spawn.h"
#include <goshawk/panic.h>
#include <stdlib.h>
#include <string.h>

struct saved_call {
    struct call_regs regs;
    size_t bytes;
    size_t pad;
    unsigned char stacked[];
};

void *go_defer_prepare_(struct go_defer_ *d, void *fn, size_t stacked_bytes_max)
{
    d->next_ = NULL;
    d->fn_ = fn;
    d->args_ = NULL;
    d->plain_ = NULL;
    d->owner_ = NULL;
    rt_announce(rt_self(), (struct g_call){.fn = fn, .stacked_max = stacked_bytes_max, .defer = d});
    return (void *)switch_defer_stub;
}

void rt_defer_call(const struct call_regs *regs, const void *stacked, uintptr_t pc)
{
    (void)pc;
    struct g *self = rt_self();
    struct g_call call = rt_announced(self);
    struct go_defer_ *d = call.defer;
    size_t bytes = rt_stacked_bytes(self, &call, stacked);
    struct saved_call *saved = (struct saved_call *)d->small_;
    if (sizeof *saved + bytes > sizeof d->small_)
        saved = malloc(sizeof *saved + bytes);
    if (!saved)
        rt_fatal("out of memory");
    saved->regs = *regs;
    saved->regs.fn = (uintptr_t)call.fn;
    saved->bytes = bytes;
    san_copy_frame(saved->stacked, stacked, bytes);
    d->args_ = saved;
    d->next_ = self->defers;
    self->defers = d;
}

static void run(struct go_defer_ *d)
{
    if (d->plain_) {
        d->plain_(d->owner_);
        return;
    }
    struct saved_call *saved = d->args_;
    switch_replay(&saved->regs, saved->stacked, saved->bytes);
    if ((void *)saved != d->small_)
        free(saved);
}

void go_defer_run_(struct go_defer_ *d)
{
    struct g *self = rt_self();
    struct go_defer_ **at = &self->defers;
    while (*at && *at != d)
        at = &(*at)->next_;
    if (!*at) /* done already, or a goto jumped over the statement: d was never set up */
        return;
    *at = d->next_;
    size_t depth = hook_calls_back(hook_caller(), d->fn_);
    run(d);
    hook_called_back(depth);
}

void rt_defers_run(struct g *self, struct go_defer_ *until)
{
    while (self->defers != until) {
        struct go_defer_ *d = self->defers;
        rt_check(d);
        self->defers = d->next_;
        size_t depth = hook_calls_back(0, d->fn_);
        run(d);
        hook_called_back(depth);
    }
}
