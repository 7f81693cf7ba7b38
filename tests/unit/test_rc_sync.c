/* test_rc_sync.c - edges: host objects, C11 atomics and fences, annotated locks.
 *
 * Every case moves one plain word from flow a to flow b by some means; the means orders the two
 * accesses or does not. */
#include <criterion/criterion.h>
#include <string.h>
#include "ctx.h"
#include "rc_double.h"
#include "shadow.h"
#include "sync.h"

void __tsan_write8(void *), __tsan_write4(void *), __tsan_read4(void *);
uint32_t __tsan_atomic32_load(const volatile uint32_t *, int);
void __tsan_atomic32_store(volatile uint32_t *, uint32_t, int);
uint32_t __tsan_atomic32_fetch_add(volatile uint32_t *, uint32_t, int);
int __tsan_atomic32_compare_exchange_strong(volatile uint32_t *, uint32_t *, uint32_t, int, int);
uint32_t __tsan_atomic32_compare_exchange_val(volatile uint32_t *, uint32_t, uint32_t, int, int);
uint8_t __tsan_atomic8_load(const volatile uint8_t *, int);
unsigned __int128 __tsan_atomic128_load(const volatile unsigned __int128 *, int);
void __tsan_atomic128_store(volatile unsigned __int128 *, unsigned __int128, int);
unsigned __int128 __tsan_atomic128_fetch_add(volatile unsigned __int128 *, unsigned __int128, int);
void __tsan_atomic_thread_fence(int);
void __tsan_func_entry(void *), __tsan_func_exit(void);
void __tsan_mutex_post_lock(void *, unsigned, int), __tsan_mutex_pre_lock(void *, unsigned);
int __tsan_mutex_pre_unlock(void *, unsigned);
void __tsan_mutex_post_unlock(void *, unsigned);

enum { RELAXED = 0, CONSUME, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST };

static uint64_t data;
static char object[8];
static volatile uint32_t flag;
static volatile unsigned __int128 wide;
static struct rc_ctx *a, *b, *c, *fourth;

static void start(void)
{
    rc_init(NULL);
    a = rc_ctx_make(NULL, RC_GOROUTINE, 1, 1, NULL, 0);
    b = rc_ctx_make(NULL, RC_GOROUTINE, 2, 1, NULL, 0);
    c = rc_ctx_make(NULL, RC_GOROUTINE, 3, 1, NULL, 0);
    fourth = rc_ctx_make(NULL, RC_GOROUTINE, 4, 1, NULL, 0);
    rc_switch(a);
    __tsan_write8(&data);
}

static void expect(bool ordered)
{
    rc_switch(b);
    __tsan_write8(&data);
    cr_assert_eq(n_reports, ordered ? 0 : 1);
}

/* ---- host objects ---- */

Test(rc_sync, release_then_acquire)
{
    start();
    rc_release(a, object);
    rc_acquire(b, object);
    expect(true);
}

Test(rc_sync, acquire_before_the_release)
{
    start();
    rc_acquire(b, object);
    rc_release(a, object);
    expect(false);
}

Test(rc_sync, neighbouring_objects_are_different)
{
    start();
    rc_release(a, object);
    rc_acquire(b, object + 1);
    expect(false);
}

Test(rc_sync, release_replaces_what_was_there)
{
    start();
    rc_release(a, object);
    rc_release(c, object);
    rc_acquire(b, object);
    expect(false);
}

Test(rc_sync, release_merge_adds)
{
    start();
    rc_release(a, object);
    rc_release_merge(c, object);
    rc_acquire(b, object);
    expect(true);
}

Test(rc_sync, what_comes_after_the_release_is_not_in_it)
{
    start();
    rc_release(a, object);
    __tsan_write8(&data);
    rc_acquire(b, object);
    expect(false);
}

Test(rc_sync, a_forgotten_object_is_empty)
{
    start();
    rc_release(a, object);
    rc_forget(object, sizeof object);
    rc_acquire(b, object);
    expect(false);
}

Test(rc_sync, forgetting_leaves_the_neighbours)
{
    start();
    rc_release(a, object + 1);
    rc_forget(object + 2, 2);
    rc_forget(object, 1);
    rc_acquire(b, object + 1);
    expect(true);
}

/* Who acquires the object knows what a did; c does not. */
static bool is_there(char *obj, uint64_t what)
{
    struct rc_ctx *d = rc_ctx_make(c, RC_GOROUTINE, 4, 1, NULL, 0);
    rc_acquire(d, obj);
    bool there = rc_ordered(d, what);
    rc_ctx_end(d);
    return there;
}

/* At the ends of what is looked at at once: words, marks, eights of marks, and eights of those. */
Test(rc_sync, a_forgotten_range_is_that_range)
{
    static char area[80 << 10] __attribute__((aligned(64 << 10)));
    static const size_t at[] = {0,    1,    8,    511,   512,   4095,  4096,
                                4600, 8191, 8192, 32767, 32768, 40000, sizeof area - 1};
    enum { N = sizeof at / sizeof at[0] };
    start();
    uint64_t what = *shadow_cell(shadow_find((uintptr_t)&data), (uintptr_t)&data);
    for (size_t lo = 0; lo < N; lo++)
        for (size_t hi = lo + 1; hi < N; hi++) {
            for (size_t i = 0; i < N; i++)
                rc_release(a, &area[at[i]]);
            rc_forget(&area[at[lo]], at[hi] - at[lo]);
            for (size_t i = 0; i < N; i++)
                cr_assert_eq(is_there(&area[at[i]], what), i < lo || i >= hi,
                             "object at %zu, forgotten [%zu, %zu)", at[i], at[lo], at[hi]);
        }
}

Test(rc_sync, what_is_passed_is_released)
{
    start();
    rc_pass(a, object, object + 1);
    rc_acquire(b, object);
    expect(true);
}

Test(rc_sync, a_pass_acquires_from_the_other_object)
{
    start();
    rc_release(a, object);
    rc_pass(b, object + 1, object);
    expect(true);
}

Test(rc_sync, a_pass_releases_before_it_acquires)
{
    start();
    rc_release(a, object);
    rc_pass(c, object + 1, object);
    rc_acquire(b, object + 1);
    expect(false);
}

Test(rc_sync, what_comes_after_a_pass_is_not_in_it)
{
    start();
    rc_pass(a, object, object + 1);
    rc_switch(a);
    __tsan_write8(&data);
    rc_acquire(b, object);
    expect(false);
}

Test(rc_sync, who_meets_comes_after_the_other)
{
    start();
    rc_meet(b, a, object);
    expect(true);
    rc_switch(a);
    __tsan_write8(&data);
    cr_assert_eq(n_reports, 1, "what b did since then is not known to a");
}

Test(rc_sync, a_meeting_orders_both_ways)
{
    start();
    rc_meet(a, b, object);
    expect(true);
    rc_meet(a, b, object);
    rc_switch(a);
    __tsan_write8(&data);
    cr_assert_eq(n_reports, 0);
}

Test(rc_sync, what_comes_after_a_meeting_is_not_in_it)
{
    start();
    rc_meet(a, b, object);
    rc_switch(a);
    __tsan_write8(&data);
    expect(false);
}

Test(rc_sync, a_meeting_leaves_nothing_behind)
{
    start();
    rc_meet(a, c, object);
    rc_acquire(b, object);
    expect(false);
}

Test(rc_sync, who_meets_passes_on_what_it_knew)
{
    start();
    rc_meet(a, c, object);
    rc_meet(c, b, object);
    expect(true);
}

Test(rc_sync, a_place_that_is_given_is_remembered)
{
    uintptr_t pc[4];
    start();
    rc_release_at(a, object, 0x1234);
    rc_acquire_at(c, object, 0x5678);
    expect(false);
    const struct rc_order_info *o = &reports[0].order;
    cr_assert_eq(o->n_since, 1);
    cr_assert_eq(o->since[0].obj, object);
    cr_assert_geq(rc_stack_of(o->since[0].site, pc, 4, NULL), 1);
    cr_assert_eq(pc[0], 0x1234);
}

Test(rc_sync, a_function_that_the_library_calls_is_a_place)
{
    uintptr_t pc[4];
    start();
    rc_switch(a);
    size_t was = rc_calls_back(0x1234, (void *)0x5678);
    rc_release(a, object);
    rc_called_back(was);
    expect(false);
    const struct rc_order_info *o = &reports[0].order;
    cr_assert_eq(o->n_since, 1);
    cr_assert_eq(rc_stack_of(o->since[0].site, pc, 4, NULL), 2);
    cr_assert_eq(pc[0], 0x5679);
    cr_assert_eq(pc[1], 0x1234);
}

/* ---- atomics ---- */

#define EDGE(name, ordered, in_a, in_b) \
    Test(rc_sync, name)                 \
    {                                   \
        start();                        \
        in_a;                           \
        rc_switch(b);                   \
        in_b;                           \
        expect(ordered);                \
    }

#define STORE(mo) __tsan_atomic32_store(&flag, 1, mo)
#define LOAD(mo)  __tsan_atomic32_load(&flag, mo)
#define ADD(mo)   __tsan_atomic32_fetch_add(&flag, 1, mo)
#define FENCE(mo) __tsan_atomic_thread_fence(mo)

EDGE(store_release_load_acquire, true, STORE(RELEASE), LOAD(ACQUIRE))
EDGE(store_release_load_consume, true, STORE(RELEASE), LOAD(CONSUME))
EDGE(store_seq_cst_load_seq_cst, true, STORE(SEQ_CST), LOAD(SEQ_CST))
EDGE(store_release_load_relaxed, false, STORE(RELEASE), LOAD(RELAXED))
EDGE(store_relaxed_load_acquire, false, STORE(RELAXED), LOAD(ACQUIRE))
EDGE(lock_elision_bits_are_no_order, true, STORE(RELEASE), LOAD(ACQUIRE | 0x10000))
EDGE(add_acq_rel_both, true, ADD(ACQ_REL), ADD(ACQ_REL))
EDGE(add_release_add_relaxed, false, ADD(RELEASE), ADD(RELAXED))
EDGE(fences_around_relaxed, true, FENCE(RELEASE); STORE(RELAXED), LOAD(RELAXED); FENCE(ACQUIRE))
EDGE(release_fence_load_acquire, true, FENCE(RELEASE); STORE(RELAXED), LOAD(ACQUIRE))
EDGE(store_release_acquire_fence, true, STORE(RELEASE), LOAD(RELAXED); FENCE(ACQUIRE))
EDGE(fence_after_the_store, false, STORE(RELAXED); FENCE(RELEASE), LOAD(ACQUIRE))
EDGE(fence_before_the_load, false, STORE(RELEASE), FENCE(ACQUIRE); LOAD(RELAXED))
EDGE(write_after_the_release_fence, false, FENCE(RELEASE); __tsan_write8(&data);
     STORE(RELAXED), LOAD(ACQUIRE))
EDGE(sequence_continued_by_rmw, true, STORE(RELEASE); rc_switch(c); ADD(RELAXED), LOAD(ACQUIRE))
EDGE(sequence_ended_by_store, false, STORE(RELEASE); rc_switch(c); STORE(RELAXED), LOAD(ACQUIRE))
EDGE(sequence_continued_by_own_store, true, STORE(RELEASE); STORE(RELAXED), LOAD(ACQUIRE))
EDGE(sequence_of_the_head_only, true, STORE(RELEASE); rc_switch(c); ADD(RELEASE); rc_switch(a);
     STORE(RELAXED), LOAD(ACQUIRE))
EDGE(sequence_of_the_last_head_only, false, STORE(RELEASE); rc_switch(c); ADD(RELEASE);
     STORE(RELAXED), LOAD(ACQUIRE))
EDGE(sequence_without_the_middle_heads_others, false, STORE(RELEASE); rc_switch(c); ADD(RELEASE);
     rc_switch(fourth); ADD(RELEASE); rc_switch(c); STORE(RELAXED), LOAD(ACQUIRE))
EDGE(sequence_of_the_middle_head, true, rc_switch(c); STORE(RELEASE); rc_switch(a); ADD(RELEASE);
     rc_switch(fourth); ADD(RELEASE); rc_switch(a); STORE(RELAXED), LOAD(ACQUIRE))
EDGE(narrow_load_of_a_wide_store, true, STORE(RELEASE),
     __tsan_atomic8_load((volatile uint8_t *)&flag + 1, ACQUIRE))
EDGE(sixteen_bytes, true, __tsan_atomic128_store(&wide, 1, RELEASE),
     __tsan_atomic128_load(&wide, ACQUIRE))

/* Of flows that never released into it, none is taken for one that did. */
Test(rc_sync, a_sequence_is_ended_by_any_other_flow)
{
    enum { OTHERS = 200 };
    static uint64_t word[OTHERS];
    start();
    for (int i = 0; i < OTHERS; i++) {
        rc_switch(a);
        __tsan_write8(&word[i]);
        STORE(RELEASE);
        rc_switch(c);
        ADD(RELEASE);
        rc_switch(rc_ctx_make(NULL, RC_GOROUTINE, 5 + (uint64_t)i, 1, NULL, 0));
        STORE(RELAXED);
        rc_switch(b);
        LOAD(ACQUIRE);
        __tsan_func_entry((void *)(uintptr_t)(0x1000 + i)); /* so that no two reports are alike */
        __tsan_write8(&word[i]);
        __tsan_func_exit();
        cr_assert_eq(n_reports, i + 1);
    }
}

/* Of more heads than are told apart, each still keeps its own part. */
Test(rc_sync, each_of_many_heads_goes_on)
{
    enum { HEADS = 100 };
    static uint64_t word[HEADS];
    struct rc_ctx *head[HEADS];
    start();
    for (int i = 0; i < HEADS; i++) {
        head[i] = rc_ctx_make(NULL, RC_GOROUTINE, 5 + (uint64_t)i, 1, NULL, 0);
        rc_switch(head[i]);
        __tsan_write8(&word[i]);
        ADD(RELEASE);
    }
    rc_switch(head[HEADS / 2]);
    STORE(RELAXED);
    rc_switch(b);
    LOAD(ACQUIRE);
    __tsan_write8(&word[HEADS / 2]);
    cr_assert_eq(n_reports, 0);
}

Test(rc_sync, a_failed_exchange_is_a_load)
{
    uint32_t expected = 5;
    start();
    STORE(RELEASE);
    rc_switch(b);
    cr_assert_eq(__tsan_atomic32_compare_exchange_strong(&flag, &expected, 9, RELAXED, ACQUIRE), 0);
    cr_assert_eq(expected, 1);
    expect(true);
}

Test(rc_sync, a_failed_exchange_releases_nothing)
{
    start();
    cr_assert_eq(__tsan_atomic32_compare_exchange_val(&flag, 5, 9, ACQ_REL, RELAXED), 0);
    rc_switch(b);
    LOAD(ACQUIRE);
    expect(false);
}

Test(rc_sync, atomics_do_what_they_say)
{
    rc_init(NULL);
    uint32_t expected = 7;
    flag = 7;
    cr_assert_eq(ADD(RELAXED), 7);
    cr_assert_eq(LOAD(RELAXED), 8);
    cr_assert_eq(__tsan_atomic32_compare_exchange_val(&flag, 8, 20, SEQ_CST, RELAXED), 8);
    cr_assert_eq(__tsan_atomic32_compare_exchange_strong(&flag, &expected, 30, SEQ_CST, RELAXED),
                 0);
    cr_assert_eq(expected, 20);
    unsigned __int128 big = (unsigned __int128)1 << 100;
    __tsan_atomic128_store(&wide, big, SEQ_CST);
    cr_assert(__tsan_atomic128_fetch_add(&wide, 5, SEQ_CST) == big);
    cr_assert(__tsan_atomic128_load(&wide, RELAXED) == big + 5);
}

Test(rc_sync, atomics_conflict_with_plain_accesses_only)
{
    start();
    rc_switch(a);
    ADD(RELAXED);
    rc_switch(b);
    ADD(RELAXED);
    LOAD(RELAXED);
    cr_assert_eq(n_reports, 0);
    __tsan_read4((void *)&flag);
    cr_assert_eq(n_reports, 1, "a plain read against a's atomic write");
    cr_assert(reports[0].before.atomic && !reports[0].now.atomic);
}

Test(rc_sync, an_atomic_published_through_itself_may_be_initialised_plainly)
{
    start();
    __tsan_write4((void *)&flag);
    STORE(RELEASE);
    rc_switch(b);
    LOAD(ACQUIRE);
    cr_assert_eq(n_reports, 0);
    LOAD(RELAXED);
    cr_assert_eq(n_reports, 0);
    rc_switch(c);
    LOAD(RELAXED);
    cr_assert_eq(n_reports, 1, "c has no order with the initialisation");
}

/* ---- annotated locks ---- */

enum { READ_LOCK = 1 << 3 };

static void lock(struct rc_ctx *by, unsigned flags)
{
    rc_switch(by);
    __tsan_mutex_pre_lock((void *)&flag, flags);
    __tsan_mutex_post_lock((void *)&flag, flags, 0);
}

static void unlock(struct rc_ctx *by, unsigned flags)
{
    rc_switch(by);
    __tsan_mutex_pre_unlock((void *)&flag, flags);
    __tsan_mutex_post_unlock((void *)&flag, flags);
}

Test(rc_sync, an_annotated_lock_orders)
{
    start();
    lock(a, 0);
    unlock(a, 0);
    lock(b, 0);
    expect(true);
}

Test(rc_sync, annotated_readers_are_ordered_with_writers_only)
{
    start();
    lock(a, READ_LOCK);
    unlock(a, READ_LOCK);
    lock(c, READ_LOCK);
    rc_switch(c);
    __tsan_write8(&data);
    cr_assert_eq(n_reports, 1, "reader and reader");
    unlock(c, READ_LOCK);
    lock(b, 0);
    rc_switch(b);
    __tsan_write8(&data);
    cr_assert_eq(n_reports, 1, "writer after both");
}

Test(rc_sync, locks_held_are_told)
{
    start();
    lock(b, 0);
    __tsan_write8(&data);
    cr_assert_eq(n_reports, 1);
    cr_assert(reports[0].now.locks_known);
    cr_assert_eq(reports[0].now.n_locks, 1);
    cr_assert_eq(reports[0].now.lock[0].lock, (void *)&flag);
    unlock(b, 0);
    cr_assert_eq(b->n_locks, 0);
}
