/* dword.h - 16-byte compare and swap, without libatomic. */
#ifndef RC_DWORD_H
#define RC_DWORD_H

#include <stdbool.h>
#include <stdint.h>

typedef unsigned __int128 dword;

/* Sequentially consistent.  When *p was not *expected, stores what it was there. */
static inline bool dword_cas(volatile dword *p, dword *expected, dword desired)
{
    uint64_t lo = (uint64_t)*expected, hi = (uint64_t)(*expected >> 64);
    bool ok;
#if defined(__x86_64__)
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@cce"(ok), "+m"(*p), "+a"(lo), "+d"(hi)
                     : "b"((uint64_t)desired), "c"((uint64_t)(desired >> 64))
                     : "memory");
#elif defined(__aarch64__)
    uint64_t want_lo = lo, want_hi = hi, put_lo, put_hi;
    uint32_t failed;
    /* What was loaded counts as one value only when it could be stored again.  One block: a spilled
     * register between the two would end the reservation, again and again. */
    __asm__ volatile("1: ldaxp %[lo], %[hi], %[at]\n"
                     "   cmp   %[lo], %[want_lo]\n"
                     "   ccmp  %[hi], %[want_hi], #0, eq\n"
                     "   csel  %[put_lo], %[new_lo], %[lo], eq\n"
                     "   csel  %[put_hi], %[new_hi], %[hi], eq\n"
                     "   stlxp %w[failed], %[put_lo], %[put_hi], %[at]\n"
                     "   cbnz  %w[failed], 1b\n"
                     : [lo] "=&r"(lo), [hi] "=&r"(hi), [put_lo] "=&r"(put_lo),
                       [put_hi] "=&r"(put_hi), [failed] "=&r"(failed), [at] "+Q"(*p)
                     : [want_lo] "r"(want_lo), [want_hi] "r"(want_hi),
                       [new_lo] "r"((uint64_t)desired), [new_hi] "r"((uint64_t)(desired >> 64))
                     : "memory", "cc");
    ok = lo == want_lo && hi == want_hi;
#else
#error "no 16-byte compare and swap for this processor"
#endif
    if (!ok)
        *expected = (dword)hi << 64 | lo;
    return ok;
}

static inline dword dword_load(const volatile dword *p)
{
    dword v = 0;
    dword_cas((volatile dword *)p, &v, 0); /* stores 0 over 0, or nothing new */
    return v;
}

#endif
