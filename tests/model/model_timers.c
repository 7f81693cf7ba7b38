/* model_timers.c - a timer fires or is stopped, never both, whatever heap it is on [home].
 *
 * The real heaps.  A timer's function runs under the lock of its heap, so who has stopped it may
 * free it: the memory is gone then, and whoever touches it is found. */
#include "explore.h"
#include "atomic.h"
#include "core.h"
#include "timers.c"

enum { TIMERS = 2, HEAPS = 2, NODES = 4 };

struct sched sched;

static struct p ps[HEAPS];
static struct timer_node nodes[HEAPS][NODES];
static struct rt_timer timers[TIMERS];
static uint32_t fired[TIMERS], firing[TIMERS], stopped[TIMERS];
static uint32_t armed_on; /* the P whose heap new timers go to */
static bool frees;

struct m *rt_m(void)
{
    return NULL;
}

struct timer_heap *sched_timer_heap(struct m *m)
{
    (void)m;
    return &ps[armed_on].timers;
}

void sched_timer_added(int64_t when)
{
    (void)when;
}

static void on_timer(struct rt_timer *t, int64_t now)
{
    (void)now;
    uint32_t i = (uint32_t)(t - timers);
    firing[i]++;
    ex_pause(); /* whoever stops it now must wait */
    firing[i]--;
    EX_HOLD(!stopped[i]);
    fired[i]++;
}

static void stop_timer(uint32_t i)
{
    bool was_armed = rt_timer_stop(&timers[i]);
    EX_HOLD(!firing[i]);
    EX_HOLD(was_armed == !fired[i]);
    stopped[i] = 1;
}

/* ---- threads ---- */

static void stopper(void *arg)
{
    (void)arg;
    stop_timer(0);
    if (frees)
        ex_gone(&timers[0], sizeof timers[0]);
}

static void restarter(void *arg)
{
    (void)arg;
    stop_timer(0);
    stopped[0] = fired[0] = 0;
    rt_timer_start(&timers[0], 1, 0);
    stop_timer(0);
}

static void mover(void *arg)
{
    (void)arg;
    timer_heap_move(&ps[0].timers, &ps[1].timers);
}

static void runner(void *arg)
{
    for (uint32_t i = 0; i < HEAPS; i++)
        timer_heap_run(&ps[i].timers, 2);
    (void)arg;
}

/* ---- the beginning ---- */

static void begin_common(void)
{
    for (uint32_t i = 0; i < HEAPS; i++) {
        timer_heap_init(&ps[i].timers);
        ps[i].timers.nodes = nodes[i];
        ps[i].timers.cap = NODES;
    }
    armed_on = 1;
    for (uint32_t i = 0; i < TIMERS; i++) {
        timers[i].fn = on_timer;
        rt_timer_start(&timers[i], 1 + i, 0);
        ex_region(&timers[i].home, sizeof timers[i].home);
        ex_quiet(&timers[i].when, offsetof(struct rt_timer, fn));
        ex_quiet(&timers[i].slot, sizeof timers[i].slot);
    }
    for (uint32_t i = 0; i < HEAPS; i++)
        ex_region(&ps[i].timers, sizeof ps[i].timers);
    ex_quiet(nodes, sizeof nodes);
    ex_quiet(fired, sizeof fired);
    ex_quiet(firing, sizeof firing);
    ex_quiet(stopped, sizeof stopped);
}

static void begin_stop(void)
{
    begin_common();
    frees = true;
    ex_thread(stopper, NULL);
    ex_thread(mover, NULL);
    ex_thread(runner, NULL);
}

static void begin_restart(void)
{
    begin_common();
    ex_thread(restarter, NULL);
    ex_thread(mover, NULL);
    ex_thread(runner, NULL);
}

/* What has neither fired nor been stopped is on a heap, and the heap knows it. */
static void end(void)
{
    for (uint32_t i = 0; i < TIMERS; i++) {
        bool armed = timers[i].slot != 0;
        EX_HOLD(armed == (!fired[i] && !stopped[i]));
        EX_HOLD(!armed || timers[i].home->nodes[timers[i].slot - 1].t == &timers[i]);
    }
    for (uint32_t i = 0; i < HEAPS; i++) {
        const struct timer_heap *h = &ps[i].timers;
        EX_HOLD(h->next_when == (h->count ? h->nodes[0].when : INT64_MAX));
    }
}

static const struct ex_model models[] = {
    {.name = "timer, stop",
     .says = "a stopped timer does not fire, and may be freed",
     .memory = EX_PSO,
     .begin = begin_stop,
     .end = end},
    {.name = "timer, start and stop",
     .says = "it fires or is stopped, once each time",
     .memory = EX_PSO,
     .begin = begin_restart,
     .end = end},
};

static const char *const survivors[] = {NULL};

int main(int argc, char **argv)
{
    return ex_main(argc, argv, models, sizeof models / sizeof models[0], survivors);
}
