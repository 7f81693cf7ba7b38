/* test_counters.c - accesses are counted when that was asked for, and only then. */
#include <criterion/criterion.h>
#include "counters.h"
#include "pool.h"
#include "rc.h"
#include "rc_double.h"
#include "shadow.h"

void __tsan_read4(void *), __tsan_write8(void *), __tsan_write16(void *);

static uint64_t memory[1024] __attribute__((aligned(4096)));

static struct counters now(void)
{
    struct counters c;
    counters_read(&c);
    return c;
}

Test(counters, each_word_of_each_access_counts)
{
    counters_start();
    rc_init(NULL);
    struct counters before = now();
    __tsan_write8(&memory[0]);
    cr_assert_eq(now().accesses - before.accesses, 1);
    cr_assert_eq(now().covered - before.covered, 0);
    __tsan_write8(&memory[0]);
    __tsan_read4(&memory[0]);
    cr_assert_eq(now().accesses - before.accesses, 3);
    cr_assert_eq(now().covered - before.covered, 2, "the epoch has covered them");
    __tsan_write16(&memory[2]);
    cr_assert_eq(now().accesses - before.accesses, 5);
    rc_write(rc_current(), memory, sizeof memory, 1);
    cr_assert_eq(now().accesses - before.accesses, 5 + 1024);
    cr_assert_eq(now().covered - before.covered, 3,
                 "word 0; 2 and 3 are behind words that are not");
    rc_read(rc_current(), memory, sizeof memory, 1);
    cr_assert_eq(now().covered - before.covered, 3 + 1024);
}

Test(counters, nothing_counts_unless_asked)
{
    rc_init(NULL);
    __tsan_write8(&memory[0]);
    rc_write(rc_current(), memory, sizeof memory, 1);
    cr_assert_eq(now().accesses, 0);
    cr_assert_eq(now().covered, 0);
}

static void find(const struct pool *p, void *ret_pool)
{
    if (p->name[0] == '!')
        *(const struct pool **)ret_pool = p;
}

Test(counters, a_pool_is_known_from_its_first_block_on)
{
    static struct pool p = POOL(100, "! test");
    const struct pool *found = NULL;
    pool_each(find, &found);
    cr_assert_null(found);
    void *a = pool_get(&p), *b = pool_get(&p);
    pool_each(find, &found);
    cr_assert_eq(found, &p);
    cr_assert_geq(p.bytes, 2 * p.size);
    pool_put(&p, a);
    pool_put(&p, b);
}
