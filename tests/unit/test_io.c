/* test_io.c - go_read(), go_write() and go_fd_wait() on every kind of descriptor. */
#include "in_child.h"
#include "in_go.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include "atomic.h"
#include "rand.h"

static void open_pipe(int p[2], int flags)
{
    CHECK(pipe2(p, flags) == 0);
}

static void open_pair(int p[2], int type)
{
    CHECK(socketpair(AF_UNIX, type, 0, p) == 0);
}

static void close_both(int p[2])
{
    CHECK(go_fd_close(p[0]) == 0 && go_fd_close(p[1]) == 0);
}

static go_time soon(void)
{
    return go_now() + 2 * GO_MILLISECOND;
}

/* ---- bytes through every kind of channel ---- */

enum { STREAM_BYTES = 300000 };

static uint32_t byte_at(uint32_t i)
{
    return i * 2654435761u >> 24;
}

struct stream {
    int fd;
    uint32_t seed;
};

static void sends(void *arg)
{
    struct stream *s = arg;
    struct rt_rand rand = {s->seed};
    static char buf[4][100000];
    char *b = buf[s->seed & 3];
    for (uint32_t at = 0; at < STREAM_BYTES;) {
        uint32_t n = 1 + rand_below(&rand, rand_below(&rand, 4) ? 5000 : 100000);
        n = n < STREAM_BYTES - at ? n : STREAM_BYTES - at;
        for (uint32_t i = 0; i < n; i++)
            b[i] = (char)byte_at(at + i);
        CHECK(go_write(s->fd, b, n) == (ssize_t)n);
        at += n;
    }
    CHECK(go_fd_close(s->fd) == 0);
}

static void receives(void *arg)
{
    struct stream *s = arg;
    struct rt_rand rand = {s->seed};
    uint8_t b[8192];
    uint32_t at = 0;
    for (ssize_t n; (n = go_read(s->fd, b, 1 + rand_below(&rand, sizeof b))) != 0;) {
        CHECK(n > 0);
        for (ssize_t i = 0; i < n; i++, at++)
            CHECK(b[i] == byte_at(at));
    }
    CHECK(at == STREAM_BYTES);
    CHECK(go_read(s->fd, b, 1) == 0);
    CHECK(go_fd_close(s->fd) == 0);
}

static void send_and_receive(int p[4][2])
{
    static struct stream streams[8];
    int flags[4];
    for (int i = 0; i < 4; i++) {
        flags[i] = fcntl(p[i][0], F_GETFL);
        streams[2 * i] = (struct stream){p[i][0], (uint32_t)i};
        streams[2 * i + 1] = (struct stream){p[i][1], (uint32_t)i};
        start(receives, &streams[2 * i]);
        CHECK(fcntl(p[i][0], F_GETFL) == flags[i]);
        start(sends, &streams[2 * i + 1]);
    }
    finish();
}

IN_GO(io, pipes, .timeout = 60)
{
    int p[4][2];
    for (int i = 0; i < 4; i++)
        open_pipe(p[i], i % 2 ? O_NONBLOCK : 0);
    send_and_receive(p);
}

IN_GO(io, socket_pairs, .timeout = 60)
{
    int p[4][2];
    for (int i = 0; i < 4; i++)
        open_pair(p[i], SOCK_STREAM | (i % 2 ? SOCK_NONBLOCK : 0));
    send_and_receive(p);
}

static void *thread_sends(void *arg)
{
    sends(arg);
    return NULL;
}

static void *thread_receives(void *arg)
{
    receives(arg);
    return NULL;
}

IN_GO(io, threads_at_both_ends, .timeout = 60)
{
    int p[2], q[2];
    pthread_t t[2];
    open_pipe(p, 0);
    open_pair(q, SOCK_STREAM);
    struct stream s[4] = {{p[0], 0}, {p[1], 0}, {q[0], 1}, {q[1], 1}};
    CHECK(pthread_create(&t[0], NULL, thread_receives, &s[0]) == 0);
    CHECK(pthread_create(&t[1], NULL, thread_sends, &s[3]) == 0);
    start(sends, &s[1]);
    start(receives, &s[2]);
    finish();
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
}

IN_GO(io, datagrams_stay_whole)
{
    int p[2];
    char b[100];
    open_pair(p, SOCK_DGRAM);
    CHECK(go_write(p[0], "abc", 3) == 3 && go_write(p[0], "", 0) == 0);
    CHECK(go_write(p[0], "defg", 4) == 4);
    CHECK(go_read(p[1], b, 0) == 0);
    CHECK(go_read(p[1], b, 2) == 2 && go_read(p[1], b, sizeof b) == 0);
    CHECK(go_read(p[1], b, sizeof b) == 4 && !memcmp(b, "defg", 4));
    CHECK(go_read_deadline(p[1], b, sizeof b, soon()) == -ETIMEDOUT);
    close_both(p);
}

/* Where the kernel (an emulator's may be old) cannot be asked to read without waiting, a call that
 * is wrong says so no sooner than it could be right. */
static bool knows_nowait(int fd)
{
    char b;
    struct iovec v = {&b, sizeof b};
    return preadv2(fd, &v, 1, -1, RWF_NOWAIT) >= 0 || (errno != ENOSYS && errno != EOPNOTSUPP);
}

IN_GO(io, eventfds_and_timerfds)
{
    uint64_t n = 3;
    int e = eventfd(0, 0), t = timerfd_create(CLOCK_MONOTONIC, 0);
    CHECK(e >= 0 && t >= 0);
    CHECK(go_write(e, &n, sizeof n) == sizeof n && go_write(e, &n, sizeof n) == sizeof n);
    CHECK(go_read(e, &n, sizeof n) == sizeof n && n == 6);
    CHECK(go_read_deadline(e, &n, sizeof n, soon()) == -ETIMEDOUT);
    if (!knows_nowait(e))
        CHECK(go_write(e, &n, sizeof n) == sizeof n);
    CHECK(go_read(e, &n, 4) == -EINVAL);
    struct itimerspec in = {.it_value.tv_nsec = 3000000};
    CHECK(timerfd_settime(t, 0, &in, NULL) == 0);
    CHECK(go_read(t, &n, sizeof n) == sizeof n && n == 1);
    CHECK(go_fd_close(e) == 0 && go_fd_close(t) == 0);
}

/* A terminal knows no RWF_NOWAIT. */
IN_GO(io, terminals)
{
    char b[8], name[64];
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0) /* no terminals here */
        return;
    CHECK(grantpt(master) == 0 && unlockpt(master) == 0);
    CHECK(ptsname_r(master, name, sizeof name) == 0);
    int slave = open(name, O_RDWR | O_NOCTTY);
    CHECK(slave >= 0);
    CHECK(go_read_deadline(slave, b, sizeof b, soon()) == -ETIMEDOUT);
    CHECK(go_write(master, "ab\n", 3) == 3);
    CHECK(go_read(slave, b, sizeof b) == 3 && !memcmp(b, "ab\n", 3));
    CHECK(go_write(slave, "c", 1) == 1);
    CHECK(go_fd_wait(master, GO_FD_READ, 0) > 0);
    int other = open(name, O_WRONLY | O_NOCTTY);
    CHECK(other >= 0 && go_read(other, b, 1) == -EBADF && go_fd_close(other) == 0);
    CHECK(go_fd_close(slave) == 0 && go_fd_close(master) == 0);
}

IN_GO(io, files)
{
    char b[8];
    int f = memfd_create("file", 0);
    CHECK(f >= 0);
    CHECK(go_write(f, "hello", 5) == 5 && lseek(f, 0, SEEK_SET) == 0);
    CHECK(go_fd_wait(f, GO_FD_READ | GO_FD_WRITE, 0) == (GO_FD_READ | GO_FD_WRITE));
    CHECK(go_read(f, b, 3) == 3 && go_read(f, b, sizeof b) == 2 && go_read(f, b, 1) == 0);
    CHECK(go_read_deadline(f, b, 1, 1) == 0); /* needs not wait */
    CHECK(go_fd_close(f) == 0);
    int d = open("/", O_RDONLY), null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
    CHECK(go_read(d, b, 1) == -EISDIR && go_read(null, b, 8) == 0 && go_write(null, b, 8) == 8);
    CHECK(go_read(zero, b, 8) == 8 && b[7] == 0);
    CHECK(go_fd_close(d) == 0 && go_fd_close(null) == 0 && go_fd_close(zero) == 0);
    int proc = open("/proc/self/stat", O_RDONLY);
    CHECK(go_read(proc, b, 8) == 8 && go_fd_close(proc) == 0);
}

/* ---- errors ---- */

IN_GO(io, what_is_not_open)
{
    char b[1];
    int p[2];
    open_pipe(p, 0);
    CHECK(go_read(-1, b, 1) == -EBADF && go_write(-1, b, 1) == -EBADF);
    CHECK(go_read(p[1], b, 1) == -EBADF && go_write(p[0], b, 1) == -EBADF); /* the wrong end */
    close_both(p);
    CHECK(go_read(p[0], b, 1) == -EBADF && go_write(p[1], b, 1) == -EBADF);
    CHECK(go_fd_wait(p[0], GO_FD_READ, 0) == -EBADF && go_fd_wait(-1, GO_FD_READ, 0) == -EBADF);
    CHECK(go_fd_close(p[0]) == -EBADF && go_fd_close(-1) == -EBADF);
    CHECK(go_fd_wait(0, 0, 0) == -EINVAL && go_fd_wait(0, GO_FD_HUP, 0) == -EINVAL);
}

IN_GO(io, nobody_reads)
{
    int p[2], q[2];
    open_pipe(p, 0);
    open_pair(q, SOCK_STREAM);
    CHECK(go_fd_close(p[0]) == 0 && go_fd_close(q[0]) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(go_write(p[1], "x", 1) == -EPIPE && go_write(q[1], "x", 1) == -EPIPE);
    sigset_t pending, mask;
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE));
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0 && !sigismember(&mask, SIGPIPE));
    CHECK(go_fd_wait(p[1], GO_FD_WRITE, 0) == (GO_FD_WRITE | GO_FD_ERR));
    CHECK(go_fd_wait(q[1], GO_FD_READ, 0) == (GO_FD_READ | GO_FD_HUP));
    CHECK(go_fd_close(p[1]) == 0 && go_fd_close(q[1]) == 0);
}

static int ends_by_the_signal(int argc, char **argv)
{
    int p[2];
    open_pipe(p, 0);
    CHECK(dup2(p[1], 1) == 1 && go_fd_close(p[0]) == 0);
    go_write(1, "x", 1);
    return argc && argv;
}

Test(io, nobody_reads_standard_output)
{
    struct child c = in_child(ends_by_the_signal, NULL);
    EXPECT_STATUS(&c, -SIGPIPE);
}

static int got_after_close; /* result of a wait */

static void waits(void *arg)
{
    got_after_close = go_fd_wait(*(int *)arg, GO_FD_READ, 0);
}

static void fills(void *arg)
{
    static char b[1 << 20];
    ssize_t n = go_write(*(int *)arg, b, sizeof b);
    CHECK(n > 0 && n < (ssize_t)sizeof b); /* what fitted, before the other end went */
    CHECK(go_write(*(int *)arg, b, 1) == -EPIPE);
}

/* The other end goes while somebody waits. */
IN_GO(io, hang_up_wakes)
{
    int p[2], q[2], r[2];
    open_pipe(p, 0);
    open_pair(q, SOCK_STREAM);
    open_pipe(r, 0);
    start(waits, &p[0]);
    start(fills, &q[0]);
    start(fills, &r[1]);
await: /* until all three wait */
    for (int i = 0; i < 100; i++)
        go_yield();
    if (go_fd_wait(q[0], GO_FD_WRITE, 1) > 0 || go_fd_wait(r[1], GO_FD_WRITE, 1) > 0)
        goto await;
    CHECK(close(p[1]) == 0 && close(q[1]) == 0 && close(r[0]) == 0);
    finish();
    CHECK(got_after_close == (GO_FD_READ | GO_FD_HUP));
    CHECK(go_fd_close(p[0]) == 0 && go_fd_close(q[0]) == 0 && go_fd_close(r[1]) == 0);
}

/* ---- waiting ---- */

IN_GO(io, readiness_is_a_state)
{
    int p[2];
    char b[8];
    open_pipe(p, 0);
    CHECK(go_fd_wait(p[0], GO_FD_READ, 1) == -ETIMEDOUT);
    CHECK(go_fd_wait(p[0], GO_FD_READ, soon()) == -ETIMEDOUT);
    CHECK(go_write(p[1], "abcd", 4) == 4);
    for (int i = 0; i < 4; i++) {
        CHECK(go_fd_wait(p[0], GO_FD_READ, 0) == GO_FD_READ);
        CHECK(go_fd_wait(p[0], GO_FD_READ, 1) == GO_FD_READ);
        CHECK(read(p[0], b, 1) == 1);
    }
    CHECK(go_fd_wait(p[0], GO_FD_READ, soon()) == -ETIMEDOUT);
    CHECK(go_fd_close(p[1]) == 0);
    CHECK(go_fd_wait(p[0], GO_FD_READ, 0) == (GO_FD_READ | GO_FD_HUP));
    CHECK(go_fd_close(p[0]) == 0);
    open_pair(p, SOCK_STREAM);
    CHECK(go_fd_wait(p[0], GO_FD_READ | GO_FD_WRITE, 0) == GO_FD_WRITE);
    CHECK(go_write(p[1], "x", 1) == 1);
    CHECK(go_fd_wait(p[0], GO_FD_READ | GO_FD_WRITE, 0) == (GO_FD_READ | GO_FD_WRITE));
    CHECK(shutdown(p[1], SHUT_WR) == 0 && go_read(p[0], b, 8) == 1);
    CHECK(go_fd_wait(p[0], GO_FD_READ, 0) == GO_FD_READ && go_read(p[0], b, 8) == 0);
    close_both(p);
}

IN_GO(io, a_deadline_leaves_what_was_written)
{
    static char b[1 << 20];
    int p[2];
    open_pipe(p, 0);
    ssize_t n = go_write_deadline(p[1], b, sizeof b, soon()), more = 0;
    CHECK(n > 0 && n < (ssize_t)sizeof b);
    CHECK(go_write_deadline(p[1], b, 1, soon()) == -ETIMEDOUT);
    while (more < n)
        more += go_read(p[0], b, sizeof b);
    CHECK(more == n && go_read_deadline(p[0], b, 1, 1) == -ETIMEDOUT);
    close_both(p);
}

/* A pipe where a socket was, and the other way round, closed behind our back. */
IN_GO(io, another_kind_under_the_same_number)
{
    int p[2], q[2], f = memfd_create("file", 0);
    char b[8];
    open_pair(p, SOCK_STREAM);
    for (int i = 0; i < 6; i++) {
        CHECK(go_read_deadline(p[0], b, 1, soon()) == -ETIMEDOUT);
        CHECK(go_write(p[1], "abc", 3) == 3 && go_read(p[0], b, 8) == 3);
        CHECK(dup2(f, p[0]) == p[0] && lseek(f, 0, SEEK_SET) == 0);
        CHECK(go_write(p[0], "file", 4) == 4 && go_read(p[0], b, 8) == 0);
        if (i % 2)
            open_pair(q, SOCK_STREAM);
        else
            open_pipe(q, 0);
        CHECK(dup2(q[0], p[0]) == p[0] && dup2(q[1], p[1]) == p[1]);
        CHECK(close(q[0]) == 0 && close(q[1]) == 0);
    }
    close_both(p);
    CHECK(go_fd_close(f) == 0);
}

/* ---- close against everything else: Go's TestFdReadRace, TestMutexStress ---- */

static int victim;

static void uses(void *arg)
{
    struct rt_rand rand = {(uintptr_t)arg};
    char b[64];
    for (ssize_t n = 1; n >= 0 || n == -ETIMEDOUT;) {
        switch (rand_below(&rand, 3)) {
        case 0:
            n = go_read_deadline(victim, b, sizeof b,
                                 go_now() + rand_below(&rand, 100) * GO_MICROSECOND);
            break;
        case 1:
            n = go_write(victim, b, 1 + rand_below(&rand, 10));
            break;
        default:
            n = go_fd_wait(victim, GO_FD_READ, 0);
        }
        if (n < 0 && n != -ETIMEDOUT)
            CHECK(n == -ECANCELED || n == -EBADF);
    }
}

static void reads_all(void *arg)
{
    char b[256];
    for (ssize_t n; (n = go_read(*(int *)arg, b, sizeof b)) > 0;)
        if (go_write(*(int *)arg, b, (size_t)n) < 0)
            break;
}

IN_GO(io, close_while_in_use, .timeout = 100)
{
    struct rt_rand rand = {5};
    int p[2];
    for (int i = 0; i < 60; i++) {
        open_pair(p, SOCK_STREAM);
        victim = p[0];
        for (uintptr_t k = 0; k < 4; k++)
            start(uses, (void *)(k + 1));
        start(reads_all, &p[1]);
        for (uint32_t n = rand_below(&rand, 30); n > 0; n--)
            go_yield();
        CHECK(go_fd_close(p[0]) == 0);
        finish();
        CHECK(go_fd_close(p[1]) == 0);
    }
}
