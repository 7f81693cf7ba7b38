/* member_waits_for_its_own_group.c - the close that awaits all workers is called by one of them (a
 * pattern of cockroach).
 *
 * A worker that cannot go on closes the server, and that waits for its workers.  The repair only
 * tells from inside; who started the server waits.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

enum { WORKERS = 3 };

struct server {
    go_waitgroup workers;
    go_once once;
    go_chan(char) stop;
};

static void close_stop(struct server *s)
{
    go_chan_close(s->stop);
}

static void tell(struct server *s)
{
    go_once_do(&s->once, close_stop, s);
}

static void close_server(struct server *s)
{
    tell(s);
    go_waitgroup_wait(&s->workers);
}

static void work(struct server *s, bool fails)
{
    if (fails)
#ifdef REPAIRED
        tell(s);
#else
        close_server(s);
#endif
    go_chan_recv(s->stop);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct server s;
    s.stop = go_chan_make(char, 0);
    for (int i = 0; i < WORKERS; i++)
        go_waitgroup_go(&s.workers, work, &s, i == 1);
    go_chan_recv(s.stop);
    close_server(&s);
    return 0;
}
