/* timer_reset_beside_its_firing.c - a deadline is moved while the timer's callback reads it (a
 * pattern of grpc-go).
 *
 * Activity on the connection moves the deadline and resets the keepalive timer; the callback
 * compares the same deadline with the time and runs in a goroutine of its own.  Resetting the timer
 * does not wait for a callback that has begun.  The repair keeps the deadline under a lock.
 *
 * shows: race on_activity on_timer
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct keepalive {
    go_mutex mu;
    go_time deadline; /* guarded by mu in the repair */
    go_timer *timer;
    go_chan(bool) fired;
};

static void on_timer(void *arg)
{
    struct keepalive *k = arg;
#ifdef REPAIRED
    go_mutex_lock(&k->mu);
#endif
    bool expired = go_now() >= k->deadline;
#ifdef REPAIRED
    go_mutex_unlock(&k->mu);
#endif
    go_chan_send(k->fired, expired);
}

static void on_activity(struct keepalive *k)
{
#ifdef REPAIRED
    go_mutex_lock(&k->mu);
#endif
    k->deadline = go_now() + GO_MILLISECOND;
#ifdef REPAIRED
    go_mutex_unlock(&k->mu);
#endif
    go_timer_reset(k->timer, GO_MILLISECOND);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct keepalive k;
    k = (struct keepalive){.deadline = go_now(), .fired = go_chan_make(bool, 4)};
    k.timer = go_after_func(GO_MILLISECOND, on_timer, &k);
    go_sleep(2 * GO_MILLISECOND); /* no activity: it fires */
    on_activity(&k);
    go_chan_recv(k.fired);
    printf("then %s\n", go_chan_recv(k.fired) ? "expired" : "early");
    go_timer_free(k.timer);
    go_chan_free(k.fired);
    return 0;
}
