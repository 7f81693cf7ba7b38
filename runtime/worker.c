/* worker.c - threads that run goroutines.
 *
 * An M is made when a P has work and no M is idle, and lives as long as the process, but for one
 * whose goroutine ended while it had the thread locked: what such a goroutine did to its thread
 * (namespaces, masks, credentials) must not meet others, so the thread ends with it.  For the same
 * reason a locked M does not start threads, which would inherit all that: the monitor does it.
 *
 * A thread's stack is the scheduler's stack: every time a goroutine parks, the scheduler starts
 * anew at m->sched_sp, so nothing of its former frames is needed, except worker_main()'s, above it,
 * where the thread ends.
 *
 * A struct m stays on the list of all Ms for ever [allm], and is used again for a new thread, with
 * a new id.  [ask] a struct m to be started -> the monitor. */
#include "atomic.h"
#include "bias.h"
#include "check.h"
#include "hook.h"
#include "panic.h"
#include "core.h"
#include "signals.h"
#include "thread.h"
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORKER_STACK = 2 << 20, TRIES = 20 };

struct m *worker_list;
static uint32_t count;  /* Ms that live */
static uint32_t made;   /* ids given out */
static struct m *asked; /* to be started by the monitor, by next_idle [ask] */

static struct {
    struct rt_lock lock;
    struct m *ms; /* whose threads have ended, by next_idle; under lock */
} dead;

struct m *worker_all(void)
{
    return at_load_acq(&worker_list); /* [allm] */
}

uint32_t worker_count(void)
{
    return at_load_rlx(&count); /* relaxed: changes are made known by start and sched.lock */
}

static void worker_publish(struct m *m)
{
    m->listed = true;
    do {
        m->next_all = at_load_rlx(&worker_list);         /* relaxed: the CAS decides */
    } while (!at_cas_rel(&worker_list, m->next_all, m)); /* [allm] */
}

static void announce_stack(struct m *m)
{
    if (!GO_ASAN && !san_on_valgrind)
        return;
    pthread_attr_t attr;
    void *lo = NULL;
    size_t bytes = 0;
    rt_check(pthread_getattr_np(pthread_self(), &attr) == 0);
    pthread_attr_getstack(&attr, &lo, &bytes);
    pthread_attr_destroy(&attr);
    san_stack_init(&m->san, lo, bytes);
    san_stack_made(lo, (char *)lo + bytes);
}

static _Noreturn __attribute__((noinline)) void run(struct m *m)
{
    /* What lies below in this frame is dead when the first goroutine runs. */
    m->sched_sp = (void *)((uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)15);
    sched_enter(m);
}

/* The thread of m ends: m can be used again. */
static void bury(struct m *m)
{
    rt_lock(&dead.lock);
    m->next_idle = dead.ms;
    dead.ms = m;
    rt_unlock(&dead.lock);
}

#if GO_TSAN
_Noreturn void san_anew(void *m)
{
    longjmp(*(jmp_buf *)((struct m *)m)->leave, SAN_ANEW);
}
#endif

static void *worker_main(void *arg)
{
    struct m *m = arg;
    jmp_buf leave;
    announce_stack(m);
    m->errno_p = &errno;
    at_store_rlx(&m->tid, (int)syscall(SYS_gettid)); /* relaxed: 0 is no thread either */
    m->leave = leave;
    signals_thread_init();
    m->trace = tr_stream_open(m->id, (uint32_t)m->tid);
    if (!m->listed)
        worker_publish(m);
    int again = setjmp(leave);
    if (again == 0)
        run(m);
#if GO_TSAN
    if (again == SAN_ANEW)
        m->san.saved(m);
#endif
    bury(m);
    /* Destructors of thread-specific data run behind this, on the thread's own stack. */
    return NULL;
}

_Noreturn void worker_leave(struct m *m)
{
    if (m->p)
        sched_release_p(m);
    at_sub_rlx(&count, 1u); /* relaxed: looked at under sched.lock, or again by who is woken here */
    at_fence_sc();          /* [wake] after the count */
    sched_wake();           /* somebody must see whether all sleep now */
    m->locked_g = NULL;
    at_store_rlx(&m->detached, false); /* relaxed: a count for sysmon */
    if (m->trace)
        tr_stream_close(m->trace);
    m->trace = NULL;
    sched_forget_m();
    rt_set_self(NULL);
    signals_thread_fini();
    hook_race_thread_fini();
    longjmp(*(jmp_buf *)m->leave, 1);
}

/* Others may walk over m just now, and look at what they read of Ms that live: so its place on the
 * list is not written, and the rest is as worker_leave() and the last goroutine left it. */
static void make_anew(struct m *m)
{
    rt_assert(m->listed && !m->p && !m->g && !m->idle && !m->spinning && !m->locked_g);
    rt_assert(!m->trace && !m->on_big_stack && !m->park_word && !m->storing);
    san_stack_init(&m->san, NULL, 0);
}

/* A struct m with a new id: a dead one's, or new. */
static struct m *make(void)
{
    rt_lock(&dead.lock);
    struct m *m = dead.ms;
    if (m)
        dead.ms = m->next_idle;
    rt_unlock(&dead.lock);
    if (m)
        make_anew(m);
    else
        m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->id = at_add_rlx(&made, 1u); /* relaxed: only uniqueness */
    m->who = m->id + 1 < 1u << BIAS_WHO_BITS ? m->id + 1 : 0;
    if (at_add_rlx(&count, 1u) + 1 > MS_MAX) /* relaxed: idle Ms are counted under lock */
        rt_fatal("thread exhaustion: program exceeds %d-thread limit", MS_MAX);
    return m;
}

/* Starts m's thread; returns 0 or an error number. */
static int start_thread(struct m *m)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, WORKER_STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int err = pthread_create(&m->thread, &attr, worker_main, m);
    pthread_attr_destroy(&attr);
    return err;
}

/* The same, but what lacks may come back soon: other threads end, and memory is freed. */
static int start_thread_patiently(struct m *m)
{
    int err = start_thread(m);
    for (unsigned ms = 1; err == EAGAIN && ms <= TRIES; ms++) { /* 0.2 s in all, as Go's cgo */
        usleep(ms * 1000);
        err = start_thread(m);
    }
    return err;
}

void worker_start_asked(void)
{
    for (struct m *m = at_xchg_acq(&asked, (struct m *)NULL), *next; m; m = next) { /* [ask] */
        next = m->next_idle;
        m->next_idle = NULL;
        int err = start_thread_patiently(m);
        if (err)
            rt_fatal("cannot start a thread: %s (%u run; limits are the address space, "
                     "'ulimit -u' and the pids.max of the cgroup)",
                     strerror(err), worker_count() - 1);
    }
}

/* The monitor shall start m's thread. */
static void ask(struct m *m)
{
    do {
        m->next_idle = at_load_rlx(&asked);         /* relaxed: the CAS decides */
    } while (!at_cas_rel(&asked, m->next_idle, m)); /* [ask] */
    signals_start_workers();
}

struct m *worker_start(struct p *p, bool spinning)
{
    struct m *m = make(), *here = rt_m();
    if (!m)
        return NULL;
    m->next_p = p;
    m->spinning = spinning;
    bool clean = here ? !here->locked_g : m->id == 0;
    if (!clean && signals_thread_count() > 0) {
        ask(m);
        return m;
    }
    int err = start_thread(m);
    if (err == 0)
        return m;
    at_sub_rlx(&count, 1u); /* relaxed: it was never idle */
    m->next_p = NULL;
    m->spinning = false;
    if (m->listed)
        bury(m);
    else
        free(m);
    errno = err;
    return NULL;
}
