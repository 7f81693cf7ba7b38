/* model_sync.c - go_once and go_waitgroup: once means once, nobody returns early or sleeps for
 * ever, what was done before is seen, and who returns may free. */
#include "no_ms.h"
#include "world.h"
#define WHO_SHIFT BL_WHO_SHIFT
#define ROW_SHIFT BL_ROW_SHIFT
#include "bias.c"
#undef WHO_SHIFT
#undef ROW_SHIFT
#include "sema.c"
#define begin once_begin
#include "once.c"
#undef begin
#include "waitgroup.c"

enum { WORKERS = 3 };

static go_once once;
static go_waitgroup wg;
static uint32_t done[WORKERS]; /* written by a worker, plainly, before it says so */
static uint32_t runs;          /* of the function */
static uint32_t left;          /* threads that have yet to return from it; the last one frees */

static void begin(void *object, size_t size)
{
    struct sema_bucket *b = sema_lock(object);
    sema_unlock(b);
    world_begin();
    ex_region(b, sizeof *b);
    ex_region(object, size);
    ex_region(done, sizeof done);
    ex_quiet(&runs, sizeof runs);
    ex_quiet(&left, sizeof left);
}

/* The memory may go when everybody has returned. */
static void returned(void *object, size_t size)
{
    if (left && --left == 0)
        ex_gone(object, size);
}

static int one = 1, two = 2, three = 3;

/* ---- go_once ---- */

static void function(void)
{
    EX_HOLD(runs++ == 0);
    at_store_rlx(&done[0], 1u);
}

/* As go_once_do(). */
static void asks(void *arg)
{
    for (int i = *(int *)arg; i > 0; i--) {
        struct go_once_call_ call;
        void (*fn)(void) =
            (void (*)(void))(uintptr_t)go_once_enter_(&call, &once, (void *)function);
        fn();
        go_once_leave_(&call);
        EX_HOLD(at_load_rlx(&done[0]) == 1);
    }
    returned(&once, sizeof once);
}

static void begin_once(int threads, int *times)
{
    begin(&once, sizeof once);
    for (int i = 0; i < threads; i++)
        ex_thread(asks, times);
}

static void begin_once_three(void)
{
    begin_once(3, &one);
}

static void begin_once_again(void)
{
    begin_once(2, &two);
}

static void begin_once_life(void)
{
    left = 3;
    begin_once(3, &one);
}

static void end_once(void)
{
    EX_HOLD(runs == 1 && once.state_ == ONCE_DONE);
}

/* ---- go_waitgroup ---- */

static void works(void *arg)
{
    at_store_rlx((uint32_t *)arg, 1u);
    go_waitgroup_done(&wg);
}

/* Waits for the first *arg workers. */
static void waits(void *arg)
{
    go_waitgroup_wait(&wg);
    for (int i = 0; i < *(int *)arg; i++)
        EX_HOLD(at_load_rlx(&done[i]) == 1);
    returned(&wg, sizeof wg);
}

static void begin_wg(int workers)
{
    begin(&wg, sizeof wg);
    wg.state_ = (uint64_t)workers << COUNT_SHIFT;
    for (int i = 0; i < workers; i++)
        ex_thread(works, &done[i]);
}

static void begin_wg_three(void)
{
    begin_wg(3);
    ex_thread(waits, &three);
}

static void begin_wg_waiters(void)
{
    begin_wg(2);
    ex_thread(waits, &two);
    ex_thread(waits, &two);
}

static void begin_wg_life(void)
{
    left = 2;
    begin_wg_waiters();
}

/* The workers of one round start those of the next, as a tree does. */
static void works_and_starts(void *arg)
{
    (void)arg;
    go_waitgroup_add(&wg, 1);
    works(&done[0]);
    works(&done[1]);
}

static void begin_wg_adds(void)
{
    begin(&wg, sizeof wg);
    wg.state_ = (uint64_t)1 << COUNT_SHIFT;
    ex_thread(works_and_starts, NULL);
    ex_thread(waits, &two);
    ex_thread(waits, &two);
}

/* A second round begins while some have yet to return from the first. */
static void waits_then_works(void *arg)
{
    waits(arg);
    go_waitgroup_add(&wg, 1);
    works(&done[1]);
    go_waitgroup_wait(&wg);
}

static void begin_wg_again(void)
{
    begin_wg(1);
    ex_thread(waits_then_works, &one);
    ex_thread(waits, &one);
}

static void end_wg(void)
{
    EX_HOLD(wg.state_ == 0 && sema_addresses() == 0);
}

#define MODEL(n, s, f, e)                                            \
    {                                                                \
        .name = n, .says = s, .memory = EX_PSO, .begin = f, .end = e \
    }

static const struct ex_model models[] = {
    MODEL("once", "it runs once, and all who return have seen it", begin_once_three, end_once),
    MODEL("once, asked again", "the same", begin_once_again, end_once),
    MODEL("once, lifetime", "who is the last to return may free it", begin_once_life, NULL),
    MODEL("waitgroup", "who returns has seen all work", begin_wg_three, end_wg),
    MODEL("waitgroup, two waiters", "the same", begin_wg_waiters, end_wg),
    MODEL("waitgroup, growing", "the same", begin_wg_adds, end_wg),
    MODEL("waitgroup, lifetime", "who is the last to return may free it", begin_wg_life, NULL),
    MODEL("waitgroup, used again", "the next round may begin at once", begin_wg_again, end_wg),
};

static const char *const survivors[] = {
    /* While the last one that is counted says so nobody else changes the count, and the rest is
     * under the bucket's lock. */
    "finish cas_acq_rel",
    /* The exchange that locks the bucket empties the store buffer before it. */
    "go_once_leave_ store_rel",
    NULL,
};

int main(int argc, char **argv)
{
    return ex_main(argc, argv, models, sizeof models / sizeof models[0], survivors);
}
