/* switch_x86_64.S - context switch and call capture for x86-64 (System V ABI).
 *
 * Saved: rbx rbp r12-r15 rsp rip, MXCSR and the x87 control word (callee-saved by the ABI).  Not
 * saved: caller-saved registers, the signal mask.
 *
 * Processors predict returns by a stack of their own.  After a switch it has the return
 * addresses of the stack that was left; but those of a stack that was left in the same way are
 * mostly the same: of switch_call(), of what called it, and so on.  So the switch keeps calls and
 * returns in pairs: switch_call() jumps to its function, that one and all it calls at its end do
 * so too (sched.c), and switch_jump() returns; but a new goroutine is jumped to, and jumps away at
 * its end, as if it had not been.  A wrong guess costs 5 to 7 ns, and a goroutine that was left
 * three calls deep would pay for three.
 *
 * Stack of a new goroutine, low to high:
 *
 *     ctx.sp -> | struct call_regs, 192 bytes | stacked arguments, 16-byte steps | struct g |
 */
#include "sanitize.h"
#include "switch.h"

#define REGS_RAX  48
#define REGS_FN   56
#define REGS_VEC  64
#define REGS_SIZE 192

.macro FUNCTION name
        .globl  \name
        .hidden \name
        .type   \name, @function
        .p2align 4
\name:
        .cfi_startproc
        endbr64
.endm

.macro ENDFUNCTION name
        .cfi_endproc
        .size   \name, . - \name
.endm

.macro SAVE_REGS base
        movq    %rdi, 0(\base)
        movq    %rsi, 8(\base)
        movq    %rdx, 16(\base)
        movq    %rcx, 24(\base)
        movq    %r8, 32(\base)
        movq    %r9, 40(\base)
        movq    %rax, REGS_RAX(\base)
        movaps  %xmm0, REGS_VEC+0(\base)
        movaps  %xmm1, REGS_VEC+16(\base)
        movaps  %xmm2, REGS_VEC+32(\base)
        movaps  %xmm3, REGS_VEC+48(\base)
        movaps  %xmm4, REGS_VEC+64(\base)
        movaps  %xmm5, REGS_VEC+80(\base)
        movaps  %xmm6, REGS_VEC+96(\base)
        movaps  %xmm7, REGS_VEC+112(\base)
.endm

/* Leaves the function to call in r11. */
.macro LOAD_REGS base
        movups  REGS_VEC+0(\base), %xmm0
        movups  REGS_VEC+16(\base), %xmm1
        movups  REGS_VEC+32(\base), %xmm2
        movups  REGS_VEC+48(\base), %xmm3
        movups  REGS_VEC+64(\base), %xmm4
        movups  REGS_VEC+80(\base), %xmm5
        movups  REGS_VEC+96(\base), %xmm6
        movups  REGS_VEC+112(\base), %xmm7
        movq    REGS_FN(\base), %r11
        movq    REGS_RAX(\base), %rax
        movq    0(\base), %rdi
        movq    8(\base), %rsi
        movq    16(\base), %rdx
        movq    24(\base), %rcx
        movq    32(\base), %r8
        movq    40(\base), %r9
.endm

        .text

/* void switch_call(struct switch_ctx *from, void *sp, void (*fn)(void *), void *arg) */
FUNCTION switch_call
        movq    (%rsp), %rax
        leaq    8(%rsp), %r8
        movq    %rax, CTX_PC(%rdi)
        movq    %r8, CTX_SP(%rdi)
        movq    %rbp, CTX_RBP(%rdi)
        movq    %rbx, CTX_RBX(%rdi)
        movq    %r12, CTX_R12(%rdi)
        movq    %r13, CTX_R13(%rdi)
        movq    %r14, CTX_R14(%rdi)
        movq    %r15, CTX_R15(%rdi)
        stmxcsr CTX_MXCSR(%rdi)
        fnstcw  CTX_FCW(%rdi)
        movq    %rsi, %rsp
        .cfi_undefined rip
        xorl    %ebp, %ebp
        movq    %rcx, %rdi
        leaq    1f(%rip), %rax
        pushq   %rax                    /* for unwinders, which stop there */
        jmp     *%rdx
1:      ud2
ENDFUNCTION switch_call

/* _Noreturn void switch_jump(struct switch_ctx *to)
 * void switch_last(struct switch_ctx *to) */
        .globl  switch_last
        .hidden switch_last
        .type   switch_last, @function
        .set    switch_last, switch_jump
FUNCTION switch_jump
        .cfi_undefined rip
        movq    CTX_SP(%rdi), %rsp
        movq    CTX_RBP(%rdi), %rbp
        movq    CTX_RBX(%rdi), %rbx
        movq    CTX_R12(%rdi), %r12
        movq    CTX_R13(%rdi), %r13
        movq    CTX_R14(%rdi), %r14
        movq    CTX_R15(%rdi), %r15
        stmxcsr -8(%rsp)
        fnstcw  -4(%rsp)
        movl    -8(%rsp), %eax
        xorl    CTX_MXCSR(%rdi), %eax
        testl   $0xffc0, %eax           /* control bits; the flags stay with the thread */
        jnz     1f
        movzwl  -4(%rsp), %eax
        cmpw    CTX_FCW(%rdi), %ax
        jne     1f
2:      movq    CTX_PC(%rdi), %rax
        leaq    switch_entry(%rip), %rcx
        cmpq    %rcx, %rax
        je      switch_entry            /* it has no call to return from */
        pushq   %rax
        ret
1:      ldmxcsr CTX_MXCSR(%rdi)
        fldcw   CTX_FCW(%rdi)
        jmp     2b
ENDFUNCTION switch_jump

/* void switch_onto(void *sp, void (*fn)(void *), void *arg) */
FUNCTION switch_onto
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register rbp
        movq    %rdi, %rsp
        movq    %rdx, %rdi
        call    *%rsi
        movq    %rbp, %rsp
        popq    %rbp
        .cfi_def_cfa rsp, 8
        ret
ENDFUNCTION switch_onto

/* First instructions of a goroutine; the unwinder stops here. */
FUNCTION switch_entry
        .cfi_undefined rip
        xorl    %ebp, %ebp
#if GO_ASAN
        call    rt_goroutine_begin
#endif
        LOAD_REGS %rsp
        addq    $REGS_SIZE, %rsp
        call    *%r11
        emms                            /* a long double returned stays on the x87 stack */
        leaq    1f(%rip), %rax
        pushq   %rax                    /* for unwinders, which stop there */
        jmp     rt_goroutine_end
1:      ud2
ENDFUNCTION switch_entry

.macro STUB name, target
FUNCTION \name
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register rbp
        subq    $REGS_SIZE, %rsp
        SAVE_REGS %rsp
        movq    %rsp, %rdi
        leaq    16(%rbp), %rsi
        movq    8(%rbp), %rdx
        call    \target
        leave
        .cfi_def_cfa rsp, 8
        ret
ENDFUNCTION \name
.endm

        STUB switch_go_stub, rt_go_call
        STUB switch_defer_stub, rt_defer_call

/* void switch_replay(const struct call_regs *regs, const void *stacked, size_t stacked_bytes) */
FUNCTION switch_replay
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register rbp
        movq    %rdi, %r10
        movq    %rdx, %rcx
        addq    $15, %rdx
        andq    $-16, %rdx
        subq    %rdx, %rsp
        movq    %rsp, %rdi
        rep movsb                       /* rsi: stacked, rcx: bytes */
        LOAD_REGS %r10
        call    *%r11
        emms                            /* a long double returned stays on the x87 stack */
        leave
        .cfi_def_cfa rsp, 8
        ret
ENDFUNCTION switch_replay

/* No GNU property note, so what is linked with this is not marked for shadow stacks (the switch
 * would have to change that stack too) nor for indirect-branch tracking (switch_jump() goes on at
 * an address that follows a call).  tests/run/property_notes.py looks. */
        .section .note.GNU-stack, "", @progbits
