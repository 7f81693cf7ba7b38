/* test_leaks.c - goroutines that are blocked when the program ends, as the detector is told. */
#include "in_child.h"
#include "in_go.h"
#include "leaks.h"
#include "rc.h"
#include <sys/wait.h>

static go_mutex mu;
static go_chan(int) chans[2];
static int n_told;

static void recv(go_chan(int) c)
{
    go_chan_recv(c);
}

/* One go statement, which no compiler unrolls into three. */
static __attribute__((noinline)) void start_reader(void)
{
    go(recv, chans[0]);
}

static void lock(void)
{
    go_mutex_lock(&mu);
}

static void selects(go_chan(int) c, go_chan(int) d)
{
    go_select(go_recv_case(c, NULL), go_send_case(d, 1));
}

static void sleeps(void)
{
    go_sleep(GO_HOUR);
}

static void count(const struct rc_blocked *b)
{
    (void)b;
    n_told++;
}

static void expect_readers(const struct rc_blocked *b)
{
    CHECK(b->n == 3 && b->same && b->n_on == 1);
    CHECK_TEXT(b->why, "chan receive");
    CHECK_TEXT(b->others, "3-4");
    CHECK(b->on[0].obj == chans[0] && !b->on[0].is_lock && b->on[0].made_pc != 0);
    CHECK_TEXT(b->on[0].kind, "chan");
    CHECK_TEXT(b->on[0].state, " (cap 0, len 0)");
}

static void expect_select(const struct rc_blocked *b)
{
    CHECK(b->n == 1 && b->n_on == 2 && !*b->others);
    CHECK_TEXT(b->why, "select");
    bool recv_first = b->on[0].obj == chans[0];
    CHECK_TEXT(b->on[!recv_first].want, "a value of ");
    CHECK_TEXT(b->on[recv_first].want, "room in ");
}

static void expect_lock(const struct rc_blocked *b)
{
    CHECK(b->n == 1 && b->same && b->n_on == 1);
    CHECK(b->on[0].obj == &mu && b->on[0].is_lock);
    CHECK_TEXT(b->on[0].kind, "mutex");
}

static void expect_in_turn(const struct rc_blocked *b)
{
    static void (*const expect[])(const struct rc_blocked *) = {expect_readers, expect_select,
                                                                expect_lock};
    CHECK(n_told < 3);
    CHECK(b->for_ever);
    expect[n_told++](b);
}

static int blocked(int argc, char **argv)
{
    go_maxprocs(1);
    chans[0] = go_chan_make(int, 0);
    chans[1] = go_chan_make(int, 0);
    for (int i = 0; i < 3; i++)
        start_reader();
    go(selects, chans[0], chans[1]);
    go_mutex_lock(&mu);
    go(lock);
    settle();
    leaks_find(false, expect_in_turn);
    CHECK(n_told == 3);
    return argc && argv;
}

Test(leaks, those_in_the_same_place_are_told_once)
{
    struct child c = in_child(blocked, NULL);
    EXPECT_STATUS(&c, 0);
}

static void expect_hope(const struct rc_blocked *b)
{
    CHECK(!b->for_ever && b->n == 1);
    n_told++;
}

static int sleepers(int argc, char **argv)
{
    go_maxprocs(1);
    go(sleeps);
    settle();
    leaks_find(false, count);
    CHECK(n_told == 0);
    go(recv, go_chan_make(int, 0));
    settle();
    leaks_find(false, expect_hope);
    CHECK(n_told == 1);
    return argc && argv;
}

Test(leaks, who_sleeps_is_none_and_may_wake_others)
{
    struct child c = in_child(sleepers, NULL);
    EXPECT_STATUS(&c, 0);
}

static int in_fork(int argc, char **argv)
{
    go_maxprocs(1);
    go(recv, go_chan_make(int, 0));
    settle();
    pid_t pid = fork();
    if (pid == 0) {
        leaks_find(false, count);
        _exit(n_told);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    leaks_find(false, count);
    CHECK(n_told == 1);
    leaks_not_wanted();
    leaks_find(false, count);
    CHECK(n_told == 1);
    return argc && argv;
}

Test(leaks, none_in_a_child_and_none_after_a_panic)
{
    struct child c = in_child(in_fork, NULL);
    EXPECT_STATUS(&c, 0);
}
