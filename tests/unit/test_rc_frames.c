/* test_rc_frames.c - the stack of the running flow, as calls, jumps and what the library calls
 * leave it.  Links without the runtime: racecheck/ and base/ alone. */
#include <criterion/criterion.h>
#include <string.h>
#include "ctx.h"
#include "pool.h"
#include "rand.h"
#include "rc_double.h"
#include "report.h"

void __tsan_func_entry(void *);
void __tsan_func_exit(void);

static size_t depth(void)
{
    uintptr_t pc[8];
    return rc_stack_of(rc_here(rc_current(), 1), pc, 8, NULL) - 1;
}

static __attribute__((noinline)) void deeper(int n, size_t *ret_depth)
{
    __tsan_func_entry(__builtin_return_address(0));
    if (n > 0)
        deeper(n - 1, ret_depth);
    else
        *ret_depth = depth();
    __asm__ volatile(""); /* not a tail call */
    __tsan_func_exit();
}

Test(rc_ctx, the_stack_grows_and_shrinks_with_the_calls)
{
    size_t d;
    rc_init(NULL);
    deeper(5000, &d);
    cr_assert_eq(d, 5001);
    cr_assert_eq(depth(), 0);
    __tsan_func_exit(); /* one too many does no harm */
    cr_assert_eq(depth(), 0);
}

Test(rc_ctx, what_the_library_calls_stands_below_the_call_of_the_library)
{
    uintptr_t pc[8];
    rc_init(NULL);
    __tsan_func_entry((void *)0x1000);
    size_t was = rc_calls_back(0x2000, NULL);
    __tsan_func_entry((void *)0x3000); /* it never exits */
    cr_assert_eq(rc_stack_of(rc_here(rc_current(), 1), pc, 8, NULL), 4);
    cr_assert_eq(pc[1], 0x3000);
    cr_assert_eq(pc[2], 0x2000);
    cr_assert_eq(pc[3], 0x1000);
    rc_called_back(was);
    cr_assert_eq(depth(), 1);
}

static __attribute__((noinline)) void jump_out(int n, uintptr_t sp)
{
    volatile char here = 0;
    __tsan_func_entry(__builtin_return_address(0));
    if (n > 0)
        jump_out(n - 1, sp);
    else
        rc_unwound(sp);
    (void)here;
    __asm__ volatile("");
}

/* The caller's stack pointer. */
static __attribute__((noinline)) uintptr_t stack_pointer(void)
{
    return (uintptr_t)__builtin_dwarf_cfa();
}

Test(rc_ctx, a_longjmp_drops_the_frames_it_skips)
{
    rc_init(NULL);
    __tsan_func_entry((void *)0x1000);
    __tsan_func_entry((void *)0x2000);
    jump_out(10, stack_pointer()); /* its calls never exit */
    cr_assert_eq(depth(), 2);
}

/* Calls and returns at random: a place calls one, two or many in turn. */
Test(rc_ctx, the_stack_is_that_of_the_calls_whichever_came_before)
{
    enum { DEEPEST = 12 };
    struct rt_rand r = {.state = 7};
    uintptr_t called[DEEPEST], pc[DEEPEST + 1];
    size_t n = 0;
    rc_init(NULL);
    for (int i = 0; i < 100000; i++) {
        if (n == DEEPEST || (n > 0 && rand_below(&r, 2))) {
            __tsan_func_exit();
            n--;
            continue;
        }
        called[n] = 0x1000 * (1 + rand_below(&r, 1 + n));
        __tsan_func_entry((void *)called[n++]);
        cr_assert_eq(rc_stack_of(rc_here(rc_current(), 1), pc, DEEPEST + 1, NULL), n + 1);
        for (size_t k = 0; k < n; k++)
            cr_assert_eq(pc[1 + k], called[n - 1 - k]);
    }
}

/* What the frames of a handler lay in goes back for what it is: no block is given out twice. */
Test(rc_ctx, frames_of_a_handler_that_calls_deeply_go_back)
{
    enum { EACH = 64, LOG_MIN = 9, LOG_MAX = 14 };
    static char *block[LOG_MAX][EACH];
    struct rc_interrupted was;
    size_t d;
    rc_init(NULL);
    rc_handler_begin(&was);
    deeper(200, &d);
    cr_assert_eq(d, 201);
    rc_handler_end(&was);
    for (int log = LOG_MAX - 1; log >= LOG_MIN; log--)
        for (int i = 0; i < EACH; i++)
            block[log][i] = memset(rc_alloc((size_t)1 << log), log, (size_t)1 << log);
    for (int log = LOG_MIN; log < LOG_MAX; log++)
        for (int i = 0; i < EACH; i++)
            for (int at = 0; at < 1 << log; at++)
                cr_assert_eq(block[log][i][at], log);
}

/* The handler comes while the next call's frame is written, and is left by a jump. */
Test(rc_ctx, a_call_that_was_never_made_whole_is_not_found_again)
{
    uintptr_t pc[8];
    struct rc_interrupted was;
    rc_init(NULL);
    struct rc_ctx *c = rc_current();
    for (uintptr_t call = 0x1000; call <= 0x3000; call += 0x1000) {
        __tsan_func_entry((void *)call);
        __tsan_func_exit();
    }
    c->top[1].node = c->top[1].other_node; /* its first store: 0x2000 is called again */
    rc_handler_begin(&was);
    rc_handler_end(&was);
    __tsan_func_entry((void *)0x3000);
    cr_assert_eq(rc_stack_of(rc_here(c, 1), pc, 8, NULL), 2);
    cr_assert_eq(pc[1], 0x3000);
}
