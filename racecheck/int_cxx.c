/* int_cxx.c - what C++ brings along: guards of function-local statics, and handlers for the exit.
 *
 * The guards are ours, not the C++ library's.  Compiled code tests a guard's first byte with an
 * acquire load before it calls at all; so who sets the byte must do so with an atomic operation
 * that the detector knows.  The word's values are the GNU library's, in case both are in one
 * process.
 *
 *     0 ──acquire, by one──▶ BUSY ──another waits──▶ BUSY|WAITED
 *     ▲──────────── abort ────┴── release ──▶ DONE
 *
 * Whoever initialises knows what those did who tried and threw [guard].
 *
 * A handler for the exit (atexit() is made of __cxa_atexit() as well) runs after its registration,
 * whichever thread registers and whichever leaves [exit-handler]. */
#include "futex.h"
#include "intercept.h"
#include <limits.h>

enum { DONE = 1, BUSY = 0x100, WAITED = 0x10000 };

/* The compilers' own names for atomics; raw: they are operations of the program, told as such. */
uint8_t __tsan_atomic8_load(const volatile uint8_t *p, int mo);
uint32_t __tsan_atomic32_exchange(volatile uint32_t *p, uint32_t v, int mo);
uint32_t __tsan_atomic32_compare_exchange_val(volatile uint32_t *p, uint32_t was, uint32_t v,
                                              int mo, int failed_mo);

static uint32_t change(uint32_t *guard, uint32_t was, uint32_t v)
{
    return __tsan_atomic32_compare_exchange_val(guard, was, v, __ATOMIC_ACQ_REL, /* [guard] */
                                                __ATOMIC_ACQUIRE);
}

INTERCEPT(int, __cxa_guard_acquire, (uint32_t * guard))
{
    for (;;) {
        if (__tsan_atomic8_load((uint8_t *)guard, __ATOMIC_ACQUIRE)) /* [guard] */
            return 0;
        uint32_t v = at_load_rlx(guard); /* relaxed: the exchanges decide */
        if (v == 0 && change(guard, 0, BUSY) == 0)
            return 1;
        if (v == BUSY)
            v = change(guard, BUSY, BUSY | WAITED) == BUSY ? BUSY | WAITED : 0;
        if (v == (BUSY | WAITED))
            rt_futex_wait(guard, v, -1);
    }
}

static void end(uint32_t *guard, uint32_t v)
{
    if (__tsan_atomic32_exchange(guard, v, __ATOMIC_ACQ_REL) & WAITED) /* [guard] */
        rt_futex_wake(guard, INT_MAX);
}

INTERCEPT(void, __cxa_guard_release, (uint32_t * guard))
{
    end(guard, DONE);
}

INTERCEPT(void, __cxa_guard_abort, (uint32_t * guard))
{
    end(guard, 0);
}

/* ---- the exit ---- */

struct handler {
    void (*fn)(void *);
    void *arg;
    uint64_t registered; /* the clock of it */
};

static void run_handler(void *arg)
{
    struct handler h = *(struct handler *)arg;
    rc_acquire(rc_current(), &((struct handler *)arg)->registered); /* [exit-handler] */
    rc_forget(arg, sizeof h);
    rt_real_free(arg);
    h.fn(h.arg);
}

INTERCEPT(int, __cxa_atexit, (void (*fn)(void *), void *arg, void *library))
{
    struct handler *h = rt_real_malloc(sizeof *h);
    if (!h)
        return -1;
    h->fn = fn;
    h->arg = arg;
    rc_release(rc_current(), &h->registered); /* [exit-handler] */
    int err = rt_real___cxa_atexit(run_handler, h, library);
    if (err)
        rt_real_free(h);
    return err;
}
