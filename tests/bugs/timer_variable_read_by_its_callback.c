/* timer_variable_read_by_its_callback.c - a timer fires before its own variable is assigned (a
 * pattern of etcd).
 *
 * The callback restarts the timer through the variable that go_after_func() is about to be assigned
 * to; a short delay is over before that. The repair lets the callback wait for the lock under which
 * the variable is set.
 *
 * shows: race heartbeat start_heartbeats
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct peer {
    go_mutex mu;
    go_timer *timer; /* guarded by mu */
    int beats;       /* of heartbeat() alone */
    go_chan(int) beaten;
};

static void heartbeat(void *arg)
{
    struct peer *p = arg;
    bool last = ++p->beats == 3;
#ifdef REPAIRED
    go_mutex_lock(&p->mu);
    if (!last)
        go_timer_reset(p->timer, GO_MILLISECOND);
    go_mutex_unlock(&p->mu);
#else
    go_timer *t = p->timer;
    if (!last && t)
        go_timer_reset(t, GO_MILLISECOND);
    last |= !t; /* C would call by NULL */
#endif
    if (last)
        go_chan_send(p->beaten, p->beats);
}

static void start_heartbeats(struct peer *p)
{
#ifdef REPAIRED
    go_mutex_lock(&p->mu);
#endif
    p->timer = go_after_func(GO_MICROSECOND, heartbeat, p);
#ifdef REPAIRED
    go_mutex_unlock(&p->mu);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct peer p;
    p = (struct peer){.beaten = go_chan_make(int, 0)};
    start_heartbeats(&p);
    printf("%d heartbeats\n", go_chan_recv(p.beaten));
    go_timer_free(p.timer);
    go_chan_free(p.beaten);
    return 0;
}
