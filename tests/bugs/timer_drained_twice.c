/* timer_drained_twice.c - the channel of a timer is read after its time was taken (a pattern of
 * etcd).
 *
 * Before a timer is set again it is stopped, and when it had fired already its channel is emptied.
 * Here the loop has read the channel itself before it comes there, and it waits for a second time
 * that never comes.  The repair empties it without waiting.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

struct elector {
    go_timer *timeout;
    go_chan(int) heartbeats;
    int campaigns, beats;
};

static void rearm(struct elector *e)
{
    if (!go_timer_stop(e->timeout)) {
#ifdef REPAIRED
        go_chan_try_recv(go_timer_chan(e->timeout), NULL);
#else
        go_chan_recv(go_timer_chan(e->timeout));
#endif
    }
    go_timer_reset(e->timeout, GO_MILLISECOND);
}

static void follow(struct elector *e)
{
    int term;
    while (e->campaigns < 2) {
        if (go_select(go_recv_case(go_timer_chan(e->timeout), NULL),
                      go_recv_case(e->heartbeats, &term)) == 0)
            e->campaigns++;
        else
            e->beats++;
        rearm(e);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct elector e;
    go_waitgroup wg = {0};
    e.timeout = go_timer_new(GO_MILLISECOND);
    e.heartbeats = go_chan_make(int, 0);
    go_waitgroup_go(&wg, follow, &e);
    go_waitgroup_wait(&wg);
    go_timer_free(e.timeout);
    return e.campaigns != 2;
}
