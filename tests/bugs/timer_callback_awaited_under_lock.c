/* timer_callback_awaited_under_lock.c - who stops a timer waits for its callback with the lock
 * that the callback wants (a pattern of kubernetes).
 *
 * An eviction is delayed by a timer whose function takes the evictor's lock.  cancel() stops the
 * timer under that lock, and when it has fired already waits for the function's end.  The repair
 * waits after the unlock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct evictor {
    go_mutex lock;
    int evicted; /* guarded by lock */
    go_timer *timer;
    go_chan(char) fired, done;
} evictor;

static void evict(void *arg)
{
    struct evictor *e = arg;
    go_chan_close(e->fired);
    go_mutex_lock(&e->lock);
    e->evicted++;
    go_mutex_unlock(&e->lock);
    go_chan_close(e->done);
}

static void cancel(struct evictor *e)
{
    go_mutex_lock(&e->lock);
    go_chan_recv(e->fired); /* it fires at just this moment */
    bool stopped = go_timer_stop(e->timer);
#ifdef REPAIRED
    go_mutex_unlock(&e->lock);
    if (!stopped)
        go_chan_recv(e->done);
#else
    if (!stopped)
        go_chan_recv(e->done);
    go_mutex_unlock(&e->lock);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    evictor.fired = go_chan_make(char, 0);
    evictor.done = go_chan_make(char, 0);
    go_mutex_lock(&evictor.lock);
    evictor.timer = go_after_func(GO_MILLISECOND, evict, &evictor);
    go_mutex_unlock(&evictor.lock);
    cancel(&evictor);
    go_timer_free(evictor.timer);
    printf("evicted %d\n", evictor.evicted);
    return 0;
}
