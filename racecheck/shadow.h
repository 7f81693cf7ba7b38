/* shadow.h - where the detector keeps what it knows about each address.
 *
 * Address space is seen in regions of 1 GiB.  A region gets its shadow when first needed, wherever
 * it lies, so no memory layout is refused:
 *   cells   16 bytes for each 8-byte word: see cell.h
 *   marks    1 byte for each 512 bytes: which of the rest was used, so that memory can be
 *            declared fresh at the price of what was touched and not of its size
 *   objects  4 bytes for each word: first sync object there, see sync.h
 *   owners   4 bytes for each 4096 bytes: who may change the cells plainly, see owner.h
 * Pages of it cost memory when first written. */
#ifndef RC_SHADOW_H
#define RC_SHADOW_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "cell.h"
#include "check.h"
#include "owner.h"

#define REGION_SHIFT 30
#define REGION_SIZE  ((uintptr_t)1 << REGION_SHIFT)
#define REGIONS      (1u << (48 - REGION_SHIFT))
#define MARK_SHIFT   9
#define MARK_SIZE    ((uintptr_t)1 << MARK_SHIFT)

enum { MARK_CELLS = 1, MARK_OBJECTS = 2 };

#define SHADOW_CELLS   (REGION_SIZE * 2)
#define SHADOW_MARKS   (REGION_SIZE >> MARK_SHIFT)
#define SHADOW_OBJECTS (REGION_SIZE / 8 * sizeof(uint32_t))
#define SHADOW_OWNERS  ((REGION_SIZE >> OWNER_SHIFT) * sizeof(uint32_t))

extern uintptr_t shadow_region[REGIONS]; /* start of the region's shadow, or 0 */
extern uintptr_t shadow_fast[REGIONS];   /* the same for the fast path; all 0 while it is shut */

/* The i-th region's shadow, in the order in which they were made; 0: there are no more. */
uintptr_t shadow_nth(uint32_t i);

/* The region's shadow, made if need be. */
uintptr_t shadow_region_make(uintptr_t addr);

static inline uintptr_t shadow_find(uintptr_t addr)
{
    return at_load_acq(&shadow_region[addr >> REGION_SHIFT & (REGIONS - 1)]); /* [region] */
}

static inline uintptr_t shadow_find_fast(uintptr_t addr)
{
    return at_load_acq(&shadow_fast[addr >> REGION_SHIFT & (REGIONS - 1)]); /* [region] */
}

static inline uintptr_t shadow_get(uintptr_t addr)
{
    uintptr_t base = shadow_find(addr);
    return likely(base != 0) ? base : shadow_region_make(addr);
}

static inline uint64_t *shadow_cell(uintptr_t base, uintptr_t addr)
{
    return (uint64_t *)(base + (addr & (REGION_SIZE - 8)) * 2);
}

static inline uint8_t *shadow_mark(uintptr_t base, uintptr_t addr)
{
    return (uint8_t *)(base + SHADOW_CELLS + ((addr & (REGION_SIZE - 1)) >> MARK_SHIFT));
}

static inline uint32_t *shadow_object(uintptr_t base, uintptr_t addr)
{
    uintptr_t i = (addr & (REGION_SIZE - 1)) / 8;
    return (uint32_t *)(base + SHADOW_CELLS + SHADOW_MARKS) + i;
}

static inline uint32_t *shadow_owner(uintptr_t base, uintptr_t addr)
{
    uintptr_t i = (addr & (REGION_SIZE - 1)) >> OWNER_SHIFT;
    return (uint32_t *)(base + SHADOW_CELLS + SHADOW_MARKS + SHADOW_OBJECTS) + i;
}

/* What is set in any of SHADOW_WORDS words, for tables that are mostly zero. */
enum { SHADOW_WORDS = 8 };
typedef uint64_t shadow_word __attribute__((may_alias));
static inline uint64_t shadow_any(const shadow_word *word)
{
    uint64_t any = 0;
#pragma GCC unroll 8
    for (int i = 0; i < SHADOW_WORDS; i++)
        any |= at_load_acq(&word[i]); /* [owner] */
    return any;
}

/* The word at addr was freed, and not used since. */
static inline bool shadow_is_freed(uintptr_t addr)
{
    uintptr_t base = shadow_find(addr);
    if (base == 0)
        return false;
    if (at_load_acq(shadow_owner(base, addr)) & OWNER_FILLED) /* [owner] */
        return true;
    uint64_t site =
        at_load_rlx(&shadow_cell(base, addr)[1]); /* relaxed: who comes late sees less */
    return (site & SITE_SPECIAL) == SITE_FREE;
}

static inline void shadow_set_mark(uintptr_t base, uintptr_t addr, uint8_t mark)
{
    uint8_t *m = shadow_mark(base, addr);
    /* relaxed: only who has fresh memory clears it */
    if (unlikely((at_load_rlx(m) & mark) == 0))
        at_or_rlx(m, mark); /* relaxed: likewise */
}

/* ---- recording ---- */

/* Kinds of access, for all functions below. */
enum { ACC_READ = 0, ACC_WRITE = 1, ACC_ATOMIC = 2, ACC_FREE = 4 };

/* Records a plain access of the running context to bytes of one word that the fast path could not
 * dismiss, and reports its races.  masks as in an access word. */
void shadow_word_slow(uintptr_t p, uint64_t masks, uintptr_t pc);

/* Records a plain access of the running context to [p, p + n), and reports its races. */
void shadow_access_slow(uintptr_t p, size_t n, unsigned kind, uintptr_t pc);

/* Records c's access to [p, p + n) for any n. */
void shadow_access(struct rc_ctx *c, uintptr_t p, size_t n, unsigned kind, uintptr_t pc);

/* The same for an atomic of at most 16 bytes, but keeps the races for the caller to report with
 * shadow_report_atomic(), when it holds no lock any more. */
struct atomic_races {
    struct access a;
    uintptr_t addr[2];
    struct found found[2];
};
void shadow_access_atomic(struct rc_ctx *c, uintptr_t p, unsigned n, bool write, uintptr_t pc,
                          struct atomic_races *ret_races);
void shadow_report_atomic(const struct atomic_races *r);

/* ---- range.c: many words at once ---- */

/* Records access a, whose masks are those of a whole word, to the words from p on, which lie in one
 * page.  Reports races.  Requires: the calling thread is in rc_enter(). */
void range_access(struct access *a, uintptr_t p, size_t words);

/* Calls visit for each access that is recorded for any word.  Returns the number of words.  Records
 * that come while it runs may be missed.  Pages are borrowed from their owners meanwhile. */
uint64_t shadow_each_record(void (*visit)(uint64_t w, void *arg), void *arg);

/* The same, for words for which many accesses are recorded. */
void shadow_each_crowd_record(void (*visit)(uint64_t w, void *arg), void *arg);

/* Merges what is alike (cell_merge) in all words. */
void shadow_merge(const struct alike *k);

/* No access to [p, p + n) is known any more.  Whole words: bytes around the range in its first and
 * last word are kept. */
void shadow_reset(uintptr_t p, size_t n);

/* ---- changing a cell, for shadow.c and range.c ---- */

static inline void cell_give(uint64_t *cell, struct entry e)
{
    at_store_rel(&cell[1], e.site); /* [past] whoever sees the site sees the record */
    at_store_rel(&cell[0], e.w);    /* [cell] */
}

enum { CELL_WORDS = 2 }; /* 64-bit words of a cell */

/* The bits of the first word of a cell in which it must be like a's flow's own, with no bytes, for
 * a to take its place. */
static inline uint64_t cell_kept_by(const struct access *a)
{
    return (W_SLOT | 0xffff) & ~(a->masks | w_written(a->masks));
}

/* Takes a cell of a shared page and returns what was its first word. */
uint64_t cell_take(uint64_t *cell);

/* Where w is the only access that is known, and no free: after a it is a alone, since w is an
 * earlier access that a makes superfluous, or none. */
static inline bool cell_leaves_alone(uint64_t w, const struct access *a)
{
    if (w == 0)
        return true;
    return (w & ~(a->masks | a->masks >> 8) & 0xffff) == 0 && w != W_LOCKED &&
           (w & W_ATOMIC) >= (a->who & W_ATOMIC) &&
           (w_slot(w) == w_slot(a->who) || rc_ordered(a->c, w));
}

/* One access to a cell of a page that the thread owns.  It is inside. */
void cell_change_owned(uint64_t *cell, const struct access *a, struct found *found);

/* One access to a cell of a shared page.  The thread is inside. */
void cell_change_shared(uint64_t *cell, const struct access *a, struct found *found);

#endif
