/* unwind.h - return addresses of a stack.
 *
 * Every pc returned, except the first of unwind_regs() and unwind_ucontext(), is a return address:
 * subtract 1 before looking up its line.  Works on goroutine stacks as on thread stacks; needs no
 * symbols. */
#ifndef BASE_UNWIND_H
#define BASE_UNWIND_H

#include <stddef.h>
#include <stdint.h>

/* The library that walks stacks takes locks of its own.  Who watches the program's locks looks away
 * meanwhile: begin() is called before each walk, end() with its result after it.  NULL, as at
 * first: nobody does.  Set before there are threads. */
struct unwind_watcher {
    void *(*begin)(void);
    void (*end)(void *was);
};
extern struct unwind_watcher unwind_watcher;

/* Stack of the caller, innermost first, without the innermost skip frames (0: begins with the
 * function that called unwind_here).  Returns the number of pcs stored, at most max. */
size_t unwind_here(uintptr_t *pcs, size_t max, size_t skip);

/* Registers from which a stack that does not run can be walked. */
struct unwind_regs {
    uintptr_t pc, sp, fp;
    uintptr_t callee_saved[12]; /* x86-64: rbx r12 r13 r14 r15; aarch64: x19..x28, x30 */
};

/* Stack of a context that does not run (a parked goroutine). */
size_t unwind_regs(const struct unwind_regs *regs, uintptr_t *pcs, size_t max);

/* Stack below a signal: ucontext is the handler's third argument. */
size_t unwind_ucontext(const void *ucontext, uintptr_t *pcs, size_t max);

#endif
