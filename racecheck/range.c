/* range.c - many words at once: copies, strings, blocks given back, memory declared fresh.
 *
 * What a word of a range needs most often is nothing: the present epoch has covered it.  Next, that
 * the flow's own earlier access be replaced.  Both are done in loops without calls, for as many
 * words of a page as the thread owns; everything else goes through cell.c, word by word. */
#include "alike.h"
#include "counters.h"
#include "crowd.h"
#include "fill.h"
#include "memo.h"
#include "race.h"
#include "shadow.h"
#include <string.h>

enum {
    AT_ONCE = 8, /* cells that are compared at once */
    OWNERS_AT_ONCE = SHADOW_WORDS * sizeof(uint64_t) / sizeof(uint32_t),
    MARK_CELLS_N = MARK_SIZE / 8,
};

/* The first cell of [cell, end) for which the first words' bits in mask are not want. */
static uint64_t *skip_covered(uint64_t *cell, const uint64_t *end, uint64_t want, uint64_t mask)
{
    for (; end - cell >= AT_ONCE * CELL_WORDS; cell += AT_ONCE * CELL_WORDS) {
        uint64_t differ = 0;
#pragma GCC unroll 8
        for (int i = 0; i < AT_ONCE; i++)
            differ |= at_load_rlx(&cell[i * CELL_WORDS]) ^ want; /* relaxed: as the fast path */
        if (differ & mask)
            break;
    }
    while (cell != end && ((at_load_rlx(cell) ^ want) & mask) == 0) /* relaxed: likewise */
        cell += CELL_WORDS;
    return cell;
}

/* One cell that is not simply replaced.  Returns whether the page is still owned. */
static bool change(uint64_t *cell, uintptr_t word, bool owned, const struct access *a)
{
    struct found found;
    found.n = found.bytes = 0;
    if (owned)
        cell_change_owned(cell, a, &found);
    else
        cell_change_shared(cell, a, &found);
    if (likely(found.n == 0))
        return owned;
    owner_leave();
    race_found(a, word, &found);
    return owner_enter(shadow_owner(shadow_find(word), word));
}

/* Cells from cell on, as long as each is simply replaced: those of a page that is owned.  Returns
 * the first that is not. */
static uint64_t *replace(uint64_t *cell, const uint64_t *end, const struct access *a)
{
    const struct entry e = {a->who | a->masks, a->site};
    uint64_t slot = a->who & W_SLOT, keep = cell_kept_by(a);
    for (; cell != end; cell += CELL_WORDS) {
        uint64_t w = cell[0];
        if (w != 0 && ((w ^ slot) & keep) != 0)
            break;
        if (cell[1] & SITE_SPECIAL)
            break;
        cell_give(cell, e);
    }
    return cell;
}

/* The same for a page that is shared. */
static uint64_t *replace_shared(uint64_t *cell, const uint64_t *end, const struct access *a)
{
    const struct entry e = {a->who | a->masks, a->site};
    uint64_t slot = a->who & W_SLOT, keep = cell_kept_by(a);
    for (; cell != end; cell += CELL_WORDS) {
        uint64_t w = at_load_rlx(cell); /* relaxed: the exchange decides */
        if (w != 0 && ((w ^ slot) & keep) != 0)
            break;
        if (!at_cas_acq(cell, w, W_LOCKED)) /* [cell] */
            break;
        if (cell[1] & SITE_SPECIAL) {
            at_store_rel(cell, w); /* [cell] it is as it was */
            break;
        }
        cell_give(cell, e);
    }
    return cell;
}

static void set_marks(uintptr_t base, uintptr_t p, size_t words)
{
    for (uintptr_t m = p & ~(MARK_SIZE - 1); m < p + words * 8; m += MARK_SIZE)
        shadow_set_mark(base, m, MARK_CELLS);
}

void range_access(struct access *a, uintptr_t p, size_t words)
{
    uintptr_t base = shadow_get(p);
    uint64_t *first = shadow_cell(base, p), *cell = first, *end = first + words * CELL_WORDS;
    uint64_t want = a->who | a->masks, mask = W_WHO | a->masks;
    bool is_free = (a->site & SITE_FREE) != 0; /* is recorded in any case, as what it is */
    if (!is_free)
        cell = skip_covered(cell, end, want, mask);
    counters_saw(words, (uint64_t)(cell - first) / CELL_WORDS);
    if (cell == end)
        return;
    if (is_free && words * 8 == OWNER_PAGE && fill_page(shadow_owner(base, p), base, a))
        return;
    set_marks(base, p, words);
    bool owned = owner_enter(shadow_owner(base, p));
    while (cell != end) {
        cell = owned ? replace(cell, end, a) : replace_shared(cell, end, a);
        if (cell == end)
            break;
        if (is_free || ((at_load_rlx(cell) ^ want) & mask) != 0) /* relaxed: as above */
            owned = change(cell, p + (uintptr_t)(cell - first) / CELL_WORDS * 8, owned, a);
        cell += CELL_WORDS;
    }
    owner_leave();
}

/* ---- fresh memory ---- */

static void reset_cell(uint64_t *cell, bool owned)
{
    if (at_load_rlx(cell) == 0) /* relaxed: nobody else uses memory that is being given out */
        return;
    uint64_t w = owned ? cell[0] : cell_take(cell);
    cell_drop((struct entry){w, cell[1]});
    cell_give(cell, (struct entry){0, 0});
}

/* All cells of a mark, owned. */
static void wipe(uint64_t *cell)
{
    uint64_t sites = 0;
    for (unsigned i = 0; i < MARK_CELLS_N; i++)
        sites |= cell[i * CELL_WORDS + 1];
    if (sites & SITE_PAST) {
        for (unsigned i = 0; i < MARK_CELLS_N; i++)
            reset_cell(cell + i * CELL_WORDS, true);
    } else {
        memset(cell, 0, MARK_CELLS_N * CELL_WORDS * sizeof *cell);
    }
}

/* Words of one mark; from and to are multiples of 8. */
static void reset_words(uintptr_t base, uintptr_t from, uintptr_t to, bool owned)
{
    uint8_t *mark = shadow_mark(base, from);
    if (!(at_load_rlx(mark) & MARK_CELLS)) /* relaxed: as in reset_cell() */
        return;
    if (to - from == MARK_SIZE) {
        at_and_rlx(mark, (uint8_t)~MARK_CELLS); /* relaxed: likewise */
        if (owned) {
            wipe(shadow_cell(base, from));
            return;
        }
    }
    for (uintptr_t p = from; p < to; p += 8)
        reset_cell(shadow_cell(base, p), owned);
}

/* Enters a page to reset cells of it.  A signal handler that interrupted its thread inside stays
 * there: what it resets is being given out, and not what the thread is at. */
static bool enter(uint32_t *page, bool *ret_leave)
{
    *ret_leave = !owner_is_inside();
    return *ret_leave ? owner_enter(page) : at_load_acq(page) == owner_mine->id; /* [owner] */
}

/* A fill would stand for what is reset, too. */
static void spread_filled(uint32_t *page)
{
    if (unlikely(at_load_rlx(page) & OWNER_FILLED)) /* relaxed: as in reset_cell() */
        fill_spread(page);
}

/* The page's cells say all: no fill does, not even one that somebody spreads or has borrowed. */
static bool is_settled(const uint32_t *page)
{
    uint32_t w = at_load_acq(page); /* [owner] */
    return w != OWNER_LEAVING && !(w & OWNER_FILLED);
}

static void reset_page(uintptr_t base, uintptr_t from, uintptr_t to)
{
    uint32_t *page = shadow_owner(base, from);
    if (to - from == OWNER_PAGE && fill_drop(page))
        return;
    spread_filled(page);
    bool leave, owned = enter(page, &leave);
    while (from < to) {
        uintptr_t next = (from | (MARK_SIZE - 1)) + 1;
        uintptr_t end = next < to ? next : to;
        reset_words(base, from, end, owned);
        from = end;
    }
    if (leave)
        owner_leave();
}

/* The pages from owner on, as many as are looked at at once, have no owner. */
static inline bool are_unowned(const uint32_t *owner)
{
    return (uintptr_t)owner % sizeof(uint64_t) == 0 && shadow_any((const shadow_word *)owner) == 0;
}

/* From the first page on, in one region: where the pages end that nobody ever changed a cell of. */
static uintptr_t skip_unowned(uintptr_t base, uintptr_t from, uintptr_t to)
{
    uintptr_t end = (from | (REGION_SIZE - 1)) + 1;
    if (end > to)
        end = to;
    const uint32_t *first = shadow_owner(base, from), *owner = first;
    const uint32_t *last = shadow_owner(base, end - 1) + 1;
    for (;;) {
        if (last - owner >= OWNERS_AT_ONCE && are_unowned(owner))
            owner += OWNERS_AT_ONCE;
        else if (owner != last && at_load_acq(owner) == OWNER_NONE) /* [owner] */
            owner++;
        else
            break;
    }
    if (owner == first)
        return from;
    from = (from & ~(uintptr_t)(OWNER_PAGE - 1)) + (uintptr_t)(owner - first) * OWNER_PAGE;
    return from < end ? from : end;
}

static void reset_range(uintptr_t from, uintptr_t to)
{
    while (from < to) {
        uintptr_t base = shadow_find(from);
        if (base == 0) {
            from = (from | (REGION_SIZE - 1)) + 1;
            continue;
        }
        uintptr_t at = skip_unowned(base, from, to);
        if (at == from) {
            uintptr_t next = (from | (OWNER_PAGE - 1)) + 1;
            at = next < to ? next : to;
            reset_page(base, from, at);
        }
        from = at;
    }
}

/* Takes the bytes of mask out of one word's state. */
static void reset_part(uintptr_t word, unsigned mask)
{
    uintptr_t base = shadow_find(word);
    if (base == 0)
        return;
    uint32_t *page = shadow_owner(base, word);
    uint64_t *cell = shadow_cell(base, word);
    spread_filled(page);
    if (is_settled(page) && at_load_rlx(cell) == 0) /* relaxed: as in reset_cell() */
        return;
    bool leave, owned = enter(page, &leave);
    uint64_t w = owned ? cell[0] : cell_take(cell);
    cell_give(cell, cell_without((struct entry){w, cell[1]}, mask));
    if (leave)
        owner_leave();
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
    reset_range(p, end & ~(uintptr_t)7);
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

static void visit_cell(struct walk *k, uint64_t *cell, bool owned)
{
    if (at_load_rlx(cell) == 0) /* relaxed: what comes now may be missed */
        return;
    if (k->crowds && !(at_load_rlx(&cell[1]) & SITE_PAST)) /* relaxed: likewise */
        return;
    uint64_t w = owned ? cell[0] : cell_take(cell);
    if (k->merge) {
        cell_give(cell, cell_merge((struct entry){w, cell[1]}, k->merge));
        return;
    }
    if (w != 0 && (cell[1] & SITE_PAST))
        visit_past(k, past_of(cell[1]));
    else if (w != 0 && !k->crowds)
        k->visit(w, k->arg);
    if (!owned)
        at_store_rel(cell, w); /* [cell] */
    k->words++;
}

static void visit_page(struct walk *k, uintptr_t base, uintptr_t page, bool owned)
{
    for (uintptr_t at = page; at < page + OWNER_PAGE; at += MARK_SIZE)
        if (at_load_rlx(shadow_mark(base, at)) & MARK_CELLS) /* relaxed: as in visit_cell() */
            for (uintptr_t p = at; p < at + MARK_SIZE; p += 8)
                visit_cell(k, shadow_cell(base, p), owned);
}

/* Neighbours that are borrowed at once. */
static void visit_pages(struct walk *k, uintptr_t base, uintptr_t first)
{
    struct owner_loan loan;
    owner_borrow(&loan, shadow_owner(base, first));
    for (unsigned i = 0; i < OWNER_TOGETHER; i++) {
        enum owner_may may = owner_may(&loan, i);
        if ((loan.was[i] & OWNER_FILLED) && !k->crowds)
            k->visit(fill_access(loan.was[i]), k->arg);
        if (may != OWNER_MAY_NOT)
            visit_page(k, base, first + i * OWNER_PAGE, may == OWNER_MAY_CHANGE);
    }
    owner_give_back(&loan);
}

static uint64_t walk(struct walk k)
{
    uintptr_t base;
    for (uint32_t i = 0; (base = shadow_nth(i)) != 0; i++) {
        for (uintptr_t at = 0; at < REGION_SIZE;) {
            uintptr_t used = skip_unowned(base, at, REGION_SIZE);
            if (used == REGION_SIZE)
                break;
            at = used & ~((uintptr_t)OWNER_TOGETHER * OWNER_PAGE - 1);
            visit_pages(&k, base, at);
            at += OWNER_TOGETHER * OWNER_PAGE;
        }
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
