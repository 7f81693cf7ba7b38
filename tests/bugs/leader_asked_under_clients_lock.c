/* leader_asked_under_clients_lock.c - setting the endpoints makes a call of the same client (after
 * etcd #6708).
 *
 * The cluster's endpoints are set under the client's lock.  To put the leader first it is asked
 * for, by a request of that very client, which read-locks it.  The repair asks before it locks.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

enum { ENDPOINTS = 3 };

struct cluster_client {
    go_rwmutex mu;
    int endpoints[ENDPOINTS]; /* mu; the first is tried first */
};

static int ask(int endpoint)
{
    return endpoint >= 0 ? 2 : -1;
}

static int leader(struct cluster_client *c)
{
    go_rwmutex_rlock(&c->mu);
    int endpoint = c->endpoints[0];
    go_rwmutex_runlock(&c->mu);
    return ask(endpoint);
}

static void set_endpoints(struct cluster_client *c, const int *endpoints, go_chan(char) done)
{
#ifdef REPAIRED
    int first = leader(c);
    go_rwmutex_lock(&c->mu);
#else
    go_rwmutex_lock(&c->mu);
    int first = leader(c);
#endif
    for (int i = 0; i < ENDPOINTS; i++)
        c->endpoints[i] = endpoints[(first + i) % ENDPOINTS];
    go_rwmutex_unlock(&c->mu);
    go_chan_close(done);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct cluster_client c;
    static const int endpoints[ENDPOINTS] = {10, 11, 12};
    go_chan(char) done = go_chan_make(char, 0);
    go(set_endpoints, &c, endpoints, done);
    go_chan_recv(done);
    return c.endpoints[0] != 12;
}
