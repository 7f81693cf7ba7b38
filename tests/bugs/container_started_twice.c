/* container_started_twice.c - a state is tested without the lock under which it changes (a pattern
 * of moby).
 *
 * start() looks whether the container runs before it takes the container's lock, so two calls may
 * both see that it does not.  The repair looks under the lock.
 *
 * shows: race start start
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct container {
    go_mutex mu;
    bool running; /* guarded by mu */
    int starts;   /* guarded by mu */
};

static int start(struct container *c)
{
#ifndef REPAIRED
    if (c->running)
        return 0;
    go_mutex_lock(&c->mu);
#else
    go_mutex_lock(&c->mu);
    if (c->running) {
        go_mutex_unlock(&c->mu);
        return 0;
    }
#endif
    c->running = true;
    c->starts++;
    go_mutex_unlock(&c->mu);
    return 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct container c = {0};
    go_waitgroup wg = {0};
    for (int i = 0; i < 2; i++)
        go_waitgroup_go(&wg, start, &c);
    go_waitgroup_wait(&wg);
    printf("started %d times\n", c.starts);
    return 0;
}
