/* list_read_again_behind_writer.c - a reader reads again behind a writer who waits for it (a
 * pattern of moby).
 *
 * To list the networks the controller walks over them under its readers lock, and asks itself for
 * each one's driver, which takes the lock again.  A registration has come in between: it waits for
 * the first reading, the second one waits behind it.  The repair has a function for who has the
 * lock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { NETWORKS = 2 };

static struct controller {
    go_rwmutex lock;
    int network[NETWORKS], drivers; /* guarded by lock */
} controller = {.network = {0, 1}, .drivers = 2};

static go_chan(char) walking; /* forces the order: the walk has begun */

static bool has_driver_locked(struct controller *c, int network)
{
    return c->network[network] < c->drivers;
}

#ifndef REPAIRED
static bool has_driver(struct controller *c, int network)
{
    go_rwmutex_rlock(&c->lock);
    go_defer(go_rwmutex_runlock, &c->lock);
    return has_driver_locked(c, network);
}
#endif

static void list(struct controller *c)
{
    go_rwmutex_rlock(&c->lock);
    go_defer(go_rwmutex_runlock, &c->lock);
    go_chan_close(walking);
    while (go_rwmutex_tryrlock(&c->lock)) { /* until who registers asks for the lock */
        go_rwmutex_runlock(&c->lock);
        go_yield();
    }
    for (int i = 0; i < NETWORKS; i++) {
#ifdef REPAIRED
        bool has = has_driver_locked(c, i);
#else
        bool has = has_driver(c, i);
#endif
        printf("network %d%s\n", i, has ? "" : " has no driver");
    }
}

static void register_driver(struct controller *c)
{
    go_chan_recv(walking);
    go_rwmutex_lock(&c->lock);
    c->drivers++;
    go_rwmutex_unlock(&c->lock);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    walking = go_chan_make(char, 0);
    go_waitgroup both = {0};
    go_waitgroup_go(&both, list, &controller);
    go_waitgroup_go(&both, register_driver, &controller);
    go_waitgroup_wait(&both);
    return 0;
}
