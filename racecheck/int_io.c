/* int_io.c - interceptors of input and output: buffers, and order through descriptors.
 *
 * The order itself is in fds.c. */
#include "fds.h"
#include "intercept.h"
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void about_to_send(int fd)
{
    rc_fd_sends(watched(), fd);
}

static void has_received(int fd, ssize_t n)
{
    if (n >= 0)
        rc_fd_received(watched(), fd);
}

static void vector(struct rc_ctx *c, const struct iovec *v, size_t n, size_t bytes, bool write,
                   uintptr_t pc)
{
    if (!c)
        return;
    saw_read(c, v, n * sizeof *v, pc);
    for (size_t i = 0; i < n && bytes > 0; i++) {
        size_t k = v[i].iov_len < bytes ? v[i].iov_len : bytes;
        (write ? saw_write : saw_read)(c, v[i].iov_base, k, pc);
        bytes -= k;
    }
}

/* ---- receiving: the buffer is written ---- */

#define RECEIVE(name, parameters, arguments)                                       \
    INTERCEPT(ssize_t, name, parameters)                                           \
    {                                                                              \
        ssize_t got = rt_real_##name arguments;                                    \
        has_received(fd, got);                                                     \
        if (got > 0)                                                               \
            saw_write(watched_from(PC), p, (size_t)got < n ? (size_t)got : n, PC); \
        return got;                                                                \
    }
RECEIVE(read, (int fd, void *p, size_t n), (fd, p, n))
RECEIVE(pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
RECEIVE(pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at))
RECEIVE(recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
RECEIVE(recvfrom, (int fd, void *p, size_t n, int flags, struct sockaddr *from, socklen_t *from_n),
        (fd, p, n, flags, from, from_n))

#define RECEIVE_VECTOR(name, parameters, arguments)                        \
    INTERCEPT(ssize_t, name, parameters)                                   \
    {                                                                      \
        ssize_t got = rt_real_##name arguments;                            \
        has_received(fd, got);                                             \
        if (got > 0)                                                       \
            vector(watched_from(PC), v, (size_t)n, (size_t)got, true, PC); \
        return got;                                                        \
    }
RECEIVE_VECTOR(readv, (int fd, const struct iovec *v, int n), (fd, v, n))
RECEIVE_VECTOR(preadv, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at))
RECEIVE_VECTOR(preadv64, (int fd, const struct iovec *v, int n, off64_t at), (fd, v, n, at))

INTERCEPT(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags))
{
    ssize_t got = rt_real_recvmsg(fd, m, flags);
    has_received(fd, got);
    if (got >= 0)
        vector(watched_from(PC), m->msg_iov, m->msg_iovlen, (size_t)got, true, PC);
    return got;
}

INTERCEPT(int, recvmmsg, (int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *limit))
{
    int got = rt_real_recvmmsg(fd, m, n, flags, limit);
    has_received(fd, got);
    for (int i = 0; i < got; i++) {
        struct rc_ctx *c = watched_from(PC);
        vector(c, m[i].msg_hdr.msg_iov, m[i].msg_hdr.msg_iovlen, m[i].msg_len, true, PC);
        saw_write(c, &m[i].msg_len, sizeof m[i].msg_len, PC);
    }
    return got;
}

INTERCEPT(int, eventfd_read, (int fd, eventfd_t *v))
{
    int err = rt_real_eventfd_read(fd, v);
    has_received(fd, err);
    if (!err)
        saw_write(watched_from(PC), v, sizeof *v, PC);
    return err;
}

/* ---- sending: the buffer is read ---- */

#define SEND(name, parameters, arguments)     \
    INTERCEPT(ssize_t, name, parameters)      \
    {                                         \
        saw_read(watched_from(PC), p, n, PC); \
        about_to_send(fd);                    \
        return rt_real_##name arguments;      \
    }
SEND(write, (int fd, const void *p, size_t n), (fd, p, n))
SEND(pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
SEND(pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
SEND(send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
SEND(sendto,
     (int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t to_n),
     (fd, p, n, flags, to, to_n))

#define SEND_VECTOR(name, parameters, arguments)                                   \
    INTERCEPT(ssize_t, name, parameters)                                           \
    {                                                                              \
        vector(watched_from(PC), v, (size_t)(n > 0 ? n : 0), SIZE_MAX, false, PC); \
        about_to_send(fd);                                                         \
        return rt_real_##name arguments;                                           \
    }
SEND_VECTOR(writev, (int fd, const struct iovec *v, int n), (fd, v, n))
SEND_VECTOR(pwritev, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at))
SEND_VECTOR(pwritev64, (int fd, const struct iovec *v, int n, off64_t at), (fd, v, n, at))

/* Descriptors may go along. */
static void sends_control(const struct msghdr *m)
{
    struct msghdr copy = *m; /* CMSG_NXTHDR() takes no const one */
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&copy); h; h = CMSG_NXTHDR(&copy, h))
        if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
            fds_given_away(watched());
}

INTERCEPT(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags))
{
    sends_control(m);
    vector(watched_from(PC), m->msg_iov, m->msg_iovlen, SIZE_MAX, false, PC);
    about_to_send(fd);
    return rt_real_sendmsg(fd, m, flags);
}

INTERCEPT(int, sendmmsg, (int fd, struct mmsghdr *m, unsigned n, int flags))
{
    struct rc_ctx *c = watched_from(PC);
    for (unsigned i = 0; i < n; i++) {
        vector(c, m[i].msg_hdr.msg_iov, m[i].msg_hdr.msg_iovlen, SIZE_MAX, false, PC);
        sends_control(&m[i].msg_hdr);
    }
    about_to_send(fd);
    int sent = rt_real_sendmmsg(fd, m, n, flags);
    for (int i = 0; i < sent; i++)
        saw_write(c, &m[i].msg_len, sizeof m[i].msg_len, PC);
    return sent;
}

INTERCEPT(int, eventfd_write, (int fd, eventfd_t v))
{
    about_to_send(fd);
    return rt_real_eventfd_write(fd, v);
}

/* ---- descriptors ---- */

INTERCEPT(int, pipe, (int fd[2]))
{
    int rc = rt_real_pipe(fd);
    if (rc == 0) {
        saw_write(watched_from(PC), fd, 2 * sizeof *fd, PC);
        fds_pair(fd[0], fd[1]);
    }
    return rc;
}

INTERCEPT(int, pipe2, (int fd[2], int flags))
{
    int rc = rt_real_pipe2(fd, flags);
    if (rc == 0) {
        saw_write(watched_from(PC), fd, 2 * sizeof *fd, PC);
        fds_pair(fd[0], fd[1]);
    }
    return rc;
}

INTERCEPT(int, socketpair, (int domain, int type, int protocol, int fd[2]))
{
    int rc = rt_real_socketpair(domain, type, protocol, fd);
    if (rc == 0) {
        saw_write(watched_from(PC), fd, 2 * sizeof *fd, PC);
        fds_pair(fd[0], fd[1]);
    }
    return rc;
}

INTERCEPT(int, eventfd, (unsigned value, int flags))
{
    int fd = rt_real_eventfd(value, flags);
    if (fd >= 0)
        fds_pair(fd, fd);
    return fd;
}

INTERCEPT(int, dup, (int fd))
{
    int to = rt_real_dup(fd);
    fds_dup(to, fd);
    return to;
}

INTERCEPT(int, dup2, (int fd, int to))
{
    int rc = rt_real_dup2(fd, to);
    if (rc >= 0)
        fds_dup(to, fd);
    return rc;
}

INTERCEPT(int, dup3, (int fd, int to, int flags))
{
    int rc = rt_real_dup3(fd, to, flags);
    if (rc >= 0)
        fds_dup(to, fd);
    return rc;
}

INTERCEPT(int, close, (int fd))
{
    rc_fd_closes(watched(), fd);
    return rt_real_close(fd);
}

/* ---- streams ----
 *
 * The caller's buffers, and order where the stream is an end of a channel.  A FILE's own lock and
 * buffer are libc's matter. */

INTERCEPT(size_t, fread, (void *p, size_t each, size_t n, FILE *f))
{
    size_t got = rt_real_fread(p, each, n, f);
    fds_stream_received(f);
    saw_write(watched_from(PC), p, got * each, PC);
    return got;
}

INTERCEPT(size_t, fwrite, (const void *p, size_t each, size_t n, FILE *f))
{
    saw_read(watched_from(PC), p, n * each, PC);
    fds_stream_sends(f);
    return rt_real_fwrite(p, each, n, f);
}

INTERCEPT(char *, fgets, (char *p, int n, FILE *f))
{
    char *got = rt_real_fgets(p, n, f);
    fds_stream_received(f);
    if (got)
        saw_write(watched_from(PC), p, rt_real_strlen(p) + 1, PC);
    return got;
}

static void put(uintptr_t pc, const char *s, FILE *f)
{
    struct rc_ctx *c = watched_from(pc);
    if (c)
        saw_read(c, s, rt_real_strlen(s) + 1, pc);
    fds_stream_sends(f);
}

INTERCEPT(int, fputs, (const char *s, FILE *f))
{
    put(PC, s, f);
    return rt_real_fputs(s, f);
}

INTERCEPT(int, puts, (const char *s))
{
    put(PC, s, stdout);
    return rt_real_puts(s);
}

INTERCEPT(void, perror, (const char *s))
{
    if (s)
        put(PC, s, stderr);
    rt_real_perror(s);
}

static void got_line(uintptr_t pc, char **line, size_t *room, ssize_t got, FILE *f)
{
    struct rc_ctx *c = watched_from(pc);
    fds_stream_received(f);
    saw_write(c, line, sizeof *line, pc);
    saw_write(c, room, sizeof *room, pc);
    if (got >= 0)
        saw_write(c, *line, (size_t)got + 1, pc);
}

INTERCEPT(ssize_t, getline, (char **line, size_t *room, FILE *f))
{
    ssize_t got = rt_real_getline(line, room, f);
    got_line(PC, line, room, got, f);
    return got;
}

#define GETDELIM(name)                                                      \
    INTERCEPT(ssize_t, name, (char **line, size_t *room, int end, FILE *f)) \
    {                                                                       \
        ssize_t got = rt_real_getdelim(line, room, end, f);                 \
        got_line(PC, line, room, got, f);                                   \
        return got;                                                         \
    }
GETDELIM(getdelim)
GETDELIM(__getdelim)

#define PUT_CHAR(name)                     \
    INTERCEPT(int, name, (int v, FILE *f)) \
    {                                      \
        fds_stream_sends(f);               \
        return rt_real_fputc(v, f);        \
    }
PUT_CHAR(fputc)
PUT_CHAR(putc)

#define GET_CHAR(name)               \
    INTERCEPT(int, name, (FILE * f)) \
    {                                \
        int v = rt_real_fgetc(f);    \
        fds_stream_received(f);      \
        return v;                    \
    }
GET_CHAR(fgetc)
GET_CHAR(getc)

INTERCEPT(int, fflush, (FILE * f))
{
    if (f)
        fds_stream_sends(f);
    return rt_real_fflush(f);
}

INTERCEPT(int, fclose, (FILE * f))
{
    int fd = fileno(f);
    if (fd >= 0)
        rc_fd_closes(watched(), fd);
    return rt_real_fclose(f);
}
