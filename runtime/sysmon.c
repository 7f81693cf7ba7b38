/* sysmon.c - nothing stops the others.
 *
 * A thread without a P looks at the Ps every now and then: every 20 us while it has something to
 * do, then at growing intervals, at last every 10 ms, as soon as it finds all Ps idle then.  When
 * it has found them so again and again it sleeps until one is not: to be woken at each timer of a
 * program that does little else costs more than to look.  A P whose M
 * has not come by its scheduler between two looks, and which is wanted, is taken away and given to
 * another M (inside.h has the handshake):
 *
 *     the thread sleeps in the kernel      at once
 *     the goroutine computes               when its slice of 10 ms is over
 *
 * The goroutine goes on without a P, and gets one back at its next call that waits, starts a
 * goroutine or yields.  A P is wanted when goroutines or due timers wait on it, or anywhere while
 * no P is idle.
 *
 * It also looks for ready descriptors when nobody else has for long (poller.h).
 *
 * Goroutines that compute without a P share the processors with those that have one.  So that a
 * program with thousands of them does not get thousands of threads, slices grow with their number.
 *
 * Under GOSHAWK_SEED real time must have no say in the schedule, but nor may a program hang that
 * does not hang without: when its goroutines spin until another one has done something, or make
 * their thread wait for that in the kernel.  So there it is patient.  It takes the P when the
 * goroutine has computed for SPIN_NS of processor time, or its thread has slept for BLOCKED_NS in
 * all, without coming by the scheduler; and when no goroutine has had the P for BLOCKED_NS while
 * one goes on without, the clock jumps as if all slept. */
#include "sysmon.h"
#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "core.h"
#include "futex.h"
#include "hook.h"
#include "inside.h"
#include "poller.h"
#include "signals.h"
#include "task.h"
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    LOOK_MIN_NS = 20000,
    LOOK_FIRST_NS = 1000000,
    LOOK_MAX_NS = 10000000,
    QUIET_LOOKS = 50, /* at LOOK_MIN_NS before the intervals grow, as in Go */
    REST_LOOKS = 4,   /* in a row that find all Ps idle before it sleeps */
    SLICE_NS = 10000000,
    SLICE_SHIFT_MAX = 7,
    SPIN_NS = 2000000000,
    BLOCKED_NS = 50000000,
    DETACHED_MAX = 1000,   /* goroutines that compute without a P: MS_MAX is for others too */
    POLL_TICKS = 25000000, /* 8 to 25 ms */
    STACK = 256 << 10,
};

/* What was seen of a P. */
struct seen {
    uint32_t tick;
    int64_t since;               /* when tick was first seen */
    int64_t looked, slept, used; /* by look_patiently() */
};

static struct {
    uint32_t started; /* r/o after sysmon_init() */
    uint32_t asleep;  /* 1: until a P stops being idle; under sched.lock, a futex */
    struct tr_stream *trace;
    int64_t stands_since;        /* the virtual clock; 0: it does not.  By the thread, */
    struct seen seen[PROCS_MAX]; /* like the rest */
} mon;

unsigned sysmon_thread_count(void)
{
    return mon.started;
}

void sysmon_wake(void)
{
    if (likely(!at_load_rlx(&mon.asleep))) /* relaxed: under sched.lock */
        return;
    at_store_rlx(&mon.asleep, 0u); /* relaxed: likewise */
    rt_futex_wake(&mon.asleep, 1);
}

/* ---- what it looks at ---- */

static bool wanted(const struct p *p, int64_t now)
{
    if (at_load_rlx(&p->runnext) || runq_len(&p->runq)) /* relaxed: looked at again next time */
        return true;
    if (timer_heap_next(&p->timers) <= now || p->id >= sched_nprocs())
        return true;
    /* relaxed: likewise */
    return globalq_count(&sched.queue) && at_load_rlx(&sched.idle_p_count) == 0;
}

static unsigned detached_count(void)
{
    unsigned n = 0;
    for (struct m *m = worker_all(); m; m = m->next_all)
        n += at_load_rlx(&m->detached); /* relaxed: a guess */
    return n;
}

/* How long a goroutine may compute before it loses its P; -1: for ever. */
static int64_t slice(void)
{
    unsigned n = detached_count(), shift = n / (4 * sched_nprocs());
    if (n >= DETACHED_MAX)
        return -1;
    return (int64_t)SLICE_NS << (shift < SLICE_SHIFT_MAX ? shift : SLICE_SHIFT_MAX);
}

/* Processor time of a thread of ours, ns; 0 when unknown. */
static int64_t thread_used(int tid)
{
    enum { OF_THREAD = 4, RUNNING = 2 }; /* the kernel's clocks of threads */
    struct timespec t;
    clockid_t clock = (clockid_t)(~(unsigned)tid << 3 | OF_THREAD | RUNNING);
    return clock_gettime(clock, &t) ? 0 : (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* look_at() under GOSHAWK_SEED, where any timer may be the next. */
static bool look_patiently(struct p *p, struct m *m, struct seen *seen, int64_t now)
{
    int tid = at_load_rlx(&m->tid); /* relaxed: 0 before it has begun */
    int64_t used = tid ? thread_used(tid) : 0;
    if (!seen->looked)
        seen->used = used;
    else if (task_sleeps(tid))
        seen->slept += now - seen->looked < LOOK_MAX_NS ? now - seen->looked : LOOK_MAX_NS;
    seen->looked = now;
    bool computes = seen->slept < BLOCKED_NS;
    if (computes && used - seen->used < SPIN_NS)
        return false;
    if (at_load_rlx(&m->inside) || !wanted(p, INT64_MAX - 1)) /* relaxed: a hint */
        return false;
    seen->since = 0;
    return sched_retake(p, m, mon.trace, computes);
}

/* True when p was taken from its M. */
static bool look_at(struct p *p, int64_t now)
{
    struct seen *seen = &mon.seen[p->id];
    struct m *m = at_load_acq(&p->m);      /* [holder] a hint; Ms are not freed */
    uint32_t tick = at_load_rlx(&p->tick); /* relaxed: compared with what was seen */
    if (!m || tick != seen->tick || !seen->since) {
        *seen = (struct seen){.tick = tick, .since = now};
        return false;
    }
    if (sched.seeded)
        return look_patiently(p, m, seen, now);
    if (at_load_rlx(&m->inside) || !wanted(p, now)) /* relaxed: a hint */
        return false;
    bool sleeps = task_sleeps(at_load_rlx(&m->tid)); /* relaxed: 0 before it has begun */
    if (!sleeps) {
        int64_t limit = now - seen->since < SLICE_NS ? INT64_MAX : slice();
        if (limit < 0 || now - seen->since < limit)
            return false;
    }
    seen->since = 0;
    return sched_retake(p, m, mon.trace, !sleeps);
}

/* Under GOSHAWK_SEED: true when the clock stood still for long and was pushed. */
static bool look_at_clock(int64_t now)
{
    if (!sched_clock_stands())
        mon.stands_since = 0;
    else if (!mon.stands_since)
        mon.stands_since = now;
    if (!mon.stands_since || now - mon.stands_since < BLOCKED_NS)
        return false;
    mon.stands_since = 0;
    sched_clock_push();
    return true;
}

/* True when something was done. */
static bool look(void)
{
    bool any = false;
    int64_t now = clock_nanos();
    if (signals_crashed())
        return false;
    uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
    for (uint32_t i = 0; i < procs; i++)
        any = look_at(sched.procs[i], now) || any;
    if (sched.seeded)
        return look_at_clock(now) || any;
    if (poller_is_due(clock_ticks(), POLL_TICKS)) /* all Ms compute */
        any = poller_now() || any;
    return any;
}

/* ---- the thread ---- */

static bool ps_rest(void)
{
    rt_lock(&sched.lock);
    bool rest = sched_ps_rest();
    rt_unlock(&sched.lock);
    return rest;
}

/* True when all Ps were idle, and it has slept until one was not. */
static bool sleep_while_idle(void)
{
    if (sched_clock_stands())
        return false;
    rt_lock(&sched.lock);
    bool idle = sched_ps_rest();
    if (idle)
        at_store_rlx(&mon.asleep, 1u); /* relaxed: under sched.lock */
    rt_unlock(&sched.lock);
    while (idle && at_load_rlx(&mon.asleep)) /* relaxed: nothing is passed on with it */
        rt_futex_wait(&mon.asleep, 1, -1);
    return idle;
}

/* The time until the next look, after the last one, which found something to do, or not. */
static int64_t next_delay(int64_t delay, bool any)
{
    static unsigned quiet = QUIET_LOOKS, rests; /* in a row */
    quiet = any ? 0 : quiet + 1;
    if (any)
        return LOOK_MIN_NS;
    if (quiet <= QUIET_LOOKS)
        return delay;
    rests = ps_rest() ? rests + 1 : 0;
    if (rests > REST_LOOKS && sleep_while_idle()) {
        rests = 0;
        return LOOK_FIRST_NS;
    }
    delay = delay * 2 < LOOK_MAX_NS ? delay * 2 : LOOK_MAX_NS;
    return rests > 0 ? LOOK_MAX_NS : delay;
}

static void *sysmon_main(void *arg)
{
    static uint32_t never; /* nobody wakes it: a sleep */
    int64_t delay = LOOK_FIRST_NS;
    mon.trace = tr_stream_open(UINT32_MAX, (uint32_t)syscall(SYS_gettid));
    for (;;) {
        rt_futex_wait(&never, 0, delay);
        delay = next_delay(delay, look());
    }
    return arg;
}

void sysmon_init(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK);
    mon.started = pthread_create(&thread, &attr, sysmon_main, NULL) == 0;
    pthread_attr_destroy(&attr);
}
