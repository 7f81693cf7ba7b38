/* int_sync.c - interceptors of what threads synchronise with: mutexes, spin locks, rwlocks,
 * conditions, barriers, once, semaphores.
 *
 * Locks are told to the engine inside the time they are held: taken after the real lock, dropped
 * and released before the real unlock.  A condition's wait is an unlock and a lock, also when it is
 * cancelled; glibc's own calls of its locks do not come here.
 *
 * A use of an object is also a read of its memory, its making and its end are writes: so a use that
 * is not ordered with free() or destroy is a race. */
#include "intercept.h"
#include "futex.h"
#include "pool.h"
#include <errno.h>
#include <limits.h>
#include <threads.h>

/* ---- mutexes ---- */

static void learns(struct rc_ctx *c, const void *lock, uintptr_t pc)
{
    struct rc_ctx *checked = watched_from(pc);
    rc_acquire_at(c, lock, checked ? pc : 0);
    saw_read(checked, lock, 1, pc);
}

/* Before a wait without an end. */
static void wants(const void *lock, unsigned how, const char *kind, uintptr_t pc)
{
    struct rc_ctx *c = how & RC_LOCK_WANTED ? watched() : NULL;
    if (c)
        rc_lock_wanted(c, lock, how, kind, pc);
}

void int_took(const void *lock, unsigned how, const char *kind, uintptr_t pc)
{
    struct rc_ctx *c = watched();
    if (!c)
        return;
    learns(c, lock, pc);
    rc_lock_taken(c, lock, how, kind, pc);
}

void int_drops(const void *lock, uintptr_t pc)
{
    struct rc_ctx *c = watched(), *checked = watched_from(pc);
    if (!c)
        return;
    saw_read(checked, lock, 1, pc);
    rc_lock_dropped(c, lock);
    rc_release_at(c, lock, checked ? pc : 0);
}

/* Making and destroying are writes, use is a read: use unordered with them, or with free(), is a
 * race.  Use of a condition or a semaphore is looked at only when its memory was freed. */
#define NEW(name, parameters, arguments, object)                  \
    INTERCEPT(int, name, parameters)                              \
    {                                                             \
        saw_write(watched_from(PC), (const void *)object, 1, PC); \
        return rt_real_##name arguments;                          \
    }

#define TAKE(name, parameters, arguments, object, how, kind) \
    INTERCEPT(int, name, parameters)                         \
    {                                                        \
        rc_uses(watched_from(PC), (const void *)object, PC); \
        wants((const void *)object, how, kind, PC);          \
        int err = rt_real_##name arguments;                  \
        if (err == 0 || err == EOWNERDEAD)                   \
            int_took((const void *)object, how, kind, PC);   \
        return err;                                          \
    }

/* glibc marks a destroyed mutex by its kind, and a free one by its word (but where the processor
 * locks without writing it). */
enum { DESTROYED = -1, ELIDED = 0x100 };

static void misused(const pthread_mutex_t *m, const char *what, uintptr_t pc)
{
    if (watched_from(pc))
        rc_lock_misused(watched(), m, "mutex", what, pc);
}

/* Of a kind whose second lock waits, and whose unlock does not ask who does it. */
static bool is_normal(const pthread_mutex_t *m)
{
    int type = m->__data.__kind & 3;
    return type == PTHREAD_MUTEX_TIMED_NP || type == PTHREAD_MUTEX_ADAPTIVE_NP;
}

/* glibc's word on whose a locked mutex is: a thread, or 0 where it does not know. */
static inline bool is_mine(const pthread_mutex_t *m)
{
    static __thread int me __attribute__((tls_model("initial-exec"))); /* or who has forked me */
    if (unlikely(me == 0))
        me = gettid();
    return at_load_rlx(&m->__data.__owner) == me; /* relaxed: its own, or not its own */
}

/* how: RC_LOCK_WANTED for a lock that waits without an end. */
static void check_lock(const pthread_mutex_t *m, unsigned how, uintptr_t pc)
{
    rc_uses(watched_from(pc), m, pc);
    if (m->__data.__kind == DESTROYED)
        misused(m, "lock of a destroyed mutex", pc);
    else if ((how & RC_LOCK_WANTED) && is_mine(m) && is_normal(m) && rc_holds_lock(watched(), m))
        misused(m, "second lock of a mutex, which waits for ever,", pc);
    else
        wants(m, how, "mutex", pc);
}

/* Who has locked m is another one that goes on, and glibc says so too. */
static bool is_others(const pthread_mutex_t *m)
{
    struct rc_lock_holder holder;
    int owner = at_load_rlx(&m->__data.__owner); /* relaxed: its own, or not its own */
    return owner != 0 && owner != gettid() && rc_lock_holders(m, &holder, 1) > 0 && !holder.ended;
}

static void check_unlock(const pthread_mutex_t *m, uintptr_t pc)
{
    int kind = m->__data.__kind;
    if (kind == DESTROYED)
        misused(m, "unlock of a destroyed mutex", pc);
    else if (!(kind & ELIDED) &&
             at_load_rlx(&m->__data.__lock) == 0) /* relaxed: while we hold it, it stays */
        misused(m, "unlock of an unlocked mutex", pc);
    else if (!is_mine(m) && is_normal(m) && !rc_holds_lock(watched(), m) && is_others(m))
        misused(m, "unlock of a mutex that another one has locked,", pc);
}

#define TAKE_MUTEX(name, parameters, arguments, how)     \
    INTERCEPT(int, name, parameters)                     \
    {                                                    \
        check_lock((const pthread_mutex_t *)m, how, PC); \
        int err = rt_real_##name arguments;              \
        if (err == 0 || err == EOWNERDEAD)               \
            int_took((const void *)m, how, "mutex", PC); \
        return err;                                      \
    }

#define UNLOCK_MUTEX(name, parameters)                \
    INTERCEPT(int, name, parameters)                  \
    {                                                 \
        check_unlock((const pthread_mutex_t *)m, PC); \
        int_drops(m, PC);                             \
        return rt_real_##name(m);                     \
    }

NEW(pthread_mutex_init, (pthread_mutex_t * m, const pthread_mutexattr_t *a), (m, a), m)

INTERCEPT(int, pthread_mutex_destroy, (pthread_mutex_t * m))
{
    saw_write(watched_from(PC), m, 1, PC);
    int err = rt_real_pthread_mutex_destroy(m);
    if (err == EBUSY)
        misused(m, "destroy of a locked mutex", PC);
    return err;
}

TAKE_MUTEX(pthread_mutex_lock, (pthread_mutex_t * m), (m), RC_LOCK_WRITE | RC_LOCK_WANTED)
TAKE_MUTEX(pthread_mutex_trylock, (pthread_mutex_t * m), (m), RC_LOCK_WRITE | RC_LOCK_TRIED)
TAKE_MUTEX(pthread_mutex_timedlock, (pthread_mutex_t * m, const struct timespec *at), (m, at),
           RC_LOCK_WRITE)
TAKE_MUTEX(pthread_mutex_clocklock, (pthread_mutex_t * m, clockid_t k, const struct timespec *at),
           (m, k, at), RC_LOCK_WRITE)
UNLOCK_MUTEX(pthread_mutex_unlock, (pthread_mutex_t * m))

NEW(pthread_spin_init, (pthread_spinlock_t * s, int shared), (s, shared), s)
NEW(pthread_spin_destroy, (pthread_spinlock_t * s), (s), s)
TAKE(pthread_spin_lock, (pthread_spinlock_t * s), (s), s, RC_LOCK_WRITE | RC_LOCK_WANTED,
     "spin lock")
TAKE(pthread_spin_trylock, (pthread_spinlock_t * s), (s), s, RC_LOCK_WRITE | RC_LOCK_TRIED,
     "spin lock")

INTERCEPT(int, pthread_spin_unlock, (pthread_spinlock_t * s))
{
    int_drops((const void *)s, PC);
    return rt_real_pthread_spin_unlock(s);
}

/* ---- rwlocks ----
 * Two clocks: the lock's own address for writers' unlocks, one byte further for readers' unlocks.
 * Readers acquire the first, writers both: readers order nothing among each other. */

static const void *readers_of(const pthread_rwlock_t *l)
{
    return (const char *)l + 8; /* inside it, in another shadow word */
}

/* glibc lets readers in before writers that wait, but for one kind of lock. */
static unsigned order_of(const pthread_rwlock_t *l)
{
    return l->__data.__flags == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP ? RC_LOCK_IN_TURN : 0;
}

static void took_rw(pthread_rwlock_t *l, unsigned how, uintptr_t pc)
{
    struct rc_ctx *c = watched();
    if (!c)
        return;
    rc_lock_taken(c, l, order_of(l) | how, "rwlock", pc);
    if (how & RC_LOCK_WRITE)
        rc_acquire(c, readers_of(l));
    learns(c, l, pc);
}

#define TAKE_RW(name, parameters, arguments, how) \
    INTERCEPT(int, name, parameters)              \
    {                                             \
        rc_uses(watched_from(PC), l, PC);         \
        wants(l, how, "rwlock", PC);              \
        int err = rt_real_##name arguments;       \
        if (err == 0)                             \
            took_rw(l, how, PC);                  \
        return err;                               \
    }

NEW(pthread_rwlock_init, (pthread_rwlock_t * l, const pthread_rwlockattr_t *a), (l, a), l)
NEW(pthread_rwlock_destroy, (pthread_rwlock_t * l), (l), l)
TAKE_RW(pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l), RC_LOCK_WANTED)
TAKE_RW(pthread_rwlock_tryrdlock, (pthread_rwlock_t * l), (l), RC_LOCK_TRIED)
TAKE_RW(pthread_rwlock_timedrdlock, (pthread_rwlock_t * l, const struct timespec *at), (l, at),
        false)
TAKE_RW(pthread_rwlock_clockrdlock, (pthread_rwlock_t * l, clockid_t k, const struct timespec *at),
        (l, k, at), false)
TAKE_RW(pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l), RC_LOCK_WRITE | RC_LOCK_WANTED)
TAKE_RW(pthread_rwlock_trywrlock, (pthread_rwlock_t * l), (l), RC_LOCK_WRITE | RC_LOCK_TRIED)
TAKE_RW(pthread_rwlock_timedwrlock, (pthread_rwlock_t * l, const struct timespec *at), (l, at),
        true)
TAKE_RW(pthread_rwlock_clockwrlock, (pthread_rwlock_t * l, clockid_t k, const struct timespec *at),
        (l, k, at), true)

/* glibc's lock knows who writes: while a writer holds it, nobody reads. */
static bool held_for_write(const pthread_rwlock_t *l)
{
    return at_load_rlx(&l->__data.__cur_writer) != 0; /* relaxed: the caller holds the lock */
}

INTERCEPT(int, pthread_rwlock_unlock, (pthread_rwlock_t * l))
{
    struct rc_ctx *c = watched();
    if (c && held_for_write(l)) {
        int_drops(l, PC);
    } else if (c) {
        saw_read(watched_from(PC), l, 1, PC);
        rc_lock_dropped(c, l);
        rc_release_merge(c, readers_of(l));
    }
    return rt_real_pthread_rwlock_unlock(l);
}

/* ---- streams ---- what stdio locks for itself orders nothing, see fds.c */

INTERCEPT(void, flockfile, (FILE * f))
{
    rt_real_flockfile(f);
    int_took(f, RC_LOCK_WRITE, "stream", PC);
}

INTERCEPT(int, ftrylockfile, (FILE * f))
{
    int err = rt_real_ftrylockfile(f);
    if (!err)
        int_took(f, RC_LOCK_WRITE | RC_LOCK_TRIED, "stream", PC);
    return err;
}

INTERCEPT(void, funlockfile, (FILE * f))
{
    int_drops(f, PC);
    rt_real_funlockfile(f);
}

/* ---- conditions ---- */

struct waiting {
    const void *c, *m;
    uintptr_t pc;
};

/* The mutex is held again: after the wait, and when it is cancelled. */
static void woken(void *arg)
{
    struct waiting *w = arg;
    struct rc_ctx *c = watched();
    if (c)
        rc_acquire(c, w->c);
    int_took(w->m, true, "mutex", w->pc);
}

#define WAIT(name, parameters, arguments) \
    INTERCEPT(int, name, parameters)      \
    {                                     \
        struct waiting w = {c, m, PC};    \
        int err;                          \
        rc_uses(watched_from(PC), c, PC); \
        int_drops(m, PC);                 \
        pthread_cleanup_push(woken, &w);  \
        err = rt_real_##name arguments;   \
        pthread_cleanup_pop(1);           \
        return err;                       \
    }
WAIT(pthread_cond_wait, (pthread_cond_t * c, pthread_mutex_t *m), (c, m))
WAIT(pthread_cond_timedwait, (pthread_cond_t * c, pthread_mutex_t *m, const struct timespec *at),
     (c, m, at))
WAIT(pthread_cond_clockwait,
     (pthread_cond_t * c, pthread_mutex_t *m, clockid_t k, const struct timespec *at),
     (c, m, k, at))

#define SIGNAL(name, type)                  \
    INTERCEPT(int, name, (type * c))        \
    {                                       \
        rc_uses(watched_from(PC), c, PC);   \
        if (watched())                      \
            rc_release_merge(watched(), c); \
        return rt_real_##name(c);           \
    }
SIGNAL(pthread_cond_signal, pthread_cond_t)
SIGNAL(pthread_cond_broadcast, pthread_cond_t)
NEW(pthread_cond_init, (pthread_cond_t * c, const pthread_condattr_t *a), (c, a), c)
NEW(pthread_cond_destroy, (pthread_cond_t * c), (c), c)

/* ---- once ---- */

static __thread struct {
    void (*fn)(void);
    const void *once;
} running_once;

static void end_once(const void *const *once)
{
    if (watched())
        rc_release(watched(), *once);
}

/* fn may leave by an exception, or end its thread: then it is another's turn, which comes after. */
static void run_once(void)
{
    const void *once __attribute__((cleanup(end_once))) = running_once.once;
    if (watched())
        rc_acquire(watched(), once);
    running_once.fn();
}

static int run_once_of(pthread_once_t *o, void (*fn)(void))
{
    __typeof__(running_once) outer = running_once; /* fn may use another once */
    running_once.fn = fn;
    running_once.once = o;
    int err = rt_real_pthread_once(o, run_once);
    running_once = outer;
    if (err == 0 && watched())
        rc_acquire(watched(), o);
    return err;
}

INTERCEPT(int, pthread_once, (pthread_once_t * o, void (*fn)(void)))
{
    return run_once_of(o, fn);
}

/* ---- C11's mutexes and conditions: the same objects under other names ---- */

NEW(mtx_init, (mtx_t * m, int type), (m, type), m)
TAKE_MUTEX(mtx_lock, (mtx_t * m), (m), RC_LOCK_WRITE | RC_LOCK_WANTED)
TAKE_MUTEX(mtx_trylock, (mtx_t * m), (m), RC_LOCK_WRITE | RC_LOCK_TRIED)
TAKE_MUTEX(mtx_timedlock, (mtx_t * m, const struct timespec *at), (m, at), RC_LOCK_WRITE)
UNLOCK_MUTEX(mtx_unlock, (mtx_t * m))

INTERCEPT(void, mtx_destroy, (mtx_t * m))
{
    saw_write(watched_from(PC), m, 1, PC);
    rt_real_mtx_destroy(m);
    if (((const pthread_mutex_t *)m)->__data.__kind != DESTROYED) /* libc could not */
        misused((const pthread_mutex_t *)m, "destroy of a locked mutex", PC);
}

SIGNAL(cnd_signal, cnd_t)
SIGNAL(cnd_broadcast, cnd_t)
WAIT(cnd_wait, (cnd_t * c, mtx_t *m), (c, m))
WAIT(cnd_timedwait, (cnd_t * c, mtx_t *m, const struct timespec *at), (c, m, at))

INTERCEPT(void, call_once, (once_flag * o, void (*fn)(void)))
{
    run_once_of((pthread_once_t *)o, fn);
}

/* ---- barriers: everything before any arrival happens before every departure of that round ----
 * libc's barrier does not say which round an arrival belonged to; with one clock for all, a thread
 * that is slow to leave would seem ordered after what a fast one did before the next round, and
 * races would be missed.  So the barrier is ours, in the user's object, and each round has a clock
 * of its own, which lives until the last one has left: other threads may make later rounds by
 * then, and learn nothing of who met in this one.  Those shared between processes stay libc's. */

#define BARRIER_OURS 0x80000000u /* in a word where libc has a smaller number */

struct meeting {
    uint64_t clock; /* the engine's: its address names it */
    uint32_t left;  /* who has not learned from it yet; [barrier] */
};

struct barrier {
    uint32_t round;      /* [barrier]; the futex of who waits */
    uint32_t arrived;    /* in this round; guarded by the object's lock, like the rest */
    uint32_t n;          /* how many make a round, and BARRIER_OURS */
    uint32_t inside;     /* threads that will touch the object once more; the futex of destroy */
    struct meeting *now; /* of this round; NULL before the first one arrives */
};
_Static_assert(sizeof(struct barrier) <= sizeof(pthread_barrier_t), "lives in the user's object");

static struct pool meetings = POOL(sizeof(struct meeting), "rounds of barriers");

/* The caller is one of those who meet.  Holds the barrier's lock. */
static struct meeting *arrive(struct barrier *b, struct rc_ctx *c)
{
    if (b->arrived++ == 0) {
        b->now = pool_get(&meetings);
        *b->now = (struct meeting){.left = b->n & ~BARRIER_OURS};
    }
    if (c)
        rc_release_merge(c, &b->now->clock);
    return b->now;
}

static void depart(struct meeting *m, struct rc_ctx *c)
{
    if (c)
        rc_acquire(c, &m->clock);
    if (at_sub_acq_rel(&m->left, 1u) == 1) { /* [barrier] the others have learned */
        rc_forget(&m->clock, sizeof m->clock);
        pool_put(&meetings, m);
    }
}

static struct rt_lock *lock_of(const void *object)
{
    static struct rt_lock locks[64];
    return &locks[(uintptr_t)object * UINT64_C(0x9e3779b97f4a7c15) >> 58];
}

INTERCEPT(int, pthread_barrier_init,
          (pthread_barrier_t * b, const pthread_barrierattr_t *a, unsigned n))
{
    int shared = PTHREAD_PROCESS_PRIVATE;
    saw_write(watched_from(PC), b, 1, PC);
    int err = rt_real_pthread_barrier_init(b, a, n); /* looks at n for us */
    if (a)
        pthread_barrierattr_getpshared(a, &shared);
    if (err == 0 && shared == PTHREAD_PROCESS_PRIVATE) {
        rt_real_pthread_barrier_destroy(b);
        *(struct barrier *)b = (struct barrier){.n = n | BARRIER_OURS};
    }
    return err;
}

INTERCEPT(int, pthread_barrier_destroy, (pthread_barrier_t * object))
{
    struct barrier *b = (struct barrier *)object;
    saw_write(watched_from(PC), b, 1, PC);
    if (!(b->n & BARRIER_OURS))
        return rt_real_pthread_barrier_destroy(object);
    for (uint32_t k; (k = at_load_acq(&b->inside)) != 0;) /* [barrier] */
        rt_futex_wait(&b->inside, k, -1);
    rt_lock(lock_of(b)); /* the last one out has left the lock, too */
    b->n = 0;
    rt_unlock(lock_of(b));
    return 0;
}

static int libc_barrier_wait(pthread_barrier_t *b)
{
    struct rc_ctx *c = watched();
    if (c)
        rc_release_merge(c, b);
    int err = rt_real_pthread_barrier_wait(b);
    if (c && (err == 0 || err == PTHREAD_BARRIER_SERIAL_THREAD))
        rc_acquire(c, b);
    return err;
}

INTERCEPT(int, pthread_barrier_wait, (pthread_barrier_t * object))
{
    struct barrier *b = (struct barrier *)object;
    struct rc_ctx *c = watched();
    saw_read(watched_from(PC), b, 1, PC);
    if (!(b->n & BARRIER_OURS))
        return libc_barrier_wait(object);
    rt_lock(lock_of(b));
    uint32_t round = b->round;
    struct meeting *m = arrive(b, c);
    bool last = b->arrived == (b->n & ~BARRIER_OURS);
    at_add_rlx(&b->inside, 1u); /* relaxed: destroy comes after the round is full */
    if (last) {
        b->arrived = 0;
        at_store_rel(&b->round, round + 1); /* [barrier] */
        rt_futex_wake(&b->round, INT_MAX);
    }
    rt_unlock(lock_of(b));
    while (at_load_acq(&b->round) == round) /* [barrier] */
        rt_futex_wait(&b->round, round, -1);
    depart(m, c);
    if (at_sub_rel(&b->inside, 1u) == 1) /* [barrier] */
        rt_futex_wake(&b->inside, 1);
    return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

/* ---- semaphores ---- */

NEW(sem_init, (sem_t * s, int shared, unsigned v), (s, shared, v), s)
NEW(sem_destroy, (sem_t * s), (s), s)

INTERCEPT(int, sem_post, (sem_t * s))
{
    rc_uses(watched_from(PC), s, PC);
    if (watched())
        rc_release_merge(watched(), s);
    return rt_real_sem_post(s);
}

#define ACQUIRE_SEM(name, parameters, arguments) \
    INTERCEPT(int, name, parameters)             \
    {                                            \
        rc_uses(watched_from(PC), s, PC);        \
        int rc = rt_real_##name arguments;       \
        if (rc == 0 && watched())                \
            rc_acquire(watched(), s);            \
        return rc;                               \
    }
ACQUIRE_SEM(sem_wait, (sem_t * s), (s))
ACQUIRE_SEM(sem_trywait, (sem_t * s), (s))
ACQUIRE_SEM(sem_timedwait, (sem_t * s, const struct timespec *at), (s, at))
ACQUIRE_SEM(sem_clockwait, (sem_t * s, clockid_t k, const struct timespec *at), (s, k, at))
