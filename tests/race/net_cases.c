/* net_cases.c - order through connections, and through other processes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "race.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int listener, client[2], server[2];
static struct sockaddr_in where;

static void must(bool well)
{
    if (!well)
        abort();
}

static int tcp(void)
{
    int s = socket(AF_INET, SOCK_STREAM, 0);
    must(s >= 0);
    return s;
}

static void listens(void)
{
    socklen_t n = sizeof where;
    listener = tcp();
    where = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    must(bind(listener, (struct sockaddr *)&where, sizeof where) == 0 && listen(listener, 4) == 0);
    must(getsockname(listener, (struct sockaddr *)&where, &n) == 0);
}

static void connects(int s)
{
    must(connect(s, (struct sockaddr *)&where, sizeof where) == 0);
}

static void connections(int n)
{
    listens();
    for (int i = 0; i < n; i++) {
        client[i] = tcp();
        connects(client[i]);
        server[i] = accept(listener, NULL, NULL);
        must(server[i] >= 0);
    }
}

FRAME void put_and_send(int s)
{
    x = 1;
    must(go_write(s, "a\n", 2) == 2);
}

static void receive(int s)
{
    char b[2];
    must(go_read(s, b, sizeof b) > 0);
}

NORACE(tcp_write_before_read)
{
    connections(1);
    go(put_and_send, client[0]);
    receive(server[0]);
    x = 2;
}

NORACE(tcp_write_before_read_the_other_way)
{
    connections(1);
    go(put_and_send, server[0]);
    receive(client[0]);
    x = 2;
}

FRAME void put_and_send_first(void)
{
    put_and_send(client[0]);
}

// expect: write x in other_connections_order_nothing / write x in put_and_send
RACE(other_connections_order_nothing)
{
    connections(2);
    first(put_and_send_first);
    must(go_write(client[1], "a", 1) == 1);
    receive(server[1]);
    x = 2;
}

/* What a server's handlers do to what they share: they know each other's requests by no means. */
FRAME void serve(int s)
{
    receive(s);
    y = s;
    must(go_write(s, "a", 1) == 1);
}

FRAME void serve_first(void)
{
    must(go_write(client[0], "a", 1) == 1);
    serve(server[0]);
}

// expect: write y in serve / write y in serve
RACE(handlers_of_two_connections)
{
    connections(2);
    first(serve_first);
    must(go_write(client[1], "a", 1) == 1);
    serve(server[1]);
}

NORACE(handlers_of_one_client)
{
    connections(2);
    go(serve, server[0]);
    must(go_write(client[0], "a", 1) == 1);
    receive(client[0]);
    go(serve, server[1]);
    must(go_write(client[1], "a", 1) == 1);
    receive(client[1]);
    y = 0;
}

FRAME void put_and_connect(void)
{
    int s = tcp();
    x = 1;
    connects(s);
}

NORACE(connect_before_accept)
{
    listens();
    go(put_and_connect);
    go_fd_wait(listener, GO_FD_READ, 0);
    must(accept(listener, NULL, NULL) >= 0);
    x = 2;
}

NORACE(connect_that_does_not_wait)
{
    listens();
    client[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)connect(client[0], (struct sockaddr *)&where, sizeof where);
    server[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    go(put_and_send, client[0]);
    receive(server[0]);
    x = 2;
}

NORACE(tcp_of_both_families)
{
    int s = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    socklen_t n = sizeof a;
    if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof a) != 0) /* no IPv6 here */
        return;
    must(listen(s, 1) == 0 && getsockname(s, (struct sockaddr *)&a, &n) == 0);
    where = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = a.sin6_port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    client[0] = tcp();
    connects(client[0]);
    server[0] = accept(s, NULL, NULL);
    go(put_and_send, client[0]);
    receive(server[0]);
    x = 2;
}

NORACE(duplicate_from_before_the_connection)
{
    listens();
    client[0] = tcp();
    client[1] = dup(client[0]);
    connects(client[0]);
    server[0] = accept(listener, NULL, NULL);
    go(put_and_send, client[1]);
    receive(server[0]);
    x = 2;
}

FRAME void put_and_print(void)
{
    FILE *f = fdopen(client[0], "w");
    x = 1;
    fputs("a\n", f);
    fflush(f);
}

NORACE(streams_over_tcp)
{
    char line[8];
    connections(1);
    FILE *f = fdopen(server[0], "r");
    go(put_and_print);
    go_fd_wait(server[0], GO_FD_READ, 0);
    must(fgets(line, sizeof line, f) != NULL);
    x = 2;
}

NORACE(sockets_with_a_name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    socklen_t n = sizeof(sa_family_t);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    must(bind(s, (struct sockaddr *)&a, n) == 0 && listen(s, 1) == 0); /* the kernel finds a name */
    n = sizeof a;
    must(getsockname(s, (struct sockaddr *)&a, &n) == 0);
    client[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    must(connect(client[0], (struct sockaddr *)&a, n) == 0);
    server[0] = accept(s, NULL, NULL);
    go(put_and_send, client[0]);
    receive(server[0]);
    x = 2;
}

/* ---- other processes ---- */

static int to[2], from[2];

/* What comes from one descriptor goes to the other, until the end. */
static _Noreturn void relay(int in, int out)
{
    char b;
    while (read(in, &b, 1) == 1 && write(out, &b, 1) == 1)
        ;
    _exit(0);
}

static pid_t begin_relay(void)
{
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        close(to[1]);
        relay(to[0], from[1]);
    }
    return pid;
}

static void end(pid_t pid)
{
    close(to[1]);
    must(waitpid(pid, NULL, 0) == pid);
}

static void pipes(void)
{
    must(pipe(to) == 0 && pipe(from) == 0);
}

NORACE(through_a_child)
{
    pipes();
    pid_t pid = begin_relay();
    go(put_and_send, to[1]);
    receive(from[0]);
    x = 2;
    end(pid);
}

NORACE(through_a_child_by_socket_pairs)
{
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, to) == 0);
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, from) == 0);
    pid_t pid = begin_relay();
    go(put_and_send, to[1]);
    receive(from[0]);
    x = 2;
    end(pid);
}

FRAME void put_and_send_away(void)
{
    put_and_send(to[1]);
}

NORACE(on_the_way_when_the_child_begins)
{
    pipes();
    first(put_and_send_away);
    pid_t pid = begin_relay();
    receive(from[0]);
    x = 2;
    end(pid);
}

NORACE(through_a_spawned_process)
{
    pid_t pid;
    char *argv[] = {"cat", "-u", NULL};
    posix_spawn_file_actions_t a;
    pipes();
    must(posix_spawn_file_actions_init(&a) == 0);
    must(posix_spawn_file_actions_adddup2(&a, to[0], 0) == 0);
    must(posix_spawn_file_actions_adddup2(&a, from[1], 1) == 0);
    must(posix_spawn_file_actions_addclose(&a, to[1]) == 0);
    must(posix_spawnp(&pid, "cat", &a, NULL, argv, environ) == 0);
    posix_spawn_file_actions_destroy(&a);
    go(put_and_send, to[1]);
    receive(from[0]);
    x = 2;
    end(pid);
}

NORACE(through_a_process_of_vfork)
{
    pipes();
    pid_t pid = vfork();
    if (pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[1]);
        execlp("cat", "cat", "-u", (char *)NULL);
        _exit(127);
    }
    must(pid > 0);
    go(put_and_send, to[1]);
    receive(from[0]);
    x = 2;
    end(pid);
}

FRAME void put_and_print_into(FILE *f)
{
    x = 1;
    fputs("a\n", f);
    fflush(f);
}

NORACE(through_a_process_of_popen)
{
    char command[64];
    pipes();
    snprintf(command, sizeof command, "cat -u >&%d", from[1]);
    FILE *f = popen(command, "w");
    must(f != NULL);
    go(put_and_print_into, f);
    receive(from[0]);
    x = 2;
    pclose(f);
}

FRAME void put_and_end(void)
{
    x = 1;
    close(to[1]);
}

NORACE(child_that_has_ended)
{
    pipes();
    pid_t pid = begin_relay();
    go(put_and_end);
    while (waitpid(pid, NULL, WNOHANG) == 0)
        go_yield();
    x = 2;
}

/* The child accepts both connections. */
NORACE(through_connections_to_a_child)
{
    listens();
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        int in = accept(listener, NULL, NULL), out = accept(listener, NULL, NULL);
        relay(in, out);
    }
    for (int i = 0; i < 2; i++) {
        client[i] = tcp();
        connects(client[i]);
    }
    go(put_and_send, client[0]);
    receive(client[1]);
    x = 2;
    close(client[0]);
    must(waitpid(pid, NULL, 0) == pid);
}

static void send_descriptor(int s, int fd)
{
    union {
        char room[CMSG_SPACE(sizeof fd)];
        struct cmsghdr align;
    } u;
    struct iovec v = {"a", 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = u.room, .msg_controllen = sizeof u.room};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(h), &fd, sizeof fd);
    must(sendmsg(s, &m, 0) == 1);
}

static int receive_descriptor(int s)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } u;
    char b;
    int fd;
    struct iovec v = {&b, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = u.room, .msg_controllen = sizeof u.room};
    must(recvmsg(s, &m, 0) == 1);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    return fd;
}

NORACE(through_descriptors_that_were_sent_away)
{
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        int in = receive_descriptor(ends[0]), out = receive_descriptor(ends[0]);
        relay(in, out);
    }
    pipes();
    send_descriptor(ends[1], to[0]);
    send_descriptor(ends[1], from[1]);
    go(put_and_send, to[1]);
    receive(from[0]);
    x = 2;
    end(pid);
}
