/* test_gdb.c - the table for debuggers leads to the goroutines (tests/run/gdb.py asks gdb). */
#include "in_go.h"
#include "gdb.h"
#include "scheduler.h"
#include "stack.h"

/* The words by their numbers, as goshawk-gdb.py has them. */
enum { VERSION, WORDS, BLOCKS, G_ID = 9, G_SIZE = 20, CTX_SP = 22, ALL = 29 };

static const uint64_t *const words = (const uint64_t *)&go_gdb_;

static size_t seen, by_walk;
static bool seen_self;

static void look_at(uintptr_t g)
{
    uint64_t id;
    memcpy(&id, (void *)(g + words[G_ID]), sizeof id);
    seen_self |= g == (uintptr_t)rt_self() && id == 1;
    seen++;
}

static void count(struct g *g, void *arg)
{
    (void)g;
    (void)arg;
    by_walk++;
}

static int waiting;

static void waits(void *c)
{
    waiting++;
    go_chan_recv((go_chan(int))c);
}

static int follow_the_table(int argc, char **argv)
{
    go_chan(int) c = go_chan_make(int, 0);
    go_maxprocs(1); /* all wait before either walk: a first run moves one to another block */
    for (int i = 0; i < 200; i++)
        start(waits, (void *)c);
    while (waiting < 200)
        go_yield();
    const struct gdb_blocks *b = (const void *)(uintptr_t)words[BLOCKS];
    for (char *at = *(char *const *)b->head; at; at = *(char **)(at + b->next)) {
        uintptr_t base = *(uintptr_t *)(at + b->base), stride = *(uintptr_t *)(at + b->stride);
        uintptr_t first = *(uintptr_t *)(at + b->first);
        uintptr_t step = *(uintptr_t *)(at + b->colour_step);
        uint32_t n = *(uint32_t *)(at + b->count);
        for (uint32_t i = 0; i < n; i++)
            look_at(base + i * stride + first - i % b->colours * step);
    }
    g_for_each(count, NULL);
    CHECK(seen == by_walk && seen >= 201 && seen_self);
    go_chan_close(c);
    finish();
    return argc && argv;
}

Test(gdb, the_table_leads_to_all_goroutines)
{
    cr_assert_eq(words[VERSION], 1);
    cr_assert_eq(words[WORDS], ALL);
    cr_expect_eq(words[G_SIZE], sizeof(struct g));
    cr_expect_eq(words[CTX_SP], offsetof(struct g, ctx) + offsetof(struct switch_ctx, sp));
    cr_expect_eq(go_run(follow_the_table, 0, NULL), 0);
}
