/* window.c - how things stood when a window of the flight recorder began.
 *
 * Nobody wrote that down: it would cost a look at all goroutines now and then.  It follows from
 * what comes later, because every change of state tells what was before it.  A goroutine whose
 * first change in the window is a start was runnable; one that is made ready was blocked, and the
 * record names on what; one that blocks, yields or ends was running there.  One without any change
 * is now as it was then, and the host says how.  It is asked after the window's beginning is fixed
 * and before its end is, so that what it says holds for the whole window; where a stream knows
 * better, the stream is right.
 *
 * A stream knows what it runs and which P it took last, from its chunk's head and the records
 * before the window; but another M may have taken the P away since.  So processors are looked at by
 * themselves: the first mention of one tells who had it.
 *
 * Memory comes from the kernel, not from malloc: this runs when a program crashes.  Times: no two
 * changes of one goroutine come within the difference of two processors' clocks. */
#include "window.h"
#include <errno.h>
#include "vmem.h"

enum { SOULS_MIN = 1 << 10, TEXTS_MIN = 1 << 16, LANES_MORE = 64 };

static const struct tr_host *host;

void tr_host_is(const struct tr_host *h)
{
    at_store_rlx(&host, h); /* relaxed: set before anything is recorded */
}

const struct tr_host *tr_host(void)
{
    return at_load_rlx(&host); /* relaxed: likewise */
}

/* ---- memory ---- */

/* A larger copy of an array of n bytes, which it frees. */
static void *larger(void *old, size_t n, size_t want)
{
    void *p = vm_reserve(want);
    if (p && old) {
        memcpy(p, old, n);
        vm_release(old, n);
    }
    return p;
}

static size_t pages(size_t n)
{
    return (n + VM_PAGE - 1) / VM_PAGE * VM_PAGE;
}

/* ---- goroutines ---- */

static struct soul *slot_of(struct soul *souls, size_t cap, uint64_t id)
{
    size_t i = (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) & (cap - 1);
    while (souls[i].id && souls[i].id != id)
        i = (i + 1) & (cap - 1);
    return &souls[i];
}

struct soul *tr_view_soul(struct tr_view *v, uint64_t id)
{
    struct soul *s = slot_of(v->souls, v->soul_cap, id);
    return s->id ? s : NULL;
}

static bool grow_souls(struct tr_view *v)
{
    size_t cap = v->soul_cap * 2;
    struct soul *more = vm_reserve(pages(cap * sizeof(*more)));
    if (!more)
        return false;
    for (size_t i = 0; i < v->soul_cap; i++)
        if (v->souls[i].id)
            *slot_of(more, cap, v->souls[i].id) = v->souls[i];
    vm_release(v->souls, pages(v->soul_cap * sizeof(*more)));
    v->souls = more;
    v->soul_cap = cap;
    return true;
}

/* The goroutine, which may be new: told is set then.  NULL when memory is short. */
static struct soul *soul(struct tr_view *v, uint64_t id)
{
    if (v->soul_count * 2 >= v->soul_cap && !grow_souls(v)) {
        v->short_of_memory = true;
        return NULL;
    }
    struct soul *s = slot_of(v->souls, v->soul_cap, id);
    if (!s->id) {
        *s = (struct soul){.id = id, .told = true};
        v->soul_count++;
    }
    return s;
}

static uint32_t keep_text(struct tr_view *v, const char *text)
{
    size_t n = strnlen(text, TR_STRING_MAX - 1);
    if (n == 0)
        return 0;
    if (v->texts_used + n + 1 > v->texts_cap) {
        char *more = larger(v->texts, v->texts_cap, v->texts_cap * 2);
        if (!more)
            return 0;
        v->texts = more;
        v->texts_cap *= 2;
    }
    uint32_t at = (uint32_t)v->texts_used;
    memcpy(v->texts + at, text, n);
    v->texts[at + n] = 0;
    v->texts_used += n + 1;
    return at;
}

/* The host says of a goroutine how it is.  lane is its M's number + 1 until resolve_told(). */
static void told(void *arg, const struct tr_alive *a)
{
    struct tr_view *v = arg;
    struct soul *s = a->g ? soul(v, a->g) : NULL;
    if (!s)
        return;
    s->state = (uint8_t)a->state;
    s->fn = (uintptr_t)a->fn & TR_KEY_OBJ_MASK;
    s->wait = (uint64_t)a->why << TR_KEY_WHY_SHIFT | ((uintptr_t)a->obj & TR_KEY_OBJ_MASK);
    s->lane = a->m + 1;
    s->detached = !a->has_p;
    s->name = keep_text(v, a->name);
}

/* ---- streams ---- */

static struct lane *lane_of(struct tr_view *v, const struct tr_chunk_header *h)
{
    for (size_t i = v->lane_count; i-- > 0;)
        if (v->lanes[i].id == h->stream)
            return &v->lanes[i];
    if (v->lane_count == v->lane_cap)
        return NULL;
    struct lane *l = &v->lanes[v->lane_count++];
    *l = (struct lane){.id = h->stream, .m = h->m, .tid = h->tid, .p = -1, .cur_p = -1};
    return l;
}

/* The stream of M m now, number + 1; 0 none. */
static uint32_t lane_of_m(const struct tr_view *v, uint64_t m)
{
    for (size_t i = v->lane_count; i-- > 0;)
        if (v->lanes[i].m == m && m != UINT32_MAX)
            return (uint32_t)i + 1;
    return 0;
}

struct lane *tr_view_part(struct tr_view *v, size_t i, struct decoder *d)
{
    const struct tr_part *part = &v->w.parts[i];
    const uint8_t *p = (const uint8_t *)part->head;
    tr_coding_begin(d, part->head, p + sizeof(*part->head), p + part->used);
    return lane_of(v, part->head);
}

bool tr_view_next(const struct tr_view *v, struct decoder *d, struct record *ret)
{
    return tr_record_get(tr_event_defs, d, ret) && ret->ticks <= v->w.to;
}

/* ---- the first changes ---- */

/* An M that has recorded nothing has a lane none the less. */
static struct lane *silent_lane(struct tr_view *v, uint32_t m)
{
    if (v->lane_count == v->lane_cap)
        return NULL;
    struct lane *l = &v->lanes[v->lane_count++];
    *l = (struct lane){.id = UINT32_MAX, .m = m, .p = -1, .cur_p = -1};
    return l;
}

/* The lane of M m, which loses its P. */
static uint32_t victim(struct tr_view *v, uint64_t m)
{
    uint32_t lane = lane_of_m(v, m);
    const struct lane *l = lane ? NULL : silent_lane(v, (uint32_t)m);
    return l ? (uint32_t)(l - v->lanes) + 1 : lane;
}

static void change(struct tr_view *v, uint64_t g, const struct record *r, unsigned state,
                   const struct lane *l, uint64_t wait)
{
    struct soul *s = g ? soul(v, g) : NULL;
    if (!s || (!s->told && s->first <= r->ticks))
        return;
    s->told = false;
    s->first = r->ticks;
    s->state = (uint8_t)state;
    s->wait = wait;
    s->lane = (uint32_t)(l - v->lanes) + 1;
}

static void mention(struct tr_view *v, uint64_t p, uint64_t ticks, uint32_t lane)
{
    if (p >= POSTS_MAX)
        return;
    struct post *post = &v->posts[p];
    if (post->first && post->first <= ticks)
        return;
    *post = (struct post){ticks, lane};
}

static void note(struct tr_view *v, struct lane *l, const struct record *r)
{
    uint32_t me = (uint32_t)(l - v->lanes) + 1;
    switch (r->type) {
    case TR_EV_GO_CREATE:
        change(v, r->args[0], r, STATE_NOT_YET, l, 0);
        break;
    case TR_EV_GO_START:
        change(v, r->args[0], r, TR_STATE_RUNNABLE, l, 0);
        mention(v, r->ctx, r->ticks, me);
        break;
    case TR_EV_GO_END:
    case TR_EV_GO_YIELD:
    case TR_EV_GO_BLOCK:
        change(v, r->ctx, r, TR_STATE_RUNNING, l, 0);
        break;
    case TR_EV_GO_READY:
        change(v, r->args[0], r, TR_STATE_BLOCKED, l, r->args[1]);
        break;
    case TR_EV_GO_STATE:
        change(v, r->args[0], r, (unsigned)r->args[1], l, r->args[2]);
        break;
    case TR_EV_P_START:
        mention(v, r->args[0], r->ticks, 0);
        break;
    case TR_EV_P_STOP:
        mention(v, r->ctx, r->ticks, me);
        break;
    case TR_EV_P_RETAKE:
        mention(v, r->args[0], r->ticks, victim(v, r->args[1]));
        break;
    default:
        break;
    }
}

static void mark_used(struct tr_view *v, uint32_t gen, const struct record *r)
{
    const char *args = tr_event_defs[r->type].args;
    unsigned table = gen == v->gens[0] ? 0 : 1;
    for (size_t i = 0; args[i]; i++)
        if ((args[i] == 's' || args[i] == 't') && r->args[i] && r->args[i] < TR_NAMED_MAX)
            v->used[table][args[i] == 's' ? NAMED_STACK : NAMED_STRING][r->args[i]] = 1;
}

static void look_at_part(struct tr_view *v, size_t i)
{
    struct decoder d;
    struct record r;
    struct lane *l = tr_view_part(v, i, &d);
    if (!l)
        return;
    while (tr_view_next(v, &d, &r)) {
        if (r.ticks <= v->w.from) {
            l->parked = r.type == TR_EV_M_PARK;
            l->ended = r.type == TR_EV_M_STOP;
        } else {
            if (!l->begun) {
                l->begun = true;
                l->late = v->w.parts[i].head->ticks > v->w.from;
                l->parked = r.type == TR_EV_M_UNPARK;
                l->cur_g = d.cur_g;
                l->cur_p = d.cur_p;
            }
            note(v, l, &r);
            mark_used(v, v->w.parts[i].gen, &r);
        }
        tr_record_follow(&d, &r);
    }
    if (!l->begun) {
        l->cur_g = d.cur_g;
        l->cur_p = d.cur_p;
    }
}

/* ---- what follows ---- */

/* Goroutines that changed in the window, or of which their stream knows. */
static void resolve_known(struct tr_view *v)
{
    for (size_t i = 0; i < v->lane_count; i++) {
        struct lane *l = &v->lanes[i];
        struct soul *s = l->cur_g && !l->ended ? soul(v, l->cur_g) : NULL;
        if (!s || (!s->told && (s->state != TR_STATE_RUNNING || s->lane != i + 1)))
            continue;
        s->told = false;
        s->state = TR_STATE_RUNNING;
        s->lane = (uint32_t)i + 1;
        l->g = s->id;
    }
    for (size_t i = 0; i < v->soul_cap; i++) {
        struct soul *s = &v->souls[i];
        if (s->id && !s->told && s->state == TR_STATE_RUNNING && !v->lanes[s->lane - 1].g)
            v->lanes[s->lane - 1].g = s->id;
    }
}

/* Goroutines of which only the host tells: as running only where nothing speaks against it. */
static void resolve_told(struct tr_view *v)
{
    for (size_t i = 0; i < v->soul_cap; i++) {
        struct soul *s = &v->souls[i];
        if (!s->id || !s->told || s->state != TR_STATE_RUNNING)
            continue;
        uint32_t at = lane_of_m(v, s->lane - 1);
        struct lane *l = at ? &v->lanes[at - 1] : silent_lane(v, s->lane - 1);
        if (!l || l->g || l->begun || l->parked || l->ended) {
            s->state = STATE_NOT_YET; /* it has changed since the window's end: not known */
            continue;
        }
        s->lane = (uint32_t)(l - v->lanes) + 1;
        l->g = s->id;
        if (s->detached)
            l->cur_p = -1;
    }
}

static void resolve_posts(struct tr_view *v)
{
    for (int32_t p = 0; p < POSTS_MAX; p++)
        if (v->posts[p].first && v->posts[p].lane)
            v->lanes[v->posts[p].lane - 1].p = p;
    for (size_t i = v->lane_count; i-- > 0;) {
        struct lane *l = &v->lanes[i];
        bool could = l->p < 0 && l->cur_p >= 0 && l->cur_p < POSTS_MAX && !l->parked && !l->ended;
        if (!could || v->posts[l->cur_p].first)
            continue;
        l->p = l->cur_p;
        v->posts[l->cur_p] = (struct post){1, (uint32_t)i + 1}; /* one has it */
    }
}

/* ---- open and close ---- */

int64_t tr_view_mono(const struct tr_view *v, uint64_t ticks)
{
    const struct tr_file_header *f = tr_rec.file;
    double hz = (double)f->tick_hz;
    uint64_t end = v->w.end.ticks >> tr_rec.shift;
    if (v->w.end.mono - f->start_mono > 10000000) /* 10 ms: better than the first measurement */
        hz = (double)(end - f->start_ticks) * 1e9 / (double)(v->w.end.mono - f->start_mono);
    return v->w.end.mono - (int64_t)((double)(int64_t)(end - ticks) * 1e9 / hz);
}

static bool allocate(struct tr_view *v)
{
    v->soul_cap = SOULS_MIN;
    v->souls = vm_reserve(pages(v->soul_cap * sizeof(*v->souls)));
    v->texts_cap = TEXTS_MIN;
    v->texts = vm_reserve(v->texts_cap);
    v->texts_used = 1; /* 0 is none */
    v->posts = vm_reserve(pages(POSTS_MAX * sizeof(*v->posts)));
    bool ok = v->souls && v->texts && v->posts;
    for (int i = 0; i < 2 * NAMED_KINDS; i++) {
        v->used[i / NAMED_KINDS][i % NAMED_KINDS] = vm_reserve(TR_NAMED_MAX * sizeof(uint32_t));
        ok &= v->used[i / NAMED_KINDS][i % NAMED_KINDS] != NULL;
    }
    return ok;
}

int tr_view_open(struct tr_view *v, uint64_t duration)
{
    *v = (struct tr_view){0};
    tr_dict_hold(v->gens);
    int err = tr_window_open(&v->w, duration);
    if (err) {
        tr_dict_let_go();
        return err;
    }
    const struct tr_host *h = tr_host();
    bool ok = allocate(v);
    if (ok && h) {
        h->each(told, v);
        v->procs = h->procs();
    }
    ok = ok && tr_window_fill(&v->w) == 0;
    if (ok) {
        v->lane_cap = v->w.count + LANES_MORE;
        v->lanes = vm_reserve(pages(v->lane_cap * sizeof(*v->lanes)));
        ok = v->lanes != NULL;
    }
    if (!ok) {
        tr_view_close(v);
        return -ENOMEM;
    }
    for (size_t i = 0; i < v->w.count; i++)
        (void)lane_of(v, v->w.parts[i].head);
    for (size_t i = 0; i < v->w.count; i++)
        look_at_part(v, i);
    resolve_known(v);
    resolve_told(v);
    resolve_posts(v);
    return 0;
}

void tr_view_close(struct tr_view *v)
{
    tr_window_close(&v->w);
    tr_dict_let_go();
    if (v->souls)
        vm_release(v->souls, pages(v->soul_cap * sizeof(*v->souls)));
    if (v->texts)
        vm_release(v->texts, v->texts_cap);
    if (v->posts)
        vm_release(v->posts, pages(POSTS_MAX * sizeof(*v->posts)));
    if (v->lanes)
        vm_release(v->lanes, pages(v->lane_cap * sizeof(*v->lanes)));
    for (int i = 0; i < 2 * NAMED_KINDS; i++)
        if (v->used[i / NAMED_KINDS][i % NAMED_KINDS])
            vm_release(v->used[i / NAMED_KINDS][i % NAMED_KINDS], TR_NAMED_MAX * sizeof(uint32_t));
}
