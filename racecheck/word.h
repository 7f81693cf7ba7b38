/* word.h - the packed words of the detector.
 *
 * An epoch is a moment in the life of one flow: (slot, clock).  A slot is a column of the vector
 * clocks; a context owns one at a time, and takes a new one when its clock is used up.
 *
 *   access word   63      62..40   39..16   15..8     7..0
 *                 atomic  slot 23  clock 24 written 8 touched 8
 *       Bit i of touched: byte i of the 8-byte word was read or written in this epoch; of written:
 *       it was written.  written is always a subset of touched, but for a free(), which has the
 *       atomic bit and no touched ones: it covers no access, so that even its own flow's next one
 *       is looked at.  0 is "no access"; all ones is a cell that somebody holds.  Slot 0 is
 *       nobody's; the two highest are never given out.
 *
 *   site word     63    62     61..32    31..0
 *                 past  free   node 30   pc 32
 *       Where the access was made: a node of the calling-context tree and the compressed innermost
 *       pc.  free: the access was a free() of the block.
 *       past: the rest of the word is the address of a struct past, which holds all accesses. */
#ifndef RC_WORD_H
#define RC_WORD_H

#include <stdbool.h>
#include <stdint.h>

#define W_SLOT_SHIFT  40
#define W_CLOCK_SHIFT 16
#define W_ATOMIC      (UINT64_C(1) << 63)
#define W_SLOT        (UINT64_C(0x7fffff) << W_SLOT_SHIFT)
#define W_EPOCH       (UINT64_C(0x7fffffffffff0000))
#define W_WHO         (~UINT64_C(0xffff)) /* epoch and the atomic bit */
#define W_LOCKED      UINT64_MAX

#define SITE_PAST     (UINT64_C(1) << 63)
#define SITE_FREE     (UINT64_C(1) << 62)
#define SITE_SPECIAL  (SITE_PAST | SITE_FREE) /* not one access that another may simply replace */

enum {
    SLOT_MAX = (1 << 23) - 3,    /* highest slot that is given out */
    SLOT_NOBODY = (1 << 23) - 2, /* the epoch of threads that record nothing; in no cell */
    CLOCK_MAX = (1 << 24) - 2,
};

static inline uint64_t w_epoch(uint32_t slot, uint32_t clock)
{
    return (uint64_t)slot << W_SLOT_SHIFT | (uint64_t)clock << W_CLOCK_SHIFT;
}

static inline uint32_t w_slot(uint64_t w)
{
    return (uint32_t)(w >> W_SLOT_SHIFT) & ((1u << 23) - 1);
}

static inline uint32_t w_clock(uint64_t w)
{
    return (uint32_t)(w >> W_CLOCK_SHIFT) & ((1u << 24) - 1);
}

/* Bytes that were read, written or freed. */
static inline unsigned w_touched(uint64_t w)
{
    return (w | w >> 8) & 0xff;
}

static inline unsigned w_written(uint64_t w)
{
    return w >> 8 & 0xff;
}

static inline uint64_t w_masks(unsigned mask, bool write)
{
    return write ? mask << 8 | mask : mask;
}

/* Of a free(). */
static inline uint64_t w_free_masks(unsigned mask)
{
    return W_ATOMIC | (uint64_t)mask << 8;
}

static inline bool w_is_atomic(uint64_t w)
{
    return (w & W_ATOMIC) && (w & 0xff) != 0;
}

/* The accesses of word w make one of these masks in that epoch unnecessary to record. */
static inline bool w_covers(uint64_t w, uint64_t epoch, uint64_t masks)
{
    return ((w ^ (epoch | masks)) & (W_WHO | masks)) == 0;
}

#endif
