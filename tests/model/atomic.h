/* atomic.h - the atomics of base/atomic.h, for the explorer.
 *
 * Included before everything else (-include), it takes the place of base/atomic.h, base/clock.h and
 * base/fence.h; names and meanings are theirs. */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H
#define BASE_CLOCK_H
#define BASE_FENCE_H
#ifndef __ASSEMBLER__

#include "explore.h"

#define EX_SITE_(what)                                                                  \
    __extension__({                                                                     \
        static struct ex_site ex_site_ = {__FILE__, __func__, what, __LINE__, 0, 0, 0}; \
        &ex_site_;                                                                      \
    })
#define EX_TYPE_(p)        __typeof__(*(p))
#define EX_WORD_(p, v)     ((uint64_t)(EX_TYPE_(p))(v))

#define at_load_rlx(p)     ((EX_TYPE_(p))ex_load((p), sizeof *(p), EX_SITE_("load_rlx")))
#define at_load_acq(p)     ((EX_TYPE_(p))ex_load((p), sizeof *(p), EX_SITE_("load_acq")))
#define at_store_rlx(p, v) ex_store((p), sizeof *(p), EX_WORD_(p, v), false, EX_SITE_("store_rlx"))
#define at_store_rel(p, v) ex_store((p), sizeof *(p), EX_WORD_(p, v), true, EX_SITE_("store_rel"))

#define EX_RMW_(p, v, what, name)                                                          \
    __extension__({                                                                        \
        uint64_t ex_old_ = ex_rmw((p), sizeof *(p), what, EX_WORD_(p, v), EX_SITE_(name)); \
        (EX_TYPE_(p)) ex_old_;                                                             \
    })
#define at_xchg_rlx(p, v)     EX_RMW_(p, v, EX_XCHG, "xchg_rlx")
#define at_xchg_acq(p, v)     EX_RMW_(p, v, EX_XCHG, "xchg_acq")
#define at_xchg_rel(p, v)     EX_RMW_(p, v, EX_XCHG, "xchg_rel")
#define at_xchg_acq_rel(p, v) EX_RMW_(p, v, EX_XCHG, "xchg_acq_rel")
#define at_add_rlx(p, v)      EX_RMW_(p, v, EX_ADD, "add_rlx")
#define at_add_acq(p, v)      EX_RMW_(p, v, EX_ADD, "add_acq")
#define at_add_rel(p, v)      EX_RMW_(p, v, EX_ADD, "add_rel")
#define at_add_acq_rel(p, v)  EX_RMW_(p, v, EX_ADD, "add_acq_rel")
#define at_sub_rlx(p, v)      EX_RMW_(p, v, EX_SUB, "sub_rlx")
#define at_sub_rel(p, v)      EX_RMW_(p, v, EX_SUB, "sub_rel")
#define at_sub_acq_rel(p, v)  EX_RMW_(p, v, EX_SUB, "sub_acq_rel")
#define at_or_rlx(p, v)       EX_RMW_(p, v, EX_OR, "or_rlx")
#define at_or_acq_rel(p, v)   EX_RMW_(p, v, EX_OR, "or_acq_rel")
#define at_and_rlx(p, v)      EX_RMW_(p, v, EX_AND, "and_rlx")
#define at_and_acq_rel(p, v)  EX_RMW_(p, v, EX_AND, "and_acq_rel")

#define EX_CAS_(p, old, new, name) \
    ex_cas((p), sizeof *(p), EX_WORD_(p, old), EX_WORD_(p, new), EX_SITE_(name))
#define at_cas_rlx(p, old, new)     EX_CAS_(p, old, new, "cas_rlx")
#define at_cas_acq(p, old, new)     EX_CAS_(p, old, new, "cas_acq")
#define at_cas_rel(p, old, new)     EX_CAS_(p, old, new, "cas_rel")
#define at_cas_acq_rel(p, old, new) EX_CAS_(p, old, new, "cas_acq_rel")

#define at_fence_acq()              ((void)0)
#define at_fence_rel()              ex_fence(EX_SITE_("fence_rel")) /* stronger than it need be */
#define at_fence_sc()               ex_fence(EX_SITE_("fence_sc"))

/* As on x86-64, whose locked instructions wait for the store buffer. */
#define at_fence_sc_after_rmw() ((void)0)

#define at_pause()              ex_pause()

/* ---- fence.h ---- */

#define rt_fence_all() ex_fence_all(EX_SITE_("membarrier"))

static inline void rt_fence_often(void)
{
    __asm__ volatile("" ::: "memory");
}

/* ---- clock.h ---- */

static inline int64_t clock_nanos(void)
{
    return ex_now();
}

static inline uint64_t clock_ticks(void)
{
    return (uint64_t)ex_now();
}

#endif
#endif
