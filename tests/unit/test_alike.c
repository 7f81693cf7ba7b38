/* test_alike.c - records of a word that many flows have read: merged when nobody can tell them
 * apart, and only then. */
#include <criterion/criterion.h>
#include "alike.h"
#include "collect.h"
#include "rc.h"
#include "rc_double.h"
#include "slot.h"
#include "sync.h"

void __tsan_read8(void *);
void __tsan_write8(void *);
void __tsan_atomic_thread_fence(int);
uint32_t __tsan_atomic32_load(const volatile uint32_t *, int);
void __tsan_atomic32_store(volatile uint32_t *, uint32_t, int);

enum { MANY = 3000 };

static uint64_t table;
static char object[4];
static uint32_t flag;
static struct rc_ctx *root;

static void begin(void)
{
    rc_init(NULL);
    root = rc_current();
    n_reports = 0;
}

/* All visitors read at one place. */
static __attribute__((noinline)) void read_table(void)
{
    __tsan_read8(&table);
    __asm__ volatile(""); /* no tail call: the access's pc lies here */
}

static struct rc_ctx *arrive(uint64_t id)
{
    struct rc_ctx *c = rc_ctx_make(root, RC_GOROUTINE, 1000 + id, 1, NULL, 0);
    rc_switch(c);
    return c;
}

static void leave(struct rc_ctx *c)
{
    rc_switch(root);
    rc_ctx_end(c);
}

static void visit(uint64_t id, const char *tells)
{
    struct rc_ctx *c = arrive(id);
    read_table();
    if (tells)
        rc_release_merge(c, tells);
    leave(c);
}

static void visits(unsigned n, const char *tells)
{
    for (unsigned i = 0; i < n; i++)
        visit(i, tells);
}

Test(alike, readers_whom_nobody_knows_are_one)
{
    begin();
    uint64_t lives = slot_lives();
    visits(MANY, NULL);
    collect();
    cr_assert_leq(slot_lives(), lives + 5);
    __tsan_write8(&table);
    cr_assert_eq(n_reports, 1u);
}

Test(alike, readers_who_told_are_another_one)
{
    begin();
    uint64_t lives = slot_lives();
    visits(MANY, &object[0]);
    visits(MANY, NULL);
    visits(MANY, &object[1]);
    visits(MANY, NULL);
    collect();
    cr_assert_leq(slot_lives(), lives + 8);
    rc_acquire(root, &object[0]);
    rc_acquire(root, &object[1]);
    __tsan_write8(&table);
    cr_assert_geq(n_reports, 1u, "those who told nobody");
}

Test(alike, all_who_told_are_known)
{
    begin();
    for (int i = 0; i < 4; i++) {
        visits(MANY, &object[i]);
        collect();
    }
    for (int i = 0; i < 4; i++)
        rc_acquire(root, &object[i]);
    __tsan_write8(&table);
    cr_assert_eq(n_reports, 0u);
}

Test(alike, one_object_not_asked_is_enough)
{
    begin();
    for (int i = 0; i < 4; i++)
        visits(100, &object[i]);
    collect();
    for (int i = 0; i < 4; i++)
        if (i != 2)
            rc_acquire(root, &object[i]);
    __tsan_write8(&table);
    cr_assert_geq(n_reports, 1u);
}

/* Whoever comes later knows all before them, through one lock; root knows nobody. */
Test(alike, a_chain_is_one)
{
    begin();
    uint64_t lives = slot_lives();
    for (uint64_t i = 0; i < MANY; i++) {
        struct rc_ctx *c = arrive(i);
        read_table();
        rc_release_acquire(c, &object[0]);
        leave(c);
    }
    collect();
    cr_assert_leq(slot_lives(), lives + 5);
    __tsan_write8(&table);
    cr_assert_geq(n_reports, 1u);
}

/* A running flow that knows the first half only. */
Test(alike, what_running_flows_know_counts)
{
    begin();
    visits(MANY, &object[0]);
    struct rc_ctx *c = arrive(MANY);
    rc_acquire(c, &object[0]);
    rc_switch(root);
    rc_forget(object, sizeof object);
    visits(MANY, NULL);
    collect();
    rc_switch(c);
    __tsan_write8(&table);
    cr_assert_geq(n_reports, 1u, "the second half");
    leave(c);
}

/* The same, where the knowledge waits for an acquire fence. */
Test(alike, what_relaxed_loads_have_read_counts)
{
    begin();
    for (uint64_t i = 0; i < 100; i++) {
        struct rc_ctx *c = arrive(i);
        read_table();
        if (i == 0)
            __tsan_atomic32_store(&flag, 1, __ATOMIC_RELEASE);
        leave(c);
    }
    struct rc_ctx *c = arrive(100);
    __tsan_atomic32_load(&flag, __ATOMIC_RELAXED);
    rc_switch(root);
    rc_forget(&flag, sizeof flag);
    collect();
    rc_switch(c);
    __tsan_atomic_thread_fence(__ATOMIC_ACQUIRE);
    __tsan_write8(&table);
    cr_assert_geq(n_reports, 1u, "99 that it does not know");
    leave(c);
}

/* A release fence keeps what was known then for later stores. */
Test(alike, what_a_release_fence_kept_counts)
{
    begin();
    visits(100, &object[0]);
    struct rc_ctx *c = arrive(100);
    rc_acquire(c, &object[0]);
    __tsan_atomic_thread_fence(__ATOMIC_RELEASE);
    rc_switch(root);
    visits(100, &object[1]);
    rc_switch(c);
    rc_acquire(c, &object[1]);
    rc_forget(object, sizeof object);
    collect();
    __tsan_atomic32_store(&flag, 1, __ATOMIC_RELAXED); /* tells of the first hundred only */
    rc_switch(root);
    __tsan_atomic32_load(&flag, __ATOMIC_ACQUIRE);
    __tsan_write8(&table);
    cr_assert_geq(n_reports, 1u, "the second hundred");
    leave(c);
}

/* An object whose clock is one moment: its owner's own epoch is known by the epoch alone. */
Test(alike, a_single_moment_counts)
{
    begin();
    for (uint64_t i = 0; i < 100; i++) {
        struct rc_ctx *c = arrive(i);
        read_table();
        if (i == 0)
            rc_release(c, &object[0]);
        leave(c);
    }
    collect();
    rc_acquire(root, &object[0]);
    __tsan_write8(&table);
    cr_assert_geq(n_reports, 1u, "99 that told nobody");
}

/* Who tells and then reads has told nothing of it. */
Test(alike, what_is_done_after_telling_is_not_told)
{
    begin();
    for (uint64_t i = 0; i < 100; i++) {
        struct rc_ctx *c = arrive(i);
        if (i >= 50)
            rc_release_merge(c, &object[0]);
        read_table();
        if (i < 50)
            rc_release_merge(c, &object[0]);
        leave(c);
    }
    collect();
    rc_acquire(root, &object[0]);
    __tsan_write8(&table);
    cr_assert_geq(n_reports, 1u);
}

/* Running flows are never merged. */
Test(alike, running_readers_stay_apart)
{
    static struct rc_ctx *c[50];
    begin();
    for (uint64_t i = 0; i < 50; i++) {
        c[i] = arrive(i);
        read_table();
    }
    rc_switch(root);
    collect();
    for (int i = 0; i < 49; i++)
        rc_release_merge(c[i], &object[0]);
    rc_acquire(root, &object[0]);
    __tsan_write8(&table);
    cr_assert_eq(n_reports, 1u);
    cr_assert_eq(reports[0].before.by->id, 1049u);
    for (int i = 0; i < 50; i++)
        rc_ctx_end(c[i]);
}

/* ---- the table of moments ---- */

Test(alike, moments_that_were_not_noted_have_no_class)
{
    begin();
    struct alike *k = alike_make(10);
    uint64_t class;
    alike_note(k, w_epoch(3, 7) | 0xff);
    alike_note(k, w_epoch(3, 8));
    alike_note(k, w_epoch(11, 1));
    alike_learn(k);
    cr_assert(alike_class(k, w_epoch(3, 7), &class));
    cr_assert(alike_class(k, w_epoch(3, 8) | 1, &class));
    cr_assert_not(alike_class(k, w_epoch(3, 6), &class));
    cr_assert_not(alike_class(k, w_epoch(4, 7), &class));
    cr_assert_not(alike_class(k, w_epoch(11, 1), &class));
    alike_free(k);
}
