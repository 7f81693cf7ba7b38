/* shadow.c - see shadow.h.
 *
 * Changing a cell.  The thread that owns the page (owner.h) changes the cell plainly.  On a shared
 * page every change is made by the thread that exchanged the cell's first word for W_LOCKED; it
 * writes the site word, then the new first word with release [cell].  Either way, of two accesses
 * on two CPUs at the same instant one comes second and sees the other.  An access that changes
 * nothing needs neither: the fast path compares the first word; the slow path asks the state that
 * the site word points to (cell_past_covers).  Both are sound because only the thread itself
 * records accesses of its own epoch.
 *
 * What a past was found to cover is remembered with its version: pasts are type-stable, and while
 * the version is the same so are the contents, or a crowd has grown.
 *
 * Rejected: a 16-byte compare-and-swap (records could be freed under a reader); no atomic update
 * at all, as TSan does (of two simultaneous accesses both may miss the other). */
#include "shadow.h"
#include "counters.h"
#include "fill.h"
#include "memo.h"
#include "pool.h"
#include "race.h"
#include <sched.h>
#include <string.h>

enum { SPINS = 100, KNOWN = 16, FEW_WORDS = 16 };

uintptr_t shadow_region[REGIONS], shadow_fast[REGIONS];
static uintptr_t made[REGIONS];
static uint32_t n_made; /* guarded by region_lock */
static struct rt_lock region_lock;

uintptr_t shadow_nth(uint32_t i)
{
    return i < REGIONS ? at_load_acq(&made[i]) : 0; /* [region] */
}

uintptr_t shadow_region_make(uintptr_t addr)
{
    uintptr_t *r = &shadow_region[addr >> REGION_SHIFT & (REGIONS - 1)];
    rt_lock(&region_lock);
    uintptr_t base = *r;
    if (base == 0) {
        base = (uintptr_t)pages_get(SHADOW_CELLS + SHADOW_MARKS + SHADOW_OBJECTS + SHADOW_OWNERS);
        at_store_rel(&made[n_made++], base); /* [region] */
        at_store_rel(r, base);               /* [region] */
        if (!counters_on)
            at_store_rel(&shadow_fast[r - shadow_region], base); /* [region] */
    }
    rt_unlock(&region_lock);
    return base;
}

uint64_t cell_take(uint64_t *cell)
{
    for (unsigned i = 0;; i++) {
        uint64_t w = at_load_rlx(cell); /* relaxed: the exchange decides */
        if (likely(w != W_LOCKED) && likely(at_cas_acq(cell, w, W_LOCKED))) /* [cell] */
            return w;
        if (i < SPINS)
            at_pause();
        else
            sched_yield();
    }
}

static struct entry next_by_state(struct entry old, const struct access *a, struct found *found)
{
    struct rc_thread was = rc_enter();
    struct entry next = cell_next(old, a, found);
    rc_leave(was);
    return next;
}

static struct entry next_of(struct entry old, const struct access *a, struct found *found)
{
    struct entry next;
    if (!cell_is_alone(old) && memo_find(old, a, &next))
        return next;
    return next_by_state(old, a, found);
}

void cell_change_owned(uint64_t *cell, const struct access *a, struct found *found)
{
    struct entry old = {cell[0], cell[1]};
    if (cell_leaves_alone(old.w, a) && (old.site & SITE_SPECIAL) == 0)
        cell_give(cell, (struct entry){a->who | a->masks, a->site});
    else
        cell_give(cell, next_of(old, a, found));
}

void cell_change_shared(uint64_t *cell, const struct access *a, struct found *found)
{
    uint64_t w = cell_take(cell), site = cell[1];
    if (cell_leaves_alone(w, a) && (site & SITE_SPECIAL) == 0)
        cell_give(cell, (struct entry){a->who | a->masks, a->site});
    else
        cell_give(cell, next_of((struct entry){w, site}, a, found));
}

/* ---- what pasts are known to cover ---- */

struct known {
    uint64_t site, epoch, masks;
    uint32_t version;
};

static __thread struct known known[KNOWN] __attribute__((tls_model("initial-exec")));

/* The state makes an access of masks in that epoch needless to record.  site has SITE_PAST. */
static inline bool is_covered(const uint64_t *site_word, uint64_t site, uint64_t epoch,
                              uint64_t masks)
{
    const struct past *p = past_of(site);
    struct known *k = &known[site >> 6 & (KNOWN - 1)];
    uint32_t version = at_load_acq(&p->version); /* [past] */
    if (k->site == site && k->epoch == epoch && (masks & ~k->masks) == 0 && k->version == version)
        return true;
    if (!cell_past_covers(site_word, site, epoch, masks))
        return false;
    if (at_load_rlx(&p->version) == version && (version & 1) == 0) /* relaxed: after an acquire */
        *k = (struct known){site, epoch, masks, version};
    return true;
}

/* ---- one word ---- */

/* Of no bytes yet.  Not returned: who copied it would wait for the words just written. */
static inline void access_init(struct access *a, struct rc_ctx *c, unsigned kind, uintptr_t pc)
{
    c->recorded = c->clock.now.epoch;
    a->c = c;
    a->who = c->clock.now.epoch | (kind & ACC_ATOMIC ? W_ATOMIC : 0);
    a->masks = 0;
    a->site = rc_site_held(c, pc) | (kind & ACC_FREE ? SITE_FREE : 0);
    a->fill = 0;
}

/* One access.  Requires: the thread is not inside. */
static void access_found(uint64_t *cell, uint32_t *page, const struct access *a,
                         struct found *found)
{
    found->n = found->bytes = 0;
    if (owner_enter(page))
        cell_change_owned(cell, a, found);
    else
        cell_change_shared(cell, a, found);
    owner_leave();
}

/* The same with its report. */
static void access_word(uint64_t *cell, uint32_t *page, uintptr_t word, const struct access *a)
{
    struct found found;
    access_found(cell, page, a, &found);
    if (unlikely(found.n != 0)) {
        struct rc_thread was = rc_enter();
        race_found(a, word, &found);
        rc_leave(was);
    }
}

/* The state has several accesses, and one of them makes the access needless to record. */
static inline bool word_is_covered(const uint64_t *cell, uint64_t epoch, uint64_t masks)
{
    uint64_t site = at_load_acq(&cell[1]); /* [past] */
    /* relaxed: the last recorder; when it was the flow itself, the fast path knew all of it */
    return (site & SITE_PAST) && ((at_load_rlx(cell) ^ epoch) & W_SLOT) != 0 &&
           is_covered(&cell[1], site, epoch, masks);
}

/* Whatever the state is. */
static __attribute__((noinline)) void word_hard(struct rc_ctx *c, uintptr_t p, uint64_t masks,
                                                uintptr_t pc)
{
    if (c->ignored[masks > 0xff] != 0 || owner_is_inside())
        return;
    uintptr_t word = p & ~(uintptr_t)7, base = shadow_get(word);
    uint64_t *cell = shadow_cell(base, word);
    if (word_is_covered(cell, c->clock.now.epoch, masks))
        return;
    struct access a;
    access_init(&a, c, 0, pc);
    a.masks = masks;
    shadow_set_mark(base, word, MARK_CELLS);
    access_word(cell, shadow_owner(base, word), word, &a);
}

/* Counts the access.  True: it is covered, as the fast path would have seen. */
static __attribute__((noinline)) bool is_counted(struct rc_ctx *c, uintptr_t base, uintptr_t p,
                                                 uint64_t masks)
{
    uint64_t w = base ? at_load_rlx(shadow_cell(base, p)) : 0; /* relaxed: as the fast path */
    bool covered = w_covers(w, c->clock.now.epoch, masks);
    if (c != &rc_nobody && c != &rc_inside)
        counters_add(1, covered);
    return covered;
}

static __attribute__((noinline)) bool remembered(struct entry old, const struct access *a,
                                                 struct entry *ret_next)
{
    return !cell_is_alone(old) && memo_find(old, a, ret_next);
}

/* Gives the cell its state after a, which is not a remembered one, and leaves the page. */
static __attribute__((noinline)) void word_done(uint64_t *cell, struct entry old,
                                                const struct access *a, uintptr_t p)
{
    struct found found;
    found.n = found.bytes = 0;
    cell_give(cell, next_by_state(old, a, &found));
    a->c->recorded = a->who;
    owner_leave();
    if (unlikely(found.n != 0)) {
        struct rc_thread was = rc_enter();
        race_found(a, p & ~(uintptr_t)7, &found);
        rc_leave(was);
    }
}

/* The cell of a shared page is the thread's, with what was its first word.  False: another thread
 * has it now. */
static inline bool cell_try(uint64_t *cell, uint64_t *ret_w)
{
    uint64_t w = *ret_w = at_load_rlx(cell);               /* relaxed: the exchange decides */
    return w != W_LOCKED && at_cas_acq(cell, w, W_LOCKED); /* [cell] */
}

/* The commonest case: a page of the thread's own, or one that is shared, and a cell that nobody
 * has.  An earlier access that the new one makes superfluous goes; or what was done to another word
 * lately is done to this one.  True: it is done. */
static inline __attribute__((always_inline)) bool
word_easy(struct rc_ctx *c, uintptr_t base, uintptr_t p, uint64_t masks, uintptr_t pc)
{
    if (unlikely(base == 0) || unlikely(c->ignored[masks > 0xff] != 0))
        return false;
    uint64_t *cell = shadow_cell(base, p), epoch = c->clock.now.epoch, site = rc_site_held(c, pc);
    struct entry old, next = {epoch | masks, site};
    enum owner_page page = owner_enter_now(shadow_owner(base, p));
    if (likely(page == OWNER_PAGE_MINE)) {
        old.w = cell[0];
    } else if (unlikely(page == OWNER_PAGE_OTHER)) {
        return false;
    } else if (word_is_covered(cell, epoch, masks)) {
        owner_leave();
        return true;
    } else if (unlikely(!cell_try(cell, &old.w))) {
        owner_leave();
        return false;
    }
    old.site = cell[1];
    bool done = (old.w & ~masks & 0xffff) == 0 && likely((old.site & SITE_SPECIAL) == 0) &&
                (((old.w ^ epoch) & W_SLOT) == 0 || (old.w != 0 && rc_ordered(c, old.w)));
    if (!done && (done = memo_is(memo_last->then, old, epoch, masks, site)))
        next = memo_use(memo_last->then);
    else if (!done && old.w != 0)
        done = remembered(old, &(struct access){.c = c, .who = epoch, .masks = masks, .site = site},
                          &next);
    if (unlikely(!done)) {
        shadow_set_mark(base, p, MARK_CELLS);
        word_done(cell, old, &(struct access){.c = c, .who = epoch, .masks = masks, .site = site},
                  p);
        return true;
    }
    cell_give(cell, next);
    c->recorded = epoch;
    owner_leave();
    return true;
}

void shadow_word_slow(uintptr_t p, uint64_t masks, uintptr_t pc)
{
    struct rc_ctx *c = rc_self.acc;
    uintptr_t base = shadow_find(p);
    if (unlikely(counters_on) && is_counted(c, base, p, masks))
        return;
    if (!word_easy(c, base, p, masks, pc))
        word_hard(c, p, masks, pc);
}

/* A plain access to bytes of one word, of which nothing is known yet. */
static void access_in_word(struct rc_ctx *c, uintptr_t p, uint64_t masks, uintptr_t pc)
{
    uintptr_t base = shadow_find_fast(p);
    if (likely(base != 0)) {
        /* relaxed: as the fast path, for whoever runs c keeps others from it */
        uint64_t w = at_load_rlx(shadow_cell(base, p));
        if (w_covers(w, c->clock.now.epoch, masks) || word_easy(c, base, p, masks, pc))
            return;
    } else if (unlikely(counters_on) && is_counted(c, shadow_find(p), p, masks)) {
        return;
    }
    word_hard(c, p, masks, pc);
}

/* ---- any number of bytes ---- */

static uint64_t masks_of(unsigned bytes, unsigned kind)
{
    return kind & ACC_FREE ? w_free_masks(bytes) : w_masks(bytes, kind & ACC_WRITE);
}

/* Bytes of one word, as a part of something larger. */
static void access_part(struct access *a, uintptr_t p, unsigned kind, uintptr_t pc)
{
    if ((kind & ~ACC_WRITE) == 0) {
        access_in_word(a->c, p, a->masks, pc);
        return;
    }
    uintptr_t word = p & ~(uintptr_t)7, base = shadow_get(word);
    counters_saw(1, 0);
    shadow_set_mark(base, word, MARK_CELLS);
    access_word(shadow_cell(base, word), shadow_owner(base, word), word, a);
}

/* Some bytes of one word, or the whole words up to the end of the page.  Returns how many bytes. */
static size_t access_some(struct access *a, uintptr_t p, size_t n, unsigned kind, uintptr_t pc)
{
    uintptr_t left = OWNER_PAGE - p % OWNER_PAGE;
    unsigned off = p & 7, here = n < 8 - off ? (unsigned)n : 8 - off;
    a->masks = masks_of(((1u << here) - 1) << off, kind);
    if (here == 8) {
        size_t words = (n < left ? n : left) / 8;
        range_access(a, p, words);
        return words * 8;
    }
    access_part(a, p, kind, pc);
    return here;
}

static inline bool is_plain(unsigned kind)
{
    return (kind & ~(unsigned)ACC_WRITE) == 0;
}

static bool is_unwanted(const struct rc_ctx *c, unsigned kind)
{
    return unlikely(c->ignored[(kind & ACC_WRITE) != 0] != 0);
}

static __attribute__((noinline)) void access_many(struct rc_ctx *c, uintptr_t p, size_t n,
                                                  unsigned kind, uintptr_t pc)
{
    struct rc_thread was = rc_enter();
    struct access a;
    access_init(&a, c, kind, pc);
    while (n > 0) {
        size_t done = access_some(&a, p, n, kind, pc);
        p += done;
        n -= done;
    }
    fill_done(&a);
    rc_leave(was);
}

/* 1 to 8 bytes of one or two words. */
static void access_few(struct rc_ctx *c, uintptr_t p, unsigned n, unsigned kind, uintptr_t pc)
{
    unsigned mask = ((1u << n) - 1) << (p & 7), over = mask >> 8;
    access_in_word(c, p, w_masks(mask & 0xff, kind & ACC_WRITE), pc);
    if (over != 0)
        access_in_word(c, p + 7, w_masks(over, kind & ACC_WRITE), pc);
}

/* Cells from cell on, of a page that the thread owns, as long as a is covered there or replaces an
 * earlier access of its own flow.  Returns the first where it is not so. */
static uint64_t *renew(uint64_t *cell, const uint64_t *end, const struct access *a)
{
    uint64_t want = a->who | a->masks, covered = W_WHO | a->masks, keep = cell_kept_by(a);
    for (; cell != end; cell += CELL_WORDS) {
        uint64_t w = cell[0], differ = w ^ want;
        if ((differ & covered) == 0)
            continue;
        if (w == 0 || (differ & keep) != 0 || (cell[1] & SITE_SPECIAL) != 0)
            break;
        cell_give(cell, (struct entry){want, a->site});
    }
    return cell;
}

/* A struct on the stack, say: whole words of one page.  Returns how many bytes are done. */
static __attribute__((noinline)) size_t words_easy(struct rc_ctx *c, uintptr_t p, size_t n,
                                                   unsigned kind, uintptr_t pc)
{
    uintptr_t base = shadow_find_fast(p), left = OWNER_PAGE - p % OWNER_PAGE;
    if (unlikely(base == 0)) /* or accesses are counted */
        return 0;
    struct access a = {.c = c, .who = c->clock.now.epoch, .site = rc_site_held(c, pc)};
    a.masks = w_masks(0xff, kind & ACC_WRITE);
    uint64_t *first = shadow_cell(base, p), *end = first;
    enum owner_page page = owner_enter_now(shadow_owner(base, p));
    if (unlikely(page == OWNER_PAGE_OTHER))
        return 0;
    if (likely(page == OWNER_PAGE_MINE)) {
        end = renew(first, first + (n < left ? n : left) / 8 * CELL_WORDS, &a);
        c->recorded = a.who;
    }
    owner_leave();
    return (size_t)(end - first) / CELL_WORDS * 8;
}

/* More than 8 bytes, or of a rarer kind. */
static __attribute__((noinline)) void access_more(struct rc_ctx *c, uintptr_t p, size_t n,
                                                  unsigned kind, uintptr_t pc)
{
    if (is_unwanted(c, kind) || unlikely(owner_is_inside()))
        return;
    size_t done = 0;
    if (is_plain(kind) && p % 8 == 0 && n <= FEW_WORDS * 8)
        done = words_easy(c, p, n, kind, pc);
    if (done != n)
        access_many(c, p + done, n - done, kind, pc);
}

static void access_any(struct rc_ctx *c, uintptr_t p, size_t n, unsigned kind, uintptr_t pc)
{
    if (n - 1 < 8 && is_plain(kind))
        access_few(c, p, (unsigned)n, kind, pc);
    else
        access_more(c, p, n, kind, pc);
}

void shadow_access_slow(uintptr_t p, size_t n, unsigned kind, uintptr_t pc)
{
    access_any(rc_self.acc, p, n, kind, pc);
}

void shadow_access(struct rc_ctx *c, uintptr_t p, size_t n, unsigned kind, uintptr_t pc)
{
    if (!rc_is_silent(c))
        access_any(c, p, n, kind, pc);
}

void shadow_access_atomic(struct rc_ctx *c, uintptr_t p, unsigned n, bool write, uintptr_t pc,
                          struct atomic_races *ret_races)
{
    struct atomic_races *r = ret_races;
    access_init(&r->a, c, ACC_ATOMIC, pc);
    r->found[0].n = r->found[0].bytes = 0;
    r->found[1].n = r->found[1].bytes = 0;
    if (unlikely(owner_is_inside()))
        return; /* a signal handler */
    for (int i = 0; n > 0; i++) {
        uintptr_t word = p & ~(uintptr_t)7, base = shadow_get(word);
        unsigned off = p & 7, here = n < 8 - off ? n : 8 - off;
        uint64_t *cell = shadow_cell(base, word);
        uint64_t site = at_load_acq(&cell[1]); /* [past] */
        r->a.masks = w_masks(((1u << here) - 1) << off, write);
        r->addr[i] = word;
        if (!w_covers(at_load_rlx(cell), r->a.who & W_EPOCH, r->a.masks) && /* relaxed: as ever */
            !((site & SITE_PAST) && cell_past_covers(&cell[1], site, r->a.who, r->a.masks))) {
            shadow_set_mark(base, word, MARK_CELLS);
            access_found(cell, shadow_owner(base, word), &r->a, &r->found[i]);
        }
        p += here;
        n -= here;
    }
}

void shadow_report_atomic(const struct atomic_races *r)
{
    for (int i = 0; i < 2; i++)
        if (unlikely(r->found[i].n != 0))
            race_found(&r->a, r->addr[i], &r->found[i]);
}
