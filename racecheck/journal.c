/* journal.c - see journal.h.
 *
 * Where an event was made is known as the call of a function of ours (an unlock, an atomic store)
 * in a function that was compiled for the detector.  Our own code keeps frame pointers, and the
 * context knows the stack pointer of its innermost instrumented frame: so a few steps up the chain
 * of frames, below that address, find the return address into the user's code.  A flow that another
 * one serves while it is parked is not on this stack; its place was found when it stopped to run.
 *
 * Ended flows.  Their journals go to a table that the next ones overwrite; a report that comes
 * later than that says less.
 *
 * [journal] entries, then version: who reads an even version, the entries, and the same version
 * again has seen a journal that was not being changed. */
#include "journal.h"
#include "ctx.h"
#include "futex.h"
#include "slot.h"
#include <string.h>

enum {
    ENDED_KEPT = 2048,
    LEVELS = 12,            /* of our own calls between the user's and the event */
    FRAMES_MAX = 64 * 1024, /* bytes of stack that these may take */
    RELEASES = 0,
    ACQUIRES = 1,
};

static struct rt_lock ended_lock; /* guards what follows */
static struct ended {
    const struct rc_life *life;
    uint64_t id;
    uint64_t epoch; /* its last */
    struct journal journal;
} ended[ENDED_KEPT];
static uint32_t n_ended;

static int side_of(enum rc_event_kind kind)
{
    return kind >= RC_EVENT_ACQUIRE ? ACQUIRES : RELEASES;
}

/* Word by word: a copy would wait for the words just written. */
static inline __attribute__((always_inline)) void put(struct rc_ctx *c, enum rc_event_kind kind,
                                                      const void *obj, rc_site site)
{
    struct journal *j = &c->journal;
    int side = side_of(kind);
    uint32_t v = j->version, n = j->n[side];
    struct journal_entry *e = &j->e[side][n % JOURNAL_KEPT];
    at_store_rlx(&j->version, v + 1); /* relaxed: fenced below */
    at_fence_rel();                   /* [journal] */
    at_store_rlx(&e->obj, obj);       /* relaxed: the version tells whether it is whole */
    at_store_rlx(&e->site, site);     /* relaxed: likewise */
    at_store_rlx(&e->epoch, c->clock.now.epoch); /* relaxed: likewise */
    at_store_rlx(&e->kind, kind);                /* relaxed: likewise */
    at_store_rlx(&j->n[side], n + 1);            /* relaxed: likewise */
    at_store_rel(&j->version, v + 2);            /* [journal] */
}

/* The return address into the user's innermost function; but where that is a call by which the
 * library calls another of its own functions, so that the address is the library's, too, or there
 * is none, what passes for a return address into that one (rc_calls_back(), rc_ctx_runs()). */
static inline __attribute__((always_inline)) uintptr_t find_call(const struct rc_frame *top)
{
    uintptr_t limit = top->sp;
    const uintptr_t *fp = __builtin_frame_address(0);
    if (top->lib_fn)
        return pc_unpack(top->lib_fn);
    if (limit - (uintptr_t)fp > FRAMES_MAX)
        return 0;
    for (int i = 0; i < LEVELS && fp[0] > (uintptr_t)fp && fp[0] < limit; i++)
        fp = (const uintptr_t *)fp[0];
    return fp[1];
}

__attribute__((noinline)) void journal_add(struct rc_ctx *c, enum rc_event_kind kind,
                                           const void *obj)
{
    uintptr_t pc = rc_self.ctx == c ? find_call(c->top) : c->waits_at;
    put(c, kind, obj, rc_site_here(c, pc));
}

__attribute__((noinline)) rc_site journal_site(const struct rc_ctx *c)
{
    return rc_site_here(c, rc_self.ctx == c ? find_call(c->top) : c->waits_at);
}

__attribute__((noinline)) void rc_waits(struct rc_ctx *c)
{
    if (c)
        c->waits_at = find_call(c->top);
}

void journal_add_at(struct rc_ctx *c, enum rc_event_kind kind, const void *obj, rc_site site)
{
    put(c, kind, obj, site);
}

void journal_end(const struct rc_ctx *c)
{
    if (c->journal.version == 0) {
        at_store_rlx(&c->life->was_alone, true); /* relaxed: a word in a report */
        return;
    }
    rt_lock(&ended_lock);
    struct ended *e = &ended[n_ended++ % ENDED_KEPT];
    e->life = c->life;
    e->id = c->life->id;
    e->epoch = c->clock.now.epoch;
    e->journal = c->journal;
    rt_unlock(&ended_lock);
}

/* ---- reading ---- */

/* False: it is written too fast to be read. */
static bool copy(const struct journal *from, struct journal *to)
{
    for (int i = 0; i < 1000; i++) {
        uint32_t v = at_load_acq(&from->version); /* [journal] */
        memcpy(to, from, sizeof *to);
        at_fence_acq();                                     /* [journal] */
        if (v % 2 == 0 && at_load_rlx(&from->version) == v) /* relaxed: after the fence */
            return true;
    }
    return false;
}

struct wanted {
    const struct rc_life *life;
    struct journal *journal;
    uint64_t epoch; /* the flow's present or last one */
    bool found;
};

static bool is_wanted(const struct rc_ctx *c, void *arg)
{
    struct wanted *w = arg;
    if (c->life != w->life)
        return false;
    w->epoch = at_load_rlx(&c->clock.now.epoch); /* relaxed: a hint */
    w->found = copy(&c->journal, w->journal);
    return true;
}

static bool find_ended(struct wanted *w)
{
    rt_lock(&ended_lock);
    for (uint32_t i = 0; i < ENDED_KEPT && !w->found; i++) {
        const struct ended *e = &ended[i];
        if (e->life != w->life || e->id != w->life->id)
            continue;
        *w->journal = e->journal;
        w->epoch = e->epoch;
        w->found = true;
    }
    rt_unlock(&ended_lock);
    return w->found;
}

static struct rc_event event_of(const struct journal_entry *e)
{
    return (struct rc_event){e->kind, e->obj, e->site};
}

/* The k-th last event of that side, from 0, or NULL. */
static const struct journal_entry *last(const struct journal *j, int side, uint32_t k)
{
    if (k >= JOURNAL_KEPT || k >= j->n[side])
        return NULL;
    return &j->e[side][(j->n[side] - 1 - k) % JOURNAL_KEPT];
}

/* Did the flow, whose present epoch is now, make epoch after the access of epoch `of`?  A flow that
 * has used up its clock goes on in another slot. */
static bool is_since(uint64_t epoch, uint64_t of, uint64_t now)
{
    if (w_slot(epoch) == w_slot(of))
        return w_clock(epoch) >= w_clock(of);
    return w_slot(of) != w_slot(now);
}

static void fill_since(const struct wanted *w, uint64_t before, struct rc_order_info *info)
{
    const struct journal_entry *e;
    uint32_t n = 0;
    while ((e = last(w->journal, RELEASES, n)) && is_since(e->epoch, before, w->epoch))
        n++;
    info->known = true;
    info->n_since = n;
    info->all_since = n < JOURNAL_KEPT || w->journal->n[RELEASES] == JOURNAL_KEPT;
    info->published = n > 0;
    for (uint32_t i = 0; i < n; i++)
        info->since[i] = event_of(last(w->journal, RELEASES, n - 1 - i));
}

/* The later flow's last event with an object that the earlier one published its access to. */
static void fill_shared(const struct rc_ctx *c, uint64_t before, struct rc_order_info *info)
{
    const struct journal_entry *e;
    bool peeked = snap_knows(&c->fence_acq, before);
    for (uint32_t k = 0; (e = last(&c->journal, ACQUIRES, k)); k++) {
        if (e->kind == RC_EVENT_PEEK && !peeked)
            continue;
        for (unsigned i = 0; i < info->n_since; i++) {
            if (info->since[i].obj != e->obj || info->since[i].kind > RC_EVENT_STORE)
                continue;
            info->shared = event_of(e);
            info->shared_with = i;
            info->peeked = e->kind == RC_EVENT_PEEK;
            return;
        }
    }
}

void journal_between(const struct rc_ctx *c, const struct rc_life *life, uint64_t before,
                     struct rc_order_info *ret_info)
{
    struct journal j;
    struct wanted w = {.life = life, .journal = &j};
    const struct journal_entry *e;
    *ret_info = (struct rc_order_info){0};
    if (!life)
        return;
    rc_each_ctx(is_wanted, &w);
    if (w.found || find_ended(&w))
        fill_since(&w, before, ret_info);
    else
        ret_info->known = ret_info->all_since =
            at_load_rlx(&life->was_alone); /* relaxed: a word in a report */
    for (uint32_t k = 0; (e = last(&c->journal, ACQUIRES, k)) && e->kind == RC_EVENT_PEEK;)
        k++;
    if (e)
        ret_info->learned = event_of(e);
    fill_shared(c, before, ret_info);
}
