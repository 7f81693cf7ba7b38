/* test_procs.c - the number of processors while everything runs; counters, ids, choices. */
#include "in_child.h"
#include "in_go.h"
#include <pthread.h>
#include <sched.h>
#include "atomic.h"
#include "core.h"
#include "entry.h"
#include "rand.h"

Test(procs, setting_tells_the_old_number)
{
    rt_init();
    int n = go_maxprocs(0);
    cr_expect_eq(go_maxprocs(3), n);
    cr_expect_eq(go_maxprocs(-1), 3);
    cr_expect_eq(go_maxprocs(3), 3);
    cr_expect_eq(go_maxprocs(100000), 3);
    cr_expect_eq(go_maxprocs(1), PROCS_MAX);
    cr_expect_eq(rt_nprocs(), 1);
}

/* Caches of a P in use are its M's: who asks must come again (arena_scavenge()). */
static int trims(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_maxprocs(1);
    CHECK(!sched_trim());
    go_blocking_begin();
    while (!sched_trim()) /* whoever got the P finds nothing to do */
        usleep(100);      /* sleeps: it is the blocking call */
    go_blocking_end();
    CHECK(!sched_trim());
    return 0;
}

Test(procs, caches_of_a_running_p_wait_for_it)
{
    struct child c = in_child(trims, NULL);
    EXPECT_STATUS(&c, 0);
}

/* ---- what must hold when all is quiet ---- */

static void count_idle(bool *seen, uint32_t *n)
{
    rt_lock(&sched.lock);
    *n = 0;
    for (struct p *p = sched.idle_ps; p; p = p->next, ++*n) {
        CHECK(p->state == P_IDLE && p->m == NULL && !seen[p->id]);
        seen[p->id] = true;
    }
    CHECK(*n == sched.idle_p_count);
    rt_unlock(&sched.lock);
}

/* All Ps but this goroutine's come to lie on the idle list; none is lost, none is there twice. */
static void expect_all_idle(uint32_t nprocs)
{
    go_time begin = go_now();
    for (;;) {
        bool seen[PROCS_MAX] = {false};
        uint32_t n, valid = 0;
        count_idle(seen, &n);
        for (uint32_t id = 0; id < nprocs; id++)
            valid += seen[id];
        const struct p *p = at_load_rlx(&rt_self()->m->p); /* relaxed: sysmon may take it */
        uint32_t mine = p && p->id < nprocs;
        if (valid + mine == nprocs)
            return;
        CHECK(go_since(begin) < 20 * GO_SECOND);
        go_sleep(100 * GO_MICROSECOND);
    }
}

/* ---- changing ---- */

enum { CHANGES = 150 };

static uint32_t work_done, stop;

static void yields(void *arg)
{
    while (!at_load_rlx(&stop)) {
        go_yield();
        at_add_rlx(&work_done, 1u);
    }
    (void)arg;
}

static void sleeps(void *arg)
{
    while (!at_load_rlx(&stop))
        go_sleep((go_duration)(uintptr_t)arg);
}

static void spawns(void *arg)
{
    while (!at_load_rlx(&stop)) {
        for (int i = 0; i < 10; i++)
            go(go_yield);
        go_yield();
    }
    (void)arg;
}

static void changes(void *arg)
{
    struct rt_rand rand = {(uintptr_t)arg};
    for (int i = 0; i < CHANGES; i++) {
        go_maxprocs(1 + (int)rand_below(&rand, 12));
        if (rand_below(&rand, 2))
            go_yield();
        else
            go_sleep(rand_below(&rand, 30000));
    }
}

static void *changes_in_thread(void *arg)
{
    changes(arg);
    return NULL;
}

static int changes_while_running(int argc, char **argv)
{
    for (uintptr_t i = 0; i < 6; i++) {
        start(yields, NULL);
        start(sleeps, (void *)(i * 3000 + 1));
    }
    start(spawns, NULL);
    pthread_t t;
    pthread_create(&t, NULL, changes_in_thread, (void *)50);
    changes((void *)51);
    go_blocking_begin();
    pthread_join(t, NULL);
    go_blocking_end();
    at_store_rlx(&stop, 1u);
    finish();
    go_time begin = go_now();
    while (go_numgoroutine() > 1) {
        CHECK(go_since(begin) < 20 * GO_SECOND);
        go_sleep(GO_MILLISECOND);
    }
    for (uint32_t n = 1; n <= 12; n++) {
        go_maxprocs((int)n);
        go_yield();
        expect_all_idle(n);
    }
    CHECK(work_done > 0);
    return argc && argv;
}

Test(procs, none_is_lost_when_the_number_changes, .timeout = 100)
{
    cr_expect_eq(go_run(changes_while_running, 0, NULL), 0);
}

/* Who parks inside a blocking call comes back with a P, and must not take another one at its
 * end. */
static void parks_while_blocking(void *arg)
{
    for (int i = 0; i < 50; i++) {
        go_blocking_begin();
        go_yield();
        go_sleep((go_duration)(uintptr_t)arg);
        go_blocking_end();
    }
}

IN_GO(procs, none_is_lost_by_parking_in_a_blocking_call)
{
    for (uintptr_t i = 0; i < 4; i++)
        start(parks_while_blocking, (void *)(i * 1000));
    finish();
    expect_all_idle(rt_nprocs());
}

/* Lowering and raising at once: a P that its M is just retiring is wanted again. */
static uint32_t together, rounds_done;

static void spins_with_all(void *arg)
{
    uint32_t n = (uint32_t)(uintptr_t)arg;
    at_add_rlx(&together, 1u);
    for (unsigned spins = 0; at_load_rlx(&together) < n; spins++) {
        if (spins < 1000)
            at_pause();
        else
            sched_yield(); /* the kernel's: it runs on */
    }
}

static int lowers_and_raises(int argc, char **argv)
{
    struct rt_rand rand = {9};
    for (int i = 0; i < CHANGES; i++) {
        go_maxprocs(4);
        for (int j = 0; j < 8; j++)
            start(yields, NULL);
        for (uint32_t n = rand_below(&rand, 2000); n > 0; n--)
            at_pause();
        go_maxprocs(1);
        for (uint32_t n = rand_below(&rand, 100); n > 0; n--)
            at_pause();
        go_maxprocs(4);
        at_store_rlx(&stop, 1u);
        finish();
        at_store_rlx(&stop, 0u);
        at_store_rlx(&together, 0u);
        for (uintptr_t j = 0; j < 4; j++)
            start(spins_with_all, (void *)4); /* hangs unless four run at once */
        finish();
        rounds_done++;
    }
    return argc && argv ? 1 : rounds_done != CHANGES;
}

Test(procs, raised_again_while_they_retire, .timeout = 100)
{
    cr_expect_eq(go_run(lowers_and_raises, 0, NULL), 0);
}

/* ---- counters and ids ---- */

IN_GO(procs, the_count_is_exact_when_quiet)
{
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 500; i++)
            go(go_yield);
        go_time begin = go_now();
        while (sched_count() > 1) {
            CHECK(go_since(begin) < 20 * GO_SECOND);
            go_yield();
        }
        CHECK(sched_count() == 1);
    }
}

enum { IDS = 5000, TAKERS = 4 };

static uint64_t taken[TAKERS][IDS];

static void *take_ids(void *arg)
{
    uint64_t *at = arg;
    struct p p = {0};
    for (int i = 0; i < IDS; i++)
        at[i] = sched_new_id(i % 3 ? &p : NULL);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

Test(procs, ids_are_unique)
{
    pthread_t t[TAKERS];
    for (int i = 0; i < TAKERS; i++)
        pthread_create(&t[i], NULL, take_ids, taken[i]);
    for (int i = 0; i < TAKERS; i++)
        pthread_join(t[i], NULL);
    uint64_t *all = taken[0];
    qsort(all, TAKERS * IDS, sizeof *all, by_value);
    cr_expect_geq(all[0], 2, "1 is main");
    for (int i = 1; i < TAKERS * IDS; i++)
        cr_assert_neq(all[i], all[i - 1]);
}

IN_GO(procs, choices_are_within_bounds_and_spread)
{
    for (uint32_t n = 1; n < 20; n++) {
        uint32_t hits[20] = {0};
        for (uint32_t i = 0; i < 400 * n; i++) {
            uint32_t k = rt_choose(n);
            CHECK(k < n);
            hits[k]++;
        }
        for (uint32_t k = 0; k < n; k++)
            CHECK(hits[k] > 250 && hits[k] < 550);
    }
}
