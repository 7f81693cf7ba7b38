/* listeners_told_under_the_lock_they_read.c - a change is told under the lock that its news needs
 * (after syncthing #4829).
 *
 * A port mapping's addresses are cleared under its lock for writing, and each listener is told at
 * once; telling takes the lock for reading.  The repair tells them after the unlock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

enum { LISTENERS = 2 };

struct mapping {
    go_rwmutex mu;
    int addresses; /* mu */
    int told[LISTENERS];
};

static void notify(struct mapping *m)
{
    go_rwmutex_rlock(&m->mu);
    for (int i = 0; i < LISTENERS; i++)
        m->told[i] = m->addresses + 1;
    go_rwmutex_runlock(&m->mu);
}

static void clear_addresses(struct mapping *m)
{
    go_rwmutex_lock(&m->mu);
    bool changed = m->addresses > 0;
    m->addresses = 0;
#ifdef REPAIRED
    go_rwmutex_unlock(&m->mu);
    if (changed)
        notify(m);
#else
    if (changed)
        notify(m);
    go_rwmutex_unlock(&m->mu);
#endif
}

static void process(struct mapping *m, go_chan(go_time) timer)
{
    go_chan_recv(timer);
    clear_addresses(m);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct mapping m = {.addresses = 2};
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, process, &m, go_after(GO_MILLISECOND));
    go_waitgroup_wait(&wg);
    return m.told[0] != 1;
}
