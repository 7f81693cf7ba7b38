/* fill.c - see fill.h.
 *
 * A fill is counted by the pages that it stands for, and by the access while it goes on.  A page's
 * word changes to and from OWNER_FILLED by a compare-and-swap; who spreads a fill holds the page as
 * OWNER_LEAVING meanwhile, as who takes it from an owner does, and leaves it shared [owner].
 *
 * Rejected: fills of pages that were used (all their cells would have to be held at once). */
#include "fill.h"
#include "pool.h"
#include "shadow.h"

enum { FILLS = 1 << 18 };

struct fill {
    uint64_t w, site;
    uintptr_t base; /* the region's shadow */
    uint32_t refs;
    uint32_t next; /* the next free one */
};

static struct rt_lock lock; /* guards what follows, but not the fills in use */
static struct fill *fills;  /* [0] is none */
static uint32_t n_fills, free_head, n_used;

/* 0: there is none. */
static uint32_t get(void)
{
    rt_lock(&lock);
    if (fills == NULL) {
        fills = pages_get(FILLS * sizeof *fills);
        n_fills = 1;
    }
    uint32_t i = free_head;
    if (i != 0)
        free_head = fills[i].next;
    else if (n_fills < FILLS)
        i = n_fills++;
    n_used += i != 0;
    rt_unlock(&lock);
    return i;
}

static void unref(uint32_t i)
{
    if (at_sub_acq_rel(&fills[i].refs, 1u) != 1) /* [fill-last] reused after all other users */
        return;
    rt_lock(&lock);
    fills[i].next = free_head;
    free_head = i;
    n_used--;
    rt_unlock(&lock);
}

uint32_t fill_count(void)
{
    rt_lock(&lock);
    uint32_t n = n_used;
    rt_unlock(&lock);
    return n;
}

static void choose(struct access *a, uintptr_t base)
{
    if (a->fill != 0 && fills[a->fill].base == base)
        return;
    fill_done(a);
    a->fill = get();
    if (a->fill != 0)
        fills[a->fill] = (struct fill){a->who | a->masks, a->site, base, .refs = 1};
}

bool fill_page(uint32_t *page, uintptr_t base, struct access *a)
{
    if (at_load_rlx(page) != OWNER_NONE) /* relaxed: the exchange decides */
        return false;
    choose(a, base);
    if (a->fill == 0)
        return false;
    at_add_rlx(&fills[a->fill].refs, 1u); /* relaxed: the access holds one */
    if (at_cas_acq_rel(page, OWNER_NONE, OWNER_FILLED | a->fill)) /* [owner] with the fill */
        return true;
    unref(a->fill);
    return false;
}

void fill_done(const struct access *a)
{
    if (a->fill != 0)
        unref(a->fill);
}

/* Exchanges the word of a filled page.  Returns its fill, or 0. */
static uint32_t take(uint32_t *page, uint32_t word)
{
    uint32_t w = at_load_acq(page);                                /* [owner] */
    if ((w & OWNER_FILLED) == 0 || !at_cas_acq_rel(page, w, word)) /* [owner] */
        return 0;
    return w & ~OWNER_FILLED;
}

static void spread(uint32_t *page, const struct fill *f)
{
    uint32_t *first = shadow_owner(f->base, 0);
    uintptr_t at = (uintptr_t)(page - first) << OWNER_SHIFT;
    for (uintptr_t p = at; p < at + OWNER_PAGE; p += 8)
        cell_give(shadow_cell(f->base, p), (struct entry){f->w, f->site});
    for (uintptr_t p = at; p < at + OWNER_PAGE; p += MARK_SIZE)
        shadow_set_mark(f->base, p, MARK_CELLS);
}

void fill_spread(uint32_t *page)
{
    struct rc_thread was = rc_enter(); /* nobody forks meanwhile */
    uint32_t i = take(page, OWNER_LEAVING);
    if (i != 0) {
        spread(page, &fills[i]);
        at_store_rel(page, (uint32_t)OWNER_SHARED); /* [owner] */
        unref(i);
    }
    rc_leave(was);
}

bool fill_drop(uint32_t *page)
{
    uint32_t i = take(page, OWNER_NONE);
    if (i != 0)
        unref(i);
    return i != 0;
}

uint64_t fill_access(uint32_t word)
{
    return fills[word & ~OWNER_FILLED].w;
}
