/* metrics.c - see goshawk/metrics.h.
 *
 * Nothing stops: counters are read relaxed, the scheduler's lists are counted under its lock, and
 * goroutine structs, which are never unmapped, are looked at as they are. */
#include "metrics.h"
#include "check.h"
#include "clock.h"
#include "core.h"
#include "entry.h"
#include "hook.h"
#include "picture.h"
#include "print.h"
#include "stack.h"
#include "stats.h"
#include <errno.h>
#include <goshawk/metrics.h>
#include <string.h>

_Static_assert((int)GO_WAIT_CHAN_SEND == TR_CHAN_SEND && (int)GO_WAIT_CHAN_NIL == TR_CHAN_NIL &&
                   (int)GO_WAIT_SELECT_EMPTY == TR_SELECT_EMPTY && (int)GO_WAIT_MUTEX == TR_MUTEX &&
                   (int)GO_WAIT_WAITGROUP == TR_WAITGROUP && (int)GO_WAIT_SLEEP == TR_SLEEP &&
                   (int)GO_WAIT_SYSCALL == TR_SYSCALL && (int)TR_REASONS <= GO_WAIT_REASONS,
               "public reasons are the tracer's");
_Static_assert((int)GO_LATENCY_BUCKETS == STATS_BUCKETS && STATS_FIRST_BITS == 7,
               "the histogram is as documented");

/* ---- goroutines ---- */

static void count_parked(struct go_metrics *m, uint32_t why)
{
    m->g_waiting++;
    m->g_waiting_for[why < GO_WAIT_REASONS ? why : GO_WAIT_OTHER]++;
}

static void count_one(struct g *g, void *arg)
{
    struct go_metrics *m = arg;
    uint32_t state = at_load_rlx(&g->state); /* relaxed: a picture */
    if (state == G_FREE)
        m->g_free++;
    if (state == G_FREE || (g->flags & G_SYSTEM))
        return;
    if (g->flags & G_SEED) {
        m->g_runnable++;
        return;
    }
    m->stack_in_use += (size_t)(g->stack_hi - g->stack_lo);
    if (state == G_PARKED)
        count_parked(m, g->why);
    m->g_runnable += state == G_READY;
    m->g_running += state == G_RUNNING;
    m->g_blocking += state == G_RUNNING && g->blocking > 0;
}

/* ---- processors and threads ---- */

static void read_sched(struct go_metrics *m)
{
    rt_lock(&sched.lock);
    m->p_total = sched.nprocs;
    m->p_idle = sched.idle_p_count;
    m->m_total = worker_count();
    m->m_idle = sched.idle_m_count;
    rt_unlock(&sched.lock);
    m->p_running = m->p_total - m->p_idle;
    m->m_spinning = at_load_rlx(&sched.spinning); /* relaxed: a picture */
}

static void read_procs(struct go_metrics *m)
{
    uint32_t procs = at_load_acq(&sched.procs_made); /* [procs] */
    for (uint32_t i = 0; i < procs; i++) {
        struct p *p = sched.procs[i];
        m->spawned += at_load_rlx(&p->spawned); /* relaxed: a picture */
        m->ended += at_load_rlx(&p->ended);     /* relaxed: a picture */
        rt_lock(&p->timers.lock);
        m->timers += p->timers.count;
        rt_unlock(&p->timers.lock);
    }
    /* begun, less ended, on no P: only their difference is known */
    int64_t outside = at_load_rlx(&sched.outside); /* relaxed: a picture */
    *(outside > 0 ? &m->spawned : &m->ended) += (uint64_t)(outside > 0 ? outside : -outside);
}

static void read_stats(struct go_metrics *m)
{
    struct p_stats s;
    stats_sum(&s);
    m->parks = s.parks;
    m->readies = s.readies;
    m->steals = s.steals;
    m->stolen = s.stolen;
    for (int i = 0; i < GO_LATENCY_BUCKETS; i++)
        m->latency_samples += m->latency[i] = s.latency[i];
}

int go_metrics_read(struct go_metrics *ret)
{
    struct go_metrics m = {.version = GO_METRICS_VERSION};
    uint32_t size = ret->size ? ret->size : (uint32_t)sizeof m;
    if (size < sizeof m)
        return -EINVAL;
    rt_init();
    read_sched(&m);
    read_procs(&m);
    read_stats(&m);
    m.stack_reserved = stack_reserved();
    san_picture_begin();
    g_for_each(count_one, &m);
    san_picture_end();
    m.size = (uint32_t)sizeof m;
    *ret = m;
    return 0;
}

uint64_t go_metrics_latency(const struct go_metrics *m, double q)
{
    uint64_t want = (uint64_t)(q * (double)m->latency_samples), seen = 0;
    int i = 0, last = 0;
    for (; i < GO_LATENCY_BUCKETS && seen <= want; i++) {
        seen += m->latency[i];
        last = m->latency[i] ? i : last;
    }
    return m->latency_samples ? (uint64_t)1 << (STATS_FIRST_BITS + last) : 0;
}

/* ---- as text ---- */

static const char *const reasons[] = {"other",     "chan send",    "chan receive",
                                      "nil chan",  "select",       "select without cases",
                                      "mutex",     "rwmutex read", "rwmutex write",
                                      "waitgroup", "cond",         "semaphore",
                                      "once",      "sleep",        "io",
                                      "syscall"};

static void print_table(int fd, const struct go_metrics *m)
{
    const struct {
        const char *name;
        uint64_t value;
        const char *unit;
    } rows[] = {
        {"running", m->g_running, "goroutines"},
        {"blocking", m->g_blocking, "goroutines"},
        {"runnable", m->g_runnable, "goroutines"},
        {"waiting", m->g_waiting, "goroutines"},
        {"free", m->g_free, "goroutines"},
        {"processors", m->p_total, ""},
        {"processors idle", m->p_idle, ""},
        {"threads", m->m_total, ""},
        {"threads idle", m->m_idle, ""},
        {"threads spinning", m->m_spinning, ""},
        {"spawned", m->spawned, "goroutines"},
        {"ended", m->ended, "goroutines"},
        {"parks", m->parks, "times"},
        {"readies", m->readies, "times"},
        {"steals", m->steals, "times"},
        {"stolen", m->stolen, "goroutines"},
        {"stacks reserved", m->stack_reserved >> 10, "KiB"},
        {"stacks in use", m->stack_in_use >> 10, "KiB"},
        {"timers", m->timers, ""},
        {"latency samples", m->latency_samples, "times"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        rt_printf(fd, "%-20s %lu%s%s\n", rows[i].name, (unsigned long)rows[i].value,
                  *rows[i].unit ? " " : "", rows[i].unit);
}

void go_metrics_print(int fd)
{
    struct go_metrics m = {.size = sizeof m};
    if (go_metrics_read(&m) != 0)
        return;
    print_table(fd, &m);
    for (unsigned i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (m.g_waiting_for[i])
            rt_printf(fd, "waiting: %-20s %lu goroutines\n", reasons[i],
                      (unsigned long)m.g_waiting_for[i]);
    for (int i = 0; i < GO_LATENCY_BUCKETS; i++)
        if (m.latency[i])
            rt_printf(fd, "latency below %lu ns: %lu times\n",
                      (unsigned long)1 << (STATS_FIRST_BITS + i), (unsigned long)m.latency[i]);
}

void metrics_schedtrace(void)
{
    static int64_t begin;
    char buf[900];
    struct text t;
    struct go_metrics m = {0};
    begin = begin ? begin : clock_nanos();
    read_sched(&m);
    text_init(&t, buf, sizeof buf);
    text_printf(&t,
                "SCHED %ldms: gomaxprocs=%u idleprocs=%u threads=%u spinningthreads=%u "
                "idlethreads=%u runqueue=%u [",
                (long)((clock_nanos() - begin) / 1000000), m.p_total, m.p_idle, m.m_total,
                m.m_spinning, m.m_idle, globalq_count(&sched.queue));
    for (uint32_t i = 0; i < m.p_total && i < at_load_acq(&sched.procs_made); i++) { /* [procs] */
        const struct p *p = sched.procs[i];
        uint32_t next = at_load_rlx(&p->runnext) != NULL; /* relaxed: a picture */
        text_printf(&t, "%s%u", i ? " " : "", runq_len(&p->runq) + next);
    }
    text_printf(&t, "] goroutines=%ld", (long)sched_count());
    rt_printf(2, "%s\n", buf);
}
