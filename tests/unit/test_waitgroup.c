/* test_waitgroup.c - counting, waiting, reuse, misuse, lifetime. */
#include "in_go.h"

struct party {
    go_waitgroup wg, exited;
    uint32_t done; /* atomic */
};

static void arrive(void *arg)
{
    struct party *p = arg;
    __atomic_add_fetch(&p->done, 1, __ATOMIC_RELAXED);
    go_waitgroup_done(&p->wg);
    go_waitgroup_wait(&p->exited);
}

IN_GO(waitgroup, waits_for_all)
{
    struct party p = {0};
    for (int round = 0; round < 8; round++) {
        p.done = 0;
        go_waitgroup_add(&p.wg, 16);
        go_waitgroup_add(&p.exited, 1);
        for (int i = 0; i < 16; i++)
            start(arrive, &p);
        go_waitgroup_wait(&p.wg);
        CHECK(__atomic_load_n(&p.done, __ATOMIC_RELAXED) == 16);
        go_waitgroup_done(&p.exited);
        finish();
    }
    go_waitgroup_wait(&p.wg); /* nothing to wait for */
    CHECK(p.wg.state_ == 0 && p.exited.state_ == 0);
}

static void add_minus(void *wg)
{
    go_waitgroup_add(wg, -1);
}

IN_GO(waitgroup, negative_counter_panics)
{
    go_waitgroup wg = {0};
    CHECK_TEXT(go_recover(add_minus, &wg), "sync: negative WaitGroup counter");
    go_waitgroup_add(&wg, 1);
    go_waitgroup_done(&wg);
    CHECK_TEXT(go_recover(add_minus, &wg), "sync: negative WaitGroup counter");
    CHECK(wg.state_ == 0);
}

static void wait_for(void *arg)
{
    struct party *p = arg;
    go_waitgroup_wait(&p->wg);
    __atomic_add_fetch(&p->done, 1, __ATOMIC_RELAXED);
}

IN_GO(waitgroup, many_wait_for_one)
{
    struct party p = {0};
    go_waitgroup_add(&p.wg, 1);
    for (int i = 0; i < ROUNDS(1000); i++)
        start(wait_for, &p);
    settle();
    CHECK(__atomic_load_n(&p.done, __ATOMIC_RELAXED) == 0);
    go_waitgroup_done(&p.wg);
    finish();
    CHECK(p.done == ROUNDS(1000) && p.wg.state_ == 0);
}

#ifndef FAKE_SCHED /* it has no calls with arguments */
static void count_up(uint32_t *n, double weight, char c)
{
    CHECK(weight == 0.5 && c == 'c');
    __atomic_add_fetch(n, 1, __ATOMIC_RELAXED);
}

static void leave_early(uint32_t *n)
{
    __atomic_add_fetch(n, 1, __ATOMIC_RELAXED);
    go_exit();
}

IN_GO(waitgroup, go_counts_however_it_ends)
{
    uint32_t n = 0;
    go_waitgroup wg = {0};
    for (int i = 0; i < 50; i++) {
        go_waitgroup_go(&wg, count_up, &n, 0.5, 'c');
        go_waitgroup_go(&wg, leave_early, &n);
    }
    go_waitgroup_wait(&wg);
    CHECK(__atomic_load_n(&n, __ATOMIC_RELAXED) == 100);
}
#endif

/* ---- lifetime ---- */

enum { POISON = 0xa5 };

static void just_done(void *arg)
{
    go_waitgroup_done(arg);
}

static void just_wait(void *arg)
{
    go_waitgroup_wait(arg);
}

/* Whoever returns first writes over the group, while another waiter is still on its way out and the
 * goroutine that brought the count to zero is in its done. */
IN_GO(waitgroup, memory_is_free_after_wait)
{
    for (int round = 0; round < ROUNDS(4000); round++) {
        go_waitgroup *wg = calloc(1, sizeof *wg);
        CHECK(wg);
        int users = 1 + round % 3;
        go_waitgroup_add(wg, users);
        if (round % 2) {
            start(just_wait, wg);
            while (!(__atomic_load_n(&wg->state_, __ATOMIC_RELAXED) & 1)) /* it is inside */
                go_yield();
        }
        for (int i = 0; i < users; i++)
            start(just_done, wg);
        go_waitgroup_wait(wg);
        memset(wg, POISON, sizeof *wg);
        finish();
        for (size_t i = 0; i < sizeof *wg; i++)
            CHECK(((unsigned char *)wg)[i] == POISON);
        free(wg);
    }
}
