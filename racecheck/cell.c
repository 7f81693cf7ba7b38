/* cell.c - see cell.h.
 *
 * When is a recorded access E superfluous after an access A to the same byte?  When every later
 * access X that would be in a race with E is in one with A too:
 *   - E is ordered before A: if X is not ordered after E it is not ordered after A;
 *   - whatever conflicts with E conflicts with A: A writes or E only read; and A is not atomic or E
 *     is atomic.
 * By the same rule A need not be recorded when E has A's own epoch (then they are ordered alike
 * for all others) and covers it; and when A covers all of E and more, A alone is enough.  Nothing
 * else is ever dropped, with one exception: a write that is in a race with E takes E's place
 * although unordered, for the race has been found (FastTrack's rule). */
#include "cell.h"
#include "atomic.h"
#include "alike.h"
#include "crowd.h"
#include "memo.h"
#include "pool.h"
#include <string.h>

#define PAST_SIZE(cap) (sizeof(struct past) + (cap) * sizeof(struct entry))
#define PAST_POOL(cap) POOL(PAST_SIZE(cap), "access records")

enum { CAP_MIN_SHIFT = 1 };

static struct pool pools[] = {
    PAST_POOL(1 << 1),  PAST_POOL(1 << 2),  PAST_POOL(1 << 3),  PAST_POOL(1 << 4),
    PAST_POOL(1 << 5),  PAST_POOL(1 << 6),  PAST_POOL(1 << 7),  PAST_POOL(1 << 8),
    PAST_POOL(1 << 9),  PAST_POOL(1 << 10), PAST_POOL(1 << 11), PAST_POOL(1 << 12),
    PAST_POOL(1 << 13), PAST_POOL(1 << 14), PAST_POOL(1 << 15), PAST_POOL(1 << 16),
    PAST_POOL(1 << 17), PAST_POOL(1 << 18), PAST_POOL(1 << 19), PAST_POOL(1 << 20),
    PAST_POOL(1 << 21), PAST_POOL(1 << 22), PAST_POOL(1 << 23),
};

static struct pool *pool_for(uint32_t cap)
{
    return &pools[31 - __builtin_clz(cap) - CAP_MIN_SHIFT];
}

static uint32_t cap_for(uint32_t n)
{
    return n <= 2 ? 2 : 1u << (32 - __builtin_clz(n - 1));
}

/* p's contents are about to change: lock-free readers must not trust what they read. */
static void past_open(struct past *p)
{
    at_store_rlx(&p->version, p->version + 1); /* relaxed: the fence orders it */
    at_fence_rel();                            /* [past] odd version before the contents change */
    at_store_rlx(&p->n, 0u);                   /* relaxed: under an odd version */
}

static size_t crowd_bytes; /* relaxed: a counter */

size_t cell_crowd_bytes(void)
{
    return at_load_rlx(&crowd_bytes); /* relaxed: a counter */
}

/* dir: 1 or -1 */
static void count_bytes(uint32_t cap, int dir)
{
    if (cap > CROWD_MIN)
        at_add_rlx(&crowd_bytes, (size_t)dir * PAST_SIZE(cap)); /* relaxed: a counter */
}

static struct past *past_make(uint32_t n)
{
    uint32_t cap = cap_for(n);
    count_bytes(cap, 1);
    struct past *p = pool_get(pool_for(cap));
    p->refs = 1;
    p->cap = cap;
    past_open(p);
    return p;
}

static void past_add(struct past *p, struct entry e)
{
    rt_assert(p->n < p->cap);
    at_store_rlx(&p->e[p->n].w, e.w);       /* relaxed: under an odd version */
    at_store_rlx(&p->e[p->n].site, e.site); /* relaxed: likewise */
    at_store_rlx(&p->n, p->n + 1);          /* relaxed: likewise */
}

static void past_ready(struct past *p)
{
    at_store_rel(&p->version, p->version + 1); /* [past] */
}

void past_unref(struct past *p, uint32_t n)
{
    if (at_sub_acq_rel(&p->refs, n) != n) /* [past-last] freed after all other users */
        return;
    count_bytes(p->cap, -1);
    pool_put(pool_for(p->cap), p);
}

size_t cell_pasts(void)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof pools / sizeof pools[0]; i++)
        n += pool_in_use(&pools[i]);
    return n;
}

static void past_discard(struct past *p)
{
    past_ready(p);
    past_unref(p, 1);
}

void cell_drop(struct entry old)
{
    if (old.site & SITE_PAST)
        past_unref(past_of(old.site), 1);
}

/* Bytes of e that conflict with an access of masks; who as in struct access. */
static inline unsigned conflict(uint64_t e, uint64_t who, uint64_t masks)
{
    if ((who & W_ATOMIC) && w_is_atomic(e))
        return 0;
    return (w_touched(e) & w_written(masks)) | (w_written(e) & w_touched(masks));
}

/* Masks of e without the bytes that such an access makes superfluous, where e is ordered before
 * it. */
static inline uint64_t left_of(uint64_t e, uint64_t who, uint64_t masks)
{
    if ((who & W_ATOMIC) && !w_is_atomic(e))
        return e;
    unsigned gone = w_written(masks) | (w_touched(masks) & ~w_written(e));
    return e & ~(uint64_t)(gone << 8 | gone);
}

static void note_race(struct found *f, struct entry e, unsigned bytes)
{
    if (f->n < FOUND_FIRST || (bytes & ~f->bytes) != 0)
        f->e[f->n++] = e;
    f->bytes |= bytes;
}

uint64_t cell_check(struct entry e, const struct access *a, struct found *found)
{
    unsigned common = w_touched(e.w) & w_touched(a->masks);
    if (common == 0)
        return e.w;
    bool ordered = rc_ordered(a->c, e.w);
    unsigned bytes = ordered ? 0 : conflict(e.w, a->who, a->masks);
    if (ordered && (e.site & SITE_FREE)) /* no race, but news; see race_found() */
        note_race(found, e, common);
    if (bytes != 0) {
        note_race(found, e, bytes);
        if (w_written(a->masks) == 0)
            return e.w;
    } else if (!ordered) {
        return e.w;
    }
    uint64_t left = left_of(e.w, a->who, a->masks);
    return w_touched(left) ? left : 0;
}

/* Masks of a that e does not cover, if it is an entry of a's own epoch and no free. */
static uint64_t uncovered(struct entry e, const struct access *a, uint64_t masks)
{
    if (((e.w ^ a->who) & W_EPOCH) != 0 || ((e.w & W_ATOMIC) && !(a->who & W_ATOMIC)) ||
        (e.site & SITE_FREE))
        return masks;
    unsigned done = w_written(e.w) | (w_touched(e.w) & ~w_written(masks));
    return masks & ~(uint64_t)(done << 8 | done);
}

/* The new state under construction: room[] for a few, then a past. */
enum { FEW = CROWD_MIN };
struct build {
    uint32_t n;
    struct past *past;
    struct entry room[FEW];
};

static void build_add(struct build *b, struct entry e)
{
    if (b->past)
        past_add(b->past, e);
    else
        b->room[b->n] = e;
    b->n++;
}

/* The first word of a cell whose last recorder was in that epoch. */
static uint64_t summary(const struct past *p, uint64_t epoch)
{
    uint64_t w = epoch;
    for (uint32_t i = 0; i < p->n; i++)
        if (((p->e[i].w ^ w) & W_WHO) == 0)
            w |= p->e[i].w & 0xffff;
    return w;
}

static struct past *fill(struct past *p, const struct build *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        past_add(p, b->room[i]);
    past_ready(p);
    return p;
}

/* p, or its contents in a smaller block.  Both are under construction. */
static struct past *past_fitting(struct past *p)
{
    if (p->n >= p->cap / 4)
        return p;
    struct past *q = past_make(p->n * 2);
    for (uint32_t i = 0; i < p->n; i++)
        past_add(q, p->e[i]);
    q->head = p->head;
    q->tail_atomic = p->tail_atomic;
    past_discard(p);
    return q;
}

/* A past for the few entries of b.  mine: a past that only the cell refers to, or NULL; used up
 * when it is the one returned.  again: others like it will follow. */
static struct past *past_of_few(const struct build *b, struct past *mine, bool again)
{
    struct past *p = again ? memo_same(b->room, b->n) : NULL;
    if (p)
        return p;
    if (mine && !again && b->n <= mine->cap) {
        past_open(mine);
        return fill(mine, b);
    }
    p = fill(past_make(b->n), b);
    if (again)
        memo_keep(p);
    return p;
}

/* Few entries that were built in a past, for fear of more, move to room[]. */
static void build_shrink(struct build *b)
{
    memcpy(b->room, b->past->e, b->n * sizeof b->room[0]);
    past_discard(b->past);
    b->past = NULL;
}

static struct entry build_done(struct build *b, uint64_t epoch, struct past *mine, bool again)
{
    if (b->past && b->n <= FEW)
        build_shrink(b);
    if (b->past == NULL && b->n == 1)
        return b->room[0];
    if (b->past) {
        crowd_tidy(b->past);
        b->past = past_fitting(b->past);
        past_ready(b->past);
    } else {
        b->past = past_of_few(b, mine, again);
    }
    return (struct entry){summary(b->past, epoch), (uintptr_t)b->past | SITE_PAST};
}

/* e can take a's bytes: same epoch, same kind, same stack. */
static bool same_place(struct entry e, const struct access *a)
{
    return ((e.w ^ a->who) & W_WHO) == 0 && e.site == a->site;
}

/* e, of a's own epoch, is covered by the whole of a.  A free is not: what comes after it is news,
 * and its word, which has no touched bytes, would seem covered by another free. */
static bool is_outdone(struct entry e, const struct access *a)
{
    return w_covers(a->who | a->masks, e.w & W_WHO, e.w & 0xffff) && !(e.site & SITE_FREE);
}

/* a is checked for what is new of it, and takes the place of what it outdoes. */
static void build_next(struct build *b, const struct entry *old, uint32_t n, const struct access *a,
                       const struct access *news, struct found *found)
{
    bool placed = false;
    uint64_t masks = news->masks;
    if (n + 1 > FEW)
        b->past = past_make((n + 1) * 2); /* room for a crowd */
    for (uint32_t i = 0; i < n; i++)
        if (is_outdone(old[i], a))
            masks |= old[i].w & 0xffff;
    for (uint32_t i = 0; i < n; i++) {
        struct entry e = old[i];
        e.w = is_outdone(e, a) ? 0 : cell_check(e, news, found);
        if (e.w == 0)
            continue;
        if (!placed && same_place(e, a)) {
            e.w |= masks;
            placed = true;
        }
        build_add(b, e);
    }
    if (!placed)
        build_add(b, (struct entry){a->who | masks, a->site});
}

/* a without the bytes for which the state already has an access of the same epoch.  A free is news
 * in any case. */
static struct access news_of(const struct entry *old, uint32_t n, const struct access *a)
{
    struct access news = *a;
    for (uint32_t i = 0; i < n && !(a->site & SITE_FREE); i++)
        news.masks = uncovered(old[i], a, news.masks);
    return news;
}

/* The state's past, when nobody else can see it. */
static struct past *unshared_past(struct entry old)
{
    return cell_is_alone(old) ? past_of(old.site) : NULL;
}

/* The first word of a cell after a, if a is the only access of its epoch that is known. */
static uint64_t summary_of(const struct access *a)
{
    return a->who & W_ATOMIC ? a->who & W_EPOCH : a->who | a->masks;
}

/* The state that an access e which stays, or a part of it, becomes by a.  False: there is a race, a
 * free, or one epoch; nothing was done.  It is build_next() for the usual case. */
static bool past_begin(struct entry e, const struct access *a, struct entry *ret_next)
{
    uint64_t left = e.w, who = a->who, masks = a->masks;
    if (((e.w ^ who) & W_EPOCH) == 0 || ((e.site | a->site) & SITE_FREE))
        return false;
    if ((w_touched(e.w) & w_touched(masks)) != 0) {
        if (rc_ordered(a->c, e.w))
            left = left_of(e.w, who, masks);
        else if (conflict(e.w, who, masks))
            return false;
    }
    if (w_touched(left) == 0) {
        *ret_next = (struct entry){who | masks, a->site};
        return true;
    }
    struct past *p = past_make(2);
    past_add(p, (struct entry){left, e.site});
    past_add(p, (struct entry){who | masks, a->site});
    past_ready(p);
    *ret_next = (struct entry){summary_of(a), (uintptr_t)p | SITE_PAST};
    return true;
}

/* The state that old becomes by a when that can be done in its past of few entries, which only the
 * cell refers to, and which stays where it is, or goes when a alone is left: then the caller gives
 * it back.  False: there is a race, a free, or no room; nothing was done.  It is build_next() for
 * the usual case.
 *
 * Who looks without a lock asks for its own present epoch (cell_past_covers).  Of another flow such
 * an entry is not ordered before a, so that it stays; and of a's own epoch nobody else asks, and
 * what its entries covered is covered still.  So the version does not change. */
static bool past_renew(struct past *p, const struct access *a, struct entry *ret_next)
{
    uint64_t left[FEW], who = a->who, news = a->masks, sites = a->site, w = who & W_EPOCH;
    uint32_t n = 0, total = 0, had = p->n;
    bool own = false;
    for (uint32_t i = 0; i < had; i++) {
        sites |= p->e[i].site;
        if (((p->e[i].w ^ who) & W_EPOCH) == 0) {
            own = true;
            news = uncovered(p->e[i], a, news);
        }
    }
    if ((sites & SITE_FREE) || w_touched(news) == 0)
        return false;
    uint64_t masks = news;
    for (uint32_t i = 0; i < had; i++) {
        uint64_t e = p->e[i].w;
        if (own && is_outdone(p->e[i], a)) {
            masks |= e & 0xffff;
            e = 0;
        } else if ((w_touched(e) & w_touched(news)) != 0) {
            if (rc_ordered(a->c, e))
                e = left_of(e, who, news);
            else if (conflict(e, who, news))
                return false;
        }
        left[i] = e;
        total += w_touched(e) != 0;
    }
    if (total == 0) {
        *ret_next = (struct entry){who | masks, a->site};
        return true;
    }
    if (total == p->cap || total == FEW)
        return false;
    for (uint32_t i = 0; i < had; i++) {
        uint64_t e = left[i], site = p->e[i].site;
        if (w_touched(e) == 0)
            continue;
        if (((e ^ w) & W_WHO) == 0)
            w |= e & 0xffff;
        at_store_rlx(&p->e[n].w, e);         /* relaxed: see above */
        at_store_rlx(&p->e[n++].site, site); /* relaxed: likewise */
    }
    at_store_rlx(&p->e[n].w, who | masks); /* relaxed: before n */
    at_store_rlx(&p->e[n].site, a->site);  /* relaxed: likewise */
    at_store_rel(&p->n, n + 1);            /* [past] */
    w |= who & W_ATOMIC ? 0 : masks;
    *ret_next = (struct entry){w, (uintptr_t)p | SITE_PAST};
    return true;
}

struct entry cell_next(struct entry old, const struct access *a, struct found *found)
{
    if (old.w == 0)
        return (struct entry){a->who | a->masks, a->site};
    struct entry next;
    bool many = (old.site & SITE_PAST) != 0;
    const struct entry *e = many ? past_of(old.site)->e : &old;
    uint32_t n = many ? past_of(old.site)->n : 1;
    struct past *mine = unshared_past(old);
    bool again = n < FEW && memo_again(a); /* a crowd is not shared */
    if (!many && !again && past_begin(old, a, &next))
        return next;
    if (mine && !again && n <= FEW && past_renew(mine, a, &next)) {
        if (next.site != old.site)
            cell_drop(old);
        return next;
    }
    if (n > FEW && mine && crowd_append(mine, a, found))
        return (struct entry){summary_of(a), old.site};
    struct access news = news_of(e, n, a);
    if (w_touched(news.masks) == 0) {
        if (many)
            old.w = summary(past_of(old.site), a->who & W_EPOCH);
        return old;
    }
    struct build b = {.n = 0};
    build_next(&b, e, n, a, &news, found);
    next = build_done(&b, a->who & W_EPOCH, mine, again);
    if (again && found->n == 0)
        memo_learn(old, a, next);
    if (next.site != old.site)
        cell_drop(old);
    return next;
}

struct entry cell_without(struct entry old, unsigned mask)
{
    if (old.w == 0)
        return (struct entry){0, 0};
    bool many = (old.site & SITE_PAST) != 0;
    const struct entry *e = many ? past_of(old.site)->e : &old;
    uint32_t n = many ? past_of(old.site)->n : 1;
    struct build b = {.past = n > FEW ? past_make(n * 2) : NULL};
    for (uint32_t i = 0; i < n; i++) {
        uint64_t w = e[i].w & ~(uint64_t)(mask << 8 | mask);
        if (w_touched(w))
            build_add(&b, (struct entry){w, e[i].site});
    }
    struct entry next = {0, 0};
    if (b.n != 0)
        next = build_done(&b, old.w & W_EPOCH, NULL, false);
    else if (b.past)
        past_discard(b.past);
    cell_drop(old);
    return next;
}

/* ---- records that are alike ---- */

/* Where e is among the records of p that were kept, or would be; NULL: it is like no other. */
static uint32_t *place_in(uint32_t *table, uint32_t size, const struct past *p, struct entry e,
                          const struct alike *k)
{
    uint64_t class, other;
    if (!alike_class(k, e.w, &class))
        return NULL;
    uint64_t kind = e.w & (W_ATOMIC | 0xffff);
    uint64_t h = memo_mix(memo_mix(memo_mix(class) ^ e.site) ^ kind) >> 32;
    for (;; h++) {
        uint32_t i = table[h & (size - 1)];
        if (i == 0)
            return &table[h & (size - 1)];
        const struct entry *f = &p->e[i - 1];
        if (f->site == e.site && (f->w & (W_ATOMIC | 0xffff)) == kind &&
            alike_class(k, f->w, &other) && other == class)
            return &table[h & (size - 1)];
    }
}

struct entry cell_merge(struct entry old, const struct alike *k)
{
    struct past *p = unshared_past(old);
    if (old.w == 0 || p == NULL || p->n <= FEW)
        return old;
    struct build b = {.past = past_make(p->n * 2)};
    uint32_t size = 2 * b.past->cap;
    uint32_t *table = rc_alloc(size * sizeof *table); /* numbers from 1 of records kept */
    memset(table, 0, size * sizeof *table);
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t *place = place_in(table, size, b.past, p->e[i], k);
        if (place && *place != 0)
            continue;
        build_add(&b, p->e[i]);
        if (place)
            *place = b.n;
    }
    rc_free(table, size * sizeof *table);
    struct entry next = build_done(&b, old.w & W_EPOCH, NULL, false);
    cell_drop(old);
    return next;
}
