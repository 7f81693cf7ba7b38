/* address_update_fills_channel_under_lock.c - a channel of one place is filled twice under a lock
 * (after grpc-go #1353).
 *
 * The round robin gives the addresses that are up to its connection by a channel with room for one
 * list, under its lock.  The connection closes the addresses that are gone before it takes the next
 * list, and each of these calls wants the lock.  The repair takes an old list out before it puts
 * the new one in, which then never blocks.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

struct round_robin {
    go_mutex mu;
    int up; /* mu */
    go_chan(int) addresses;
};

static void update(struct round_robin *r, int n)
{
    go_mutex_lock(&r->mu);
#ifdef REPAIRED
    go_chan_try_recv(r->addresses, NULL);
#endif
    go_chan_send(r->addresses, n);
    go_mutex_unlock(&r->mu);
}

static void down(struct round_robin *r)
{
    go_mutex_lock(&r->mu);
    r->up--;
    go_mutex_unlock(&r->mu);
}

static void watch(struct round_robin *r, go_chan(char) closed)
{
    go_chan_range(int, n, r->addresses) {
        go_chan_recv(closed);
        for (; n > 0; n--)
            down(r);
    }
}

static void resolve(struct round_robin *r)
{
    for (int n = 1; n <= 3; n++)
        update(r, n);
    go_chan_close(r->addresses);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct round_robin r;
    go_chan(char) closed = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    r.addresses = go_chan_make(int, 1);
    go_waitgroup_go(&wg, watch, &r, closed);
    go_waitgroup_go(&wg, resolve, &r);
    wait_for_quiet(); /* in the middle of the third list */
    go_chan_close(closed);
    go_waitgroup_wait(&wg);
    return 0;
}
