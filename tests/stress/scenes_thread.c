/* scenes_thread.c - goroutines and threads: plain threads at the same channels, goroutines that
 * keep their thread, block it, or compute for long; descriptors; and the number of processors
 * changes meanwhile. */
#include "stress.h"
#include <goshawk/io.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- threads: plain threads at the same channels and locks ---- */

struct desk {
    int_chan in, out;
};

static void *desk_thread(void *arg)
{
    struct desk *d = arg;
    go_chan_range(int, v, d->in)
        go_chan_send(d->out, v + 1);
    go_chan_send(d->out, -1);
    return NULL;
}

void scene_threads(void)
{
    enum { N = 2 };
    struct desk d = {go_chan_make(int, 0), go_chan_make(int, N)};
    pthread_t t[N];
    for (int i = 0; i < N; i++)
        pthread_create(&t[i], NULL, desk_thread, &d);
    for (int round = 0; running(); round++) {
        go_chan_send(d.in, round);
        int v = go_chan_recv(d.out);
        HOLD("threads", v == round + 1, v, round);
        step();
        go_yield();
    }
    go_chan_close(d.in);
    for (int i = 0; i < N; i++)
        HOLD("threads", go_chan_recv(d.out) == -1, i, 0);
    for (int i = 0; i < N; i++)
        pthread_join(t[i], NULL);
}

/* ---- procs: the number of processors changes ---- */

void scene_procs(void)
{
    struct random r = random_of(700);
    int before = go_maxprocs(0);
    while (running()) {
        int n = (int)draw(&r, 8) + 1;
        go_maxprocs(n);
        HOLD("procs", go_maxprocs(0) == n, n, 0);
        step();
        go_sleep((go_duration)draw(&r, 20) * GO_MILLISECOND);
    }
    go_maxprocs(before);
}

/* ---- locked: who keeps his thread finds it again after each wait ---- */

static pthread_key_t mark_key; /* whose thread this is: the number of a goroutine, or 0 */

static intptr_t mark(void)
{
    return (intptr_t)pthread_getspecific(mark_key);
}

static void keeper(int n, bool for_ever, int_chan ping, int_chan pong)
{
    go_lock_thread();
    pthread_t self = pthread_self();
    HOLD("locked", mark() == 0, mark(), n);
    pthread_setspecific(mark_key, (void *)(intptr_t)n);
    for (int i = 0; i < 10; i++) {
        int v = go_chan_recv(ping);
        HOLD("locked", mark() == n && pthread_equal(self, pthread_self()), mark(), n);
        if (v % 3 == 0) {
            go_lock_thread(); /* nests */
            go_yield();
            go_unlock_thread();
        }
        HOLD("locked", mark() == n && pthread_equal(self, pthread_self()), mark(), n);
        go_chan_send(pong, v);
    }
    if (for_ever)
        return; /* the thread ends, and its mark with it */
    pthread_setspecific(mark_key, NULL);
    go_unlock_thread();
}

static void keeper_and_partner(int id)
{
    struct random r = random_of(1600 + (uint64_t)id);
    for (int n = 1; running(); n++) {
        int_chan ping = go_chan_make(int, draw(&r, 2)), pong = go_chan_make(int, draw(&r, 2));
        go_waitgroup wg = {0};
        go_waitgroup_go(&wg, keeper, id * 1000000 + n, draw(&r, 4) == 0, ping, pong);
        for (int i = 0; i < 10; i++) {
            go_chan_send(ping, i);
            int v = go_chan_recv(pong);
            HOLD("locked", v == i, v, i);
        }
        go_waitgroup_wait(&wg);
        go_chan_free(ping);
        go_chan_free(pong);
        step();
    }
}

void scene_locked(void)
{
    go_waitgroup wg = {0};
    HOLD("locked", pthread_key_create(&mark_key, NULL) == 0, 0, 0);
    for (int i = 1; i <= 3; i++)
        go_waitgroup_go(&wg, keeper_and_partner, i);
    go_waitgroup_wait(&wg);
}

/* ---- blocking: a plain read(2), announced or not, waits for one that must get to run ---- */

static void reader(int fd, int n, bool announced, int *got)
{
    if (announced)
        go_blocking_begin();
    bool ok = read(fd, got, sizeof *got) == (ssize_t)sizeof *got;
    if (announced)
        go_blocking_end();
    HOLD("blocking", ok, n, announced);
}

static void pipe_pair(int id)
{
    struct random r = random_of(1700 + (uint64_t)id);
    int fd[2];
    HOLD("blocking", pipe(fd) == 0, id, 0);
    for (int n = 1; running(); n++) {
        int got = 0;
        go_waitgroup wg = {0};
        go_waitgroup_go(&wg, reader, fd[0], n, draw(&r, 2) == 0, &got);
        for (int i = (int)draw(&r, 5); i > 0; i--)
            go_yield();
        HOLD("blocking", write(fd[1], &n, sizeof n) == (ssize_t)sizeof n, n, 0);
        go_waitgroup_wait(&wg);
        HOLD("blocking", got == n, got, n);
        step();
    }
    close(fd[0]);
    close(fd[1]);
}

void scene_blocking(void)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < 3; i++)
        go_waitgroup_go(&wg, pipe_pair, i);
    go_waitgroup_wait(&wg);
}

/* ---- hogs: long computing loses its P, and what it computed is right ---- */

static void hog(int id)
{
    struct random r = random_of(1800 + (uint64_t)id);
    while (running()) {
        go_duration d = (go_duration)draw(&r, 25) * GO_MILLISECOND;
        HOLD("hogs", compute(d) > 0, d, id);
        step();
        if (draw(&r, 2))
            go_yield();
        else
            go_sleep((go_duration)draw(&r, 30) * GO_MILLISECOND);
        go_checkpoint();
    }
}

void scene_hogs(void)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < 2; i++)
        go_waitgroup_go(&wg, hog, i);
    go_waitgroup_wait(&wg);
}

/* ---- pipes: bytes go through descriptors in order; deadlines and closes end waits ---- */

static void pour(int fd, struct random r)
{
    unsigned char buf[3000], next = 0;
    while (running()) {
        size_t n = draw(&r, sizeof buf) + 1;
        for (size_t i = 0; i < n; i++)
            buf[i] = next++;
        HOLD("pipes", go_write(fd, buf, n) == (ssize_t)n, n, 0);
        step();
    }
    HOLD("pipes", go_fd_close(fd) == 0, fd, 0);
}

static void drink(int fd, struct random r)
{
    unsigned char buf[2000], next = 0;
    for (;;) {
        size_t want = draw(&r, sizeof buf) + 1;
        go_time until = draw(&r, 4) ? 0 : go_now() + (go_time)draw(&r, 500) * GO_MICROSECOND;
        ssize_t n = go_read_deadline(fd, buf, want, until);
        if (n == -ETIMEDOUT && until)
            continue;
        HOLD("pipes", n >= 0 && n <= (ssize_t)want, n, want);
        if (n == 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            HOLD("pipes", buf[i] == next++, buf[i], next);
    }
    HOLD("pipes", go_fd_close(fd) == 0, fd, 0);
}

static void wait_in_vain(int fd, bool whole, atomic_int *here)
{
    char c;
    atomic_fetch_add(here, 1);
    ssize_t n = whole ? go_fd_wait(fd, GO_FD_READ, 0) : go_read(fd, &c, 1);
    HOLD("pipes", n == -ECANCELED || n == -EBADF, n, whole);
}

/* A close under waiters ends their waits.  No scene opens descriptors later than at its start, and
 * for what the runtime opens lower numbers are free: so the number is not another file's when a
 * waiter comes late. */
static void closer(struct random r)
{
    while (running()) {
        int fd[2], lower[4];
        go_waitgroup wg = {0};
        for (int i = 0; i < 4; i++)
            lower[i] = dup(0);
        HOLD("pipes", pipe(fd) == 0, 0, 0);
        for (int i = 0; i < 4; i++)
            close(lower[i]);
        atomic_int here = 0;
        go_waitgroup_go(&wg, wait_in_vain, fd[0], true, &here);
        go_waitgroup_go(&wg, wait_in_vain, fd[0], false, &here);
        int got = go_fd_wait(fd[0], GO_FD_READ, go_now() + GO_MILLISECOND);
        HOLD("pipes", got == -ETIMEDOUT, got, 0);
        while (atomic_load(&here) < 2)
            go_yield();
        for (int i = (int)draw(&r, 10); i > 0; i--)
            go_yield();
        HOLD("pipes", go_fd_close(fd[0]) == 0, fd[0], 0);
        go_waitgroup_wait(&wg);
        HOLD("pipes", go_fd_close(fd[1]) == 0, fd[1], 0);
        step();
    }
}

void scene_pipes(void)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < 3; i++) {
        int fd[2];
        bool ok = i == 0 ? pipe(fd) == 0 : socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0;
        HOLD("pipes", ok, i, 0);
        go_waitgroup_go(&wg, pour, fd[1], random_of(1900 + (uint64_t)i));
        go_waitgroup_go(&wg, drink, fd[0], random_of(1950 + (uint64_t)i));
    }
    go_waitgroup_go(&wg, closer, random_of(1999));
    go_waitgroup_wait(&wg);
}
