/* abi_access.c - reads and writes as the compilers announce them.
 *
 * One function for each symbol; each is the fast path alone: find the cell, and return when the
 * present epoch has already recorded an access that covers this one.  Everything else is in
 * shadow_access_slow(), reached by a tail call. */
#include "abi.h"

/* w_covers() for masks that have all 16 bits but those of others: the same in one compare. */
static inline __attribute__((always_inline)) bool is_covered(uintptr_t p, unsigned others)
{
    uintptr_t base = shadow_find_fast(p);
    if (unlikely(base == 0))
        return false;
    /* relaxed: only this thread writes its own epoch */
    uint64_t w = at_load_rlx(shadow_cell(base, p));
    return ((w ^ rc_self.acc->clock.now.epoch) | others) == 0xffff;
}

static inline __attribute__((always_inline)) uint64_t masks_of(uintptr_t p, unsigned n)
{
    return (uint64_t)((1u << n) - 1) << (p & 7);
}

/* For n bytes of the word at p; turned, because a constant can be. */
static inline __attribute__((always_inline)) unsigned others_of(uintptr_t p, unsigned n, bool write)
{
    uint16_t at_0 = (uint16_t) ~(((1u << n) - 1) << (write ? 8 : 0));
    return n == 8 ? at_0 : (uint16_t)(at_0 << (p & 7) | at_0 >> (-(p & 7) & 15));
}

/* At most 8 bytes in two words.  Apart, so that the others need not hold what only this needs. */
static __attribute__((noinline)) void access_across(uintptr_t p, unsigned n, unsigned kind,
                                                    uintptr_t pc)
{
    uint64_t mask = masks_of(p, n);
    unsigned shift = kind & ACC_WRITE ? 8 : 0;
    if (unlikely(!is_covered(p, (uint16_t) ~((mask & 0xff) << shift))) ||
        unlikely(!is_covered(p + 7, (uint16_t) ~(mask >> 8 << shift))))
        shadow_access_slow(p, n, kind, pc);
}

static inline __attribute__((always_inline)) void access_here(void *addr, unsigned n, unsigned kind,
                                                              uintptr_t pc)
{
    uintptr_t p = (uintptr_t)addr;
    bool write = kind & ACC_WRITE;
    if (likely((p & 7) + n <= 8) && likely(is_covered(p, others_of(p, n, write))))
        return;
    if ((p & 7) + n <= 8)
        shadow_word_slow(p, w_masks((unsigned)masks_of(p, n), write), pc);
    else
        access_across(p, n, kind, pc);
}

/* 16 bytes are two words. */
static inline __attribute__((always_inline)) void access_16(void *addr, unsigned kind, uintptr_t pc)
{
    uintptr_t p = (uintptr_t)addr;
    unsigned others = kind & ACC_WRITE ? 0xff : 0xff00;
    if (likely((p & 7) == 0) && likely(is_covered(p, others)) && likely(is_covered(p + 8, others)))
        return;
    shadow_access_slow(p, 16, kind, pc);
}

#define ACCESS(name, n, kind)                        \
    EXPORT void name(void *p);                       \
    EXPORT_HOT void name(void *p)                    \
    {                                                \
        if ((n) == 16)                               \
            access_16(p, kind, CALLER_PC);           \
        else                                         \
            access_here(p, (n)&15, kind, CALLER_PC); \
    }

#define ACCESS_FAMILY(prefix, kind) \
    ACCESS(prefix##2, 2, kind)      \
    ACCESS(prefix##4, 4, kind)      \
    ACCESS(prefix##8, 8, kind)      \
    ACCESS(prefix##16, 16, kind)

#define ACCESS_FAMILY_1(prefix, kind) \
    ACCESS(prefix##1, 1, kind)        \
    ACCESS_FAMILY(prefix, kind)

ACCESS_FAMILY_1(__tsan_read, ACC_READ)
ACCESS_FAMILY_1(__tsan_write, ACC_WRITE)
ACCESS_FAMILY_1(__tsan_volatile_read, ACC_READ)
ACCESS_FAMILY_1(__tsan_volatile_write, ACC_WRITE)
ACCESS_FAMILY(__tsan_unaligned_read, ACC_READ)
ACCESS_FAMILY(__tsan_unaligned_write, ACC_WRITE)
ACCESS_FAMILY(__tsan_unaligned_volatile_read, ACC_READ)
ACCESS_FAMILY(__tsan_unaligned_volatile_write, ACC_WRITE)
ACCESS_FAMILY_1(__tsan_read_write, ACC_WRITE) /* a write conflicts with all that a read does */
ACCESS_FAMILY(__tsan_unaligned_read_write, ACC_WRITE)

/* How gcc announces what is not aligned: mostly a few bytes. */
static inline __attribute__((always_inline)) void access_range(void *p, unsigned long n,
                                                               unsigned kind, uintptr_t pc)
{
    if (likely(n - 1 < 8))
        access_here(p, (unsigned)n, kind, pc);
    else
        shadow_access_slow((uintptr_t)p, n, kind, pc);
}

EXPORT void __tsan_read_range(void *p, unsigned long n);
EXPORT void __tsan_read_range(void *p, unsigned long n)
{
    access_range(p, n, ACC_READ, CALLER_PC);
}

EXPORT void __tsan_write_range(void *p, unsigned long n);
EXPORT void __tsan_write_range(void *p, unsigned long n)
{
    access_range(p, n, ACC_WRITE, CALLER_PC);
}

/* C++: the pointer to the table of virtual functions; setting it to what it is does no harm. */
EXPORT void __tsan_vptr_update(void **vptr, void *new_value);
EXPORT void __tsan_vptr_update(void **vptr, void *new_value)
{
    if (*vptr != new_value)
        shadow_access_slow((uintptr_t)vptr, sizeof *vptr, ACC_WRITE, CALLER_PC);
}

EXPORT void __tsan_vptr_read(void **vptr);
EXPORT void __tsan_vptr_read(void **vptr)
{
    shadow_access_slow((uintptr_t)vptr, sizeof *vptr, ACC_READ, CALLER_PC);
}
