/* cond_waited_for_after_stop.c - who waits on a condition is not told of the stop (after
 * kubernetes #11298).
 *
 * A loop runs jobs, and waits on a condition when there is none.  The end of the program is told
 * by closing a channel, which the loop looks at only between two waits: when the last job came
 * before the stop, the loop waits for a signal that nobody sends.  The repair broadcasts with the
 * stop.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct node {
    go_mutex lock;
    go_cond notify;
    int jobs; /* guarded by lock */
    bool waits;
    go_chan(char) stop;
} node;

static go_waitgroup all;

static bool stopped(struct node *n)
{
    return go_select(go_recv_case(n->stop, NULL), go_default) == 0;
}

static void run(struct node *n)
{
    while (!stopped(n)) {
        go_mutex_lock(&n->lock);
#ifdef REPAIRED
        while (n->jobs == 0 && !stopped(n))
#else
        while (n->jobs == 0)
#endif
        {
            n->waits = true;
            go_cond_wait(&n->notify, &n->lock);
            n->waits = false;
        }
        if (n->jobs > 0)
            printf("job %d\n", n->jobs--);
        go_mutex_unlock(&n->lock);
    }
}

static bool waits(struct node *n)
{
    go_mutex_lock(&n->lock);
    go_defer(go_mutex_unlock, &n->lock);
    return n->waits && n->jobs == 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    node.stop = go_chan_make(char, 0);
    go_waitgroup_go(&all, run, &node);
    go_mutex_lock(&node.lock);
    node.jobs++;
    go_mutex_unlock(&node.lock);
    go_cond_signal(&node.notify);
    while (!waits(&node))
        go_yield();
    go_chan_close(node.stop);
#ifdef REPAIRED
    go_mutex_lock(&node.lock);
    go_cond_broadcast(&node.notify);
    go_mutex_unlock(&node.lock);
#endif
    go_waitgroup_wait(&all);
    return 0;
}
