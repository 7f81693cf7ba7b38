/* test_holders.c - who holds which lock: one, several, none, and one that another released. */
#include "in_go.h"
#include "holders.h"
#include "scheduler.h"

static go_mutex a, b;
static go_rwmutex rw;

static size_t holders(const void *lock, struct holder *h)
{
    return holders_of(lock, h, 4);
}

Test(holders, nobody_is_written_down_unasked)
{
    struct holder h[4];
    go_mutex_lock(&a);
    cr_expect_eq(holders(&a, h), 0);
    go_mutex_unlock(&a);
}

/* Before the first goroutine, as in the runtime. */
static void asked(void)
{
    holders_start();
}

static int lock_and_look(int argc, char **argv)
{
    struct holder h[4];
    go_mutex_lock(&a);
    CHECK(holders(&a, h) == 1 && h[0].g == 1);
    CHECK(h[0].pc > (uintptr_t)lock_and_look && h[0].pc < (uintptr_t)lock_and_look + 2000);
    CHECK(holders(&b, h) == 0);
    CHECK(go_mutex_trylock(&b));
    CHECK(!go_mutex_trylock(&b));
    CHECK(holders(&b, h) == 1);
    go_mutex_unlock(&a);
    CHECK(holders(&a, h) == 0 && holders(&b, h) == 1);
    go_mutex_unlock(&b);
    CHECK(holders(&b, h) == 0);
    return argc && argv;
}

Test(holders, of_a_mutex, .init = asked)
{
    cr_expect_eq(go_run(lock_and_look, 0, NULL), 0);
}

static void lock_it(void *arg)
{
    go_mutex_lock(arg);
}

static void rlock_it(void *arg)
{
    go_rwmutex_rlock(arg);
}

static int unlock_for_another(int argc, char **argv)
{
    struct holder h[4];
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, lock_it, (void *)&a);
    go_waitgroup_wait(&wg);
    CHECK(holders(&a, h) == 1 && h[0].g > 1);
    go_mutex_unlock(&a);
    CHECK(holders(&a, h) == 0);
    return argc && argv;
}

Test(holders, may_be_unlocked_by_others, .init = asked)
{
    cr_expect_eq(go_run(unlock_for_another, 0, NULL), 0);
}

static int read_by_many(int argc, char **argv)
{
    struct holder h[4];
    go_waitgroup wg = {0};
    for (int i = 0; i < 5; i++)
        go_waitgroup_go(&wg, rlock_it, (void *)&rw);
    go_waitgroup_wait(&wg);
    go_rwmutex_rlock(&rw);
    CHECK(holders(&rw, h) == 6);
    CHECK(h[0].g == 1); /* the newest first */
    go_rwmutex_runlock(&rw);
    CHECK(holders(&rw, h) == 5 && h[0].g != 1);
    for (int i = 0; i < 5; i++)
        go_rwmutex_runlock(&rw);
    CHECK(holders(&rw, h) == 0);
    go_rwmutex_lock(&rw);
    CHECK(holders(&rw, h) == 1 && h[0].g == 1);
    go_rwmutex_unlock(&rw);
    CHECK(holders(&rw, h) == 0);
    return argc && argv;
}

Test(holders, of_an_rwmutex, .init = asked)
{
    cr_expect_eq(go_run(read_by_many, 0, NULL), 0);
}

/* A condition's wait gives its mutex up meanwhile. */
static go_cond cond;

static void waits(void)
{
    go_mutex_lock(&a);
    go_cond_wait(&cond, &a);
    go_mutex_unlock(&a);
}

static int wait_on_cond(int argc, char **argv)
{
    struct holder h[4];
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, waits);
    settle();
    CHECK(holders(&a, h) == 0);
    go_mutex_lock(&a);
    go_cond_signal(&cond);
    go_mutex_unlock(&a);
    go_waitgroup_wait(&wg);
    CHECK(holders(&a, h) == 0);
    return argc && argv;
}

Test(holders, not_while_waiting_on_a_condition, .init = asked)
{
    cr_expect_eq(go_run(wait_on_cond, 0, NULL), 0);
}
