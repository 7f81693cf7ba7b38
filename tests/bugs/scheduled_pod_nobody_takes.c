/* scheduled_pod_nobody_takes.c - a test's error handler and binder send to channels that it reads
 * in one order (a pattern of kubernetes).
 *
 * The scheduler's callbacks put each outcome into unbuffered channels.  The test waits for the
 * binding only, while the scheduler reports an error first and stays there.  The repair gives the
 * channels room for what one run can bring.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

#ifdef REPAIRED
enum { ROOM = 4 };
#else
enum { ROOM = 0 };
#endif

struct outcome {
    int pod, node;
};

static struct scheduler {
    go_chan(int) queue;
    go_chan(struct outcome) bound;
    go_chan(int) failed;
    int free_ports; /* of the scheduler alone */
} scheduler;

static void schedule_one(struct scheduler *s, int pod)
{
    if (s->free_ports == 0) {
        go_chan_send(s->failed, pod);
        s->free_ports++; /* the cache expires the pod that had it */
        return;
    }
    s->free_ports--;
    go_chan_send(s->bound, (struct outcome){pod, 1});
}

static void run(struct scheduler *s)
{
    go_chan_range(int, pod, s->queue)
        schedule_one(s, pod);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    scheduler.queue = go_chan_make(int, 4);
    scheduler.bound = go_chan_make(struct outcome, ROOM);
    scheduler.failed = go_chan_make(int, ROOM);
    scheduler.free_ports = 1;
    go_waitgroup running = {0};
    go_waitgroup_go(&running, run, &scheduler);
    for (int pod = 1; pod <= 3; pod++)
        go_chan_send(scheduler.queue, pod);
    go_chan_close(scheduler.queue);
    for (int i = 0; i < 2; i++) {
        struct outcome o = go_chan_recv(scheduler.bound);
        printf("pod %d on node %d\n", o.pod, o.node);
    }
    printf("pod %d failed\n", go_chan_recv(scheduler.failed));
    go_waitgroup_wait(&running);
    return 0;
}
