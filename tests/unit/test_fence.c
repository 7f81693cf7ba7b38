/* test_fence.c - the one-sided full fence: of "write mine, fence, read yours" on two threads at
 * least one sees the other, although one side has a plain store and a plain load. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include "fence.h"

enum { ROUNDS = 20000 };

static struct {
    uint32_t round, done; /* [turn] */
    uint32_t x, y, saw_y;
} box;

/* Spins, so that both sides are about as fast; on a busy machine the other needs the processor. */
static void await(uint32_t *word, uint32_t value)
{
    for (unsigned spins = 0; at_load_acq(word) != value; spins++) { /* [turn] */
        if (spins < 1000)
            at_pause();
        else
            sched_yield();
    }
}

static void *often(void *arg)
{
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        await(&box.round, i);
        at_store_rlx(&box.x, 1u); /* relaxed: rt_fence_often() orders it */
        rt_fence_often();
        box.saw_y = at_load_rlx(&box.y); /* relaxed: likewise */
        at_store_rel(&box.done, i);      /* [turn] */
    }
    return arg;
}

static void litmus(void)
{
    pthread_t t;
    cr_assert_eq(pthread_create(&t, NULL, often, NULL), 0);
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        box.x = box.y = 0;
        at_store_rel(&box.round, i); /* [turn] */
        at_store_rlx(&box.y, 1u);    /* relaxed: rt_fence_all() orders it */
        rt_fence_all();
        uint32_t saw_x = at_load_rlx(&box.x); /* relaxed: likewise */
        await(&box.done, i);
        cr_assert(saw_x || box.saw_y, "round %u: neither side saw the other", i);
    }
    pthread_join(t, NULL);
    box.round = box.done = 0;
}

Test(fence, one_side_sees_the_other, .timeout = 60)
{
    rt_fence_init();
    litmus();
}

Test(fence, also_where_the_kernel_does_not_help, .timeout = 60)
{
    rt_fence_needed = true;
    litmus();
}
