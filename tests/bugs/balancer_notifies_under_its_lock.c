/* balancer_notifies_under_its_lock.c - a send under a lock that its receiver wants first (a
 * pattern of etcd).
 *
 * The balancer pins an address and notifies the connection's watcher under its lock.  The watcher
 * is still busy with the last address, whose connection goes down, and that asks for the balancer's
 * lock.  The repair tells it without the lock.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

struct balancer {
    go_mutex mu;
    int pinned, downs; /* mu */
    go_chan(int) notify;
};

static void pin(struct balancer *b, int address)
{
    go_mutex_lock(&b->mu);
    b->pinned = address;
#ifdef REPAIRED
    go_mutex_unlock(&b->mu);
    go_chan_send(b->notify, address);
#else
    go_chan_send(b->notify, address);
    go_mutex_unlock(&b->mu);
#endif
}

static void down(struct balancer *b)
{
    go_mutex_lock(&b->mu);
    b->downs++;
    go_mutex_unlock(&b->mu);
}

static void watch(struct balancer *b, go_chan(int) reset)
{
    go_chan_range(int, address, b->notify) {
        go_chan_send(reset, address);
        down(b);
    }
}

static void endpoints(struct balancer *b)
{
    for (int address = 1; address <= 3; address++)
        pin(b, address);
    go_chan_close(b->notify);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct balancer b;
    go_chan(int) reset = go_chan_make(int, 0);
    go_waitgroup wg = {0};
    b.notify = go_chan_make(int, 0);
    go_waitgroup_go(&wg, watch, &b, reset);
    go_waitgroup_go(&wg, endpoints, &b);
    for (int i = 0; i < 3; i++) {
        wait_for_quiet();
        go_chan_recv(reset);
    }
    go_waitgroup_wait(&wg);
    return b.downs != 3;
}
