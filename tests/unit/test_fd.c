/* test_fd.c - calls in progress on descriptors: edges, who is woken, closing, numbers used
 * again. */
#include "in_go.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include "atomic.h"
#include "fd.h"
#include "poller.h"
#include "rand.h"

static int p[2];

static void open_pipe(void)
{
    CHECK(pipe2(p, O_NONBLOCK) == 0);
}

static void close_pipe(void)
{
    CHECK(fd_close(rt_self(), p[0]) == 0);
    CHECK(fd_close(rt_self(), p[1]) == 0);
}

/* Until n goroutines wait for descriptors. */
static void await_waiting(uint32_t n)
{
    while (at_load_rlx(&poller_state.waiting) != n) /* relaxed: a counter */
        go_yield();
}

/* ---- edges ---- */

IN_GO(fd, an_edge_before_the_wait_ends_it)
{
    struct fd_call c;
    open_pipe();
    CHECK(fd_begin(&c, rt_self(), p[0], FD_READ) == 0);
    for (int i = 0; i < 1000; i++) {
        char byte;
        fd_look(&c);
        CHECK(read(p[0], &byte, 1) < 0 && errno == EAGAIN);
        CHECK(write(p[1], "x", 1) == 1);
        while (fd_wait(&c, 0) == 0) {
            fd_look(&c);
            if (read(p[0], &byte, 1) == 1)
                break;
        }
    }
    fd_end(&c, 0);
    close_pipe();
}

IN_GO(fd, an_edge_of_another_registration_is_none)
{
    struct fd_call c;
    open_pipe();
    CHECK(fd_begin(&c, rt_self(), p[0], FD_READ) == 0);
    fd_look(&c);
    CHECK(fd_wait(&c, go_now() + GO_MILLISECOND) == -ETIMEDOUT); /* it is registered now */
    CHECK(!fd_edge(p[0], 0, FD_READ) && !fd_edge(p[0], UINT32_MAX, FD_READ));
    CHECK(fd_wait(&c, go_now() + GO_MILLISECOND) == -ETIMEDOUT);
    fd_end(&c, 0);
    close_pipe();
}

struct reader {
    int number;
    int got; /* result of its call */
};

static int order[64], served;

/* Takes one byte, waiting for it. */
static void reads_one(void *arg)
{
    struct reader *r = arg;
    struct fd_call c;
    char byte;
    int got = fd_begin(&c, rt_self(), p[0], FD_READ);
    CHECK(got == 0);
    while (!got) {
        fd_look(&c);
        if (read(p[0], &byte, 1) == 1)
            break;
        got = errno == EAGAIN ? fd_wait(&c, 0) : -errno;
    }
    at_store_rlx(&r->got, got); /* relaxed: one test waits for it, none for more */
    if (!got)
        order[at_add_acq_rel(&served, 1)] = r->number; /* [served] */
    fd_end(&c, 0);
}

/* One edge for two bytes: the first reader must tell the second. */
IN_GO(fd, who_is_woken_wakes_the_next)
{
    struct reader r[8];
    open_pipe();
    served = 0;
    for (int i = 0; i < 8; i++) {
        r[i] = (struct reader){.number = i};
        start(reads_one, &r[i]);
        await_waiting((uint32_t)i + 1);
    }
    CHECK(write(p[1], "12345678", 8) == 8);
    finish();
    CHECK(at_load_acq(&served) == 8); /* [served] */
    for (int i = 0; i < 8 && go_maxprocs(0) == 1; i++)
        CHECK(order[i] == i);
    close_pipe();
}

/* ---- deadlines ---- */

IN_GO(fd, a_deadline_ends_the_wait_and_not_before, .timeout = 60)
{
    struct rt_rand rand = {7};
    struct fd_call c;
    open_pipe();
    CHECK(fd_begin(&c, rt_self(), p[0], FD_READ) == 0);
    fd_look(&c);
    for (int i = 0; i < 300; i++) {
        go_time deadline = go_now() + rand_below(&rand, 50) * GO_MICROSECOND;
        CHECK(fd_wait(&c, deadline) == -ETIMEDOUT);
        CHECK(go_now() >= deadline);
    }
    fd_end(&c, 0);
    close_pipe();
}

static void writes_later(void *arg)
{
    for (uintptr_t n = (uintptr_t)arg; n > 0; n--)
        go_yield();
    CHECK(write(p[1], "x", 1) == 1);
}

/* The byte and the deadline come at about the same time: one of them ends the wait, once. */
IN_GO(fd, a_deadline_against_an_edge, .timeout = 60)
{
    struct rt_rand rand = {8};
    open_pipe();
    for (int i = 0; i < 500; i++) {
        struct fd_call c;
        char byte;
        start(writes_later, (void *)(uintptr_t)rand_below(&rand, 8));
        CHECK(fd_begin(&c, rt_self(), p[0], FD_READ) == 0);
        int err = 0;
        while (!err) {
            fd_look(&c);
            if (read(p[0], &byte, 1) == 1)
                break;
            err = fd_wait(&c, go_now() + rand_below(&rand, 40) * GO_MICROSECOND);
        }
        fd_end(&c, 0);
        finish();
        CHECK(err == 0 || err == -ETIMEDOUT);
        if (err)
            CHECK(read(p[0], &byte, 1) == 1);
    }
    await_waiting(0);
    close_pipe();
}

/* ---- closing ---- */

IN_GO(fd, close_sends_everybody_away)
{
    struct reader r[20];
    open_pipe();
    for (int i = 0; i < 20; i++) {
        r[i] = (struct reader){.number = i};
        start(reads_one, &r[i]);
    }
    await_waiting(20);
    CHECK(fd_close(rt_self(), p[0]) == 0);
    finish();
    for (int i = 0; i < 20; i++)
        CHECK(r[i].got == -ECANCELED);
    CHECK(fcntl(p[0], F_GETFL) < 0 && errno == EBADF);
    CHECK(fd_close(rt_self(), p[0]) == -EBADF);
    CHECK(fd_close(rt_self(), p[1]) == 0);
}

static int closed; /* result of the close + 1; 0: not yet */

static void closes(void *arg)
{
    int rc = fd_close(rt_self(), p[0]);
    (void)arg;
    at_store_rel(&closed, 1 + rc); /* [closed] */
}

static void begins_late(void *arg)
{
    struct fd_call c;
    (void)arg;
    CHECK(fd_begin(&c, rt_self(), p[0], FD_READ) == 0);
    CHECK(at_load_acq(&closed) == 1 || fcntl(p[0], F_GETFL) < 0); /* [closed] */
    fd_end(&c, 0);
}

IN_GO(fd, close_waits_for_calls_and_later_calls_for_the_close)
{
    struct fd_call c;
    open_pipe();
    closed = 0;
    CHECK(fd_begin(&c, rt_self(), p[0], FD_READ) == 0);
    start(closes, NULL);
    fd_look(&c);
    while (fd_wait(&c, go_now() + GO_MILLISECOND) != -ECANCELED)
        ;
    CHECK(fd_close(rt_self(), p[0]) == -EBADF);
    start(begins_late, NULL);
    settle();
    CHECK(!at_load_acq(&closed) && fcntl(p[0], F_GETFL) >= 0); /* [closed] */
    fd_end(&c, 0);
    finish();
    CHECK(at_load_acq(&closed) == 1); /* [closed] */
    CHECK(fd_close(rt_self(), p[1]) == 0);
}

/* ---- numbers used again ---- */

/* close(2) behind our back, and the same number for a new pipe. */
IN_GO(fd, a_number_used_again_is_another_file)
{
    struct reader old = {0, 0}, new = {1, 0};
    int q[2];
    open_pipe();
    served = 0;
    start(reads_one, &old);
    await_waiting(1);
    int number = p[0], writer = p[1];
    CHECK(pipe2(q, O_NONBLOCK) == 0);
    CHECK(dup2(q[0], number) == number && close(q[0]) == 0);
    p[1] = q[1];
    start(reads_one, &new);
    while (at_load_rlx(&old.got) == 0) /* relaxed: it stays */
        go_yield();
    CHECK(write(p[1], "n", 1) == 1);
    finish();
    CHECK(old.got == -ECANCELED && new.got == 0);
    close_pipe();
    close(writer);
}

IN_GO(fd, no_such_number)
{
    struct fd_call c;
    CHECK(fd_begin(&c, rt_self(), -1, FD_READ) == -EBADF);
    CHECK(fd_begin(&c, rt_self(), INT32_MAX, FD_READ) == -EBADF);
    CHECK(fd_close(rt_self(), -1) == -EBADF && fd_close(rt_self(), INT32_MAX) == -EBADF);
    CHECK(fd_close(rt_self(), 70000) == -EBADF);
    CHECK(fd_begin(&c, rt_self(), 70000, FD_READ) == 0); /* a number like any other; not open */
    fd_look(&c);
    CHECK(fd_wait(&c, 0) == -EBADF);
    fd_end(&c, 0);
}

/* ---- threads ---- */

static void *thread_reads(void *arg)
{
    reads_one(arg);
    return NULL;
}

IN_GO(fd, threads_wait_and_are_sent_away)
{
    struct reader r[2] = {{0, 0}, {1, 0}};
    pthread_t t[2];
    open_pipe();
    served = 0;
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&t[i], NULL, thread_reads, &r[i]) == 0);
    CHECK(write(p[1], "x", 1) == 1);
    while (at_load_rlx(&served) == 0) /* relaxed: it grows */
        go_yield();
    CHECK(fd_close(rt_self(), p[0]) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    CHECK((r[0].got == 0 && (r[1].got == -ECANCELED || r[1].got == -EBADF)) ||
          (r[1].got == 0 && (r[0].got == -ECANCELED || r[0].got == -EBADF)));
    CHECK(fd_close(rt_self(), p[1]) == 0);
}
