/* stackframe.c - whose frame an address on a stack lies in; see report.h.
 *
 * The engine keeps, for each instrumented function that runs, the call's return address and the
 * stack pointer in its body.  Where that very return address lies in memory tells the rest, so that
 * what was found is checked against the memory itself:
 *
 *     x86-64     one word below the frame's other end (the stack pointer before the call, the CFA)
 *     aarch64    in the frame record, to which x29 points; the frame's other end follows from both
 *                registers by the function's unwind information
 *
 * The flow may be running meanwhile: its frames are read without a lock, its stack through the
 * kernel, which refuses what is not mapped; what has changed is not found. */
#include "calls.h"
#include "ctx.h"
#include "unwind.h"
#include "vmem.h"
#include <link.h>

enum {
    DEPTH_MAX = 1 << 20,
    CHUNK = 512,            /* words */
    FRAME_MAX = 256 * 1024, /* bytes; of larger ones, arrays most likely, nothing is told */
};

struct wanted {
    uintptr_t addr;
    const struct rc_life *of;
    struct rc_frame frame, inner; /* the one with addr, and the one that it called */
    bool has_inner;
    uintptr_t limit; /* where the caller's frame begins, or the stack ends */
    bool found;
};

/* Innermost first; inner.sp of the first one that lies above addr is what bounds the search. */
static bool look_at(const struct rc_ctx *c, void *arg)
{
    struct wanted *w = arg;
    if (c->life != w->of)
        return false;
    const struct rc_frame *frames = c->frames, *top = c->top;
    if (top < frames || top - frames > DEPTH_MAX)
        return true;
    for (const struct rc_frame *f = top; f > frames && f->sp <= w->addr; f--) {
        uintptr_t above = f - 1 == frames ? w->of->stack_lo + w->of->stack_size : f[-1].sp;
        if (w->addr >= above)
            continue;
        w->frame = *f;
        w->has_inner = f < top;
        w->inner = w->has_inner ? f[1] : *f;
        w->limit = above;
        w->found = true;
        break;
    }
    return true;
}

/* The highest word below to that holds value, or 0. */
static uintptr_t find_word(uintptr_t from, uintptr_t to, uintptr_t value)
{
    uintptr_t word[CHUNK], found = 0;
    from &= ~(sizeof value - 1);
    while (from < to) {
        size_t n = (to - from) / sizeof value < CHUNK ? (to - from) / sizeof value : CHUNK;
        if (n == 0 || !vm_read(word, (const void *)from, n * sizeof value))
            break;
        for (size_t i = 0; i < n; i++)
            if (word[i] == value)
                found = from + i * sizeof value;
        from += n * sizeof value;
    }
    return found;
}

struct half {
    uint32_t low;
    uintptr_t pc;
};

/* dl_iterate_phdr callback: is there code with that low half of its address? */
static int find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct half *h = arg;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t lo = info->dlpi_addr + ph->p_vaddr;
        uintptr_t at = (lo & ~(uintptr_t)UINT32_MAX) | h->low;
        if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) && at - lo < ph->p_memsz) {
            h->pc = at;
            return 1;
        }
    }
    return 0;
}

/* An address in the function of that frame: what it called returns there. */
static uintptr_t code_of(const struct wanted *w)
{
    if (w->has_inner)
        return calls_pc(w->inner.node);
    struct half h = {.low = w->frame.in};
    dl_iterate_phdr(find_code, &h);
    return h.pc;
}

/* Fills in the rest of a frame whose return address, ret, lies at `at`. */
static bool find_end(struct symbol_place *f, uintptr_t at, uintptr_t ret, uintptr_t limit)
{
#if defined(__x86_64__)
    (void)ret, (void)limit;
    f->cfa = at + sizeof at;
    f->fp = f->cfa - 2 * sizeof at;
    return true;
#else
    struct unwind_frame caller;
    f->fp = at - sizeof at;
    /* 0: the outermost frame */
    if (!unwind_caller(&(struct unwind_frame){.pc = f->pc, .sp = f->sp, .fp = f->fp}, &caller) ||
        (caller.pc != ret && caller.pc != 0) || caller.sp <= at || caller.sp > limit)
        return false;
    f->cfa = caller.sp;
    return true;
#endif
}

bool rc_frame_of(const struct rc_life *of, uintptr_t addr, struct symbol_place *ret_frame)
{
    struct wanted w = {.addr = addr, .of = of};
    rc_each_ctx(look_at, &w);
    if (!w.found || w.limit - w.frame.sp > FRAME_MAX)
        return false;
    uintptr_t ret = calls_pc(w.frame.node), at = find_word(w.frame.sp, w.limit, ret);
    struct symbol_place f = {.pc = code_of(&w), .sp = w.frame.sp};
    if (at == 0 || f.pc == 0 || !find_end(&f, at, ret, w.limit) || addr >= f.cfa)
        return false;
    *ret_frame = f;
    return true;
}
