/* test_park.c - parking and being made ready, on the bare protocol, without any of the
 * primitives. */
#include "in_child.h"
#include "in_go.h"
#include <pthread.h>
#include "atomic.h"
#include "proc.h"
#include "rand.h"
#include "scheduler.h"

/* ---- states ---- */

static enum g_state from, to;

static int moves(int argc, char **argv)
{
    struct g *g = calloc(1, sizeof *g);
    g->state = from;
    g_move(g, from, to);
    CHECK(g->state == to);
    return argc && argv;
}

static int moves_from_another(int argc, char **argv)
{
    struct g *g = calloc(1, sizeof *g);
    g->state = G_RUNNING;
    g_move(g, G_PARKED, G_READY);
    return argc && argv;
}

Test(park, states_move_as_the_picture_says)
{
    static const bool may[G_STATES][G_STATES] = {
        [G_FREE] = {[G_READY] = true},
        [G_READY] = {[G_RUNNING] = true},
        [G_RUNNING] = {[G_PARKED] = true, [G_READY] = true, [G_FREE] = true},
        [G_PARKED] = {[G_READY] = true},
    };
    for (from = 0; from < G_STATES; from++)
        for (to = 0; to < G_STATES; to++) {
            struct child c = in_child(moves, NULL);
            EXPECT_STATUS(&c, may[from][to] ? 0 : -SIGABRT);
            free(c.out);
        }
    struct child c = in_child(moves_from_another, NULL);
    EXPECT_STATUS(&c, -SIGABRT);
    EXPECT_SAYS(&c, "goshawk: internal error: ");
}

/* ---- commit ---- */

struct seen {
    int calls;
    bool saved, off_stack;
};

static bool look(struct g *g, void *arg)
{
    struct seen *s = arg;
    char here;
    s->calls++;
    s->saved = at_load_rlx(&g->state) == G_PARKED && g->ctx.pc != 0 &&
               (char *)g->ctx.sp < g->stack_hi && (char *)g->ctx.sp > g->stack_lo;
    char *at = &here;
    __asm__("" : "+r"(at));
    s->off_stack = at < g->stack_lo || at >= g->stack_hi;
    return false;
}

IN_GO(park, commit_runs_off_the_stack_when_all_is_saved)
{
    for (int i = 1; i < 100; i++) {
        struct seen s = {0};
        rt_park(rt_self(), look, &s, TR_SEM, NULL);
        CHECK(s.calls == 1 && s.saved && s.off_stack);
        CHECK(at_load_rlx(&rt_self()->state) == G_RUNNING);
    }
}

static bool ready_at_once(struct g *g, void *arg)
{
    (void)arg;
    rt_ready(g, NULL);
    return true;
}

IN_GO(park, may_be_made_ready_by_commit_itself)
{
    for (int i = 0; i < 1000; i++)
        rt_park(rt_self(), ready_at_once, NULL, TR_SEM, NULL);
}

/* ---- a semaphore of the simplest kind ---- */

struct sem {
    struct rt_lock lock;
    struct g *waiters[64];
    uint32_t n, credit;
};

static void sem_take(struct sem *s)
{
    struct g *self = rt_self();
    rt_lock(&s->lock);
    if (s->credit > 0) {
        s->credit--;
        rt_unlock(&s->lock);
        return;
    }
    CHECK(s->n < 64);
    s->waiters[s->n++] = self;
    rt_park_unlock(self, &s->lock, TR_SEM, s);
    CHECK(at_load_rlx(&self->state) == G_RUNNING && rt_self() == self);
}

static void sem_give(struct sem *s, struct rt_rand *rand)
{
    struct g *g = NULL;
    rt_lock(&s->lock);
    if (s->n > 0) {
        uint32_t i = rand_below(rand, s->n);
        g = s->waiters[i];
        s->waiters[i] = s->waiters[--s->n];
    } else {
        s->credit++;
    }
    rt_unlock(&s->lock);
    if (g)
        rt_ready(g, rt_self());
}

enum { SEMS = 5, TURNS = 6000 };

static struct sem sems[SEMS];
static uint32_t turns;

/* Gives first, then takes elsewhere: there are always as many credits as takers, so nobody can wait
 * for ever, unless a wake-up is lost. */
static void *wander(void *arg)
{
    struct rt_rand rand = {(uintptr_t)arg};
    uint32_t last = (uint32_t)(uintptr_t)arg % SEMS;
    for (int i = 0; i < TURNS; i++) {
        sem_give(&sems[last], &rand);
        for (uint32_t n = rand_below(&rand, 8) ? 0 : rand_below(&rand, 400); n > 0; n--)
            at_pause();
        sem_take(&sems[last]);
        if (rand_below(&rand, 10) == 0)
            go_yield();
        last = rand_below(&rand, SEMS);
        at_add_rlx(&turns, 1u);
    }
    return NULL;
}

static void wander_in_goroutine(void *arg)
{
    wander(arg);
}

IN_GO(park, no_wake_up_is_lost_between_threads_and_goroutines, .timeout = 100)
{
    enum { GOROUTINES = 20, THREADS = 3 };
    pthread_t t[THREADS];
    turns = 0;
    for (uintptr_t i = 0; i < GOROUTINES; i++)
        start(wander_in_goroutine, (void *)(i + 1));
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, wander, (void *)(i + 100));
    finish();
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    CHECK(turns == (GOROUTINES + THREADS) * TURNS);
    for (int i = 0; i < SEMS; i++)
        CHECK(sems[i].n == 0 && sems[i].credit == 0);
}

/* ---- forced migration ---- */

static uint32_t moved, resumed;

static void counts_moves(void *arg)
{
    struct rt_rand rand = {(uintptr_t)arg};
    struct m *last = rt_self()->m;
    for (int i = 0; i < 2000; i++) {
        if (i % 3 == 0)
            rt_park(rt_self(), ready_at_once, NULL, TR_SEM, NULL);
        else
            go_yield();
        struct m *m = rt_self()->m;
        at_add_rlx(&resumed, 1u);
        at_add_rlx(&moved, (uint32_t)(m != last));
        last = m;
        for (uint32_t n = rand_below(&rand, 50); n > 0; n--)
            at_pause();
    }
}

static int migrates(int argc, char **argv)
{
    for (uintptr_t i = 0; i < 10; i++)
        start(counts_moves, (void *)(i + 1));
    finish();
    printf("%u of %u\n", moved, resumed);
    return argc && argv ? 1 : moved * 20 < resumed;
}

Test(park, migration_can_be_forced)
{
    struct child c = in_child(migrates, "GOSHAWK_DEBUG=migrate", "GOMAXPROCS=4", NULL);
    EXPECT_STATUS(&c, 0);
}
