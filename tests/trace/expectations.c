/* A program that records itself and says what it expects of that: goshawk/expect.h. */
#include <goshawk.h>
#include <goshawk/expect.h>
#include <stdio.h>
#include <stdlib.h>

static int failures;

/* code: what it is to return; text: what the message says. */
static void expect(const char *file, const char *expectation, int code)
{
    char why[GO_EXPECT_MESSAGE] = "";
    int is = go_trace_expect(file, expectation, why, sizeof(why));
    if (is == code && (code == 0 || why[0]))
        return;
    failures++;
    fprintf(stderr, "%s: %d, not %d: %s\n", expectation, is, code, why);
}

static void consumer(go_chan(int) c, go_waitgroup *done)
{
    int sum = 0;
    go_setname("consumer");
    for (int i = 0; i < 3; i++)
        sum += go_chan_recv(c);
    go_trace_log("sum", "all are here");
    go_waitgroup_done(done);
}

static void record(const char *file)
{
    go_waitgroup done = {0};
    go_chan(int) c = go_chan_make(int, 0);
    if (go_trace_start(file) != 0)
        abort();
    go_trace_log("order", "begun");
    go_waitgroup_add(&done, 2);
    go(consumer, c, &done);
    go(consumer, c, &done);
    for (int i = 0; i < 6; i++)
        go_chan_send(c, i);
    go_waitgroup_wait(&done);
    go_trace_log("order", "ended");
    go_trace_stop();
    go_chan_free(c);
}

int go_main(int argc, char **argv)
{
    const char *file = argc > 1 ? argv[1] : "expectations.gtrace";
    record(file);
    expect(file, "begun before ended", 0);
    expect(file, "ended before begun", 1);
    expect(file, "begun before \"all are here\"", 0);
    expect(file, "last text:sum before first ended", 0);
    expect(file, "g:consumer event:end before g:consumer event:go", 1);
    expect(file, "no goroutine blocked on chan#1 longer than 100s", 0);
    expect(file, "no goroutine g:consumer running longer than 0ns", 1);
    expect(file, "at most 2 g:consumer chan", 0);
    expect(file, "at least 1 blocked on chan#1", 0);
    expect(file, "at most 0 blocked on chan#1", 1);
    expect(file, "no races", 0);
    char why[GO_EXPECT_MESSAGE];
    failures += go_trace_expect_before(file, "begun", "ended", why, sizeof(why)) != 0;
    failures += go_trace_expect_shorter(file, "g:consumer", 100 * GO_SECOND, why, sizeof(why)) != 0;
    failures += go_trace_expect_at_most(file, 2, "g:consumer state:chan", why, sizeof(why)) != 0;
    remove(file);
    return failures != 0;
}
