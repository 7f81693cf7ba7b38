/* stop_sent_twice.c - the second stop is sent to a loop that has ended by the first (a pattern of
 * syncthing).
 *
 * Stopping a service sends a word to its loop.  Two of its owners do so; one word is taken, and the
 * other owner waits for a reader that is no more.  The repair closes the channel, once.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

struct service {
    go_chan(int) jobs;
    go_chan(char) stop;
    go_once stopped;
    int done;
};

static void serve(struct service *s)
{
    int job;
    while (go_select(go_recv_case(s->jobs, &job), go_recv_case(s->stop, NULL)) == 0)
        s->done += job;
}

#ifdef REPAIRED
static void tell(struct service *s)
{
    go_chan_close(s->stop);
}
#endif

static void stop(struct service *s)
{
#ifdef REPAIRED
    go_once_do(&s->stopped, tell, s);
#else
    go_chan_send(s->stop, 1);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct service s;
    go_waitgroup owners = {0}, loops = {0};
    s.jobs = go_chan_make(int, 0);
    s.stop = go_chan_make(char, 0);
    go_waitgroup_go(&loops, serve, &s);
    go_chan_send(s.jobs, 1);
    go_waitgroup_go(&owners, stop, &s);
    go_waitgroup_go(&owners, stop, &s);
    go_waitgroup_wait(&owners);
    go_waitgroup_wait(&loops);
    return s.done != 1;
}
