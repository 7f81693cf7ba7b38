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
#include <stdio.h>
#include <stdlib.h>

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
    return tr_g_init(r);
}

void tr_state_reset(struct tr_reader *r)
{
    tr_g_reset(r);
    r->dying = 0;
    if (r->p_cap)
        memset(r->ps, 0, r->p_cap * sizeof(*r->ps));
    for (size_t i = 0; i < r->stream_count; i++)
        r->streams[i].ms = (struct m_state){.p = TR_NO_P, .state = TR_M_IDLE};
    r->closed_count = 0;
}

void tr_state_free(struct tr_reader *r)
{
    tr_g_free(r);
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
    if (n->state == want || n->state == other || n->state == TR_G_UNKNOWN || n->told)
        return true;
    return deny(r, explain, "%s of goroutine %llu, which is %s, not %s", tr_type_name(e->type),
                (ull)g, tr_gstate_name((enum tr_gstate)n->state), tr_gstate_name(want));
}

/* Goroutine g does something itself: it must run here. */
static bool runs_here(struct tr_reader *r, const struct stream *s, const struct tr_event *e,
                      bool explain)
{
    if (!g_allows(r, e, e->g, TR_G_RUNNING, TR_G_DETACHED, explain))
        return false;
    const struct gnode *n = tr_g_find(r, e->g);
    if (n && n->state != TR_G_UNKNOWN && !n->told && s->ms.g != e->g)
        return deny(r, explain, "%s of goroutine %llu on thread M%u, but it runs on M%u",
                    tr_type_name(e->type), (ull)e->g, s->m, (unsigned)n->whom);
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
                                  uint8_t state, int64_t begin, const struct gnode *g)
{
    static struct tr_span
        spill; /* damage can end more than there is room for; those are not seen */
    struct tr_span *sp = &spill;
    if (r->closed_count < CLOSED_MAX) {
        sp = &r->closed[r->closed_count];
        r->closed_g[r->closed_count++] = g;
    }
    *sp = (struct tr_span){.lane = lane,
                           .id = id,
                           .state = state,
                           .begin = begin,
                           .end = r->time,
                           .p = TR_NO_P,
                           .by_p = TR_NO_P};
    return sp;
}

void tr_span_of_g(struct tr_reader *r, const struct gnode *n, uint64_t ended_by, int32_t by_p)
{
    struct tr_span *sp = close_span(r, TR_LANE_G, n->id, (uint8_t)n->state, (int64_t)n->since, n);
    switch (n->state) {
    case TR_G_RUNNABLE:
        sp->by = n->whom;
        sp->by_p = (int32_t)n->by_p_1 - 1;
        sp->by_stack = n->stack;
        sp->created = n->first;
        sp->stack = n->first ? tr_g_create_stack(r, n) : 0;
        break;
    case TR_G_RUNNING:
        sp->p = (int32_t)n->p_1 - 1;
        sp->m = (uint32_t)n->whom;
        break;
    case TR_G_DETACHED:
        sp->m = (uint32_t)n->whom;
        break;
    case TR_G_BLOCKED:
        sp->why = (enum tr_reason)n->why;
        sp->obj = tr_obj_address(r, (uint32_t)n->whom);
        sp->stack = n->stack;
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
    struct tr_span *sp = close_span(r, TR_LANE_P, (uint64_t)id, p->state, p->since, NULL);
    sp->g = p->g;
    sp->p = id;
    sp->m = p->m;
}

void tr_span_of_m(struct tr_reader *r, struct stream *s)
{
    if (s->m == UINT32_MAX)
        return; /* a thread outside, or several */
    struct tr_span *sp = close_span(r, TR_LANE_M, s->m, s->ms.state, s->ms.since, NULL);
    sp->g = s->ms.g;
    sp->p = s->ms.p;
    sp->m = s->m;
}

/* ---- changes of state: each ends a span ---- */

/* To `state`, with what that state knows of whom; its other fields are set afterwards. */
static void g_set(struct tr_reader *r, struct gnode *n, enum tr_gstate state, uint64_t whom)
{
    n->first = n->told = false;
    n->state = state;
    n->since = (uint64_t)r->time;
    n->whom = whom;
    n->stack = 0;
}

/* The same after the span of the state that ends here, by whom and on which P. */
static void g_move(struct tr_reader *r, struct gnode *n, enum tr_gstate state, uint64_t whom,
                   uint64_t by, int32_t by_p)
{
    if (n->state != TR_G_UNKNOWN || (int64_t)n->since < r->time)
        tr_span_of_g(r, n, by, by_p);
    g_set(r, n, state, whom);
    if (state == TR_G_RUNNABLE)
        n->by_p_1 = (uint64_t)(by_p + 1);
}

static void g_runs(struct tr_reader *r, struct gnode *n, int32_t p, uint32_t m)
{
    g_move(r, n, TR_G_RUNNING, m, 0, TR_NO_P);
    n->p_1 = (uint64_t)(p + 1);
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
    return n ? n : tr_g_add(r, e->g);
}

static void apply_create(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    struct gnode *n = subject(r, e);
    e->p = s->ms.p;
    if (!n)
        return;
    g_set(r, n, TR_G_RUNNABLE, e->by);
    tr_g_born(r, n, e->fn, e->stack);
    n->created_1 = (uint64_t)r->time + 1;
    n->by = e->by;
    n->by_p_1 = (uint64_t)(s->ms.p + 1);
    n->stack = e->stack;
    n->first = true;
}

static void apply_start(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    struct gnode *n = subject(r, e);
    if (s->ms.p != e->p && s->ms.p != TR_NO_P)
        p_set(r, s->ms.p, TR_P_IDLE, 0, 0);
    p_set(r, e->p, TR_P_RUNNING, e->g, s->m);
    m_set(r, s, TR_M_RUNNING, e->g, e->p);
    if (n)
        g_runs(r, n, e->p, s->m);
}

static void apply_leave(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    struct gnode *n = subject(r, e);
    uint32_t obj = tr_reader_obj_number(r, e->obj); /* always: so all tools number them alike */
    e->p = s->ms.p;
    off_cpu(r, s);
    if (!n)
        return;
    if (e->type == TR_EV_GO_YIELD) {
        g_move(r, n, TR_G_RUNNABLE, e->g, e->g, e->p);
    } else if (e->type == TR_EV_GO_BLOCK) {
        g_move(r, n, TR_G_BLOCKED, obj, 0, TR_NO_P);
        n->why = e->why;
        n->stack = e->stack;
    } else {
        g_move(r, n, TR_G_DEAD, 0, 0, TR_NO_P);
        r->dying = e->g;
    }
}

static void apply_ready(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    struct gnode *n = subject(r, e);
    e->p = s->ms.p;
    if (!n)
        return;
    g_move(r, n, TR_G_RUNNABLE, e->by, e->by, s->ms.p);
    n->stack = e->stack;
}

static void apply_p_start(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    struct gnode *n = s->ms.g ? tr_g_find(r, s->ms.g) : NULL;
    e->g = s->ms.g;
    p_set(r, e->p, n ? TR_P_RUNNING : TR_P_SCHEDULER, s->ms.g, s->m);
    m_set(r, s, n ? TR_M_RUNNING : TR_M_IDLE, s->ms.g, e->p);
    if (n) /* it ran on without one */
        g_runs(r, n, e->p, s->m);
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
        g_move(r, n, TR_G_DETACHED, s->m, 0, TR_NO_P);
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
        g_move(r, n, TR_G_DETACHED, victim->m, 0, TR_NO_P);
}

static void apply_state(struct tr_reader *r, struct stream *s, struct tr_event *e)
{
    static const uint8_t states[] = {
        [TR_STATE_RUNNABLE] = TR_G_RUNNABLE,
        [TR_STATE_RUNNING] = TR_G_RUNNING,
        [TR_STATE_BLOCKED] = TR_G_BLOCKED,
    };
    struct gnode *n = subject(r, e);
    if (!n || n->state != TR_G_UNKNOWN)
        return; /* its own events say more */
    g_set(r, n, (enum tr_gstate)states[e->arg], 0);
    tr_g_born(r, n, e->fn, tr_g_create_stack(r, n));
    n->told = !r->info.taken && e->arg != TR_STATE_RUNNING;
    if (n->state == TR_G_BLOCKED) {
        n->whom = tr_reader_obj_number(r, e->obj);
        n->why = e->why;
        n->stack = e->stack;
    }
    if (n->state != TR_G_RUNNING)
        return;
    n->whom = s->m;
    e->p = s->ms.p;
    n->p_1 = (uint64_t)(s->ms.p + 1);
    if (s->ms.p == TR_NO_P) { /* it runs on without one */
        n->state = TR_G_DETACHED;
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
            tr_g_named(r, n, e->text);
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
        tr_g_remove(r, r->dying);
    r->dying = 0;
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
