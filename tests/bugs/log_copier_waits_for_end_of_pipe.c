/* log_copier_waits_for_end_of_pipe.c - the copier of a container's logs waits for the end of a
 * pipe whose other end the daemon has kept (a pattern of moby).
 *
 * The container's output is a pipe.  The daemon gives its end for writing to the container, a
 * duplicate, and does not close its own: when the container has ended the pipe has not, and the
 * copier reads for ever.  The repair closes the daemon's end once the container has its own.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <unistd.h>

struct copier {
    int src;
    go_waitgroup jobs;
};

static void copy_lines(struct copier *c)
{
    char buf[64];
    for (ssize_t n; (n = go_read(c->src, buf, sizeof buf - 1)) > 0;) {
        buf[n] = 0;
        printf("log: %s", buf);
    }
}

static void container(int out)
{
    go_write(out, "started\n", 8);
    go_fd_close(out);
}

static void wait_for_logs(struct copier *c, go_chan(char) done)
{
    go_waitgroup_wait(&c->jobs);
    go_chan_close(done);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct copier copier;
    int log[2];
    if (pipe(log))
        return 1;
    copier.src = log[0];
    go_waitgroup_go(&copier.jobs, copy_lines, &copier);
    go(container, dup(log[1]));
#ifdef REPAIRED
    go_fd_close(log[1]);
#endif
    go_chan(char) done = go_chan_make(char, 0);
    go_chan(go_time) timeout = go_after(30 * GO_MILLISECOND);
    go(wait_for_logs, &copier, done);
    if (go_select(go_recv_case(done, NULL), go_recv_case(timeout, NULL)) == 1)
        printf("the logger did not exit in time\n");
    go_chan_free(timeout);
    return 0;
}
