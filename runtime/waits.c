/* waits.c - what a parked goroutine waits for, as text.
 *
 *     waits for chan 0x5581c0e0 (cap 4, len 4), made by go_main at pool.c:31
 *     waits for mutex 0x4c7d10 = queue_lock (pool.c:9), held by goroutine 7 since pool.c:52
 *
 * The goroutine may go on, and free the object, while it is being looked at.  So objects are never
 * touched where they lie: vm_read() copies them, and fails when they are gone.  What was copied may
 * still be something else by then, hence no pointer in a copy is followed but by another vm_read().
 *
 * Who holds a lock is not written in it; holders.c knows, if it was asked to. */
#include "waits.h"
#include "atomic.h"
#include "chan.h"
#include "context.h"
#include "holders.h"
#include "mutex.h"
#include "print.h"
#include "rwmutex.h"
#include "symbol.h"
#include "timer.h"
#include "vmem.h"
#include <goshawk/rwmutex.h>
#include <goshawk/sem.h>
#include <goshawk/waitgroup.h>
#include <string.h>

enum { INLINES_MAX = 16, CASES_SHOWN = 16 };

/* Copies the object at p into *ret; false when it is not there any more. */
#define look_at(p, ret) ((p) && vm_read((ret), (p), sizeof *(ret)))

static void print_place(int fd, const char *before, uintptr_t pc)
{
    struct symbol_frame f[INLINES_MAX];
    if (!pc)
        return;
    size_t n = symbol_frames(pc - 1, f, INLINES_MAX);
    if (f[0].file && f[0].line)
        rt_printf(fd, "%s %s at %s:%d", before, f[n - 1].function, f[0].file, f[0].line);
    else
        rt_printf(fd, "%s %s, pc=0x%lx", before, f[n - 1].function, (unsigned long)pc);
}

/* "kind 0xADDRESS", with the variable's name if it is one. */
static void print_object(int fd, const char *kind, const void *p)
{
    struct symbol_global v;
    rt_printf(fd, "waits for %s 0x%lx", kind, (unsigned long)p);
    if (!symbol_global((uintptr_t)p, &v))
        return;
    const char *dot = strrchr(v.part, '.');
    bool ours = dot && dot[strlen(dot) - 1] == '_'; /* the first field of a lock: its name does */
    rt_printf(fd, " = %s%.*s", v.name, ours ? (int)(dot - v.part) : (int)sizeof v.part, v.part);
    if (v.file && v.line)
        rt_printf(fd, " (%s:%d)", v.file, v.line);
}

/* False: it is not known. */
static bool print_holders(int fd, const void *lock)
{
    struct holder h[4];
    size_t n = holders_of(lock, h, 4);
    for (size_t i = 0; i < n && i < 4; i++) {
        const char *comma = i ? ", and" : ", held";
        if (h[i].g)
            rt_printf(fd, "%s by goroutine %lu", comma, (unsigned long)h[i].g);
        else
            rt_printf(fd, "%s by a thread", comma);
        print_place(fd, " since", h[i].pc);
    }
    if (n > 4)
        rt_printf(fd, ", and %zu more", n - 4);
    return n > 0;
}

/* ---- one kind of object each ---- */

static void print_chan(int fd, const char *kind, const void *p)
{
    struct chan c;
    rt_printf(fd, "waits for %s 0x%lx", kind, (unsigned long)p);
    if (look_at(p, &c)) {
        rt_printf(fd, " (cap %zu, len %zu%s)", c.cap, c.count, c.closed ? ", closed" : "");
        if (context_has(&c))
            rt_printf(fd, ", the end of a context");
        else if (timer_has(&c))
            rt_printf(fd, ", of a timer that is %s", timer_is_armed(p) ? "armed" : "not armed");
        else
            print_place(fd, ", made by", c.made_pc);
    }
    rt_printf(fd, "\n");
}

static void print_select(int fd, const struct g *g)
{
    const struct chan_wait *waits = g->select_waits;
    uint32_t n = g->select_count;
    for (uint32_t i = 0; i < n && i < CASES_SHOWN; i++) {
        struct chan_wait w;
        if (!look_at(waits + i, &w) || w.g != g)
            return;
        print_chan(fd, w.side == CHAN_SEND ? "room in chan" : "a value of chan", w.chan);
    }
    if (n > CASES_SHOWN)
        rt_printf(fd, "... and %u more channels\n", n - CASES_SHOWN);
}

static void print_rwmutex(int fd, const go_rwmutex *m)
{
    go_rwmutex copy;
    print_object(fd, "rwmutex", m);
    bool known = print_holders(fd, m);
    if (look_at(m, &copy)) {
        struct rwmutex_state s = rwmutex_state(&copy);
        if (!known && s.written)
            rt_printf(fd, ", held for writing");
        else if (!known && s.readers)
            rt_printf(fd, ", held by %u reader%s", s.readers, s.readers == 1 ? "" : "s");
        if (s.writer_next)
            rt_printf(fd, ", a writer comes next");
    }
    rt_printf(fd, "\n");
}

/* Writers among themselves queue up at the mutex inside. */
static const go_rwmutex *rwmutex_of(const struct g *g)
{
    const char *p = g->park_obj;
    bool inside = g->why == TR_RWMUTEX_WRITE && mutex_is_asleep_at_one(g);
    return (const void *)(inside ? p - offsetof(go_rwmutex, writers_) : p);
}

static void print_mutex(int fd, const void *m)
{
    print_object(fd, "mutex", m);
    print_holders(fd, m);
    rt_printf(fd, "\n");
}

static void print_waitgroup(int fd, const go_waitgroup *wg)
{
    go_waitgroup copy;
    print_object(fd, "waitgroup", wg);
    if (look_at(wg, &copy))
        rt_printf(fd, ", count %ld", (long)((int64_t)copy.state_ >> 32));
    rt_printf(fd, "\n");
}

static void print_sem(int fd, const go_sem *s)
{
    go_sem copy;
    print_object(fd, "semaphore", s);
    if (look_at(s, &copy))
        rt_printf(fd, ", %ld free", (long)copy.free_);
    rt_printf(fd, "\n");
}

static void print_plain(int fd, const char *kind, const void *p)
{
    print_object(fd, kind, p);
    rt_printf(fd, "\n");
}

void waits_print(int fd, const struct g *g)
{
    if (!g->park_obj)
        return;
    switch (g->why) {
    case TR_CHAN_SEND:
    case TR_CHAN_RECV:
        print_chan(fd, "chan", g->park_obj);
        break;
    case TR_SELECT:
        print_select(fd, g);
        break;
    case TR_MUTEX:
        print_mutex(fd, g->park_obj);
        break;
    case TR_RWMUTEX_READ:
    case TR_RWMUTEX_WRITE:
        print_rwmutex(fd, rwmutex_of(g));
        break;
    case TR_WAITGROUP:
        print_waitgroup(fd, g->park_obj);
        break;
    case TR_SEM:
        print_sem(fd, g->park_obj);
        break;
    case TR_COND:
        print_plain(fd, "cond", g->park_obj);
        break;
    case TR_ONCE:
        print_plain(fd, "once", g->park_obj);
        break;
    default:
        break;
    }
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
