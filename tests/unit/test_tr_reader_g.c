/* The packed goroutines: what goes in comes out, those that ended give their memory back, and a
 * million of them have the size that was promised. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "rand.h"
#include "reader_impl.h"

static struct tr_reader r;

static void begin(void)
{
    memset(&r, 0, sizeof(r));
    r.names = tr_names_make();
    cr_assert_eq(tr_g_init(&r), 0);
}

static void end(void)
{
    tr_g_free(&r);
    tr_names_free(r.names);
}

/* Bytes that the goroutines' tables have. */
static size_t bytes(void)
{
    return r.gs.slab_count * 256 * sizeof(struct gnode) + r.gs.slab_cap * sizeof(*r.gs.slabs) +
           r.gs.index.cap * sizeof(*r.gs.index.slots);
}

Test(reader_g, fields_at_their_limits_are_kept)
{
    begin();
    const uint64_t id = G_ID_MAX;
    struct gnode *n = tr_g_add(&r, id);
    n->by = G_ID_MAX - 1;
    n->p_1 = PROCS_MAX;
    n->since = (uint64_t)TIME_NS_MAX;
    n->created_1 = (uint64_t)TIME_NS_MAX + 1;
    n->state = TR_G_BLOCKED;
    n->why = TR_REASONS - 1;
    n->whom = tr_reader_obj_number(&r, ((uint64_t)1 << 56) - 8);
    n->stack = UINT32_MAX;
    tr_g_born(&r, n, UINT64_MAX, UINT32_MAX - 1);
    tr_g_named(&r, n, "name");
    const struct tr_g *g = tr_reader_g(&r, id);
    cr_assert_not_null(g);
    cr_assert_eq(g->id, id);
    cr_assert_eq(g->by, G_ID_MAX - 1);
    cr_assert_eq(g->p, PROCS_MAX - 1);
    cr_assert_eq(g->since, TIME_NS_MAX);
    cr_assert_eq(g->created, TIME_NS_MAX);
    cr_assert_eq(g->state, TR_G_BLOCKED);
    cr_assert_eq(g->why, TR_REASONS - 1);
    cr_assert_eq(g->obj, ((uint64_t)1 << 56) - 8);
    cr_assert_eq(g->block_stack, UINT32_MAX);
    cr_assert_eq(g->fn, UINT64_MAX);
    cr_assert_eq(g->create_stack, UINT32_MAX - 1);
    cr_assert_str_eq(g->name, "name");
    end();
}

Test(reader_g, of_an_unseen_one_nothing_is_known)
{
    begin();
    (void)tr_g_add(&r, 7);
    const struct tr_g *g = tr_reader_g(&r, 7);
    cr_assert_eq(g->state, TR_G_UNKNOWN);
    cr_assert_eq(g->created, -1);
    cr_assert_eq(g->p, TR_NO_P);
    cr_assert_null(g->name);
    cr_assert_null(tr_reader_g(&r, 8));
    cr_assert_null(tr_reader_g(&r, 0));
    end();
}

/* Against an array of what lives. */
Test(reader_g, those_that_live_are_found)
{
    enum { IDS = 4000, STEPS = 200000 };
    static bool lives[IDS + 1];
    uint32_t count = 0, most = 0;
    struct rt_rand rnd = {7};
    begin();
    for (int i = 0; i < STEPS; i++) {
        uint64_t id = 1 + rand_below(&rnd, IDS), other = 1 + rand_below(&rnd, IDS);
        if (lives[id]) {
            tr_g_remove(&r, id);
        } else {
            struct gnode *n = tr_g_add(&r, id);
            cr_assert_not_null(n);
            n->by = id + 1;
        }
        lives[id] = !lives[id];
        count += lives[id] ? 1 : -1u;
        most = count > most ? count : most;
        const struct gnode *n = tr_g_find(&r, other);
        cr_assert_eq(n != NULL, lives[other]);
        cr_assert(!n || (n->id == other && n->by == other + 1));
    }
    uint32_t at = 0, seen = 0;
    for (const struct gnode *n; (n = tr_g_each(&r, &at)); seen++)
        cr_assert(lives[n->id]);
    cr_assert_eq(seen, count);
    cr_assert_eq(r.gs.used, most, "nodes are used again");
    end();
}

Test(reader_g, a_million_are_small)
{
    enum { MANY = 1000000 };
    begin();
    for (uint64_t id = 1; id <= MANY; id++) {
        struct gnode *n = tr_g_add(&r, id);
        tr_g_born(&r, n, 0x1000, (uint32_t)id % 8);
    }
    cr_assert_eq(r.gs.birth_count, 9u);
    cr_assert_leq(bytes(), 56ul * MANY, "%zu bytes each", bytes() / MANY);
    size_t before = bytes();
    for (uint64_t id = 1; id <= MANY; id++) {
        tr_g_remove(&r, id);
        (void)tr_g_add(&r, MANY + id);
    }
    cr_assert_eq(bytes(), before);
    end();
}
