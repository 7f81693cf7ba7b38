/* test_collect.c - what ended flows leave behind is given back, and nothing else.
 * (test_shadow.c collects in the midst of random programs.) */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include "collect.h"
#include "heap.h"
#include "rc.h"
#include "rc_double.h"
#include "slot.h"

void __tsan_read8(void *);
void __tsan_write8(void *);

enum { FLOWS = 1000 };

static uint64_t word[FLOWS];
static struct rc_ctx *root;

static void begin(void)
{
    rc_init(NULL);
    root = rc_current();
    collect();
}

/* Does what flow() says in a context of its own, which nobody waits for. */
static void in_a_flow(struct rc_ctx *by, uint64_t id, void *access)
{
    struct rc_ctx *c = rc_ctx_make(by, RC_GOROUTINE, id, 1, NULL, 0), *was = rc_switch(c);
    if (access)
        __tsan_write8(access);
    rc_switch(was);
    rc_ctx_end(c);
}

Test(collect, flows_that_touched_nothing_leave_nothing)
{
    begin();
    uint64_t lives = slot_lives();
    for (int round = 0; round < 5; round++) {
        for (uint64_t i = 0; i < FLOWS; i++)
            in_a_flow(root, 1000 + i, NULL);
        collect();
        cr_assert_eq(slot_lives(), lives);
    }
    cr_assert_leq(slot_count(), (uint32_t)FLOWS + 10);
}

/* What they leave is given back long before it is many megabytes. */
Test(collect, flows_are_collected_unasked)
{
    enum { MANY = 60000 };
    begin();
    for (uint64_t i = 0; i < MANY; i++)
        in_a_flow(root, 1000 + i, NULL);
    cr_assert_lt(slot_lives(), MANY - 10000u);
}

Test(collect, records_keep_their_flows)
{
    begin();
    uint64_t lives = slot_lives();
    for (uint64_t i = 0; i < FLOWS; i++)
        in_a_flow(root, 1000 + i, &word[i]);
    collect();
    cr_assert_eq(slot_lives(), lives + FLOWS);
    for (uint64_t i = 0; i < FLOWS; i++)
        __tsan_write8(&word[i]); /* by root, which waited for none of them: a race each */
    cr_assert_eq(n_reports, 1u, "all from the same two places");
    cr_assert_eq(reports[0].before.by->id, 1000u);
    collect();
    cr_assert_eq(slot_lives(), lives, "now root's writes are all that is recorded");
}

Test(collect, slots_pass_on_when_nothing_is_recorded)
{
    begin();
    for (int round = 0; round < 20; round++) {
        for (uint64_t i = 0; i < FLOWS; i++)
            in_a_flow(root, 1000 + i, &word[i]);
        rc_forget(word, sizeof word);
        collect();
    }
    cr_assert_leq(slot_count(), (uint32_t)FLOWS + 10);
}

/* The accesses of who began and ended first are still known to be unordered with root's. */
Test(collect, a_record_survives_any_number_of_others)
{
    begin();
    in_a_flow(root, 7, &word[0]);
    for (int round = 0; round < 20; round++) {
        for (uint64_t i = 1; i < FLOWS; i++)
            in_a_flow(root, 1000 + i, &word[i]);
        rc_forget(&word[1], sizeof word - sizeof word[0]);
        collect();
    }
    __tsan_read8(&word[0]);
    cr_assert_eq(n_reports, 1u);
    cr_assert_eq(reports[0].before.by->id, 7u);
}

Test(collect, blocks_keep_who_asked_for_them)
{
    begin();
    uint64_t lives = slot_lives();
    struct rc_ctx *c = rc_ctx_make(root, RC_GOROUTINE, 9, 1, NULL, 0);
    heap_add(0x10000, 32, 0, rc_life_of(c));
    rc_ctx_end(c);
    collect();
    struct heap_block b;
    cr_assert(heap_find(0x10010, &b));
    cr_assert_eq(b.by->id, 9u);
    cr_assert_eq(slot_lives(), lives + 1);
    heap_add(0x10000, 32, 0, NULL);
    collect();
    cr_assert_eq(slot_lives(), lives);
}

/* Each starts the next and ends: the last one's nearest ancestors are known, the others are not. */
Test(collect, ancestors_are_kept_as_far_as_reports_show_them)
{
    begin();
    struct rc_ctx *c = root;
    uint64_t lives = slot_lives();
    for (uint64_t i = 1; i <= 200; i++) {
        struct rc_ctx *next = rc_ctx_make(c, RC_GOROUTINE, i, 1, NULL, 0);
        if (c != root)
            rc_ctx_end(c);
        c = next;
    }
    collect();
    uint64_t id = 200;
    const struct rc_life *l = rc_life_of(c);
    for (; l && l->id == id; l = l->parent)
        id--;
    cr_assert_null(l);
    cr_assert_eq(id, 200u - LIVES_SHOWN);
    cr_assert_eq(slot_lives(), lives + LIVES_SHOWN);
    rc_ctx_end(c);
    collect();
    cr_assert_eq(slot_lives(), lives);
}

/* ---- while others run ---- */

static char object;
static uint64_t shared[64];
static uint32_t go_on = 1;

/* Flows of its own, one after the other, that write the same words in turn: no race. */
static void *churn(void *arg)
{
    struct rc_ctx *me = rc_ctx_make(NULL, RC_THREAD, 100 + *(uint64_t *)arg, 1, NULL, 0);
    static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
    for (uint64_t i = 0; i < 20000; i++) {
        struct rc_ctx *c = rc_ctx_make(me, RC_GOROUTINE, 1000 + i, 1, NULL, 0);
        rc_switch(c);
        pthread_mutex_lock(&mu);
        rc_acquire(c, &object);
        for (int k = 0; k < 8; k++)
            __tsan_write8(&shared[(i * 8 + (uint64_t)k) % 64]);
        rc_release(c, &object);
        pthread_mutex_unlock(&mu);
        __tsan_write8(arg);
        rc_switch(me);
        rc_ctx_end(c);
        rc_forget(arg, 8);
    }
    rc_switch(NULL);
    rc_ctx_end(me);
    return NULL;
}

static void *collector(void *arg)
{
    while (__atomic_load_n(&go_on, __ATOMIC_RELAXED))
        collect();
    return arg;
}

Test(collect, beside_running_threads_invents_and_loses_nothing)
{
    pthread_t t[3], gc;
    static uint64_t own[3];
    begin();
    pthread_create(&gc, NULL, collector, NULL);
    for (uint64_t i = 0; i < 3; i++) {
        own[i] = i;
        pthread_create(&t[i], NULL, churn, &own[i]);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    __atomic_store_n(&go_on, 0, __ATOMIC_RELAXED);
    pthread_join(gc, NULL);
    cr_assert_eq(n_reports, 0u);
    collect();
    cr_assert_leq(slot_lives(), 10u + 64u, "at most one flow for each word of shared[] is left");
    __tsan_write8(&shared[0]); /* root knows nobody */
    cr_assert_eq(n_reports, 1u);
}
