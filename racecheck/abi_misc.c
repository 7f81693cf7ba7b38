/* abi_misc.c - everything else the compilers and annotated programs call: start, function entry and
 * exit, memory functions, and annotations of locks and order. */
#include "abi.h"
#include "futex.h"
#include "outlet.h"
#include "race.h"
#include <string.h>

EXPORT void __tsan_init(void);
EXPORT void __tsan_init(void)
{
    outlet_watches();
    rc_init(NULL);
}

/* ---- the stack ---- */

/* Not the call that was last made from here. */
static __attribute__((noinline)) void enter_other(struct rc_ctx *c, uintptr_t pc, uintptr_t sp,
                                                  uintptr_t in)
{
    struct rc_frame *f = c->top + 1;
    if (f->other_ret == pc && f->other_parent == f[-1].node) {
        rc_frame_push(c, f->other_node, pc, sp, in);
        return;
    }
    uint32_t child = CALLS_NONE;
    uintptr_t offset = pc - pc_window_0;
    if (likely(offset >> PC_WINDOW_SHIFT == 0) && likely(c->top != c->last))
        child = calls_child_first(c->top->node, (uint32_t)offset);
    if (likely(child != CALLS_NONE))
        rc_frame_push(c, child, pc, sp, in);
    else
        rc_frame_enter(c, pc, sp, in);
}

EXPORT void __tsan_func_entry(void *retaddr);
EXPORT_HOT void __tsan_func_entry(void *retaddr)
{
    struct rc_ctx *c = rc_self.ctx;
    uintptr_t pc = (uintptr_t)retaddr, sp = (uintptr_t)__builtin_dwarf_cfa();
    if (unlikely(c == NULL))
        return;
    struct rc_frame *f = c->top + 1;
    if (unlikely(f->ret != pc) || unlikely(f->parent != f[-1].node)) {
        enter_other(c, pc, sp, CALLER_PC);
        return;
    }
    f->in = (uint32_t)CALLER_PC;
    f->sp = sp;
    c->top = f;
}

EXPORT void __tsan_func_exit(void);
EXPORT_HOT void __tsan_func_exit(void)
{
    struct rc_ctx *c = rc_self.ctx;
    if (likely(c != NULL) && likely(c->top != c->frames))
        c->top--;
}

/* ---- memory functions of newer compilers ---- */

EXPORT void *__tsan_memcpy(void *dst, const void *src, size_t n);
EXPORT void *__tsan_memcpy(void *dst, const void *src, size_t n)
{
    shadow_access_slow((uintptr_t)src, n, ACC_READ, CALLER_PC);
    shadow_access_slow((uintptr_t)dst, n, ACC_WRITE, CALLER_PC);
    struct rc_thread was = rc_enter();
    memcpy(dst, src, n);
    rc_leave(was);
    return dst;
}

EXPORT void *__tsan_memmove(void *dst, const void *src, size_t n);
EXPORT void *__tsan_memmove(void *dst, const void *src, size_t n)
{
    shadow_access_slow((uintptr_t)src, n, ACC_READ, CALLER_PC);
    shadow_access_slow((uintptr_t)dst, n, ACC_WRITE, CALLER_PC);
    struct rc_thread was = rc_enter();
    memmove(dst, src, n);
    rc_leave(was);
    return dst;
}

EXPORT void *__tsan_memset(void *dst, int c, size_t n);
EXPORT void *__tsan_memset(void *dst, int c, size_t n)
{
    shadow_access_slow((uintptr_t)dst, n, ACC_WRITE, CALLER_PC);
    struct rc_thread was = rc_enter();
    memset(dst, c, n);
    rc_leave(was);
    return dst;
}

/* ---- order ---- */

EXPORT void __tsan_acquire(void *p);
EXPORT void __tsan_acquire(void *p)
{
    rc_acquire(rc_self.ctx, p);
}

EXPORT void __tsan_release(void *p);
EXPORT void __tsan_release(void *p)
{
    rc_release_merge(rc_self.ctx, p);
}

/* A real barrier for tests that the detector does not see.  The word is count in the low half and
 * the number of arrivals so far in the high half. */
EXPORT void __tsan_testonly_barrier_init(uint64_t *barrier, unsigned count);
EXPORT void __tsan_testonly_barrier_init(uint64_t *barrier, unsigned count)
{
    *barrier = count;
}

EXPORT void __tsan_testonly_barrier_wait(uint64_t *barrier);
EXPORT void __tsan_testonly_barrier_wait(uint64_t *barrier)
{
    uint32_t *arrived = (uint32_t *)barrier + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    uint64_t was = at_add_acq_rel(barrier, UINT64_C(1) << 32); /* [test-barrier] */
    uint32_t count = (uint32_t)was, mine = (uint32_t)(was >> 32), round = mine / count;
    if ((mine + 1) % count == 0) {
        rt_futex_wake(arrived, INT32_MAX);
        return;
    }
    for (;;) {
        uint32_t now = at_load_acq(arrived); /* [test-barrier] */
        if (now / count != round)
            return;
        rt_futex_wait(arrived, now, -1);
    }
}

/* ---- what is not recorded ---- */

static void ignore(int reads, int writes)
{
    struct rc_ctx *c = rc_self.ctx;
    if (c == NULL)
        return;
    c->ignored[0] += (unsigned)reads;
    c->ignored[1] += (unsigned)writes;
}

EXPORT void __tsan_ignore_thread_begin(void);
EXPORT void __tsan_ignore_thread_begin(void)
{
    ignore(1, 1);
}

EXPORT void __tsan_ignore_thread_end(void);
EXPORT void __tsan_ignore_thread_end(void)
{
    ignore(-1, -1);
}

/* ---- locks that the program annotates ----
 *
 * A lock has two clocks: at its address what writers release, at the next byte what readers do. */

enum {
    MUTEX_READ_LOCK = 1 << 3,
    MUTEX_TRY_LOCK_FAILED = 1 << 5,
};

static void *readers_of(void *m)
{
    return (char *)m + 1;
}

EXPORT void __tsan_mutex_create(void *m, unsigned flags);
EXPORT void __tsan_mutex_create(void *m, unsigned flags)
{
    (void)flags;
    rc_forget(m, 2);
}

EXPORT void __tsan_mutex_destroy(void *m, unsigned flags);
EXPORT void __tsan_mutex_destroy(void *m, unsigned flags)
{
    (void)flags;
    rc_forget(m, 2);
}

EXPORT void __tsan_mutex_pre_lock(void *m, unsigned flags);
EXPORT void __tsan_mutex_pre_lock(void *m, unsigned flags)
{
    (void)m, (void)flags;
    rc_disable(rc_self.ctx);
}

EXPORT void __tsan_mutex_post_lock(void *m, unsigned flags, int recursion);
EXPORT void __tsan_mutex_post_lock(void *m, unsigned flags, int recursion)
{
    (void)recursion;
    struct rc_ctx *c = rc_self.ctx;
    rc_enable(c);
    if (flags & MUTEX_TRY_LOCK_FAILED)
        return;
    rc_acquire(c, m);
    if (!(flags & MUTEX_READ_LOCK))
        rc_acquire(c, readers_of(m));
    rc_lock_taken(c, m, !(flags & MUTEX_READ_LOCK), "mutex", CALLER_PC);
}

EXPORT int __tsan_mutex_pre_unlock(void *m, unsigned flags);
EXPORT int __tsan_mutex_pre_unlock(void *m, unsigned flags)
{
    struct rc_ctx *c = rc_self.ctx;
    rc_lock_dropped(c, m);
    if (flags & MUTEX_READ_LOCK)
        rc_release_merge(c, readers_of(m));
    else
        rc_release(c, m);
    rc_disable(c);
    return 1;
}

EXPORT void __tsan_mutex_post_unlock(void *m, unsigned flags);
EXPORT void __tsan_mutex_post_unlock(void *m, unsigned flags)
{
    (void)m, (void)flags;
    rc_enable(rc_self.ctx);
}

/* Signalling and work done for somebody else inside a lock's code: not the user's accesses. */
#define BRACKET(begin, toggle)                  \
    EXPORT void begin(void *m, unsigned flags); \
    EXPORT void begin(void *m, unsigned flags)  \
    {                                           \
        (void)m, (void)flags;                   \
        toggle(rc_self.ctx);                    \
    }
BRACKET(__tsan_mutex_pre_signal, rc_disable)
BRACKET(__tsan_mutex_post_signal, rc_enable)
BRACKET(__tsan_mutex_pre_divert, rc_enable)
BRACKET(__tsan_mutex_post_divert, rc_disable)
