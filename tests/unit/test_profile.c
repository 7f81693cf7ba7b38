/* test_profile.c - spans added up by stack; and the maps that the exports are built on, each beside
 * a plain array. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "cmd.h"
#include "gmap.h"
#include "idset.h"
#include "profile.h"
#include "rand.h"

/* Of main.c, which has a main() of its own. */
void *cmd_alloc(unsigned long size)
{
    void *p = malloc(size);
    cr_assert_not_null(p);
    return p;
}

Test(profile, spans_of_a_stack_and_reason_are_one_sample)
{
    struct profile p = {0};
    struct tr_g g = {.fn = 0x1000};
    struct tr_span blocked = {.lane = TR_LANE_G,
                              .state = TR_G_BLOCKED,
                              .why = TR_MUTEX,
                              .stack = 7,
                              .begin = 10,
                              .end = 30,
                              .info = &g},
                   ready = {.lane = TR_LANE_G,
                            .state = TR_G_RUNNABLE,
                            .by_stack = 7,
                            .end = 5,
                            .info = &g},
                   runs = {.lane = TR_LANE_G, .state = TR_G_RUNNING, .end = 1, .info = &g};
    profile_add(&p, &blocked);
    profile_add(&p, &ready);
    profile_add(&p, &blocked);
    profile_add(&p, &runs);
    runs.info = NULL;
    profile_add(&p, &runs);
    cr_assert_eq(profile_sort(&p), 4u);
    cr_assert_eq(p.samples[0].ns, 40u);
    cr_assert_eq(p.samples[0].count, 2u);
    cr_assert_eq(p.samples[0].why, (uint32_t)TR_MUTEX);
    cr_assert_eq(p.samples[1].stack, 7u);
    cr_assert_str_eq(profile_why(p.samples[1].why), "runnable");
    cr_assert_eq(p.samples[2].ns + p.samples[3].ns, 2u, "apart: their functions differ");
    struct tr_span of_p = {.lane = TR_LANE_P};
    cr_assert_eq(profile_why_of(&of_p), UINT32_MAX);
    profile_fini(&p);
}

Test(profile, gmap_keeps_those_that_live)
{
    enum { IDS = 3000, STEPS = 100000 };
    static uint64_t model[IDS + 1]; /* 0: not there */
    struct gmap m = {0};
    struct rt_rand rnd = {42};
    size_t live = 0;
    for (int i = 0; i < STEPS; i++) {
        uint64_t id = 1 + rand_below(&rnd, IDS), key = id * 64; /* many meet at one home */
        if (model[id] && rand_below(&rnd, 2)) {
            gmap_remove(&m, key);
            model[id] = 0;
            live--;
        } else {
            live += !model[id];
            *gmap_add(&m, key) = model[id] = (uint64_t)i + 1;
        }
        uint64_t other = 1 + rand_below(&rnd, IDS), *found = gmap_find(&m, other * 64);
        cr_assert_eq(found ? *found : 0, model[other]);
        cr_assert_eq(m.count, live);
    }
    for (uint64_t id = 1; id <= IDS; id++) {
        uint64_t *found = gmap_find(&m, id * 64);
        cr_assert_eq(found ? *found : 0, model[id]);
        gmap_remove(&m, id * 64);
    }
    cr_assert_eq(m.count, 0u);
    gmap_fini(&m);
}

Test(profile, idset_has_what_was_added)
{
    struct idset s = {0};
    for (uint64_t id = 0; id < 4 * IDSET_PAGE; id += 3)
        idset_add(&s, id);
    for (unsigned i = 0; i < 64; i++)
        idset_add(&s, (1ull << i) + 1);
    for (uint64_t id = 0; id < 4 * IDSET_PAGE; id++)
        cr_assert_eq(idset_has(&s, id), id % 3 == 0 || (id > 1 && ((id - 1) & (id - 2)) == 0));
    cr_assert(idset_has(&s, (1ull << 63) + 1));
    cr_assert_not(idset_has(&s, (1ull << 63) + 2));
    idset_fini(&s);
    cr_assert_not(idset_has(&s, 0));
}
