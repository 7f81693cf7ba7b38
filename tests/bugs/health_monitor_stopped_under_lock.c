/* health_monitor_stopped_under_lock.c - a container stops its health monitor with its lock held
 * (after moby #28462).
 *
 * The monitor handles the result of a probe under the container's lock, and then looks at its stop
 * channel.  The container stops it under that lock, by a send into the unbuffered channel: the
 * send waits for the monitor, the monitor for the lock.  The repair closes the channel.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct container {
    go_mutex lock;
    int failing_streak;       /* guarded by lock */
    go_chan(char) stop;       /* guarded by lock: NULL when no monitor runs */
    go_chan(int) probe_ended; /* exit codes of the probe */
} container;

static go_chan(char) handling; /* forces the order: a result is about to be handled */

static void handle_result(struct container *c, int exit_code)
{
    go_chan_send(handling, 0);
    go_mutex_lock(&c->lock);
    go_defer(go_mutex_unlock, &c->lock);
    c->failing_streak = exit_code ? c->failing_streak + 1 : 0;
}

static void monitor(struct container *c, go_chan(char) stop)
{
    for (int exit_code;;) {
        if (go_select(go_recv_case(stop, NULL), go_recv_case(c->probe_ended, &exit_code)) == 0)
            return;
        handle_result(c, exit_code);
    }
}

static void stop_monitor(struct container *c)
{
    go_chan(char) stop = c->stop;
    c->stop = NULL;
#ifdef REPAIRED
    go_chan_close(stop);
#else
    go_chan_send(stop, 0);
#endif
}

static void state_changed(struct container *c)
{
    go_mutex_lock(&c->lock);
    go_defer(go_mutex_unlock, &c->lock);
    go_chan_recv(handling);
    stop_monitor(c);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    container.stop = go_chan_make(char, 0);
    container.probe_ended = go_chan_make(int, 1);
    handling = go_chan_make(char, 0);
    go_waitgroup monitors = {0};
    go_waitgroup_go(&monitors, monitor, &container, container.stop);
    go_chan_send(container.probe_ended, 1);
    state_changed(&container);
    go_waitgroup_wait(&monitors);
    printf("failing streak %d\n", container.failing_streak);
    return 0;
}
