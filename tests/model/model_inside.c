/* model_inside.c - an M and sysmon agree on who has the P, with no fence on the M's side. */
#include "core.h"
#include "explore.h"
#include "inside.c"

enum { ROUNDS = 3 };

struct sched sched;

static struct m m;
static struct p p;
static uint32_t users;   /* of the P, at this moment */
static uint32_t uses[2]; /* of the P: by the M, by others */
static int rounds, looks;

/* The only user changes what belongs to the P by plain stores: none may be lost. */
static void use_p(int who)
{
    EX_HOLD(users++ == 0);
    at_store_rlx(&p.tick, at_load_rlx(&p.tick) + 1);
    uses[who]++;
    EX_HOLD(--users == 0);
}

struct m *rt_m(void)
{
    return ex_self() ? NULL : &m;
}

struct m *worker_all(void)
{
    return NULL;
}

/* Whoever has taken the P works with it, then leaves it to the M. */
void sched_p_hand_over(struct p *taken, bool spinning)
{
    (void)spinning;
    EX_HOLD(taken == &p);
    use_p(1);
    rt_lock(&sched.lock);
    sched.idle_ps = &p;
    rt_unlock(&sched.lock);
}

void sched_regain(struct g *self)
{
    (void)self;
    rt_enter(&m);
    if (!m.p) {
        rt_lock(&sched.lock);
        struct p *idle = sched.idle_ps;
        sched.idle_ps = NULL;
        rt_unlock(&sched.lock);
        if (idle)
            at_store_rlx(&m.p, idle);
    }
    rt_leave(&m);
}

static void goroutine(void *arg)
{
    struct g g = {.m = &m};
    (void)arg;
    for (int i = 0; i < rounds; i++) {
        rt_enter(&m);
        if (m.p)
            use_p(0);
        rt_leave(&m);
        rt_settle(&g);
    }
}

static void sysmon(void *arg)
{
    (void)arg;
    for (int i = 0; i < looks; i++)
        sched_retake(&p, &m, NULL, true);
}

static void begin(void)
{
    at_store_rlx(&m.p, &p);
    ex_region(&m.inside, sizeof m.inside);
    ex_region(&m.asked, sizeof m.asked);
    ex_region(&m.p, sizeof m.p);
    ex_quiet(&m.detached, sizeof m.detached);
    ex_quiet(&p.m, sizeof p.m);
    ex_region(&p.tick, sizeof p.tick);
    ex_region(&sched.lock, sizeof sched.lock);
    ex_quiet(&sched.idle_ps, sizeof sched.idle_ps); /* under the lock */
    ex_quiet(&users, sizeof users);
    ex_quiet(uses, sizeof uses);
    ex_thread(goroutine, NULL);
    ex_thread(sysmon, NULL);
}

static void begin_small(void)
{
    rounds = ROUNDS;
    looks = 2;
    begin();
}

static void begin_large(void)
{
    rounds = ROUNDS + 2;
    looks = 4;
    begin();
}

static void begin_two(void)
{
    rounds = ROUNDS;
    looks = 1;
    begin();
    ex_thread(sysmon, NULL);
}

static void end(void)
{
    EX_HOLD(p.tick == uses[0] + uses[1]);
    EX_HOLD(!m.asked && !m.inside);
    EX_HOLD((m.p != NULL) + (sched.idle_ps != NULL) == 1);
}

static const struct ex_model models[] = {
    {.name = "inside",
     .says = "a P is used by one at a time",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_small,
     .end = end},
    {.name = "inside, two who ask",
     .says = "a P is used by one at a time",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_two,
     .end = end},
    {.name = "inside, long",
     .says = "a P is used by one at a time",
     .memory = EX_PSO,
     .barriers = true,
     .deep = true,
     .begin = begin_large,
     .end = end},
};

static const char *const survivors[] = {NULL};

int main(int argc, char **argv)
{
    return ex_main(argc, argv, models, sizeof models / sizeof models[0], survivors);
}
