/* switch.h - leaving one stack for another: the C side of switch_x86_64.S and switch_aarch64.S.
 *
 * A context is what the ABI lets a callee keep: callee-saved registers, stack pointer, the address
 * to go on at, and the floating-point control state.  The signal mask is not part of it.
 *
 * There are two moves.  switch_call() leaves a goroutine: it saves the context and calls fn(arg) on
 * another stack, from the top, so nothing of that other stack needs to be restored.  switch_jump()
 * enters a context and does not come back.  A full change of goroutines is one of each. */
#ifndef ARCH_SWITCH_H
#define ARCH_SWITCH_H

#ifdef __ASSEMBLER__
/* Offsets into struct switch_ctx; proved in switch.c. */
#if defined(__x86_64__)
#define CTX_PC    0
#define CTX_SP    8
#define CTX_RBP   16
#define CTX_RBX   24
#define CTX_R12   32
#define CTX_R13   40
#define CTX_R14   48
#define CTX_R15   56
#define CTX_MXCSR 64
#define CTX_FCW   68
#elif defined(__aarch64__)
#define CTX_PC   0
#define CTX_SP   8
#define CTX_FP   16
#define CTX_X19  24
#define CTX_D8   104
#define CTX_FPCR 168
#endif
#else

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
struct fp_modes {
    uint32_t mxcsr;
    uint16_t fcw, pad;
};
struct switch_ctx {
    uintptr_t pc, sp, fp; /* fp is rbp */
    uintptr_t rbx, r12, r13, r14, r15;
    struct fp_modes modes;
};
#elif defined(__aarch64__)
struct fp_modes {
    uint64_t fpcr;
};
struct switch_ctx {
    uintptr_t pc, sp, fp; /* fp is x29, pc is x30 */
    uintptr_t x[10];      /* x19..x28 */
    uint64_t d[8];        /* d8..d15 */
    struct fp_modes modes;
};
#else
#error "no context switch for this processor"
#endif

/* Saves the caller's context in from, then calls fn(arg) on the stack that ends at sp (16-byte
 * aligned).  fn does not return; switch_call() returns when somebody jumps to from. */
void switch_call(struct switch_ctx *from, void *sp, void (*fn)(void *), void *arg);

/* Goes on in to. */
_Noreturn void switch_jump(struct switch_ctx *to);

/* The same, for the last call of a function: compilers make a jump of it, but not of calls that do
 * not return.  switch_x86_64.S says why. */
void switch_last(struct switch_ctx *to);

/* First instructions of a goroutine: sp points at a struct call_regs, above it the stacked
 * arguments; loads the registers, calls fn, then calls rt_goroutine_end(). */
void switch_entry(void);

struct call_regs;

/* Makes ctx begin in switch_entry() with sp at regs; its floating-point modes are set apart. */
static inline void switch_init(struct switch_ctx *ctx, struct call_regs *regs)
{
    ctx->pc = (uintptr_t)switch_entry;
    ctx->sp = (uintptr_t)regs;
    ctx->fp = 0;
}

/* The caller's rounding mode and mask.  Not by value: the parts are stored one by one, and to load
 * them as one word at once waits for the stores. */
static inline void switch_fp(struct fp_modes *ret)
{
#if defined(__x86_64__)
    __asm__("stmxcsr %0" : "=m"(ret->mxcsr));
    __asm__("fnstcw %0" : "=m"(ret->fcw));
#elif defined(__aarch64__)
    __asm__("mrs %0, fpcr" : "=r"(ret->fpcr));
#endif
}

/* Those that the ABI has by default. */
static inline struct fp_modes switch_default_fp(void)
{
#if defined(__x86_64__)
    return (struct fp_modes){.mxcsr = 0x1f80, .fcw = 0x37f};
#elif defined(__aarch64__)
    return (struct fp_modes){.fpcr = 0};
#endif
}

/* Calls fn(arg) on the stack that ends at sp and returns when fn does. */
void switch_onto(void *sp, void (*fn)(void *), void *arg);

/* Argument registers and stacked arguments of a call, as saved by the stubs. */
#if defined(__x86_64__)
struct call_regs {
    uintptr_t gpr[6];   /* rdi rsi rdx rcx r8 r9 */
    uintptr_t rax, fn;  /* al: number of vector registers of a variadic call */
    uint8_t vec[8][16]; /* xmm0..xmm7 */
};
#elif defined(__aarch64__)
struct call_regs {
    uintptr_t gpr[8]; /* x0..x7 */
    uintptr_t x8, fn;
    uint8_t vec[8][16]; /* q0..q7 */
};
#endif

/* The stubs that go(...) and go_defer(...) really call: save the arguments and call
 * rt_go_call(regs, stacked) or rt_defer_call(regs, stacked), where stacked is the address of the
 * stacked arguments. */
void switch_go_stub(void);
void switch_defer_stub(void);

/* Makes the saved call: loads the registers, copies the stacked bytes, calls regs->fn, returns. */
void switch_replay(const struct call_regs *regs, const void *stacked, size_t stacked_bytes);

#endif
#endif
