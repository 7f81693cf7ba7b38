/* test_once.c - once: exactly once, everybody waits for its end, however that comes. */
#include "in_go.h"

struct single {
    go_once once;
    int runs;       /* by once */
    uint32_t after; /* atomic: calls that have returned */
    bool yields, begun;
};

static void run_it(struct single *s, int add)
{
    int n = s->runs;
    if (s->yields)
        settle();
    s->runs = n + add;
}

static void call(void *arg)
{
    struct single *s = arg;
    go_once_do(&s->once, run_it, s, 1);
    CHECK(s->runs == 1);
    __atomic_add_fetch(&s->after, 1, __ATOMIC_RELAXED);
}

IN_GO(once, runs_exactly_once_before_any_return)
{
    for (int round = 0; round < ROUNDS(200); round++) {
        struct single s = {.yields = round % 2};
        for (int i = 0; i < 10; i++)
            start(call, &s);
        finish();
        CHECK(s.runs == 1 && s.after == 10);
        go_once_do(&s.once, run_it, &s, 100);
        CHECK(s.runs == 1);
    }
}

static int evaluated;

static int evaluate(void)
{
    return ++evaluated;
}

static void take_int(int v)
{
    CHECK(v == 1);
}

IN_GO(once, arguments_are_evaluated_by_each_call)
{
    go_once once = {0};
    evaluated = 0;
    for (int i = 0; i < 3; i++)
        go_once_do(&once, take_int, evaluate());
    CHECK(evaluated == 3);
}

static void fail(struct single *s)
{
    s->runs++;
    __atomic_store_n(&s->begun, true, __ATOMIC_RELEASE);
    settle(); /* the others wait now */
    go_panic("not today");
}

static void call_failing(void *arg)
{
    struct single *s = arg;
    go_once_do(&s->once, fail, s);
}

static void call_beside(void *arg)
{
    struct single *s = arg;
    while (!__atomic_load_n(&s->begun, __ATOMIC_ACQUIRE))
        go_yield();
    go_once_do(&s->once, fail, s); /* waits, and does not run it */
    CHECK(s->runs == 1);
}

IN_GO(once, panic_counts_as_done, .disabled = ON_FAKE_SCHED)
{
    struct single s = {.runs = 0};
    start(call_beside, &s);
    start(call_beside, &s);
    CHECK_TEXT(go_recover(call_failing, &s), "not today");
    CHECK(go_recover(call_failing, &s) == NULL);
    finish();
    CHECK(s.runs == 1);
}

#ifndef FAKE_SCHED /* it has no go_exit() */
static void leave(struct single *s)
{
    s->runs++;
    go_exit();
}

static void call_leaving(struct single *s)
{
    go_once_do(&s->once, leave, s);
    CHECK(!"go_exit does not come back");
}

IN_GO(once, exit_counts_as_done)
{
    struct single s = {.runs = 0};
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, call_leaving, &s);
    go_waitgroup_wait(&wg);
    go_once_do(&s.once, leave, &s);
    CHECK(s.runs == 1);
}
#endif

static void inner(struct single *s)
{
    s->runs++;
}

static void outer(struct single *a, struct single *b)
{
    go_once_do(&b->once, inner, b);
    a->runs++;
}

IN_GO(once, onces_nest)
{
    struct single a = {.runs = 0}, b = {.runs = 0};
    for (int i = 0; i < 2; i++)
        go_once_do(&a.once, outer, &a, &b);
    CHECK(a.runs == 1 && b.runs == 1);
}

/* ---- lifetime ---- */

enum { POISON = 0xa5 };

struct brief {
    go_once once;
    int left; /* atomic: others that have not come back */
};

static void nothing_much(void)
{
    go_yield();
}

static void come_and_go(void *arg)
{
    struct brief *b = arg;
    go_once_do(&b->once, nothing_much);
    __atomic_sub_fetch(&b->left, 1, __ATOMIC_RELEASE);
}

static void come_first(void *arg)
{
    go_once_do(&((struct brief *)arg)->once, nothing_much);
}

/* The others see it done and write over it, while the first may still be leaving. */
IN_GO(once, memory_is_free_once_it_is_seen_done)
{
    for (int round = 0; round < ROUNDS(3000); round++) {
        struct brief *b = calloc(1, sizeof *b);
        CHECK(b);
        b->left = 2;
        start(come_first, b);
        while (!__atomic_load_n(&b->once.state_, __ATOMIC_RELAXED))
            go_yield();
        start(come_and_go, b);
        start(come_and_go, b);
        while (__atomic_load_n(&b->left, __ATOMIC_ACQUIRE))
            go_yield();
        memset(b, POISON, sizeof *b);
        finish();
        for (size_t i = 0; i < sizeof *b; i++)
            CHECK(((unsigned char *)b)[i] == POISON);
        free(b);
    }
}
