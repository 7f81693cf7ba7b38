/* waits.c - what a parked goroutine waits for, as text.
 *
 *     waits for chan 0x5581c0e0 (cap 4, len 4), made by go_main at pool.c:31
 *     waits for mutex 0x4c7d10 = queue_lock (pool.c:9), held by goroutine 7 since pool.c:52
 *
 * The goroutine may go on, and free the object, while it is being looked at.  So objects are never
 * touched where they lie: vm_read() copies them, and fails when they are gone.  What was copied may
 * still be something else by then, hence no pointer in a copy is followed but by another vm_read().
 *
 * Who holds a lock is not written in it; holders.c knows, if it was asked to, and the detector. */
#include "waits.h"
#include "atomic.h"
#include "census.h"
#include "chan.h"
#include "context.h"
#include "holders.h"
#include "hook.h"
#include "mutex.h"
#include "print.h"
#include "rwmutex.h"
#include "scheduler.h"
#include "stack.h"
#include "symbol.h"
#include "timer.h"
#include "vmem.h"
#include "waitlist.h"
#include <goshawk/rwmutex.h>
#include <goshawk/sem.h>
#include <goshawk/waitgroup.h>
#include <string.h>

enum {
    HOLDERS_SHOWN = 4,
    OWING_SHOWN = 64,
    OWING_AMONG = 10000, /* goroutines: with more it would take too long */
};

/* Copies the object at p into *ret; false when it is not there any more. */
#define look_at(p, ret) ((p) && vm_read((ret), (p), sizeof *(ret)))

void waits_print_place(int fd, const char *before, uintptr_t pc)
{
    struct symbol_frame f; /* the innermost, which may have been inlined */
    if (!pc)
        return;
    symbol_frames(pc - 1, &f, 1);
    if (f.file && f.line)
        rt_printf(fd, "%s %s at %s:%d", before, f.function, f.file, f.line);
    else
        rt_printf(fd, "%s %s, pc=0x%lx", before, f.function, (unsigned long)pc);
}

/* The variable's name, if it is one. */
static void print_name(int fd, const void *p)
{
    struct symbol_global v;
    if (!symbol_global((uintptr_t)p, &v))
        return;
    rt_printf(fd, " = %s%.*s", v.name, (int)v.whole, v.part);
    if (v.file && v.line)
        rt_printf(fd, " (%s:%d)", v.file, v.line);
}

static void print_holder(int fd, const char *comma, const struct rc_lock_holder *h, bool reads)
{
    if (h->goroutine)
        rt_printf(fd, "%s by goroutine %lu", comma, (unsigned long)h->goroutine);
    else
        rt_printf(fd, "%s by a thread", comma);
    rt_printf(fd, "%s%s", reads ? " for reading" : "", h->ended ? ", which has ended," : "");
    waits_print_place(fd, " since", h->pc);
}

/* Stores at most HOLDERS_SHOWN; returns how many there are, 0: it is not known. */
static size_t find_holders(const void *lock, struct rc_lock_holder *ret)
{
    struct holder h[HOLDERS_SHOWN];
    size_t n = holders_of(lock, h, HOLDERS_SHOWN);
    if (n == 0)
        return hook_lock_holders(lock, ret, HOLDERS_SHOWN);
    for (size_t i = 0; i < n && i < HOLDERS_SHOWN; i++)
        ret[i] = (struct rc_lock_holder){.goroutine = h[i].g, .pc = h[i].pc};
    return n;
}

/* readers: how many there are, or 0.  False: it is not known. */
static bool print_holders(int fd, const void *lock, size_t readers)
{
    struct rc_lock_holder h[HOLDERS_SHOWN];
    size_t n = find_holders(lock, h), all = n > readers ? n : readers, shown = 0;
    for (; shown < n && shown < HOLDERS_SHOWN; shown++)
        print_holder(fd, shown ? ", and" : ", held", &h[shown], readers > 0);
    if (n > 0 && all > shown)
        rt_printf(fd, ", and %zu more", all - shown);
    return n > 0;
}

/* ---- one kind of object each ---- */

static void see_chan(struct waits_object *o)
{
    struct chan c;
    struct text t;
    if (!look_at(o->obj, &c))
        return;
    text_init(&t, o->state, sizeof o->state);
    text_printf(&t, " (cap %zu, len %zu%s)", c.cap, c.count, c.closed ? ", closed" : "");
    if (context_has(&c))
        text_printf(&t, ", the end of a context");
    else if (timer_has(&c))
        text_printf(&t, ", of a timer that is %s", timer_is_armed(o->obj) ? "armed" : "not armed");
    o->made_pc = c.made_pc;
}

bool waits_chan_at(const void *p, struct waits_object *ret)
{
    struct chan c;
    if ((uintptr_t)p % _Alignof(struct chan) != 0 || !look_at(p, &c) ||
        !(chan_is_made(&c, p) || timer_has(&c) || context_has(&c)))
        return false;
    *ret = (struct waits_object){.want = "", .kind = "chan", .obj = p};
    see_chan(ret);
    return true;
}

static size_t see_select(const struct g *g, struct waits_object *ret, size_t max)
{
    size_t n = 0;
    for (; n < g->select_count && n < max; n++) {
        struct chan_wait w;
        if (!look_at(g->select_waits + n, &w) || w.g != g)
            break;
        ret[n] = (struct waits_object){.want = w.side == CHAN_SEND ? "room in " : "a value of ",
                                       .kind = "chan",
                                       .obj = w.chan};
        see_chan(&ret[n]);
    }
    return n;
}

/* Writers among themselves queue up at the mutex inside. */
static const go_rwmutex *rwmutex_of(const struct g *g)
{
    const char *p = g->park_obj;
    bool inside = g->why == TR_RWMUTEX_WRITE && mutex_is_asleep_at_one(g);
    return (const void *)(inside ? p - offsetof(go_rwmutex, writers_) : p);
}

static void see_rwmutex(struct waits_object *o)
{
    go_rwmutex copy;
    struct text held, t;
    o->is_lock = true;
    if (!look_at(o->obj, &copy))
        return;
    struct rwmutex_state s = rwmutex_state(&copy);
    text_init(&held, o->held, sizeof o->held);
    text_init(&t, o->state, sizeof o->state);
    o->readers = s.readers;
    if (s.written)
        text_printf(&held, ", held for writing");
    else if (s.readers)
        text_printf(&held, ", held by %u reader%s", s.readers, s.readers == 1 ? "" : "s");
    if (s.writer_next)
        text_printf(&t, ", a writer comes next");
}

static void see_waitgroup(struct waits_object *o)
{
    go_waitgroup copy;
    struct text t;
    text_init(&t, o->state, sizeof o->state);
    if (look_at((const go_waitgroup *)o->obj, &copy))
        text_printf(&t, ", count %ld", (long)((int64_t)copy.state_ >> 32));
}

static void see_sem(const struct g *g, struct waits_object *o)
{
    go_sem copy;
    struct wait_node w;
    struct text t;
    text_init(&t, o->state, sizeof o->state);
    if (!look_at((const go_sem *)o->obj, &copy))
        return;
    text_printf(&t, ", %ld free", (long)copy.free_);
    if (look_at((const struct wait_node *)g->wake_arg, &w) && w.g == g)
        text_printf(&t, ", %ld wanted", (long)w.n);
}

size_t waits_objects(const struct g *g, struct waits_object *ret, size_t max)
{
    *ret = (struct waits_object){.want = "", .obj = g->park_obj};
    if (!g->park_obj)
        return 0;
    switch (g->why) {
    case TR_CHAN_SEND:
    case TR_CHAN_RECV:
        ret->kind = "chan";
        see_chan(ret);
        return 1;
    case TR_SELECT:
        return see_select(g, ret, max);
    case TR_MUTEX:
        ret->kind = "mutex";
        ret->is_lock = true;
        return 1;
    case TR_RWMUTEX_READ:
    case TR_RWMUTEX_WRITE:
        ret->kind = "rwmutex";
        ret->obj = rwmutex_of(g);
        see_rwmutex(ret);
        return 1;
    case TR_WAITGROUP:
        ret->kind = "waitgroup";
        see_waitgroup(ret);
        return 1;
    case TR_SEM:
        ret->kind = "semaphore";
        see_sem(g, ret);
        return 1;
    case TR_COND:
        ret->kind = "cond";
        return 1;
    case TR_ONCE:
        ret->kind = "once";
        ret->is_lock = true; /* of who runs it */
        return 1;
    default:
        return 0;
    }
}

static const void *object_of(const struct g *g)
{
    bool rwmutex = g->why == TR_RWMUTEX_READ || g->why == TR_RWMUTEX_WRITE;
    return rwmutex && g->park_obj ? rwmutex_of(g) : g->park_obj;
}

/* Of two selects that wait for as many. */
static bool same_channels(const struct g *a, const struct g *b)
{
    for (uint32_t i = 0; i < a->select_count; i++) {
        struct chan_wait v, w;
        if (!look_at(a->select_waits + i, &v) || !look_at(b->select_waits + i, &w) || v.g != a ||
            w.g != b || v.chan != w.chan)
            return false;
    }
    return true;
}

bool waits_same(const struct g *a, const struct g *b)
{
    if (a->why != b->why || object_of(a) != object_of(b))
        return false;
    return a->why != TR_SELECT || !a->park_obj ||
           (a->select_count == b->select_count && same_channels(a, b));
}

/* ---- who is not done with a waitgroup ---- */

struct owing {
    const void *wg;
    size_t n;
    struct census_one ones[OWING_SHOWN]; /* by id */
};

static void note_owing(struct g *g, void *arg)
{
    struct owing *o = arg;
    size_t i = o->n;
    /* relaxed: a picture */
    if (at_load_rlx(&g->state) == G_FREE || at_load_rlx(&g->wg) != o->wg || i == OWING_SHOWN)
        return;
    for (; i > 0 && o->ones[i - 1].id > g->id; i--)
        o->ones[i] = o->ones[i - 1];
    o->ones[i] = (struct census_one){.g = g, .id = g->id};
    o->n++;
}

/* As far as goroutines are started for that: go_waitgroup_go(). */
static void print_owing(int fd, const void *wg)
{
    struct owing o = {.wg = wg};
    struct text t;
    char ids[160];
    if (sched_count() > OWING_AMONG)
        return;
    g_for_each(note_owing, &o);
    if (o.n == 0)
        return;
    text_init(&t, ids, sizeof ids);
    census_ranges(&t, o.ones, o.n);
    rt_printf(fd, ", to be done by goroutine%s %s%s", o.n == 1 ? "" : "s", ids,
              o.n == OWING_SHOWN ? ", ..." : "");
}

static void print_object(int fd, const struct g *g, const struct waits_object *o)
{
    bool is_chan = g->why == TR_CHAN_SEND || g->why == TR_CHAN_RECV || g->why == TR_SELECT;
    rt_printf(fd, "waits for %s%s 0x%lx", o->want, o->kind, (unsigned long)o->obj);
    if (!is_chan)
        print_name(fd, o->obj);
    if (!o->is_lock || !print_holders(fd, o->obj, o->readers))
        rt_printf(fd, "%s", o->held);
    rt_printf(fd, "%s", o->state);
    if (g->why == TR_WAITGROUP)
        print_owing(fd, o->obj);
    waits_print_place(fd, ", made by", o->made_pc);
    rt_printf(fd, "\n");
}

void waits_print(int fd, const struct g *g)
{
    struct waits_object objects[WAITS_SHOWN];
    size_t n = waits_objects(g, objects, WAITS_SHOWN);
    for (size_t i = 0; i < n; i++)
        print_object(fd, g, &objects[i]);
    if (n == WAITS_SHOWN && g->select_count > n)
        rt_printf(fd, "... and %u more channels\n", g->select_count - (uint32_t)n);
    if (g->why == TR_SELECT && g->park_obj && g->select_nil > 0)
        rt_printf(fd, "... and %u nil channel%s, never ready\n", g->select_nil,
                  g->select_nil == 1 ? "" : "s");
}

/* ---- will it go on by itself? ---- */

static bool chan_may_get_value(const void *p)
{
    struct chan c;
    if (!look_at(p, &c))
        return true; /* it is gone, so the goroutine has gone on already */
    return (timer_has(&c) && timer_is_armed(p)) || (context_has(&c) && context_has_deadline(p));
}

static bool select_may_go_on(const struct g *g)
{
    for (uint32_t i = 0; i < g->select_count; i++) {
        struct chan_wait w;
        if (!look_at(g->select_waits + i, &w) || w.g != g || chan_may_get_value(w.chan))
            return true;
    }
    return false;
}

bool waits_for_time(const struct g *g)
{
    switch (g->why) {
    case TR_NONE:
    case TR_SLEEP:
    case TR_NET:
    case TR_SYSCALL:
        return true;
    case TR_CHAN_RECV:
        return g->park_obj && chan_may_get_value(g->park_obj);
    case TR_SELECT:
        return g->park_obj && select_may_go_on(g);
    default:
        return false;
    }
}
