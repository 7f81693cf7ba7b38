/* test_census.c - goroutines in order, and those in the same place once. */
#include "in_child.h"
#include "in_go.h"
#include "census.h"
#include "scheduler.h"

static go_chan(int) c;

static __attribute__((noinline)) void waits_here(void)
{
    go_chan_recv(c);
    __asm__ volatile(""); /* no tail call */
}

static __attribute__((noinline)) void waits_there(void)
{
    go_chan_recv(c);
    __asm__ volatile("nop");
}

static void worker(int way)
{
    if (way == 0)
        waits_here();
    else if (way == 1)
        waits_there();
    else
        go_chan_recv(go_chan_make(int, 0)); // each its own
    __asm__ volatile("");
}

static int some(int argc, char **argv)
{
    go_maxprocs(1);
    c = go_chan_make(int, 0);
    for (int i = 0; i < 30; i++)
        go(worker, i % 3);
    settle();
    struct census all;
    census_take(&all, NULL);
    CHECK(all.n == 31);
    for (size_t i = 0; i < all.n; i++)
        CHECK(all.ones[i].id == all.ones[i].g->id && (!i || all.ones[i].id > all.ones[i - 1].id));
    census_print(1, &all, rt_self(), atoi(getenv("EACH")), NULL);
    census_fini(&all);
    return argc && argv;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (const char *s = text; (s = strstr(s, what)); s++)
        n++;
    return n;
}

Test(census, few_are_shown_one_by_one)
{
    struct child d = in_child(some, "EACH=30", NULL);
    EXPECT_STATUS(&d, 0);
    cr_expect_eq(count(d.out, "[chan receive]:\n"), 30, "%s", d.out);
    cr_expect_eq(count(d.out, "waits for chan "), 30, "%s", d.out);
    cr_expect_eq(count(d.out, "... and "), 0, "%s", d.out);
}

Test(census, many_are_shown_by_place)
{
    struct child d = in_child(some, "EACH=29", NULL);
    EXPECT_STATUS(&d, 0);
    EXPECT_BEGINS(&d, "goroutine 2 [chan receive]:\n");
    cr_expect_eq(count(d.out, "[chan receive]:\n"), 3, "%s", d.out);
    cr_expect_eq(count(d.out, "\nwaits_here("), 1, "%s", d.out);
    cr_expect_eq(count(d.out, "\nwaits_there("), 1, "%s", d.out);
    cr_expect_eq(count(d.out, "... and 9 more in the same place, waiting for the same: "), 2, "%s",
                 d.out);
    EXPECT_SAYS(&d, "... and 9 more in the same place, 9 of them waiting for something else of the "
                    "kind: goroutines 7, 10, 13, 16, 19, 22, 25, 28, ...\n");
}

static int a_row(int argc, char **argv)
{
    go_maxprocs(1);
    c = go_chan_make(int, 0);
    go(waits_there);
    for (int i = 0; i < 1000; i++)
        go(waits_here);
    go(waits_there);
    go_chan_recv(c);
    return argc && argv;
}

/* A deadlock of a thousand is a page, not a book. */
Test(census, of_a_deadlock)
{
    struct child d = in_child(a_row, NULL);
    EXPECT_STATUS(&d, 2);
    EXPECT_BEGINS(&d, "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [");
    EXPECT_SAYS(&d,
                "... and 999 more in the same place, waiting for the same: goroutines 4-1002\n");
    EXPECT_SAYS(&d, "\ngoroutine 1003 [chan receive]:\nwaits_there(");
    cr_expect_eq(count(d.out, "[chan receive]:\n"), 4, "%s", d.out); /* by go statement too */
    d = in_child(a_row, "GOTRACEBACK=system", NULL);
    EXPECT_STATUS(&d, 2);
    cr_expect_eq(count(d.out, " [chan receive"), 1003); /* maybe for minutes: it is a long dump */
}
