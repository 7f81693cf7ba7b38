/* token_expires_while_one_is_assigned.c - a send under the lock that the receiver's tick takes
 * (after etcd #7492).
 *
 * Assigning a token holds the lock and tells the keeper of times by a channel.  The keeper's ticker
 * lets it look for old tokens, and to delete one it takes the lock.  The repair sends
 * without the lock.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"

struct tokens {
    go_mutex mu;
    int n, deleted; /* mu */
    go_chan(int) add;
    go_chan(char) stop;
    go_chan(char) ticked, both; /* the first tick, when a token is being assigned */
    go_ticker *ticker;
};

static void delete_old(struct tokens *t)
{
    go_mutex_lock(&t->mu);
    t->deleted++;
    go_mutex_unlock(&t->mu);
}

static void keep(struct tokens *t)
{
    int token;
    for (bool first = true;;)
        switch (go_select(go_recv_case(t->add, &token), go_recv_case(t->stop, NULL),
                          go_recv_case(go_ticker_chan(t->ticker), NULL))) {
        case 1:
            return;
        case 2:
            if (first)
                go_chan_send(t->ticked, 1);
            first = false;
            delete_old(t);
        }
}

static void assign(struct tokens *t)
{
    go_mutex_lock(&t->mu);
    int token = ++t->n;
    go_chan_recv(t->ticked);
    go_chan_close(t->both);
#ifdef REPAIRED
    go_mutex_unlock(&t->mu);
    go_chan_send(t->add, token);
#else
    go_chan_send(t->add, token);
    go_mutex_unlock(&t->mu);
#endif
}

static void authenticate(struct tokens *t)
{
    assign(t);
    go_chan_send(t->stop, 1);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct tokens t;
    t.add = go_chan_make(int, 0);
    t.stop = go_chan_make(char, 0);
    t.ticked = go_chan_make(char, 0);
    t.both = go_chan_make(char, 0);
    t.ticker = go_ticker_new(GO_MILLISECOND);
    go(keep, &t);
    go(authenticate, &t);
    go_chan_recv(t.both);
    wait_for_quiet();
    go_ticker_stop(t.ticker);
    return 0;
}
