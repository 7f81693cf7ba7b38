/* unwind.h - return addresses of a stack.
 *
 * Every pc returned, except the first of unwind_regs() and unwind_ucontext(), is a return address:
 * subtract 1 before looking up its line.  Works on goroutine stacks as on thread stacks; needs no
 * symbols. */
#ifndef BASE_UNWIND_H
#define BASE_UNWIND_H

#include <stdbool.h>
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

/* A frame that has called: where it goes on, and the registers that it finds then. */
struct unwind_frame {
    uintptr_t pc, sp, fp;
};

/* That of the caller of the function that this stands in, which it gives a frame pointer: both
 * processors keep {the caller's frame pointer, the return address} where it points. */
#if defined(__x86_64__)
#define UNWIND_CALLER_SP_(fp) ((uintptr_t)(fp) + 2 * sizeof(uintptr_t))
#else
#define UNWIND_CALLER_SP_(fp) ((uintptr_t)__builtin_dwarf_cfa())
#endif
#define UNWIND_CALLER()                                                                  \
    ({                                                                                   \
        const uintptr_t *fp_ = __builtin_frame_address(0);                               \
        (struct unwind_frame){.pc = fp_[1], .sp = UNWIND_CALLER_SP_(fp_), .fp = fp_[0]}; \
    })

/* What a walk has read besides these registers.  Its result depends on nothing else: while the same
 * words lie there, a walk from the same frame gives the same stack.  They are in the order in which
 * it read them, so one after the other can be compared as far as they are equal: where the next one
 * lies follows from those before it, as it does for a walk. */
enum { UNWIND_WORDS_MAX = 40 };
struct unwind_words {
    uint32_t n;
    bool whole; /* these are all; else the walk cannot be described so */
    bool fp;    /* it depends on the frame's fp */
    struct {
        uintptr_t at, value;
    } word[UNWIND_WORDS_MAX];
};

/* Stack of a frame of this thread, and what its walk depends on.  Some 0.3 us a frame. */
size_t unwind_frame(const struct unwind_frame *frame, uintptr_t *pcs, size_t max,
                    struct unwind_words *ret);

/* The frame that has called this one.  The stack may be a running one's: what is not there any more
 * is not read.  False: it cannot be told. */
bool unwind_caller(const struct unwind_frame *frame, struct unwind_frame *ret_caller);

/* Stack below a signal: ucontext is the handler's third argument. */
size_t unwind_ucontext(const void *ucontext, uintptr_t *pcs, size_t max);

#endif
