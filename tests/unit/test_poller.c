/* test_poller.c - the M that waits in epoll_wait: woken by events, by time, by work; and when there
 * is no such M.  As in test_idle.c, what is lost here hangs the test. */
#include "in_child.h"
#include "in_go.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include "atomic.h"
#include "clock.h"
#include "poller.h"
#include "rand.h"

static void waits_for_byte(void *arg)
{
    CHECK(go_fd_wait(*(int *)arg, GO_FD_READ, 0) > 0);
}

static void await_waiting(uint32_t n)
{
    while (at_load_rlx(&poller_state.waiting) != n) /* relaxed: a counter */
        go_yield();
}

static void await_blocked(void)
{
    while (!at_load_rlx(&poller_state.blocked)) /* relaxed: a look */
        ;
}

/* ---- its cost where it is not used ---- */

static int open_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    CHECK(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int never_waits(int argc, char **argv)
{
    int p[2], before = open_descriptors();
    char byte;
    CHECK(pipe(p) == 0);
    CHECK(go_write(p[1], "x", 1) == 1 && go_read(p[0], &byte, 1) == 1);
    CHECK(go_fd_wait(p[1], GO_FD_WRITE, 0) == GO_FD_WRITE);
    CHECK(go_fd_close(p[0]) == 0 && go_fd_close(p[1]) == 0);
    go_sleep(GO_MILLISECOND);
    CHECK(!poller_state.started && open_descriptors() == before);
    return argc && argv ? 1 : 0;
}

Test(poller, there_is_none_until_somebody_waits)
{
    struct child c = in_child(never_waits, NULL);
    EXPECT_STATUS(&c, 0);
}

/* ---- woken by work: Go's TestNetpollBreak ---- */

enum { KNOCKS = 3000 };

static void *knocks(void *arg)
{
    go_chan(int) *c = arg;
    struct rt_rand rand = {3};
    for (int i = 0; i < KNOCKS; i++) {
        for (uint32_t n = rand_below(&rand, 2000); n > 0; n--)
            at_pause();
        go_chan_send(c[0], i);
        CHECK(go_chan_recv(c[1]) == i);
    }
    return NULL;
}

IN_GO(poller, work_ends_a_long_wait, .timeout = 100)
{
    int p[2];
    go_chan(int) c[2] = {go_chan_make(int, 0), go_chan_make(int, 0)};
    pthread_t t;
    CHECK(pipe(p) == 0);
    start(waits_for_byte, &p[0]);
    await_waiting(1);
    CHECK(pthread_create(&t, NULL, knocks, c) == 0);
    for (int i = 0; i < KNOCKS; i++)
        go_chan_send(c[1], go_chan_recv(c[0]));
    pthread_join(t, NULL);
    CHECK(write(p[1], "x", 1) == 1);
    finish();
    CHECK(go_fd_close(p[0]) == 0 && go_fd_close(p[1]) == 0);
    go_chan_free(c[0]);
    go_chan_free(c[1]);
}

/* ---- woken by time ---- */

static int64_t worst_nap; /* of several: how much later than it should */

static void naps(int n)
{
    struct rt_rand rand = {4};
    int64_t lateness[200];
    for (int i = 0; i < n; i++) {
        int64_t nap = 1 + rand_below(&rand, 300000);
        go_time t = go_now();
        go_sleep(nap);
        lateness[i] = go_since(t) - nap;
        CHECK(lateness[i] >= 0);
    }
    worst_nap = INT64_MAX; /* the best of all: a coarse clock would make each late */
    for (int i = 0; i < n; i++)
        worst_nap = lateness[i] < worst_nap ? lateness[i] : worst_nap;
}

static void nap_beside_a_waiter(void)
{
    int p[2];
    CHECK(pipe(p) == 0);
    start(waits_for_byte, &p[0]);
    await_waiting(1);
    naps(200);
    CHECK(worst_nap < 700 * GO_MICROSECOND);
    CHECK(write(p[1], "x", 1) == 1);
    finish();
    CHECK(go_fd_close(p[0]) == 0 && go_fd_close(p[1]) == 0);
}

IN_GO(poller, timers_are_as_fine_as_without, .timeout = 100)
{
    nap_beside_a_waiter();
}

static int naps_by_timerfd(int argc, char **argv)
{
    CHECK(poller_start(false) == 0);
    nap_beside_a_waiter();
    return argc && argv ? 1 : 0;
}

Test(poller, timers_are_as_fine_without_epoll_pwait2)
{
    struct child c = in_child(naps_by_timerfd, "GOMAXPROCS=1", NULL);
    EXPECT_STATUS(&c, 0);
}

/* ---- events while nobody blocks for them ---- */

static uint32_t flag;

static void raises_after_byte(void *arg)
{
    char byte;
    CHECK(go_read(*(int *)arg, &byte, 1) == 1);
    at_store_rel(&flag, 1u); /* [flag] */
}

static void *writes(void *arg)
{
    CHECK(write(*(int *)arg, "x", 1) == 1);
    return NULL;
}

/* Somebody always has a goroutine to run. */
IN_GO(poller, busy_ones_look_too, .timeout = 60)
{
    int p[2];
    pthread_t t;
    CHECK(pipe(p) == 0);
    for (int i = 0; i < 20; i++) {
        flag = 0;
        start(raises_after_byte, &p[0]);
        await_waiting(1);
        CHECK(pthread_create(&t, NULL, writes, &p[1]) == 0);
        while (!at_load_acq(&flag)) /* [flag] */
            go_yield();
        pthread_join(t, NULL);
        finish();
    }
    CHECK(go_fd_close(p[0]) == 0 && go_fd_close(p[1]) == 0);
}

IN_GO(poller, it_is_due_when_nobody_has_looked)
{
    int p[2];
    CHECK(pipe(p) == 0);
    CHECK(!poller_is_due(UINT64_MAX / 2, 0) && !poller_now()); /* nobody waits */
    start(waits_for_byte, &p[0]);
    await_waiting(1);
    while (!poller_is_due(clock_ticks() + UINT32_MAX, 500) &&
           !at_load_rlx(&poller_state.blocked)) /* relaxed: a look */
        ;
    CHECK(!poller_is_due(at_load_rlx(&poller_state.looked), UINT32_MAX)); /* relaxed: likewise */
    CHECK(!poller_now());
    CHECK(write(p[1], "x", 1) == 1);
    finish();
    CHECK(go_fd_close(p[0]) == 0 && go_fd_close(p[1]) == 0);
}

/* The monitor's look: a thread that is no M. */
static void *looks(void *arg)
{
    while (!at_load_acq(&flag)) /* [flag] */
        poller_now();
    return arg;
}

IN_GO(poller, any_thread_may_look)
{
    int p[2];
    pthread_t t;
    CHECK(pipe(p) == 0);
    flag = 0;
    CHECK(pthread_create(&t, NULL, looks, NULL) == 0);
    for (int i = 0; i < 500; i++) {
        start(waits_for_byte, &p[0]);
        CHECK(write(p[1], "x", 1) == 1);
        finish();
        char byte;
        CHECK(read(p[0], &byte, 1) == 1);
    }
    at_store_rel(&flag, 1u); /* [flag] */
    pthread_join(t, NULL);
    CHECK(go_fd_close(p[0]) == 0 && go_fd_close(p[1]) == 0);
}

/* A P lies idle because its M blocks in a call: another M must poll. */
static void answers(void *arg)
{
    int *p = arg;
    char byte;
    CHECK(go_read(p[0], &byte, 1) == 1);
    CHECK(write(p[3], &byte, 1) == 1);
}

IN_GO(poller, a_blocking_call_leaves_somebody_polling, .timeout = 60)
{
    int p[4];
    char byte;
    pthread_t t;
    CHECK(pipe(p) == 0 && pipe(p + 2) == 0);
    for (int i = 0; i < 50; i++) {
        start(answers, p);
        await_waiting(1);
        go_blocking_begin();
        if (i % 2)
            await_blocked();
        CHECK(pthread_create(&t, NULL, writes, &p[1]) == 0);
        CHECK(read(p[2], &byte, 1) == 1);
        go_blocking_end();
        pthread_join(t, NULL);
        finish();
    }
    for (int i = 0; i < 4; i++)
        CHECK(go_fd_close(p[i]) == 0);
}

/* The same for a goroutine bound to its thread, which waits itself. */
IN_GO(poller, a_bound_goroutine_waits, .timeout = 60)
{
    int p[2];
    char byte;
    pthread_t t;
    CHECK(pipe(p) == 0);
    go_lock_thread();
    for (int i = 0; i < 50; i++) {
        CHECK(pthread_create(&t, NULL, writes, &p[1]) == 0);
        CHECK(go_read(p[0], &byte, 1) == 1);
        pthread_join(t, NULL);
    }
    go_unlock_thread();
    CHECK(go_fd_close(p[0]) == 0 && go_fd_close(p[1]) == 0);
}

/* ---- deadlock: Go's TestNetpollDeadlock ---- */

static int waits_alone(int argc, char **argv)
{
    int p[2];
    pthread_t t;
    CHECK(pipe(p) == 0);
    CHECK(pthread_create(&t, NULL, writes, &p[1]) == 0);
    CHECK(go_fd_wait(p[0], GO_FD_READ, 0) == GO_FD_READ);
    pthread_join(t, NULL);
    /* no thread but ours now: a child writes */
    char byte;
    CHECK(read(p[0], &byte, 1) == 1);
    pid_t pid = fork();
    if (pid == 0) {
        poll(NULL, 0, 50); /* sleeps: everybody in the parent is to wait by then */
        _exit(write(p[1], "y", 1) != 1);
    }
    CHECK(go_read(p[0], &byte, 1) == 1 && byte == 'y');
    CHECK(waitpid(pid, NULL, 0) == pid);
    return argc && argv ? 1 : 0;
}

static int is_dead_afterwards(int argc, char **argv)
{
    CHECK(waits_alone(argc, argv) == 0);
    go_chan_recv((go_chan(int))NULL);
    return 0;
}

Test(poller, a_wait_is_no_deadlock, .disabled = ON_TSAN)
{
    static const char *const procs[] = {"GOMAXPROCS=1", "GOMAXPROCS=2", "GOMAXPROCS=8"};
    for (int i = 0; i < 3; i++) {
        struct child c = in_child(waits_alone, procs[i], NULL);
        EXPECT_STATUS(&c, 0);
        c = in_child(is_dead_afterwards, procs[i], NULL);
        EXPECT_STATUS(&c, 2);
        EXPECT_SAYS(&c, "all goroutines are asleep - deadlock!");
    }
}

/* ---- seeds ---- */

/* Virtual time: what is ready comes before the clock jumps, what is not does not hold it up. */
static int seeded(int argc, char **argv)
{
    int p[2];
    char byte;
    CHECK(pipe(p) == 0);
    start(waits_for_byte, &p[0]);
    go_sleep(GO_HOUR);
    CHECK(go_read_deadline(p[0], &byte, 1, go_now() + GO_HOUR) == -ETIMEDOUT);
    CHECK(write(p[1], "x", 1) == 1);
    CHECK(go_read_deadline(p[0], &byte, 1, go_now() + GO_HOUR) == 1);
    CHECK(write(p[1], "x", 1) == 1);
    finish();
    return argc && argv ? 1 : 0;
}

Test(poller, seeded_programs_wait_too)
{
    static const char *const seeds[] = {"GOSHAWK_SEED=1", "GOSHAWK_SEED=2", "GOSHAWK_SEED=3"};
    for (int i = 0; i < 3; i++) {
        struct child c = in_child(seeded, seeds[i], NULL);
        EXPECT_STATUS(&c, 0);
        c = in_child(waits_alone, seeds[i], NULL);
        EXPECT_STATUS(&c, 0);
    }
}

/* ---- burning ---- */

static int64_t cpu_nanos(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * GO_SECOND +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * GO_MICROSECOND;
}

static void sleeps_long(void *arg)
{
    (void)arg;
    go_sleep(GO_HOUR);
}

static int waits_and_sleeps(int argc, char **argv)
{
    static int p[100][2];
    char byte;
    for (int i = 0; i < 100; i++) {
        CHECK(pipe(p[i]) == 0);
        go_start(waits_for_byte, &p[i][0]);
        go_start(sleeps_long, NULL);
    }
    CHECK(write(p[0][1], "x", 1) == 1 && go_read(p[0][0], &byte, 1) == 1);
    go_sleep(50 * GO_MILLISECOND);
    int64_t least = INT64_MAX; /* what else runs can only add: the cheapest quarter counts */
    for (int i = 0; i < 4; i++) {
        int64_t before = cpu_nanos();
        go_sleep(500 * GO_MILLISECOND);
        int64_t burnt = cpu_nanos() - before;
        least = burnt < least ? burnt : least;
    }
    printf("%ld us of processor time in 500 ms", (long)(least / 1000));
    return argc && argv ? 1 : least > 2500 * GO_MICROSECOND;
}

Test(poller, waiting_costs_less_than_half_a_percent, .disabled = ON_TSAN)
{
    static const char *const procs[] = {"GOMAXPROCS=1", "GOMAXPROCS=2", "GOMAXPROCS=8"};
    for (int i = 0; i < 3; i++) {
        struct child c = in_child(waits_and_sleeps, procs[i], NULL);
        EXPECT_STATUS(&c, 0);
    }
}
