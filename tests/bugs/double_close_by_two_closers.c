/* double_close_by_two_closers.c - two goroutines find a channel open and both close it (after moby
 * #24007).
 *
 * close_log() asks by a select with a default whether the channel is closed, and closes it if not.
 * Between the question and the answer another goroutine may do the same.  The repair closes in a
 * once.
 *
 * shows: panic close of closed channel
 * when: some seed */
#include <goshawk.h>
#include <stdio.h>

struct logger {
    go_chan(char) closed;
    go_once once;
    go_chan(int) lines;
};

static void do_close(struct logger *l)
{
    go_chan_close(l->closed);
}

static void write_lines(struct logger *l)
{
    go_chan_range(int, line, l->lines)
        printf("line %d\n", line);
}

static void close_log(struct logger *l)
{
#ifdef REPAIRED
    go_chan_send(l->lines, 0); /* the last one */
    go_once_do(&l->once, do_close, l);
#else
    switch (go_select(go_recv_case(l->closed, NULL), go_default)) {
    case 0:
        break;
    case GO_DEFAULT:
        go_chan_send(l->lines, 0); /* the last one */
        do_close(l);
        break;
    }
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct logger l = {.closed = go_chan_make(char, 0), .lines = go_chan_make(int, 0)};
    go_waitgroup closers = {0}, writer = {0};
    go_waitgroup_go(&writer, write_lines, &l);
    for (int i = 0; i < 3; i++)
        go_waitgroup_go(&closers, close_log, &l);
    go_waitgroup_wait(&closers);
    go_chan_close(l.lines);
    go_waitgroup_wait(&writer);
    go_chan_free(l.lines);
    go_chan_free(l.closed);
    return 0;
}
