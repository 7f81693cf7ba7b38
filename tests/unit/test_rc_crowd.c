/* test_rc_crowd.c - the form of states with very many accesses. */
#include <criterion/criterion.h>
#include <string.h>
#include "crowd.h"
#include "pool.h"
#include "rand.h"
#include "rc_double.h"

enum { MANY = 300 };

static struct past *empty(void)
{
    struct past *p = rc_alloc(sizeof *p + MANY * sizeof p->e[0]);
    memset(p, 0, sizeof *p);
    p->refs = 1;
    p->cap = MANY;
    return p;
}

static bool makes_superfluous(uint64_t f, uint64_t e)
{
    return w_slot(e) == w_slot(f) && w_clock(e) <= w_clock(f) &&
           (w_touched(e) & ~w_touched(f)) == 0 && (w_written(e) & ~w_written(f)) == 0 &&
           ((e & W_ATOMIC) || !(f & W_ATOMIC));
}

static bool has(const struct past *p, struct entry e)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->e[i].w == e.w && p->e[i].site == e.site)
            return true;
    return false;
}

static bool is_represented(const struct past *p, struct entry e)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (makes_superfluous(p->e[i].w, e.w))
            return true;
    return false;
}

Test(rc_crowd, tidying_drops_only_what_a_later_entry_of_the_flow_covers)
{
    static struct entry before[MANY];
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct rt_rand r = {seed};
        struct past *p = empty();
        uint32_t n = 5 + rand_below(&r, MANY - 5), flows = 1 + rand_below(&r, 60);
        for (uint32_t i = 0; i < n; i++) {
            unsigned mask = 1u << rand_below(&r, 3) | 1u << rand_below(&r, 3);
            before[i].w =
                w_epoch(1 + rand_below(&r, flows), 1 + i) | /* later ones have later clocks */
                w_masks(mask, rand_below(&r, 8) == 0) | (rand_below(&r, 3) ? 0 : W_ATOMIC);
            before[i].site = i + 1;
            p->e[p->n++] = before[i];
        }
        crowd_tidy(p);
        cr_assert_leq(p->n, n);
        for (uint32_t i = 0; i < n; i++)
            cr_assert(is_represented(p, before[i]), "seed %lu: entry %u is lost", seed, i);
        for (uint32_t i = 0; i < p->n; i++) {
            bool tail = p->tail_atomic ? (p->e[i].w & W_ATOMIC) != 0
                                       : !(p->e[i].w & W_ATOMIC) && !w_written(p->e[i].w);
            cr_assert_eq(tail, i >= p->head, "seed %lu: entry %u on the wrong side", seed, i);
        }
        rc_free(p, sizeof *p + MANY * sizeof p->e[0]);
    }
}

/* A flow that uses the parts of a word by turns, and returns in ever later epochs. */
Test(rc_crowd, tidying_leaves_one_entry_for_each_set_of_bytes_of_a_flow)
{
    enum { FLOWS = 3, PARTS = 3 };
    static const unsigned parts[PARTS] = {0x0f, 0x30, 0xff};
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        struct rt_rand r = {7};
        struct past *p = empty();
        for (uint32_t i = 0; i < MANY; i++)
            p->e[p->n++] = (struct entry){
                w_epoch(1 + i % FLOWS, 1 + i) | w_masks(parts[i / FLOWS % PARTS], false), i + 1};
        for (uint32_t i = 0; shuffled && i < MANY; i++) {
            uint32_t k = rand_below(&r, MANY);
            struct entry e = p->e[i];
            p->e[i] = p->e[k];
            p->e[k] = e;
        }
        crowd_tidy(p);
        cr_assert_eq(p->n, FLOWS * PARTS);
        for (uint32_t i = 0; i < p->n; i++)
            cr_assert_gt(w_clock(p->e[i].w), MANY - FLOWS * PARTS);
        rc_free(p, sizeof *p + MANY * sizeof p->e[0]);
    }
}

Test(rc_crowd, an_append_checks_the_head_and_keeps_all)
{
    rc_init(NULL);
    struct rc_ctx *writer = rc_ctx_make(NULL, RC_GOROUTINE, 1, 1, NULL, 0);
    struct past *p = empty();
    struct entry w = {writer->clock.now.epoch | w_masks(0xf, true), 9};
    p->e[p->n++] = w;
    for (uint32_t i = 0; i < 6; i++)
        p->e[p->n++] = (struct entry){w_epoch(100 + i, 1) | w_masks(0xf, false), 10 + i};
    crowd_tidy(p);
    cr_assert_eq(p->head, 1);
    struct rc_ctx *reader = rc_ctx_make(NULL, RC_GOROUTINE, 2, 1, NULL, 0);
    struct access a = {reader, reader->clock.now.epoch, w_masks(0xf, false), 50, 0};
    struct found found = {0};
    cr_assert(crowd_append(p, &a, &found));
    cr_assert_eq(found.n, 1, "not ordered after the writer");
    cr_assert_eq(found.e[0].w, w.w);
    cr_assert(has(p, w) && has(p, (struct entry){a.who | a.masks, 50}));
    cr_assert_eq(p->n, 8);
    cr_assert(crowd_append(p, &a, &found));
    cr_assert_eq(p->n, 8, "it is there already");
    a.masks = w_masks(0xf, true);
    cr_assert_not(crowd_append(p, &a, &found), "a write is not of the tail's class");
}
