/* sanitize.h - telling AddressSanitizer which stack a thread is on.
 *
 * ASan keeps, per thread, the bounds of its stack (to unpoison frames that are left by longjmp() or
 * a call that does not return) and, when it looks for uses after return, a second "fake" stack.
 * Both must follow a change of stacks, which is announced in two steps: san_leave() before it, on
 * the old stack, and san_enter() as the first thing on the new one.
 *
 *     from \ to     goroutine                          scheduler (the thread's own stack)
 *     goroutine     -                                  rt_park, rt_yield, rt_exit -> ..._saved
 *     scheduler     sched_execute -> after the call    -
 *                   that left, or switch_entry
 *
 * The scheduler starts anew each time, but its fake stack is kept: its dead frames there are
 * collected by ASan itself.  A goroutine's is dropped when it ends, and its real stack is
 * unpoisoned, because go_exit() leaves frames in the middle.
 *
 * Without -fsanitize=address all of this is empty. */
#ifndef ARCH_SANITIZE_H
#define ARCH_SANITIZE_H

#if defined(__SANITIZE_ADDRESS__)
#define GO_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GO_ASAN 1
#endif
#endif
#ifndef GO_ASAN
#define GO_ASAN 0
#endif

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <string.h>

#if GO_ASAN

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* One of a thread's stacks. */
struct san_stack {
    const void *lo;
    size_t bytes;
    void *fake; /* while the thread is on another one; by who is on it */
};

static inline void san_stack_init(struct san_stack *s, const void *lo, size_t bytes)
{
    s->lo = lo;
    s->bytes = bytes;
    s->fake = NULL;
}

/* The thread is about to leave from for to.  from NULL: for ever. */
static inline void san_leave(struct san_stack *from, const struct san_stack *to)
{
    __sanitizer_start_switch_fiber(from ? &from->fake : NULL, to->lo, to->bytes);
}

/* The thread has arrived on now. */
static inline void san_enter(struct san_stack *now)
{
    __sanitizer_finish_switch_fiber(now->fake, NULL, NULL);
}

static inline void san_unpoison(const void *p, size_t n)
{
    __asan_unpoison_memory_region(p, n);
}

/* memcpy() that may read more of the caller's frame than belongs to one object. */
__attribute__((no_sanitize("address", "undefined"))) static inline void
san_copy_frame(void *to, const void *from, size_t n)
{
    volatile char *d = to;
    const volatile char *s = from;
    for (; n > 0; n--)
        *d++ = *s++;
}

#else

struct san_stack {
};

#define san_stack_init(s, lo, bytes) ((void)(s), (void)(lo), (void)(bytes))
#define san_leave(from, to)          ((void)0)
#define san_enter(now)               ((void)0)
#define san_unpoison(p, n)           ((void)0)

/* memcpy() without the call: mostly 32 or 64 bytes. */
static inline void san_copy_frame(void *to, const void *from, size_t n)
{
    char *d = to;
    const char *s = from;
    for (; n >= 16; n -= 16, d += 16, s += 16) {
        memcpy(d, s, 16);
        __asm__ volatile("" ::: "memory"); /* or the compiler makes a call of the loop */
    }
    memcpy(d, s, n);
}

#endif
#endif
#endif
