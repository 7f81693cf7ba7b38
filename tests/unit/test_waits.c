/* test_waits.c - what a goroutine waits for, for every kind of object. */
#include "in_child.h"
#include "in_go.h"
#include <regex.h>

static void expect_fits(const char *text, const char *expression)
{
    regex_t re;
    cr_assert_eq(regcomp(&re, expression, REG_EXTENDED | REG_NOSUB), 0, "%s", expression);
    cr_expect(regexec(&re, text, 0, NULL, 0) == 0, "%s\ndoes not fit\n%s", expression, text);
    regfree(&re);
}

static go_mutex mu;
static go_rwmutex rw;
static go_cond cond;
static go_once once;
static go_sem sem = GO_SEM_INIT(1);
static go_waitgroup wg;
static struct pool {
    int n;
    go_mutex lock;
} pool;

static void recv(go_chan(int) c)
{
    go_chan_recv(c);
}

static void selects(go_chan(int) c, go_chan(int) d)
{
    go_select(go_recv_case(c, NULL), go_send_case(d, 1));
}

static void cond_waits(void)
{
    go_mutex m = {0};
    go_mutex_lock(&m);
    go_cond_wait(&cond, &m);
}

static void selects_nil(go_chan(int) c)
{
    go_case cases[] = {go_recv_case((go_chan(int))NULL, NULL), go_recv_case(c, NULL),
                       go_send_case((go_chan(int))NULL, 1)};
    go_select_n(cases, 3);
}

static void never(void)
{
    go_chan_recv((go_chan(int))NULL);
}

static void do_once(void)
{
    go_once_do(&once, never);
}

static void twelve_cases(go_chan(int) c)
{
    go_case cases[20];
    for (int i = 0; i < 20; i++)
        cases[i] = go_recv_case(c, NULL);
    go_select_n(cases, 20);
}

static void reads_lock(void)
{
    go_rwmutex_rlock(&rw);
}

static void writes_lock(void)
{
    go_rwmutex_lock(&rw);
}

static int everything(int argc, char **argv)
{
    go_maxprocs(1);
    go_chan(int) c = go_chan_make(int, 0), d = go_chan_make(int, 1);
    go_chan_send(d, 1);
    go_mutex_lock(&mu);
    go_mutex_lock(&pool.lock);
    go_rwmutex_rlock(&rw);
    go_waitgroup_add(&wg, 3);
    go(recv, c);
    go(selects, c, d);
    go(twelve_cases, c);
    go(selects_nil, c);
    go(go_mutex_lock, &mu);
    go(go_mutex_lock, &pool.lock);
    go(writes_lock);
    settle();
    go(writes_lock);
    go(reads_lock);
    go(cond_waits);
    go(do_once);
    settle();
    go(do_once);
    go(go_sem_acquire, &sem, (int64_t)2);
    go(go_waitgroup_wait, &wg);
    settle();
    go_dump(1);
    return argc && argv;
}

#define ADDR "0x[0-9a-f]+"
#define HERE " \\([^\n]*test_waits\\.c:[0-9]+\\)"

Test(waits, for_every_kind_of_object)
{
    struct child c = in_child(everything, NULL);
    EXPECT_STATUS(&c, 0);
    expect_fits(c.out, "\nwaits for chan " ADDR " \\(cap 0, len 0\\), made by everything at "
                       "[^\n]*test_waits\\.c:[0-9]+\n");
    expect_fits(c.out, "\nwaits for a value of chan " ADDR " \\(cap 0, len 0\\)");
    expect_fits(c.out, "\nwaits for room in chan " ADDR " \\(cap 1, len 1\\)");
    expect_fits(c.out, "\n\\.\\.\\. and 4 more channels\n");
    expect_fits(c.out,
                "\nwaits for a value of chan [^\n]*\n\\.\\.\\. and 2 nil channels, never ready\n");
    expect_fits(c.out, "\nwaits for mutex " ADDR " = mu" HERE "\n");
    expect_fits(c.out, "\nwaits for mutex " ADDR " = pool\\.lock" HERE "\n");
    expect_fits(c.out, "\nwaits for cond " ADDR " = cond" HERE "\n");
    expect_fits(c.out, "\nwaits for once " ADDR " = once" HERE "\n");
    expect_fits(c.out, "\nwaits for semaphore " ADDR " = sem" HERE ", 1 free, 2 wanted\n");
    expect_fits(c.out, "\nwaits for waitgroup " ADDR " = wg" HERE ", count 3\n");
    int locks = 0;
    for (const char *s = c.out; (s = strstr(s, "= rw (")); s++)
        locks += strstr(s, ", held by 1 reader, a writer comes next\n") != NULL;
    cr_expect_eq(locks, 3, "%s", c.out); /* the next writer, the one behind it, the reader */
}

static void ends(bool exit)
{
    if (exit)
        go_exit();
}

static int for_groups(int argc, char **argv)
{
    static go_waitgroup some, done, others;
    go_maxprocs(1);
    for (int i = 0; i < 3; i++)
        go_waitgroup_go(&some, recv, (go_chan(int))NULL);
    go_waitgroup_go(&others, recv, (go_chan(int))NULL);
    go_waitgroup_add(&done, 1);
    go_waitgroup_go(&done, ends, false);
    go_waitgroup_go(&done, ends, true);
    settle();
    go(go_waitgroup_wait, &some);
    go(go_waitgroup_wait, &done);
    go(go_waitgroup_wait, &others);
    settle();
    go_dump(1);
    return argc && argv;
}

Test(waits, for_those_who_are_not_done)
{
    struct child c = in_child(for_groups, NULL);
    EXPECT_STATUS(&c, 0);
    expect_fits(c.out, " = some" HERE ", count 3, to be done by goroutines [0-9]+-[0-9]+\n");
    expect_fits(c.out, " = others" HERE ", count 1, to be done by goroutine [0-9]+\n");
    expect_fits(c.out, " = done" HERE ", count 1\n");
}

Test(waits, for_locks_whose_holder_is_known)
{
    struct child c = in_child(everything, "GOTRACEBACK=all", NULL);
    EXPECT_STATUS(&c, 0);
    expect_fits(c.out, " = mu" HERE ", held by goroutine 1 since everything at "
                       "[^\n]*test_waits\\.c:[0-9]+\n");
    expect_fits(c.out, " = once" HERE ", held by goroutine [0-9]+ since do_once at "
                       "[^\n]*test_waits\\.c:[0-9]+\n");
    expect_fits(c.out, " = rw" HERE ", held by goroutine 1 for reading since everything at "
                       "[^\n]*test_waits\\.c:[0-9]+, a writer comes next\n");
}

static int for_time(int argc, char **argv)
{
    go_timer *t = go_timer_new(GO_HOUR), *stopped = go_timer_new(GO_HOUR);
    go_timer_stop(stopped);
    go_ctx *ctx = go_ctx_with_timeout(go_ctx_background(), GO_HOUR);
    go_maxprocs(1);
    go(recv, (go_chan(int))(void *)go_timer_chan(t));
    go(recv, (go_chan(int))(void *)go_timer_chan(stopped));
    go(recv, (go_chan(int))(void *)go_ctx_done(ctx));
    settle();
    go_dump(1);
    return argc && argv;
}

Test(waits, for_timers_and_contexts)
{
    struct child c = in_child(for_time, NULL);
    EXPECT_STATUS(&c, 0);
    EXPECT_SAYS(&c, " (cap 1, len 0), of a timer that is armed\n");
    EXPECT_SAYS(&c, " (cap 1, len 0), of a timer that is not armed\n");
    expect_fits(c.out, " \\(cap 0, len 0\\), the end of a context, made by for_time at "
                       "[^\n]*test_waits\\.c:[0-9]+\n");
}
