/* test_unwind.c - stacks of this thread, of a context that does not run, below a signal, and of a
 * flow whose first frame has no caller. */
#include "unwind.h"
#include <criterion/criterion.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { DEEP = 20, ROOM = 64 };

/* ret_at: the return address of each call of recurse(), outermost first. */
static uintptr_t ret_at[DEEP + 1], pcs[ROOM];

__attribute__((noinline)) static size_t recurse(int n, size_t max, size_t skip)
{
    ret_at[DEEP - n] = (uintptr_t)__builtin_return_address(0);
    size_t got = n ? recurse(n - 1, max, skip) : unwind_here(pcs, max, skip);
    __asm__ volatile("" ::: "memory"); /* no tail call */
    return got;
}

Test(unwind, every_frame_innermost_first)
{
    size_t n = recurse(DEEP, ROOM, 0);
    cr_assert_gt(n, DEEP + 1);
    for (int i = 0; i <= DEEP; i++)
        cr_expect_eq(pcs[1 + i], ret_at[DEEP - i], "frame %d", 1 + i);
}

Test(unwind, skip_drops_the_innermost)
{
    size_t whole = recurse(DEEP, ROOM, 0);
    size_t n = recurse(DEEP, ROOM, 3);
    cr_expect_eq(n, whole - 3);
    cr_expect_eq(pcs[0], ret_at[DEEP - 2]);
    cr_expect_eq(recurse(DEEP, ROOM, 1000), 0);
}

Test(unwind, max_drops_the_outermost)
{
    memset(pcs, 0, sizeof pcs);
    cr_expect_eq(recurse(DEEP, 5, 2), 5);
    cr_expect_eq(pcs[0], ret_at[DEEP - 1]);
    cr_expect_eq(pcs[4], ret_at[DEEP - 5]);
    cr_expect_eq(pcs[5], 0);
}

/* ---- a flow on its own stack, whose entry has no caller ---- */

#if defined(__x86_64__)
__asm__(".text\n.type flow_entry,@function\n"
        "flow_entry:\n.cfi_startproc\n.cfi_undefined rip\n"
        "subq $8, %rsp\ncall flow_body\nud2\n.cfi_endproc\n.size flow_entry,.-flow_entry\n");
#else
__asm__(".text\n.type flow_entry,%function\n"
        "flow_entry:\n.cfi_startproc\n.cfi_undefined x30\n"
        "bl flow_body\nbrk #1\n.cfi_endproc\n.size flow_entry,.-flow_entry\n");
#endif
void flow_entry(void);

static ucontext_t thread_side, flow_side;
static size_t flow_depth;
static uintptr_t flow_pcs[ROOM], flow_ret;

/* Saves its registers as a runtime does that switches stacks, and leaves. */
__attribute__((noinline)) static void flow_park(void)
{
    flow_ret = (uintptr_t)__builtin_return_address(0);
    swapcontext(&flow_side, &thread_side);
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

__attribute__((used, noinline)) static void flow_body(void)
{
    flow_depth = unwind_here(flow_pcs, ROOM, 0);
    flow_park();
    abort();
}

static void run_flow(void)
{
    static char stack[256 * 1024] __attribute__((aligned(64)));
    getcontext(&flow_side);
    flow_side.uc_stack.ss_sp = stack;
    flow_side.uc_stack.ss_size = sizeof stack;
    makecontext(&flow_side, flow_entry, 0);
    swapcontext(&thread_side, &flow_side);
}

Test(unwind, stack_ends_at_a_frame_without_caller)
{
    run_flow();
    cr_assert_eq(flow_depth, 2);
    cr_expect(flow_pcs[0] > (uintptr_t)flow_body && flow_pcs[0] < (uintptr_t)flow_body + 256);
    cr_expect(flow_pcs[1] > (uintptr_t)flow_entry && flow_pcs[1] < (uintptr_t)flow_entry + 16);
}

Test(unwind, registers_of_a_flow_that_does_not_run)
{
    run_flow();
    struct unwind_regs r;
#if defined(__x86_64__)
    const greg_t *g = flow_side.uc_mcontext.gregs;
    r = (struct unwind_regs){(uintptr_t)g[REG_RIP],
                             (uintptr_t)g[REG_RSP],
                             (uintptr_t)g[REG_RBP],
                             {(uintptr_t)g[REG_RBX], (uintptr_t)g[REG_R12], (uintptr_t)g[REG_R13],
                              (uintptr_t)g[REG_R14], (uintptr_t)g[REG_R15]}};
#else
    const mcontext_t *g = &flow_side.uc_mcontext;
    /* from where swapcontext() was called, as switch_call() saves it: its own pc has no unwind
     * information in glibc */
    uintptr_t ret = g->regs[30] == g->pc ? g->regs[1] : g->regs[30];
    r = (struct unwind_regs){ret, g->sp, g->regs[29], {0}};
    memcpy(r.callee_saved, &g->regs[19], 10 * sizeof(uintptr_t));
    r.callee_saved[10] = g->regs[30];
#endif
    size_t n = unwind_regs(&r, pcs, ROOM);
    cr_assert_geq(n, 3); /* flow_park, flow_body, flow_entry; a sanitizer's swapcontext before */
    cr_expect_eq(pcs[0], r.pc);
    cr_expect_eq(pcs[n - 2], flow_ret);
    cr_expect_eq(pcs[n - 1], flow_pcs[1]);
    cr_expect_eq(unwind_regs(&r, pcs, 2), 2);
    cr_expect_eq(unwind_regs(&r, pcs, 0), 0);
}

Test(unwind, flow_that_never_ran_shows_its_entry)
{
    static char stack[4096] __attribute__((aligned(64)));
    struct unwind_regs r = {.pc = (uintptr_t)flow_entry, .sp = (uintptr_t)stack + sizeof stack};
    cr_assert_eq(unwind_regs(&r, pcs, ROOM), 1);
    cr_expect_eq(pcs[0], (uintptr_t)flow_entry);
}

/* ---- below a signal ---- */

static sigjmp_buf after_fault;
static volatile size_t fault_depth;
static volatile uintptr_t fault_ret; /* written before the fault */

static void on_fault(int sig, siginfo_t *info, void *ucontext)
{
    (void)sig, (void)info;
    fault_depth = unwind_ucontext(ucontext, pcs, ROOM);
    siglongjmp(after_fault, 1);
}

static void catch_faults(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &sa, NULL);
}

__attribute__((noinline)) __attribute__((no_sanitize("undefined"))) static void
touch(volatile int *p)
{
    fault_ret = (uintptr_t)__builtin_return_address(0);
    *p = 1;
}

__attribute__((noinline)) static void call(void (*volatile fn)(void))
{
    fault_ret = (uintptr_t)__builtin_return_address(0);
    fn();
    __asm__ volatile("" ::: "memory");
}

Test(unwind, fault_begins_with_the_faulting_function)
{
    catch_faults();
    if (sigsetjmp(after_fault, 1) == 0)
        touch(NULL);
    cr_assert_gt(fault_depth, 2);
    cr_expect(pcs[0] >= (uintptr_t)touch && pcs[0] < (uintptr_t)touch + 256);
    cr_expect_eq(pcs[1], fault_ret);
}

Test(unwind, call_through_null_shows_the_caller)
{
    catch_faults();
    if (sigsetjmp(after_fault, 1) == 0)
        call(NULL);
    cr_assert_gt(fault_depth, 3);
    cr_expect_eq(pcs[0], 0);
    cr_expect(pcs[1] >= (uintptr_t)call && pcs[1] < (uintptr_t)call + 256);
    cr_expect_eq(pcs[2], fault_ret);
}

/* ---- what a walk depends on ---- */

enum { HERE = 1 }; /* its own frame */

static struct unwind_words words;
static uintptr_t walked[ROOM];
static size_t walked_n;

__attribute__((noinline)) static void walk_caller(size_t max)
{
    struct unwind_frame f = UNWIND_CALLER();
    walked_n = unwind_frame(&f, walked, max, &words);
    size_t n = unwind_here(pcs, max, HERE);
    cr_assert_eq(walked_n, n);
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(walked[i], pcs[i], "frame %zu", i);
    for (uint32_t i = 0; i < words.n; i++)
        cr_expect_eq(*(uintptr_t *)words.word[i].at, words.word[i].value);
}

__attribute__((noinline)) static void walk_deep(int n, size_t max)
{
    if (n)
        walk_deep(n - 1, max);
    else
        walk_caller(max);
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

/* Each return address is among the words. */
Test(unwind, a_walk_tells_what_it_has_read)
{
    walk_deep(5, ROOM);
    cr_expect(words.whole);
    size_t met = 1; /* the first pc came with the frame */
    for (uint32_t i = 0; i < words.n; i++)
        met += met < walked_n && words.word[i].value == walked[met];
    cr_expect_eq(met, walked_n, "%zu of %zu", met, walked_n);
}

Test(unwind, a_walk_of_few_frames_has_read_few_words)
{
    walk_deep(DEEP, 3);
    cr_expect_eq(walked_n, 3);
    cr_expect(words.whole);
    cr_expect_leq(words.n, 4);
}

Test(unwind, more_words_than_there_is_room_for)
{
    walk_deep(UNWIND_WORDS_MAX + 10, ROOM);
    cr_expect_gt(walked_n, UNWIND_WORDS_MAX);
    cr_expect_not(words.whole);
}

static void in_handler(int sig)
{
    (void)sig;
    walk_caller(ROOM);
}

Test(unwind, a_walk_through_a_signal_depends_on_more)
{
    signal(SIGUSR1, in_handler);
    cr_assert_eq(raise(SIGUSR1), 0);
    cr_expect_not(words.whole);
}

#if defined(__x86_64__) && !defined(__clang__)
__attribute__((noinline)) static long realigned(long a, long b, long c, long d, long e, long f,
                                                long on_the_stack)
{
    volatile char room[64] __attribute__((aligned(64))) = {0};
    volatile char *more = __builtin_alloca((size_t)(a + on_the_stack));
    more[0] = 1;
    walk_caller(ROOM);
    return room[0] + a + b + c + d + e + f + on_the_stack + more[0];
}

/* The word that says where such a frame ends is read by an expression. */
Test(unwind, a_walk_through_a_realigned_frame_depends_on_more)
{
    volatile long n = 10;
    cr_expect_eq(realigned(n, n, n, n, n, n, n), 7 * n + 1);
    cr_expect_not(words.whole);
}
#endif
