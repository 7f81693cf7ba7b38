/* test_fds.c - order through descriptors: what is one channel, and what is not. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "fds.h"
#include "rc_double.h"

void __tsan_write8(void *);

static uint64_t data;
static struct rc_ctx *a, *b, *c;

static void start(void)
{
    rc_init(NULL);
    a = rc_ctx_make(NULL, RC_GOROUTINE, 1, 1, NULL, 0);
    b = rc_ctx_make(NULL, RC_GOROUTINE, 2, 1, NULL, 0);
    c = rc_ctx_make(NULL, RC_GOROUTINE, 3, 1, NULL, 0);
    rc_switch(a);
    __tsan_write8(&data);
}

static void expect(bool ordered)
{
    rc_switch(b);
    __tsan_write8(&data);
    cr_assert_eq(n_reports, ordered ? 0 : 1);
}

Test(fds, a_channel_orders)
{
    fds_pair(1000, 1001);
    start();
    rc_fd_sends(a, 1001);
    rc_fd_received(b, 1000);
    expect(true);
}

Test(fds, another_channel_does_not)
{
    fds_pair(1000, 1001);
    fds_pair(1002, 1003);
    start();
    rc_fd_sends(a, 1001);
    rc_fd_received(b, 1002);
    expect(false);
}

/* Of very many channels one after the other, each is forgotten with its last descriptor. */
Test(fds, channels_come_and_go)
{
    start();
    for (int i = 0; i < 200000; i++) {
        fds_pair(1000, 1001);
        fds_dup(1002, 1000);
        rc_fd_sends(a, 1001);
        rc_fd_closes(a, 1001);
        rc_fd_closes(a, 1000);
        rc_fd_closes(a, 1002);
    }
    fds_pair(1000, 1001);
    rc_fd_received(b, 1000); /* nothing was written there */
    expect(false);
}

Test(fds, a_duplicate_is_the_same_channel)
{
    fds_pair(1000, 1001);
    fds_dup(1005, 1001);
    start();
    rc_fd_sends(a, 1005);
    rc_fd_received(b, 1000);
    expect(true);
}

Test(fds, the_end_of_file_is_after_the_close)
{
    fds_pair(1000, 1001);
    start();
    rc_fd_closes(a, 1001);
    rc_fd_received(b, 1000);
    expect(true);
}

Test(fds, a_number_used_again_has_no_past)
{
    int fd[2], other[2];
    cr_assert(pipe(fd) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0);
    fds_pair(fd[0], fd[1]);
    start();
    rc_fd_sends(a, fd[1]);
    rc_fd_closes(a, fd[1]);
    rc_fd_received(b, fd[1]); /* a file like any other now */
    expect(false);
}

/* Pipes and sockets that nobody told of: somebody outside may have the other ends. */
Test(fds, what_is_not_known_is_all_one)
{
    int fd[2], other[2];
    cr_assert(pipe(fd) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0);
    start();
    rc_fd_sends(a, fd[1]);
    rc_fd_received(b, other[1]);
    expect(true);
}

Test(fds, sockets_are_not_files)
{
    int fd = open("/dev/null", O_RDWR), other[2];
    cr_assert(fd >= 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0);
    start();
    rc_fd_sends(a, fd);
    rc_fd_received(b, other[1]);
    expect(false);
}

/* ---- other processes ---- */

Test(fds, what_is_given_away_is_open_to_the_outside)
{
    start();
    fds_pair(1000, 1001);
    fds_pair(1002, 1003);
    fds_given_away(c);
    rc_fd_sends(a, 1001);
    rc_fd_received(b, 1002);
    expect(true);
}

Test(fds, what_is_in_a_channel_is_given_away_with_it)
{
    start();
    fds_pair(1000, 1001);
    fds_pair(1002, 1003);
    rc_fd_sends(a, 1001);
    fds_given_away(c);
    rc_fd_received(b, 1002);
    expect(true);
}

Test(fds, channels_of_later_are_not_given_away)
{
    start();
    fds_given_away(c);
    fds_pair(1000, 1001);
    fds_pair(1002, 1003);
    rc_fd_sends(a, 1001);
    rc_fd_received(b, 1002);
    expect(false);
}

Test(fds, sets_are_of_no_use_to_others)
{
    start();
    fds_inner(1000);
    fds_inner(1001);
    fds_given_away(c);
    rc_fd_sends(a, 1000);
    rc_fd_received(b, 1001);
    expect(false);
}

Test(fds, the_end_of_a_process_is_after_what_it_was_sent)
{
    start();
    fds_pair(1000, 1001);
    rc_fd_sends(a, 1001);
    fds_given_away(c);
    fds_got_back(b);
    expect(true);
}

/* ---- the table's end ---- */

Test(fds, sockets_beyond_the_table_use_nothing_up)
{
    start();
    for (int i = 0; i < 70000; i++)
        fds_socket(1 << 20);
    fds_pair(1000, 1001);
    fds_pair(1002, 1003);
    rc_fd_sends(a, 1001);
    rc_fd_received(b, 1002);
    expect(false);
}

Test(fds, a_channel_with_an_end_beyond_the_table)
{
    fds_pair(1000, 1001);
    fds_dup(1 << 20, 1000);
    fds_pair(1002, 1 << 21);
    start();
    rc_fd_sends(a, 1001);
    rc_fd_received(b, 1002);
    expect(true);
}

Test(fds, beyond_the_table_all_are_one)
{
    fds_pair(1 << 20, (1 << 20) + 1);
    start();
    rc_fd_sends(a, 1 << 20);
    rc_fd_received(b, (1 << 20) + 1);
    expect(true);
    rc_fd_sends(NULL, -1);
    rc_fd_received(NULL, -1);
}

Test(fds, an_event_is_of_who_was_put_into_the_set_with_its_data)
{
    fds_pair(1000, 1001);
    fds_pair(1002, 1003);
    fds_watch(7, 1000, 5);
    fds_watch(8, 1002, 5);
    fds_watch(7, 1002, 6);
    start();
    rc_fd_sends(a, 1001);
    fds_event(b, 8, 5);
    fds_event(b, 7, 6);
    fds_event(b, 7, 4);
    expect(false);
}

Test(fds, of_equal_data_every_one_may_be_meant)
{
    fds_pair(1000, 1001);
    fds_pair(1002, 1003);
    fds_watch(7, 1000, 0);
    fds_watch(7, 1002, 0);
    fds_watch(7, 1002, 0);
    start();
    rc_fd_sends(a, 1001);
    fds_event(b, 7, 0);
    expect(true);
}
