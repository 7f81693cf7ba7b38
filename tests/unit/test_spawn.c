/* test_spawn.c - where goroutines begin and end: what a new one gets, what it must not get from the
 * one that had its stack before, and the limits of go(). */
#include "in_child.h"
#include "in_go.h"
#include <fenv.h>
#include <pthread.h>
#include "atomic.h"
#include "proc.h"
#include "spawn.h"
#include "stack.h"
#include "timers.h"

static uint32_t done;

static void await(uint32_t n)
{
    while (at_load_acq(&done) < n)
        go_yield();
}

static void finished(void)
{
    at_add_rel(&done, 1u);
}

/* ---- what it knows ---- */

static uint64_t creators_id;

static void knows_its_origin(void)
{
    struct g *g = rt_self();
    CHECK(g->created_by == creators_id);
    CHECK(g->entry == (void *)knows_its_origin);
    CHECK(g->created_pc != 0 && g->m->g == g && at_load_rlx(&g->state) == G_RUNNING);
    CHECK(g->id != creators_id && g->id == go_id());
    finished();
}

IN_GO(spawn, a_goroutine_knows_its_origin)
{
    done = 0;
    creators_id = go_id();
    for (int i = 0; i < 100; i++)
        go(knows_its_origin);
    await(100);
}

static uint32_t by_timer_rounding, by_timer_creator;

static void look_at_rounding(void *arg)
{
    (void)arg;
    by_timer_rounding = (uint32_t)fegetround();
    by_timer_creator = (uint32_t)rt_self()->created_by;
    finished();
}

static void spawn_in_timer(struct rt_timer *t, int64_t now)
{
    (void)t;
    (void)now;
    rt_spawn(NULL, look_at_rounding, NULL, G_SYSTEM);
}

static void expects_rounding(int mode)
{
    CHECK(fegetround() == mode);
    fesetround(FE_TOWARDZERO);
    go_yield();
    CHECK(fegetround() == FE_TOWARDZERO);
    finished();
}

/* The mode is the creator's, as for a thread; a timer's goroutine has no creator, and must not get
 * the mode of whatever ran on that thread before. */
IN_GO(spawn, the_rounding_mode_is_inherited_from_the_creator_only)
{
    done = 0;
    fesetround(FE_UPWARD);
    go(expects_rounding, FE_UPWARD);
    await(1);
    CHECK(fegetround() == FE_UPWARD);
    struct rt_timer t = {.fn = spawn_in_timer};
    rt_timer_start(&t, rt_nanos() + 1000000, 0);
    await(2);
    CHECK(by_timer_rounding == FE_TONEAREST && by_timer_creator == 0);
    fesetround(FE_TONEAREST);
}

/* ---- nothing is left of the one before ---- */

static void exits(void *arg)
{
    (void)arg;
    go_setname("leaver");
    go_exit();
}

static void exits_inside_recover(void)
{
    finished();
    go_recover(exits, NULL);
}

static void panics(void *arg)
{
    go_panic("%s", (const char *)arg);
}

static void exits_while_panicking(void *arg)
{
    go_defer(exits, arg);
    go_panic("never seen");
}

static void exits_in_a_panic(void)
{
    finished();
    go_recover(exits_while_panicking, NULL);
}

static void begins_afresh(void)
{
    struct g *g = rt_self();
    CHECK(!g->defers && !g->panics && !g->recover && g->call_count == 0 && !g->exiting);
    CHECK(g->name[0] == 0 && g->locks_thread == 0 && !g->home_m && g->blocking == 0);
    CHECK_TEXT(go_recover(panics, "mine"), "mine");
    finished();
}

static void exits_in_blocking_call(void)
{
    finished();
    go_lock_thread();
    go_blocking_begin();
    go_blocking_begin();
    go_exit();
}

static void deep_exit(int n)
{
    go_defer(go_yield);
    if (n > 0)
        deep_exit(n - 1);
    else
        (go_exit)(); /* the function: the macro would make gcc see a recursion without end */
}

static void exits_deep(void)
{
    finished();
    deep_exit(20);
}

IN_GO(spawn, a_reused_goroutine_begins_afresh)
{
    void (*const leavers[])(void) = {exits_inside_recover, exits_in_a_panic, exits_in_blocking_call,
                                     exits_deep};
    done = 0;
    for (uint32_t i = 0; i < 200; i++) {
        for (int j = 0; j < 4; j++)
            go(leavers[(i + (uint32_t)j) % 4]);
        await(8 * i + 4);
        for (int j = 0; j < 4; j++)
            go(begins_afresh);
        await(8 * i + 8);
    }
}

IN_GO(spawn, blocking_calls_still_work_after_one_that_ended_inside)
{
    done = 0;
    for (int i = 0; i < 20; i++)
        go(exits_in_blocking_call);
    await(20);
    for (int i = 0; i < 20; i++) {
        go_blocking_begin();
        CHECK(rt_self()->m->p == NULL);
        go_blocking_end();
        struct m *m = rt_self()->m;
        CHECK(at_load_rlx(&m->p) || at_load_rlx(&m->detached)); /* relaxed: its own M's */
    }
}

/* ---- a stack at first run ---- */

static uint64_t creators_of_storm;

static void counts_stacks(int i, double half, long double third, const char *text)
{
    struct g *g = rt_self();
    CHECK(half == i / 2.0 && third == i / 3.0L && text == (const char *)&done);
    CHECK(!(g->flags & G_SEED) && g->created_by == creators_of_storm && g->created_pc != 0);
    CHECK((char *)&i > g->stack_lo && (char *)&i < g->stack_hi);
    finished();
}

/* A thousand that end before the next one runs need a few stacks between them. */
static int storm(int argc, char **argv)
{
    struct stack_counts n;
    creators_of_storm = go_id();
    for (uint32_t round = 1; round <= 20; round++) {
        for (int i = 0; i < 1000; i++)
            go(counts_stacks, i, i / 2.0, i / 3.0L, (const char *)&done);
        await(round * 1000);
    }
    stack_count(&n);
    CHECK(n.used + n.idle < 200);
    return argc && argv ? 1 : 0;
}

Test(spawn, a_storm_needs_few_stacks)
{
    for (int procs = 1; procs <= 4; procs *= 2) {
        char text[16];
        snprintf(text, sizeof text, "%d", procs);
        setenv("GOMAXPROCS", text, 1);
        done = 0;
        cr_expect_eq(go_run(storm, 0, NULL), 0);
    }
}

static void has_stack_of(size_t bytes)
{
    CHECK(rt_self()->stack_pages * 4096ul == bytes);
    CHECK((size_t)(rt_self()->stack_hi - rt_self()->stack_lo) <= bytes);
    finished();
}

/* The size is that of the go statement, whatever is set when the goroutine runs. */
IN_GO(spawn, the_stack_size_is_that_of_the_go_statement)
{
    done = 0;
    for (size_t i = 0; i < 300; i++) {
        size_t bytes = (4 + i % 30) * 4096;
        go_set_stack_size(bytes);
        go(has_stack_of, bytes);
    }
    go_set_stack_size(256 << 10);
    await(300);
}

/* ---- arguments ---- */

/* Large structures are passed by value on x86-64 only: goshawk/base.h, GO_FITS_. */
#if defined(__x86_64__)
struct wide {
    _Alignas(64) int v[32];
};

static void takes_aligned(long a, struct wide w, int b)
{
    CHECK((uintptr_t)&w % 64 == 0);
    for (int i = 0; i < 32; i++)
        CHECK(w.v[i] == i);
    CHECK(a == -1 && b == -2);
    finished();
}

IN_GO(spawn, over_aligned_arguments_stay_aligned)
{
    struct wide w;
    for (int i = 0; i < 32; i++)
        w.v[i] = i;
    done = 0;
    for (int i = 0; i < 50; i++)
        go(takes_aligned, -1, w, -2);
    await(50);
}
#endif

static long double returns_long_double(int i)
{
    finished();
    return (long double)i;
}

static volatile long double one = 1;

/* The dropped result must not stay on the thread's x87 stack, which has eight places. */
IN_GO(spawn, a_long_double_result_is_dropped_for_good)
{
    done = 0;
    for (int i = 0; i < 50; i++)
        go(returns_long_double, i);
    await(50);
    for (int i = 0; i < 50; i++) {
        go_defer(returns_long_double, i);
    }
    await(100);
    long double a = one, b = a + one, c = b + one, d = c + one, e = d + one, f = e + one;
    CHECK(((a + b) * (c + d)) * ((e + f) * (a + c)) == 924.0L);
}

static int nested(int depth)
{
    if (depth > 0)
        go(nested, nested(depth - 1));
    finished();
    return depth - 1;
}

static int nests(int argc, char **argv)
{
    go(nested, ({
           go(nested, ({
                  go(nested, ({
                         go(nested, 0);
                         0;
                     }));
                  0;
              }));
           0;
       }));
    await(4);
    go(nested, nested(3));
    return argc && argv ? 1 : 0;
}

Test(spawn, go_may_stand_in_the_arguments_of_go)
{
    cr_expect_eq(go_run(nests, 0, NULL), 0);
}

static int nests_too_deep(int argc, char **argv)
{
    rt_announce(rt_self(), (struct g_call){.fn = (void *)nested});
    rt_announce(rt_self(), (struct g_call){.fn = (void *)nested});
    rt_announce(rt_self(), (struct g_call){.fn = (void *)nested});
    rt_announce(rt_self(), (struct g_call){.fn = (void *)nested});
    rt_announce(rt_self(), (struct g_call){.fn = (void *)nested});
    return argc && argv ? 1 : 0;
}

Test(spawn, but_not_without_limit)
{
    struct child c = in_child(nests_too_deep, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_SAYS(&c, "fatal error: go: more than 4 calls nested in argument lists\n");
}

#if defined(__x86_64__)
struct huge {
    char bytes[20000];
};

static void takes_huge(struct huge h)
{
    CHECK(h.bytes[0] == 'a' && h.bytes[19999] == 'z');
    finished();
}

static int start_huge(int argc, char **argv)
{
    static struct huge h;
    h.bytes[0] = 'a';
    h.bytes[19999] = 'z';
    go(takes_huge, h);
    await(1);
    go_set_stack_size(16 << 10);
    go(takes_huge, h);
    return argc && argv ? 1 : 0;
}

Test(spawn, arguments_must_fit_the_stack)
{
    struct child c = in_child(start_huge, NULL);
    EXPECT_STATUS(&c, 2);
    EXPECT_SAYS(&c, "fatal error: go: arguments of ");
    EXPECT_SAYS(&c, " bytes do not fit a stack of ");
}
#endif

/* ---- many ---- */

static void tree(int depth)
{
    if (depth > 0) {
        go(tree, depth - 1);
        go(tree, depth - 1);
    }
    finished();
}

IN_GO(spawn, every_goroutine_runs_once)
{
    done = 0;
    tree(14);
    await((1u << 15) - 1);
    go_sleep(GO_MILLISECOND);
    CHECK(at_load_acq(&done) == (1u << 15) - 1);
}

IN_GO(spawn, plain_threads_start_goroutines_too)
{
    done = 0;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, (void *(*)(void *))(void *)tree, (void *)8);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    await(4 * ((1u << 9) - 1));
}
