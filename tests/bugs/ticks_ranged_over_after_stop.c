/* ticks_ranged_over_after_stop.c - stopping a ticker does not end who ranges over it (a pattern of
 * etcd).
 *
 * The lease's keeper works at each tick and ends, so its author thought, with the ticker.  A
 * stopped ticker's channel is not closed: nothing comes any more.  The repair has a channel that
 * is.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"

struct keeper {
    go_ticker *ticker;
    go_chan(char) renewed, stop;
};

static void keep_alive(struct keeper *k)
{
#ifdef REPAIRED
    while (go_select(go_recv_case(go_ticker_chan(k->ticker), NULL), go_recv_case(k->stop, NULL)) ==
           0)
        go_chan_try_send(k->renewed, 1);
#else
    go_chan_range(go_time, now, go_ticker_chan(k->ticker)) {
        (void)now;
        go_chan_try_send(k->renewed, 1);
    }
#endif
}

static void revoke(struct keeper *k)
{
    go_ticker_stop(k->ticker);
    go_chan_close(k->stop);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct keeper k;
    k.ticker = go_ticker_new(GO_MILLISECOND);
    k.renewed = go_chan_make(char, 1);
    k.stop = go_chan_make(char, 0);
    go(keep_alive, &k);
    go_chan_recv(k.renewed);
    revoke(&k);
    wait_for_quiet();
    return 0;
}
