/* shutdown_waits_under_lock.c - a shutdown waits for goroutines that need the lock it holds (a
 * pattern of moby).
 *
 * The daemon's shutdown holds the lock of its containers, stops each one in a goroutine and waits
 * for all.  A container that has ended takes itself off the list, under that lock.  The repair
 * copies the list and waits without the lock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { CONTAINERS = 3 };

struct container {
    int id;
    go_chan(char) killed;
};

static struct daemon {
    go_mutex lock;
    struct container *list[CONTAINERS]; /* guarded by lock; NULL: has ended */
    go_waitgroup running;
} d;

static void run(struct container *c)
{
    go_chan_recv(c->killed);
    go_mutex_lock(&d.lock);
    go_defer(go_mutex_unlock, &d.lock);
    d.list[c->id] = NULL;
}

static void kill_all(struct container **list)
{
    for (int i = 0; i < CONTAINERS; i++)
        if (list[i])
            go_chan_close(list[i]->killed);
}

static void shutdown(void)
{
    struct container *list[CONTAINERS];
    go_mutex_lock(&d.lock);
    for (int i = 0; i < CONTAINERS; i++)
        list[i] = d.list[i];
#ifdef REPAIRED
    go_mutex_unlock(&d.lock);
#endif
    kill_all(list);
    go_waitgroup_wait(&d.running);
#ifndef REPAIRED
    go_mutex_unlock(&d.lock);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct container c[CONTAINERS];
    for (int i = 0; i < CONTAINERS; i++) {
        c[i] = (struct container){i, go_chan_make(char, 0)};
        d.list[i] = &c[i];
        go_waitgroup_go(&d.running, run, &c[i]);
    }
    shutdown();
    printf("all containers have ended\n");
    return 0;
}
