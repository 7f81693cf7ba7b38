/* poller.c - see poller.h.
 *
 * Of the Ms that have nothing to do one blocks in epoll_wait instead of its futex, with the time of
 * the next timer as the limit if it is also the sleeper (idle.c).  It is woken there by events, by
 * time, or by whoever posts it work: by an eventfd that is registered too.  An M that goes to sleep
 * becomes the poller if there is none; the one that ceases to be it, because it has work now, wakes
 * another if there are idle Ps (sched_wake()), and that one will be the poller soon.  When all Ps
 * are busy their Ms look without blocking: before they steal, every 100 us or so between
 * goroutines, and sysmon looks when nobody did for 10 ms.
 *
 * Events are edges: a registration is made once for a file, for both directions, and never changed.
 * One that the kernel has reported must be delivered by who got it, so an M holds its role
 * (state.holder) until it has done so, and by preference gets a P first: then those that it readies
 * run there.
 *
 * Waking the poller [break], against work that is posted while it goes to sleep:
 *   poster:  park_word = 1;  full fence;  blocked == m?      write to the eventfd, else wake futex
 *   poller:  blocked = m;    full fence;  park_word?         block
 *            blocked = NULL; full fence;  park_word?         sleep on the futex
 * The eventfd is registered level-triggered, and emptied by the M that blocked: others, who only
 * look, must not take the news away from it.  What is written too late, because the M came back by
 * itself, wakes the next poller once in vain.
 *
 * Limits.  epoll_wait counts milliseconds, which is too coarse for timers, so epoll_pwait2 it is;
 * where the kernel has none (before Linux 5.11) a timerfd in the instance gives the time.
 *
 * Rejected: a thread of its own for polling (each event would cost two thread switches); one
 * instance for each P (an idle M must then visit all); EPOLLONESHOT (a system call for each wait).
 * [poller]        the holder's events and buffer -> the next holder.
 * [poller-start]  the instance's descriptors -> who uses them. */
#include "poller.h"
#include "clock.h"
#include "core.h"
#include "fd.h"
#include "futex.h"
#include "panic.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 128,
    EVENTS_NOW_MAX = 64,
    IDLY_TICKS = 100000, /* 33 to 100 us */
};

/* Instead of a descriptor in an event's data: the runtime's own. */
#define OWN_EVENT UINT64_MAX

struct poller_state poller_state;

static struct {
    struct rt_lock lock; /* while it is made */
    int epoll;
    int wake;  /* eventfd: who writes here ends a wait */
    int timer; /* timerfd, or -1: epoll_pwait2 is there */
    int count; /* events held; by the holder */
    struct epoll_event held[EVENTS_MAX];
} poller = {.epoll = -1, .wake = -1, .timer = -1};

/* ---- the instance ---- */

static int wait_for_events(int epoll, struct epoll_event *events, int n, int64_t timeout_ns)
{
#ifdef SYS_epoll_pwait2
    struct timespec ts = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    return (int)syscall(SYS_epoll_pwait2, epoll, events, n, timeout_ns < 0 ? NULL : &ts, NULL, 0);
#else
    (void)epoll, (void)events, (void)n, (void)timeout_ns;
    errno = ENOSYS;
    return -1;
#endif
}

static bool has_pwait2(int epoll)
{
    struct epoll_event e;
    return wait_for_events(epoll, &e, 1, 0) >= 0 || errno != ENOSYS;
}

static bool add_own(int epoll, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = OWN_EVENT};
    return fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* Under poller.lock. */
static int make(bool pwait2)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), timer = -1;
    bool ok = epoll >= 0 && add_own(epoll, wake);
    if (ok && !(pwait2 && has_pwait2(epoll))) {
        timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        ok = add_own(epoll, timer);
    }
    if (!ok) {
        int err = errno;
        close_if_open(epoll);
        close_if_open(wake);
        close_if_open(timer);
        return -err;
    }
    poller.epoll = epoll;
    poller.wake = wake;
    poller.timer = timer;
    at_store_rel(&poller_state.started, 1u); /* [poller-start] */
    return 0;
}

int poller_start(bool pwait2)
{
    if (at_load_acq(&poller_state.started)) /* [poller-start] */
        return 0;
    rt_lock(&poller.lock);
    int err = poller_state.started ? 0 : make(pwait2);
    rt_unlock(&poller.lock);
    if (!err) {
        at_fence_sc(); /* [wake] */
        sched_wake();  /* an M that sleeps on its futex must become the poller */
    }
    return err;
}

int poller_add(int fd, uint32_t seq)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                            .data.u64 = (uint64_t)seq << 32 | (uint32_t)fd};
    return epoll_ctl(poller.epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -errno;
}

void poller_remove(int fd)
{
    if (at_load_acq(&poller_state.started)) /* [poller-start] */
        epoll_ctl(poller.epoll, EPOLL_CTL_DEL, fd, NULL);
}

void poller_count(int n)
{
    at_add_rlx(&poller_state.waiting, (uint32_t)n); /* relaxed: see poller_waiting() */
}

/* ---- events ---- */

/* Hang-up and error end both directions: whoever waits must find out by itself. */
static uint32_t directions(uint32_t events)
{
    const uint32_t both = EPOLLHUP | EPOLLERR | EPOLLRDHUP;
    return (events & (EPOLLIN | both) ? FD_READ : 0) | (events & (EPOLLOUT | both) ? FD_WRITE : 0);
}

static bool deliver(const struct epoll_event *events, int n)
{
    bool any = false;
    for (int i = 0; i < n; i++) {
        uint64_t data = events[i].data.u64;
        if (data != OWN_EVENT)
            any |=
                fd_edge((int)(uint32_t)data, (uint32_t)(data >> 32), directions(events[i].events));
    }
    return any;
}

/* The result of a wait; a program that has closed the runtime's descriptors cannot go on. */
static int checked(int n)
{
    if (n < 0 && errno != EINTR)
        rt_fatal("the descriptors of the runtime's poller are gone: %s", strerror(errno));
    return n;
}

bool poller_now(void)
{
    struct epoll_event events[EVENTS_NOW_MAX];
    if (!poller_waiting() || !at_load_acq(&poller_state.started)) /* [poller-start] */
        return false;
    at_store_rlx(&poller_state.looked, clock_ticks()); /* relaxed: a guess */
    return deliver(events, checked(epoll_wait(poller.epoll, events, EVENTS_NOW_MAX, 0)));
}

bool poller_now_idly(void)
{
    if (!poller_waiting())
        return false;
    at_store_rlx(&poller_state.looked_idly, clock_ticks()); /* relaxed: a guess */
    return poller_now();
}

bool poller_left_to_others(void)
{
    /* relaxed: guesses; who relies on them looks again after a nap */
    return poller_unwatched() &&
           at_load_rlx(&sched.idle_p_count) < at_load_rlx(&sched.nprocs) && /* relaxed: see above */
           clock_ticks() - at_load_rlx(&poller_state.looked_idly) < IDLY_TICKS; /* relaxed: too */
}

bool poller_is_due(uint64_t now, uint64_t ticks)
{
    /* relaxed: a guess */
    return poller_unwatched() &&
           (int64_t)(now - at_load_rlx(&poller_state.looked)) > (int64_t)ticks;
}

/* ---- blocking ---- */

static int block(int64_t timeout_ns)
{
    if (poller.timer < 0)
        return wait_for_events(poller.epoll, poller.held, EVENTS_MAX, timeout_ns);
    if (timeout_ns > 0) {
        struct itimerspec at = {
            .it_value = {timeout_ns / 1000000000, timeout_ns % 1000000000},
        };
        timerfd_settime(poller.timer, 0, &at, NULL);
    }
    return epoll_wait(poller.epoll, poller.held, EVENTS_MAX, timeout_ns == 0 ? 0 : -1);
}

static void empty(int fd)
{
    uint64_t n;
    if (fd >= 0 && read(fd, &n, sizeof n) < 0)
        rt_check(errno == EAGAIN);
}

/* Of the n events held; the runtime's own are dealt with here. */
static bool holds_descriptors(int n)
{
    int own = 0;
    for (int i = 0; i < n; i++)
        own += poller.held[i].data.u64 == OWN_EVENT;
    if (own > 0) {
        empty(poller.wake);
        empty(poller.timer);
    }
    return n > own;
}

/* Blocks in m's name, unless m has been posted. */
static int block_for(struct m *m, int64_t timeout_ns)
{
    int n = 0;
    at_store_rlx(&poller_state.blocked, m); /* relaxed: fenced below */
    at_fence_sc();                          /* [break] after blocked, before park_word */
    if (!at_load_rlx(&m->park_word))        /* relaxed: see the fence */
        n = checked(block(timeout_ns));
    at_store_rlx(&poller_state.blocked, NULL); /* relaxed: fenced by the caller */
    return n;
}

enum poller_block poller_block(struct m *m, int64_t timeout_ns)
{
    if (!at_load_acq(&poller_state.started) ||          /* [poller-start] */
        !at_cas_acq_rel(&poller_state.holder, NULL, m)) /* [poller] */
        return POLLER_TAKEN;
    int n = block_for(m, timeout_ns);
    at_fence_sc();                                     /* [break] after blocked, before park_word */
    at_store_rlx(&poller_state.looked, clock_ticks()); /* relaxed: a guess */
    if (holds_descriptors(n)) {
        poller.count = n;
        return POLLER_EVENTS;
    }
    at_store_rel(&poller_state.holder, NULL); /* [poller] */
    return POLLER_NOTHING;
}

void poller_deliver(struct m *m)
{
    if (!poller_holds(m))
        return;
    deliver(poller.held, poller.count);
    at_store_rel(&poller_state.holder, NULL); /* [poller] */
}

bool poller_break(const struct m *m)
{
    at_fence_sc(); /* [break] after park_word, before started and blocked */
    if (!at_load_acq(&poller_state.started)) /* [poller-start] */
        return false;
    if (at_load_rlx(&poller_state.blocked) != m) /* relaxed: see the fence */
        return false;
    uint64_t one = 1;
    int saved = errno;
    rt_check(write(poller.wake, &one, sizeof one) == sizeof one);
    errno = saved;
    return true;
}
