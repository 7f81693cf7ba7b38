/* test_stackframe.c - the frame that an address on a stack lies in. */
#include <criterion/criterion.h>
#include <pthread.h>
#include "ctx.h"
#include "rc_double.h"
#include "symbol.h"

void __tsan_func_entry(void *retaddr);
void __tsan_func_exit(void);

static struct symbol_place frame;
static struct symbol_local local;

struct pair {
    int a, b;
};

/* Stands for an instrumented function; the compiler would write the first and the last line. */
#define ENTER() __tsan_func_entry(__builtin_return_address(0))

static bool name(uintptr_t addr)
{
    const struct rc_life *me = rc_life_by_stack(addr);
    return me && rc_frame_of(me, addr, &frame) && symbol_local(&frame, addr, &local);
}

__attribute__((noinline)) static void inner(struct pair *of_caller)
{
    int of_mine[3] = {1, 2, 3};
    ENTER();
    __asm__ volatile("" : : "r"(of_mine) : "memory");
    cr_assert(name((uintptr_t)&of_mine[2]), "top frame");
    cr_expect_str_eq(local.name, "of_mine");
    cr_expect_str_eq(local.function, "inner");
    cr_expect_str_eq(local.part, "[2]");
    cr_expect_eq(local.start, (uintptr_t)of_mine);
    cr_expect_eq(frame.cfa, (uintptr_t)__builtin_dwarf_cfa());
    cr_assert(name((uintptr_t)&of_caller->b), "the caller's frame");
    cr_expect_str_eq(local.name, "of_outer");
    cr_expect_str_eq(local.function, "outer");
    cr_expect_str_eq(local.part, ".b");
    cr_expect_eq(local.size, sizeof(struct pair));
    __tsan_func_exit();
}

__attribute__((noinline)) static void outer(void)
{
    struct pair of_outer = {1, 2};
    ENTER();
    inner(&of_outer);
    __asm__ volatile("" : : "r"(&of_outer) : "memory");
    __tsan_func_exit();
}

Test(stackframe, variables_of_the_own_stack)
{
    rc_init(NULL);
    outer();
}

static uintptr_t theirs;
static pthread_barrier_t ready, done;

__attribute__((noinline)) static void waiting(void)
{
    int of_waiting = 7;
    ENTER();
    theirs = (uintptr_t)&of_waiting;
    pthread_barrier_wait(&ready);
    pthread_barrier_wait(&done);
    __asm__ volatile("" : : "r"(&of_waiting) : "memory");
    __tsan_func_exit();
}

static void *thread(void *c)
{
    pthread_attr_t a;
    void *lo;
    size_t size;
    pthread_getattr_np(pthread_self(), &a);
    pthread_attr_getstack(&a, &lo, &size);
    pthread_attr_destroy(&a);
    rc_ctx_stack(c, lo, size);
    rc_switch(c);
    waiting();
    rc_switch(NULL);
    return NULL;
}

Test(stackframe, variables_of_a_flow_that_waits)
{
    pthread_t t;
    rc_init(NULL);
    pthread_barrier_init(&ready, NULL, 2);
    pthread_barrier_init(&done, NULL, 2);
    struct rc_ctx *c = rc_ctx_make(NULL, RC_THREAD, 1, 1, NULL, 0);
    pthread_create(&t, NULL, thread, c);
    pthread_barrier_wait(&ready);
    bool found = name(theirs);
    pthread_barrier_wait(&done);
    pthread_join(t, NULL);
    cr_assert(found);
    cr_expect_str_eq(local.name, "of_waiting");
    cr_expect_str_eq(local.function, "waiting");
    cr_assert_not(rc_frame_of(rc_life_of(c), theirs, &frame), "it has returned");
}
