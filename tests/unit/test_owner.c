/* test_owner.c - a page belongs to one thread, until another one takes it. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include "fence.h"
#include "owner.h"
#include "rand.h"

enum { PAGES = 64, THREADS = 4, ROUNDS = 100, TURNS = 400, LOANS = 20, DWELL = 30 };

static uint32_t page[PAGES] __attribute__((aligned(64)));
static uint64_t counter[PAGES]; /* owners load, dwell and store; the others add atomically */
static pthread_barrier_t barrier;

static void on_another_thread(void *(*fn)(void *))
{
    pthread_t t;
    cr_assert_eq(pthread_create(&t, NULL, fn, NULL), 0);
    pthread_join(t, NULL);
}

static bool enter_and_leave(uint32_t *p)
{
    bool owned = owner_enter(p);
    cr_assert(owner_is_inside());
    owner_leave();
    cr_assert(!owner_is_inside());
    return owned;
}

static void *take_page_0(void *unused)
{
    cr_assert(!owner_is_inside());
    cr_assert_not(enter_and_leave(&page[0]));
    cr_assert_not(enter_and_leave(&page[0]));
    owner_thread_fini();
    return unused;
}

Test(owner, a_page_is_the_first_threads_until_another_one_comes)
{
    rt_fence_init();
    if (rt_fence_needed)
        cr_skip_test("this kernel has no membarrier(2)");
    gate_mine = 0; /* this thread is known to who would shut it */
    cr_assert_eq(owner_enter_now(&page[0]), OWNER_PAGE_OTHER);
    cr_assert(enter_and_leave(&page[0]));
    cr_assert_eq(owner_enter_now(&page[0]), OWNER_PAGE_MINE);
    cr_assert_eq(owner_enter_now(&page[0]), OWNER_PAGE_OTHER, "the thread is inside");
    owner_leave();
    cr_assert(enter_and_leave(&page[40]));
    on_another_thread(take_page_0);
    cr_assert_eq(page[0], (uint32_t)OWNER_SHARED);
    cr_assert_not(enter_and_leave(&page[0]));
    cr_assert_eq(owner_enter_now(&page[0]), OWNER_PAGE_SHARED);
    owner_leave();
    cr_assert_eq(owner_enter_now(&page[40]), OWNER_PAGE_MINE, "which is far from what was taken");
    owner_leave();
    cr_assert_eq(owner_enter_now(&page[60]), OWNER_PAGE_OTHER, "which is nobody's");
    cr_assert(!owner_is_inside());
}

static void *leave_it_to_the_next(void *ret_id)
{
    enter_and_leave(&page[1]);
    *(uint32_t *)ret_id = owner_mine->id;
    owner_thread_fini();
    return NULL;
}

Test(owner, a_thread_inherits_from_one_that_ended)
{
    rt_fence_init();
    if (rt_fence_needed)
        cr_skip_test("this kernel has no membarrier(2)");
    uint32_t id[2];
    for (int i = 0; i < 2; i++) {
        pthread_t t;
        cr_assert_eq(pthread_create(&t, NULL, leave_it_to_the_next, &id[i]), 0);
        pthread_join(t, NULL);
    }
    cr_assert_eq(id[0], id[1]);
    cr_assert_eq(page[1], id[0]);
}

/* ---- a fork while a page changes hands ---- */

static uint32_t step, *flag;
static bool shut; /* relaxed: for who waits below */

static void await_step(uint32_t n)
{
    while (at_load_acq(&step) != n) /* [test-step] */
        sched_yield();
}

/* Owns page 0 and stays inside until the gate is being shut, and then for a while: who shuts it,
 * and does not know this thread, has time to come through. */
static void *stays_inside(void *unused)
{
    cr_assert(owner_enter(&page[0]));
    at_store_rel(&step, 1u); /* [test-step] */
    await_step(2);
    while (at_load_acq(flag) == 0) /* [test-step] */
        sched_yield();
    for (int i = 0; i < 1000 && !at_load_rlx(&shut); i++) /* relaxed: see above */
        sched_yield();
    owner_leave();
    return unused;
}

static void *comes_for_the_page(void *unused)
{
    gate_heed(); /* it is known from now on */
    flag = &gate_mine;
    at_store_rel(&step, 2u); /* [test-step] */
    cr_assert_not(enter_and_leave(&page[0]));
    return unused;
}

Test(owner, nobody_forks_while_a_page_changes_hands)
{
    pthread_t owns, comes;
    rt_fence_init();
    if (rt_fence_needed)
        cr_skip_test("this kernel has no membarrier(2)");
    gate_init();
    cr_assert_eq(pthread_create(&owns, NULL, stays_inside, NULL), 0);
    await_step(1);
    cr_assert_eq(pthread_create(&comes, NULL, comes_for_the_page, NULL), 0);
    while (at_load_acq(&page[0]) != OWNER_LEAVING) /* [owner] */
        sched_yield();
    gate_shut();
    uint32_t in_a_child = at_load_acq(&page[0]); /* [owner] */
    at_store_rlx(&shut, true);                   /* relaxed: see there */
    gate_open();
    pthread_join(owns, NULL);
    pthread_join(comes, NULL);
    cr_assert_eq(in_a_child, (uint32_t)OWNER_SHARED);
}

Test(owner, without_a_fence_on_all_threads_nothing_is_owned)
{
    rt_fence_needed = true;
    cr_assert_not(enter_and_leave(&page[2]));
    cr_assert_eq(page[2], (uint32_t)OWNER_SHARED);
}

static void count_in(unsigned p, bool owned)
{
    if (owned) {
        uint64_t n = at_load_rlx(&counter[p]); /* relaxed: the page is ours */
        for (int i = 0; i < DWELL; i++)
            at_pause();
        at_store_rlx(&counter[p], n + 1); /* relaxed: likewise */
    } else {
        at_add_rlx(&counter[p], UINT64_C(1)); /* relaxed: a count */
    }
}

static void bump(unsigned p)
{
    count_in(p, owner_enter(&page[p]));
    owner_leave();
}

static uint64_t bump_borrowed(void)
{
    uint64_t n = 0;
    for (unsigned first = 0; first < PAGES; first += OWNER_TOGETHER) {
        struct owner_loan loan;
        owner_borrow(&loan, &page[first]);
        cr_assert(owner_is_inside());
        for (unsigned i = 0; i < OWNER_TOGETHER; i++)
            if (owner_may(&loan, i) != OWNER_MAY_NOT) {
                count_in(first + i, owner_may(&loan, i) == OWNER_MAY_CHANGE);
                n++;
            }
        owner_give_back(&loan);
    }
    return n;
}

static void *borrow_all(void *ret_counted)
{
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < LOANS; i++)
            *(uint64_t *)ret_counted += bump_borrowed();
        pthread_barrier_wait(&barrier);
    }
    owner_thread_fini();
    return NULL;
}

static void *borrow_page_16(void *unused)
{
    struct owner_loan loan;
    owner_borrow(&loan, &page[16]);
    cr_assert_eq(owner_may(&loan, 0), OWNER_MAY_CHANGE);
    cr_assert_eq(owner_may(&loan, 1), OWNER_MAY_NOT);
    cr_assert_eq(owner_may(&loan, 2), OWNER_MAY_TAKE);
    owner_give_back(&loan);
    owner_thread_fini();
    return unused;
}

Test(owner, a_borrowed_page_is_its_owners_again)
{
    rt_fence_init();
    if (rt_fence_needed)
        cr_skip_test("this kernel has no membarrier(2)");
    cr_assert(enter_and_leave(&page[16]));
    page[18] = OWNER_SHARED;
    on_another_thread(borrow_page_16);
    cr_assert_eq(page[16], owner_mine->id);
    cr_assert_eq(page[17], (uint32_t)OWNER_NONE);
    gate_mine = 0;
    cr_assert_eq(owner_enter_now(&page[16]), OWNER_PAGE_MINE);
    owner_leave();
    cr_assert_eq(owner_revoked(), 0);
}

/* Each round begins with pages of nobody; all threads go for all of them, each from a place of its
 * own, and stay a while on each, so that owners are in the midst of it when they lose it. */
static void *fight(void *seed)
{
    struct rt_rand rand = {.state = (uintptr_t)seed};
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < TURNS;) {
            unsigned p = rand_below(&rand, PAGES);
            for (unsigned stay = 1 + rand_below(&rand, 20); stay > 0 && i < TURNS; stay--, i++)
                bump(p);
        }
        pthread_barrier_wait(&barrier);
    }
    owner_thread_fini();
    return NULL;
}

Test(owner, nobody_else_changes_what_is_owned)
{
    pthread_t t[THREADS + 1];
    uint64_t sum = 0, borrowed = 0;
    rt_fence_init();
    pthread_barrier_init(&barrier, NULL, THREADS + 2);
    cr_assert_eq(pthread_create(&t[THREADS], NULL, borrow_all, &borrowed), 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&t[i], NULL, fight, (void *)(i + 1)), 0);
    for (int round = 0; round < ROUNDS; round++) {
        for (int p = 0; p < PAGES; p++)
            page[p] = OWNER_NONE;
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
    }
    for (int i = 0; i <= THREADS; i++)
        pthread_join(t[i], NULL);
    for (int p = 0; p < PAGES; p++)
        sum += counter[p];
    cr_assert_eq(sum, (uint64_t)THREADS * ROUNDS * TURNS + borrowed);
    cr_assert(rt_fence_needed || owner_revoked() > 0);
}
