/* device_set_kept_by_early_return.c - an early return keeps the lock of the devices (after moby
 * #17176).
 *
 * cleanup() of deleted devices returns at once when there is none, with the lock that it took to
 * find out.  Its goroutine, woken by a ticker, ends; the next one who wants a device waits for
 * ever, and the daemon's other goroutines go on.  The repair defers the unlock.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct device_set {
    go_mutex lock;
    int deleted, active; /* guarded by lock */
} devices = {.active = 2};

static void cleanup_deleted(struct device_set *s)
{
    go_mutex_lock(&s->lock);
#ifdef REPAIRED
    go_defer(go_mutex_unlock, &s->lock);
#endif
    if (s->deleted == 0)
        return;
    s->deleted = 0;
#ifndef REPAIRED
    go_mutex_unlock(&s->lock);
#endif
}

static void clean(struct device_set *s, go_chan(char) cleaned)
{
    go_ticker *ticker = go_ticker_new(GO_MILLISECOND);
    go_chan_recv(go_ticker_chan(ticker));
    go_ticker_free(ticker);
    cleanup_deleted(s);
    go_chan_close(cleaned);
}

static void remove_device(struct device_set *s, go_chan(char) cleaned, go_chan(char) reply)
{
    go_chan_recv(cleaned);
    go_mutex_lock(&s->lock);
    s->active--;
    s->deleted++;
    go_mutex_unlock(&s->lock);
    go_chan_send(reply, 1);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(char) cleaned = go_chan_make(char, 0), reply = go_chan_make(char, 1);
    go_chan(go_time) timeout = go_after(30 * GO_MILLISECOND);
    go(clean, &devices, cleaned);
    go(remove_device, &devices, cleaned, reply);
    if (go_select(go_recv_case(reply, NULL), go_recv_case(timeout, NULL)) == 1)
        printf("docker rm: the daemon does not answer\n");
    go_chan_free(timeout);
    return 0;
}
