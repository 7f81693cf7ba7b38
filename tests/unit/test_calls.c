/* test_calls.c - calling contexts. */
#include <criterion/criterion.h>
#include <pthread.h>
#include "calls.h"

static size_t depth_of(uint32_t node)
{
    size_t n = 0;
    for (; node != CALLS_ROOT; node = calls_nodes[node].parent & ~CALLS_FOLDED)
        n++;
    return n;
}

Test(calls, equal_stacks_are_one_node_and_different_ones_are_not)
{
    calls_init();
    uint32_t a = calls_child_slow(CALLS_ROOT, 0x1000, SIZE_MAX),
             b = calls_child_slow(CALLS_ROOT, 0x2000, SIZE_MAX);
    uint32_t ab = calls_child_slow(a, 0x2000, SIZE_MAX), ba = calls_child_slow(b, 0x1000, SIZE_MAX);
    cr_assert(a != b && ab != ba && ab != b && ba != a);
    cr_assert_eq(calls_child_slow(CALLS_ROOT, 0x1000, SIZE_MAX), a);
    cr_assert_eq(calls_child_slow(a, 0x2000, SIZE_MAX), ab);
    cr_assert_eq(calls_child_near(a, 0x2000), ab);
    cr_assert_eq(calls_child_near(a, 0x3000), CALLS_NONE);
    cr_assert_eq(calls_nodes[ab].pc, 0x2000);
    cr_assert_eq(calls_nodes[ab].parent, a);
    cr_assert_eq(calls_count(), 4);
}

Test(calls, many_children_survive_the_table_growing)
{
    static uint32_t child[50000];
    calls_init();
    for (uintptr_t i = 0; i < 50000; i++)
        child[i] = calls_child_slow(CALLS_ROOT, 0x100000 + i * 5, SIZE_MAX);
    for (uintptr_t i = 0; i < 50000; i++) {
        cr_assert_eq(calls_child_slow(CALLS_ROOT, 0x100000 + i * 5, SIZE_MAX), child[i]);
        cr_assert_eq(calls_nodes[child[i]].pc, 0x100000 + i * 5);
    }
    cr_assert_eq(calls_count(), 50000);
}

Test(calls, a_deep_recursion_is_kept_whole_while_there_is_room)
{
    calls_init();
    uint32_t node = CALLS_ROOT;
    for (int i = 0; i < 10000; i++)
        node = calls_child_slow(node, 0x1000, SIZE_MAX);
    cr_assert_eq(depth_of(node), 10000);
}

static void tree(uint32_t node, int depth)
{
    if (depth == 0)
        return;
    tree(calls_child_slow(node, 0x1000, SIZE_MAX), depth - 1);
    tree(calls_child_slow(node, 0x2000, SIZE_MAX), depth - 1);
}

Test(calls, a_recursion_with_two_call_sites_is_bounded)
{
    calls_init();
    tree(CALLS_ROOT, 24); /* 2^24 stacks */
    cr_assert_lt(calls_count(), 6u << 20);
    uint32_t node = CALLS_ROOT;
    bool folded = false;
    for (int i = 0; i < 40; i++)
        node = calls_child_slow(node, i & 1 ? 0x1000 : 0x2000, SIZE_MAX);
    for (; node != CALLS_ROOT; node = calls_nodes[node].parent & ~CALLS_FOLDED)
        folded |= (calls_nodes[node].parent & CALLS_FOLDED) != 0;
    cr_assert(folded);
}

static uint32_t found[2][20000];

static void *build(void *arg)
{
    uint32_t *mine = arg;
    uint32_t node = CALLS_ROOT;
    for (uintptr_t i = 0; i < 20000; i++) {
        node = i % 50 == 0 ? (uint32_t)CALLS_ROOT : node;
        node = calls_child_slow(node, 0x1000 + i % 997, SIZE_MAX);
        mine[i] = node;
    }
    return NULL;
}

Test(calls, threads_agree_on_the_nodes)
{
    pthread_t t[2];
    calls_init();
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, build, found[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    cr_assert_arr_eq(found[0], found[1], sizeof found[0]);
}

Test(calls, any_pc_survives_packing)
{
    for (uintptr_t i = 0; i < 200; i++) { /* more than there are windows */
        uintptr_t pc = i << 30 | 0x1234567;
        cr_assert_eq(pc_unpack(pc_pack(pc)), pc);
    }
    for (uintptr_t i = 0; i < 200; i++) {
        uintptr_t pc = i << 30 | 0x1234567;
        cr_assert_eq(pc_unpack(pc_pack(pc)), pc, "the same again");
    }
}
