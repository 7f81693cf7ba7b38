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
    uint64_t want_lo = lo, want_hi = hi;
    uint32_t failed;
    do {
        __asm__ volatile("ldaxp %0, %1, %2" : "=&r"(lo), "=&r"(hi) : "Q"(*p) : "memory");
        ok = lo == want_lo && hi == want_hi;
        uint64_t put_lo = ok ? (uint64_t)desired : lo, put_hi = ok ? (uint64_t)(desired >> 64) : hi;
        __asm__ volatile("stlxp %w0, %2, %3, %1"
                         : "=&r"(failed), "=Q"(*p)
                         : "r"(put_lo), "r"(put_hi)
                         : "memory");
    } while (failed);
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
