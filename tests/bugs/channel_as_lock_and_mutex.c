/* channel_as_lock_and_mutex.c - a channel of capacity one is a lock, and is taken against the
 * order (a pattern of istio).
 *
 * A push holds the connection's channel, whose one place is its lock, and then the mutex of the
 * server; a status report comes the other way round.  The repair has the report give up the mutex
 * first.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct connection {
    go_chan(char) lock; /* full: somebody pushes */
    int pushed;         /* guarded by lock */
} connection;

static struct server {
    go_mutex lock;
    int version; /* guarded by lock */
} server = {.version = 1};

static go_waitgroup both_have_one; /* forces the order */

static void meet(void)
{
    go_waitgroup_done(&both_have_one);
    go_waitgroup_wait(&both_have_one);
}

static void push(struct connection *c)
{
    go_chan_send(c->lock, 1);
    meet();
    go_mutex_lock(&server.lock);
    c->pushed = server.version;
    go_mutex_unlock(&server.lock);
    go_chan_recv(c->lock);
}

static void report_status(struct connection *c)
{
    go_mutex_lock(&server.lock);
    int version = server.version;
    meet();
#ifdef REPAIRED
    go_mutex_unlock(&server.lock);
#endif
    go_chan_send(c->lock, 1);
    printf("pushed %d of %d\n", c->pushed > 0, version);
    go_chan_recv(c->lock);
#ifndef REPAIRED
    go_mutex_unlock(&server.lock);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    connection.lock = go_chan_make(char, 1);
    go_waitgroup_add(&both_have_one, 2);
    go_waitgroup all = {0};
    go_waitgroup_go(&all, push, &connection);
    go_waitgroup_go(&all, report_status, &connection);
    go_waitgroup_wait(&all);
    return 0;
}
