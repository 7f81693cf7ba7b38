/* defer.h - deferred calls. */
#ifndef RT_DEFER_H
#define RT_DEFER_H

#include "switch.h"
#include "g.h"

/* The saved call go_defer(fn, args...). */
void rt_defer_call(const struct call_regs *regs, const void *stacked, uintptr_t pc);

/* Runs self's deferred calls, innermost first, down to until (not included; NULL: all). */
void rt_defers_run(struct g *self, struct go_defer_ *until);

#endif
