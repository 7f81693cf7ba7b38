/* test_tr_walks.c - whatever is known without a walk is what a walk finds. */
#include "walks.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include "rand.h"
#include "vmem.h"

enum { STACKS = 4096, ROUNDS = 20000, ONE = 1, OTHER = 2 };

/* The model: every stack seen, its place is its number. */
static struct {
    size_t n;
    uintptr_t pcs[TR_STACK_MAX];
} stacks[STACKS];
static uint32_t stack_count;

static uint32_t number_of(const uintptr_t *pcs, size_t n)
{
    for (uint32_t i = 0; i < stack_count; i++)
        if (stacks[i].n == n && memcmp(stacks[i].pcs, pcs, n * sizeof(*pcs)) == 0)
            return i + 1;
    cr_assert_lt(stack_count, STACKS);
    stacks[stack_count].n = n;
    memcpy(stacks[stack_count].pcs, pcs, n * sizeof(*pcs));
    return ++stack_count;
}

static struct tr_walks *walks;
static uint32_t gen, found, asked;
static uintptr_t top; /* of the stack */
static size_t max = TR_STACK_MAX;

/* What an event does, but that it always walks. */
__attribute__((noinline)) static void event(void)
{
    struct tr_place at = {.f = UNWIND_CALLER()};
    at.depth = top - at.f.sp;
    uintptr_t pcs[TR_STACK_MAX];
    size_t n = unwind_here(pcs, max, 1);
    uint32_t number = number_of(pcs, n), known = tr_walks_find(walks, &at, gen);
    asked++;
    found += known != 0;
    if (known)
        cr_assert_eq(known, number, "a stack of %zu frames is taken for another one", n);
    else
        tr_walks_learn(walks, &at, pcs, n, max, number, gen);
}

/* ---- frames of every kind, calling each other at random ---- */

static struct rt_rand r;
typedef void body(unsigned depth);
static void call_some(unsigned depth);

__attribute__((noinline)) static void plain(unsigned depth)
{
    call_some(depth);
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

__attribute__((noinline)) static void with_locals(unsigned depth)
{
    volatile char room[200];
    room[depth] = 1;
    call_some(depth);
    room[depth + 1] = room[depth];
}

/* A frame pointer, and a stack pointer that says little about where the frame ends. */
__attribute__((noinline)) static void of_any_size(unsigned depth)
{
    volatile char *room = __builtin_alloca(16 + 16 * rand_below(&r, 4));
    room[0] = 1;
    call_some(depth);
    room[1] = room[0];
}

__attribute__((noinline)) static void aligned(unsigned depth)
{
    volatile char room[64] __attribute__((aligned(64)));
    room[0] = 1;
    call_some(depth);
    room[1] = room[0];
}

/* Where the frame ends lies in memory. */
#if defined(__x86_64__)
__attribute__((force_align_arg_pointer))
#endif
__attribute__((noinline)) static void
realigned(unsigned depth)
{
    volatile char room[64] __attribute__((aligned(64)));
    volatile char *more = __builtin_alloca(16 + 16 * rand_below(&r, 3));
    room[0] = more[0] = 1;
    call_some(depth);
    room[1] = room[0];
}

__attribute__((noinline)) static void two_events(unsigned depth)
{
    event();
    call_some(depth);
    event();
}

static void call_some(unsigned depth)
{
    static body *const kinds[] = {plain, with_locals, of_any_size, aligned, realigned, two_events};
    event();
    if (depth && rand_below(&r, 4))
        kinds[rand_below(&r, 6)](depth - 1);
    event();
}

static void begin(void)
{
    r.state = 1;
    walks = tr_walks_new();
    cr_assert_not_null(walks);
    gen = ONE;
    stack_count = found = asked = 0;
    max = TR_STACK_MAX;
}

Test(walks, what_is_found_is_what_a_walk_finds)
{
    begin();
    for (int i = 0; i < ROUNDS && stack_count < STACKS - 100; i++)
        call_some(3);
    cr_expect_gt(found, asked / 4, "found %u of %u", found, asked);
    tr_walks_free(walks);
}

Test(walks, stacks_that_are_cut_short)
{
    begin();
    max = 3;
    for (int i = 0; i < ROUNDS / 10; i++)
        call_some(3);
    cr_expect_gt(found, asked / 4, "found %u of %u", found, asked);
    tr_walks_free(walks);
}

/* Calls from one depth: their events have the same pc and sp. */
__attribute__((noinline)) static void same_place(void)
{
    event();
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

__attribute__((noinline)) static void from_four_places(void)
{
    same_place();
    __asm__ volatile("");
    same_place();
    plain(0);
    same_place();
    same_place();
}

Test(walks, stacks_that_repeat_are_found_from_the_third_time_on)
{
    begin();
    for (volatile int i = 0; i < 12; i++) { /* one call in the code */
        if (i == 2)                         /* the second time they were learned */
            found = asked = 0;
        from_four_places();
    }
    cr_expect_eq(stack_count, 6);
    cr_expect_eq(asked, 10 * stack_count);
#if defined(__x86_64__)
    cr_expect_eq(found, asked, "found %u of %u", found, asked);
#endif
    tr_walks_free(walks);
}

/* Two recordings: the numbers of the first one mean nothing in the second. */
__attribute__((noinline)) static uint32_t find_here(uint32_t number)
{
    struct tr_place at = {.f = UNWIND_CALLER()};
    at.depth = top - at.f.sp;
    uintptr_t pcs[TR_STACK_MAX];
    size_t n = unwind_here(pcs, max, 1);
    uint32_t known = tr_walks_find(walks, &at, gen);
    if (!known)
        tr_walks_learn(walks, &at, pcs, n, max, number, gen);
    return known;
}

Test(walks, numbers_count_in_their_own_recording)
{
    begin();
    const uint32_t expected[][3] = {
        /* recording, number, found */
        {ONE, 5, 0}, {ONE, 5, 0}, {ONE, 5, 5}, {OTHER, 7, 0}, {OTHER, 7, 7}, {OTHER, 7, 7},
    };
    for (volatile size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) { /* likewise */
        gen = expected[i][0];
        uint32_t known = find_here(expected[i][1]);
#if defined(__x86_64__)
        cr_expect_eq(known, expected[i][2], "time %zu: %u", i, known);
#else
        cr_expect(known == 0 || known == expected[i][2], "time %zu: %u", i, known);
#endif
    }
    tr_walks_free(walks);
}

/* ---- several stacks ---- */

enum { STACK = 128 << 10 };

static void *some_frames(void *end)
{
    top = (uintptr_t)end;
    for (volatile int i = 0; i < 3; i++) { /* one call in the code */
        from_four_places();
        of_any_size(0);
    }
    return NULL;
}

/* Runs some_frames() on a stack of its own, that ends at end. */
static void on_stack(char *end)
{
    pthread_attr_t attr;
    pthread_t t;
    cr_assert_eq(pthread_attr_init(&attr), 0);
    cr_assert_eq(pthread_attr_setstack(&attr, end - STACK, STACK), 0);
    cr_assert_eq(pthread_create(&t, &attr, some_frames, end), 0);
    cr_assert_eq(pthread_join(t, NULL), 0);
    pthread_attr_destroy(&attr);
}

Test(walks, what_is_learned_on_one_stack_is_known_on_the_others)
{
    static char memory[4 * STACK] __attribute__((aligned(4096)));
    begin();
    for (int i = 1; i <= 4; i++) {
        found = asked = 0;
        r.state = 7; /* the same frames */
        on_stack(memory + i * STACK);
        if (i <= 2)
            continue; /* the second time they are learned, all of them */
        cr_expect_gt(asked, 20);
#if defined(__x86_64__)
        cr_expect_eq(found, asked, "stack %d: found %u of %u", i, found, asked);
#endif
    }
    tr_walks_free(walks);
}

/* Two stacks that differ in their third frame. */
__attribute__((noinline)) static void between(void)
{
    same_place();
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

__attribute__((noinline)) static void from_two_places(void)
{
    between();
    __asm__ volatile("");
    between();
    __asm__ volatile("" ::: "memory");
}

/* A recording with short stacks teaches nothing for one with long ones. */
Test(walks, stacks_of_another_length_are_others)
{
    begin();
    for (volatile int i = 0; i < 8; i++) { /* one call in the code; event() compares */
        max = i < 4 ? 2 : TR_STACK_MAX;
        gen = i < 4 ? ONE : OTHER;
        from_two_places();
    }
    cr_expect_eq(stack_count, 3);
    tr_walks_free(walks);
}

/* Stacks that never repeat: what learning costs is bounded, and so is the memory. */
__attribute__((noinline)) static void at_depth(volatile char *out, unsigned n)
{
    volatile char *room = __builtin_alloca(16 + 16 * n);
    room[0] = *out;
    event();
    *out = room[0];
}

Test(walks, stacks_that_do_not_repeat_do_no_harm)
{
    begin();
    volatile char c = 0;
    for (int round = 0; round < 3; round++)
        for (unsigned n = 0; n < 5000; n++)
            at_depth(&c, n);
    size_t resident = vm_resident(walks, sizeof(*walks) & ~(size_t)(VM_PAGE - 1), NULL);
    cr_expect_leq(resident, sizeof(*walks));
    tr_walks_free(walks);
}
