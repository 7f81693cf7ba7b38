/* poller_tick_nobody_takes.c - a poller sends a tick to a caller who has left (after kubernetes
 * #70277).
 *
 * The poller's goroutine sends ticks into a channel and looks at the caller's done channel in the
 * same select; but its last tick, at the timeout, it sends alone.  The caller has ended the wait
 * for another reason, and the goroutine stays.  The repair selects there too, with a done channel
 * that the caller closes whenever it leaves.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

struct poller {
    go_chan(char) ticks, done;
    go_timer *timeout;
};

static void poll(struct poller *p)
{
    go_ticker *ticker = go_ticker_new(GO_MILLISECOND);
    for (bool late = false; !late;) {
        switch (go_select(go_recv_case(go_ticker_chan(ticker), NULL),
                          go_recv_case(go_timer_chan(p->timeout), NULL),
                          go_recv_case(p->done, NULL))) {
        case 0:
            go_chan_try_send(p->ticks, 0);
            break;
        case 1:
            late = true;
            break;
        case 2:
            go_ticker_free(ticker);
            return;
        }
    }
    go_ticker_free(ticker);
#ifdef REPAIRED
    go_select(go_send_case(p->ticks, 1), go_recv_case(p->done, NULL));
#else
    go_chan_send(p->ticks, 1);
#endif
}

static int wait_for(struct poller *p, int (*condition)(void))
{
    int err = 0;
    go(poll, p);
    while (err == 0 && !go_chan_recv(p->ticks))
        err = condition();
#ifdef REPAIRED
    go_chan_close(p->done);
#endif
    return err;
}

static int pod_failed(void)
{
    return -ECHILD;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct poller p;
    p = (struct poller){go_chan_make(char, 0), go_chan_make(char, 0),
                        go_timer_new(10 * GO_MILLISECOND)};
    printf("wait: %d\n", wait_for(&p, pod_failed));
    return 0;
}
