/* attach_streams_channels.c - two streams of an attached client wait for each other through
 * channels (a pattern of moby).
 *
 * The same as with pipes, in memory: the daemon waits for both copies to end; input ends when the
 * client closes its side, and the client does that when it hears of the end.  The repair has a
 * channel that tells the input of the end of the output.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct session {
    go_chan(char) client_in, client_out; /* one byte at a time */
    go_chan(char) stdin_, stdout_;
    go_chan(char) output_ended, detached;
} session;

static void copy_input(struct session *s)
{
#ifdef REPAIRED
    go_chan(char) ended = s->output_ended;
#else
    go_chan(char) ended = NULL;
#endif
    char byte;
    bool ok;
    while (go_select(go_recv_case(s->client_in, &byte, &ok), go_recv_case(ended, NULL)) == 0 && ok)
        go_chan_send(s->stdin_, byte);
    go_chan_close(s->stdin_);
}

static void copy_output(struct session *s)
{
    go_chan_range(char, byte, s->stdout_)
        go_chan_send(s->client_out, byte);
    go_chan_close(s->client_out);
    go_chan_close(s->output_ended);
}

static void attach(struct session *s)
{
    go_waitgroup streams = {0};
    go_waitgroup_go(&streams, copy_input, s);
    go_waitgroup_go(&streams, copy_output, s);
    go_waitgroup_wait(&streams);
    go_chan_close(s->detached);
}

static void container(struct session *s)
{
    go_chan_send(s->stdout_, go_chan_recv(s->stdin_));
    go_chan_close(s->stdout_);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct session *s = &session;
    s->client_in = go_chan_make(char, 0);
    s->client_out = go_chan_make(char, 0);
    s->stdin_ = go_chan_make(char, 0);
    s->stdout_ = go_chan_make(char, 0);
    s->output_ended = go_chan_make(char, 0);
    s->detached = go_chan_make(char, 0);
    go(container, s);
    go(attach, s);
    go_chan_send(s->client_in, '#');
    go_chan_range(char, byte, s->client_out)
        printf("%c\n", byte);
    go_chan_recv(s->detached);
    go_chan_close(s->client_in);
    return 0;
}
