/* test_group.c - groups: first error, limit, goroutines that leave early, lifetime. */
#include "in_go.h"

struct task {
    int result;
    int32_t *running; /* atomic, or NULL */
    int limit;
};

static int run_task(void *arg)
{
    struct task *t = arg;
    if (t->running) {
        CHECK(__atomic_add_fetch(t->running, 1, __ATOMIC_RELAXED) <= t->limit);
        go_yield();
        __atomic_sub_fetch(t->running, 1, __ATOMIC_RELAXED);
    }
    return t->result;
}

IN_GO(group, wait_returns_an_error_once)
{
    go_group g = {0};
    struct task good = {0, NULL, 0}, bad = {-5, NULL, 0};
    CHECK(go_group_wait(&g) == 0);
    for (int i = 0; i < 20; i++)
        go_group_go(&g, run_task, i == 7 ? &bad : &good);
    CHECK(go_group_wait(&g) == -5);
    go_group_go(&g, run_task, &good);
    CHECK(go_group_wait(&g) == 0);
}

static go_chan(int) turn;

static int fail_in_turn(void *arg)
{
    int n = *(int *)arg;
    if (n > 1)
        go_chan_recv(turn); /* closed when the first has failed */
    return n;
}

IN_GO(group, the_first_error_counts)
{
    go_group first = {0};
    int one = 1, two = 2;
    turn = go_chan_make(int, 0);
    go_group_go(&first, fail_in_turn, &two);
    go_group_go(&first, fail_in_turn, &one);
    while (__atomic_load_n(&first.err_, __ATOMIC_RELAXED) == 0)
        go_yield();
    go_chan_close(turn);
    CHECK(go_group_wait(&first) == 1);
    go_chan_free(turn);
}

IN_GO(group, limit_is_kept)
{
    for (int limit = 1; limit <= 4; limit++) {
        int32_t running = 0;
        go_group g = {0};
        struct task t = {0, &running, limit};
        go_group_limit(&g, limit);
        for (int i = 0; i < 100; i++)
            go_group_go(&g, run_task, &t);
        CHECK(go_group_wait(&g) == 0);
    }
}

#ifndef FAKE_SCHED /* it has no go_exit() */
static int leave_early(void *arg)
{
    (void)arg;
    go_exit();
}

IN_GO(group, goroutine_that_exits_is_counted)
{
    go_group g = {0};
    go_group_limit(&g, 2);
    for (int i = 0; i < 10; i++)
        go_group_go(&g, leave_early, NULL);
    CHECK(go_group_wait(&g) == 0);
}
#endif

IN_GO(group, memory_is_free_after_wait)
{
    struct task good = {0, NULL, 0};
    for (int round = 0; round < ROUNDS(2000); round++) {
        go_group *g = calloc(1, sizeof *g);
        CHECK(g);
        if (round % 2)
            go_group_limit(g, 2);
        for (int i = 0; i < 3; i++)
            go_group_go(g, run_task, &good);
        CHECK(go_group_wait(g) == 0);
        memset(g, 0xa5, sizeof *g);
        settle();
        for (size_t i = 0; i < sizeof *g; i++)
            CHECK(((unsigned char *)g)[i] == 0xa5);
        free(g);
    }
}
