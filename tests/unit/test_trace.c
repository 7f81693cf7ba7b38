/* test_trace.c - recordings that a program begins and ends itself (goshawk/trace.h). */
#include <criterion/criterion.h>
#include <errno.h>
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/goshawk_trace_XXXXXX";

static void make_path(void)
{
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
}

static void echo(go_chan(int) c)
{
    go_chan_send(c, go_chan_recv(c));
}

static int recorded(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    go_chan(int) c = go_chan_make(int, 0);
    int err = go_trace_start(path), again = go_trace_start(path);
    go(echo, c);
    go_chan_send(c, 7);
    int v = go_chan_recv(c);
    go_trace_stop();
    go_trace_stop(); /* none runs: nothing happens */
    go_chan_free(c);
    return err == 0 && again == -EBUSY && v == 7;
}

Test(trace, start_and_stop_leave_a_file, .init = make_path)
{
    cr_assert_eq(go_run(recorded, 0, NULL), 1);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_gt(st.st_size, 0);
    unlink(path);
}

static int impossible(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return go_trace_start("/nonexistent/folder/x.gtrace");
}

Test(trace, an_unwritable_path_is_an_error_number)
{
    cr_assert_eq(go_run(impossible, 0, NULL), -ENOENT);
}
