/* thread.c - see thread.h.
 *
 * A stand-in lives from its thread's first call into the runtime until the thread ends, then it is
 * reused for another thread.  It is never unmapped, because a waker may still touch its state word
 * (to wake nobody) after the thread went on.  [standin] guards the free list. */
#include "thread.h"
#include "check.h"
#include "entry.h"
#include "futex.h"
#include "hook.h"
#include "panic.h"
#include "proc.h"
#include "scheduler.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread struct g *tls_g;

static struct {
    struct rt_lock lock;
    struct g *free; /* under lock */
    pthread_key_t key;
    pthread_once_t once;
} standins = {.once = PTHREAD_ONCE_INIT};

struct g *rt_self_or_null(void)
{
    return tls_g;
}

static void standin_end(void *arg)
{
    struct g *g = arg;
    tls_g = NULL;
    if (g->trace)
        tr_stream_close(g->trace);
    g->trace = NULL;
    free(g->recovered);
    g->task = 0;
    rt_lock(&standins.lock);
    g->next = standins.free;
    standins.free = g;
    rt_unlock(&standins.lock);
}

static void make_key(void)
{
    pthread_key_create(&standins.key, standin_end);
}

static __attribute__((noinline)) struct g *standin_make(void)
{
    rt_init();
    pthread_once(&standins.once, make_key);
    rt_lock(&standins.lock);
    struct g *g = standins.free;
    if (g)
        standins.free = g->next;
    rt_unlock(&standins.lock);
    if (!g)
        g = aligned_alloc(64, (sizeof *g + 63) / 64 * 64);
    if (!g)
        rt_fatal("out of memory");
    memset(g, 0, sizeof *g);
    g->flags = G_THREAD;
    g->state = G_RUNNING;
    hook_race_adopt(g);
    tls_g = g;
    pthread_setspecific(standins.key, g);
    return g;
}

__attribute__((noinline)) struct g *rt_self(void)
{
    struct g *g = tls_g;
    return likely(g) ? g : standin_make();
}

struct tr_stream *thread_stream(const struct m *m, struct g *by)
{
    if (m || !by || !hook_tracing())
        return m ? m->trace : NULL;
    if (!by->trace)
        by->trace = tr_stream_open(UINT32_MAX, (uint32_t)syscall(SYS_gettid));
    return by->trace;
}

void thread_yield(void)
{
    sched_yield();
}
