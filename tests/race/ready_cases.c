/* ready_cases.c - order by what tells that a descriptor can be read or has ended, by System V's
 * semaphores and queues, and by locked streams. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "race.h"

#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2], number, set;
static FILE *stream;

FRAME void put_and_signal(void (*how)(void))
{
    x = 1;
    how();
}

static void writes_byte(void)
{
    if (write(ends[1], "a", 1) != 1)
        abort();
}

static void closes_end(void)
{
    close(ends[1]);
}

static void shuts_end(void)
{
    shutdown(ends[1], SHUT_WR);
}

static void sends_many(void)
{
    struct iovec v = {"a", 1};
    struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
    if (sendmmsg(ends[1], &m, 1, 0) != 1)
        abort();
}

static void adds_to_event(void)
{
    if (eventfd_write(ends[1], 1) != 0)
        abort();
}

static void ups(void)
{
    struct sembuf up = {.sem_op = 1};
    if (semop(number, &up, 1) != 0)
        abort();
}

static void sends_message(void)
{
    struct {
        long type;
        int v;
    } m = {1, 7};
    if (msgsnd(number, &m, sizeof m.v, 0) != 0)
        abort();
}

static void await_poll(short what)
{
    struct pollfd p = {ends[0], POLLIN, 0};
    while (poll(&p, 1, 0) == 0)
        go_yield();
    if (!(p.revents & what))
        abort();
}

static void begin(int made, void (*how)(void))
{
    if (made < 0)
        abort();
    go(put_and_signal, how);
}

NORACE(poll_says_it_can_be_read)
{
    begin(pipe(ends), writes_byte);
    await_poll(POLLIN);
    x = 2;
}

NORACE(poll_says_it_has_hung_up)
{
    begin(pipe(ends), closes_end);
    await_poll(POLLHUP);
    x = 2;
}

NORACE(select_says_it_can_be_read)
{
    fd_set in;
    struct timeval now;
    begin(pipe(ends), writes_byte);
    do {
        go_yield();
        now = (struct timeval){0, 0};
        FD_ZERO(&in);
        FD_SET(ends[0], &in);
    } while (select(ends[0] + 1, &in, NULL, NULL, &now) == 0);
    x = 2;
}

static void await_epoll(uint64_t data)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = data};
    set = epoll_create(1);
    if (epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &e) != 0)
        abort();
    while (epoll_wait(set, &e, 1, 0) == 0)
        go_yield();
}

NORACE(epoll_says_it_can_be_read)
{
    begin(pipe(ends), writes_byte);
    await_epoll(12345);
    x = 2;
}

NORACE(shutdown_before_the_end_is_read)
{
    char b;
    begin(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), shuts_end);
    await_poll(POLLIN);
    if (recv(ends[0], &b, 1, 0) != 0)
        abort();
    x = 2;
}

NORACE(many_messages_at_once)
{
    char b;
    struct iovec v = {&b, 1};
    struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
    begin(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), sends_many);
    while (recvmmsg(ends[0], &m, 1, MSG_DONTWAIT, NULL) != 1)
        go_yield();
    x = 2;
}

NORACE(eventfd_by_its_own_calls)
{
    eventfd_t v;
    begin(ends[0] = ends[1] = eventfd(0, EFD_NONBLOCK), adds_to_event);
    while (eventfd_read(ends[0], &v) != 0)
        go_yield();
    x = 2;
}

NORACE(semaphore_of_system_v)
{
    struct sembuf down = {.sem_op = -1, .sem_flg = IPC_NOWAIT};
    begin(number = semget(IPC_PRIVATE, 1, 0600), ups);
    while (semop(number, &down, 1) != 0)
        go_yield();
    x = 2;
    semctl(number, 0, IPC_RMID);
}

NORACE(queue_of_system_v)
{
    struct {
        long type;
        int v;
    } m;
    begin(number = msgget(IPC_PRIVATE, 0600), sends_message);
    while (msgrcv(number, &m, sizeof m.v, 0, IPC_NOWAIT) < 0)
        go_yield();
    x = 2;
    msgctl(number, IPC_RMID, NULL);
}

FRAME void step_under_stream(void)
{
    flockfile(stream);
    x++;
    funlockfile(stream);
}

NORACE(locked_stream)
{
    stream = stdout;
    go(step_under_stream);
    go_yield();
    step_under_stream();
}

/* stdio's own locks order nothing. */
FRAME void put_and_print(void)
{
    x = 1;
    fputc(' ', stream);
    step_to(1);
}

// expect: write x in stream_that_both_print_to / write x in put_and_print
RACE(stream_that_both_print_to)
{
    stream = stdout;
    go(put_and_print);
    await_step(1);
    fputc(' ', stream);
    x = 2;
}
