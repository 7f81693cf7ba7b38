/* int_ready.c - interceptors of waits for descriptors, and of System V semaphores and queues.
 *
 * That a descriptor can be read, or has hung up, comes after what was sent into it or its end was
 * closed: who is told so is ordered like who reads.  That it can be written orders nothing.
 *
 * Semaphores and queues are named by numbers that the kernel gives out; those that are equal in
 * their low bits share an object, which may order too much and never too little.  semctl() orders
 * nothing. */
#include "fds.h"
#include "intercept.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/sem.h>

/* ---- descriptors ---- */

static void polls(const struct pollfd *p, nfds_t n, uintptr_t pc)
{
    saw_read(watched_from(pc), p, n * sizeof *p, pc);
}

static void has_polled(const struct pollfd *p, nfds_t n, uintptr_t pc)
{
    const short told = POLLIN | POLLPRI | POLLHUP | POLLERR | POLLRDHUP;
    struct rc_ctx *c = watched_from(pc);
    for (nfds_t i = 0; i < n; i++) {
        saw_write(c, &p[i].revents, sizeof p[i].revents, pc);
        if (p[i].fd >= 0 && p[i].revents & told)
            rc_fd_received(watched(), p[i].fd);
    }
}

#define POLL(name, parameters, arguments)                                 \
    INTERCEPT(int, name, parameters)                                      \
    {                                                                     \
        const void *all = p;                                              \
        __asm__("" : "+r"(all)); /* the headers say it is only written */ \
        polls(all, n, PC);                                                \
        int ready = rt_real_##name arguments;                             \
        if (ready >= 0)                                                   \
            has_polled(p, n, PC);                                         \
        return ready;                                                     \
    }
POLL(poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms))
POLL(ppoll, (struct pollfd * p, nfds_t n, const struct timespec *limit, const sigset_t *mask),
     (p, n, limit, mask))

static void has_selected(int n, const fd_set *set)
{
    for (int fd = 0; set && fd < n && fd < FD_SETSIZE; fd++)
        if (FD_ISSET(fd, set))
            rc_fd_received(watched(), fd);
}

/* Of sets larger than FD_SETSIZE the first so many descriptors are looked at. */
static void selects(int n, const fd_set *set, bool write, uintptr_t pc)
{
    size_t bytes = ((size_t)(n < 0 ? 0 : n) + NFDBITS - 1) / NFDBITS * sizeof(fd_mask);
    if (set)
        (write ? saw_write : saw_read)(watched_from(pc), set, bytes, pc);
}

#define SELECT(name, parameters, arguments)   \
    INTERCEPT(int, name, parameters)          \
    {                                         \
        selects(n, in, false, PC);            \
        selects(n, out, false, PC);           \
        selects(n, except, false, PC);        \
        int ready = rt_real_##name arguments; \
        if (ready < 0)                        \
            return ready;                     \
        selects(n, in, true, PC);             \
        selects(n, out, true, PC);            \
        selects(n, except, true, PC);         \
        has_selected(n, in);                  \
        has_selected(n, except);              \
        return ready;                         \
    }
SELECT(select,
       (int n, fd_set *restrict in, fd_set *restrict out, fd_set *restrict except,
        struct timeval *restrict limit),
       (n, in, out, except, limit))
SELECT(pselect,
       (int n, fd_set *restrict in, fd_set *restrict out, fd_set *restrict except,
        const struct timespec *restrict limit, const sigset_t *restrict mask),
       (n, in, out, except, limit, mask))

/* ---- epoll ---- */

INTERCEPT(int, epoll_create1, (int flags))
{
    int fd = rt_real_epoll_create1(flags);
    if (fd >= 0)
        fds_inner(fd);
    return fd;
}

INTERCEPT(int, epoll_create, (int size))
{
    int fd = rt_real_epoll_create(size);
    if (fd >= 0)
        fds_inner(fd);
    return fd;
}

/* What is done before a descriptor is added or changed is done before an event of it. */
INTERCEPT(int, epoll_ctl, (int set, int op, int fd, struct epoll_event *e))
{
    if (e)
        saw_read(watched_from(PC), e, sizeof *e, PC);
    rc_fd_sends(watched(), set);
    if (e && op != EPOLL_CTL_DEL)
        fds_watch(set, fd, e->data.u64);
    return rt_real_epoll_ctl(set, op, fd, e);
}

static void has_waited(int set, const struct epoll_event *e, int n, uintptr_t pc)
{
    if (n <= 0)
        return;
    rc_fd_received(watched(), set);
    for (int i = 0; i < n; i++)
        if (e[i].events & (EPOLLIN | EPOLLPRI | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
            fds_event(watched(), set, e[i].data.u64);
    saw_write(watched_from(pc), e, (size_t)n * sizeof *e, pc);
}

#define EPOLL(name, parameters, arguments)    \
    INTERCEPT(int, name, parameters)          \
    {                                         \
        int ready = rt_real_##name arguments; \
        has_waited(set, e, ready, PC);        \
        return ready;                         \
    }
EPOLL(epoll_wait, (int set, struct epoll_event *e, int n, int ms), (set, e, n, ms))
EPOLL(epoll_pwait, (int set, struct epoll_event *e, int n, int ms, const sigset_t *mask),
      (set, e, n, ms, mask))

/* ---- ends ---- */

/* Who reads until the end is ordered after it. */
INTERCEPT(int, shutdown, (int fd, int how))
{
    rc_fd_sends(watched(), fd);
    return rt_real_shutdown(fd, how);
}

/* ---- System V ---- */

enum { OBJECTS = 1024 };

static const void *object_of(uint64_t *objects, int id)
{
    return &objects[(unsigned)id % OBJECTS];
}

static const void *semaphores(int id)
{
    static uint64_t objects[OBJECTS];
    return object_of(objects, id);
}

static const void *queue(int id)
{
    static uint64_t objects[OBJECTS];
    return object_of(objects, id);
}

static bool some_op(const struct sembuf *ops, size_t n, bool up)
{
    for (size_t i = 0; i < n; i++)
        if ((ops[i].sem_op > 0) == up)
            return true;
    return false;
}

static int operate(int id, struct sembuf *ops, size_t n, const struct timespec *limit, uintptr_t pc)
{
    struct rc_ctx *c = watched();
    saw_read(watched_from(pc), ops, n * sizeof *ops, pc);
    if (c && some_op(ops, n, true))
        rc_release_merge(c, semaphores(id));
    int err = rt_real_semtimedop(id, ops, n, limit);
    if (c && !err && some_op(ops, n, false))
        rc_acquire(c, semaphores(id));
    return err;
}

INTERCEPT(int, semop, (int id, struct sembuf *ops, size_t n))
{
    return operate(id, ops, n, NULL, PC);
}

INTERCEPT(int, semtimedop, (int id, struct sembuf *ops, size_t n, const struct timespec *limit))
{
    return operate(id, ops, n, limit, PC);
}

/* A message begins with its type, which n does not count. */
INTERCEPT(int, msgsnd, (int id, const void *p, size_t n, int flags))
{
    saw_read(watched_from(PC), p, sizeof(long) + n, PC);
    if (watched())
        rc_release_merge(watched(), queue(id));
    return rt_real_msgsnd(id, p, n, flags);
}

INTERCEPT(ssize_t, msgrcv, (int id, void *p, size_t n, long type, int flags))
{
    ssize_t got = rt_real_msgrcv(id, p, n, type, flags);
    if (got >= 0 && watched())
        rc_acquire(watched(), queue(id));
    if (got >= 0)
        saw_write(watched_from(PC), p, sizeof(long) + (size_t)got, PC);
    return got;
}
