/* unwind_frames.c - unwind.h without libunwind, for -Dstandalone=true: walks frame pointers.
 *
 * Finds what was compiled with -fno-omit-frame-pointer, as the library is, and ends at the first
 * frame that was not: stacks may be short, but a walk never faults.  Each word is read after the
 * kernel has been asked for it, so this is for dumps and not for recording every event. */
#include "unwind.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { FRAME_MAX = 16 << 20 }; /* no frame is larger */

/* The kernel reads the mask before it sees that ~0 says nothing to do with it. */
static bool is_readable(uintptr_t addr)
{
    int saved = errno;
    bool yes = syscall(SYS_rt_sigprocmask, ~0, addr, NULL, 8) == 0 || errno != EFAULT;
    errno = saved;
    return yes;
}

/* Both processors keep {the caller's frame, the return address} where the frame pointer points. */
static size_t walk(uintptr_t fp, uintptr_t *pcs, size_t max)
{
    size_t n = 0;
    while (n < max && fp && fp % sizeof fp == 0 && is_readable(fp) && is_readable(fp + sizeof fp)) {
        const uintptr_t *frame = (const uintptr_t *)fp;
        if (!frame[1])
            break;
        pcs[n++] = frame[1];
        if (frame[0] <= fp || frame[0] - fp > FRAME_MAX)
            break;
        fp = frame[0];
    }
    return n;
}

__attribute__((noinline)) size_t unwind_here(uintptr_t *pcs, size_t max, size_t skip)
{
    uintptr_t fp = (uintptr_t)__builtin_frame_address(0), dropped;
    for (; skip > 0; skip--)
        if (!walk(fp, &dropped, 1) || (fp = *(const uintptr_t *)fp) == 0)
            return 0;
    return walk(fp, pcs, max);
}

static size_t walk_from(uintptr_t pc, uintptr_t fp, uintptr_t *pcs, size_t max)
{
    if (max == 0)
        return 0;
    pcs[0] = pc;
    return 1 + walk(fp, pcs + 1, max - 1);
}

size_t unwind_regs(const struct unwind_regs *regs, uintptr_t *pcs, size_t max)
{
    return walk_from(regs->pc, regs->fp, pcs, max);
}

size_t unwind_ucontext(const void *ucontext, uintptr_t *pcs, size_t max)
{
    const ucontext_t *uc = ucontext;
#if defined(__x86_64__)
    const greg_t *r = uc->uc_mcontext.gregs;
    return walk_from((uintptr_t)r[REG_RIP], (uintptr_t)r[REG_RBP], pcs, max);
#elif defined(__aarch64__)
    return walk_from(uc->uc_mcontext.pc, uc->uc_mcontext.regs[29], pcs, max);
#else
#error "unwind_ucontext: this processor is not known here"
#endif
}

/* Asking the kernel costs more than any comparison of words saves. */
size_t unwind_frame(const struct unwind_frame *frame, uintptr_t *pcs, size_t max,
                    struct unwind_words *ret)
{
    ret->n = 0;
    ret->whole = false;
    return walk_from(frame->pc, frame->fp, pcs, max);
}

/* A frame pointer does not say where its frame ends. */
bool unwind_caller(const struct unwind_frame *frame, struct unwind_frame *ret_caller)
{
    (void)frame, (void)ret_caller;
    return false;
}
