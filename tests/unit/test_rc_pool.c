/* test_rc_pool.c - the detector's own memory. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include "pool.h"

struct block {
    void *link;
    uint64_t owner, again;
};

static struct pool blocks_of_test = POOL(sizeof(struct block), "test");

Test(rc_pool, blocks_do_not_overlap_and_come_back)
{
    static struct block *b[5000];
    for (unsigned i = 0; i < 5000; i++) {
        b[i] = pool_get(&blocks_of_test);
        cr_assert_eq((uintptr_t)b[i] % 16, 0);
        b[i]->owner = b[i]->again = i;
    }
    cr_assert_eq(pool_in_use(&blocks_of_test), 5000);
    for (unsigned i = 0; i < 5000; i++)
        cr_assert(b[i]->owner == i && b[i]->again == i);
    for (unsigned i = 0; i < 5000; i++)
        pool_put(&blocks_of_test, b[i]);
    cr_assert_eq(pool_in_use(&blocks_of_test), 0);
    struct block *again = pool_get(&blocks_of_test);
    cr_assert_eq(again, b[4999], "the last one given back is the first one out");
    cr_assert_eq(again->again, 4999, "only the first word changes while a block is free");
}

static void *churn(void *arg)
{
    struct block *mine[64] = {NULL};
    uint64_t me = (uintptr_t)arg;
    for (unsigned i = 0; i < 200000; i++) {
        struct block **b = &mine[i * 7 % 64];
        if (*b) {
            if ((*b)->owner != me || (*b)->again != me)
                return "somebody else has my block";
            pool_put(&blocks_of_test, *b);
        }
        *b = pool_get(&blocks_of_test);
        (*b)->owner = (*b)->again = me;
    }
    return NULL;
}

Test(rc_pool, threads_never_share_a_block)
{
    pthread_t t[4];
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, churn, (void *)(i + 1));
    for (int i = 0; i < 4; i++) {
        void *complaint;
        pthread_join(t[i], &complaint);
        cr_assert_null(complaint, "%s", (const char *)complaint);
    }
}

/* One thread only takes, another only gives back. */
static struct pool passed_on = POOL(64, "test");
static void *hand_over[1000];

static void *give_back(void *arg)
{
    for (int i = 0; i < 1000; i++)
        pool_put(&passed_on, hand_over[i]);
    return arg;
}

Test(rc_pool, blocks_given_back_elsewhere_are_used_again)
{
    static void *seen[20000];
    size_t n = 0;
    for (int round = 0; round < 50; round++) {
        pthread_t t;
        for (int i = 0; i < 1000; i++) {
            hand_over[i] = pool_get(&passed_on);
            bool known = false;
            for (size_t k = 0; k < n && !known; k++)
                known = seen[k] == hand_over[i];
            if (!known) {
                cr_assert_lt(n, 20000u, "blocks are lost in round %d", round);
                seen[n++] = hand_over[i];
            }
        }
        pthread_create(&t, NULL, give_back, NULL);
        pthread_join(t, NULL);
    }
    cr_assert_leq(n, 1000u + 7 * 1024u, "at most a slab more for each thread");
}

/* Sizes around that of the arenas that small blocks are cut from.  Blocks are only touched at both
 * ends, small ones whole. */
Test(rc_pool, blocks_of_any_size_do_not_overlap)
{
    enum { KINDS = 11, EACH = 9, N = KINDS * EACH };
    static struct pool of[KINDS];
    static uint64_t *block[N];
    for (int k = 0; k < KINDS; k++)
        of[k] = (struct pool){.size = ((size_t)48 << (k * 2)) + 32, .name = "test"};
    for (int i = 0; i < N; i++) {
        block[i] = pool_get(&of[i % KINDS]);
        size_t words = of[i % KINDS].size / 8;
        for (size_t at = 0; at<words; at += words> 4096 ? words - 1 : 1)
            block[i][at] = (uint64_t)i;
    }
    for (int i = 0; i < N; i++) {
        size_t words = of[i % KINDS].size / 8;
        for (size_t at = 0; at<words; at += words> 4096 ? words - 1 : 1)
            cr_assert_eq(block[i][at], (uint64_t)i, "block %d of %zu words, word %zu", i, words,
                         at);
    }
    for (int i = 0; i < N; i++)
        pool_put(&of[i % KINDS], block[i]);
}

Test(rc_pool, any_size)
{
    static const size_t size[] = {1, 64, 65, 1000, 4096, 100000, 1 << 20, 3 << 20};
    void *p[8];
    for (int i = 0; i < 8; i++) {
        cr_assert(rc_alloc_size(size[i]) >= size[i]);
        p[i] = rc_alloc(size[i]);
        memset(p[i], i + 1, size[i]);
    }
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(((unsigned char *)p[i])[size[i] - 1], i + 1);
        rc_free(p[i], size[i]);
    }
}
