/* Goroutines read and write descriptors of many kinds as if each had a thread: a ring of a thousand
 * pipes, echo over TCP and Unix sockets, the flags of the files untouched. */
// procs: 1,2,4
// stdout: ok
#include "expect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* ---- a ring of pipes ---- */

enum { RING = 1000, LAPS = 3 };

static int ring[RING][2];

static void pass_on(int i)
{
    int n;
    while (go_read(ring[i][0], &n, sizeof n) == sizeof n) {
        n++;
        EXPECT(go_write(ring[(i + 1) % RING][1], &n, sizeof n) == sizeof n);
    }
}

static void ring_of_pipes(void)
{
    go_waitgroup wg = {0};
    int n = 0;
    for (int i = 0; i < RING; i++)
        EXPECT(pipe(ring[i]) == 0);
    for (int i = 1; i < RING; i++)
        go_waitgroup_go(&wg, pass_on, i);
    for (int lap = 1; lap <= LAPS; lap++) {
        EXPECT(go_write(ring[1][1], &n, sizeof n) == sizeof n);
        EXPECT(go_read(ring[0][0], &n, sizeof n) == sizeof n);
        EXPECT(n == lap * (RING - 1));
    }
    for (int i = 0; i < RING; i++)
        EXPECT(go_fd_close(ring[i][1]) == 0); /* the end of the file, for each */
    go_waitgroup_wait(&wg);
    for (int i = 0; i < RING; i++)
        EXPECT(go_fd_close(ring[i][0]) == 0);
}

/* ---- echo ---- */

enum { CLIENTS = 50, MESSAGES = 40 };

static void serve(int fd)
{
    char b[1000];
    ssize_t n;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on a Unix socket */
    while ((n = go_read(fd, b, sizeof b)) > 0)
        EXPECT(go_write(fd, b, (size_t)n) == n);
    EXPECT(n == 0 && go_fd_close(fd) == 0);
}

static void accept_all(int listener)
{
    for (int events; (events = go_fd_wait(listener, GO_FD_READ, 0)) > 0;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0)
            go(serve, fd);
        else
            EXPECT(errno == EAGAIN || errno == ECONNABORTED);
    }
}

static void talk(const struct sockaddr *to, socklen_t len, int who)
{
    char out[3000], in[3000];
    int fd = socket(to->sa_family, SOCK_STREAM, 0);
    int on = 1;
    EXPECT(fd >= 0 && connect(fd, to, len) == 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on a Unix socket */
    for (int m = 0; m < MESSAGES; m++) {
        size_t n = 1 + (size_t)(who * 131 + m * 71) % sizeof out, got = 0;
        memset(out, who + m, n);
        EXPECT(go_write(fd, out, n) == (ssize_t)n);
        while (got < n) {
            ssize_t k = go_read_deadline(fd, in + got, n - got, go_now() + 30 * GO_SECOND);
            EXPECT(k > 0);
            got += (size_t)k;
        }
        EXPECT(memcmp(in, out, n) == 0);
    }
    EXPECT(go_fd_close(fd) == 0);
}

/* Binds to the address at of len bytes, and tells the clients what the kernel made of it. */
static void echo(struct sockaddr_storage *at, socklen_t len)
{
    go_waitgroup wg = {0}, acceptors = {0};
    struct sockaddr *name = (struct sockaddr *)at;
    int listener = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    EXPECT(listener >= 0 && bind(listener, name, len) == 0 && listen(listener, CLIENTS) == 0);
    len = sizeof *at;
    EXPECT(getsockname(listener, name, &len) == 0);
    for (int i = 0; i < 4; i++) /* several wait for the same */
        go_waitgroup_go(&acceptors, accept_all, listener);
    for (int i = 0; i < CLIENTS; i++)
        go_waitgroup_go(&wg, talk, name, len, i);
    go_waitgroup_wait(&wg);
    EXPECT(go_fd_close(listener) == 0); /* the acceptors' waits end */
    go_waitgroup_wait(&acceptors);
}

static void echo_over_tcp(void)
{
    struct sockaddr_storage at = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&at;
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    echo(&at, sizeof *in);
}

static void echo_over_unix(void)
{
    struct sockaddr_storage at = {.ss_family = AF_UNIX};
    echo(&at, sizeof at.ss_family); /* the kernel gives it an abstract name */
}

/* ---- what is not ours ---- */

static void flags_stay(void)
{
    int p[2];
    char b;
    EXPECT(pipe(p) == 0);
    int before[2] = {fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL)};
    EXPECT(go_read_deadline(p[0], &b, 1, go_now() + GO_MILLISECOND) == -ETIMEDOUT);
    EXPECT(go_write(p[1], "x", 1) == 1 && go_read(p[0], &b, 1) == 1);
    EXPECT(fcntl(p[0], F_GETFL) == before[0] && fcntl(p[1], F_GETFL) == before[1]);
    EXPECT(go_fd_close(p[0]) == 0 && go_fd_close(p[1]) == 0);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < 8192 ? files.rlim_max : 8192;
    setrlimit(RLIMIT_NOFILE, &files);
    flags_stay();
    ring_of_pipes();
    echo_over_tcp();
    echo_over_unix();
    puts("ok");
    return 0;
}
