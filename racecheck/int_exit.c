/* int_exit.c - interceptors of what leaves a function or a process.
 *
 * exit(3) needs none: report.c has registered with it.  longjmp() skips the func_exit calls of the
 * frames it jumps over; the engine is told the stack pointer of the target, which glibc keeps in
 * the jmp_buf, scrambled with a word that is found out once with a jmp_buf of our own. */
#include "ctx.h"
#include "fds.h"
#include "heap.h"
#include "intercept.h"
#include "owner.h"
#include "quarantine.h"
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>

INTERCEPT(_Noreturn void, _exit, (int status))
{
    rt_real__exit(rc_fini(status));
    __builtin_unreachable();
}

INTERCEPT(_Noreturn void, _Exit, (int status))
{
    rt_real__exit(rc_fini(status));
    __builtin_unreachable();
}

/* ---- fork ----
 * Nobody is inside the engine's tables while the process is copied.  Handlers of
 * pthread_atfork() see to that, and are the first that are registered: so libc calls the one before
 * the fork after all of the program's, and those behind it before all of the program's, which may
 * use and close what they like.  (Rejected: to stand in front of fork(); the program's handlers
 * would run inside, and the forks of daemon(3) and forkpty(3) would not be seen.) */

static struct rc_thread forker; /* under threads_hold() */

static void fork_begins(void)
{
    fds_given_away(rc_current());
    struct rc_thread was = rc_enter();
    threads_hold();
    gate_shut();
    heap_hold();
    quarantine_hold();
    forker = was;
}

static void fork_over(void)
{
    struct rc_thread was = forker;
    gate_open();
    threads_let_go();
    rc_leave(was);
}

static void fork_over_in_parent(void)
{
    quarantine_let_go();
    heap_let_go();
    fork_over();
}

/* The child has one thread, and no part in the parent's verdict. */
static void fork_over_in_child(void)
{
    quarantine_let_go();
    heap_let_go();
    gate_forked();
    owner_forked();
    rc_report_forked();
    ctx_forked(forker.ctx);
    fork_over();
    load_forked();
}

/* Before the program's constructors, or by one of a library. */
__attribute__((constructor(101))) void watch_forks(void)
{
    static bool watched;
    if (!watched)
        pthread_atfork(fork_begins, fork_over_in_parent, fork_over_in_child);
    watched = true;
}

/* ---- longjmp ---- */

#if defined(__x86_64__)
enum { SP_AT = 6, ROTATED = 17 }; /* xor with the guard, then rotate left by 17 */
#elif defined(__aarch64__)
enum { SP_AT = 13, ROTATED = 0 }; /* xor with the guard */
#endif

static uintptr_t unrotated(uintptr_t v)
{
    return ROTATED ? v >> ROTATED | v << (64 - ROTATED) % 64 : v;
}

static uintptr_t word_of(const void *env)
{
    uintptr_t v;
    memcpy(&v, (const char *)env + SP_AT * sizeof v, sizeof v);
    return v;
}

/* Our own stack pointer before and after scrambling gives the guard. */
static __attribute__((noinline)) uintptr_t find_guard(void)
{
    jmp_buf here;
    uintptr_t sp;
    if (_setjmp(here))
        return 0;
#if defined(__x86_64__)
    __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
#else
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#endif
    return unrotated(word_of(here)) ^ sp;
}

static void jumps(const void *env)
{
    static uintptr_t guard;
    if (!rc_current())
        return;
    if (!guard)
        guard = find_guard();
    uintptr_t sp = unrotated(word_of(env)) ^ guard;
    int_signal_jumps(sp);
    rc_unwound(sp);
}

#define JUMP(name)                                                        \
    INTERCEPT(_Noreturn void, name, (struct __jmp_buf_tag env[1], int v)) \
    {                                                                     \
        static void (*real)(struct __jmp_buf_tag *, int);                 \
        if (!real)                                                        \
            real = (__typeof__(real))dlsym(RTLD_NEXT, #name);             \
        jumps(env);                                                       \
        real(env, v);                                                     \
        __builtin_unreachable();                                          \
    }
JUMP(longjmp)
JUMP(_longjmp)
JUMP(siglongjmp)
JUMP(__longjmp_chk)
