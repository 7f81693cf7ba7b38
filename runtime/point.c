/* point.c - what happens at synchronising calls beside what they are for.
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
 * Race builds preempt by themselves, so that the next run of a test is another one: often at each
 * thread's first calls, since tests are short, and seldom after that.
 *
 * Under a seed alone nobody is preempted, and virtual time stands still while goroutines run.  Who
 * tries again and again would wait for ever for one who sleeps, or who can run.  So when many calls
 * have been made while the clock stood still some time passes, and the others run.
 *
 * In plain runs a point is a load and a branch that is never taken. */
#include "env.h"
#include "inside.h"
#include "proc.h"
#include "scheduler.h"

enum {
    RATES = 6,   /* 1 in 1, 2, 4, ... 32 */
    SKIPS = 16,  /* preemptions, on average, to one that lasts until the next timer */
    EARLY = 256, /* a thread's points of which half are preemptions, in race builds */
    LATER = 64,  /* after that one of this many is, on average */
};

bool rt_point_on;
static enum { PREEMPT, MIX, PATIENT } mode; /* r/o after rt_point_init() */
static uint32_t one_in = 1;

void rt_point_init(bool on, bool seeded, uint64_t seed)
{
    one_in = 1u << seed % RATES;
    mode = on ? PREEMPT : seeded ? PATIENT : MIX;
    rt_point_on = on || seeded || GO_RACE;
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

static bool is_preempted(struct m *m)
{
    if (rt_choose(one_in) != 0)
        return false;
    if (rt_choose(SKIPS) == 0)
        skip_clock(m);
    return true;
}

static bool is_mixed(struct m *m)
{
    bool early = m->points < EARLY;
    return (early || m->points % (LATER / 2) == 0) && rt_choose(2) == 0;
}

static bool is_too_long(struct m *m)
{
    bool entered = rt_enter(m);
    bool passed = m->p && sched_clock_wears();
    if (entered)
        rt_leave(m);
    return passed;
}

void rt_point_taken(void)
{
    struct m *m = rt_m();
    bool may = m && m->g && at_load_rlx(&m->p) && !m->on_big_stack; /* relaxed: a hint */
    if (!may)
        return;
    m->points++;
    if (mode == PREEMPT ? is_preempted(m) : mode == MIX ? is_mixed(m) : is_too_long(m))
        rt_yield(m->g);
}
