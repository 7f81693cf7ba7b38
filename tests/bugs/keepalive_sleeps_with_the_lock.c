/* keepalive_sleeps_with_the_lock.c - waiting to be awakened, with the lock of who awakens (after
 * grpc-go #1460).
 *
 * The keepalive of a connection without streams waits until there is one.  It has looked under the
 * transport's lock and waits with it; the new stream needs the lock to be counted.  The repair
 * unlocks before it waits, and the channel has room for the one word.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

#ifdef REPAIRED
enum { ROOM = 1 };
#else
enum { ROOM = 0 };
#endif

struct transport {
    go_mutex mu;
    int streams; /* mu */
    int pings;
    go_chan(char) awaken;
};

static void keepalive(struct transport *t)
{
    go_mutex_lock(&t->mu);
    if (t->streams < 1) {
#ifdef REPAIRED
        go_mutex_unlock(&t->mu);
        go_chan_recv(t->awaken);
#else
        go_chan_recv(t->awaken);
        go_mutex_unlock(&t->mu);
#endif
    } else {
        go_mutex_unlock(&t->mu);
    }
    t->pings++;
}

static void new_stream(struct transport *t)
{
    go_mutex_lock(&t->mu);
    if (++t->streams == 1)
        go_chan_try_send(t->awaken, 1);
    go_mutex_unlock(&t->mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct transport t;
    go_waitgroup wg = {0};
    t.awaken = go_chan_make(char, ROOM);
    go_waitgroup_go(&wg, keepalive, &t);
    wait_for_quiet();
    new_stream(&t);
    go_waitgroup_wait(&wg);
    return t.pings != 1;
}
