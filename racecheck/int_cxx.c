/* int_cxx.c - what C++ brings along: guards of function-local statics, handlers for the exit, and
 * promises that are kept when their thread ends.
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
 * whichever thread registers and whichever leaves [exit-handler].
 *
 * std::promise::set_value_at_thread_exit() and its like leave a note (_Make_ready) with the GNU
 * library, which makes the state ready behind our back when the thread ends: an atomic store with
 * release that nobody sees, and maybe the last use of the state.  So the note calls us first: we
 * hold the state meanwhile, release into the word that is stored to [ready], and give the state
 * back as compiled code does.  The layouts are those of the library's binary interface. */
#include "futex.h"
#include "intercept.h"
#include <dlfcn.h>
#include <limits.h>

enum { DONE = 1, BUSY = 0x100, WAITED = 0x10000 };

/* The compilers' own names for atomics; raw: they are operations of the program, told as such. */
uint8_t __tsan_atomic8_load(const volatile uint8_t *p, int mo);
uint32_t __tsan_atomic32_load(const volatile uint32_t *p, int mo);
uint32_t __tsan_atomic32_fetch_or(volatile uint32_t *p, uint32_t v, int mo);
uint32_t __tsan_atomic32_fetch_sub(volatile uint32_t *p, uint32_t v, int mo);
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

/* ---- promises kept at the end of a thread ---- */

enum { DISPOSE = 2, DESTROY = 3 }; /* virtual functions, behind two destructors */

struct shared { /* std::_Sp_counted_base */
    void (*const *virtual)(struct shared *s);
    uint32_t uses, weaks; /* all uses together are one of the weaks */
};

struct state { /* std::__future_base::_State_baseV2 */
    const void *virtual;
    void *result;
    uint32_t status;
};

struct note { /* _State_baseV2::_Make_ready */
    struct note *next;
    void (*run)(void *note);
    struct state *state; /* a std::weak_ptr */
    struct shared *shared;
};

static void (*keep)(void *note); /* the library's own */

/* False: the state is gone. */
static bool hold_state(struct shared *s)
{
    uint32_t n = __tsan_atomic32_load(&s->uses, __ATOMIC_RELAXED);
    for (uint32_t was; n != 0; n = was) {
        was = __tsan_atomic32_compare_exchange_val(&s->uses, n, n + 1, __ATOMIC_ACQ_REL,
                                                   __ATOMIC_RELAXED);
        if (was == n)
            return true;
    }
    return false;
}

static void let_state_go(struct shared *s)
{
    if (__tsan_atomic32_fetch_sub(&s->uses, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    s->virtual[DISPOSE](s);
    if (__tsan_atomic32_fetch_sub(&s->weaks, 1, __ATOMIC_ACQ_REL) == 1)
        s->virtual[DESTROY](s);
}

static void run_note(void *arg)
{
    struct note *n = arg;
    struct shared *s = n->shared;
    bool held = s && hold_state(s);
    if (held)
        __tsan_atomic32_fetch_or(&n->state->status, 0, __ATOMIC_RELEASE); /* [ready] */
    at_load_rlx (&keep)(n); /* relaxed: set before the note was left, by this thread */
    if (held)
        let_state_go(s);
}

/* _Make_ready::_M_set() */
INTERCEPT(void, _ZNSt13__future_base13_State_baseV211_Make_ready6_M_setEv, (struct note * n))
{
    static void (*real)(struct note *);
    if (!real)
        real = (__typeof__(real))dlsym(RTLD_NEXT,
                                       "_ZNSt13__future_base13_State_baseV211_Make_ready6_M_setEv");
    real(n);
    at_store_rlx(&keep, n->run); /* relaxed: the same each time */
    n->run = run_note;
}
