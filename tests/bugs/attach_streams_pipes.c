/* attach_streams_pipes.c - two streams of an attached client wait for each other through pipes (a
 * pattern of moby).
 *
 * attach() copies the client's input to the container in one goroutine, the container's output to
 * the client in another, and returns when both have ended.  The container has ended, so output is
 * at its end; input waits in read() for a client who closes when attach() has returned, and who
 * gives up here after a time.  The repair ends the input with the output.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <unistd.h>

struct stream {
    int from, to;
};

static int client[2], container_in[2], container_out[2]; /* pipes */

static void copy(struct stream s)
{
    char buf[64];
    for (ssize_t n; (n = go_read(s.from, buf, sizeof buf)) > 0;)
        if (go_write(s.to, buf, (size_t)n) < 0)
            break;
}

static void copy_output(struct stream s)
{
    copy(s);
#ifdef REPAIRED
    go_fd_close(client[0]); /* who reads it gets -ECANCELED */
#endif
}

static void attach(go_chan(char) detached)
{
    go_waitgroup streams = {0};
    go_waitgroup_go(&streams, copy, ((struct stream){client[0], container_in[1]}));
    go_waitgroup_go(&streams, copy_output, ((struct stream){container_out[0], STDOUT_FILENO}));
    go_waitgroup_wait(&streams);
    go_chan_close(detached);
}

static void container(void)
{
    char line[64];
    ssize_t n = go_read(container_in[0], line, sizeof line);
    go_write(container_out[1], line, n > 0 ? (size_t)n : 0);
    go_fd_close(container_out[1]);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    if (pipe(client) || pipe(container_in) || pipe(container_out))
        return 1;
    go_chan(char) detached = go_chan_make(char, 0);
    go(container);
    go(attach, detached);
    go_write(client[1], "echo\n", 5);
    go_chan(go_time) timeout = go_after(30 * GO_MILLISECOND);
    if (go_select(go_recv_case(detached, NULL), go_recv_case(timeout, NULL)) == 1)
        printf("the container has ended, its session has not\n");
    go_chan_free(timeout);
    return 0;
}
