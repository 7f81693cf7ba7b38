/* fake_sched.c - the scheduler's double: every goroutine is a thread.
 *
 * It stands for all of the runtime below park and ready, so that what is built on them (channels,
 * select, locks, timers, contexts) can be linked with it alone and run under the compiler's own
 * ThreadSanitizer, which knows threads but no goroutines.  Slow and simple on purpose:
 *
 *   park    runs the commit, then sleeps on a condition until somebody has readied the thread ready
 *   sets the flag of that condition.  Twice without a park between, or of a thread that is not
 *           about to park, is a bug of the caller and ends the program.  Now and then it takes its
 *           time, so that the woken thread overtakes its waker: whatever the waker still does to an
 *           object that is finished then, does it harm
 *   timers  one thread and one list
 *   panic   longjmp to the innermost go_recover(), after the plain deferred calls
 *
 * The order in which threads run is the kernel's: tests that count on one P do not apply here. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <goshawk.h>
#include "clock.h"
#include "g.h"
#include "panic.h"
#include "proc.h"
#include "scheduler.h"
#include "spawn.h"
#include "timers.h"

uint32_t tr_on;
bool rt_point_on;
bool rt_careful;
__thread struct m *tls_m; /* NULL: no thread is an M */

void rt_point_taken(void)
{
}

#define MUST(x) ((x) ? (void)0 : must_failed(#x, __LINE__))

static void must_failed(const char *what, int line)
{
    fprintf(stderr, "fake_sched.c:%d: %s\n", line, what);
    _exit(97);
}

/* ---- goroutines ---- */

struct fake {
    struct g g;
    pthread_mutex_t mu;
    pthread_cond_t cond;
    bool parking, readied; /* by mu */
    jmp_buf *recover;      /* by itself, like the rest */
    struct go_defer_ *recover_defers;
    char text[256];
    void (*fn)(void *);
    void *arg;
    struct fake *next; /* on standins */
};

/* Of threads of the tests' own; kept for the life of the process. */
static struct fake *standins;
static pthread_mutex_t standins_mu = PTHREAD_MUTEX_INITIALIZER;

static __thread struct fake *current;

static struct fake *make(void)
{
    struct fake *f = calloc(1, sizeof *f);
    MUST(f);
    pthread_mutex_init(&f->mu, NULL);
    pthread_cond_init(&f->cond, NULL);
    return f;
}

/* No thread is an M: the mutex's words are always swapped, and nobody has to be waited for. */
struct m *rt_m(void)
{
    return NULL;
}

struct m *worker_all(void)
{
    return NULL;
}

void sched_wait_storing(const void *lock)
{
    (void)lock;
}

uint32_t sched_tid(void)
{
    return (uint32_t)syscall(SYS_gettid);
}

void sched_pause(void)
{
    sched_yield();
}

struct g *rt_self(void)
{
    if (!current) {
        current = make();
        pthread_mutex_lock(&standins_mu);
        current->next = standins;
        standins = current;
        pthread_mutex_unlock(&standins_mu);
    }
    return &current->g;
}

void rt_park(struct g *self, rt_commit *commit, void *arg, enum tr_reason why, const void *obj)
{
    struct fake *f = (struct fake *)self;
    (void)why, (void)obj;
    MUST(f == current);
    pthread_mutex_lock(&f->mu);
    MUST(!f->parking && !f->readied);
    f->parking = true;
    pthread_mutex_unlock(&f->mu);
    bool stay = !commit || commit(self, arg);
    pthread_mutex_lock(&f->mu);
    while (stay && !f->readied)
        pthread_cond_wait(&f->cond, &f->mu);
    f->parking = f->readied = false;
    pthread_mutex_unlock(&f->mu);
}

static bool commit_unlock(struct g *g, void *lock)
{
    (void)g;
    rt_unlock(lock);
    return true;
}

void rt_park_unlock(struct g *self, struct rt_lock *lock, enum tr_reason why, const void *obj)
{
    rt_park(self, commit_unlock, lock, why, obj);
}

void rt_ready(struct g *g, struct g *by)
{
    struct fake *f = (struct fake *)g;
    (void)by;
    pthread_mutex_lock(&f->mu);
    MUST(f->parking && !f->readied);
    f->readied = true;
    pthread_cond_signal(&f->cond);
    pthread_mutex_unlock(&f->mu);
    if (rt_choose(4) == 0)
        usleep(100); /* sleeps: to be overtaken, see above; nothing waits for it */
}

void rt_yield(struct g *self)
{
    (void)self;
    sched_yield();
}

static void *thread_main(void *arg)
{
    current = arg;
    current->fn(current->arg);
    struct fake *f = current;
    current = NULL;
    free(f);
    return NULL;
}

void rt_spawn(struct g *by, void (*fn)(void *), void *arg, uint32_t flags)
{
    struct fake *f = make();
    pthread_t t;
    pthread_attr_t attr;
    (void)by, (void)flags;
    f->fn = fn;
    f->arg = arg;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 256 << 10);
    while (pthread_create(&t, &attr, thread_main, f))
        sched_yield(); /* too many at the moment */
    pthread_attr_destroy(&attr);
}

uint32_t rt_choose(uint32_t n)
{
    static __thread uint64_t state;
    if (!state)
        state = (uint64_t)(uintptr_t)&state | 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((state >> 33) * n) >> 31);
}

int64_t rt_nanos(void)
{
    return clock_nanos();
}

uint32_t rt_nprocs(void)
{
    return 2;
}

/* ---- timers ---- */

static pthread_mutex_t timers_mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t timers_cond;
static pthread_once_t timers_once = PTHREAD_ONCE_INIT;
static struct rt_timer *timers[1 << 16]; /* slot s of a timer is timers[s - 1]; not in order */
static uint32_t n_timers;

static void take_out(struct rt_timer *t)
{
    struct rt_timer *last = timers[--n_timers];
    timers[t->slot - 1] = last;
    last->slot = t->slot;
    t->slot = 0;
}

/* Fires what is due; returns when the next one is. */
static int64_t fire_due(int64_t now)
{
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < n_timers; i++) {
        struct rt_timer *t = timers[i];
        if (t->when <= now && t->period) {
            t->when += t->period * ((now - t->when) / t->period + 1);
            t->fn(t, now);
        } else if (t->when <= now) {
            take_out(t);
            t->fn(t, now);
            i--;
            continue;
        }
        if (t->when < next)
            next = t->when;
    }
    return next;
}

static void *timers_main(void *arg)
{
    pthread_mutex_lock(&timers_mu);
    for (;;) {
        int64_t next = fire_due(clock_nanos());
        if (next == INT64_MAX) {
            pthread_cond_wait(&timers_cond, &timers_mu);
            continue;
        }
        struct timespec ts = {next / 1000000000, next % 1000000000};
        pthread_cond_timedwait(&timers_cond, &timers_mu, &ts);
    }
    return arg;
}

static void timers_begin(void)
{
    pthread_condattr_t attr;
    pthread_t t;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&timers_cond, &attr);
    MUST(!pthread_create(&t, NULL, timers_main, NULL));
    pthread_detach(t);
}

void rt_timer_start(struct rt_timer *t, int64_t when, int64_t period)
{
    pthread_once(&timers_once, timers_begin);
    pthread_mutex_lock(&timers_mu);
    MUST(!t->slot && n_timers < sizeof timers / sizeof *timers);
    t->when = when;
    t->period = period;
    timers[n_timers++] = t;
    t->slot = n_timers;
    pthread_cond_signal(&timers_cond);
    pthread_mutex_unlock(&timers_mu);
}

bool rt_timer_stop(struct rt_timer *t)
{
    pthread_mutex_lock(&timers_mu);
    bool armed = t->slot != 0;
    if (armed)
        take_out(t);
    pthread_mutex_unlock(&timers_mu);
    return armed;
}

/* ---- panics ---- */

/* Runs the deferred calls above the surrounding go_recover(). */
static void unwind(struct fake *f, struct go_defer_ *until)
{
    while (f->g.defers != until) {
        struct go_defer_ *d = f->g.defers;
        f->g.defers = d->next_;
        MUST(d->plain_);
        d->plain_(d->owner_);
    }
}

_Noreturn void rt_panic(const char *text)
{
    struct fake *f = (struct fake *)rt_self();
    if (!f->recover) {
        fprintf(stderr, "panic: %s\n", text);
        _exit(2);
    }
    snprintf(f->text, sizeof f->text, "%s", text);
    unwind(f, f->recover_defers);
    longjmp(*f->recover, 1);
}

void(go_panic)(const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    rt_panic(text);
}

_Noreturn void rt_fatal(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "fatal error: ");
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    _exit(2);
}

const char *go_recover(void (*fn)(void *), void *arg)
{
    struct fake *f = (struct fake *)rt_self();
    jmp_buf here, *outer = f->recover;
    struct go_defer_ *outer_defers = f->recover_defers;
    f->recover_defers = f->g.defers;
    f->recover = &here;
    const char *text = NULL;
    if (setjmp(here))
        text = f->text;
    else
        fn(arg);
    f->recover = outer;
    f->recover_defers = outer_defers;
    return text;
}

/* ---- the program's side ---- */

int go_run(int (*fn)(int, char **), int argc, char **argv)
{
    return fn(argc, argv);
}

void rt_spawn_for(const struct origin *o, void (*fn)(void *), void *arg)
{
    (void)o;
    rt_spawn(NULL, fn, arg, 0);
}

void go_start(void (*fn)(void *), void *arg)
{
    rt_spawn(rt_self(), fn, arg, 0);
}

void go_yield(void)
{
    sched_yield();
}

int go_maxprocs(int n)
{
    (void)n;
    return 2;
}

go_time go_now(void)
{
    return rt_nanos();
}

go_duration go_since(go_time t)
{
    return rt_nanos() - t;
}

static void wake(struct rt_timer *t, int64_t now)
{
    (void)now;
    rt_ready(t->arg, NULL);
}

static bool commit_sleep(struct g *g, void *t)
{
    (void)g;
    rt_timer_start(t, ((struct rt_timer *)t)->when, 0);
    return true;
}

void go_sleep(go_duration d)
{
    struct rt_timer t = {.fn = wake, .arg = rt_self(), .when = rt_deadline(d)};
    if (d > 0)
        rt_park(rt_self(), commit_sleep, &t, TR_SLEEP, NULL);
}
