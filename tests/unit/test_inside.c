/* test_inside.c - a P is taken from an M that is outside the runtime, never from one inside, and
 * the goroutine gets another one when it asks. */
#include "in_child.h"
#include "in_go.h"
#include <pthread.h>
#include "core.h"
#include "inside.h"

static void *take(void *p)
{
    struct m *m = at_load_acq(&((struct p *)p)->m); /* [holder] */
    return (void *)(uintptr_t)(m && sched_retake(p, m, NULL, true));
}

/* What another thread gets when it tries to take p. */
static bool taken(struct p *p)
{
    pthread_t t;
    void *got;
    CHECK(pthread_create(&t, NULL, take, p) == 0);
    CHECK(pthread_join(t, &got) == 0);
    return got != NULL;
}

static int enters(int argc, char **argv)
{
    struct g *self = rt_self();
    struct m *m = self->m;
    struct p *p = m->p;
    CHECK(!m->inside && p && p->m == m);
    CHECK(rt_enter(m) && !rt_enter(m)); /* the inner one must not leave */
    CHECK(!taken(p) && m->p == p);
    rt_leave(m);
    CHECK(taken(p) && !m->p && !m->asked && m->detached);
    CHECK(!taken(p) || rt_self()->m->p == NULL); /* this M has nothing to be taken any more */
    rt_settle(self);
    m = rt_self()->m;
    CHECK(m->p && m->p->m == m && !m->detached && !m->inside);
    rt_settle(self); /* nothing to do */
    CHECK(rt_self()->m == m);
    return argc && argv;
}

Test(inside, a_p_goes_only_from_outside)
{
    static const char *const procs[] = {"GOMAXPROCS=1", "GOMAXPROCS=2"};
    for (int i = 0; i < 2; i++) {
        struct child c = in_child(enters, procs[i], "GOSHAWK_DEBUG=", NULL);
        EXPECT_STATUS(&c, 0);
        free(c.out);
    }
}

/* ---- a thief that never stops ---- */

enum { THEFTS = 80 };

static uint32_t stop;
static uintptr_t thefts;

static void *steal_all(void *arg)
{
    while (!at_load_rlx(&stop)) {                        /* relaxed: a flag */
        uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
        for (uint32_t i = 0; i < procs; i++)
            if (take(sched.procs[i]))
                at_add_rlx(&thefts, (uintptr_t)1); /* relaxed: a counter */
    }
    return arg;
}

static uint64_t sum;

static void adds(void *arg)
{
    for (volatile int i = 0; i < 2000; i++)
        ;
    __atomic_fetch_add(&sum, (uintptr_t)arg, __ATOMIC_RELAXED);
}

typedef go_chan(uintptr_t) chan;

static void pass(void *arg)
{
    chan *c = arg;
    go_chan_range(uintptr_t, v, c[0]) {
        go_yield();
        go_chan_send(c[1], v);
    }
}

static int robbed(int argc, char **argv)
{
    pthread_t t;
    CHECK(pthread_create(&t, NULL, steal_all, NULL) == 0);
    chan c[2] = {go_chan_make(uintptr_t, 0), go_chan_make(uintptr_t, 3)};
    start(pass, c);
    uint64_t expected = 0;
    go_time end = go_now() + 10 * GO_SECOND; /* beside other work thefts may be rare */
    uintptr_t n = 0;
    for (uintptr_t i = 0; n < THEFTS && (n == 0 || go_now() < end); i++) {
        for (uintptr_t k = 0; k < 10; k++, expected += i)
            start(adds, (void *)i);
        go_chan_send(c[0], i);
        CHECK(go_chan_recv(c[1]) == i);
        go_sleep(1);
        n = at_load_rlx(&thefts); /* relaxed: a counter */
    }
    go_chan_close(c[0]);
    finish();
    CHECK(sum == expected);
    at_store_rlx(&stop, 1u); /* relaxed: a flag */
    CHECK(pthread_join(t, NULL) == 0);
    return argc && argv;
}

Test(inside, nothing_is_lost_when_ps_are_taken_all_the_time, .timeout = 100)
{
    static const char *const procs[] = {"GOMAXPROCS=1", "GOMAXPROCS=2", "GOMAXPROCS=5"};
    for (int i = 0; i < 3; i++) {
        struct child c = in_child(robbed, procs[i], NULL);
        EXPECT_STATUS(&c, 0);
        free(c.out);
    }
}
