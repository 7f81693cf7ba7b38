/* workers_want_the_lock_of_who_awaits_them.c - a group is waited for with a lock held (a pattern of
 * cockroach).
 *
 * Closing a store takes its lock and waits for the workers; each takes the lock once more before it
 * ends, to say so.  The repair waits in front of the lock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

enum { WORKERS = 4 };

struct store {
    go_mutex mu;
    int ended, closed; /* mu */
    go_waitgroup wg;
    go_chan(char) stop;
};

static void work(struct store *s)
{
    go_chan_recv(s->stop);
    go_mutex_lock(&s->mu);
    s->ended++;
    go_mutex_unlock(&s->mu);
}

static void close_store(struct store *s)
{
#ifdef REPAIRED
    go_chan_close(s->stop);
    go_waitgroup_wait(&s->wg);
    go_mutex_lock(&s->mu);
#else
    go_mutex_lock(&s->mu);
    go_chan_close(s->stop);
    go_waitgroup_wait(&s->wg);
#endif
    s->closed = s->ended;
    go_mutex_unlock(&s->mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct store s;
    s.stop = go_chan_make(char, 0);
    for (int i = 0; i < WORKERS; i++)
        go_waitgroup_go(&s.wg, work, &s);
    close_store(&s);
    return s.closed != WORKERS;
}
