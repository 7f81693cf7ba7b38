/* test_thread.c - stand-ins: plain threads that park and are woken, and what is left of them. */
#include "in_go.h"
#include <pthread.h>
#include <sched.h>
#include "atomic.h"
#include "scheduler.h"
#include "thread.h"

static void *look(void *arg)
{
    CHECK(rt_self_or_null() == NULL && go_id() == 0);
    struct g *g = rt_self();
    CHECK(g && rt_self() == g && rt_self_or_null() == g);
    CHECK((g->flags & G_THREAD) && g->id == 0 && at_load_rlx(&g->state) == G_RUNNING);
    CHECK(!g->defers && !g->panics && !g->recover && g->call_count == 0);
    go_yield();
    *(struct g **)arg = g;
    return NULL;
}

Test(thread, a_stand_in_is_made_on_first_use_and_reused)
{
    struct g *first = NULL, *second = NULL;
    pthread_t t;
    pthread_create(&t, NULL, look, &first);
    pthread_join(t, NULL);
    pthread_create(&t, NULL, look, &second);
    pthread_join(t, NULL);
    cr_expect_not_null(first);
    cr_expect_eq(first, second, "the first thread has ended");
}

static pthread_barrier_t all_there;

static void *look_together(void *arg)
{
    look(arg);
    pthread_barrier_wait(&all_there);
    return NULL;
}

Test(thread, each_has_its_own)
{
    enum { N = 20 };
    struct g *gs[N];
    pthread_t t[N];
    pthread_barrier_init(&all_there, NULL, N);
    for (int i = 0; i < N; i++)
        pthread_create(&t[i], NULL, look_together, &gs[i]);
    for (int i = 0; i < N; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < i; j++)
            cr_expect_neq(gs[i], gs[j]);
}

/* ---- a stack of one waiter, as the primitives have lists of them ---- */

struct slot {
    struct rt_lock lock;
    struct g *waiter;
    int credit;
};

static void slot_wait(struct slot *s)
{
    struct g *self = rt_self();
    rt_lock(&s->lock);
    if (s->credit > 0) {
        s->credit--;
        rt_unlock(&s->lock);
        return;
    }
    CHECK(!s->waiter);
    s->waiter = self;
    rt_park_unlock(self, &s->lock, TR_SEM, s);
}

static void slot_wake(struct slot *s)
{
    rt_lock(&s->lock);
    struct g *g = s->waiter;
    s->waiter = NULL;
    s->credit += g == NULL;
    rt_unlock(&s->lock);
    if (g)
        rt_ready(g, rt_self_or_null());
}

enum { TURNS = 20000 };

struct pair {
    struct slot a, b;
    int turns;
};

static void *serve(void *arg)
{
    struct pair *p = arg;
    for (int i = 0; i < TURNS; i++) {
        slot_wait(&p->a);
        p->turns++;
        slot_wake(&p->b);
    }
    return NULL;
}

static void use(struct pair *p)
{
    for (int i = 0; i < TURNS; i++) {
        CHECK(p->turns == i);
        slot_wake(&p->a);
        slot_wait(&p->b);
    }
}

static void serve_in_goroutine(void *arg)
{
    serve(arg);
}

Test(thread, two_threads_take_turns)
{
    static struct pair p;
    pthread_t t;
    pthread_create(&t, NULL, serve, &p);
    use(&p);
    pthread_join(t, NULL);
}

IN_GO(thread, a_thread_and_a_goroutine_take_turns)
{
    struct pair p = {0};
    pthread_t t;
    pthread_create(&t, NULL, serve, &p);
    use(&p);
    pthread_join(t, NULL);
}

static void *uses(void *arg)
{
    use(arg);
    return NULL;
}

IN_GO(thread, goroutines_serve_threads)
{
    struct pair p[3] = {0};
    pthread_t t[3];
    for (int i = 0; i < 3; i++) {
        start(serve_in_goroutine, &p[i]);
        pthread_create(&t[i], NULL, uses, &p[i]);
    }
    finish();
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
}

/* A waker may touch the stand-in after the thread has gone on, and even ended. */
static void *waits_once(void *arg)
{
    slot_wait(arg);
    return NULL;
}

Test(thread, may_end_as_soon_as_it_is_woken)
{
    for (int i = 0; i < 2000; i++) {
        struct slot s = {0};
        pthread_t t;
        pthread_create(&t, NULL, waits_once, &s);
        if (i % 2)
            sched_yield();
        slot_wake(&s);
        pthread_join(t, NULL);
    }
}

static bool refuse(struct g *g, void *arg)
{
    CHECK(at_load_rlx(&g->state) == G_PARKED);
    ++*(int *)arg;
    return false;
}

Test(thread, a_refused_park_returns_at_once)
{
    int asked = 0;
    for (int i = 0; i < 100; i++)
        rt_park(rt_self(), refuse, &asked, TR_SEM, NULL);
    cr_expect_eq(asked, 100);
    cr_expect_eq(at_load_rlx(&rt_self()->state), G_RUNNING);
}

/* ---- what else a thread may do ---- */

static void *sleeps(void *arg)
{
    go_time t = go_now();
    go_sleep(3 * GO_MILLISECOND);
    CHECK(go_since(t) >= 3 * GO_MILLISECOND);
    go_lock_thread();
    go_unlock_thread();
    go_blocking_begin();
    go_blocking_end();
    go_checkpoint();
    go_setname("thread");
    return arg;
}

Test(thread, may_call_everything)
{
    pthread_t t[5];
    for (int i = 0; i < 5; i++)
        pthread_create(&t[i], NULL, sleeps, NULL);
    for (int i = 0; i < 5; i++)
        pthread_join(t[i], NULL);
}
