/* sync.c - see sync.h.
 *
 * Atomics.  What a load acquires is decided by the store it reads from, and all operations on a
 * word are made under its lock, so "the last store" is exact: a location keeps the clocks of its
 * present release sequence (sequence.h).
 * Fences: a release fence keeps the clock of its moment, which the thread's later relaxed stores
 * release; relaxed loads gather what they read from, and an acquire fence joins that.
 * Locations of other sizes that overlap are joined by loads: what is read may come from any of
 * them.
 *
 * Lookup.  Each 8-byte word has a 32-bit index of its first object in the region's shadow; objects
 * of one word are chained.  Adding is a compare-and-swap at the head; removal happens only when
 * the memory is given out anew.  Objects come from one array and are only reused as objects, so
 * that a program that uses freed memory confuses nobody but itself. */
#include "sync.h"
#include "lockorder.h"
#include "pool.h"
#include "reread.h"
#include "sequence.h"
#include "shadow.h"
#include <string.h>

enum kind { HOST, ATOMIC };

struct loc {
    uint8_t off, size;
    uint8_t kind; /* enum kind, of an object's first one */
    struct sequence seq;
    struct loc *more;
};

/* A line of the cache. */
struct sync {
    uint32_t next;    /* index of the word's next object; 0: none */
    uint32_t lock;    /* spin; guards first and what hangs on it */
    uintptr_t addr;   /* of the object, or of the word for ATOMIC */
    struct loc first; /* HOST uses only first.seq.clock */
};
_Static_assert(sizeof(struct sync) == 64, "see above");

#define OBJECTS_MAX (1u << 27)

static struct sync *objects; /* set once by sync_init() */
static struct rt_lock free_lock;
static uint32_t n_objects, free_head; /* guarded by free_lock */
static struct pool locs = POOL(sizeof(struct loc), "atomic locations");

void sync_init(void)
{
    objects = pages_get(sizeof *objects * OBJECTS_MAX);
    n_objects = 1;
}

static uint32_t object_get(void)
{
    rt_lock(&free_lock);
    uint32_t i = free_head;
    if (i != 0)
        free_head = objects[i].next;
    else
        i = n_objects++;
    rt_unlock(&free_lock);
    rt_check(i < OBJECTS_MAX);
    return i;
}

static void object_put(uint32_t i)
{
    rt_lock(&free_lock);
    objects[i].next = free_head;
    free_head = i;
    rt_unlock(&free_lock);
}

static struct sync *search(uint32_t i, uintptr_t addr, enum kind kind)
{
    for (; i != 0; i = objects[i].next)
        if (objects[i].addr == addr && objects[i].first.kind == kind)
            return &objects[i];
    return NULL;
}

static struct sync *find(uintptr_t addr, enum kind kind)
{
    uintptr_t base = shadow_find(addr);
    if (base == 0)
        return NULL;
    return search(at_load_acq(shadow_object(base, addr)), addr, kind); /* [object] */
}

static struct sync *find_or_make(uintptr_t addr, enum kind kind)
{
    uintptr_t base = shadow_get(addr);
    uint32_t *head = shadow_object(base, addr);
    uint32_t first = at_load_acq(head); /* [object] */
    struct sync *s = search(first, addr, kind);
    if (likely(s != NULL))
        return s;
    uint32_t i = object_get();
    objects[i] = (struct sync){.addr = addr, .first.kind = kind};
    for (;;) {
        objects[i].next = first;
        if (at_cas_acq_rel(head, first, i)) /* [object] with its contents */
            break;
        first = at_load_acq(head); /* [object] */
        s = search(first, addr, kind);
        if (s != NULL) {
            object_put(i);
            return s;
        }
    }
    shadow_set_mark(base, addr, MARK_OBJECTS);
    return &objects[i];
}

static void clear(struct sync *s)
{
    spin_lock(&s->lock);
    sequence_clear(&s->first.seq);
    while (s->first.more) {
        struct loc *l = s->first.more;
        s->first.more = l->more;
        sequence_clear(&l->seq);
        pool_put(&locs, l);
    }
    s->first.size = 0;
    spin_unlock(&s->lock);
}

/* Objects in [from, to), which lies in one word. */
static void forget_word(uint32_t *head, uintptr_t from, uintptr_t to)
{
    uint32_t i = at_xchg_acq_rel(head, 0u), next; /* [object] */
    for (; i != 0; i = next) {
        struct sync *s = &objects[i];
        next = s->next;
        if (s->first.kind == HOST && (s->addr < from || s->addr >= to)) {
            s->next = at_load_rlx(head);              /* relaxed: a guess for the CAS */
            while (!at_cas_acq_rel(head, s->next, i)) /* [object] */
                s->next = at_load_rlx(head);          /* relaxed: likewise */
            continue;
        }
        if (s->first.kind == HOST) {
            lockorder_forget(s->addr);
            reread_forget(s->addr);
            held_forget(s->addr);
        }
        clear(s);
        object_put(i);
    }
}

static void forget_block(uintptr_t base, uintptr_t from, uintptr_t to)
{
    for (uintptr_t p = from; p < to; p = (p | 7) + 1) {
        uint32_t *head = shadow_object(base, p);
        uintptr_t end = (p | 7) + 1;
        if (at_load_rlx(head) != 0) /* relaxed: nobody else uses memory that is being given out */
            forget_word(head, p, end < to ? end : to);
    }
}

/* From p on, in one region: the end of the eights of marks that no object ever had. */
static uintptr_t skip_unmarked(uintptr_t base, uintptr_t p, uintptr_t to)
{
    const uint64_t objects_there = MARK_OBJECTS * UINT64_C(0x0101010101010101);
    uintptr_t end = (p | (REGION_SIZE - 1)) + 1, first = p & ~(8 * MARK_SIZE - 1);
    if (end > to)
        end = to;
    const shadow_word *eight = (const shadow_word *)shadow_mark(base, first), *from = eight;
    const shadow_word *last = eight + (end - 1 - first) / (8 * MARK_SIZE) + 1;
    while (last - eight >= SHADOW_WORDS && (shadow_any(eight) & objects_there) == 0)
        eight += SHADOW_WORDS;
    while (eight != last && (at_load_rlx(eight) & objects_there) == 0) /* relaxed: as below */
        eight++;
    if (eight == from)
        return p;
    uintptr_t at = first + (uintptr_t)(eight - from) * 8 * MARK_SIZE;
    return at < end ? at : end;
}

/* Within one mark. */
static void forget_marked(uintptr_t base, uintptr_t p, uintptr_t end)
{
    uint8_t *mark = shadow_mark(base, p);
    if (!(at_load_rlx(mark) & MARK_OBJECTS)) /* relaxed: see forget_block() */
        return;
    if (end - p == MARK_SIZE)
        at_and_rlx(mark, (uint8_t)~MARK_OBJECTS); /* relaxed: likewise */
    forget_block(base, p, end);
}

void sync_forget(uintptr_t p, size_t n)
{
    uintptr_t to = p + n;
    while (p < to) {
        uintptr_t base = shadow_find(p), from = p;
        if (base == 0) {
            p = (p | (REGION_SIZE - 1)) + 1;
            continue;
        }
        p = skip_unmarked(base, p, to);
        if (p != from)
            continue;
        uintptr_t next = (p | (MARK_SIZE - 1)) + 1, end = next < to ? next : to;
        forget_marked(base, p, end);
        p = end;
    }
}

/* ---- host objects ---- */

static inline bool does_not_count(const struct rc_ctx *c)
{
    return rc_is_silent(c) || c->no_sync;
}

static inline void note(struct rc_ctx *c, enum rc_event_kind kind, const void *obj, uintptr_t pc)
{
    if (pc != 0)
        journal_add_at(c, kind, obj, rc_site_here(c, pc));
    else
        journal_add(c, kind, obj);
}

/* c is busy. */
static inline __attribute__((always_inline)) void take(struct rc_ctx *c, struct sync *s)
{
    spin_lock(&s->lock);
    flow_acquire(&c->clock, &s->first.seq.clock);
    spin_unlock(&s->lock);
}

static inline __attribute__((always_inline)) void learn(struct rc_ctx *c, struct sync *s)
{
    struct rc_thread was = rc_enter();
    ctx_busy(c);
    take(c, s);
    ctx_idle(c);
    rc_leave(was);
}

void rc_acquire_at(struct rc_ctx *c, const void *obj, uintptr_t pc)
{
    struct sync *s;
    if (does_not_count(c) || (s = find((uintptr_t)obj, HOST)) == NULL)
        return;
    note(c, RC_EVENT_ACQUIRE, obj, pc);
    learn(c, s);
}

void rc_acquire(struct rc_ctx *c, const void *obj)
{
    rc_acquire_at(c, obj, 0);
}

void rc_begins_after(struct rc_ctx *c, const void *obj, const struct rc_arranged *by)
{
    struct sync *s;
    if (c == NULL)
        return;
    c->life->created_at = by->stack;
    c->life->arranged_by = by->flow;
    c->life->arranged_place = by->place;
    if ((s = find((uintptr_t)obj, HOST)) != NULL)
        learn(c, s);
}

enum release { REPLACE, MERGE, EXCHANGE };

static inline __attribute__((always_inline)) void release(struct rc_ctx *c, const void *obj,
                                                          enum release how, uintptr_t pc)
{
    if (does_not_count(c))
        return;
    if (how == EXCHANGE)
        note(c, RC_EVENT_ACQUIRE, obj, pc);
    note(c, RC_EVENT_RELEASE, obj, pc);
    struct rc_thread was = rc_enter();
    struct sync *s = find_or_make((uintptr_t)obj, HOST);
    ctx_busy(c);
    spin_lock(&s->lock);
    if (how == EXCHANGE)
        flow_acquire(&c->clock, &s->first.seq.clock);
    if (how == MERGE)
        flow_release_merge(&c->clock, &s->first.seq.clock);
    else
        snap_copy(&s->first.seq.clock, &c->clock.now);
    spin_unlock(&s->lock);
    rc_tick(c);
    ctx_idle(c);
    rc_leave(was);
}

void rc_release_at(struct rc_ctx *c, const void *obj, uintptr_t pc)
{
    release(c, obj, REPLACE, pc);
}

void rc_release(struct rc_ctx *c, const void *obj)
{
    release(c, obj, REPLACE, 0);
}

void rc_release_merge(struct rc_ctx *c, const void *obj)
{
    release(c, obj, MERGE, 0);
}

void rc_release_acquire(struct rc_ctx *c, const void *obj)
{
    release(c, obj, EXCHANGE, 0);
}

void rc_pass(struct rc_ctx *c, const void *to, const void *from)
{
    if (does_not_count(c))
        return;
    rc_site site = journal_site(c);
    journal_add_at(c, RC_EVENT_RELEASE, to, site);
    struct rc_thread was = rc_enter();
    struct sync *d = find_or_make((uintptr_t)to, HOST), *s = find((uintptr_t)from, HOST);
    ctx_busy(c);
    spin_lock(&d->lock);
    snap_copy(&d->first.seq.clock, &c->clock.now);
    spin_unlock(&d->lock);
    rc_tick(c);
    if (s) {
        journal_add_at(c, RC_EVENT_ACQUIRE, from, site);
        take(c, s);
    }
    ctx_idle(c);
    rc_leave(was);
}

void rc_pour(struct rc_ctx *c, const void *from, const void *to)
{
    struct sync *s = find((uintptr_t)from, HOST);
    if (s == NULL)
        return;
    struct rc_thread was = rc_enter();
    struct sync *d = find_or_make((uintptr_t)to, HOST);
    struct snap all = {0};
    ctx_busy(c);
    spin_lock(&s->lock);
    snap_copy(&all, &s->first.seq.clock);
    spin_unlock(&s->lock);
    spin_lock(&d->lock);
    snap_merge(&d->first.seq.clock, &all);
    spin_unlock(&d->lock);
    snap_clear(&all);
    ctx_idle(c);
    rc_leave(was);
}

/* As if each released into an object of its own and the other acquired that.  a is marked busy for
 * both: who is busy and waits for a second mark would keep a collection waiting for ever. */
void rc_meet(struct rc_ctx *a, struct rc_ctx *b, const void *obj)
{
    if (does_not_count(a) || does_not_count(b))
        return;
    rc_site at_a = journal_site(a), at_b = journal_site(b);
    struct rc_thread was = rc_enter();
    journal_add_at(a, RC_EVENT_RELEASE, obj, at_a);
    ctx_busy(a);
    flow_acquire(&b->clock, &a->clock.now);
    rc_tick(a);
    journal_add_at(b, RC_EVENT_ACQUIRE, obj, at_b);
    journal_add_at(b, RC_EVENT_RELEASE, obj, at_b);
    flow_acquire(&a->clock, &b->clock.now);
    rc_tick(b);
    journal_add_at(a, RC_EVENT_ACQUIRE, obj, at_a);
    ctx_idle(a);
    rc_leave(was);
}

/* ---- atomics ---- */

bool atom_acquires(int mo)
{
    return mo == __ATOMIC_ACQUIRE || mo == __ATOMIC_CONSUME || mo == __ATOMIC_ACQ_REL ||
           mo == __ATOMIC_SEQ_CST;
}

static bool releases(int mo)
{
    return mo == __ATOMIC_RELEASE || mo == __ATOMIC_ACQ_REL || mo == __ATOMIC_SEQ_CST;
}

bool atom_is_plain(uintptr_t addr, unsigned size)
{
    uintptr_t first = addr & ~(uintptr_t)7, last = (addr + size - 1) & ~(uintptr_t)7;
    return find(first, ATOMIC) == NULL && (first == last || find(last, ATOMIC) == NULL);
}

void atom_lock(struct rc_ctx *c, struct atom *a, uintptr_t addr, unsigned size)
{
    uintptr_t first = addr & ~(uintptr_t)7, last = (addr + size - 1) & ~(uintptr_t)7;
    a->word[0] = find_or_make(first, ATOMIC);
    a->word[1] = last != first ? find_or_make(last, ATOMIC) : NULL;
    a->off = addr & 7;
    a->size = (uint8_t)size;
    ctx_busy(c);
    spin_lock(&a->word[0]->lock); /* lower address first */
    if (a->word[1])
        spin_lock(&a->word[1]->lock);
}

void atom_unlock(struct rc_ctx *c, struct atom *a)
{
    if (a->word[1])
        spin_unlock(&a->word[1]->lock);
    spin_unlock(&a->word[0]->lock);
    ctx_idle(c);
}

/* The part of a in its i-th word. */
static void part_of(const struct atom *a, int i, uint8_t *ret_off, uint8_t *ret_size)
{
    uint8_t in_first = a->word[1] ? 8 - a->off : a->size;
    *ret_off = i == 0 ? a->off : 0;
    *ret_size = i == 0 ? in_first : a->size - in_first;
}

/* Clocks of one location of a word; made when absent.  Caller holds the word. */
static struct loc *loc_of(struct sync *s, uint8_t off, uint8_t size)
{
    struct loc *l = &s->first;
    if (l->size == 0) {
        l->off = off;
        l->size = size;
    }
    while (l->off != off || l->size != size) {
        if (l->more == NULL) {
            l->more = pool_get(&locs);
            *l->more = (struct loc){.off = off, .size = size};
        }
        l = l->more;
    }
    return l;
}

bool atom_loaded(struct rc_ctx *c, struct atom *a, int mo)
{
    bool found = false;
    for (int i = 0; i < 2 && a->word[i]; i++) {
        uint8_t off, size;
        part_of(a, i, &off, &size);
        for (struct loc *l = &a->word[i]->first; l; l = l->more) {
            if (l->off >= off + size || off >= l->off + l->size || snap_empty(&l->seq.clock))
                continue;
            found = true;
            if (atom_acquires(mo))
                flow_acquire(&c->clock, &l->seq.clock);
            else
                snap_merge(&c->fence_acq, &l->seq.clock);
        }
    }
    return found;
}

bool atom_stored(struct rc_ctx *c, struct atom *a, int mo, bool rmw)
{
    const struct snap *given = releases(mo) ? &c->clock.now : &c->fence_rel;
    for (int i = 0; i < 2 && a->word[i]; i++) {
        uint8_t off, size;
        part_of(a, i, &off, &size);
        struct loc *l = loc_of(a->word[i], off, size);
        if (!rmw && releases(mo)) {
            sequence_begin(&l->seq, given);
            continue;
        }
        if (!rmw)
            sequence_end(&l->seq, c);
        if (!snap_empty(given))
            sequence_add(&l->seq, c, given);
    }
    return releases(mo);
}

void sync_fence(struct rc_ctx *c, int mo, uintptr_t pc)
{
    ctx_busy(c);
    if (atom_acquires(mo)) {
        flow_acquire(&c->clock, &c->fence_acq);
        snap_clear(&c->fence_acq);
    }
    if (releases(mo)) {
        snap_copy(&c->fence_rel, &c->clock.now);
        journal_add_at(c, RC_EVENT_FENCE, NULL, rc_site_here(c, pc));
        rc_tick(c);
    }
    ctx_idle(c);
}

static void each_clock(struct sync *s, void (*visit)(const struct snap *s, void *arg), void *arg)
{
    spin_lock(&s->lock); /* its memory may be given out anew meanwhile */
    for (struct loc *l = &s->first; l; l = l->more)
        sequence_each_clock(&l->seq, visit, arg);
    spin_unlock(&s->lock);
}

void sync_each_clock(void (*visit)(const struct snap *s, void *arg), void *arg)
{
    rt_lock(&free_lock);
    uint32_t n = n_objects;
    rt_unlock(&free_lock);
    for (uint32_t i = 1; i < n; i++)
        each_clock(&objects[i], visit, arg);
}
