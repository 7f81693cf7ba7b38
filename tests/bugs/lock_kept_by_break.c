/* lock_kept_by_break.c - a loop is left with its lock held (after cockroach #584).
 *
 * The loop looks under the lock whether gossip was closed, and leaves by a break that skips the
 * unlock.  The next loop, of the same goroutine, waits for that lock for ever.  The repair unlocks
 * before the break.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

struct gossip {
    go_mutex mu;
    bool closed;
    int bootstrapped, culled;
};

static void bootstrap(struct gossip *g)
{
    for (;;) {
        go_mutex_lock(&g->mu);
        if (g->closed) {
#ifdef REPAIRED
            go_mutex_unlock(&g->mu);
#endif
            break;
        }
        g->bootstrapped++;
        g->closed = true;
        go_mutex_unlock(&g->mu);
    }
}

static void manage(struct gossip *g)
{
    go_mutex_lock(&g->mu);
    if (!g->closed)
        g->culled++;
    go_mutex_unlock(&g->mu);
}

static void serve(struct gossip *g)
{
    bootstrap(g);
    manage(g);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct gossip g;
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, serve, &g);
    go_waitgroup_wait(&wg);
    return g.bootstrapped != 1;
}
