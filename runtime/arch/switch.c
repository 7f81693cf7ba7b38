/* switch.c - proof of the offsets that the assembly uses; whether valgrind looks on. */
#include "switch.h"
#include "sanitize.h"
#include <assert.h>

#if defined(__x86_64__)
static_assert(offsetof(struct switch_ctx, pc) == 0, "CTX_PC");
static_assert(offsetof(struct switch_ctx, sp) == 8, "CTX_SP");
static_assert(offsetof(struct switch_ctx, fp) == 16, "CTX_RBP");
static_assert(offsetof(struct switch_ctx, rbx) == 24, "CTX_RBX");
static_assert(offsetof(struct switch_ctx, r12) == 32, "CTX_R12");
static_assert(offsetof(struct switch_ctx, r15) == 56, "CTX_R15");
static_assert(offsetof(struct switch_ctx, modes.mxcsr) == 64, "CTX_MXCSR");
static_assert(offsetof(struct switch_ctx, modes.fcw) == 68, "CTX_FCW");
static_assert(sizeof(struct call_regs) == 192, "REGS_SIZE");
static_assert(offsetof(struct call_regs, rax) == 48, "REGS_RAX");
static_assert(offsetof(struct call_regs, fn) == 56, "REGS_FN");
static_assert(offsetof(struct call_regs, vec) == 64, "REGS_VEC");
#elif defined(__aarch64__)
static_assert(offsetof(struct switch_ctx, pc) == 0, "CTX_PC");
static_assert(offsetof(struct switch_ctx, sp) == 8, "CTX_SP");
static_assert(offsetof(struct switch_ctx, fp) == 16, "CTX_FP");
static_assert(offsetof(struct switch_ctx, x) == 24, "CTX_X19");
static_assert(offsetof(struct switch_ctx, d) == 104, "CTX_D8");
static_assert(offsetof(struct switch_ctx, modes.fpcr) == 168, "CTX_FPCR");
static_assert(sizeof(struct call_regs) == 208, "REGS_SIZE");
static_assert(offsetof(struct call_regs, x8) == 64, "REGS_X8");
static_assert(offsetof(struct call_regs, fn) == 72, "REGS_FN");
static_assert(offsetof(struct call_regs, vec) == 80, "REGS_VEC");
#endif
static_assert(sizeof(struct call_regs) % 16 == 0, "keeps the stack aligned");

bool san_on_valgrind;

#if GO_VALGRIND
__attribute__((constructor)) static void ask_valgrind(void)
{
    san_on_valgrind = RUNNING_ON_VALGRIND;
}
#endif
