/* wakes_itself_before_it_reads.c - a channel is filled by who is to read it (after cockroach
 * #24808).
 *
 * The compactor's channel has room for one wake-up.  Its start sends one, for suggestions left from
 * the last time, before it starts the goroutine that reads; when a suggestion has come before, the
 * place is taken.  The repair sends only if there is room: one wake-up is enough.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

struct compactor {
    go_chan(char) wake;
    go_chan(char) stop;
    int compactions;
    go_waitgroup workers;
};

static void wake(struct compactor *c)
{
#ifdef REPAIRED
    go_chan_try_send(c->wake, 1);
#else
    go_chan_send(c->wake, 1);
#endif
}

static void compact(struct compactor *c)
{
    while (go_select(go_recv_case(c->wake, NULL), go_recv_case(c->stop, NULL)) == 0)
        c->compactions++;
}

static void start(struct compactor *c)
{
    wake(c);
    go_waitgroup_go(&c->workers, compact, c);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct compactor c;
    c.wake = go_chan_make(char, 1);
    c.stop = go_chan_make(char, 0);
    wake(&c); /* a suggestion */
    start(&c);
    go_chan_close(c.stop);
    go_waitgroup_wait(&c.workers);
    return c.compactions > 1;
}
