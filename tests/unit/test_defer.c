/* test_defer.c - deferred calls: order, arguments of all sizes, who runs them. */
#include "in_go.h"
#include <pthread.h>
#include "rand.h"
#include "scheduler.h"

static int order[4096], count;

static void note(int n)
{
    order[count] = n;
    __atomic_store_n(&count, count + 1, __ATOMIC_RELEASE); /* another goroutine may look */
}

static void expect_order(const char *what, int n, const int *want)
{
    if (count != n || memcmp(order, want, (size_t)n * sizeof *want)) {
        fprintf(stderr, "%s: %d calls:", what, count);
        for (int i = 0; i < count; i++)
            fprintf(stderr, " %d", order[i]);
        fprintf(stderr, "\n");
        _exit(99);
    }
    count = 0;
    CHECK(rt_self()->defers == NULL);
}
#define EXPECT_ORDER(what, ...)                                           \
    expect_order(what, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), \
                 (const int[]){__VA_ARGS__})

static int returns_early(int n)
{
    go_defer(note, 1);
    if (n == 0)
        return 0;
    go_defer(note, 2);
    for (int i = 10; i < 13; i++) {
        go_defer(note, i);
        if (i == 12)
            break;
        continue;
    }
    {
        go_defer(note, 3);
        if (n == 1)
            goto out;
        go_defer(note, 4);
    }
    {
        go_defer(note, 5);
        return 2;
    }
out:
    return 1;
}

#ifndef __clang__ /* for which this is an error */
static void jumps_over(int n)
{
    go_defer(note, 1);
    if (n == 0)
        goto out;
    go_defer(note, 2);
    note(3);
out:
    note(4);
}

IN_GO(defer, a_call_that_a_goto_jumps_over_is_not_made)
{
    jumps_over(1);
    EXPECT_ORDER("through", 3, 4, 2, 1);
    jumps_over(0);
    EXPECT_ORDER("over", 4, 1);
}
#endif

IN_GO(defer, every_way_out_of_a_block_runs_its_calls)
{
    returns_early(0);
    EXPECT_ORDER("return", 1);
    returns_early(1);
    EXPECT_ORDER("goto", 10, 11, 12, 3, 2, 1);
    returns_early(2);
    EXPECT_ORDER("end", 10, 11, 12, 4, 3, 5, 2, 1);
}

/* ---- arguments ---- */

#if defined(__x86_64__)
enum { BIG = 200 };
#else
enum { BIG = 2 }; /* larger ones are not passed by value: goshawk/base.h, GO_FITS_ */
#endif

struct big {
    long v[BIG];
};

static void take_big(int a, struct big b, double c, struct big d)
{
    for (int i = 0; i < BIG; i++)
        CHECK(b.v[i] == i * 3 && d.v[i] == i * 5);
    CHECK(c == 2.5);
    note(a);
}

static void take_many(int a, int b, int c, int d, int e, int f, long g, char h, float i, double j,
                      long double k, short l)
{
    CHECK(a == 1 && b == 2 && c == 3 && d == 4 && e == 5 && f == 6);
    CHECK(g == 7 && h == 8 && i == 9 && j == 10 && k == 11 && l == 12);
    note(100);
}

IN_GO(defer, arguments_are_those_of_the_statement)
{
    struct big b, d;
    for (int i = 0; i < BIG; i++) {
        b.v[i] = i * 3;
        d.v[i] = i * 5;
    }
    {
        int n = 7;
        go_defer(take_big, n, b, 2.5, d);
        go_defer(take_many, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        go_defer(take_big, n + 1, b, 2.5, d);
        n = 0;
        memset(&b, 0, sizeof b);
        memset(&d, 0, sizeof d);
        char on_top[512]; /* what the records must not have been on */
        memset(on_top, 0x55, sizeof on_top);
        __asm__ volatile("" ::"r"(on_top) : "memory");
    }
    EXPECT_ORDER("arguments", 8, 100, 7);
}

static int counted(int n)
{
    note(n);
    return n;
}

IN_GO(defer, arguments_are_evaluated_now_and_once)
{
    {
        go_defer(note, counted(1) + 10);
        go_defer(note, counted(2) + 10);
        CHECK(count == 2);
    }
    EXPECT_ORDER("evaluation", 1, 2, 12, 11);
}

/* ---- who runs them ---- */

static void panics(void *arg)
{
    go_defer(note, 1);
    {
        go_defer(note, 2);
        if (arg)
            go_panic("%s", (char *)arg);
    }
    note(3);
}

IN_GO(defer, a_panic_runs_them)
{
    count = 0;
    go_defer(note, 0); /* not theirs */
    CHECK_TEXT(go_recover(panics, "text"), "text");
    CHECK(count == 2 && order[0] == 2 && order[1] == 1);
    CHECK(go_recover(panics, NULL) == NULL);
    CHECK(count == 5 && order[2] == 2 && order[3] == 3 && order[4] == 1);
    count = 0;
}

static void defers_itself(int n)
{
    if (n > 0) {
        go_defer(defers_itself, n - 1);
        note(n);
    }
}

IN_GO(defer, a_deferred_call_may_defer)
{
    defers_itself(5);
    EXPECT_ORDER("recursion", 5, 4, 3, 2, 1);
}

static void parks(int n)
{
    go_yield();
    go_sleep(GO_MICROSECOND);
    note(n);
}

static void leaves(void *arg)
{
    (void)arg;
    go_defer(parks, 1);
    go_defer(note, 2);
    {
        go_defer(parks, 3);
        go_exit();
    }
}

IN_GO(defer, go_exit_runs_them_and_they_may_park)
{
    go_start(leaves, NULL);
    while (__atomic_load_n(&count, __ATOMIC_ACQUIRE) < 3)
        go_yield();
    EXPECT_ORDER("exit", 3, 2, 1);
}

/* Random nesting against a plain stack of numbers. */
static struct rt_rand dice;
static int pushed[4096], pushed_count, next_number;

static void pop_expected(int n)
{
    CHECK(pushed_count > 0 && pushed[--pushed_count] == n);
}

static void wander(int depth)
{
    int was = pushed_count;
    for (int i = (int)rand_below(&dice, 4); i > 0; i--) {
        int n = next_number++;
        int before = pushed_count;
        pushed[pushed_count++] = n;
        {
            go_defer(pop_expected, n);
            if (depth > 0)
                wander(depth - 1);
        }
        CHECK(pushed_count == before);
    }
    CHECK(pushed_count == was);
}

IN_GO(defer, nesting_is_a_stack)
{
    dice.state = 5;
    for (int i = 0; i < 20; i++)
        wander(6);
}

static void *in_thread(void *arg)
{
    (void)arg;
    {
        go_defer(note, 1);
        go_defer(note, 2);
    }
    CHECK_TEXT(go_recover(panics, "in a thread"), "in a thread");
    return NULL;
}

Test(defer, works_in_plain_threads)
{
    pthread_t t;
    pthread_create(&t, NULL, in_thread, NULL);
    pthread_join(t, NULL);
    EXPECT_ORDER("thread", 2, 1, 2, 1);
}
