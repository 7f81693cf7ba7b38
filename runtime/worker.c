/* worker.c - threads that run goroutines.
 *
 * An M is made when a P has work and no M is idle, and lives as long as the process.  Its thread's
 * stack is the scheduler's stack: every time a goroutine parks, the scheduler starts anew at
 * m->sched_sp, so nothing of its former frames is needed.  [allm]: the list of Ms only grows. */
#include "atomic.h"
#include "check.h"
#include "hook.h"
#include "panic.h"
#include "proc.h"
#include "signals.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORKER_STACK = 2 << 20 };

static struct m *all;
static uint32_t count;

struct m *worker_all(void)
{
    return at_load_acq(&all); /* [allm] */
}

uint32_t worker_count(void)
{
    return at_load_rlx(&count); /* relaxed: changes are made known by start and sched.lock */
}

static void worker_publish(struct m *m)
{
    do {
        m->next_all = at_load_rlx(&all);         /* relaxed: the CAS decides */
    } while (!at_cas_rel(&all, m->next_all, m)); /* [allm] */
}

static void announce_stack(struct m *m)
{
#if GO_ASAN
    pthread_attr_t attr;
    void *lo = NULL;
    size_t bytes = 0;
    rt_check(pthread_getattr_np(pthread_self(), &attr) == 0);
    pthread_attr_getstack(&attr, &lo, &bytes);
    pthread_attr_destroy(&attr);
    san_stack_init(&m->san, lo, bytes);
#else
    (void)m;
#endif
}

static void *worker_main(void *arg)
{
    struct m *m = arg;
    /* What lies below in this frame is dead when the first goroutine runs. */
    m->sched_sp = (void *)((uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)15);
    announce_stack(m);
    m->errno_p = &errno;
    m->tid = (int)syscall(SYS_gettid);
    signals_thread_init();
    m->trace = tr_stream_open(m->id, (uint32_t)m->tid);
    worker_publish(m);
    sched_enter(m);
}

struct m *worker_start(struct p *p, bool spinning)
{
    struct m *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->id = at_add_rlx(&count, 1u); /* relaxed: only uniqueness; idle Ms are counted under lock */
    if (m->id >= MS_MAX)
        rt_fatal("thread exhaustion: program exceeds %d-thread limit", MS_MAX);
    m->next_p = p;
    m->spinning = spinning;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, WORKER_STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int err = pthread_create(&m->thread, &attr, worker_main, m);
    pthread_attr_destroy(&attr);
    if (err == 0)
        return m;
    at_sub_rlx(&count, 1u); /* relaxed: it was never idle */
    free(m);
    errno = err;
    return NULL;
}
