/* shadow.c - see shadow.h.
 *
 * Taking a cell.  Every change of a cell is made by the thread that exchanged its first word for
 * W_LOCKED; it writes the site word, then the new first word with release [cell].  So of two
 * accesses on two CPUs at the same instant one comes second and sees the other.  An access that
 * changes nothing needs no lock: the fast path compares the first word; the slow path asks the
 * state that the site word points to (cell_past_covers).  Both are sound because only the thread
 * itself records accesses of its own epoch.
 *
 * Rejected: a 16-byte compare-and-swap (records could be freed under a reader); no atomic update
 * at all, as TSan does (of two simultaneous accesses both may miss the other). */
#include "shadow.h"
#include "alike.h"
#include "crowd.h"
#include "memo.h"
#include "pool.h"
#include "race.h"
#include <sched.h>
#include <string.h>

enum { SPINS = 100 };

uintptr_t shadow_region[REGIONS];
static struct rt_lock region_lock;

uintptr_t shadow_region_make(uintptr_t addr)
{
    uintptr_t *r = &shadow_region[addr >> REGION_SHIFT & (REGIONS - 1)];
    rt_lock(&region_lock);
    uintptr_t base = *r;
    if (base == 0) {
        base = (uintptr_t)pages_get(SHADOW_CELLS + SHADOW_MARKS + SHADOW_OBJECTS);
        at_store_rel(r, base); /* [region] */
    }
    rt_unlock(&region_lock);
    return base;
}

/* Takes the cell and returns what was its first word. */
static uint64_t take(uint64_t *cell)
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

static void give(uint64_t *cell, struct entry e)
{
    at_store_rel(&cell[1], e.site); /* [past] whoever sees the site sees the record */
    at_store_rel(&cell[0], e.w);    /* [cell] */
}

/* After a the state is a alone: the cell is empty, or its one access is an earlier one of the same
 * flow that a makes superfluous.  To be confirmed by the site word. */
static inline bool leaves_alone(uint64_t w, const struct access *a)
{
    if (w == 0)
        return true;
    return w_slot(w) == w_slot(a->who) && (w & W_ATOMIC) >= (a->who & W_ATOMIC) && w != W_LOCKED &&
           (w_touched(w) & ~w_touched(a->masks)) == 0 && (w_written(w) & ~w_written(a->masks)) == 0;
}

/* The cell, which the caller has taken, was {w, site}. */
static void step(uint64_t *cell, struct entry old, const struct access *a, struct found *found)
{
    struct entry next;
    if (!memo_find(old, a, &next)) {
        struct rc_thread was = rc_enter();
        next = cell_next(old, a, found);
        rc_leave(was);
    }
    give(cell, next);
}

/* Caller is not recorded: rc_self.acc is rc_nobody. */
static inline void cell_access(uint64_t *cell, const struct access *a, struct found *found)
{
    uint64_t w = at_load_rlx(cell); /* relaxed: only this thread writes its own epoch there */
    if (leaves_alone(w, a) && at_cas_acq(cell, w, W_LOCKED)) { /* [cell] */
        uint64_t site = cell[1];
        if (likely((site & SITE_PAST) == 0))
            give(cell, (struct entry){a->who | a->masks, a->site});
        else
            step(cell, (struct entry){w, site}, a, found);
        return;
    }
    if (w_covers(w, a->who & W_EPOCH, a->masks))
        return;
    uint64_t site = at_load_acq(&cell[1]); /* [past] */
    if ((site & SITE_PAST) && cell_past_covers(&cell[1], site, a->who, a->masks))
        return;
    w = take(cell);
    step(cell, (struct entry){w, cell[1]}, a, found);
}

static struct access access_of(struct rc_ctx *c, unsigned kind, uintptr_t pc)
{
    c->recorded = c->clock.now.epoch;
    return (struct access){
        .c = c,
        .who = c->clock.now.epoch | (kind & ACC_ATOMIC ? W_ATOMIC : 0),
        .site = rc_site_held(c, pc) | (kind & ACC_FREE ? SITE_FREE : 0),
    };
}

static void access_words(struct access *a, uintptr_t p, size_t n, bool write)
{
    struct found found;
    found.n = found.bytes = 0;
    while (n > 0) {
        uintptr_t word = p & ~(uintptr_t)7, base = shadow_get(word);
        unsigned off = p & 7, here = n < 8 - off ? (unsigned)n : 8 - off;
        a->masks = w_masks(((1u << here) - 1) << off, write);
        shadow_set_mark(base, word, MARK_CELLS);
        cell_access(shadow_cell(base, word), a, &found);
        if (unlikely(found.n != 0)) {
            race_found(a, word, &found);
            found.n = found.bytes = 0;
        }
        p += here;
        n -= here;
    }
}

static bool is_unwanted(const struct rc_ctx *c, unsigned kind)
{
    return unlikely((kind & ACC_WRITE ? c->no_writes : c->no_reads) != 0);
}

static __attribute__((noinline)) void access_many(struct rc_ctx *c, uintptr_t p, size_t n,
                                                  unsigned kind, uintptr_t pc)
{
    struct rc_thread was = rc_enter();
    struct access a = access_of(c, kind, pc);
    access_words(&a, p, n, kind & ACC_WRITE);
    rc_leave(was);
}

/* As access_words() for bytes of one word. */
static void access_one(struct rc_ctx *c, uintptr_t p, unsigned n, unsigned kind, uintptr_t pc)
{
    uintptr_t word = p & ~(uintptr_t)7, base = shadow_get(word);
    uint64_t masks = w_masks(((1u << n) - 1) << (p & 7), kind & ACC_WRITE);
    uint64_t *cell = shadow_cell(base, word);
    uint64_t site = at_load_acq(&cell[1]); /* [past] */
    if ((site & SITE_PAST) && cell_past_covers(&cell[1], site, c->clock.now.epoch, masks))
        return;
    struct found found;
    found.n = found.bytes = 0;
    rc_self.acc = &rc_nobody; /* as rc_enter(), in short */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    struct access a = access_of(c, kind, pc);
    a.masks = masks;
    shadow_set_mark(base, word, MARK_CELLS);
    cell_access(cell, &a, &found);
    if (unlikely(found.n != 0)) {
        struct rc_thread was = rc_enter();
        race_found(&a, word, &found);
        rc_leave(was);
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    rc_self.acc = c;
}

void shadow_access_slow(uintptr_t p, size_t n, unsigned kind, uintptr_t pc)
{
    struct rc_ctx *c = rc_self.acc;
    if (unlikely(c == &rc_nobody) || is_unwanted(c, kind) || unlikely(n == 0))
        return;
    if (likely((p & 7) + n <= 8))
        access_one(c, p, (unsigned)n, kind, pc);
    else
        access_many(c, p, n, kind, pc);
}

void shadow_access(struct rc_ctx *c, uintptr_t p, size_t n, unsigned kind, uintptr_t pc)
{
    if (rc_is_silent(c) || is_unwanted(c, kind))
        return;
    access_many(c, p, n, kind, pc);
}

void shadow_access_atomic(struct rc_ctx *c, uintptr_t p, unsigned n, bool write, uintptr_t pc,
                          struct atomic_races *ret_races)
{
    struct atomic_races *r = ret_races;
    r->a = access_of(c, ACC_ATOMIC, pc);
    r->found[0].n = r->found[0].bytes = 0;
    r->found[1].n = r->found[1].bytes = 0;
    for (int i = 0; n > 0; i++) {
        uintptr_t word = p & ~(uintptr_t)7, base = shadow_get(word);
        unsigned off = p & 7, here = n < 8 - off ? n : 8 - off;
        r->a.masks = w_masks(((1u << here) - 1) << off, write);
        r->addr[i] = word;
        shadow_set_mark(base, word, MARK_CELLS);
        cell_access(shadow_cell(base, word), &r->a, &r->found[i]);
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

/* ---- fresh memory ---- */

static void reset_cell(uint64_t *cell)
{
    if (at_load_rlx(cell) == 0) /* relaxed: nobody else uses memory that is being given out */
        return;
    uint64_t w = take(cell);
    cell_drop((struct entry){w, w ? cell[1] : 0});
    give(cell, (struct entry){0, 0});
}

/* Takes the bytes of mask out of one word's state. */
static void reset_bytes(uint64_t *cell, unsigned mask)
{
    if (at_load_rlx(cell) == 0) /* relaxed: as in reset_cell() */
        return;
    uint64_t w = take(cell);
    give(cell, cell_without((struct entry){w, cell[1]}, mask));
}

/* Words of one mark; from and to are multiples of 8. */
static void reset_words(uintptr_t base, uintptr_t from, uintptr_t to)
{
    for (uintptr_t p = from; p < to; p += 8)
        reset_cell(shadow_cell(base, p));
}

static void reset_marked(uintptr_t from, uintptr_t to)
{
    while (from < to) {
        uintptr_t next = (from | (MARK_SIZE - 1)) + 1;
        uintptr_t end = next < to ? next : to;
        uintptr_t base = shadow_find(from);
        if (base == 0) {
            from = (from | (REGION_SIZE - 1)) + 1;
            continue;
        }
        uint8_t *mark = shadow_mark(base, from);
        if (at_load_rlx(mark) & MARK_CELLS) { /* relaxed: as in reset_cell() */
            if (end - from == MARK_SIZE)
                at_and_rlx(mark, (uint8_t)~MARK_CELLS); /* relaxed: likewise */
            reset_words(base, from, end);
        }
        from = end;
    }
}

static void reset_part(uintptr_t word, unsigned mask)
{
    uintptr_t base = shadow_find(word);
    if (base != 0)
        reset_bytes(shadow_cell(base, word), mask);
}

void shadow_reset(uintptr_t p, size_t n)
{
    uintptr_t end = p + n;
    if (n == 0)
        return;
    if ((p & 7) != 0) {
        uintptr_t word = p & ~(uintptr_t)7;
        unsigned upto = end - word < 8 ? (unsigned)(end - word) : 8;
        reset_part(word, (0xff << (p & 7)) & (0xff >> (8 - upto)) & 0xff);
        p = word + 8;
    }
    if (p >= end)
        return;
    reset_marked(p, end & ~(uintptr_t)7);
    if ((end & 7) != 0)
        reset_part(end & ~(uintptr_t)7, 0xff >> (8 - (end & 7)));
}

/* ---- all records ---- */

struct walk {
    void (*visit)(uint64_t w, void *arg);
    void *arg;
    bool crowds;               /* only these */
    const struct alike *merge; /* or merge what is alike */
    uint64_t words;
    const struct past *past; /* the last one seen, and in which use of its block */
    uint32_t version;
};

static void visit_past(struct walk *k, const struct past *p)
{
    uint32_t version = at_load_rlx(&p->version); /* relaxed: the cell that refers to p is held */
    if ((p == k->past && version == k->version) || (k->crowds && p->n <= CROWD_MIN))
        return;
    for (uint32_t i = 0; i < p->n; i++)
        k->visit(p->e[i].w, k->arg);
    k->past = p;
    k->version = version;
}

static void visit_cell(struct walk *k, uint64_t *cell)
{
    if (at_load_rlx(cell) == 0) /* relaxed: what comes now may be missed */
        return;
    if (k->crowds && !(at_load_rlx(&cell[1]) & SITE_PAST)) /* relaxed: likewise */
        return;
    uint64_t w = take(cell);
    if (k->merge) {
        give(cell, cell_merge((struct entry){w, cell[1]}, k->merge));
        return;
    }
    if (w != 0 && (cell[1] & SITE_PAST))
        visit_past(k, past_of(cell[1]));
    else if (w != 0 && !k->crowds)
        k->visit(w, k->arg);
    at_store_rel(cell, w); /* [cell] */
    k->words++;
}

static void visit_region(struct walk *k, uintptr_t base)
{
    const uint64_t *marks = (const uint64_t *)shadow_mark(base, 0);
    for (size_t i = 0; i < SHADOW_MARKS / sizeof *marks; i++) {
        if (at_load_rlx(&marks[i]) == 0) /* relaxed: what comes now may be missed */
            continue;
        for (unsigned j = 0; j < 8; j++) {
            uintptr_t at = (i * 8 + j) * MARK_SIZE;
            if (at_load_rlx(shadow_mark(base, at)) & MARK_CELLS) /* relaxed: likewise */
                for (uintptr_t p = at; p < at + MARK_SIZE; p += 8)
                    visit_cell(k, shadow_cell(base, p));
        }
    }
}

static uint64_t walk(struct walk k)
{
    for (uint32_t r = 0; r < REGIONS; r++) {
        uintptr_t base = at_load_acq(&shadow_region[r]); /* [region] */
        if (base != 0)
            visit_region(&k, base);
    }
    return k.words;
}

uint64_t shadow_each_record(void (*visit)(uint64_t w, void *arg), void *arg)
{
    return walk((struct walk){.visit = visit, .arg = arg});
}

void shadow_each_crowd_record(void (*visit)(uint64_t w, void *arg), void *arg)
{
    walk((struct walk){.visit = visit, .arg = arg, .crowds = true});
}

void shadow_merge(const struct alike *k)
{
    walk((struct walk){.crowds = true, .merge = k});
}
