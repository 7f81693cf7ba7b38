/* scenes_chan.c - what goes through channels is neither lost nor doubled, and in order; who waits
 * for a close sees it, and what was written before it. */
#include "stress.h"
#include <stdatomic.h>

/* ---- ring: tokens go round; a goroutine may hold one a while ---- */

enum { RING = 23, TOKENS = 9 };

static void ring_node(int i, int_chan from, int_chan to, atomic_int *seen)
{
    struct random r = random_of(100 + (uint64_t)i);
    go_chan_range(int, token, from) {
        if (token < 0)
            break;
        HOLD("ring", atomic_fetch_add(&seen[token], 1) == 0, token, i);
        if (draw(&r, 4) == 0)
            go_yield();
        HOLD("ring", atomic_fetch_sub(&seen[token], 1) == 1, token, i);
        step();
        go_chan_send(to, token);
    }
}

void scene_ring(void)
{
    static atomic_int seen[TOKENS];
    int_chan c[RING];
    go_waitgroup wg = {0};
    for (int i = 0; i < RING; i++)
        c[i] = go_chan_make(int, (size_t)(i % 3 + TOKENS * (i == 0)));
    for (int i = 0; i < RING - 1; i++)
        go_waitgroup_go(&wg, ring_node, i, c[i], c[i + 1], seen);
    for (int i = 0; i < TOKENS; i++)
        go_chan_send(c[0], i);
    while (running())
        go_chan_send(c[0], go_chan_recv(c[RING - 1]));
    int found[TOKENS] = {0};
    for (int i = 0; i < TOKENS; i++)
        found[go_chan_recv(c[RING - 1])]++;
    for (int i = 0; i < TOKENS; i++)
        HOLD("ring", found[i] == 1, i, found[i]);
    for (int i = 0; i < RING - 1; i++)
        go_chan_send(c[i], -1);
    go_waitgroup_wait(&wg);
    for (int i = 0; i < RING; i++)
        go_chan_free(c[i]);
}

/* ---- exchange: everybody selects among all channels, to send and to receive ---- */

enum { TRADERS = 8, MARKETS = 4 };

static void trader(int n, int_chan *market, atomic_long *sent, atomic_long *received)
{
    struct random r = random_of(300 + (uint64_t)n);
    while (running()) {
        go_case cases[MARKETS + 2];
        int kind[MARKETS + 2], value[MARKETS + 2], k = 0;
        for (int i = 0; i < MARKETS; i++) {
            int_chan c = market[draw(&r, MARKETS)];
            kind[k] = (int)draw(&r, 2);
            value[k] = (int)draw(&r, 1000) + 1;
            cases[k] = kind[k] ? go_send_case(c, value[k]) : go_recv_case(c, &value[k]);
            k++;
        }
        bool blocks = draw(&r, 16) == 0;
        if (!blocks)
            cases[k++] = go_default;
        else
            cases[k++] = go_recv_case(market[MARKETS], NULL); /* closed at the end */
        int chosen = go_select_n(cases, k);
        step();
        if (chosen == GO_DEFAULT) {
            go_yield();
            continue;
        }
        if (chosen == MARKETS)
            break;
        HOLD("exchange", chosen >= 0 && chosen < MARKETS, chosen, k);
        atomic_fetch_add(kind[chosen] ? sent : received, value[chosen]);
    }
}

static void wait_for_stop(int_chan closed)
{
    while (running())
        go_sleep(GO_MILLISECOND);
    go_chan_close(closed);
}

void scene_exchange(void)
{
    static atomic_long sent, received;
    int_chan market[MARKETS + 1];
    go_waitgroup wg = {0};
    for (int i = 0; i <= MARKETS; i++)
        market[i] = go_chan_make(int, (size_t)i);
    for (int i = 0; i < TRADERS; i++)
        go_waitgroup_go(&wg, trader, i, market, &sent, &received);
    go(wait_for_stop, market[MARKETS]);
    go_waitgroup_wait(&wg);
    for (int i = 0, v; i < MARKETS; i++)
        while (go_chan_try_recv(market[i], &v))
            atomic_fetch_add(&received, v);
    HOLD("exchange", atomic_load(&sent) == atomic_load(&received), atomic_load(&sent),
         atomic_load(&received));
}

/* ---- close: all who wait see it, and what was written before it ---- */

static void watcher(int n, int_chan c, const int *value, int expected, go_waitgroup *wg)
{
    bool ok = true;
    int v = -1;
    if (n % 2)
        ok = go_chan_recv_ok(c, &v);
    else
        go_select(go_recv_case(c, &v, &ok), go_recv_case((int_chan)NULL, NULL));
    HOLD("close", !ok && v == 0, ok, v);
    HOLD("close", *value == expected, *value, expected);
    go_waitgroup_done(wg);
}

void scene_close(void)
{
    struct random r = random_of(600);
    for (int round = 0; running(); round++) {
        int_chan c = go_chan_make(int, draw(&r, 2));
        go_waitgroup wg = {0};
        int value = 0, n = (int)draw(&r, 20) + 1;
        go_waitgroup_add(&wg, n);
        for (int i = 0; i < n; i++)
            go(watcher, i, c, &value, round, &wg);
        for (int i = (int)draw(&r, 30); i > 0; i--)
            go_yield();
        value = round;
        go_chan_close(c);
        go_waitgroup_wait(&wg);
        go_chan_free(c);
        step();
    }
}
