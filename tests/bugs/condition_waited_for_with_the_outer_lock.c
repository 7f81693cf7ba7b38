/* condition_waited_for_with_the_outer_lock.c - a wait gives back one lock of two (a pattern of
 * syncthing).
 *
 * The model takes the next block under its own lock and the queue's; the wait for a block gives
 * back the queue's only.  Who brings one needs the model's first.  The repair gives the model's
 * lock back before it waits.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

struct model {
    go_mutex mu;
    int taken; /* mu */
    go_mutex queue_mu;
    go_cond not_empty;
    int queued; /* queue_mu */
};

static void pull(struct model *m)
{
    go_mutex_lock(&m->mu);
    m->taken++;
#ifdef REPAIRED
    go_mutex_unlock(&m->mu);
#endif
    go_mutex_lock(&m->queue_mu);
    while (m->queued == 0)
        go_cond_wait(&m->not_empty, &m->queue_mu);
    m->queued--;
    go_mutex_unlock(&m->queue_mu);
#ifndef REPAIRED
    go_mutex_unlock(&m->mu);
#endif
}

static void bring(struct model *m)
{
    go_mutex_lock(&m->mu);
    go_mutex_lock(&m->queue_mu);
    m->queued++;
    go_cond_signal(&m->not_empty);
    go_mutex_unlock(&m->queue_mu);
    go_mutex_unlock(&m->mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct model m;
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, pull, &m);
    wait_for_quiet();
    go_waitgroup_go(&wg, bring, &m);
    go_waitgroup_wait(&wg);
    return m.taken != 1;
}
