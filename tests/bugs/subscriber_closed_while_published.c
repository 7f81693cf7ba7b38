/* subscriber_closed_while_published.c - a subscriber's channel is closed while the publisher sends
 * (a pattern of moby).
 *
 * publish() copies the list of subscribers under the lock and sends without it; evict() takes the
 * channel off the list and closes it, to end the subscriber's loop, while a send waits.  The
 * repair closes another channel, which the send looks at too.
 *
 * shows: panic send on closed channel
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct subscriber {
    go_chan(int) events;
    go_chan(char) left; /* closed by evict() */
};

static struct publisher {
    go_mutex lock;
    struct subscriber *subscriber; /* guarded by lock */
} publisher;

static go_chan(char) publishing; /* forces the order: the list has been copied */

static void publish(struct publisher *p, int event)
{
    go_mutex_lock(&p->lock);
    struct subscriber *s = p->subscriber;
    go_mutex_unlock(&p->lock);
    if (!s)
        return;
    go_chan_close(publishing);
#ifdef REPAIRED
    go_select(go_send_case(s->events, event), go_recv_case(s->left, NULL));
#else
    go_chan_send(s->events, event);
#endif
}

static void evict(struct publisher *p, struct subscriber *s)
{
    go_mutex_lock(&p->lock);
    go_defer(go_mutex_unlock, &p->lock);
    p->subscriber = NULL;
#ifdef REPAIRED
    go_chan_close(s->left);
#else
    go_chan_close(s->events);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    publishing = go_chan_make(char, 0);
    struct subscriber s = {go_chan_make(int, 0), go_chan_make(char, 0)};
    publisher.subscriber = &s;
    go_waitgroup all = {0};
    go_waitgroup_go(&all, publish, &publisher, 1);
    go_chan_recv(publishing);
    evict(&publisher, &s);
    go_waitgroup_wait(&all);
    printf("evicted\n");
    return 0;
}
