/* flight.c - the flight recorder's part in a program's life: when it writes, and where to.
 *
 * trace/ keeps the last events; here is what only the runtime knows: which goroutines there are,
 * and when a program is at its end.  A snapshot is taken, whether GOSHAWK_FLIGHT or
 * go_trace_flight() began the flight, on
 *
 *     a panic, a fatal error, a deadlock, SIGQUIT, a crash    behind the report, with the last
 *                                                             moments as text
 *     a data race                                             behind its report, the first few
 *     SIGUSR2, go_trace_snapshot()                            and the program goes on
 *
 * into GOSHAWK_FLIGHT_FILE, by default flight-%p-%n.gtrace: %n is the number of the snapshot.  At
 * an end the recording freezes before the report is written, which may take long. */
#include "flight.h"
#include "atomic.h"
#include "env.h"
#include "hook.h"
#include "picture.h"
#include "print.h"
#include "proc.h"
#include "scheduler.h"
#include "signals.h"
#include "stack.h"
#include "symbol.h"
#include <goshawk/trace.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RACES_MAX = 8, PATH_ROOM = 4096 };
#define MOMENTS_NS 5000000 /* shown in reports */

/* ---- what the recorder asks ---- */

struct telling {
    tr_tell *tell;
    void *arg;
};

/* What g is just doing, while it may go on.  name has G_NAME_MAX bytes.  Returns false when there
 * is nothing to tell. */
static bool look_at(const struct g *g, char *name, struct tr_alive *ret)
{
    uint32_t state = at_load_rlx(&g->state); /* relaxed: a picture */
    if (state == G_FREE || (g->flags & (G_THREAD | G_SYSTEM)))
        return false;
    struct tr_alive a = {.g = g->id, .state = TR_STATE_RUNNABLE, .fn = g->entry, .name = name};
    name[0] = 0;
    if (!(g->flags & G_SEED)) {
        const struct m *m = g->m;
        memcpy(name, g->name, G_NAME_MAX);
        name[G_NAME_MAX - 1] = 0;
        if (state == G_PARKED) {
            a.state = TR_STATE_BLOCKED;
            a.why = (enum tr_reason)g->why;
            a.obj = g->park_obj;
        } else if (state == G_RUNNING && m) {
            a.has_p = m->p != NULL;
            a.m = m->id;
            a.state = g->blocking && !a.has_p ? TR_STATE_BLOCKED : TR_STATE_RUNNING;
            a.why = TR_SYSCALL;
        }
    }
    *ret = a;
    return true;
}

static void tell_one(struct g *g, void *arg)
{
    const struct telling *t = arg;
    struct tr_alive a;
    char name[G_NAME_MAX];
    san_picture_begin();
    bool lives = look_at(g, name, &a);
    san_picture_end();
    if (lives)
        t->tell(t->arg, &a);
}

static void tell_all(tr_tell *tell, void *arg)
{
    struct telling t = {tell, arg};
    g_for_each(tell_one, &t);
}

static uint32_t procs(void)
{
    return rt_nprocs();
}

/* ---- writing ---- */

static const char *function_name(uintptr_t fn)
{
    struct symbol_frame f;
    (void)symbol_frames(fn, &f, 1);
    return f.function;
}

/* The path of snapshot n, but for %p. */
static void make_path(char *buf, size_t cap, unsigned n)
{
    const char *s = env.flight_file ? env.flight_file : "flight-%p-%n.gtrace";
    struct text t;
    text_init(&t, buf, cap);
    for (; *s; s++) {
        if (s[0] == '%' && s[1] == 'n') {
            text_printf(&t, "%u", n);
            s++;
        } else if (s[0] == '%' && s[1] == '%') {
            text_printf(&t, "%%%%");
            s++;
        } else {
            text_printf(&t, "%c", *s);
        }
    }
}

/* view: the command that shows it best. */
static void write_snapshot(const char *why, const char *view)
{
    static uint32_t count;
    char name[PATH_ROOM], path[PATH_ROOM];
    unsigned n = at_add_rlx(&count, 1u) + 1; /* relaxed: only uniqueness */
    make_path(name, sizeof name, n);
    int err = tr_path_expand(name, path, sizeof path);
    if (!err)
        err = tr_snapshot(name, 0, why);
    if (err)
        rt_printf(2, "goshawk: cannot write the flight recorder's snapshot %s: %s\n", path,
                  strerror(-err));
    else
        rt_printf(2, "goshawk: flight recorder: see goshawk trace %s %s\n", view, path);
}

void flight_snapshot(const char *why)
{
    if (tr_flight_on())
        write_snapshot(why, "timeline");
}

void flight_freeze(void)
{
    tr_flight_freeze();
}

void flight_report(const char *why)
{
    if (!tr_flight_on())
        return;
    if (env.traceback != TRACEBACK_NONE) {
        rt_printf(2, "\n");
        tr_moments(2, MOMENTS_NS, function_name);
    }
    write_snapshot(why, "timeline");
}

void flight_on_race(void)
{
    static uint32_t races;
    if (tr_flight_on() && at_add_rlx(&races, 1u) < RACES_MAX) /* relaxed: a count */
        write_snapshot("data race", "race");
}

/* ---- begin and end ---- */

/* Snapshots may be asked for by a signal from now on, and are whole when the process has ended. */
static void take_requests(void)
{
    static uint32_t registered;
    signals_snapshots(true);
    if (!at_or_rlx(&registered, 1u)) /* relaxed: only who is the first */
        atexit(tr_snapshot_wait);
}

int go_trace_flight(size_t bytes, go_duration duration)
{
    rt_self(); /* the runtime is set up */
    int err = tr_flight(bytes, duration);
    if (!err && bytes > 0)
        take_requests();
    else if (!err)
        signals_snapshots(false);
    return err;
}

int go_trace_snapshot(const char *path)
{
    return tr_snapshot(path, 0, "go_trace_snapshot()");
}

void flight_init(void)
{
    static const struct tr_host host = {tell_all, procs};
    tr_host_is(&host);
    if (!env.flight_bytes)
        return;
    int err = tr_flight(env.flight_bytes, 0);
    if (err)
        rt_printf(2, "goshawk: no flight recorder: %s; going on without\n", strerror(-err));
    else
        take_requests();
}
