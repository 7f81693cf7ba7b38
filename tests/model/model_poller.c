/* model_poller.c - work that is posted to an M while it goes to sleep in the poller, or while that
 * is made: the kernel's part is a count that is not zero. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "core.h"
#include "explore.h"
#include "fd.h"
#include "futex.h"

/* ---- the kernel's part ---- */

enum { EPOLL = 3, WAKE };

static uint64_t told; /* the eventfd's count */

static bool is_told(void *arg)
{
    (void)arg;
    return told != 0;
}

static long kernel_pwait2(long number, int epoll, struct epoll_event *events, int n,
                          const struct timespec *limit, const void *mask, size_t size)
{
    (void)mask, (void)size;
    EX_HOLD(number == SYS_epoll_pwait2 && epoll == EPOLL && n > 0);
    if (limit) /* it only asks whether there is such a call */
        return 0;
    ex_wait(is_told, NULL);
    events[0].data.u64 = UINT64_MAX;
    return 1;
}

static int kernel_create(int flags)
{
    (void)flags;
    return EPOLL;
}

static int kernel_eventfd(unsigned count, int flags)
{
    (void)count, (void)flags;
    return WAKE;
}

static int kernel_ctl(int epoll, int op, int fd, const struct epoll_event *e)
{
    EX_HOLD(epoll == EPOLL && op == EPOLL_CTL_ADD && fd == WAKE && e->data.u64 == UINT64_MAX);
    return 0;
}

static ssize_t kernel_write(int fd, const uint64_t *n, size_t size)
{
    EX_HOLD(fd == WAKE && size == sizeof *n);
    at_add_acq_rel(&told, *n);
    return (ssize_t)size;
}

static ssize_t kernel_read(int fd, uint64_t *ret, size_t size)
{
    EX_HOLD(fd == WAKE && size == sizeof *ret);
    *ret = at_xchg_acq_rel(&told, 0u);
    errno = EAGAIN;
    return *ret ? (ssize_t)size : -1;
}

#define syscall       kernel_pwait2
#define epoll_create1 kernel_create
#define eventfd       kernel_eventfd
#define epoll_ctl     kernel_ctl
#define write         kernel_write
#define read          kernel_read
#include "poller.c"

/* ---- the models ---- */

struct sched sched;

static struct m ms[2];

/* Those that sleep on a futex go on doing so here. */
void sched_wake(void)
{
}

bool fd_edge(int fd, uint32_t seq, uint32_t directions)
{
    (void)fd, (void)seq, (void)directions;
    ex_fail("no descriptor is registered");
}

static void starter(void *arg)
{
    (void)arg;
    EX_HOLD(poller_start(true) == 0);
}

/* sched_post() */
static void poster(void *arg)
{
    struct m *m = arg;
    at_store_rel(&m->park_word, 1u);
    if (!poller_break(m))
        rt_futex_wake(&m->park_word, 1);
}

/* m_wait() without a limit: ends, or the explorer tells of a thread that waits for ever. */
static void sleeper(void *arg)
{
    struct m *m = arg;
    while (!at_load_acq(&m->park_word)) {
        enum poller_block got = poller_block(m, -1);
        EX_HOLD(got != POLLER_EVENTS);
        if (got == POLLER_TAKEN)
            rt_futex_wait(&m->park_word, 0, -1);
    }
    EX_HOLD(!poller_holds(m));
}

static void begin_for(int n)
{
    ex_quiet(&poller, offsetof(__typeof__(poller), held[1]));
    ex_region(&poller_state.started, sizeof poller_state.started);
    ex_region(&poller_state.holder, sizeof poller_state.holder);
    ex_region(&poller_state.blocked, sizeof poller_state.blocked);
    ex_quiet(&poller_state.looked, sizeof poller_state.looked);
    ex_region(&told, sizeof told);
    for (int i = 0; i < n; i++) {
        ex_region(&ms[i].park_word, sizeof ms[i].park_word);
        ex_thread(sleeper, &ms[i]);
        ex_thread(poster, &ms[i]);
    }
}

static void begin_started(void)
{
    begin_for(1);
    starter(NULL);
}

static void begin_starting(void)
{
    begin_for(1);
    ex_thread(starter, NULL);
}

static void begin_two(void)
{
    begin_for(2);
    starter(NULL);
}

static const struct ex_model models[] = {
    {.name = "poller",
     .says = "who sleeps in it is woken",
     .memory = EX_PSO,
     .begin = begin_started},
    {.name = "poller, started just now",
     .says = "who sleeps in it is woken",
     .memory = EX_PSO,
     .begin = begin_starting},
    {.name = "poller, two who sleep",
     .says = "who sleeps in it, or on the futex, is woken",
     .memory = EX_PSO,
     .begin = begin_two},
};

static const char *const survivors[] = {
    /* what they publish is written by plain stores */
    "make store_rel",
    "poster store_rel",
    "poller_block store_rel",
    /* for sched_wake(), which does nothing here */
    "poller_start fence_sc",
    /* behind `blocked = NULL`: the futex looks at the word once more */
    "poller_block fence_sc",
    /* the kernel's */
    "kernel_write add_acq_rel",
    "kernel_read xchg_acq_rel",
    NULL,
};

int main(int argc, char **argv)
{
    return ex_main(argc, argv, models, sizeof models / sizeof *models, survivors);
}
