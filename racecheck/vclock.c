/* vclock.c - see vclock.h.
 *
 * I1  A node reachable through two references never changes; whoever holds the only reference, to a
 *     node whose ancestors are unshared too, may change it in place.
 * I2  A node's level is below its parent's by one; leaves have level 0.
 *
 * Joins return one of their operands whenever it already is the answer, so that clocks that know
 * the same share the same nodes again: this is what keeps later joins short.
 *
 * Rejected: flat arrays (a copy per goroutine start costs what exists, 400 KB for 100 k slots);
 * tree clocks (good joins, but a copy into each object is still linear and they hold one owner);
 * inner nodes of 64 (copying one costs 64 increments). */
#include "vclock.h"
#include "pool.h"
#include <string.h>

enum { LEAF_SHIFT = 6, LEAF = 1 << LEAF_SHIFT, FAN_SHIFT = 4, FAN = 1 << FAN_SHIFT };

struct vc_node {
    uint64_t link; /* the pool's while free; the sum of weights while weighed, else 0 */
    uint32_t refs;
    uint32_t level;
    union { /* at a multiple of 16 bytes */
        uint32_t clock[LEAF];
        struct vc_node *child[FAN];
    };
};

#define HEAD      offsetof(struct vc_node, clock)
#define LEAF_SIZE (HEAD + LEAF * sizeof(uint32_t))
#define FAN_SIZE  (HEAD + FAN * sizeof(void *))

static struct pool leaves = POOL(LEAF_SIZE, "clock leaves");
static struct pool fans = POOL(FAN_SIZE, "clock nodes");

struct vc_node *vc_ref(struct vc_node *a)
{
    if (a)
        at_add_rlx(&a->refs, 1u); /* relaxed: the caller's own reference keeps a alive */
    return a;
}

void vc_unref(struct vc_node *a)
{
    if (a == NULL ||
        at_sub_acq_rel(&a->refs, 1u) != 1) /* [vc-last] the last user frees it after all others */
        return;
    if (a->level == 0) {
        pool_put(&leaves, a);
        return;
    }
    for (int i = 0; i < FAN; i++)
        vc_unref(a->child[i]);
    pool_put(&fans, a);
}

static bool unshared(const struct vc_node *a)
{
    return at_load_acq(&a->refs) == 1; /* [vc-last] after whoever shared it before let go */
}

static struct vc_node *make(uint32_t level)
{
    struct vc_node *a = pool_get(level == 0 ? &leaves : &fans);
    a->link = 0;
    a->refs = 1;
    a->level = level;
    return a;
}

static struct vc_node *make_zero(uint32_t level)
{
    struct vc_node *a = make(level);
    memset(a->clock, 0, (level == 0 ? LEAF_SIZE : FAN_SIZE) - HEAD);
    return a;
}

/* a, or a copy of it that the caller may change. */
static struct vc_node *own(struct vc_node *a)
{
    if (unshared(a))
        return a;
    struct vc_node *b = make(a->level);
    memcpy(b->clock, a->clock, (a->level == 0 ? LEAF_SIZE : FAN_SIZE) - HEAD);
    if (a->level > 0)
        for (int i = 0; i < FAN; i++)
            vc_ref(b->child[i]);
    vc_unref(a);
    return b;
}

static unsigned shift_of(uint32_t level)
{
    return LEAF_SHIFT + FAN_SHIFT * level; /* log2 of the slots below a node of that level */
}

uint32_t vc_get(const struct vc_node *a, uint32_t slot)
{
    if (a == NULL || slot >> shift_of(a->level) != 0)
        return 0;
    while (a->level > 0) {
        a = a->child[slot >> shift_of(a->level - 1) & (FAN - 1)];
        if (a == NULL)
            return 0;
    }
    return a->clock[slot & (LEAF - 1)];
}

/* A node of the given level whose first part is a. */
static struct vc_node *lift(struct vc_node *a, uint32_t level)
{
    while (a->level < level) {
        struct vc_node *up = make_zero(a->level + 1);
        up->child[0] = a;
        a = up;
    }
    return a;
}

static struct vc_node *raise(struct vc_node *a, uint32_t level, uint32_t slot, uint32_t clock)
{
    a = a ? own(a) : make_zero(level);
    if (level == 0) {
        uint32_t *v = &a->clock[slot & (LEAF - 1)];
        if (*v < clock)
            *v = clock;
    } else {
        struct vc_node **child = &a->child[slot >> shift_of(level - 1) & (FAN - 1)];
        *child = raise(*child, level - 1, slot, clock);
    }
    return a;
}

struct vc_node *vc_raise(struct vc_node *a, uint32_t slot, uint32_t clock)
{
    if (vc_get(a, slot) >= clock)
        return a;
    uint32_t level = a ? a->level : 0;
    while (slot >> shift_of(level) != 0)
        level++;
    return raise(a ? lift(a, level) : NULL, level, slot, clock);
}

/* Clocks have 24 bits, so that signed compares do, which every vector unit has. */
typedef int32_t lane __attribute__((vector_size(16), may_alias));
enum { LANES = LEAF * sizeof(uint32_t) / sizeof(lane) };

static bool any(lane v)
{
    uint64_t w[2];
    memcpy(w, &v, sizeof w);
    return (w[0] | w[1]) != 0;
}

static struct vc_node *join_leaf(struct vc_node *a, struct vc_node *b)
{
    const lane *x = (const lane *)a->clock, *y = (const lane *)b->clock;
    lane a_less = {0}, b_less = {0};
    for (int i = 0; i < LANES; i++) {
        a_less |= x[i] < y[i];
        b_less |= y[i] < x[i];
    }
    if (!any(a_less))
        return a;
    if (!any(b_less)) {
        vc_unref(a);
        return vc_ref(b);
    }
    a = own(a);
    for (lane *z = (lane *)a->clock; z < (lane *)a->clock + LANES; z++, y++) {
        lane less = *z < *y;
        *z = (*y & less) | (*z & ~less);
    }
    return a;
}

static struct vc_node *join(struct vc_node *a, struct vc_node *b);

static struct vc_node *join_fan(struct vc_node *a, struct vc_node *b)
{
    struct vc_node *child[FAN];
    bool is_a = true, is_b = true;
    bool in_place = unshared(a);
    for (int i = 0; i < FAN; i++) {
        struct vc_node *was = a->child[i];
        child[i] = join(in_place ? was : vc_ref(was), b->child[i]);
        if (in_place)
            a->child[i] = child[i];
        is_a &= child[i] == was;
        is_b &= child[i] == b->child[i];
    }
    if (is_b) {
        if (!in_place)
            for (int i = 0; i < FAN; i++)
                vc_unref(child[i]);
        vc_unref(a);
        return vc_ref(b);
    }
    if (in_place)
        return a;
    if (is_a) {
        for (int i = 0; i < FAN; i++)
            vc_unref(child[i]);
        return a;
    }
    struct vc_node *r = make(a->level);
    memcpy(r->child, child, sizeof child);
    vc_unref(a);
    return r;
}

/* Requires: equal levels, where neither is NULL. */
static struct vc_node *join(struct vc_node *a, struct vc_node *b)
{
    if (a == b || b == NULL)
        return a;
    if (a == NULL)
        return vc_ref(b);
    return a->level == 0 ? join_leaf(a, b) : join_fan(a, b);
}

static struct vc_node *join_low(struct vc_node *a, struct vc_node *b);

static struct vc_node *lift_or_join(struct vc_node *a, uint32_t level, struct vc_node *b)
{
    return a ? join_low(a, b) : lift(vc_ref(b), level);
}

/* Requires: b is not higher than a. */
static struct vc_node *join_low(struct vc_node *a, struct vc_node *b)
{
    if (a->level == b->level)
        return join(a, b);
    bool in_place = unshared(a);
    struct vc_node *was = a->child[0];
    struct vc_node *low = lift_or_join(in_place ? was : vc_ref(was), a->level - 1, b);
    if (in_place) {
        a->child[0] = low;
    } else if (low == was) {
        vc_unref(low);
    } else {
        a = own(a);
        vc_unref(a->child[0]);
        a->child[0] = low;
    }
    return a;
}

struct vc_node *vc_join(struct vc_node *a, struct vc_node *b)
{
    if (a == b || b == NULL)
        return a;
    if (a == NULL)
        return vc_ref(b);
    return join_low(lift(a, b->level), b);
}

size_t vc_nodes(void)
{
    return pool_in_use(&leaves) + pool_in_use(&fans);
}

/* ---- weighing ---- */

enum { LEVELS = 8 };

struct vc_weighing {
    struct item {
        struct vc_node *node;
        uint32_t slot;  /* the first below it */
        uint32_t older; /* of its level; 0: none */
    } * item;           /* item[0] is none */
    size_t n, room;
    uint32_t latest[LEVELS];
};

struct vc_weighing *vc_weigh_begin(void)
{
    struct vc_weighing *w = pages_get(sizeof *w);
    w->n = 1;
    return w;
}

static void make_room(struct vc_weighing *w)
{
    size_t room = w->room ? 2 * w->room : 1024;
    struct item *bigger = pages_get(room * sizeof *bigger);
    if (w->room) {
        memcpy(bigger, w->item, w->n * sizeof *bigger);
        pages_put(w->item, w->room * sizeof *bigger);
    }
    w->item = bigger;
    w->room = room;
}

static void weigh(struct vc_weighing *w, struct vc_node *a, uint32_t slot, uint64_t weight)
{
    if (a->link == 0) {
        if (w->n >= w->room)
            make_room(w);
        w->item[w->n] = (struct item){a, slot, w->latest[a->level]};
        w->latest[a->level] = (uint32_t)w->n++;
    }
    a->link += weight;
    a->link += a->link == 0; /* it must not look unweighed */
}

void vc_weigh(struct vc_weighing *w, struct vc_node *a, uint64_t weight)
{
    if (a != NULL)
        weigh(w, a, 0, weight);
}

void vc_weigh_end(struct vc_weighing *w,
                  void (*visit)(uint32_t slot, const uint32_t *clock, uint32_t n, uint64_t weight,
                                void *arg),
                  void *arg)
{
    for (uint32_t level = LEVELS; level-- > 0;)
        for (uint32_t i = w->latest[level]; i != 0; i = w->item[i].older) {
            struct vc_node *a = w->item[i].node;
            uint32_t slot = w->item[i].slot;
            if (level == 0)
                visit(slot, a->clock, LEAF, a->link, arg);
            for (uint32_t c = 0; level > 0 && c < FAN; c++)
                if (a->child[c])
                    weigh(w, a->child[c], slot + (c << shift_of(level - 1)), a->link);
        }
    for (size_t i = 1; i < w->n; i++)
        w->item[i].node->link = 0;
    if (w->room)
        pages_put(w->item, w->room * sizeof *w->item);
    pages_put(w, sizeof *w);
}

/* ---- breaks ---- */

uint32_t *vc_breaks;

/* Caller holds the lock of slots.  Who reads a break too late does no harm before it knows the
 * epoch or a later one of the slot; and knowledge passes on by the locks of objects. */
void vc_break(uint64_t epoch)
{
    uint32_t *b = vc_breaks;
    if (b == NULL) {
        b = pages_get(sizeof *b * (SLOT_MAX + 1));
        at_store_rlx(&vc_breaks, b); /* relaxed: see above; fresh pages read as no breaks */
    }
    at_store_rlx(&b[w_slot(epoch)], w_clock(epoch)); /* relaxed: see above */
}

/* ---- snaps ---- */

void snap_copy(struct snap *dst, const struct snap *src)
{
    struct vc_node *old = dst->vc;
    if (old != src->vc) {
        dst->vc = vc_ref(src->vc);
        vc_unref(old);
    }
    dst->epoch = src->epoch;
    dst->late = src->late;
}

void snap_clear(struct snap *s)
{
    vc_unref(s->vc);
    *s = (struct snap){0};
}

/* s has no late epoch any more, but a clock that says it. */
static void settle(struct snap *s)
{
    if (s->late != 0)
        s->vc = vc_raise(s->vc, w_slot(s->late), w_clock(s->late));
    s->late = 0;
}

/* s learns that the epoch (0: none) has happened. */
static void snap_raise(struct snap *s, uint64_t epoch)
{
    if (epoch == 0 || snap_knows(s, epoch))
        return;
    if (w_slot(s->late) != w_slot(epoch))
        settle(s);
    s->late = epoch;
}

/* s learns all of src but its epoch. */
static void snap_join(struct snap *s, const struct snap *src)
{
    if (s->vc != src->vc) {
        uint64_t late = s->late;
        s->late = 0; /* it may be no more than what follows brings */
        s->vc = vc_join(s->vc, src->vc);
        snap_raise(s, late);
    }
    snap_raise(s, src->late);
}

void snap_acquire(struct snap *dst, const struct snap *src)
{
    if (src->epoch != 0 && snap_implies(dst, src->epoch))
        return; /* the one moment implies all of src */
    snap_join(dst, src);
    snap_raise(dst, src->epoch);
}

/* The snap becomes no moment's. */
static void drop_epoch(struct snap *s)
{
    uint64_t epoch = s->epoch;
    s->epoch = 0;
    snap_raise(s, epoch);
}

void snap_merge(struct snap *dst, const struct snap *src)
{
    if (snap_empty(src))
        return;
    if (snap_empty(dst) || (dst->epoch != 0 && snap_implies(src, dst->epoch))) {
        snap_copy(dst, src);
        return;
    }
    if (dst->epoch != 0) {
        if (src->epoch != 0 && snap_implies(dst, src->epoch))
            return;
        drop_epoch(dst);
    }
    snap_join(dst, src);
    snap_raise(dst, src->epoch);
}

/* ---- flows ---- */

static void origins_add(struct origins *o, uint64_t epoch)
{
    if (o->n < ORIGINS)
        o->epoch[o->n++] = epoch;
    else
        o->n = ORIGINS_UNKNOWN;
}

static bool origins_known(const struct origins *o, const struct snap *s)
{
    if (o->n == ORIGINS_UNKNOWN)
        return false;
    for (unsigned i = 0; i < o->n; i++)
        if (!snap_implies(s, o->epoch[i]))
            return false;
    return true;
}

/* The flow has learned all of src. */
static void origins_learn(struct origins *o, const struct snap *src)
{
    unsigned kept = 0;
    if (src->epoch == 0) { /* many moments */
        o->n = ORIGINS_UNKNOWN;
        return;
    }
    if (o->n == ORIGINS_UNKNOWN)
        return;
    for (unsigned i = 0; i < o->n; i++)
        if (!snap_implies(src, o->epoch[i]))
            o->epoch[kept++] = o->epoch[i];
    o->n = kept;
    origins_add(o, src->epoch);
}

/* s knows all that c knows, but for c's present moment. */
static bool is_known(const struct flow_clock *c, const struct snap *s)
{
    return origins_known(&c->since_begin, s) || origins_known(&c->since_release, s);
}

void flow_begin(struct flow_clock *c, struct flow_clock *by)
{
    settle(&by->now); /* once for all that it begins */
    c->now.vc = vc_ref(by->now.vc);
    snap_raise(&c->now, by->now.epoch);
    c->since_begin.n = 0;
    origins_add(&c->since_begin, by->now.epoch);
    c->since_release = c->since_begin;
}

void flow_move(struct flow_clock *c, uint64_t epoch)
{
    uint64_t was = c->now.epoch;
    c->now.epoch = epoch;
    snap_raise(&c->now, was);
    origins_add(&c->since_begin, was);
    c->since_release.n = 0;
    origins_add(&c->since_release, was);
}

/* a becomes equal to b where it is: two leaves, of which nobody else has a.  Several flows that
 * hand a lock round keep a leaf each, and need neither a new one nor the other's counter. */
static bool copy_leaf(struct vc_node *a, const struct vc_node *b)
{
    if (a == NULL || b == NULL || (a->level | b->level) != 0 || !unshared(a))
        return false;
    memcpy(a->clock, b->clock, LEAF_SIZE - HEAD);
    return true;
}

/* Flows that take turns share a trie, and each knows beside it no more than a moment of the other:
 * then s learns src's present, and that is all there is.  Otherwise false. */
static bool take_turn(struct snap *s, const struct snap *src)
{
    if (s->vc != src->vc || src->epoch == 0 ||
        (src->late != 0 && w_slot(src->late) != w_slot(s->epoch)) ||
        (s->late != 0 && w_slot(s->late) != w_slot(src->epoch)))
        return false;
    s->late = src->epoch;
    return true;
}

/* Takes over src's clock, which knows all that s does but for its present. */
static void take_over(struct snap *s, const struct snap *src)
{
    struct vc_node *was = s->vc;
    if (!copy_leaf(was, src->vc)) {
        s->vc = vc_ref(src->vc);
        vc_unref(was);
    }
    s->late = 0; /* src knows it */
    snap_raise(s, src->late);
    snap_raise(s, src->epoch);
}

void flow_acquire(struct flow_clock *c, const struct snap *src)
{
    if (snap_empty(src) || (src->epoch != 0 && snap_implies(&c->now, src->epoch)))
        return;
    if (!take_turn(&c->now, src)) {
        if (c->now.vc != src->vc && is_known(c, src))
            take_over(&c->now, src);
        else
            snap_acquire(&c->now, src);
    }
    origins_learn(&c->since_begin, src);
    origins_learn(&c->since_release, src);
}

void flow_release_merge(const struct flow_clock *c, struct snap *dst)
{
    bool replaces = snap_empty(dst) || (dst->epoch != 0 && snap_implies(&c->now, dst->epoch));
    if (replaces || !is_known(c, dst)) {
        snap_merge(dst, &c->now);
        return;
    }
    drop_epoch(dst);
    snap_raise(dst, c->now.epoch);
}
