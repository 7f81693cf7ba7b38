/* atomic.h - atomic operations with their memory order in the name.
 *
 * All shared words of the project are read and written through these macros or under a lock that
 * the field's comment names.  There is no operation with the default (sequentially consistent)
 * order; the only total order to be had is at_fence_sc(), which must be asked for by name.
 *
 * Policy (checked by tools/dev lint):
 * - every acq, rel, acq_rel and sc operation has an edge tag such as [park] in a comment on its
 *   line or in the lines just above; the same tag stands at the other end of the edge;
 * - every relaxed operation has a comment "relaxed: ..." that says why it is enough.
 *
 * Operations take a pointer to a plain integer or pointer object and are generic in its type.
 * A compare-and-swap takes the expected VALUE and returns true when it stored. */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <stdbool.h>

#if GO_DELAYS
#include "delays.h"
#else
#define at_delay() ((void)0)
#endif

#define at_load_rlx(p)        __atomic_load_n((p), __ATOMIC_RELAXED)
#define at_load_acq(p)        __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define at_store_rlx(p, v)    __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define at_store_rel(p, v)    (at_delay(), __atomic_store_n((p), (v), __ATOMIC_RELEASE))

#define at_xchg_rlx(p, v)     __atomic_exchange_n((p), (v), __ATOMIC_RELAXED)
#define at_xchg_acq(p, v)     (at_delay(), __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE))
#define at_xchg_rel(p, v)     (at_delay(), __atomic_exchange_n((p), (v), __ATOMIC_RELEASE))
#define at_xchg_acq_rel(p, v) (at_delay(), __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL))

/* All of these return the value from before the operation. */
#define at_add_rlx(p, v)     __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define at_add_acq(p, v)     (at_delay(), __atomic_fetch_add((p), (v), __ATOMIC_ACQUIRE))
#define at_add_rel(p, v)     (at_delay(), __atomic_fetch_add((p), (v), __ATOMIC_RELEASE))
#define at_add_acq_rel(p, v) (at_delay(), __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL))
#define at_sub_rlx(p, v)     __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define at_sub_rel(p, v)     (at_delay(), __atomic_fetch_sub((p), (v), __ATOMIC_RELEASE))
#define at_sub_acq_rel(p, v) (at_delay(), __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL))
#define at_or_rlx(p, v)      __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)
#define at_or_acq_rel(p, v)  (at_delay(), __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL))
#define at_and_rlx(p, v)     __atomic_fetch_and((p), (v), __ATOMIC_RELAXED)
#define at_and_acq_rel(p, v) (at_delay(), __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL))

#define at_cas_(p, old, new, ok, fail)                                          \
    __extension__({                                                             \
        at_delay();                                                             \
        __typeof__(*(p)) at_old_ = (old);                                       \
        __atomic_compare_exchange_n((p), &at_old_, (new), false, (ok), (fail)); \
    })
#define at_cas_rlx(p, old, new)     at_cas_(p, old, new, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define at_cas_acq(p, old, new)     at_cas_(p, old, new, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define at_cas_rel(p, old, new)     at_cas_(p, old, new, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define at_cas_acq_rel(p, old, new) at_cas_(p, old, new, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

#define at_fence_acq()              __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define at_fence_rel()              (at_delay(), __atomic_thread_fence(__ATOMIC_RELEASE))
#define at_fence_sc()               (at_delay(), __atomic_thread_fence(__ATOMIC_SEQ_CST))

/* Full order after an atomic read-modify-write of this thread: nothing to do on x86-64, where a
 * locked instruction already is a full barrier. */
#if defined(__x86_64__)
#define at_fence_sc_after_rmw() __asm__ volatile("" ::: "memory")
#else
#define at_fence_sc_after_rmw() at_fence_sc()
#endif

/* Tells the processor that this is a spin loop. */
static inline void at_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

#endif
