/* timer.c - the program's timers and tickers, over the heaps of timers.h.
 *
 * A go_timer is one block: the runtime's timer, and the channel with its one slot.  go_after()
 * gives out the channel alone; freeing it finds the block again.
 *
 * The heap calls back on a scheduler's stack, under its lock: sending never waits there, because a
 * value that finds the slot full is dropped; a function gets a goroutine of its own.  That
 * goroutine holds a reference to the block until it has read what to call, for the user may free
 * the timer as soon as it has fired.
 *
 * t->lock serialises arming and disarming by several goroutines, as rt_timer_start() requires.
 * Lock order: t->lock, a heap's lock, the channel's lock.  The callback takes none but the last.
 *
 * Detector [hb-timer]: arming is before the value's receive, and before the function starts: the
 * arming that made it fire, which somebody else may have done anew before the value is received or
 * the function runs.  So a function's goroutine learns of it when it is made; and a timer with a
 * channel has two places for clocks: one for the value in the channel, and one for the next arming.
 *
 * Edges: [timer-ref] whoever drops the last reference sees all that the others did. */
#include <stdlib.h>
#include <string.h>
#include <goshawk/timer.h>
#include "atomic.h"
#include "chan.h"
#include "check.h"
#include "hook.h"
#include "list.h"
#include "panic.h"
#include "spawn.h"
#include "timer.h"
#include "timers.h"
#include "vmem.h"

struct go_timer {
    struct rt_timer timer; /* by lock */
    struct rt_lock lock;
    uint32_t refs;        /* the user's, and one for a function on its way */
    void (*fn)(void *);   /* r/o; NULL: it sends to chan */
    void *arg;            /* r/o */
    struct origin origin; /* of fn's goroutines; r/o */
    struct chan chan;
    _Alignas(16) char slot[CHAN_ONE_WORD]; /* the channel's memory */
    char edge[CHAN_EDGES];                 /* the other place, beside the channel's first */
    char *armed;                           /* the place of the last arming; by lock */
};

/* A ticker is a timer with a period; only the type keeps their functions apart. */
struct go_ticker {
    struct go_timer t;
};

static void unref(struct go_timer *t)
{
    /* [timer-ref] 1: ours, and only who has one makes another */
    if (at_load_acq(&t->refs) == 1 || at_sub_acq_rel(&t->refs, 1u) == 1)
        hook_gone(t, sizeof *t);
}

/* ---- firing: on a scheduler's stack, under the heap's lock ---- */

static void fire_value(struct rt_timer *timer, int64_t now)
{
    struct go_timer *t = container_of(timer, struct go_timer, timer);
    chan_post(&t->chan, &now, t->armed);
}

static void call_fn(void *arg)
{
    struct go_timer *t = arg;
    void (*fn)(void *) = t->fn;
    void *fn_arg = t->arg;
    unref(t);
    fn(fn_arg);
}

static void fire_fn(struct rt_timer *timer, int64_t now)
{
    struct go_timer *t = container_of(timer, struct go_timer, timer);
    (void)now;
    at_add_rlx(&t->refs, 1u); /* relaxed: the user's reference is there, or the heap's lock held */
    rt_spawn_for(&t->origin, call_fn, t); /* [hb-timer] */
}

/* ---- arming ---- */

/* Arms t, which is idle, for d from now.  t->lock is held, or t is new. */
static void arm(struct go_timer *t, go_duration d, go_duration period)
{
    char *first = t->slot + sizeof t->slot - CHAN_EDGES;
    t->armed = t->fn || chan_edges(&t->chan) != first ? first : t->edge;
    hook_release(hook_self(), t->armed); /* [hb-timer] */
    rt_timer_start(&t->timer, rt_deadline(d), period);
}

static bool stop(struct go_timer *t)
{
    rt_point();
    rt_lock(&t->lock);
    bool was_armed = rt_timer_stop(&t->timer);
    rt_unlock(&t->lock);
    return was_armed;
}

static bool reset(struct go_timer *t, go_duration d, go_duration period)
{
    rt_point();
    rt_lock(&t->lock);
    bool was_armed = rt_timer_stop(&t->timer);
    arm(t, d, period);
    rt_unlock(&t->lock);
    return was_armed;
}

/* Nobody else may use t any more, so there is nothing for its lock to serialise.  Called by a call
 * that returns to pc (0: find it). */
static inline void stop_and_unref(struct go_timer *t, uintptr_t pc)
{
    rt_point();
    if (!hook_freed(hook_self(), t, &t->chan, pc))
        return;
    rt_timer_stop(&t->timer);
    unref(t);
}

/* go_chan_free() of a channel of go_after(): the timer goes too. */
static void free_after(struct chan *c)
{
    stop_and_unref(container_of(c, struct go_timer, chan), 0);
}

/* go_chan_free() of a timer's channel: it is part of the timer, which only stops. */
static void stop_timer(struct chan *c)
{
    stop(container_of(c, struct go_timer, chan));
}

static struct go_timer *make(void (*fn)(void *), void *arg, void (*on_free)(struct chan *))
{
    struct go_timer *t = malloc(sizeof *t);
    if (!t)
        rt_fatal("out of memory: timer");
    /* glibc's calloc() locks and never takes what was freed last; compilers would make one of it */
    __asm__("" : "+r"(t));
    memset(t, 0, sizeof *t);
    t->refs = 1;
    t->fn = fn;
    t->arg = arg;
    t->timer.fn = fn ? fire_fn : fire_value;
    chan_init(&t->chan, sizeof(go_time), 1, t->slot);
    t->chan.on_free = on_free;
    return t;
}

/* ---- for reports ---- */

bool timer_has(const struct chan *c)
{
    return c->on_free == free_after || c->on_free == stop_timer;
}

bool timer_is_armed(const struct chan *p)
{
    struct go_timer t;
    return !vm_read(&t, container_of(p, const struct go_timer, chan), sizeof t) ||
           t.timer.slot != 0;
}

/* ---- the program's side ---- */

go_chan(go_time) go_after(go_duration d)
{
    struct go_timer *t = make(NULL, NULL, free_after);
    hook_made(hook_self(), t, sizeof *t, hook_caller());
    arm(t, d, 0);
    return (go_chan(go_time))(void *)&t->chan;
}

go_timer *go_timer_new(go_duration d)
{
    struct go_timer *t = make(NULL, NULL, stop_timer);
    hook_made(hook_self(), t, sizeof *t, hook_caller());
    arm(t, d, 0);
    return t;
}

go_timer *go_after_func(go_duration d, void (*fn)(void *), void *arg)
{
    struct go_timer *t = make(fn, arg, stop_timer);
    uintptr_t pc = (uintptr_t)__builtin_return_address(0);
    hook_made(hook_self(), t, sizeof *t, pc);
    t->origin = (struct origin){.by = rt_self()->id, .pc = pc, .shown = (void *)fn};
    t->origin.edge = t->slot + sizeof t->slot - CHAN_EDGES;
    t->origin.arranged = hook_arranges(rt_self(), pc);
    arm(t, d, 0);
    return t;
}

go_chan(go_time) go_timer_chan(go_timer *t)
{
    hook_read(hook_self(), t, 1, hook_caller());
    return t->fn ? NULL : (go_chan(go_time))(void *)&t->chan;
}

bool go_timer_stop(go_timer *t)
{
    hook_read(hook_self(), t, 1, hook_caller());
    return stop(t);
}

bool go_timer_reset(go_timer *t, go_duration d)
{
    hook_read(hook_self(), t, 1, hook_caller());
    return reset(t, d, 0);
}

void go_timer_free(go_timer *t)
{
    if (t)
        stop_and_unref(t, hook_caller());
}

go_ticker *go_ticker_new(go_duration d)
{
    if (d <= 0)
        rt_panic("non-positive interval for NewTicker");
    struct go_timer *t = make(NULL, NULL, stop_timer);
    hook_made(hook_self(), t, sizeof *t, hook_caller());
    arm(t, d, d);
    return container_of(t, struct go_ticker, t);
}

go_chan(go_time) go_ticker_chan(go_ticker *t)
{
    return go_timer_chan(&t->t);
}

void go_ticker_reset(go_ticker *t, go_duration d)
{
    if (d <= 0)
        rt_panic("non-positive interval for Ticker.Reset");
    hook_read(hook_self(), t, 1, hook_caller());
    reset(&t->t, d, d);
}

void go_ticker_stop(go_ticker *t)
{
    hook_read(hook_self(), t, 1, hook_caller());
    stop(&t->t);
}

void go_ticker_free(go_ticker *t)
{
    if (t)
        stop_and_unref(&t->t, hook_caller());
}
