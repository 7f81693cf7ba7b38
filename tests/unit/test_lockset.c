/* test_lockset.c - locks held at an access as a part of its stack's id. */
#include <criterion/criterion.h>
#include <stdio.h>
#include "calls.h"
#include "lockset.h"
#include "word.h"

static char lock[RC_LOCKS_SHOWN + 1];

static struct rc_held_lock hold(int i)
{
    return (struct rc_held_lock){&lock[i], "mutex", i % 2 == 0, .taken_at = 0x100 + (rc_site)i};
}

static rc_site site_of(uint32_t node)
{
    return (uint64_t)node << 32 | 7;
}

Test(lockset, an_access_under_no_lock_is_told_so)
{
    struct rc_access_info info;
    calls_init();
    uint32_t node = calls_child_slow(CALLS_ROOT, 0x1000, SIZE_MAX);
    lockset_of(site_of(node), &info);
    cr_assert(info.locks_known && info.n_locks == 0);
    cr_assert_eq(lockset_strip(site_of(node)), site_of(node));
    lockset_of(0, &info);
    cr_assert(info.locks_known && info.n_locks == 0);
    cr_assert_eq(lockset_strip(0), 0);
}

Test(lockset, equal_locks_are_one_node_and_come_back_in_order)
{
    struct rc_held_lock held[3] = {hold(0), hold(1), hold(2)};
    struct rc_access_info info;
    calls_init();
    uint32_t node = calls_child_slow(CALLS_ROOT, 0x1000, SIZE_MAX);
    uint32_t all = lockset_node(node, held, 3), two = lockset_node(node, held, 2);
    cr_assert(all != two && all != node && two != node);
    cr_assert_eq(lockset_node(node, held, 3), all);
    cr_assert_eq(lockset_count(), 3);
    lockset_of(site_of(all) | SITE_FREE, &info);
    cr_assert(info.locks_known && info.n_locks == 3);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(info.lock[i].lock, &lock[i]);
        cr_assert_eq(info.lock[i].for_write, i % 2 == 0);
        cr_assert_eq(info.lock[i].taken_at, 0x100 + (rc_site)i);
    }
    cr_assert_eq(lockset_strip(site_of(all) | SITE_FREE), (site_of(node) | SITE_FREE));
    cr_assert_eq(lockset_strip(site_of(two)), site_of(node));
}

Test(lockset, the_order_and_the_place_of_taking_count)
{
    struct rc_held_lock ab[2] = {hold(0), hold(1)}, ba[2] = {hold(1), hold(0)};
    calls_init();
    uint32_t one = lockset_node(CALLS_ROOT, ab, 2);
    cr_assert_neq(one, lockset_node(CALLS_ROOT, ba, 2));
    ab[1].taken_at++;
    cr_assert_neq(one, lockset_node(CALLS_ROOT, ab, 2));
    ab[1].taken_at--;
    ab[1].for_write = !ab[1].for_write;
    cr_assert_neq(one, lockset_node(CALLS_ROOT, ab, 2));
}

Test(lockset, more_locks_than_are_shown)
{
    struct rc_held_lock held[RC_LOCKS_SHOWN];
    struct rc_access_info info;
    calls_init();
    for (int i = 0; i < RC_LOCKS_SHOWN; i++)
        held[i] = hold(i);
    lockset_of(site_of(lockset_node(CALLS_ROOT, held, 1000)), &info);
    cr_assert(info.locks_known && info.n_locks == 1000);
    for (int i = 0; i < RC_LOCKS_SHOWN; i++)
        cr_assert_eq(info.lock[i].lock, &lock[i]);
}

Test(lockset, without_room_the_locks_are_unknown_and_not_none)
{
    struct rc_access_info info;
    unsigned known = 0, unknown = 0;
    calls_init();
    for (uintptr_t i = 0; i < (1 << 18) + 100; i++) {
        struct rc_held_lock k = {(void *)(0x10000 + i * 16), "mutex", true, .taken_at = 1};
        lockset_of(site_of(lockset_node(CALLS_ROOT, &k, 1)), &info);
        cr_assert(!info.locks_known || (info.n_locks == 1 && info.lock[0].lock == k.lock));
        known += info.locks_known;
        unknown += !info.locks_known;
    }
    cr_assert(known > (1 << 17) && unknown >= 100, "%u and %u", known, unknown);
}

Test(lockset, a_set_of_locks_is_nobodys_first_child)
{
    struct rc_held_lock k = hold(0);
    calls_init();
    uint32_t node = calls_child_slow(CALLS_ROOT, 0x1000, SIZE_MAX);
    lockset_node(node, &k, 1);
    cr_assert_eq(calls_nodes[node].first, CALLS_NONE);
    uint32_t callee = calls_child_slow(node, 0x2000, SIZE_MAX);
    cr_assert_eq(calls_nodes[node].first, callee);
}
