/* sanitize.h - telling the compilers' sanitizers, and valgrind, which stack a thread is on.
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
 * ThreadSanitizer (the compiler's own, in a build for tests only) takes each goroutine for a thread
 * of its own, a "fiber", and follows the same announcements.  What a thread does on one stack comes
 * before what it does on the next, so a switch is an edge; the edge from the M that left a
 * goroutine to the one that enters it is not given, and both write a word of the goroutine, so that
 * a missing one is a race.  TSan also keeps a stack of calls, which the scheduler's functions never
 * return from: after a switch the M unwinds it by longjmp() to worker_main().
 *
 * Without a sanitizer all of that is empty.  Valgrind is told less: which memory is a stack,
 * or it takes a switch to one nearby for a large frame; and that the stack of a goroutine that
 * begins may be used.  It is told where its header was there when the library was built, and costs
 * a predicted branch at a stack's first use. */
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

/* Only in our own objects: the detector has programs compiled with the same option. */
#if defined(__SANITIZE_THREAD__)
#define GO_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GO_TSAN 1
#endif
#endif
#ifndef GO_TSAN
#define GO_TSAN 0
#endif

#if defined(__has_include) && !GO_ASAN && !GO_TSAN
#if __has_include(<valgrind/memcheck.h>)
#define GO_VALGRIND 1
#endif
#endif
#ifndef GO_VALGRIND
#define GO_VALGRIND 0
#endif

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#if GO_VALGRIND
#include <valgrind/memcheck.h>
#endif

/* Does valgrind run this program?  Set before main(). */
extern bool san_on_valgrind;

/* The memory from lo to hi is a stack from now on. */
static inline void san_stack_made(const void *lo, const void *hi)
{
#if GO_VALGRIND
    if (san_on_valgrind)
        VALGRIND_STACK_REGISTER(lo, hi);
#else
    (void)lo;
    (void)hi;
#endif
}

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

/* From the thread's own stack to a goroutine's. */
#define san_resume(m, g) san_leave(m, g)

/* The same around a call on another stack that comes back. */
#define san_lend(from, to) san_leave(from, to)
#define san_back(now)      san_enter(now)

/* The function that switch_call() shall call so that fn runs on s, the thread's own stack. */
#define san_saved(s, fn) (fn)

/* The goroutine on s has ended, and been left. */
#define san_end(s) ((void)0)

#else

#if GO_TSAN

#include <sanitizer/tsan_interface.h>

struct san_stack {
    void *fiber;           /* NULL: not yet run */
    uint64_t handed;       /* written by each M that enters or leaves it */
    void (*saved)(void *); /* of an M: what to run after longjmp() */
};

enum { SAN_ANEW = 2 }; /* longjmp() to worker_main(): run saved */

/* To worker_main(), where m->san.saved(m) runs. */
_Noreturn void san_anew(void *m);

static inline void san_stack_init(struct san_stack *s, const void *lo, size_t bytes)
{
    (void)lo;
    (void)bytes;
    *s = (struct san_stack){0};
}

/* Inline, as a function entered in one fiber must not return in another. */
__attribute__((always_inline)) static inline void san_resume(struct san_stack *m,
                                                             struct san_stack *g)
{
    if (!m->fiber)
        m->fiber = __tsan_get_current_fiber();
    if (!g->fiber)
        g->fiber = __tsan_create_fiber(0);
    g->handed++;
    __tsan_switch_to_fiber(g->fiber, 0);
}

__attribute__((always_inline)) static inline void san_leave(struct san_stack *g,
                                                            struct san_stack *m)
{
    __tsan_switch_to_fiber(m->fiber, 0);
    if (g)
        g->handed++;
}

__attribute__((always_inline)) static inline void (*san_saved(struct san_stack *s,
                                                              void (*fn)(void *)))(void *)
{
    s->saved = fn;
    return san_anew;
}

static inline void san_end(struct san_stack *s)
{
    __tsan_destroy_fiber(s->fiber);
    s->fiber = NULL;
}

#else

struct san_stack {
};

#define san_stack_init(s, lo, bytes) ((void)(s), (void)(lo), (void)(bytes))
#define san_leave(from, to)          ((void)0)
#define san_resume(m, g)             ((void)0)
#define san_saved(s, fn)             (fn)
#define san_end(s)                   ((void)0)

#endif

#define san_enter(now)     ((void)0)
#define san_lend(from, to) ((void)0)
#define san_back(now)      ((void)0)

static inline void san_unpoison(const void *p, size_t n)
{
#if GO_VALGRIND
    if (__builtin_expect(san_on_valgrind, 0))
        VALGRIND_MAKE_MEM_UNDEFINED(p, n);
#else
    (void)p;
    (void)n;
#endif
}

#endif

/* memcpy(), mostly of 32 or 64 bytes, that may read more of the caller's frame than belongs to one
 * object, and words that others change meanwhile; what it copied of those is not used. */
#if GO_ASAN || GO_TSAN
__attribute__((no_sanitize("address", "undefined", "thread"), noinline, unused)) static void
san_copy_frame(void *to, const void *from, size_t n)
{
    volatile char *d = to;
    const volatile char *s = from;
    for (; n > 0; n--)
        *d++ = *s++;
}
#else
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
