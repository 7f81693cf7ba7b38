/* state_wait_on_replaced_channel.c - a wait for a container's state takes the channel too late (a
 * pattern of moby).
 *
 * Each change of state closes a channel for those who wait and makes a new one.  wait_running()
 * sees under the lock that the container does not run, and reads the channel after the unlock:
 * when the start comes in between it has the next channel, which is closed when the container
 * stops - after the answer.  The repair reads it under the same lock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct state {
    go_mutex lock;
    bool running;            /* guarded by lock */
    go_chan(char) wait_chan; /* guarded by lock; closed at the next change */
} state;

static go_chan(char) looked, started; /* force the order: the start comes after the look */

static go_chan(char) current_wait_chan(struct state *s)
{
    go_mutex_lock(&s->lock);
    go_defer(go_mutex_unlock, &s->lock);
    return s->wait_chan;
}

static void wait_running(struct state *s)
{
    go_mutex_lock(&s->lock);
    bool running = s->running;
    go_chan(char) wait_chan = s->wait_chan;
    go_mutex_unlock(&s->lock);
    go_chan_close(looked);
    go_chan_recv(started);
    if (running)
        return;
#ifndef REPAIRED
    wait_chan = current_wait_chan(s);
#endif
    go_chan_recv(wait_chan);
}

static void set_running(struct state *s, bool running)
{
    go_mutex_lock(&s->lock);
    go_defer(go_mutex_unlock, &s->lock);
    s->running = running;
    go_chan_close(s->wait_chan);
    s->wait_chan = go_chan_make(char, 0);
}

static void start(struct state *s)
{
    go_chan_recv(looked);
    set_running(s, true);
    go_chan_close(started);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    state.wait_chan = go_chan_make(char, 0);
    looked = go_chan_make(char, 0);
    started = go_chan_make(char, 0);
    go(start, &state);
    wait_running(&state);
    printf("running: %d\n", go_chan_len(current_wait_chan(&state)) == 0);
    set_running(&state, false);
    return 0;
}
