/* chan_models.c - channels and select under many schedules. */
#include "sim.h"

typedef go_chan(int) int_chan;

enum { EACH = 6, SENDERS = 3, RECEIVERS = 2 };

/* ---- channel: each value once, in the order of its sender; close ends the receivers ---- */

static int got[SENDERS][EACH], last_of[RECEIVERS][SENDERS];

static void sender(int who, int_chan c)
{
    for (int i = 0; i < EACH; i++) {
        note('s', who);
        go_chan_send(c, who * EACH + i);
        HOLD(go_chan_len(c) <= go_chan_cap(c));
    }
}

static void close_after(go_waitgroup *senders, int_chan c)
{
    go_waitgroup_wait(senders);
    go_chan_close(c);
}

static void receiver(int me, int_chan c)
{
    int v;
    while (go_chan_recv_ok(c, &v)) {
        note('r', v);
        int who = v / EACH, i = v % EACH;
        HOLD(last_of[me][who] <= i);
        last_of[me][who] = i + 1;
        got[who][i]++;
    }
    HOLD(v == 0);
}

static void chan(void)
{
    go_waitgroup senders = {0}, all = {0};
    int_chan c = go_chan_make(int, (size_t)draw(4));
    for (int i = 0; i < RECEIVERS; i++)
        go_waitgroup_go(&all, receiver, i, c);
    for (int i = 0; i < SENDERS; i++)
        go_waitgroup_go(&senders, sender, i, c);
    go_waitgroup_go(&all, close_after, &senders, c);
    go_waitgroup_wait(&all);
    for (int i = 0; i < SENDERS; i++)
        for (int k = 0; k < EACH; k++)
            HOLD(got[i][k] == 1);
    go_chan_free(c);
}

/* ---- close against everything that can happen at the same time ---- */

static void may_panic(void *arg)
{
    int_chan c = arg;
    if (draw(2))
        go_chan_send(c, 1);
    else
        go_select(go_send_case(c, 1), go_recv_case((int_chan)NULL, NULL));
}

static void pusher(int_chan c, int *sent, int *refused)
{
    const char *text = go_recover(may_panic, (void *)c);
    HOLD(!text || !strcmp(text, "send on closed channel"));
    ++*(text ? refused : sent);
    note('p', !text);
}

static void taker(int_chan c, int *taken)
{
    bool ok = true;
    int v = 7;
    switch (draw(3)) {
    case 0:
        ok = go_chan_recv_ok(c, &v);
        break;
    case 1:
        ok = go_chan_try_recv(c, &v);
        break;
    case 2:
        go_select(go_recv_case(c, &v, &ok), go_recv_case((int_chan)NULL, NULL));
        break;
    }
    HOLD(!ok || v == 1);
    *taken += ok;
    note('t', ok);
}

static void close_race(void)
{
    static int sent, refused, taken;
    int n = 1 + draw(4), m = 1 + draw(4), v;
    int_chan c = go_chan_make(int, (size_t)draw(3));
    go_waitgroup wg = {0};
    for (int i = 0; i < n; i++)
        go_waitgroup_go(&wg, pusher, c, &sent, &refused);
    for (int i = 0; i < m; i++)
        go_waitgroup_go(&wg, taker, c, &taken);
    go_chan_close(c);
    go_waitgroup_wait(&wg);
    while (go_chan_try_recv(c, &v))
        taken++;
    HOLD(sent + refused == n);
    HOLD(sent == taken);
    HOLD(!go_chan_try_recv(c, &v) && v == 0);
    go_chan_free(c);
}

/* ---- try: never blocks, never lies ---- */

static void try_sender(int_chan c, int n, int *sent)
{
    for (int i = 0; i < n; i++)
        note('s', *sent += go_chan_try_send(c, 1));
}

static void try_receiver(int_chan c, int n, int *received)
{
    for (int i = 0; i < n; i++)
        note('r', *received += go_chan_try_recv(c, NULL));
}

static void chan_try(void)
{
    static int sent[3], received[3];
    int_chan c = go_chan_make(int, (size_t)draw(3));
    go_waitgroup wg = {0};
    for (int i = 0; i < 3; i++) {
        go_waitgroup_go(&wg, try_sender, c, 8, &sent[i]);
        go_waitgroup_go(&wg, try_receiver, c, 8, &received[i]);
    }
    go_waitgroup_wait(&wg);
    int s = sent[0] + sent[1] + sent[2], r = received[0] + received[1] + received[2];
    HOLD(s - r == (int)go_chan_len(c));
    HOLD(go_chan_cap(c) > 0 || s == 0); /* nobody ever waits at this channel */
    go_chan_free(c);
}

/* ---- select: what is sent through any of them arrives once ---- */

enum { MARKETS = 3, TRADERS = 4, TURNS = 6 };

static int_chan market[MARKETS];
static long sum_sent, sum_received;

static void trader(int me, int_chan over)
{
    for (int turn = 0; turn < TURNS; turn++) {
        go_case cases[MARKETS + 2];
        int value[MARKETS], sends[MARKETS], n = 0, blocks = draw(2);
        for (; n < MARKETS; n++) {
            int_chan c = market[draw(MARKETS)]; /* maybe the same in several cases */
            sends[n] = draw(2);
            value[n] = 1 + me * TURNS + turn;
            cases[n] = sends[n] ? go_send_case(c, value[n]) : go_recv_case(c, &value[n]);
        }
        cases[n++] = go_recv_case(over, NULL);
        if (!blocks)
            cases[n++] = go_default;
        int i = go_select_n(cases, n);
        note('c', i);
        HOLD(i == GO_DEFAULT ? !blocks : i >= 0 && i <= MARKETS);
        if (i >= 0 && i < MARKETS)
            *(sends[i] ? &sum_sent : &sum_received) += value[i];
    }
}

static void end_trade(int_chan over)
{
    go_sleep(GO_MILLISECOND); /* virtual: when nobody else can move */
    go_chan_close(over);
}

static void select_trade(void)
{
    int_chan over = go_chan_make(int, 0);
    go_waitgroup wg = {0};
    for (int i = 0; i < MARKETS; i++)
        market[i] = go_chan_make(int, (size_t)draw(3));
    for (int i = 0; i < TRADERS; i++)
        go_waitgroup_go(&wg, trader, i, over);
    go_waitgroup_go(&wg, end_trade, over);
    go_waitgroup_wait(&wg);
    for (int i = 0, v; i < MARKETS; i++) {
        while (go_chan_try_recv(market[i], &v))
            sum_received += v;
        go_chan_free(market[i]);
    }
    HOLD(sum_sent == sum_received);
    go_chan_free(over);
}

/* ---- select: one of two channels is ready at every moment, so the default never is ---- */

static void choose(int_chan a, int_chan b)
{
    switch (go_select(go_recv_case(a, NULL), go_recv_case(b, NULL), go_default)) {
    case GO_DEFAULT:
        HOLD(!"a channel was ready all the time");
    }
}

static void select_never_misses(void)
{
    bool closes = draw(2);
    int_chan a = go_chan_make(int, 1), b = go_chan_make(int, closes ? 0 : 1);
    go_waitgroup wg = {0};
    go_chan_send(a, 1);
    go_waitgroup_go(&wg, choose, a, b);
    if (closes)
        go_chan_close(b);
    else
        go_chan_send(b, 1);
    go_select(go_recv_case(a, NULL), go_default);
    go_waitgroup_wait(&wg);
    go_chan_free(a);
    go_chan_free(b);
}

/* ---- select: a goroutine that selects on both ends of a channel does not meet itself ---- */

static void both_ends(int me, int_chan c, int *sent, int *received)
{
    for (int i = 0; i < EACH; i++) {
        int v = -1;
        if (go_select(go_send_case(c, me), go_recv_case(c, &v)) == 0) {
            ++*sent;
        } else {
            HOLD(v != me && v >= 0);
            ++*received;
            note('b', me);
        }
    }
}

static void select_self(void)
{
    static int sent, received;
    int_chan c = go_chan_make(int, 0);
    go_waitgroup wg = {0};
    for (int i = 0; i < 2; i++)
        go_waitgroup_go(&wg, both_ends, i, c, &sent, &received);
    go_waitgroup_wait(&wg);
    HOLD(sent == EACH && received == EACH);
    go_chan_free(c);
}

/* ---- a channel may be freed when the value of its last send has been received ---- */

static void send_last(int_chan c, int kind)
{
    if (kind == 0)
        go_chan_send(c, 5);
    else if (kind == 1)
        go_select(go_send_case(c, 5));
    else
        go_chan_close(c);
}

static void chan_may_go(void)
{
    for (int i = 0; i < 5; i++) {
        int_chan c = go_chan_make(int, (size_t)draw(2));
        int v = 0, kind = draw(3);
        bool ok = true;
        go(send_last, c, kind);
        if (draw(2))
            ok = go_chan_recv_ok(c, &v);
        else
            go_select(go_recv_case(c, &v, &ok), go_recv_case((int_chan)NULL, NULL));
        HOLD(ok == (kind < 2) && v == (ok ? 5 : 0));
        memset((void *)c, 0xdd, 64); /* nobody looks at it any more */
        free((void *)c);
    }
}

const struct model chan_models[] = {
    {"chan", chan},
    {"chan_close", close_race},
    {"chan_try", chan_try},
    {"chan_may_go", chan_may_go},
    {"select", select_trade},
    {"select_never_misses", select_never_misses},
    {"select_self", select_self},
    {NULL, NULL},
};
