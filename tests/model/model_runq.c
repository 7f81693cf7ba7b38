/* model_runq.c - the run queue and of the slot before it: nothing is lost or doubled.
 *
 * The ring has four cells here instead of 64, so that it is full soon. */
#define RUNQ_CELLS 4
#include "explore.h"
#include "atomic.h"
#include "runq.c"

enum { GS = 6 };

static struct runq q;
static struct g *runnext;
static struct g gs[GS];
static uint32_t taken[GS];
static int gets_from; /* the put after which the owner begins to get */

static void take(struct g *g)
{
    EX_HOLD(g >= gs && g < gs + GS);
    EX_HOLD(taken[g - gs]++ == 0);
}

static void begin_common(uint32_t at)
{
    q.head = q.tail = at;
    ex_region(&q, offsetof(struct runq, ring) + 4 * sizeof(struct g *));
    ex_region(&runnext, sizeof runnext);
    ex_region(taken, sizeof taken);
}

/* What is left in the ring and in the slot has not been taken; all else has, once. */
static void all_are_somewhere(void)
{
    for (uint32_t i = q.head; i != q.tail; i++)
        taken[q.ring[i % 4] - gs]++;
    if (runnext)
        taken[runnext - gs]++;
    for (int i = 0; i < GS; i++)
        EX_HOLD(taken[i] == 1);
}

/* ---- putting, getting, overflowing ---- */

static void get_one(void)
{
    struct g *g = runq_get(&q);
    if (g)
        take(g);
}

/* Gets one after each put from the third on, so that it meets thieves with one cell and with
 * several. */
static void owner(void *arg)
{
    struct g *batch[2];
    (void)arg;
    for (int i = 0; i < GS; i++) {
        if (!runq_put(&q, &gs[i])) {
            uint32_t n = runq_spill(&q, batch);
            for (uint32_t k = 0; k < n; k++)
                take(batch[k]);
            take(&gs[i]);
        }
        if (i >= gets_from)
            get_one();
    }
}

/* Takes turns while the ring fills, is full, and is emptied by thieves. */
static void owner_with_turns(void *arg)
{
    (void)arg;
    for (int i = 0; i < GS; i++) {
        if (i >= 2) {
            struct g *g = runq_turn(&q, &gs[i]);
            if (g) {
                take(g);
                continue;
            }
        }
        if (!runq_put(&q, &gs[i]))
            take(&gs[i]);
    }
}

static void full_turns(void *arg)
{
    (void)arg;
    for (int i = 4; i < GS; i++) {
        struct g *g = runq_turn(&q, &gs[i]);
        take(g ? g : &gs[i]);
    }
}

static void thief(void *arg)
{
    struct g *batch[2];
    for (int times = *(int *)arg, last = -1; times > 0; times--) {
        uint32_t n = runq_steal(&q, batch);
        for (uint32_t i = 0; i < n; i++) {
            take(batch[i]);
            EX_HOLD(batch[i] - gs > last); /* first in, first out */
            last = (int)(batch[i] - gs);
        }
    }
}

static int once = 1, twice = 2;

static void begin_get(void)
{
    begin_common(UINT32_MAX - 2); /* head and tail wrap */
    gets_from = 1;
    ex_thread(owner, NULL);
    ex_thread(thief, &twice);
}

static void begin_spill(void)
{
    begin_common(UINT32_MAX - 2);
    gets_from = GS - 1;
    ex_thread(owner, NULL);
    ex_thread(thief, &twice);
}

static void begin_turn(void)
{
    begin_common(UINT32_MAX - 2);
    ex_thread(owner_with_turns, NULL);
    ex_thread(thief, &twice);
}

/* The ring is full: the cell that is taken is filled again at once. */
static void begin_full_turn(void)
{
    begin_common(UINT32_MAX - 2);
    for (int i = 0; i < 4; i++)
        runq_put(&q, &gs[i]);
    ex_thread(full_turns, NULL);
    ex_thread(thief, &twice);
}

static void begin_both(void)
{
    begin_common(0);
    gets_from = 3;
    ex_thread(owner, NULL);
    ex_thread(thief, &once);
    ex_thread(thief, &once);
}

/* ---- the slot ---- */

static void put_next(struct g *g)
{
    struct g *old = at_xchg_acq_rel(&runnext, g);
    if (old && !runq_put(&q, old))
        take(old);
}

static void owner_with_slot(void *arg)
{
    (void)arg;
    for (int i = 0; i < GS; i++) {
        put_next(&gs[i]);
        if (i % 2 && at_load_rlx(&runnext)) {
            struct g *g = at_xchg_acq_rel(&runnext, (struct g *)NULL);
            if (g)
                take(g);
        }
    }
}

static void slot_thief(void *arg)
{
    (void)arg;
    for (int times = 0; times < 2; times++) {
        struct g *g = at_load_rlx(&runnext);
        if (g && at_cas_acq_rel(&runnext, g, (struct g *)NULL))
            take(g);
    }
}

static void begin_slot(void)
{
    begin_common(0);
    ex_thread(owner_with_slot, NULL);
    ex_thread(slot_thief, NULL);
    ex_thread(thief, &once);
}

static const struct ex_model models[] = {
    {.name = "runq get",
     .says = "each goroutine is taken once, in order",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_get,
     .end = all_are_somewhere},
    {.name = "runq spill",
     .says = "each goroutine is taken once, in order",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_spill,
     .end = all_are_somewhere},
    {.name = "runq turn",
     .says = "each goroutine is taken once, in order",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_turn,
     .end = all_are_somewhere},
    {.name = "runq turn in a full ring",
     .says = "each goroutine is taken once, in order",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_full_turn,
     .end = all_are_somewhere},
    {.name = "runq two thieves",
     .says = "each goroutine is taken once",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_both,
     .end = all_are_somewhere},
    {.name = "runnext",
     .says = "its owner and thieves take it once",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_slot,
     .end = all_are_somewhere},
};

/* In this memory the CAS before it has been seen by then; in C's it need not be. */
static const char *const survivors[] = {"runq_steal store_rel", NULL};

int main(int argc, char **argv)
{
    return ex_main(argc, argv, models, sizeof models / sizeof models[0], survivors);
}
