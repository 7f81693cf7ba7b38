/* switch_aarch64.S - context switch and call capture for AArch64 (AAPCS64).
 *
 * Saved: x19-x28, fp (x29), lr (x30), sp, d8-d15 and FPCR.  Not saved: caller-saved registers, the
 * signal mask.  A switch ends in br, not ret, so that return prediction is left alone.
 *
 * Stack of a new goroutine, low to high:
 *
 *     ctx.sp -> | struct call_regs, 208 bytes | stacked arguments, 16-byte steps | struct g |
 */
#include "sanitize.h"
#include "switch.h"

#define REGS_X8   64
#define REGS_FN   72
#define REGS_VEC  80
#define REGS_SIZE 208

.macro FUNCTION name
        .globl  \name
        .hidden \name
        .type   \name, %function
        .p2align 4
\name:
        .cfi_startproc
        hint    #34                     /* bti c */
.endm

.macro ENDFUNCTION name
        .cfi_endproc
        .size   \name, . - \name
.endm

.macro SAVE_REGS
        stp     x0, x1, [sp, #0]
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        str     x8, [sp, #REGS_X8]
        stp     q0, q1, [sp, #REGS_VEC+0]
        stp     q2, q3, [sp, #REGS_VEC+32]
        stp     q4, q5, [sp, #REGS_VEC+64]
        stp     q6, q7, [sp, #REGS_VEC+96]
.endm

/* base: x9 at least is free; leaves the function to call in x10. */
.macro LOAD_REGS base
        ldp     q0, q1, [\base, #REGS_VEC+0]
        ldp     q2, q3, [\base, #REGS_VEC+32]
        ldp     q4, q5, [\base, #REGS_VEC+64]
        ldp     q6, q7, [\base, #REGS_VEC+96]
        ldp     x8, x10, [\base, #REGS_X8]
        ldp     x0, x1, [\base, #0]
        ldp     x2, x3, [\base, #16]
        ldp     x4, x5, [\base, #32]
        ldp     x6, x7, [\base, #48]
.endm

        .text

/* void switch_call(struct switch_ctx *from, void *sp, void (*fn)(void *), void *arg) */
FUNCTION switch_call
        mov     x9, sp
        stp     x30, x9, [x0, #CTX_PC]
        str     x29, [x0, #CTX_FP]
        stp     x19, x20, [x0, #CTX_X19+0]
        stp     x21, x22, [x0, #CTX_X19+16]
        stp     x23, x24, [x0, #CTX_X19+32]
        stp     x25, x26, [x0, #CTX_X19+48]
        stp     x27, x28, [x0, #CTX_X19+64]
        stp     d8, d9, [x0, #CTX_D8+0]
        stp     d10, d11, [x0, #CTX_D8+16]
        stp     d12, d13, [x0, #CTX_D8+32]
        stp     d14, d15, [x0, #CTX_D8+48]
        mrs     x9, fpcr
        str     x9, [x0, #CTX_FPCR]
        mov     sp, x1
        .cfi_undefined x30
        mov     x29, xzr
        mov     x30, xzr
        mov     x0, x3
        blr     x2
        brk     #0
ENDFUNCTION switch_call

/* _Noreturn void switch_jump(struct switch_ctx *to)
 * void switch_last(struct switch_ctx *to) */
        .globl  switch_last
        .hidden switch_last
        .type   switch_last, %function
        .set    switch_last, switch_jump
FUNCTION switch_jump
        .cfi_undefined x30
        ldp     x30, x9, [x0, #CTX_PC]
        mov     sp, x9
        ldr     x29, [x0, #CTX_FP]
        ldp     x19, x20, [x0, #CTX_X19+0]
        ldp     x21, x22, [x0, #CTX_X19+16]
        ldp     x23, x24, [x0, #CTX_X19+32]
        ldp     x25, x26, [x0, #CTX_X19+48]
        ldp     x27, x28, [x0, #CTX_X19+64]
        ldp     d8, d9, [x0, #CTX_D8+0]
        ldp     d10, d11, [x0, #CTX_D8+16]
        ldp     d12, d13, [x0, #CTX_D8+32]
        ldp     d14, d15, [x0, #CTX_D8+48]
        mrs     x9, fpcr
        ldr     x10, [x0, #CTX_FPCR]
        cmp     x9, x10
        b.eq    1f
        msr     fpcr, x10
1:      mov     x16, x30
        br      x16
ENDFUNCTION switch_jump

/* void switch_onto(void *sp, void (*fn)(void *), void *arg) */
FUNCTION switch_onto
        stp     x29, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        mov     x29, sp
        .cfi_def_cfa_register x29
        mov     sp, x0
        mov     x0, x2
        blr     x1
        mov     sp, x29
        .cfi_def_cfa_register sp
        ldp     x29, x30, [sp], #16
        .cfi_def_cfa_offset 0
        ret
ENDFUNCTION switch_onto

/* First instructions of a goroutine; the unwinder stops here. */
FUNCTION switch_entry
        .cfi_undefined x30
        mov     x29, xzr
        mov     x30, xzr
#if GO_ASAN
        bl      rt_goroutine_begin
#endif
        mov     x9, sp
        LOAD_REGS x9
        add     sp, sp, #REGS_SIZE
        blr     x10
        bl      rt_goroutine_end
        brk     #0
ENDFUNCTION switch_entry

.macro STUB name, target
FUNCTION \name
        stp     x29, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        mov     x29, sp
        .cfi_def_cfa_register x29
        sub     sp, sp, #REGS_SIZE
        SAVE_REGS
        mov     x0, sp
        add     x1, x29, #16
        mov     x2, x30
        bl      \target
        mov     sp, x29
        .cfi_def_cfa_register sp
        ldp     x29, x30, [sp], #16
        .cfi_def_cfa_offset 0
        ret
ENDFUNCTION \name
.endm

        STUB switch_go_stub, rt_go_call
        STUB switch_defer_stub, rt_defer_call

/* void switch_replay(const struct call_regs *regs, const void *stacked, size_t stacked_bytes) */
FUNCTION switch_replay
        stp     x29, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        mov     x29, sp
        .cfi_def_cfa_register x29
        mov     x9, x0
        add     x11, x2, #15
        and     x11, x11, #-16
        sub     sp, sp, x11
        mov     x12, sp
        cbz     x2, 2f
1:      ldrb    w13, [x1], #1
        strb    w13, [x12], #1
        subs    x2, x2, #1
        b.ne    1b
2:      LOAD_REGS x9
        blr     x10
        mov     sp, x29
        .cfi_def_cfa_register sp
        ldp     x29, x30, [sp], #16
        .cfi_def_cfa_offset 0
        ret
ENDFUNCTION switch_replay

/* No GNU property note: see switch_x86_64.S.  switch_jump() goes on at an address that is no
 * landing pad, so pages of this are not marked for branch target identification. */
        .section .note.GNU-stack, "", %progbits
