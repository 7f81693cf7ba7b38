/* test_stack.c - stacks: sizes, reuse, guards, colours, shortage of memory. */
#include "in_child.h"
#include "in_go.h"
#include <pthread.h>
#include <sys/resource.h>
#include "rand.h"
#include "stack.h"
#include "vmem.h"

static size_t usable(const struct g *g)
{
    return (size_t)(g->stack_hi - g->stack_lo);
}

static struct g *alloc(struct g_cache *cache)
{
    return g_alloc(cache, stack_size());
}

/* The struct lies in the last page, so a little less than the size is left for frames. */
static void expect_size(size_t asked, size_t pages)
{
    struct g_cache cache = {0};
    stack_set_size(asked);
    cr_expect_eq(stack_size(), pages * VM_PAGE, "asked for %zu, got %zu", asked, stack_size());
    struct g *g = alloc(&cache);
    cr_assert_not_null(g);
    cr_expect_eq((uintptr_t)g->stack_lo % VM_PAGE, 0);
    cr_expect_leq(usable(g), pages * VM_PAGE);
    cr_expect_gt(usable(g), (pages - 1) * VM_PAGE);
    cr_expect_eq((char *)g, g->stack_hi);
    cr_expect_eq((uintptr_t)g % 64, 0);
    memset(g->stack_lo, 0xaa, usable(g));
    g_release(&cache, g);
    g_cache_flush(&cache);
}

Test(stack, sizes_are_rounded_up_to_pages)
{
    expect_size(256 << 10, 64);
    expect_size((64 << 10) + 1, 17);
    expect_size(1 << 20, 256);
    expect_size(0, 4);
    expect_size(1, 4);
    expect_size((16 << 10) + 4096, 5);
    expect_size(100 << 20, 25600);
}

Test(stack, the_hottest_is_reused_first)
{
    struct g_cache cache = {0};
    struct g *a = alloc(&cache), *b = alloc(&cache), *c = alloc(&cache);
    g_release(&cache, a);
    g_release(&cache, b);
    g_release(&cache, c);
    cr_expect_eq(alloc(&cache), c);
    cr_expect_eq(alloc(&cache), b);
    g_release(&cache, c);
    cr_expect_eq(alloc(&cache), c);
    cr_expect_eq(alloc(&cache), a);
}

Test(stack, a_new_size_does_not_get_old_stacks)
{
    struct g_cache cache = {0};
    struct g *small = alloc(&cache);
    g_release(&cache, small);
    stack_set_size(1 << 20);
    struct g *large = alloc(&cache);
    cr_expect_neq(large, small);
    cr_expect_gt(usable(large), 1020 << 10);
    stack_set_size(256 << 10);
    g_release(&cache, large);
    struct g *again = alloc(&cache);
    cr_expect_eq(again, small, "the old one lies in the central pool");
}

Test(stack, more_sizes_than_classes_still_work)
{
    struct g_cache cache = {0};
    for (size_t pages = 4; pages < 64; pages++) {
        stack_set_size(pages * VM_PAGE);
        struct g *g = alloc(&cache);
        cr_assert_not_null(g);
        cr_expect_gt(usable(g), (pages - 1) * VM_PAGE);
        memset(g->stack_lo, 1, usable(g));
        g_release(&cache, g);
    }
}

Test(stack, neighbours_have_different_colours)
{
    struct g_cache cache = {0};
    uint64_t seen = 0;
    for (int i = 0; i < 64; i++) {
        struct g *g = alloc(&cache);
        seen |= 1ull << ((uintptr_t)g % VM_PAGE / 64);
    }
    cr_expect_geq(__builtin_popcountll(seen), 8);
}

/* ---- many sizes ---- */

/* Each size is used again, however many there are. */
Test(stack, every_size_is_used_again)
{
    enum { SIZES = 200 };
    struct g_cache cache = {0};
    struct g *first[SIZES];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < SIZES; i++) {
            size_t bytes = (4 + i) * VM_PAGE;
            struct g *g = g_alloc(&cache, bytes);
            cr_assert_not_null(g);
            cr_expect_eq(g->stack_pages, 4 + i);
            if (round == 0)
                first[i] = g;
            cr_expect_eq(g, first[i]);
            g_release(&cache, g);
        }
    }
}

/* ---- seeds ---- */

Test(stack, seeds_are_small_and_used_again)
{
    struct g_cache cache = {0};
    struct g *gs[300];
    for (int i = 0; i < 300; i++) {
        gs[i] = g_alloc_seed(&cache);
        cr_assert(gs[i] && gs[i]->state == G_FREE && gs[i]->flags == G_SEED);
        memset((char *)gs[i] + offsetof(struct g, ctx), 0xaa,
               sizeof(struct g_seed) - offsetof(struct g, ctx));
    }
    cr_expect_leq(sizeof(struct g_seed), 480);
    for (int i = 0; i < 300; i++)
        g_release(&cache, gs[i]);
    cr_expect_eq(g_alloc_seed(&cache), gs[299]);
    cr_expect_leq(cache.count, 128);
}

/* ---- high-water marks ---- */

Test(stack, the_high_water_mark_is_the_deepest_page_touched)
{
    struct g_cache cache = {0};
    struct g *g = alloc(&cache);
    size_t mark = stack_high_water(g);
    cr_expect_leq(mark, VM_PAGE);
    g->stack_hi[-100 * 1024] = 1;
    mark = stack_high_water(g);
    cr_expect(mark >= 100 << 10 && mark < (100 << 10) + VM_PAGE, "%zu", mark);
    g->stack_hi[-20 * 1024] = 1;
    cr_expect_eq(stack_high_water(g), mark);
    *g->stack_lo = 1;
    cr_expect_eq(stack_high_water(g), usable(g));
}

/* ---- guards ---- */

static char *guard_addr;

static int touch_guard(void)
{
    signal(SIGSEGV, SIG_DFL);
    *(volatile char *)guard_addr = 1;
    return 0;
}

Test(stack, the_guard_faults_and_is_known)
{
    struct g_cache cache = {0};
    for (int i = 0; i < 10; i++) {
        struct g *g = alloc(&cache);
        cr_expect(stack_guard_hit(g, (uintptr_t)g->stack_lo - 1));
        cr_expect(stack_guard_hit(g, (uintptr_t)g->stack_lo - VM_PAGE));
        cr_expect(!stack_guard_hit(g, (uintptr_t)g->stack_lo));
        cr_expect(!stack_guard_hit(g, (uintptr_t)g->stack_hi));
        cr_expect(!stack_guard_hit(g, 8));
    }
    struct g *g = alloc(&cache);
    size_t depth[] = {1, VM_PAGE, 4 * VM_PAGE, 8 * VM_PAGE}; /* frames may be large */
    for (size_t i = 0; i < sizeof depth / sizeof *depth; i++) {
        guard_addr = g->stack_lo - depth[i];
        cr_expect(stack_guard_hit(g, (uintptr_t)guard_addr));
        struct child c = in_plain_child(touch_guard, NULL);
        cr_expect(c.status == -SIGSEGV || GO_ASAN, "%zu below the stack: status %d", depth[i],
                  c.status);
    }
    *(volatile char *)g->stack_lo = 1;
}

/* Without marked guards and with mappings for a few only, there are stacks all the same. */
Test(stack, no_guard_to_be_had_is_counted_and_does_no_harm)
{
    struct g_cache cache = {0};
    struct stack_counts n;
    vm_guard_limit(100);
    for (int i = 0; i < 300; i++)
        cr_assert_not_null(alloc(&cache));
    stack_count(&n);
    cr_expect_eq(n.unguarded, 200);
    cr_expect_geq(n.used, 300);
}

/* ---- shortage ---- */

static void limit_address_space(void)
{
    struct rlimit limit = {512 << 20, 512 << 20};
    setrlimit(RLIMIT_AS, &limit);
}

static int reserves_a_gibibyte(void)
{
    limit_address_space();
    return vm_reserve(1 << 30) != NULL;
}

static bool can_limit_address_space(void)
{
    return !GO_ASAN && in_plain_child(reserves_a_gibibyte, NULL).status == 0;
}

static int until_no_memory(void)
{
    struct g_cache cache = {0};
    limit_address_space();
    stack_set_size(1 << 20);
    for (int i = 0; i < 1000; i++) {
        struct g *g = alloc(&cache);
        if (!g)
            return i > 100 && alloc(&cache) == NULL ? 0 : 1;
        *g->stack_lo = 1;
    }
    return 2;
}

Test(stack, no_memory_is_null, .disabled = ON_TSAN)
{
    if (!can_limit_address_space())
        cr_skip_test("address space cannot be limited");
    struct child c = in_plain_child(until_no_memory, NULL);
    EXPECT_STATUS(&c, 0);
}

static int start_until_no_memory(int argc, char **argv)
{
    limit_address_space();
    go_set_stack_size(4 << 20);
    static go_waitgroup never;
    go_waitgroup_add(&never, 1);
    for (int i = 0; i < 1000; i++)
        go(go_waitgroup_wait, &never);
    go_waitgroup_wait(&never); /* they get their stacks when they run */
    return argc > 100 && argv ? 1 : 0;
}

Test(stack, go_without_memory_is_a_fatal_error, .disabled = ON_TSAN)
{
    if (!can_limit_address_space())
        cr_skip_test("address space cannot be limited");
    struct child c = in_child(start_until_no_memory, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_SAYS(&c, "fatal error: out of memory: no stack of 4194304 bytes for a goroutine\n");
}

/* ---- every goroutine is somebody's ---- */

static void count_one(struct g *g, void *arg)
{
    (void)g;
    ++*(int *)arg;
}

Test(stack, for_each_sees_all)
{
    struct g_cache cache = {0};
    int before = 0, after = 0;
    g_for_each(count_one, &before);
    struct g *gs[500];
    for (int i = 0; i < 500; i++)
        gs[i] = alloc(&cache);
    g_for_each(count_one, &after);
    cr_expect_eq(after - before, 500);
    for (int i = 0; i < 500; i++)
        g_release(&cache, gs[i]);
    after = 0;
    g_for_each(count_one, &after);
    cr_expect_eq(after - before, 500, "structs stay");
}

enum { HELD = 300, ROUNDS = 200000 };

/* Takes and gives back at random; whoever holds a goroutine marks it, and finds the mark
 * untouched. */
static void *taker(void *arg)
{
    struct g_cache cache = {0};
    struct g *held[HELD] = {NULL};
    struct rt_rand rand = {(uintptr_t)arg};
    for (int i = 0; i < ROUNDS; i++) {
        struct g **at = &held[rand_below(&rand, HELD)];
        if (*at) {
            CHECK((*at)->id == (uintptr_t)arg);
            (*at)->id = 0;
            g_release(&cache, *at);
            *at = NULL;
        } else {
            *at = alloc(&cache);
            CHECK(*at && (*at)->id == 0);
            (*at)->id = (uintptr_t)arg;
        }
        if (i % 1000 == 0)
            g_cache_flush(&cache);
    }
    return NULL;
}

Test(stack, no_goroutine_has_two_owners)
{
    pthread_t threads[4];
    stack_set_size(16 << 10);
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, taker, (void *)(i + 1));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}
