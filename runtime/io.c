/* io.c - reading, writing and waiting on descriptors: goshawk/io.h.
 *
 * Each call tries without blocking, and parks between tries (fd.c).  How to try depends on the kind
 * of file, which is found out once and kept as a hint; every way is safe on a file of another kind,
 * should the number have been used again: recv() refuses what is no socket, RWF_NOWAIT blocks on
 * nothing, and a regular file is looked at each time.
 *
 * SIGPIPE is kept away by MSG_NOSIGNAL, by RWF_NOSIGNAL (Linux 6.18), or by a blocked signal that
 * is taken off again; the thread's mask is as before when the goroutine may change threads.
 *
 * Rejected: O_NONBLOCK set with F_SETFL, as Go does for its own files: the flag belongs to the open
 * file, and with it a shell, a parent or a child that shares it breaks.  Opening the pipe once more
 * by /proc/self/fd: needs /proc and permission, and no socket can be opened so. */
#include <goshawk/go.h>
#include <goshawk/io.h>
#include "fd.h"
#include "hook.h"
#include "thread.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static_assert(GO_FD_READ == FD_READ && GO_FD_WRITE == FD_WRITE, "events are directions");

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x08
#endif
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x100
#endif

/* Hints. */
enum {
    UNKNOWN,
    SOCKET,
    STREAM,     /* pipes, terminals, eventfds, ... */
    OLD_STREAM, /* one that does not know RWF_NOWAIT */
    DISK,       /* always ready, and may block: regular files, directories, block devices */
};

/* A read or write in progress. */
struct transfer {
    struct fd_call call;
    char *data;
    size_t n;
    bool write;
    bool quiet; /* no SIGPIPE */
};

static uint32_t no_nosignal; /* 1: the kernel has no RWF_NOSIGNAL; relaxed */

static ssize_t result(ssize_t n)
{
    return n < 0 ? -errno : n;
}

/* preadv2() or pwritev2() where the file stands; musl has them from 1.2.5 on. */
static ssize_t vector_call(long number, const struct transfer *t, size_t n, int flags)
{
    struct iovec v = {t->data, n};
    ssize_t got = result(syscall(number, t->call.fd, &v, 1, -1L, -1L, flags));
    return got == -ENOSYS ? -EOPNOTSUPP : got;
}

/* ---- writing without SIGPIPE ---- */

/* Calls pwritev2() with flags, or write() if < 0, for a kernel that has no RWF_NOSIGNAL. */
static ssize_t write_masked(const struct transfer *t, size_t n, int flags)
{
    sigset_t pipe_only, before;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    if (t->quiet)
        pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    ssize_t got =
        flags < 0 ? result(write(t->call.fd, t->data, n)) : vector_call(SYS_pwritev2, t, n, flags);
    if (t->quiet) {
        if (got == -EPIPE && !sigismember(&before, SIGPIPE)) /* it is pending, and ours */
            sigtimedwait(&pipe_only, NULL, &(struct timespec){0, 0});
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return got;
}

static ssize_t write_nowait(const struct transfer *t)
{
    if (!t->quiet)
        return vector_call(SYS_pwritev2, t, t->n, RWF_NOWAIT);
    if (!at_load_rlx(&no_nosignal)) { /* relaxed: a hint */
        ssize_t got = vector_call(SYS_pwritev2, t, t->n, RWF_NOWAIT | RWF_NOSIGNAL);
        if (got != -EOPNOTSUPP)
            return got;
    }
    ssize_t got = write_masked(t, t->n, RWF_NOWAIT);
    if (got != -EOPNOTSUPP)
        at_store_rlx(&no_nosignal, 1u); /* relaxed: a hint */
    return got;
}

/* ---- one try: bytes, or -EAGAIN when it would block, or -errno ---- */

static ssize_t try_socket(struct transfer *t)
{
    int fd = t->call.fd;
    if (t->write)
        return result(send(fd, t->data, t->n, MSG_DONTWAIT | (t->quiet ? MSG_NOSIGNAL : 0)));
    return result(recv(fd, t->data, t->n, MSG_DONTWAIT));
}

static ssize_t try_nowait(struct transfer *t)
{
    return t->write ? write_nowait(t) : vector_call(SYS_preadv2, t, t->n, RWF_NOWAIT);
}

/* The plain call, which may block the thread; the P is given up meanwhile. */
static ssize_t call_blocking(struct transfer *t, size_t n)
{
    ssize_t got;
    go_blocking_begin();
    do
        got = t->write ? write_masked(t, n, -1) : result(read(t->call.fd, t->data, n));
    while (got == -EINTR);
    go_blocking_end();
    return got;
}

static ssize_t try_old(struct transfer *t)
{
    int flags = fcntl(t->call.fd, F_GETFL);
    if (flags < 0)
        return -errno;
    if ((flags & O_ACCMODE) == (t->write ? O_RDONLY : O_WRONLY))
        return -EBADF; /* it would never be ready */
    if (flags & O_NONBLOCK)
        return t->write ? write_masked(t, t->n, -1) : result(read(t->call.fd, t->data, t->n));
    struct pollfd p = {.fd = t->call.fd, .events = t->write ? POLLOUT : POLLIN};
    if (poll(&p, 1, 0) <= 0)
        return -EAGAIN;
    return call_blocking(t, t->write && t->n > PIPE_BUF ? PIPE_BUF : t->n);
}

static uint32_t kind_of(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return UNKNOWN;
    switch (st.st_mode & S_IFMT) {
    case S_IFSOCK:
        return SOCKET;
    case S_IFREG:
    case S_IFDIR:
    case S_IFBLK:
        return DISK;
    default:
        return STREAM;
    }
}

static ssize_t try_as(struct transfer *t, uint32_t kind)
{
    switch (kind) {
    case SOCKET:
        return try_socket(t);
    case STREAM:
        return try_nowait(t);
    case OLD_STREAM:
        return try_old(t);
    case DISK:
        return call_blocking(t, t->n);
    default:
        return -EBADF;
    }
}

static ssize_t attempt(struct transfer *t)
{
    uint32_t hint = fd_hint(&t->call), kind = hint;
    if (kind == UNKNOWN || kind == DISK)
        kind = kind_of(t->call.fd);
    ssize_t got = try_as(t, kind);
    if (got == -ENOTSOCK && kind == SOCKET)
        got = try_as(t, kind = kind_of(t->call.fd));
    if (got == -EOPNOTSUPP && kind == STREAM)
        got = try_as(t, kind = OLD_STREAM);
    if (kind != hint)
        fd_set_hint(&t->call, kind);
    return got;
}

/* Tries until something has been done: bytes, or -errno. */
static ssize_t transfer_some(struct transfer *t, go_time deadline)
{
    for (;;) {
        fd_look(&t->call);
        ssize_t got = attempt(t);
        if (got == -EINTR)
            continue;
        if (got != -EAGAIN)
            return got;
        int err = fd_wait(&t->call, deadline);
        if (err == -EPERM) /* it cannot be waited for */
            return call_blocking(t, t->n);
        if (err)
            return err;
    }
}

/* ---- the calls ---- */

static ssize_t read_until(int fd, void *buf, size_t n, go_time deadline, uintptr_t pc)
{
    struct g *self = rt_self();
    struct transfer t = {.data = buf, .n = n};
    int err = fd_begin(&t.call, self, fd, FD_READ);
    if (err || n == 0) {
        if (!err)
            fd_end(&t.call, 0);
        return err;
    }
    ssize_t got = transfer_some(&t, deadline);
    fd_end(&t.call, got);
    if (got >= 0)
        hook_fd_received(self, fd); /* [hb-fd] */
    if (got > 0)
        hook_write(self, buf, (size_t)got, pc);
    return got;
}

static ssize_t write_until(int fd, const void *buf, size_t n, go_time deadline, uintptr_t pc)
{
    struct g *self = rt_self();
    struct transfer t = {.data = (char *)buf, .n = n, .write = true, .quiet = fd != 1 && fd != 2};
    int err = fd_begin(&t.call, self, fd, FD_WRITE);
    if (err)
        return err;
    hook_read(self, buf, n, pc);
    hook_fd_sends(self, fd); /* [hb-fd] */
    ssize_t got;
    do {
        got = transfer_some(&t, deadline);
        if (got <= 0)
            break;
        t.data += got;
        t.n -= (size_t)got;
    } while (t.n > 0);
    fd_end(&t.call, got);
    return t.n < n ? (ssize_t)(n - t.n) : got;
}

ssize_t go_read(int fd, void *buf, size_t n)
{
    return read_until(fd, buf, n, 0, hook_caller());
}

ssize_t go_read_deadline(int fd, void *buf, size_t n, go_time deadline)
{
    return read_until(fd, buf, n, deadline, hook_caller());
}

ssize_t go_write(int fd, const void *buf, size_t n)
{
    return write_until(fd, buf, n, 0, hook_caller());
}

ssize_t go_write_deadline(int fd, const void *buf, size_t n, go_time deadline)
{
    return write_until(fd, buf, n, deadline, hook_caller());
}

/* What poll(2) says now: the result of go_fd_wait(), or 0. */
static int ready_now(int fd, int events)
{
    struct pollfd p = {.fd = fd};
    p.events = (short)((events & GO_FD_READ ? POLLIN : 0) | (events & GO_FD_WRITE ? POLLOUT : 0));
    if (poll(&p, 1, 0) <= 0)
        return 0;
    if (p.revents & POLLNVAL)
        return -EBADF;
    int more = (p.revents & POLLHUP ? GO_FD_HUP : 0) | (p.revents & POLLERR ? GO_FD_ERR : 0);
    if (more)
        return events | more;
    return (p.revents & POLLIN ? GO_FD_READ : 0) | (p.revents & POLLOUT ? GO_FD_WRITE : 0);
}

int go_fd_wait(int fd, int events, go_time deadline)
{
    struct g *self = rt_self();
    struct fd_call call;
    if (!events || (events & ~(GO_FD_READ | GO_FD_WRITE)))
        return -EINVAL;
    int err = fd_begin(&call, self, fd, (uint32_t)events), ready = 0;
    if (err)
        return err;
    while (!ready) {
        fd_look(&call);
        ready = ready_now(fd, events);
        if (!ready)
            ready = fd_wait(&call, deadline);
    }
    fd_end(&call, ready);
    if (ready > 0 && (ready & GO_FD_READ))
        hook_fd_received(self, fd); /* [hb-fd] */
    return ready;
}

int go_fd_close(int fd)
{
    return fd_close(rt_self(), fd);
}
