/* test_quarantine.c - what is kept, how long, and in which order it leaves. */
#include "quarantine.h"
#include "flags.h"
#include "heap.h"
#include "real.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

enum { MINE = 16, ALL = 1024 };

static void *make(size_t n)
{
    void *p = rt_real_malloc(n); /* a sanitizer of this test has a malloc() of its own */
    heap_add((uintptr_t)p, n, 1, NULL);
    return p;
}

static void put(void *p, size_t n)
{
    size_t size;
    cr_assert_eq(heap_free((uintptr_t)p, quarantine_limit(), &size), HEAP_KEPT);
    cr_assert_eq(size, n);
    quarantine_put(p, n);
}

static bool is_there(void *p)
{
    size_t n;
    return heap_kept_size((uintptr_t)p, &n);
}

Test(quarantine, by_default_small_blocks_and_none_beyond_half_of_it)
{
    static const struct {
        size_t size;
        enum heap_fate fate;
    } freed[] = {
        {0, HEAP_GONE}, {1, HEAP_KEPT}, {512 * 1024, HEAP_KEPT}, {512 * 1024 + 1, HEAP_GONE}};
    for (size_t i = 0; i < sizeof freed / sizeof *freed; i++) {
        uintptr_t at = 0x100000 * (i + 1);
        size_t size = 7;
        heap_add(at, freed[i].size, 1, NULL);
        cr_expect_eq(heap_free(at, quarantine_limit(), &size), freed[i].fate, "%zu", freed[i].size);
        cr_expect_eq(size, freed[i].size);
    }
    size_t size;
    cr_expect_eq(heap_free(0x1234560, quarantine_limit(), &size), HEAP_UNKNOWN);
}

Test(quarantine, first_in_first_out)
{
    void *p[ALL + 2 * MINE];
    for (int i = 0; i < ALL; i++)
        put(p[i] = make(32), 32);
    for (int i = 0; i < ALL; i++)
        cr_assert(is_there(p[i]), "%d", i);
    for (int i = ALL; i < ALL + 2 * MINE; i++)
        p[i] = make(32);
    for (int i = ALL; i < ALL + 2 * MINE; i++)
        put(p[i], 32);
    for (int i = 0; i < ALL + 2 * MINE; i++)
        cr_assert_eq(is_there(p[i]), i >= 2 * MINE, "%d", i);
}

Test(quarantine, large_blocks_push_out_small_ones)
{
    void *small[100], *large[4];
    for (int i = 0; i < 100; i++)
        put(small[i] = make(100), 100);
    for (int i = 0; i < 4; i++)
        large[i] = make(400000);
    for (int i = 0; i < 4; i++)
        put(large[i], 400000);
    for (int i = 0; i < 100; i++)
        cr_assert_not(is_there(small[i]));
    cr_expect_not(is_there(large[0]));
    cr_expect_not(is_there(large[1]));
    cr_expect(is_there(large[2]));
    cr_expect(is_there(large[3]));
}

static void *put_some(void *blocks)
{
    void **p = blocks;
    for (int i = 0; i < MINE / 2; i++)
        put(p[i] = make(64), 64);
    quarantine_thread_fini();
    return NULL;
}

Test(quarantine, what_an_ended_thread_freed_stays_until_it_is_the_oldest)
{
    void *theirs[MINE], *p;
    pthread_t t;
    pthread_create(&t, NULL, put_some, theirs);
    pthread_join(t, NULL);
    for (int i = 0; i < MINE / 2; i++)
        cr_assert(is_there(theirs[i]));
    for (int i = 0; i < ALL; i++)
        put(p = make(32), 32);
    for (int i = 0; i < MINE / 2; i++)
        cr_assert_not(is_there(theirs[i]));
}

Test(quarantine, block_in_it_is_found_from_inside_and_can_not_be_freed_again)
{
    struct heap_block b;
    char *p = make(100);
    cr_expect_not(heap_is_kept((uintptr_t)p));
    put(p, 100);
    cr_expect(heap_is_kept((uintptr_t)p + 99));
    cr_expect_not(heap_is_kept((uintptr_t)p + 100));
    cr_assert(heap_find((uintptr_t)p, &b));
    cr_expect(b.freed && b.kept);
    size_t size;
    cr_expect_eq(heap_free((uintptr_t)p, quarantine_limit(), &size), HEAP_TWICE);
    heap_release((uintptr_t)p);
    cr_expect_not(heap_is_kept((uintptr_t)p));
    cr_assert(heap_find((uintptr_t)p, &b));
    cr_expect(b.freed);
}
