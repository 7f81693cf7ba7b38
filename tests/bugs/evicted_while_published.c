/* evicted_while_published.c - a subscriber leaves while the publisher waits for it under a read
 * lock (a pattern of moby).
 *
 * publish() sends to all subscribers under the readers lock, and waits for one who is slow.  That
 * one has enough and calls evict(), which wants the writers lock before it takes the channel off
 * the list; the next publish waits behind it.  The repair gives up on a subscriber who does not
 * receive.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { SUBSCRIBERS = 2 };

static struct publisher {
    go_rwmutex lock;
    go_chan(int) subscriber[SUBSCRIBERS]; /* guarded by lock; NULL: a free place */
} publisher;

static go_chan(char) publishing; /* forces the order: a publish is under way */

static void publish(struct publisher *p, int event)
{
    go_rwmutex_rlock(&p->lock);
    go_defer(go_rwmutex_runlock, &p->lock);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        if (!p->subscriber[i])
            continue;
        go_chan_try_send(publishing, 1);
#ifdef REPAIRED
        go_chan(go_time) timeout = go_after(GO_MILLISECOND);
        go_select(go_send_case(p->subscriber[i], event), go_recv_case(timeout, NULL));
        go_chan_free(timeout);
#else
        go_chan_send(p->subscriber[i], event);
#endif
    }
}

static void evict(struct publisher *p, int i)
{
    go_rwmutex_lock(&p->lock);
    go_defer(go_rwmutex_unlock, &p->lock);
    go_chan_close(p->subscriber[i]);
    p->subscriber[i] = NULL;
}

static void subscriber(struct publisher *p, int i)
{
    go_chan_recv(publishing); /* and the client has hung up */
    evict(p, i);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    publishing = go_chan_make(char, 1);
    publisher.subscriber[0] = go_chan_make(int, 0);
    go_waitgroup all = {0};
    go_waitgroup_go(&all, subscriber, &publisher, 0);
    go_waitgroup_go(&all, publish, &publisher, 1);
    go_waitgroup_go(&all, publish, &publisher, 2);
    go_waitgroup_wait(&all);
    printf("two events published\n");
    return 0;
}
