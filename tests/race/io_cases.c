/* io_cases.c - order through descriptors and the buffers of go_read() and go_write(). */
#include "race.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int fd[2];
char text[64];

static void open_pipe(void)
{
    if (pipe(fd) != 0)
        abort();
}

FRAME void put_and_write(void)
{
    x = 1;
    go_write(fd[1], "x", 1);
}

NORACE(write_before_read)
{
    char b;
    open_pipe();
    go(put_and_write);
    go_read(fd[0], &b, 1);
    x = 2;
}

NORACE(write_before_read_of_a_socket)
{
    char b;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
        abort();
    go(put_and_write);
    go_read(fd[0], &b, 1);
    x = 2;
}

NORACE(write_before_plain_read)
{
    char b;
    open_pipe();
    go(put_and_write);
    go_fd_wait(fd[0], GO_FD_READ, 0);
    if (read(fd[0], &b, 1) == 1)
        x = 2;
}

NORACE(write_before_wait)
{
    open_pipe();
    go(put_and_write);
    go_fd_wait(fd[0], GO_FD_READ, 0);
    x = 2;
}

FRAME void put_and_close(void)
{
    x = 1;
    go_fd_close(fd[1]);
}

NORACE(close_before_end_of_file)
{
    char b;
    open_pipe();
    go(put_and_close);
    go_read(fd[0], &b, 1);
    x = 2;
}

FRAME void put_and_close_reader(void)
{
    x = 1;
    go_fd_close(fd[0]);
}

NORACE(close_before_cancelled_read)
{
    char b;
    open_pipe();
    go(put_and_close_reader);
    go_read(fd[0], &b, 1);
    x = 2;
}

static void await_close_of(int closed)
{
    while (fcntl(closed, F_GETFD) >= 0)
        go_yield();
}

NORACE(close_before_read_that_finds_it_closed)
{
    char b;
    open_pipe();
    go(put_and_close_reader);
    await_close_of(fd[0]);
    if (go_read(fd[0], &b, 1) != -EBADF)
        abort();
    x = 2;
}

NORACE(close_before_write_that_finds_it_closed)
{
    open_pipe();
    go(put_and_close);
    await_close_of(fd[1]);
    if (go_write(fd[1], "x", 1) != -EBADF)
        abort();
    x = 2;
}

NORACE(close_before_close_that_finds_it_closed)
{
    open_pipe();
    go(put_and_close);
    await_close_of(fd[1]);
    if (go_fd_close(fd[1]) != -EBADF)
        abort();
    x = 2;
}

FRAME void put_and_write_to(int to)
{
    x = 1;
    go_write(to, "x", 1);
    step_to(1);
}

// expect: write x in another_pipe_orders_nothing / write x in put_and_write_to
RACE(another_pipe_orders_nothing)
{
    int that[2];
    char b;
    open_pipe();
    if (pipe(that) != 0 || write(that[1], "x", 1) != 1)
        abort();
    go(put_and_write_to, fd[1]);
    await_step(1);
    go_read(that[0], &b, 1);
    x = 2;
}

FRAME void read_text(void)
{
    go_read(fd[0], text, 5);
    step_to(1);
}

// expect: write text in buffer_of_a_read / write text in read_text
RACE(buffer_of_a_read)
{
    open_pipe();
    if (write(fd[1], "hello", 5) != 5)
        abort();
    go(read_text);
    await_step(1);
    text[4] = 1;
}

NORACE(behind_the_buffer_of_a_read)
{
    open_pipe();
    if (write(fd[1], "hello", 5) != 5)
        abort();
    go(read_text);
    await_step(1);
    text[5] = 1;
}

FRAME void write_text(void)
{
    go_write(fd[1], text, 5);
    step_to(1);
}

// expect: write text in buffer_of_a_write / read text in write_text
RACE(buffer_of_a_write)
{
    open_pipe();
    go(write_text);
    await_step(1);
    text[4] = 1;
}
