/* abi_atomic.c - C11 atomics.
 *
 * An operation is done under the lock of its word together with its bookkeeping, in this order:
 *   1. the operation itself;
 *   2. acquire, when it has read something released (then the check of step 3 knows of it too: a
 *      plain initialisation that precedes the release is ordered before this very operation);
 *   3. the access is recorded, with the epoch that step 4 releases;
 *   4. release, after which a new epoch begins.
 * Races found in step 3 are reported after the lock is given back.  The processor's own order is
 * the strongest always: the detector's cost hides the difference. */
#include "abi.h"
#include "dword.h"
#include "sync.h"

#define MO_MASK 0x7fff /* compilers put hints (lock elision) into the bits above */

struct op {
    struct rc_ctx *c;
    struct rc_thread was;
    uintptr_t addr, pc;
    struct atom atom;
};

/* False: nothing is recorded on this thread; the caller does the bare operation. */
static bool op_begin(struct op *o, const volatile void *p, unsigned size, uintptr_t pc)
{
    o->c = rc_self.ctx;
    if (rc_is_silent(o->c))
        return false;
    o->was = rc_enter();
    o->addr = (uintptr_t)p;
    o->pc = pc;
    atom_lock(o->c, &o->atom, o->addr, size);
    return true;
}

static void op_end(struct op *o, bool read, bool write, int mo)
{
    struct atomic_races races;
    mo &= MO_MASK;
    rc_site here = rc_site_here(o->c, o->pc);
    if (read && atom_loaded(o->c, &o->atom, mo))
        journal_add_at(o->c, atom_acquires(mo) ? RC_EVENT_LOAD : RC_EVENT_PEEK,
                       (const void *)o->addr, here);
    shadow_access_atomic(o->c, o->addr, o->atom.size, write, o->pc, &races);
    if (write && atom_stored(o->c, &o->atom, mo, read)) {
        journal_add_at(o->c, RC_EVENT_STORE, (const void *)o->addr, here);
        rc_tick(o->c);
    }
    atom_unlock(o->c, &o->atom);
    shadow_report_atomic(&races);
    rc_leave(o->was);
}

/* A load that found no clock: the access alone. */
static void op_plain_load(const volatile void *p, unsigned size, uintptr_t pc)
{
    struct rc_ctx *c = rc_self.ctx;
    struct atomic_races races;
    if (rc_is_silent(c))
        return;
    struct rc_thread was = rc_enter();
    shadow_access_atomic(c, (uintptr_t)p, size, false, pc, &races);
    shadow_report_atomic(&races);
    rc_leave(was);
}

/* ---- bare operations ----
 *
 * raw atomics: these are the user's own operations, not ours; all sequentially consistent. */

#define BARE_INT(N, T)                                                                    \
    static inline T load_##N(const volatile T *p)                                         \
    {                                                                                     \
        return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                      \
    }                                                                                     \
    static inline void store_##N(volatile T *p, T v)                                      \
    {                                                                                     \
        __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                         \
    }                                                                                     \
    static inline bool cas_##N(volatile T *p, T *expected, T desired)                     \
    {                                                                                     \
        return __atomic_compare_exchange_n(p, expected, desired, false, __ATOMIC_SEQ_CST, \
                                           __ATOMIC_SEQ_CST);                             \
    }

#define BARE_RMW(N, T, name, builtin)              \
    static inline T name##_##N(volatile T *p, T v) \
    {                                              \
        return builtin(p, v, __ATOMIC_SEQ_CST);    \
    }

#define BARE_ALL(N, T)                            \
    BARE_INT(N, T)                                \
    BARE_RMW(N, T, exchange, __atomic_exchange_n) \
    BARE_RMW(N, T, fetch_add, __atomic_fetch_add) \
    BARE_RMW(N, T, fetch_sub, __atomic_fetch_sub) \
    BARE_RMW(N, T, fetch_and, __atomic_fetch_and) \
    BARE_RMW(N, T, fetch_or, __atomic_fetch_or)   \
    BARE_RMW(N, T, fetch_xor, __atomic_fetch_xor) \
    BARE_RMW(N, T, fetch_nand, __atomic_fetch_nand)

BARE_ALL(8, uint8_t)
BARE_ALL(16, uint16_t)
BARE_ALL(32, uint32_t)
BARE_ALL(64, uint64_t)

static inline dword load_128(const volatile dword *p)
{
    return dword_load(p);
}

static inline bool cas_128(volatile dword *p, dword *expected, dword desired)
{
    return dword_cas(p, expected, desired);
}

#define DWORD_RMW(name, next)                                  \
    static inline dword name##_128(volatile dword *p, dword v) \
    {                                                          \
        dword old = dword_load(p);                             \
        while (!dword_cas(p, &old, next))                      \
            ;                                                  \
        return old;                                            \
    }
DWORD_RMW(exchange, v)
DWORD_RMW(fetch_add, old + v)
DWORD_RMW(fetch_sub, old - v)
DWORD_RMW(fetch_and, old &v)
DWORD_RMW(fetch_or, old | v)
DWORD_RMW(fetch_xor, old ^ v)
DWORD_RMW(fetch_nand, ~(old &v))

static inline void store_128(volatile dword *p, dword v)
{
    exchange_128(p, v);
}

/* ---- the interface ---- */

#define LOAD(N, T)                                                 \
    EXPORT T __tsan_atomic##N##_load(const volatile T *p, int mo); \
    EXPORT T __tsan_atomic##N##_load(const volatile T *p, int mo)  \
    {                                                              \
        struct op o;                                               \
        T v = load_##N(p);                                         \
        if (atom_is_plain((uintptr_t)p, sizeof *p)) {              \
            op_plain_load(p, sizeof *p, CALLER_PC);                \
        } else if (op_begin(&o, p, sizeof *p, CALLER_PC)) {        \
            v = load_##N(p);                                       \
            op_end(&o, true, false, mo);                           \
        }                                                          \
        return v;                                                  \
    }

#define STORE(N, T)                                                   \
    EXPORT void __tsan_atomic##N##_store(volatile T *p, T v, int mo); \
    EXPORT void __tsan_atomic##N##_store(volatile T *p, T v, int mo)  \
    {                                                                 \
        struct op o;                                                  \
        bool on = op_begin(&o, p, sizeof *p, CALLER_PC);              \
        store_##N(p, v);                                              \
        if (on)                                                       \
            op_end(&o, false, true, mo);                              \
    }

#define RMW(N, T, name)                                             \
    EXPORT T __tsan_atomic##N##_##name(volatile T *p, T v, int mo); \
    EXPORT T __tsan_atomic##N##_##name(volatile T *p, T v, int mo)  \
    {                                                               \
        struct op o;                                                \
        bool on = op_begin(&o, p, sizeof *p, CALLER_PC);            \
        T old = name##_##N(p, v);                                   \
        if (on)                                                     \
            op_end(&o, true, true, mo);                             \
        return old;                                                 \
    }

/* gcc's calls touch *expected themselves: a read, and a write when the exchange fails. */
#define CAS_TO(N, T, name)                                                                       \
    EXPORT int __tsan_atomic##N##_compare_exchange_##name(volatile T *p, T *expected, T desired, \
                                                          int mo, int fmo);                      \
    EXPORT int __tsan_atomic##N##_compare_exchange_##name(volatile T *p, T *expected, T desired, \
                                                          int mo, int fmo)                       \
    {                                                                                            \
        struct op o;                                                                             \
        shadow_access_slow((uintptr_t)expected, sizeof *expected, ACC_READ, CALLER_PC);          \
        T was = *expected;                                                                       \
        bool on = op_begin(&o, p, sizeof *p, CALLER_PC);                                         \
        bool ok = cas_##N(p, &was, desired);                                                     \
        if (on)                                                                                  \
            op_end(&o, true, ok, ok ? mo : fmo);                                                 \
        if (!ok) {                                                                               \
            shadow_access_slow((uintptr_t)expected, sizeof *expected, ACC_WRITE, CALLER_PC);     \
            *expected = was;                                                                     \
        }                                                                                        \
        return ok;                                                                               \
    }

#define CAS_VAL(N, T)                                                                              \
    EXPORT T __tsan_atomic##N##_compare_exchange_val(volatile T *p, T expected, T desired, int mo, \
                                                     int fmo);                                     \
    EXPORT T __tsan_atomic##N##_compare_exchange_val(volatile T *p, T expected, T desired, int mo, \
                                                     int fmo)                                      \
    {                                                                                              \
        struct op o;                                                                               \
        bool on = op_begin(&o, p, sizeof *p, CALLER_PC);                                           \
        bool ok = cas_##N(p, &expected, desired);                                                  \
        if (on)                                                                                    \
            op_end(&o, true, ok, ok ? mo : fmo);                                                   \
        return expected;                                                                           \
    }

#define ATOMIC(N, T)      \
    LOAD(N, T)            \
    STORE(N, T)           \
    RMW(N, T, exchange)   \
    RMW(N, T, fetch_add)  \
    RMW(N, T, fetch_sub)  \
    RMW(N, T, fetch_and)  \
    RMW(N, T, fetch_or)   \
    RMW(N, T, fetch_xor)  \
    RMW(N, T, fetch_nand) \
    CAS_TO(N, T, strong)  \
    CAS_TO(N, T, weak)    \
    CAS_VAL(N, T)

ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)
ATOMIC(128, dword)

EXPORT void __tsan_atomic_thread_fence(int mo);
EXPORT void __tsan_atomic_thread_fence(int mo)
{
    struct rc_ctx *c = rc_self.ctx;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* raw atomics: the user's own edge */
    if (rc_is_silent(c))
        return;
    struct rc_thread was = rc_enter();
    sync_fence(c, mo & MO_MASK, CALLER_PC);
    rc_leave(was);
}

/* Orders a thread with its own signal handlers only, which run in its context anyway. */
EXPORT void __tsan_atomic_signal_fence(int mo);
EXPORT void __tsan_atomic_signal_fence(int mo)
{
    (void)mo;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
