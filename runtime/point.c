/* point.c - preemption at synchronising calls, on demand.
 *
 * What goroutines do to each other they do through this library, so a program without data races
 * can tell schedules apart only by the order of its synchronising calls.  Letting any other
 * runnable goroutine go first before every such call, and after every go statement, therefore
 * reaches every schedule that a preemptive kernel could: GOSHAWK_DEBUG=preempt does that now and
 * then, as the one source of choices says, so GOSHAWK_SEED repeats it.
 *
 * How often is now and then?  A coin at every call mixes the goroutines well, and for that reason
 * hardly ever lets one of them run far ahead of the others, which many mistakes need.  So each seed
 * gets a rate of its own, from every call to one in 32.
 *
 * A goroutine may be preempted for any time, so under a seed the clock sometimes goes on to the
 * next timer meanwhile.  Otherwise no timer would ever fire while anybody can run.
 *
 * Without the setting a point is a load and a branch that is never taken. */
#include "env.h"
#include "inside.h"
#include "proc.h"
#include "scheduler.h"

enum {
    RATES = 6, /* 1 in 1, 2, 4, ... 32 */
    SKIPS = 16 /* preemptions, on average, to one that lasts until the next timer */
};

bool rt_point_on;
static uint32_t one_in = 1;

void rt_point_init(bool on, uint64_t seed)
{
    one_in = 1u << seed % RATES;
    rt_point_on = on;
}

/* m's P may have been taken from it meanwhile. */
static void skip_clock(struct m *m)
{
    bool entered = rt_enter(m);
    if (m->p)
        sched_clock_skip(m->p);
    if (entered)
        rt_leave(m);
}

void rt_point_taken(void)
{
    struct m *m = rt_m();
    bool may = m && m->g && at_load_rlx(&m->p) && !m->on_big_stack; /* relaxed: a hint */
    if (!may || rt_choose(one_in) != 0)
        return;
    if (rt_choose(SKIPS) == 0)
        skip_clock(m);
    rt_yield(m->g);
}
