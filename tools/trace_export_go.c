/* trace_export_go.c - Go's execution trace, version 1, for go tool trace; the bytes: go_trace.c.
 *
 * Go's reader is strict: it wants a sequence number on each start, unblock and return from a system
 * call of a goroutine, and refuses a file in which a P or a goroutine does something that its state
 * does not allow.
 *
 * So the writer keeps its own picture of Gs and Ps, and each event goes through functions that
 * first bring that picture into the state that the event needs (stop what runs on the P, create a
 * goroutine that the recording did not see being created, ...).  Whatever comes in, what goes out
 * is accepted.  A goroutine that has ended stays so: Go knows each number once. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "access.h"
#include "cmd.h"
#include "gmap.h"
#include "go_trace.h"
#include "idset.h"
#include "trace_export.h"

enum xstate { X_NONE, X_RUNNABLE, X_RUNNING, X_WAITING, X_SYSCALL, X_DEAD };

struct xg {
    uint32_t seq;
    int16_t p; /* running */
    uint16_t state;
};

struct xp {
    uint64_t g; /* runs; 0 none */
    bool on;    /* between ProcStart and ProcStop */
};

/* An open region, within another one of its goroutine. */
struct xregion {
    uint64_t task, text;
    uint32_t outer; /* its number + 1; 0: none.  Free ones are linked so too */
};

struct go_export {
    struct go_trace t;
    struct xp *ps;
    size_t p_count;
    struct gmap gs; /* of live goroutines: a struct xg each */
    struct idset ended;
    struct gmap tasks; /* begun */
    struct gmap in;    /* goroutines in a region: number + 1 of the innermost */
    struct xregion *regions;
    uint32_t region_cap, region_free; /* first free one, number + 1 */
};

static struct xp *proc(struct go_export *x, int32_t p)
{
    if ((size_t)p >= x->p_count) {
        size_t n = (size_t)p + 1;
        struct xp *more = cmd_alloc(n * sizeof(*more));
        memset(more, 0, n * sizeof(*more));
        if (x->p_count)
            memcpy(more, x->ps, x->p_count * sizeof(*more));
        free(x->ps);
        x->ps = more;
        x->p_count = n;
    }
    return &x->ps[p];
}

/* ---- the picture of Gs and Ps ---- */

static struct xg goroutine(const struct go_export *x, uint64_t id)
{
    const uint64_t *v = gmap_find(&x->gs, id);
    struct xg g = {.state = idset_has(&x->ended, id) ? X_DEAD : X_NONE};
    if (v)
        memcpy(&g, v, sizeof(g));
    return g;
}

static void set(struct go_export *x, uint64_t id, struct xg g)
{
    static_assert(sizeof(g) == sizeof(uint64_t), "a gmap has room for so much");
    if (g.state == X_DEAD) {
        gmap_remove(&x->gs, id);
        idset_add(&x->ended, id);
    } else {
        memcpy(gmap_add(&x->gs, id), &g, sizeof(g));
    }
}

static void create(struct go_export *x, int32_t p, uint64_t id, uint64_t fn, uint32_t where)
{
    uint64_t first = go_trace_start_stack(&x->t, p, fn), at = go_trace_stack(&x->t, p, where);
    GO_EVENT(&x->t, p, EV_GO_CREATE, id, first, at);
    set(x, id, (struct xg){.seq = 1, .state = X_RUNNABLE});
}

/* g exists: it is created here if it has not been seen. */
static struct xg known(struct go_export *x, uint64_t id)
{
    if (goroutine(x, id).state == X_NONE)
        create(x, TR_NO_P, id, 0, 0);
    return goroutine(x, id);
}

/* g does not run any more, by an event with these arguments. */
static void leave(struct go_export *x, uint64_t id, enum go_event type, unsigned n,
                  const uint64_t *args, enum xstate state)
{
    struct xg g = goroutine(x, id);
    go_trace_event(&x->t, g.p, type, n, args);
    proc(x, g.p)->g = 0;
    g.state = (uint16_t)state;
    set(x, id, g);
}

/* Lets what runs on p go on later. */
static void clear_p(struct go_export *x, int32_t p)
{
    uint64_t id = proc(x, p)->g;
    if (id)
        leave(x, id, EV_GO_SCHED, 1, (const uint64_t[]){0}, X_RUNNABLE);
}

static void proc_start(struct go_export *x, int32_t p, uint32_t m)
{
    if (proc(x, p)->on)
        return;
    GO_EVENT(&x->t, p, EV_PROC_START, m == UINT32_MAX ? 0 : m);
    proc(x, p)->on = true;
}

static void proc_stop(struct go_export *x, int32_t p)
{
    clear_p(x, p);
    if (!proc(x, p)->on)
        return;
    GO_EVENT0(&x->t, p, EV_PROC_STOP);
    proc(x, p)->on = false;
}

/* P of an event whose emitter must be what runs there, or nothing. */
static int32_t emitter(struct go_export *x, const struct tr_event *e, uint64_t by)
{
    return e->p != TR_NO_P && proc(x, e->p)->g == by ? e->p : TR_NO_P;
}

static void make_runnable(struct go_export *x, int32_t p, uint64_t id, uint32_t where)
{
    struct xg g = known(x, id);
    uint64_t at = g.state == X_WAITING ? go_trace_stack(&x->t, p, where) : 0;
    if (g.state == X_WAITING)
        GO_EVENT(&x->t, p, EV_GO_UNBLOCK, id, g.seq, at);
    else if (g.state == X_SYSCALL)
        GO_EVENT(&x->t, p, EV_GO_SYSEXIT, id, g.seq, 0);
    else
        return;
    g.seq++;
    g.state = X_RUNNABLE;
    set(x, id, g);
}

static void start(struct go_export *x, uint64_t id, int32_t p, uint32_t m)
{
    struct xg g = known(x, id);
    if (g.state == X_DEAD || (g.state == X_RUNNING && g.p == p))
        return;
    if (g.state == X_RUNNING)
        clear_p(x, g.p);
    make_runnable(x, TR_NO_P, id, 0);
    proc_start(x, p, m);
    clear_p(x, p);
    g = goroutine(x, id);
    GO_EVENT(&x->t, p, EV_GO_START, id, g.seq);
    g.seq++;
    g.state = X_RUNNING;
    g.p = (int16_t)p;
    set(x, id, g);
    proc(x, p)->g = id;
}

/* ---- events ---- */

static void block(struct go_export *x, const struct tr_event *e)
{
    static const uint8_t types[TR_REASONS] = {
        [TR_CHAN_SEND] = EV_GO_BLOCK_SEND, [TR_CHAN_RECV] = EV_GO_BLOCK_RECV,
        [TR_SELECT] = EV_GO_BLOCK_SELECT,  [TR_COND] = EV_GO_BLOCK_COND,
        [TR_NET] = EV_GO_BLOCK_NET,        [TR_SLEEP] = EV_GO_SLEEP,
    };
    int32_t p = goroutine(x, e->g).p;
    uint64_t at = go_trace_stack(&x->t, p, e->stack);
    switch (e->why) {
    case TR_CHAN_NIL:
    case TR_SELECT_EMPTY:
        leave(x, e->g, EV_GO_STOP, 1, &at, X_DEAD);
        break;
    case TR_SYSCALL:
        GO_EVENT(&x->t, p, EV_GO_SYSCALL, at);
        leave(x, e->g, EV_GO_SYSBLOCK, 0, NULL, X_SYSCALL);
        break;
    default:
        leave(x, e->g, types[e->why] ? types[e->why] : EV_GO_BLOCK_SYNC, 1, &at, X_WAITING);
        break;
    }
}

/* A goroutine leaves its P; it is made to run first if the picture says otherwise. */
static void stop_running(struct go_export *x, const struct tr_event *e)
{
    if (e->p != TR_NO_P)
        start(x, e->g, e->p, e->m);
    if (known(x, e->g).state != X_RUNNING) { /* it had no P: the system call goes on, or is over */
        if (e->type == TR_EV_GO_YIELD)
            make_runnable(x, TR_NO_P, e->g, 0);
        return;
    }
    if (e->type == TR_EV_GO_BLOCK)
        block(x, e);
    else if (e->type == TR_EV_GO_YIELD)
        clear_p(x, goroutine(x, e->g).p);
    else
        leave(x, e->g, EV_GO_END, 0, NULL, X_DEAD);
}

/* The P is taken from its goroutine: to Go that is a system call. */
static void retake(struct go_export *x, int32_t p)
{
    uint64_t id = proc(x, p)->g;
    if (id) {
        GO_EVENT(&x->t, p, EV_GO_SYSCALL, 0);
        leave(x, id, EV_GO_SYSBLOCK, 0, NULL, X_SYSCALL);
    }
    proc_stop(x, p);
}

/* How things stood where the recording began. */
static void first_state(struct go_export *x, const struct tr_event *e)
{
    if (goroutine(x, e->g).state == X_NONE)
        create(x, TR_NO_P, e->g, e->fn, 0);
    struct xg g = goroutine(x, e->g);
    if (e->arg == TR_STATE_RUNNING && e->p != TR_NO_P) {
        start(x, e->g, e->p, e->m);
    } else if (e->arg == TR_STATE_BLOCKED && g.state == X_RUNNABLE) {
        bool syscall = e->why == TR_SYSCALL;
        GO_EVENT(&x->t, TR_NO_P, syscall ? EV_GO_IN_SYSCALL : EV_GO_WAITING, e->g);
        g.seq++;
        g.state = syscall ? X_SYSCALL : X_WAITING;
        set(x, e->g, g);
    }
}

static void log_text(struct go_export *x, int32_t p, uint64_t task, const char *key,
                     const char *text)
{
    uint64_t key_id = go_trace_string(&x->t, p, key);
    GO_EVENT(&x->t, p, EV_USER_LOG, task, key_id, 0);
    go_trace_text(&x->t, p, text);
}

static void race(struct go_export *x, const struct tr_event *e)
{
    int32_t p = emitter(x, e, e->g);
    char text[192], now[ACCESS_TEXT_MAX], before[ACCESS_TEXT_MAX];
    bool told = e->access[0].size > 0;
    if (p == TR_NO_P)
        return;
    snprintf(text, sizeof(text), "goroutine %llu%s%s with goroutine %llu%s%s at 0x%llx",
             (unsigned long long)e->g, told ? ": " : "", access_text(now, &e->access[0]),
             (unsigned long long)e->by, told ? ": " : "", access_text(before, &e->access[1]),
             (unsigned long long)e->obj);
    log_text(x, p, 0, "data race", text);
}

/* ---- regions ---- */

static void region_begin(struct go_export *x, uint64_t g, uint64_t task, uint64_t text)
{
    if (!x->region_free) {
        uint32_t old = x->region_cap, cap = old ? old * 2 : 64;
        struct xregion *more = cmd_alloc(cap * sizeof(*more));
        if (old)
            memcpy(more, x->regions, old * sizeof(*more));
        for (uint32_t i = old; i < cap; i++)
            more[i].outer = i + 1 < cap ? i + 2 : 0;
        free(x->regions);
        x->regions = more;
        x->region_cap = cap;
        x->region_free = old + 1;
    }
    uint32_t n = x->region_free;
    uint64_t *innermost = gmap_add(&x->in, g);
    x->region_free = x->regions[n - 1].outer;
    x->regions[n - 1] = (struct xregion){task, text, (uint32_t)*innermost};
    *innermost = n;
}

/* Whether this end may be told: Go refuses one that is not the innermost region's, and takes one of
 * a goroutine that is in none for a region from before the recording. */
static bool region_end(struct go_export *x, uint64_t g, uint64_t task, uint64_t text)
{
    uint64_t *innermost = gmap_find(&x->in, g);
    if (!innermost)
        return true;
    uint32_t n = (uint32_t)*innermost;
    struct xregion *r = &x->regions[n - 1];
    if (r->task != task || r->text != text)
        return false; /* its beginning had no place in Go's format */
    *innermost = r->outer;
    if (!r->outer)
        gmap_remove(&x->in, g);
    r->outer = x->region_free;
    x->region_free = n;
    return true;
}

static void regions_end(struct go_export *x, uint64_t g)
{
    for (const uint64_t *in; (in = gmap_find(&x->in, g));) {
        const struct xregion *r = &x->regions[*in - 1];
        (void)region_end(x, g, r->task, r->text);
    }
}

/* Tasks, regions, logs: of the goroutine that runs on P.  What a goroutine says of itself while it
 * has no P has no place in Go's format. */
static void mark(struct go_export *x, const struct tr_event *e)
{
    int32_t p = emitter(x, e, e->g);
    if (p == TR_NO_P || !e->g)
        return;
    const struct tr_g *g = tr_reader_g(x->t.r, e->g);
    uint64_t at = go_trace_start_stack(&x->t, p, g ? g->fn : 0); /* Go's page wants a frame */
    uint64_t text = e->text ? go_trace_string(&x->t, p, e->text) : 0;
    switch (e->type) {
    case TR_EV_TASK_BEGIN:
        if (gmap_find(&x->tasks, e->task))
            break;
        *gmap_add(&x->tasks, e->task) = 1;
        GO_EVENT(&x->t, p, EV_USER_TASK_CREATE, e->task, e->arg, text, at);
        break;
    case TR_EV_TASK_END:
        if (!gmap_find(&x->tasks, e->task))
            break;
        gmap_remove(&x->tasks, e->task);
        GO_EVENT(&x->t, p, EV_USER_TASK_END, e->task, at);
        break;
    case TR_EV_REGION_BEGIN:
        region_begin(x, e->g, e->task, text);
        GO_EVENT(&x->t, p, EV_USER_REGION, e->task, 0, text, at);
        break;
    case TR_EV_REGION_END:
        if (region_end(x, e->g, e->task, text))
            GO_EVENT(&x->t, p, EV_USER_REGION, e->task, 1, text, at);
        break;
    default:
        log_text(x, p, e->task, e->category, e->text);
        break;
    }
}

static void event(void *arg, const struct tr_event *e)
{
    struct go_export *x = arg;
    go_trace_at(&x->t, e->time);
    switch (e->type) {
    case TR_EV_GO_CREATE:
        if (goroutine(x, e->g).state == X_NONE)
            create(x, emitter(x, e, e->by), e->g, e->fn, e->stack);
        break;
    case TR_EV_GO_START:
        start(x, e->g, e->p, e->m);
        break;
    case TR_EV_GO_END:
    case TR_EV_GO_YIELD:
    case TR_EV_GO_BLOCK:
        if (e->g)
            stop_running(x, e);
        if (e->type == TR_EV_GO_END)
            regions_end(x, e->g);
        break;
    case TR_EV_GO_READY:
        if (e->g)
            make_runnable(x, emitter(x, e, e->by), e->g, e->stack);
        break;
    case TR_EV_GO_STATE:
        first_state(x, e);
        break;
    case TR_EV_P_START:
        proc_start(x, e->p, e->m);
        if (e->g)
            start(x, e->g, e->p, e->m);
        break;
    case TR_EV_P_STOP:
        proc_stop(x, e->p);
        break;
    case TR_EV_P_RETAKE:
        retake(x, e->p);
        break;
    case TR_EV_PROCS:
        GO_EVENT(&x->t, TR_NO_P, EV_GOMAXPROCS, e->arg, 0);
        break;
    case TR_EV_RACE:
        race(x, e);
        break;
    default:
        if (tr_is_mark(e->type))
            mark(x, e);
        break;
    }
}

static void *begin(struct tr_reader *r, struct out *out, const char *folder)
{
    (void)folder;
    struct go_export *x = cmd_alloc(sizeof(*x));
    memset(x, 0, sizeof(*x));
    go_trace_begin(&x->t, r, out);
    GO_EVENT(&x->t, TR_NO_P, EV_GOMAXPROCS, 1, 0); /* a file without any event is refused */
    return x;
}

static void end(void *arg, int64_t from, int64_t to)
{
    struct go_export *x = arg;
    (void)from;
    go_trace_at(&x->t, to);
    for (size_t p = 0; p < x->p_count; p++)
        clear_p(x, (int32_t)p); /* Go's page wants an end of each run */
    go_trace_end(&x->t);
    free(x->ps);
    free(x->regions);
    gmap_fini(&x->in);
    gmap_fini(&x->gs);
    gmap_fini(&x->tasks);
    idset_fini(&x->ended);
    free(x);
}

const struct trace_export trace_export_go = {
    .name = "go", .states = true, .begin = begin, .event = event, .end = end};
