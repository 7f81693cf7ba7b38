/* unwind.c - see unwind.h; libunwind does the work, in two ways.
 *
 * A running stack: unw_backtrace().  It keeps, per thread, a cache from pc to {CFA, saved
 * registers} and needs 12 to 28 ns a frame once warm, which is what a trace event may cost.  A
 * stack that does not run, or lies below a signal: unw_init_local2() and unw_step(), about 5 us a
 * frame when it is new to libunwind and 0.3 us later, for dumps and for unwind_frame().
 *
 * Rejected: walking frame pointers (3 ns a frame).  User code is built with -O2, where the frame
 * pointer is an ordinary register; a walk would lose frames and not know it.  Stacks must be true
 * before they are cheap.
 *
 * Where a stack ends: at a frame whose return address is `.cfi_undefined rip` (the goroutine's
 * entry thunk, the kernel's process entry, clone), at a pc without unwind information, or at pc 0.
 *
 * A first pc is looked up as it is, not minus 1: it may be the first instruction of a function (a
 * goroutine that never ran, a fault at an entry).  libunwind is told so with
 * UNW_INIT_SIGNAL_FRAME. */
#define UNW_LOCAL_ONLY
#include "unwind.h"
#include "check.h"
#include <errno.h>
#include <libunwind.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    HERE_ROOM = 512,    /* beyond so many pcs the outermost ones are lost rather than more stack */
    CODE_LOWEST = 4096, /* no code lies below: a pc there came through a null pointer */
};

/* FP_UNSEEN: whether a step has used the first frame's frame pointer is not seen. */
#if defined(__x86_64__)
enum { REG_FP = UNW_X86_64_RBP, FP_UNSEEN = 0 };
#else
enum { REG_FP = UNW_AARCH64_X29, FP_UNSEEN = 1 };
#endif

struct unwind_watcher unwind_watcher;

static inline void *begin(void)
{
    return unwind_watcher.begin ? unwind_watcher.begin() : NULL;
}

static inline void end(void *was)
{
    if (unwind_watcher.end)
        unwind_watcher.end(was);
}

#if defined(__aarch64__)
static __thread bool careful __attribute__((tls_model("initial-exec"))); /* see gathering */

/* The kernel reads the mask before it sees that ~0 says nothing to do with it. */
static bool is_readable(unw_word_t addr)
{
    int saved = errno;
    bool yes = syscall(SYS_rt_sigprocmask, ~0, addr, NULL, 8) == 0 || errno != EFAULT;
    errno = saved;
    return yes;
}

/* Returns what it was: a signal's walk may come into the middle of another one. */
static bool be_careful(bool yes)
{
    bool was = careful;
    careful = yes;
    return was;
}

/* A step reads what the stack pointer and the frame pointer lead to, some versions of libunwind
 * without access_mem(). */
static int step_on(unw_cursor_t *cur)
{
    unw_word_t sp, fp;
    if (careful && (unw_get_reg(cur, UNW_REG_SP, &sp) < 0 || unw_get_reg(cur, REG_FP, &fp) < 0 ||
                    !is_readable(sp) || (fp != 0 && !is_readable(fp + sizeof fp))))
        return -UNW_EINVAL;
    return unw_step(cur);
}
#else
static bool be_careful(bool yes)
{
    return yes;
}

static int step_on(unw_cursor_t *cur)
{
    return unw_step(cur);
}
#endif

/* Walks on from an initialised cursor, whose own pc is the first one. */
static size_t walk(unw_cursor_t *cur, uintptr_t *pcs, size_t max)
{
    size_t n = 0;
    while (n < max) {
        unw_word_t pc;
        if (unw_get_reg(cur, UNW_REG_IP, &pc) < 0 || pc == 0)
            break;
        pcs[n++] = pc;
        if (step_on(cur) <= 0)
            break;
    }
    return n;
}

/* On aarch64 some versions of libunwind give, in unw_backtrace() alone, the address before the
 * return address.  Instructions are four bytes there, and lie at multiples of four. */
static inline uintptr_t return_address(uintptr_t pc)
{
#if defined(__aarch64__)
    return (pc + 3) & ~(uintptr_t)3;
#else
    return pc;
#endif
}

/* noinline, and no tail call (the copy follows): the innermost frame found is this function's. */
__attribute__((noinline)) size_t unwind_here(uintptr_t *pcs, size_t max, size_t skip)
{
    size_t drop = skip + 1; /* this function's own frame goes too */
    size_t want = max + drop < HERE_ROOM ? max + drop : HERE_ROOM;
    void **all = __builtin_alloca(want * sizeof *all);
    void *was = begin();
    int got = unw_backtrace(all, (int)want);
    end(was);
    if (got <= 0 || (size_t)got <= drop)
        return 0;
    size_t n = (size_t)got - drop;
    if (all[got - 1] == NULL) /* what an undefined return address may leave */
        n--;
    for (size_t i = 0; i < n; i++)
        pcs[i] = return_address((uintptr_t)all[drop + i]);
    return n;
}

size_t unwind_regs(const struct unwind_regs *regs, uintptr_t *pcs, size_t max)
{
    ucontext_t uc;
    memset(&uc, 0, sizeof uc);
#if defined(__x86_64__)
    static const int callee_saved[] = {REG_RBX, REG_R12, REG_R13, REG_R14, REG_R15};
    greg_t *r = uc.uc_mcontext.gregs;
    r[REG_RIP] = (greg_t)regs->pc;
    r[REG_RSP] = (greg_t)regs->sp;
    r[REG_RBP] = (greg_t)regs->fp;
    for (size_t i = 0; i < sizeof callee_saved / sizeof *callee_saved; i++)
        r[callee_saved[i]] = (greg_t)regs->callee_saved[i];
#elif defined(__aarch64__)
    uc.uc_mcontext.pc = regs->pc;
    uc.uc_mcontext.sp = regs->sp;
    for (int i = 19; i <= 28; i++)
        uc.uc_mcontext.regs[i] = regs->callee_saved[i - 19];
    uc.uc_mcontext.regs[29] = regs->fp;
    uc.uc_mcontext.regs[30] = regs->callee_saved[10];
#else
#error "unwind_regs: this processor is not known here"
#endif
    return unwind_ucontext(&uc, pcs, max);
}

/* Undoes a call that went nowhere: the registers as its caller sees them after a return.  Reads the
 * top of the stack, which the call itself has just written. */
static void undo_call(ucontext_t *uc)
{
#if defined(__x86_64__)
    greg_t *r = uc->uc_mcontext.gregs;
    r[REG_RIP] = *(greg_t *)r[REG_RSP];
    r[REG_RSP] += (greg_t)sizeof(greg_t);
#else
    uc->uc_mcontext.pc = uc->uc_mcontext.regs[30];
#endif
}

static uintptr_t pc_of(const ucontext_t *uc)
{
#if defined(__x86_64__)
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
#else
    return uc->uc_mcontext.pc;
#endif
}

static const void *fp_in(const ucontext_t *uc)
{
#if defined(__x86_64__)
    return &uc->uc_mcontext.gregs[REG_RBP];
#else
    return &uc->uc_mcontext.regs[29];
#endif
}

/* ---- libunwind's way to memory ----
 *
 * It is ours, for two reasons.  A picture of a goroutine that runs on meanwhile leads anywhere; on
 * x86-64 libunwind looks before it reads, on aarch64 it does not.  And what a walk has read is what
 * its result depends on; on aarch64 some versions of libunwind read the stack without it, so there
 * what a step has read is asked for behind it. */
static bool may_read(unw_word_t addr)
{
#if defined(__aarch64__)
    return !careful || is_readable(addr);
#else
    (void)addr;
    return true;
#endif
}

/* One step of a walk whose words are gathered. */
struct step {
    struct unwind_words *words;
    const ucontext_t *uc;
    unsigned reads;
    unw_word_t first; /* the value read first */
};
/* initial-exec: crash handlers come here, too. */
static __thread struct step *gathering __attribute__((tls_model("initial-exec")));
static int (*read_or_write)(unw_addr_space_t, unw_word_t, unw_word_t *, int, void *);

/* libunwind keeps registers that no frame has saved yet in the context it began with. */
static void gather(struct step *step, unw_word_t addr, unw_word_t value)
{
    struct unwind_words *words = step->words;
    if (step->reads++ == 0)
        step->first = value;
    if (addr - (uintptr_t)step->uc < sizeof(*step->uc)) {
        words->fp |= addr == (uintptr_t)fp_in(step->uc);
        words->whole &= addr == (uintptr_t)fp_in(step->uc);
        return;
    }
    words->whole &= words->n < UNWIND_WORDS_MAX;
    if (words->whole) {
        words->word[words->n].at = addr;
        words->word[words->n++].value = value;
    }
}

static int access_mem(unw_addr_space_t as, unw_word_t addr, unw_word_t *val, int write, void *arg)
{
    if (!write && !may_read(addr))
        return -UNW_EINVAL;
    int err = read_or_write(as, addr, val, write, arg);
    if (gathering && !write && !err)
        gather(gathering, addr, *val);
    return err;
}

__attribute__((constructor)) static void take_access(void)
{
    unw_accessors_t *acc = unw_get_accessors(unw_local_addr_space);
    read_or_write = acc->access_mem;
    acc->access_mem = access_mem;
}

/* unw_context_t is ucontext_t, or (aarch64) a structure with its layout. */
static bool start(unw_cursor_t *cur, ucontext_t *uc)
{
    return unw_init_local2(cur, (unw_context_t *)(void *)uc, UNW_INIT_SIGNAL_FRAME) == 0;
}

size_t unwind_ucontext(const void *ucontext, uintptr_t *pcs, size_t max)
{
    ucontext_t uc = *(const ucontext_t *)ucontext;
    unw_cursor_t cur;
    size_t n = 0;
    if (max == 0)
        return 0;
    if (pc_of(&uc) < CODE_LOWEST) { /* a call through a null pointer: show where it came from */
        pcs[n++] = pc_of(&uc);
        undo_call(&uc);
    }
    void *was = begin();
    struct step *step = gathering; /* a signal has come in the middle of it */
    gathering = NULL;
    bool before = be_careful(true);
    if (start(&cur, &uc))
        n += walk(&cur, pcs + n, max - n);
    be_careful(before);
    gathering = step;
    end(was);
    return n;
}

/* ---- a walk and what it depends on ---- */

static void set_frame(ucontext_t *uc, const struct unwind_frame *frame)
{
    memset(uc, 0, sizeof(*uc));
#if defined(__x86_64__)
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)frame->pc;
    uc->uc_mcontext.gregs[REG_RSP] = (greg_t)frame->sp;
    uc->uc_mcontext.gregs[REG_RBP] = (greg_t)frame->fp;
#else
    uc->uc_mcontext.pc = frame->pc;
    uc->uc_mcontext.sp = frame->sp;
    uc->uc_mcontext.regs[29] = frame->fp;
#endif
}

/* Is all that the step depended on among the words?  It was when the CFA lay at a fixed distance
 * from the stack pointer (which is the last CFA: the return address was all that was read), or from
 * the frame pointer.  Expressions read memory behind access_mem()'s back: a realigned stack's, a
 * signal's.  On x86-64 compilers put a frame pointer 16 bytes below the CFA, so they are told from
 * the rest; on aarch64 there are none but the signal's. */
static bool step_is_known(const struct step *step, unw_cursor_t *cur)
{
#if defined(__x86_64__)
    unw_word_t cfa;
    return unw_get_reg(cur, UNW_REG_SP, &cfa) >= 0 &&
           (step->reads <= 1 || (step->reads == 2 && cfa == step->first + 2 * sizeof(cfa)));
#else
    (void)cur;
    return step->reads <= 2;
#endif
}

#if defined(__aarch64__)
/* Where the cursor's frame finds the register in memory, or 0. */
static unw_word_t saved_at(unw_cursor_t *cur, int reg)
{
    unw_save_loc_t loc;
    bool in_memory = unw_get_save_loc(cur, reg, &loc) == 0 && loc.type == UNW_SLT_MEMORY;
    return in_memory ? loc.u.addr : 0;
}

/* A step: it reads where the function has saved the frame pointer and the return address. */
static int told_step(unw_cursor_t *cur, struct step *step)
{
    static const int regs[] = {REG_FP, UNW_AARCH64_X30};
    unw_word_t before[2], at;
    for (int i = 0; i < 2; i++)
        before[i] = saved_at(cur, regs[i]);
    int more = unw_step(cur);
    for (int i = 0; i < 2; i++)
        if ((at = saved_at(cur, regs[i])) != 0 && at != before[i])
            gather(step, at, *(const unw_word_t *)at);
    return more;
}
#else
static int told_step(unw_cursor_t *cur, struct step *step)
{
    gathering = step;
    int more = unw_step(cur);
    gathering = NULL;
    return more;
}
#endif

static bool gather_step(unw_cursor_t *cur, const ucontext_t *uc, struct unwind_words *words)
{
    struct step step = {.words = words, .uc = uc};
    words->whole &= unw_is_signal_frame(cur) <= 0;
    int more = told_step(cur, &step);
    words->whole &= step_is_known(&step, cur);
    return more > 0;
}

size_t unwind_frame(const struct unwind_frame *frame, uintptr_t *pcs, size_t max,
                    struct unwind_words *ret)
{
    ucontext_t uc;
    set_frame(&uc, frame);
    *ret = (struct unwind_words){.whole = true, .fp = FP_UNSEEN};
    unw_cursor_t cur;
    size_t n = 0;
    void *was = begin();
    if (unw_init_local2(&cur, (unw_context_t *)(void *)&uc, 0) == 0)
        do {
            unw_word_t pc;
            if (n == max || unw_get_reg(&cur, UNW_REG_IP, &pc) < 0 || pc == 0)
                break;
            pcs[n++] = pc;
        } while (n < max && gather_step(&cur, &uc, ret));
    end(was);
    return n;
}

bool unwind_caller(const struct unwind_frame *frame, struct unwind_frame *ret_caller)
{
    ucontext_t uc;
    unw_cursor_t cur;
    unw_word_t pc, sp, fp;
    set_frame(&uc, frame);
    void *was = begin();
    bool before = be_careful(true);
    bool ok = unw_init_local2(&cur, (unw_context_t *)(void *)&uc, 0) == 0 && step_on(&cur) >= 0 &&
              unw_get_reg(&cur, UNW_REG_IP, &pc) == 0 && unw_get_reg(&cur, UNW_REG_SP, &sp) == 0 &&
              unw_get_reg(&cur, REG_FP, &fp) == 0;
    be_careful(before);
    end(was);
    if (ok)
        *ret_caller = (struct unwind_frame){.pc = pc, .sp = sp, .fp = fp};
    return ok;
}
