/* reader_state.c - the state machines of goroutines, processors and threads.
 *
 *            create                start                 end
 *     (none) ------> RUNNABLE ------------> RUNNING ------------> (none)
 *                       ^  ^                 |   | retake ^ proc start
 *                 ready |  +---- yield ------+   v        |
 *                    BLOCKED <--- block ---- DETACHED ----+
 *
 *     P: IDLE -- proc start --> SCHEDULER -- start --> RUNNING -- yield, block, end --> SCHEDULER
 *        and back to IDLE by proc stop or retake.
 *     M: PARKED <-- park, unpark --> IDLE -- start --> RUNNING or, after a retake, DETACHED.
 *
 * One machine serves three uses: the merge asks whether an event may come now (else it looks for
 * the event that must come first), `check` asks what is wrong, and every change of state ends a
 * span.
 *
 * A goroutine that the recording has not seen being created is UNKNOWN and may do anything
 * once, if the recording began in the middle of a run or lost something.  After an event that
 * is not allowed the states follow the event: it is the truth, what is missing is what led to
 * it. */
#include "reader_impl.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { G_CAP_MIN = 256, SLAB = 256 };

/* ---- the table of goroutines: open addressing, linear probing, deletion by shifting back ---- */

static size_t slot_of(const struct g_table *t, uint64_t id)
{
    return (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) & (t->cap - 1);
}

struct gnode *tr_g_find(const struct tr_reader *r, uint64_t id)
{
    const struct g_table *t = &r->gs;
    for (size_t i = slot_of(t, id); t->slots[i]; i = (i + 1) & (t->cap - 1))
        if (t->slots[i]->g.id == id)
            return t->slots[i];
    return NULL;
}

static void put(struct g_table *t, struct gnode *n)
{
    size_t i = slot_of(t, n->g.id);
    while (t->slots[i])
        i = (i + 1) & (t->cap - 1);
    t->slots[i] = n;
}

static bool g_grow(struct g_table *t)
{
    size_t old_cap = t->cap;
    struct gnode **old = t->slots,
                 **slots = calloc(old_cap ? old_cap * 2 : G_CAP_MIN, sizeof(*slots));
    if (!slots)
        return false;
    t->slots = slots;
    t->cap = old_cap ? old_cap * 2 : G_CAP_MIN;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i])
            put(t, old[i]);
    free(old);
    return true;
}

static struct gnode *new_node(struct g_table *t)
{
    if (!t->free) {
        struct gnode *slab = calloc(SLAB, sizeof(*slab));
        if (!slab || !tr_room((void **)&t->slabs, &t->slab_cap, t->slab_count, sizeof(*t->slabs))) {
            free(slab);
            return NULL;
        }
        t->slabs[t->slab_count++] = slab;
        for (size_t i = 0; i < SLAB; i++) {
            slab[i].next_free = t->free;
            t->free = &slab[i];
        }
    }
    struct gnode *n = t->free;
    t->free = n->next_free;
    return n;
}

/* A goroutine that was not there.  Returns NULL when memory is short. */
static struct gnode *g_add(struct tr_reader *r, uint64_t id)
{
    struct g_table *t = &r->gs;
    if (t->count * 2 >= t->cap && !g_grow(t) && t->count + 1 >= t->cap)
        return NULL;
    struct gnode *n = new_node(t);
    if (!n)
        return NULL;
    *n = (struct gnode){.g = {.id = id, .created = -1, .since = r->time, .p = TR_NO_P},
                        .by_p = TR_NO_P};
    put(t, n);
    t->count++;
    return n;
}

static void g_remove(struct tr_reader *r, struct gnode *n)
{
    struct g_table *t = &r->gs;
    size_t i = slot_of(t, n->g.id), mask = t->cap - 1;
    while (t->slots[i] != n)
        i = (i + 1) & mask;
    for (size_t j = (i + 1) & mask; t->slots[j]; j = (j + 1) & mask) {
        size_t home = slot_of(t, t->slots[j]->g.id);
        if (((j - home) & mask) >= ((j - i) & mask)) { /* may stand at i as well */
            t->slots[i] = t->slots[j];
            i = j;
        }
    }
    t->slots[i] = NULL;
    t->count--;
    n->next_free = t->free;
    t->free = n;
}

/* ---- processors and threads by number ---- */

static struct p_state *p_get(struct tr_reader *r, int32_t p)
{
    if (p < 0 || !tr_room((void **)&r->ps, &r->p_cap, (size_t)p, sizeof(*r->ps)))
        return NULL;
    return &r->ps[p];
}

static const struct p_state *p_peek(const struct tr_reader *r, int32_t p)
{
    static const struct p_state none;
    return p >= 0 && (size_t)p < r->p_cap ? &r->ps[p] : &none;
}

/* The stream that M m writes now. */
static struct stream *m_find(const struct tr_reader *r, uint64_t m)
{
    for (size_t i = r->stream_count; i-- > 0;)
        if (r->streams[i].m == m && r->streams[i].ms.seen && !r->streams[i].ms.stopped)
            return &r->streams[i];
    return NULL;
}

int tr_state_init(struct tr_reader *r)
{
    return g_grow(&r->gs) ? 0 : -ENOMEM;
}

void tr_state_reset(struct tr_reader *r)
{
    struct g_table *t = &r->gs;
    for (size_t i = 0; i < t->cap; i++) {
        if (!t->slots[i])
            continue;
        t->slots[i]->next_free = t->free;
        t->free = t->slots[i];
        t->slots[i] = NULL;
    }
    t->count = 0;
    r->dying = NULL;
    if (r->p_cap)
        memset(r->ps, 0, r->p_cap * sizeof(*r->ps));
    for (size_t i = 0; i < r->stream_count; i++)
        r->streams[i].ms = (struct m_state){.p = TR_NO_P, .state = TR_M_IDLE};
    r->closed_count = 0;
}

void tr_state_free(struct tr_reader *r)
{
    for (size_t i = 0; i < r->gs.slab_count; i++)
        free(r->gs.slabs[i]);
    free(r->gs.slabs);
    free(r->gs.slots);
    free(r->ps);
}

/* ---- what is allowed ---- */

/* Says why, once it is asked; always false. */
#define deny(r, explain, ...) \
    ((explain) ? (void)snprintf((r)->wrong, sizeof((r)->wrong), __VA_ARGS__) : (void)0, false)

static bool lost_something(const struct tr_reader *r, const struct tr_event *e)
{
    return !(r->info.from_start || r->info.taken) || e->time >= r->info.complete_until;
}

typedef unsigned long long ull;

/* e may come only from state `want` (or another one, 0: none) of goroutine g. */
static bool g_allows(struct tr_reader *r, const struct tr_event *e, uint64_t g, enum tr_gstate want,
                     enum tr_gstate other, bool explain)
{
    if (g == 0)
        return true;
    const struct gnode *n = tr_g_find(r, g);
    if (!n)
        return lost_something(r, e) ||
               deny(r, explain, "%s of goroutine %llu, which was never created or has ended",
                    tr_type_name(e->type), (ull)g);
    if (n->g.state == want || n->g.state == other || n->g.state == TR_G_UNKNOWN || n->told)
        return true;
    return deny(r, explain, "%s of goroutine %llu, which is %s, not %s", tr_type_name(e->type),
                (ull)g, tr_gstate_name(n->g.state), tr_gstate_name(want));
}

/* Goroutine g does something itself: it must run here. */
static bool runs_here(struct tr_reader *r, const struct stream *s, const struct tr_event *e,
                      bool explain)
{
    if (!g_allows(r, e, e->g, TR_G_RUNNING, TR_G_DETACHED, explain))
        return false;
    const struct gnode *n = tr_g_find(r, e->g);
    if (n && n->g.state != TR_G_UNKNOWN && !n->told && s->ms.g != e->g)
        return deny(r, explain, "%s of goroutine %llu on thread M%u, but it runs on M%u",
                    tr_type_name(e->type), (ull)e->g, s->m, n->g.m);
    return true;
}

static bool start_allowed(struct tr_reader *r, const struct stream *s, const struct tr_event *e,
                          bool explain)
{
    if (!g_allows(r, e, e->g, TR_G_RUNNABLE, TR_G_RUNNABLE, explain))
        return false;
    if (s->ms.g)
        return deny(r, explain, "start of goroutine %llu on M%u, which still runs goroutine %llu",
                    (ull)e->g, s->m, (ull)s->ms.g);
    const struct p_state *p = p_peek(r, e->p);
    if (s->ms.p != e->p && (s->ms.p != TR_NO_P || p->held || !lost_something(r, e)))
        return deny(r, explain, "start of goroutine %llu on P%d, which M%u does not hold",
                    (ull)e->g, e->p, s->m);
    return true;
}

static bool p_start_allowed(struct tr_reader *r, const struct stream *s, const struct tr_event *e,
                            bool explain)
{
    const struct p_state *p = p_peek(r, e->p);
    if (p->held)
        return deny(r, explain, "M%u takes P%d, which M%u holds", s->m, e->p, p->m);
    if (s->ms.p != TR_NO_P)
        return deny(r, explain, "M%u takes P%d, but it holds P%d", s->m, e->p, s->ms.p);
    return true;
}

static bool p_stop_allowed(struct tr_reader *r, const struct stream *s, const struct tr_event *e,
                           bool explain)
{
    if (s->ms.p != e->p && (p_peek(r, e->p)->seen || !lost_something(r, e)))
        return deny(r, explain, "M%u gives up P%d, which it does not hold", s->m, e->p);
    if (s->ms.g)
        return deny(r, explain, "M%u gives up P%d, but goroutine %llu runs on it", s->m, e->p,
                    (ull)s->ms.g);
    return true;
}

static bool retake_allowed(struct tr_reader *r, const struct tr_event *e, bool explain)
{
    const struct p_state *p = p_peek(r, e->p);
    if ((p->seen || !lost_something(r, e)) && !(p->held && p->m == e->arg))
        return deny(r, explain, "P%d is taken from M%llu, which does not hold it", e->p,
                    (ull)e->arg);
    return true;
}

static bool m_allowed(struct tr_reader *r, const struct stream *s, const struct tr_event *e,
                      bool explain)
{
    const struct m_state *m = &s->ms;
    switch (e->type) {
    case TR_EV_M_PARK:
        if (m->p != TR_NO_P)
            return deny(r, explain, "M%u parks, but holds P%d", s->m, m->p);
        return !m->g || deny(r, explain, "M%u parks, but runs goroutine %llu", s->m, (ull)m->g);
    case TR_EV_M_UNPARK:
        return m->state == TR_M_PARKED || !m->seen ||
               deny(r, explain, "M%u is unparked, but was not parked", s->m);
    case TR_EV_M_STOP:
        return m->p == TR_NO_P || deny(r, explain, "M%u ends, but holds P%d", s->m, m->p);
    default:
        return m->state != TR_M_PARKED ||
               deny(r, explain, "%s on M%u, which is parked", tr_type_name(e->type), s->m);
    }
}

bool tr_state_allows(struct tr_reader *r, const struct stream *s, const struct tr_event *e,
                     bool explain)
{
    if (!m_allowed(r, s, e, explain))
        return false;
    switch (e->type) {
    case TR_EV_GO_CREATE:
        return !tr_g_find(r, e->g) ||
               deny(r, explain, "goroutine %llu is created, but lives already", (ull)e->g);
    case TR_EV_GO_START:
        return start_allowed(r, s, e, explain);
    case TR_EV_GO_END:
    case TR_EV_GO_YIELD:
    case TR_EV_GO_BLOCK:
        return runs_here(r, s, e, explain);
    case TR_EV_GO_READY:
        return g_allows(r, e, e->g, TR_G_BLOCKED, TR_G_BLOCKED, explain);
    case TR_EV_GO_NAME:
    case TR_EV_TASK_BEGIN:
    case TR_EV_TASK_END:
    case TR_EV_REGION_BEGIN:
    case TR_EV_REGION_END:
    case TR_EV_LOG:
        return !e->g || tr_g_find(r, e->g) || lost_something(r, e) ||
               deny(r, explain, "%s of goroutine %llu, which does not live", tr_type_name(e->type),
                    (ull)e->g);
    case TR_EV_P_START:
        return p_start_allowed(r, s, e, explain);
    case TR_EV_P_STOP:
        return p_stop_allowed(r, s, e, explain);
    case TR_EV_P_RETAKE:
        return retake_allowed(r, e, explain);
    default:
        return true;
    }
}

/* ---- spans that end ---- */

static struct tr_span *close_span(struct tr_reader *r, enum tr_lane lane, uint64_t id,
                                  uint8_t state, int64_t begin)
{
    static struct tr_span
        spill; /* damage can end more than there is room for; those are not seen */
    struct tr_span *sp = r->closed_count < CLOSED_MAX ? &r->closed[r->closed_count++] : &spill;
    *sp = (struct tr_span){.lane = lane,
                           .id = id,
                           .state = state,
                           .begin = begin,
                           .end = r->time,
                           .p = TR_NO_P,
                           .by_p = TR_NO_P};
    return sp;
}

void tr_span_of_g(struct tr_reader *r, struct gnode *n, uint64_t ended_by, int32_t by_p)
{
    const struct tr_g *g = &n->g;
    struct tr_span *sp = close_span(r, TR_LANE_G, g->id, g->state, g->since);
    sp->info = g;
    sp->m = g->m;
    switch (g->state) {
    case TR_G_RUNNABLE:
        sp->by = n->by;
        sp->by_p = n->by_p;
        sp->by_stack = n->by_stack;
        sp->created = n->first;
        sp->stack = n->first ? g->create_stack : 0;
        break;
    case TR_G_RUNNING:
        sp->p = g->p;
        break;
    case TR_G_BLOCKED:
        sp->why = g->why;
        sp->obj = g->obj;
        sp->stack = g->block_stack;
        sp->by = ended_by;
        sp->by_p = by_p;
        break;
    default:
        break;
    }
}

void tr_span_of_p(struct tr_reader *r, int32_t id)
{
    const struct p_state *p = &r->ps[id];
    struct tr_span *sp = close_span(r, TR_LANE_P, (uint64_t)id, p->state, p->since);
    sp->g = p->g;
    sp->p = id;
    sp->m = p->m;
}

void tr_span_of_m(struct tr_reader *r, struct stream *s)
{
    if (s->m == UINT32_MAX)
        return; /* a thread outside, or several */
    struct tr_span *sp = close_span(r, TR_LANE_M, s->m, s->ms.state, s->ms.since);
    sp->g = s->ms.g;
    sp->p = s->ms.p;
    sp->m = s->m;
}

/* ---- changes of state: each ends a span ---- */

/* To `state`; the fields of the new state are set afterwards. */
static void g_set(struct tr_reader *r, struct gnode *n, enum tr_gstate state, uint64_t by,
                  int32_t by_p)
{
    if (n->g.state != TR_G_UNKNOWN || n->g.since < r->time)
        tr_span_of_g(r, n, by, by_p);
    n->first = n->told = false;
    n->g.state = (uint8_t)state;
    n->g.since = r->time;
    if (state == TR_G_RUNNABLE) {
        n->by = by;
        n->by_p = by_p;
        n->by_stack = 0;
    }
}

static void p_set(struct tr_reader *r, int32_t id, enum tr_pstate state, uint64_t g, uint32_t m)
{
    struct p_state *p = p_get(r, id);
    if (!p)
        return;
    if (p->seen || r->time > 0)
        tr_span_of_p(r, id);
    *p = (struct p_state){g, r->time, m, (uint8_t)state, true, state != TR_P_IDLE};
}

static void m_set(struct tr_reader *r, struct stream *s, enum tr_mstate state, uint64_t g,
                  int32_t p)
{
    if (s->ms.seen && !s->ms.stopped)
        tr_span_of_m(r, s);
    s->ms = (struct m_state){g, r->time, p, (uint8_t)state, true, false};
}

/* M s does not run its goroutine any more. */
static void off_cpu(struct tr_reader *r, struct stream *s)
{
    if (s->ms.p != TR_NO_P)
        p_set(r, s->ms.p, TR_P_SCHEDULER, 0, s->m);
    m_set(r, s, TR_M_IDLE, 0, s->ms.p);
}

/* The goroutine e is about; one that was not seen before becomes UNKNOWN. */
static struct gnode *subject(struct tr_reader *r, const struct tr_event *e)
{
    if (e->g == 0)
        return NULL;
    struct gnode *n = tr_g_find(r, e->g);
    return n ? n : g_add(r, e->g);
}

static void apply_create(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    struct gnode *n = subject(r, e);
    e->p = s->ms.p;
    if (!n)
        return;
    n->g.created = n->g.since = r->time;
    n->g.by = e->by;
    n->g.fn = e->fn;
    n->g.create_stack = e->stack;
    n->g.state = TR_G_RUNNABLE;
    n->first = true;
    n->by = e->by;
    n->by_p = s->ms.p;
    n->by_stack = e->stack;
}

static void apply_start(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    struct gnode *n = subject(r, e);
    if (s->ms.p != e->p && s->ms.p != TR_NO_P)
        p_set(r, s->ms.p, TR_P_IDLE, 0, 0);
    p_set(r, e->p, TR_P_RUNNING, e->g, s->m);
    m_set(r, s, TR_M_RUNNING, e->g, e->p);
    if (!n)
        return;
    g_set(r, n, TR_G_RUNNING, 0, TR_NO_P);
    n->g.p = e->p;
    n->g.m = s->m;
}

static void apply_leave(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    struct gnode *n = subject(r, e);
    e->p = s->ms.p;
    off_cpu(r, s);
    (void)tr_reader_obj_number(r, e->obj); /* so that all tools number them alike */
    if (!n)
        return;
    if (e->type == TR_EV_GO_YIELD) {
        g_set(r, n, TR_G_RUNNABLE, e->g, e->p);
    } else if (e->type == TR_EV_GO_BLOCK) {
        g_set(r, n, TR_G_BLOCKED, 0, TR_NO_P);
        n->g.why = (uint8_t)e->why;
        n->g.obj = e->obj;
        n->g.block_stack = e->stack;
    } else {
        g_set(r, n, TR_G_DEAD, 0, TR_NO_P);
        r->dying = n;
    }
}

static void apply_ready(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    struct gnode *n = subject(r, e);
    e->p = s->ms.p;
    if (!n)
        return;
    g_set(r, n, TR_G_RUNNABLE, e->by, s->ms.p);
    n->by_stack = e->stack;
}

static void apply_p_start(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    struct gnode *n = s->ms.g ? tr_g_find(r, s->ms.g) : NULL;
    e->g = s->ms.g;
    p_set(r, e->p, n ? TR_P_RUNNING : TR_P_SCHEDULER, s->ms.g, s->m);
    m_set(r, s, n ? TR_M_RUNNING : TR_M_IDLE, s->ms.g, e->p);
    if (n) { /* it ran on without one */
        g_set(r, n, TR_G_RUNNING, 0, TR_NO_P);
        n->g.p = e->p;
    }
}

static void apply_p_stop(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    struct gnode *n = s->ms.g ? tr_g_find(r, s->ms.g) : NULL;
    e->g = s->ms.g;
    p_set(r, e->p, TR_P_IDLE, 0, 0);
    if (s->ms.p != e->p)
        return;
    m_set(r, s, n ? TR_M_DETACHED : TR_M_IDLE, s->ms.g, TR_NO_P);
    if (n)
        g_set(r, n, TR_G_DETACHED, 0, TR_NO_P);
}

static void apply_retake(struct tr_reader *r, struct tr_event *e)
{
    struct stream *victim = m_find(r, e->arg);
    p_set(r, e->p, TR_P_IDLE, 0, 0);
    if (!victim || victim->ms.p != e->p)
        return;
    struct gnode *n = victim->ms.g ? tr_g_find(r, victim->ms.g) : NULL;
    e->g = victim->ms.g;
    m_set(r, victim, n ? TR_M_DETACHED : TR_M_IDLE, victim->ms.g, TR_NO_P);
    if (n)
        g_set(r, n, TR_G_DETACHED, 0, TR_NO_P);
}

static void apply_state(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    static const uint8_t states[] = {
        [TR_STATE_RUNNABLE] = TR_G_RUNNABLE,
        [TR_STATE_RUNNING] = TR_G_RUNNING,
        [TR_STATE_BLOCKED] = TR_G_BLOCKED,
    };
    struct gnode *n = subject(r, e);
    if (!n || n->g.state != TR_G_UNKNOWN)
        return; /* its own events say more */
    n->told = !r->info.taken && e->arg != TR_STATE_RUNNING;
    n->g.state = states[e->arg];
    n->g.since = r->time;
    n->g.why = (uint8_t)e->why;
    n->g.obj = e->obj;
    n->g.block_stack = e->stack;
    n->g.fn = e->fn;
    if (n->g.state != TR_G_RUNNING)
        return;
    e->p = n->g.p = s->ms.p;
    n->g.m = s->m;
    if (s->ms.p == TR_NO_P) { /* it runs on without one */
        n->g.state = TR_G_DETACHED;
        m_set(r, s, TR_M_DETACHED, e->g, TR_NO_P);
        return;
    }
    p_set(r, s->ms.p, TR_P_RUNNING, e->g, s->m);
    m_set(r, s, TR_M_RUNNING, e->g, s->ms.p);
}

/* Events about the thread, and those that change nothing. */
static void apply_other(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    if (e->type == TR_EV_GO_NAME || e->type == TR_EV_RACE || tr_is_mark(e->type)) {
        struct gnode *n = e->type == TR_EV_GO_NAME ? subject(r, e) : NULL;
        if (n)
            n->g.name = e->text;
        e->p = s->ms.p;
        return;
    }
    if (e->type == TR_EV_M_PARK)
        m_set(r, s, TR_M_PARKED, 0, s->ms.p);
    else if (e->type == TR_EV_M_UNPARK || e->type == TR_EV_M_START)
        m_set(r, s, TR_M_IDLE, 0, s->ms.p);
    else if (e->type == TR_EV_M_STOP) {
        m_set(r, s, TR_M_IDLE, 0, TR_NO_P);
        s->ms.stopped = true;
    }
    e->g = s->ms.g;
    if (e->p == TR_NO_P)
        e->p = s->ms.p;
}

void tr_state_next(struct tr_reader *r)
{
    r->closed_count = 0;
    if (r->dying)
        g_remove(r, r->dying);
    r->dying = NULL;
}

void tr_state_apply(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    if (!s->ms.seen) {
        s->ms.seen = true;
        s->ms.since = r->time;
    }
    switch (e->type) {
    case TR_EV_GO_CREATE:
        apply_create(r, s, e);
        break;
    case TR_EV_GO_START:
        apply_start(r, s, e);
        break;
    case TR_EV_GO_END:
    case TR_EV_GO_YIELD:
    case TR_EV_GO_BLOCK:
        apply_leave(r, s, e);
        break;
    case TR_EV_GO_READY:
        apply_ready(r, s, e);
        break;
    case TR_EV_P_START:
        apply_p_start(r, s, e);
        break;
    case TR_EV_P_STOP:
        apply_p_stop(r, s, e);
        break;
    case TR_EV_P_RETAKE:
        apply_retake(r, e);
        break;
    case TR_EV_GO_STATE:
        apply_state(r, s, e);
        break;
    default:
        apply_other(r, s, e);
        break;
    }
}
