/* test_switch.c - the context switch and the call capture, on the bare machine.
 *
 * No Criterion and no runtime: the same source is cross-compiled and run under an emulator for the
 * processors we have no machine of.  Stacks are static arrays, the three functions that the
 * assembly calls are ours.  Output is TAP. */
#include <fenv.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "switch.h"

enum { STACK_SIZE = 64 << 10 };

static int tests, failures;

static void report(bool ok, const char *name)
{
    failures += !ok;
    printf("%s %d %s\n", ok ? "ok" : "not ok", ++tests, name);
}

/* Values that only the callee-saved registers hold: every one is alive over move(). */
#define ALIVE(type, seed)                                                              \
    type v0 = (seed), v1 = v0 + 1, v2 = v0 + 2, v3 = v0 + 3, v4 = v0 + 4, v5 = v0 + 5, \
         v6 = v0 + 6, v7 = v0 + 7, v8 = v0 + 8, v9 = v0 + 9
#define SUM_ALIVE \
    (v0 + v1 * 2 + v2 * 3 + v3 * 5 + v4 * 7 + v5 * 11 + v6 * 13 + v7 * 17 + v8 * 19 + v9 * 23)
#define SUM_OF(seed)                                                                      \
    ((seed) + ((seed) + 1) * 2 + ((seed) + 2) * 3 + ((seed) + 3) * 5 + ((seed) + 4) * 7 + \
     ((seed) + 5) * 11 + ((seed) + 6) * 13 + ((seed) + 7) * 17 + ((seed) + 8) * 19 +      \
     ((seed) + 9) * 23)

__attribute__((noinline)) static long sum_over(long seed, void (*move)(void))
{
    ALIVE(long, seed);
    __asm__ volatile("" : "+r"(v0), "+r"(v1), "+r"(v2), "+r"(v3), "+r"(v4));
    __asm__ volatile("" : "+r"(v5), "+r"(v6), "+r"(v7), "+r"(v8), "+r"(v9));
    move();
    return SUM_ALIVE;
}

__attribute__((noinline)) static double float_sum_over(double seed, void (*move)(void))
{
    ALIVE(double, seed);
    __asm__ volatile("" ::: "memory");
    move();
    return SUM_ALIVE;
}

/* ---- switch_onto ---- */

static _Alignas(16) char stack_a[STACK_SIZE], stack_b[STACK_SIZE];

static bool lies_in(const void *p, const char *stack)
{
    return (const char *)p >= stack && (const char *)p < stack + STACK_SIZE;
}

struct onto {
    bool was_there, was_aligned;
    long sum;
};

static void nothing(void)
{
}

static void on_other_stack(void *arg)
{
    struct onto *o = arg;
    _Alignas(16) char local[16] = {0};
    o->was_there = lies_in(local, stack_a);
    o->was_aligned = ((uintptr_t)__builtin_frame_address(0) & 15) == 0;
    o->sum = sum_over(5, nothing);
}

static struct onto onto;

static void move_onto(void)
{
    switch_onto(stack_a + STACK_SIZE, on_other_stack, &onto);
}

static void test_onto(void)
{
    long sum = sum_over(1000, move_onto);
    report(onto.was_there && onto.was_aligned, "switch_onto runs the function on the other stack");
    report(sum == SUM_OF(1000l) && onto.sum == SUM_OF(5l),
           "switch_onto keeps the caller's registers");
}

/* ---- two goroutines that take turns ---- */

static struct switch_ctx ctx_main, ctx_task;
static char *task_stack; /* its top */
static bool task_done;

static void resume_task(void *unused)
{
    (void)unused;
    switch_jump(&ctx_task);
}

static void resume_main(void *unused)
{
    (void)unused;
    switch_jump(&ctx_main);
}

/* As the scheduler does it: leave for a stack of its own, from there enter the other. */
static void to_task(void)
{
    switch_call(&ctx_main, stack_b + STACK_SIZE, resume_task, NULL);
}

static void to_main(void)
{
    switch_call(&ctx_task, stack_b + STACK_SIZE, resume_main, NULL);
}

/* Called under AddressSanitizer only. */
void rt_goroutine_begin(void)
{
}

_Noreturn void rt_goroutine_end(void)
{
    task_done = true;
    switch_jump(&ctx_main);
}

/* Lays a task out on stack_a the way a goroutine's stack is: registers, then stacked arguments. */
static void make_task(const struct call_regs *regs, const void *stacked, size_t bytes)
{
    char *at = stack_a + STACK_SIZE - ((bytes + 15) & ~(size_t)15);
    memcpy(at, stacked, bytes);
    struct call_regs *copy = (struct call_regs *)at - 1;
    *copy = *regs;
    task_stack = (char *)copy;
    task_done = false;
    switch_init(&ctx_task, copy);
    switch_fp(&ctx_task.modes);
}

enum { TURNS = 1000 };

static long task_sum;
static double task_float_sum;
static int task_rounding;

static void take_turns(long seed)
{
    fesetround(FE_UPWARD);
    for (int i = 0; i < TURNS; i++) {
        task_sum += sum_over(seed + i, to_main) == SUM_OF(seed + i);
        task_float_sum += float_sum_over((double)i, to_main) == SUM_OF((double)i);
    }
    task_rounding = fegetround();
}

static void test_turns(void)
{
    struct call_regs regs = {.gpr = {77}, .fn = (uintptr_t)take_turns};
    fesetround(FE_DOWNWARD);
    make_task(&regs, "", 0);
    int sums = 0, roundings = 0, turns = 0;
    while (!task_done) {
        sums += sum_over(turns, to_task) == SUM_OF((long)turns);
        sums += task_done || float_sum_over(turns + 0.5, to_task) == SUM_OF(turns + 0.5);
        roundings += fegetround() == FE_DOWNWARD;
        turns++;
    }
    report(turns == TURNS + 1, "every turn came back");
    report(sums == 2 * turns, "a switch keeps the registers of who leaves");
    report(task_sum == TURNS, "and those of who is left");
    report(task_float_sum == TURNS, "floating-point registers too");
    report(roundings == turns && task_rounding == FE_UPWARD, "each has its own rounding mode");
    fesetround(FE_TONEAREST);
}

/* ---- calls captured by the stub ---- */

static struct call_regs captured;
static char captured_stack[256];
static uintptr_t captured_pc;
static void *captured_fn;

void rt_go_call(const struct call_regs *regs, const void *stacked, uintptr_t pc)
{
    captured = *regs;
    captured.fn = (uintptr_t)captured_fn;
    captured_pc = pc;
    memcpy(captured_stack, stacked, sizeof(captured_stack));
}

static bool defer_called;

void rt_defer_call(const struct call_regs *regs, const void *stacked, uintptr_t pc)
{
    (void)stacked;
    (void)pc;
    defer_called = regs->gpr[0] == 42;
}

struct small {
    long a;
    double b;
};

static char seen[512];

static void many(int a, double b, const char *c, float d, long e, struct small f, long g, long h,
                 short i, double j, double k, double l, double m, double n, double o, double p,
                 long q)
{
    snprintf(seen, sizeof(seen), "%d %g %s %g %ld %ld %g %ld %ld %d %g %g %g %g %g %g %g %ld", a, b,
             c, (double)d, e, f.a, f.b, g, h, i, j, k, l, m, n, o, p, q);
}
#define MANY_ARGS                                                                               \
    -1, 2.5, "text", 3.5f, 1L << 40, (struct small){6, 6.5}, 7, 8, (short)-9, 10.5, 11.5, 12.5, \
        13.5, 14.5, 15.5, 16.5, 17L
static const char many_seen[] =
    "-1 2.5 text 3.5 1099511627776 6 6.5 7 8 -9 10.5 11.5 12.5 13.5 14.5 15.5 16.5 17";

static void variadic(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(seen, sizeof(seen), fmt, ap);
    va_end(ap);
}

/* The way of go(fn, args...): the call is made through fn's type, to the stub. */
#define CAPTURE(function, ...)                                                           \
    do {                                                                                 \
        __typeof__(&(function)) stub_ = (__typeof__(&(function)))(void *)switch_go_stub; \
        captured_fn = (void *)(function);                                                \
        __asm__("" : "+r"(stub_));                                                       \
        stub_(__VA_ARGS__);                                                              \
    } while (0)

static void test_capture(void)
{
    CAPTURE(many, MANY_ARGS);
    seen[0] = 0;
    make_task(&captured, captured_stack, sizeof(captured_stack));
    to_task();
    report(task_done && !strcmp(seen, many_seen), "a captured call starts on its own stack");

    seen[0] = 0;
    switch_replay(&captured, captured_stack, sizeof(captured_stack));
    report(!strcmp(seen, many_seen), "a captured call can be replayed");

    seen[0] = 0;
    switch_replay(&captured, captured_stack, sizeof(captured_stack) - 16);
    report(!strcmp(seen, many_seen), "with only as much stack as it needs");

    CAPTURE(variadic, "%d %g %s %d %d %d %g", 1, 2.5, "x", 4, 5, 6, 7.5);
    seen[0] = 0;
    switch_replay(&captured, captured_stack, sizeof(captured_stack));
    report(!strcmp(seen, "1 2.5 x 4 5 6 7.5"), "a variadic function finds its arguments");

    uintptr_t here = (uintptr_t)test_capture;
    report(captured_pc > here && captured_pc < here + 8192, "the stub tells who called it");

    void (*deferred)(long) = (void (*)(long))(void *)switch_defer_stub;
    __asm__("" : "+r"(deferred));
    deferred(42);
    report(defer_called, "the stub of go_defer captures too");
}

int main(void)
{
    puts("1..13");
    test_onto();
    test_turns();
    test_capture();
    return failures ? 1 : 0;
}
