/* test_heap.c - the tables of blocks against a list that a test keeps itself. */
#include "heap.h"
#include "rand.h"
#include "real.h"
#include <criterion/criterion.h>

enum { SPOTS = 400, STEPS = 200000 };

/* Spot i lies at BASE + i * STRIDE; living blocks never overlap. */
#define BASE   UINT64_C(0x7f0012340000)
#define STRIDE UINT64_C(0x40000)

static struct {
    size_t size;
    bool living, ever;
    rc_site site;
} spot[SPOTS];

static uintptr_t at(size_t i)
{
    return BASE + i * STRIDE;
}

static void check(size_t i, size_t offset)
{
    struct heap_block b;
    bool found = heap_find(at(i) + offset, &b);
    size_t covered = spot[i].size ? spot[i].size : 1, size;
    cr_assert_eq(heap_size(at(i), &size), spot[i].living);
    cr_assert(!spot[i].living || size == spot[i].size);
    if (spot[i].living && offset < covered) {
        cr_assert(found);
        cr_assert_eq(b.start, at(i));
        cr_assert_eq(b.size, spot[i].size);
        cr_assert_eq(b.site, spot[i].site);
        cr_assert_not(b.freed);
    } else if (found) { /* a freed block may be remembered, and only where it was */
        cr_assert(b.freed);
        cr_assert(spot[i].ever);
        cr_assert(at(i) + offset - b.start < (b.size ? b.size : 1));
    }
}

Test(heap, random_blocks_of_all_sizes)
{
    struct rt_rand r = {42};
    for (int step = 0; step < STEPS; step++) {
        size_t i = rand_below(&r, SPOTS);
        if (spot[i].living) {
            cr_assert_eq(heap_remove(at(i)), spot[i].size);
            spot[i].living = false;
        } else {
            spot[i].size = rand_below(&r, 2) ? rand_below(&r, 200) : rand_below(&r, 0x30000);
            spot[i].site = rand_next(&r) >> 2;
            spot[i].living = spot[i].ever = true;
            heap_add(at(i), spot[i].size, spot[i].site, NULL);
        }
        if (step % 64 == 0) {
            size_t k = rand_below(&r, SPOTS);
            check(k, 0);
            check(k, rand_below(&r, STRIDE));
            if (spot[k].size > 1)
                check(k, spot[k].size - 1);
        }
    }
}

Test(heap, freed_block_is_remembered_until_its_place_is_used)
{
    struct heap_block b;
    heap_add(BASE, 100, 7, NULL);
    cr_assert_eq(heap_remove(BASE), 100);
    cr_assert(heap_find(BASE + 99, &b));
    cr_expect(b.freed);
    cr_expect_eq(b.site, 7);
    cr_expect_eq(heap_remove(BASE), 0, "freed once");
    heap_add(BASE, 50, 8, NULL);
    cr_assert(heap_find(BASE + 49, &b));
    cr_expect_not(b.freed);
    cr_expect_not(heap_find(BASE + 50, &b));
}

Test(heap, living_block_wins_over_a_freed_one_that_covers_it)
{
    struct heap_block b;
    heap_add(BASE, 1000, 1, NULL);
    heap_remove(BASE);
    heap_add(BASE + 512, 64, 2, NULL);
    cr_assert(heap_find(BASE + 520, &b));
    cr_expect_eq(b.site, 2);
    cr_assert(heap_find(BASE + 500, &b));
    cr_expect(b.freed);
    heap_remove(BASE + 512);
}

Test(heap, unknown_addresses)
{
    struct heap_block b;
    cr_expect_not(heap_find(BASE, &b));
    cr_expect_eq(heap_remove(BASE), 0);
    heap_add(BASE, 0, 3, NULL);
    cr_expect(heap_find(BASE, &b));
    cr_expect_not(heap_find(BASE + 1, &b));
}

/* Libraries that our own code calls ask the program's malloc(), and our own code frees the result
 * by libc's free(). */
Test(heap, a_block_that_our_own_code_freed_is_not_taken_for_the_next_one)
{
    static const size_t sizes[] = {64, 0x20000};
    for (int i = 0; i < 2; i++) {
        size_t size = 0, next = 0x30000;
        char *p = rt_real_malloc(sizes[i]);
        heap_add((uintptr_t)p, sizes[i], 0, NULL);
        cr_assert(heap_size((uintptr_t)p, &size) && size == sizes[i]);
        rt_real_free(p);
        cr_assert_not(heap_size((uintptr_t)p, &size));
        heap_add((uintptr_t)p, next, 0, NULL);
        cr_assert(heap_size((uintptr_t)p, &size) && size == next);
        cr_assert_eq(heap_remove((uintptr_t)p), next);
    }
}
