/* loops_send_to_each_other.c - two loops, each sending to the other (after cockroach #2448).
 *
 * The raft loop sends events to the store and runs the callbacks that the store hands back.  With
 * channels without room the store is in the middle of handing one back while the raft loop is in
 * the middle of its next event.  The repair lets the raft loop take callbacks while it sends.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"

enum { EVENTS = 3 };

struct multiraft {
    go_chan(int) events, callbacks;
    int applied;
};

static void send_event(struct multiraft *m, int event)
{
#ifdef REPAIRED
    int done;
    while (go_select(go_send_case(m->events, event), go_recv_case(m->callbacks, &done)) != 0)
        m->applied += done;
#else
    go_chan_send(m->events, event);
#endif
}

static void raft_loop(struct multiraft *m)
{
    for (int i = 0; i < EVENTS; i++)
        send_event(m, i);
    go_chan_close(m->events);
    go_chan_range(int, done, m->callbacks)
        m->applied += done;
}

static void store_loop(struct multiraft *m)
{
    go_chan_range(int, event, m->events)
        go_chan_send(m->callbacks, 1 + event * 0);
    go_chan_close(m->callbacks);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct multiraft m;
    m.events = go_chan_make(int, 0);
    m.callbacks = go_chan_make(int, 0);
    go(raft_loop, &m);
    go(store_loop, &m);
    wait_for_quiet();
    return 0;
}
