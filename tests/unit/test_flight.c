/* When a program's flight recorder writes, and where to. */
#include "in_child.h"
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include "sanitize.h"

static char path[64];

/* The name of a snapshot, given to the child in its environment. */
static const char *flight_file(void)
{
    static char env[96];
    snprintf(path, sizeof path, "/tmp/goshawk-flight-test-%d.gtrace", (int)getpid());
    snprintf(env, sizeof env, "GOSHAWK_FLIGHT_FILE=%s", path);
    unlink(path);
    return env;
}

static bool was_written(void)
{
    struct stat st;
    bool there = stat(path, &st) == 0 && st.st_size > 4096;
    unlink(path);
    return there;
}

static int panics(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_panic("text");
}

Test(flight, a_panic_shows_the_last_moments_and_writes_them)
{
    struct child c = in_child(panics, "GOSHAWK_FLIGHT=1M", flight_file(), NULL);
    cr_expect_eq(c.status, 2);
    cr_expect(says(&c, "panic: text\n"));
    cr_expect(says(&c, "the last "));
    cr_expect(says(&c, "goroutine 1 "));
    cr_expect(says(&c, "goshawk: flight recorder: see goshawk trace timeline /tmp/goshawk-flight"));
    cr_expect(was_written());
}

Test(flight, without_tracebacks_it_is_written_and_not_shown)
{
    struct child c = in_child(panics, "GOSHAWK_FLIGHT=1M", "GOTRACEBACK=none", flight_file(), NULL);
    cr_expect_not(says(&c, "the last "));
    cr_expect(was_written());
}

Test(flight, without_a_flight_a_panic_is_as_ever)
{
    struct child c = in_child(panics, flight_file(), NULL);
    cr_expect_eq(c.status, 2);
    cr_expect_not(says(&c, "flight recorder"));
    cr_expect_not(was_written());
}

static int deadlocks(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) c = go_chan_make(int, 0);
    return go_chan_recv(c);
}

Test(flight, a_deadlock_is_written)
{
    struct child c = in_child(deadlocks, "GOSHAWK_FLIGHT=1M", flight_file(), NULL);
    cr_expect_eq(c.status, 2);
    cr_expect(says(&c, "deadlock!"));
    cr_expect(says(&c, "block, chan receive 0x"));
    cr_expect(was_written());
}

static int crashes(int argc, char **argv)
{
    (void)argc, (void)argv;
    raise(SIGSEGV);
    return 0;
}

Test(flight, a_crash_is_written)
{
    if (GO_ASAN)
        cr_skip_test("AddressSanitizer has the signal");
    struct child c = in_child(crashes, "GOSHAWK_FLIGHT=1M", flight_file(), NULL);
    cr_expect_eq(c.status, -SIGSEGV);
    cr_expect(says(&c, "flight recorder: see"));
    cr_expect(was_written());
}

/* Goes on until the snapshot that the signal asked for is there. */
static int is_asked(int argc, char **argv)
{
    struct stat st;
    (void)argc, (void)argv;
    kill(getpid(), SIGUSR2);
    while (stat(getenv("GOSHAWK_FLIGHT_FILE"), &st) != 0 || st.st_size == 0)
        go_sleep(GO_MILLISECOND);
    return 5;
}

Test(flight, sigusr2_writes_and_the_program_goes_on)
{
    if (GO_TSAN)
        cr_skip_test("libtsan keeps the signal back while a thread waits in a futex");
    struct child c = in_child(is_asked, "GOSHAWK_FLIGHT=1M", flight_file(), NULL);
    cr_expect_eq(c.status, 5);
    cr_expect(was_written());
}

static int begins_and_ends_it(int argc, char **argv)
{
    const char *file = getenv("GOSHAWK_FLIGHT_FILE");
    (void)argc, (void)argv;
    int before = go_trace_snapshot(file), wrong = go_trace_flight(1 << 20, -1);
    int begin = go_trace_flight(1 << 20, GO_SECOND), taken = go_trace_snapshot(file);
    int end = go_trace_flight(0, 0), after = go_trace_snapshot("/tmp/goshawk-no-flight");
    if (before == -ENODATA && wrong == -EINVAL && !begin && !taken && !end && after == -ENODATA)
        kill(getpid(), SIGUSR2); /* does again what it does by itself: ends the process */
    return 1;
}

Test(flight, a_program_begins_and_ends_it)
{
    struct child c = in_child(begins_and_ends_it, flight_file(), NULL);
    cr_expect_eq(c.status, -SIGUSR2);
    cr_expect(was_written());
}

Test(flight, a_setting_that_is_no_size_is_named)
{
    struct child c = in_child(panics, "GOSHAWK_FLIGHT=much", flight_file(), NULL);
    cr_expect(says(&c, "GOSHAWK_FLIGHT=much is not a size"));
    cr_expect_not(was_written());
}

Test(flight, a_file_that_cannot_be_written_is_named)
{
    struct child c = in_child(panics, "GOSHAWK_FLIGHT=1M",
                              "GOSHAWK_FLIGHT_FILE=/tmp/goshawk-no-such-folder/x%n", NULL);
    cr_expect_eq(c.status, 2);
    cr_expect(says(&c, "snapshot /tmp/goshawk-no-such-folder/x1: No such file or directory"));
}
