/* model_sched.c - waking: what is made runnable runs, though Ms go to sleep at the same moment.
 *
 * The real scheduler from sched.c and idle.c down, without the poller.  Goroutine 0, on M 0, makes
 * another one runnable and then computes: it waits until that one has run, without coming by its
 * scheduler, so that a wake-up that is lost is a deadlock.  A goroutine has no stack here; it has
 * run once an M enters it, and keeps that M for good.
 *
 * The clock says at any time that no time has passed, or a lot: whatever is left to time may happen
 * or not.  What lies under sched.lock is no place where others go on. */
#define RUNQ_CELLS 4
#include "core.h"
#include "explore.h"
#include "inside.h"
#include "timers.h"
#include "rand.h"

/* A victim is a matter of luck; this one is always tried first. */
#define rand_below(r, n) ((void)(r), (void)(n), 0)
#define switch_last      run_goroutine
#undef at_pause
#define at_pause() ((void)0) /* spinning is a matter of time only */
struct switch_ctx;
_Noreturn static void run_goroutine(struct switch_ctx *ctx);
#include "runq.c"
#include "globalq.c"
#include "timers.c"
#include "idle.c"
#include "inside.c"
#include "sched.c"
#undef switch_last

enum { MS = 4, PS = 2, GS = 3 };

struct env env;
struct sched sched;
struct poller_state poller_state;
__thread struct g *tls_g;

static struct m ms[MS];
static struct p ps[PS];
static struct g gs[GS];
static struct rt_timer timer, other;
static struct timer_node nodes[PS][2];
static uint32_t started; /* Ms whose threads run */
static uint32_t ran;     /* a bit for each goroutine that has run */
static uint32_t wanted;  /* the bits that must be there in the end */
static bool leaves;      /* M 1 begins in the middle of find_runnable() */
static bool no_threads;  /* none can be started */
static bool dozes_only;  /* M 1 does */
static void (*body)(void);

/* ---- what the files name ---- */

void sysmon_wake(void)
{
}

void thread_yield(void)
{
}

struct g *rt_first_run(struct m *m, struct g *seed)
{
    (void)m;
    return seed;
}

void stats_run(struct p_stats *own, uint64_t ticks)
{
    (void)own, (void)ticks;
}

void stats_steal(struct p_stats *own, uint32_t n)
{
    (void)own, (void)n;
}

int64_t rt_nanos(void)
{
    return ex_now();
}

uint32_t worker_count(void)
{
    return started;
}

struct m *worker_all(void)
{
    return NULL;
}

struct m *worker_start(struct p *p, bool spinning)
{
    ex_pause();
    if (no_threads)
        return NULL;
    EX_HOLD(started < MS);
    struct m *m = &ms[started];
    m->next_p = p;
    m->spinning = spinning;
    started++;
    return m;
}

/* Goroutine 0 computes: nothing is deadlocked. */
void deadlock_check(void)
{
}

void sched_regain(struct g *self)
{
    (void)self;
}

_Noreturn void sched_pass_on(struct m *m, struct g *g)
{
    (void)m, (void)g;
    abort();
}

_Noreturn void sched_pass_home(struct m *m, struct g *g)
{
    (void)m, (void)g;
    abort();
}

void sched_wait_home(struct m *m)
{
    (void)m;
    abort();
}

bool poller_now(void)
{
    return false;
}

bool poller_now_idly(void)
{
    return false;
}

bool poller_left_to_others(void)
{
    return false;
}

bool poller_is_due(uint64_t now, uint64_t ticks)
{
    (void)now, (void)ticks;
    return false;
}

enum poller_block poller_block(struct m *m, int64_t timeout_ns)
{
    (void)m, (void)timeout_ns;
    return POLLER_TAKEN;
}

void poller_deliver(struct m *m)
{
    (void)m;
}

bool poller_break(const struct m *m)
{
    (void)m;
    return false;
}

/* ---- goroutines ---- */

static bool all_have_run(void *arg)
{
    (void)arg;
    return (ran & wanted) == wanted;
}

_Noreturn void rt_goroutine_end(void);

static _Noreturn void run_goroutine(struct switch_ctx *ctx)
{
    struct g *g = (struct g *)(void *)((char *)ctx - offsetof(struct g, ctx));
    EX_HOLD(!(ran >> (g - gs) & 1) && g->state == G_RUNNING);
    ran |= 1u << (g - gs);
    if (all_have_run(NULL))
        rt_goroutine_end();
    struct m *m = rt_m();
    rt_enter(m);
    m->g = NULL;
    sched_run(m);
    __builtin_unreachable();
}

/* As rt_ready(), by whoever runs on m. */
static void ready(struct m *m, struct g *g)
{
    g_move(g, G_PARKED, G_READY);
    bool entered = m && rt_enter(m);
    sched_put(m, g);
    if (entered)
        rt_leave(m);
}

static bool is_started(void *m)
{
    return (struct m *)m < ms + started;
}

/* [sleeper] alone, without the fences that find_runnable() has on the way to it: m fires timers,
 * and dozes. */
static void doze_until_all_have_run(struct m *m)
{
    for (;;) {
        if (!m->next_p)
            doze(m, false);
        if (m->next_p)
            sched_p_take(m, m->next_p);
        m->next_p = NULL;
        timer_heap_run(&ps[0].timers, INT64_MAX - 1);
        if (all_have_run(NULL))
            return;
        if (m->spinning)
            sched_stop_spinning(m);
        if (m->p)
            sched_release_p(m);
    }
}

static void m_main(void *arg)
{
    struct m *m = arg;
    if (m == ms) {
        body();
        ex_wait(all_have_run, NULL);
        return;
    }
    ex_wait(is_started, m);
    if (dozes_only) {
        doze_until_all_have_run(m);
        return;
    }
    struct g *g;
    if (m == &ms[1] && leaves)
        EX_HOLD(sched_p_give_up(m, &g));
    if (!m->g)
        sched_enter(m);
    sched_release_p(m);
}

/* ---- the beginning ---- */

static void enter(int thread)
{
    tls_m = &ms[thread];
    sched.idle_left = 0;
    for (int i = 0; i < PS; i++)
        ps[i].tick &= 1; /* it only has to differ from the last one */
}

static void name_if(bool visible, void *p, size_t n)
{
    (visible ? ex_region : ex_quiet)(p, n);
}

#define QUIET(from, to) ex_quiet(&(from), (size_t)((char *)&(to) - (char *)&(from)))

/* Where a model's work comes from; what is empty from beginning to end is no place either. */
enum { IN_NEXT = 1, IN_GLOBAL = 2, IN_HEAP = 4 };

static void name_p(struct p *p, uint32_t work)
{
    work = p == ps ? work : 0;
    QUIET(p->state, p->runnext);
    name_if(work & IN_NEXT, &p->runnext, sizeof p->runnext);
    QUIET(p->chain, p->slice_tick);
    ex_quiet(&p->clock_ticks, sizeof p->clock_ticks);
    name_if(work & IN_HEAP, &p->timers, sizeof p->timers);
    ex_quiet(&p->runq, offsetof(struct runq, ring) + RUNQ_CELLS * sizeof(struct g *));
}

/* Who is inside is model_inside.c's matter. */
static void name_m(struct m *m)
{
    QUIET(m->inside, m->storing);
    QUIET(m->detached, m->sched_sp);
    ex_quiet(&m->spinning, sizeof m->spinning);
    ex_region(&m->park_word, sizeof m->park_word);
    QUIET(m->idle, m->next_all);
}

static void name_regions(uint32_t work)
{
    for (int i = 0; i < PS; i++)
        name_p(&ps[i], work);
    for (int i = 0; i < MS; i++)
        name_m(&ms[i]);
    for (int i = 0; i < GS; i++)
        QUIET(gs[i].state, gs[i].id);
    ex_region(&sched.lock, sizeof sched.lock);
    QUIET(sched.queue, sched.queue.count);
    name_if(work & IN_GLOBAL, &sched.queue.count, sizeof sched.queue.count);
    QUIET(sched.idle_ps, sched.idle_p_count);
    ex_region(&sched.idle_p_count, sizeof sched.idle_p_count);
    QUIET(sched.idle_ms, sched.nprocs);
    ex_region(&sched.spinning, sizeof sched.spinning);
    ex_quiet(&sched.unserved, sizeof sched.unserved);
    ex_region(&sched.lingering, sizeof sched.lingering);
    ex_quiet(&sched.sleeper, sizeof sched.sleeper);
    ex_region(&sched.sleep_until, sizeof sched.sleep_until);
    ex_quiet(nodes, sizeof nodes);
    ex_quiet(&timer, sizeof timer);
    ex_quiet(&other, sizeof other);
    ex_quiet(&started, sizeof started);
    ex_quiet(&ran, sizeof ran);
}

/* What M 1 is about to do. */
enum intent {
    LOOKS,  /* for work, spinning */
    LEAVES, /* gives its P up, as another M spun, which has stopped since */
    SLEEPS, /* has given its P up */
    BLOCKS, /* its goroutine does, in the kernel */
};

/* M 1's part in the beginning. */
static void set_intent(enum intent intent)
{
    struct m *m = &ms[1];
    switch (intent) {
    case LEAVES:
        m->p = &ps[1];
        leaves = true;
        break;
    case LOOKS:
        m->spinning = true;
        sched.spinning = 1;
        m->next_p = &ps[1];
        break;
    case BLOCKS:
        m->g = &gs[2];
        m->p = &ps[1];
        break;
    case SLEEPS:
        sched_idle_p_put(&ps[1]);
        break;
    }
}

static void make_ps(void)
{
    sched.nprocs = sched.procs_made = PS;
    sched.sleep_until = INT64_MAX;
    for (int i = 0; i < PS; i++) {
        ps[i].id = (uint32_t)i;
        timer_heap_init(&ps[i].timers);
        ps[i].timers.nodes = nodes[i];
        ps[i].timers.cap = 2;
        ps[i].state = P_RUNNING;
        sched.procs[i] = &ps[i];
    }
}

/* M 0 runs goroutine 0, which is f, on P 0; goroutine 1 shall run. */
static void begin(void (*f)(void), enum intent intent, uint32_t work)
{
    static int no_errno;
    body = f;
    wanted |= 2;
    make_ps();
    for (int i = 0; i < MS; i++) {
        ms[i].errno_p = &no_errno;
        ms[i].inside = i != 0;
    }
    for (int i = 1; i < GS; i++)
        if (gs[i].state != G_READY)
            gs[i].state = G_PARKED;
    gs[0].state = G_RUNNING;
    gs[0].m = &ms[0];
    ms[0].g = &gs[0];
    ms[0].p = &ps[0];
    ps[0].m = &ms[0];
    started = 2;
    set_intent(intent);
    name_regions(work);
    for (int i = 0; i < MS; i++)
        ex_thread(m_main, &ms[i]);
}

static void end(void)
{
    uint32_t spinning = 0;
    for (int i = 0; i < MS; i++)
        spinning += ms[i].spinning;
    EX_HOLD(all_have_run(NULL));
    EX_HOLD(sched.spinning == spinning);
}

/* ---- [wake] ---- */

static void put_next(void)
{
    ready(&ms[0], &gs[1]);
}

static void put_global(void)
{
    ready(NULL, &gs[1]);
}

static void begin_global(void)
{
    begin(put_global, LOOKS, IN_GLOBAL);
}

static void begin_next(void)
{
    begin(put_next, LOOKS, IN_NEXT);
}

static void begin_leave(void)
{
    begin(put_next, LEAVES, IN_NEXT);
}

static void begin_asleep(void)
{
    begin(put_global, SLEEPS, IN_GLOBAL);
}

static void begin_blocks(void)
{
    begin(put_next, BLOCKS, IN_NEXT);
}

static void begin_no_thread(void)
{
    no_threads = true;
    begin(put_next, LEAVES, IN_NEXT);
}

/* ---- [linger] ---- */

static void begin_linger(void)
{
    ps[0].calm = CALM_MIN;
    begin(put_next, SLEEPS, IN_NEXT);
}

/* ---- [sleeper] ---- */

static void on_timer(struct rt_timer *t, int64_t now)
{
    (void)now;
    ready(rt_m(), t->arg);
}

static void arm(void)
{
    timer.fn = on_timer;
    timer.arg = &gs[1];
    rt_timer_start(&timer, 1, 0);
}

static void begin_sleeper(void)
{
    begin(arm, SLEEPS, IN_HEAP);
}

static void on_other_timer(struct rt_timer *t, int64_t now)
{
    (void)now;
    if (t != &timer)
        ran |= 2;
}

/* The timer that the sleeper sleeps until is stopped, and a later one armed. */
static void stop_and_arm(void)
{
    rt_timer_stop(&timer);
    other.fn = on_other_timer;
    rt_timer_start(&other, 2, 0);
}

static void begin_sleeper_alone(void)
{
    dozes_only = true;
    begin(stop_and_arm, SLEEPS, IN_HEAP);
    timer = (struct rt_timer){.fn = on_other_timer, .when = 1, .home = &ps[0].timers, .slot = 1};
    nodes[0][0] = (struct timer_node){1, 0, &timer};
    ps[0].timers.count = 1;
    ps[0].timers.next_when = 1;
}

static void begin_sleeper_blocks(void)
{
    begin(arm, BLOCKS, IN_HEAP);
}

#define MODEL(n, f, ...)                                                                      \
    {                                                                                         \
        .name = n, .says = "what is made runnable runs", .memory = EX_PSO, .barriers = true,  \
        .sleeps = true, .any_time = true, .begin = f, .end = end, .enter = enter, __VA_ARGS__ \
    }

static const struct ex_model models[] = {
    MODEL("wake, global queue", begin_global),
    MODEL("wake, runnext", begin_next),
    MODEL("wake, leaving", begin_leave),
    MODEL("wake, asleep", begin_asleep),
    MODEL("wake, blocking call", begin_blocks),
    MODEL("wake, no thread", begin_no_thread),
    MODEL("linger", begin_linger),
    MODEL("sleeper", begin_sleeper),
    MODEL("sleeper, alone", begin_sleeper_alone),
    MODEL("sleeper, blocking call", begin_sleeper_blocks),
};

/* What others find or what cannot be seen here.  inside.h, inside.c: model_inside.c.  sched_post():
 * publishes plain words.  sched_wake()'s fence: needs a P that three threads take, give up and ask
 * for at once. sched.lingering: needs two that would linger. */
static const char *const survivors[] = {
    "rt_leave store_rel",      "hold membarrier",
    "let_go store_rel",        "sched_post store_rel",
    "sched_wake membarrier",   "linger_begin cas_acq_rel",
    "linger_end xchg_acq_rel", NULL,
};

int main(int argc, char **argv)
{
    return ex_main(argc, argv, models, sizeof models / sizeof models[0], survivors);
}
