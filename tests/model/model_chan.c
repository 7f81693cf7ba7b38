/* model_chan.c - channels and select: every value arrives once, nobody sleeps beside one who could
 * serve him, and who has got the last value may free the channel. */
#include "no_ms.h"
#include "world.h"
#include "bias.c"
#include "chan.c"
#include "select.c"

enum { VALUES = 4 };

struct box {
    struct chan chan;
    _Alignas(16) char slots[32];
};

static struct box box[2];
static uint32_t got[VALUES]; /* how often each value has arrived */
static uint32_t sent;        /* what senders say they have sent, a bit each */
static uint32_t finished;

static void begin(size_t cap_a, size_t cap_b)
{
    world_begin();
    for (int i = 0; i < 2; i++) {
        struct chan *c = &box[i].chan;
        chan_init(c, sizeof(uint32_t), i ? cap_b : cap_a, box[i].slots);
        ex_region(&box[i], sizeof box[i]);
        ex_quiet(&c->waiting[0].last, sizeof c->waiting[0].last);
        ex_quiet(&c->waiting[1].last, sizeof c->waiting[1].last);
    }
    ex_quiet(got, sizeof got);
    ex_quiet(&sent, sizeof sent);
    ex_quiet(&finished, sizeof finished);
}

static void arrived(uint32_t v)
{
    EX_HOLD(v < VALUES && got[v]++ == 0);
}

static void send(uint32_t v, int to)
{
    go_chan_send_from(&box[to].chan, &v);
    sent |= 1u << v;
}

static void receive(int from)
{
    uint32_t v = VALUES;
    EX_HOLD(go_chan_recv_into(&box[from].chan, &v));
    arrived(v);
}

/* What was sent has arrived, or lies in a channel. */
static void all_arrived(void)
{
    for (int i = 0; i < 2; i++) {
        struct chan *c = &box[i].chan;
        for (size_t k = 0; k < c->count; k++)
            got[((uint32_t *)(void *)c->slots)[(c->recv_at + k) % c->cap]]++;
        EX_HOLD(!c->waiting[0].first && !c->waiting[0].last);
        EX_HOLD(!c->waiting[1].first && !c->waiting[1].last);
    }
    for (uint32_t v = 0; v < VALUES; v++)
        EX_HOLD(got[v] == (sent >> v & 1));
}

/* ---- sending and receiving ---- */

static void send_two(void *arg)
{
    uint32_t first = arg ? 2 : 0;
    send(first, 0);
    send(first + 1, 0);
}

static void receive_two(void *arg)
{
    (void)arg;
    receive(0);
    receive(0);
}

static void begin_pair(void)
{
    begin(0, 0);
    ex_thread(send_two, NULL);
    ex_thread(receive_two, NULL);
}

static void begin_mpmc(size_t cap)
{
    begin(cap, 0);
    ex_thread(send_two, NULL);
    ex_thread(send_two, &box);
    ex_thread(receive_two, NULL);
    ex_thread(receive_two, NULL);
}

static void begin_unbuffered(void)
{
    begin_mpmc(0);
}

static void begin_buffered(void)
{
    begin_mpmc(1);
}

/* ---- trying, closing ---- */

static void try_send_once(void *arg)
{
    uint32_t v = 2;
    (void)arg;
    if (go_chan_try_send_from(&box[0].chan, &v))
        sent |= 1u << v;
}

static void try_receive_once(void *arg)
{
    uint32_t v = VALUES;
    (void)arg;
    if (go_chan_try_recv_into(&box[0].chan, &v))
        arrived(v);
}

static void send_and_close(void *arg)
{
    (void)arg;
    send(0, 0);
    go_chan_close(&box[0].chan);
}

static void receive_all(void *arg)
{
    uint32_t v = VALUES;
    (void)arg;
    while (go_chan_recv_into(&box[0].chan, &v))
        arrived(v);
    EX_HOLD(v == 0);
}

static void begin_close(void)
{
    begin(1, 0);
    ex_thread(send_and_close, NULL);
    ex_thread(receive_all, NULL);
    ex_thread(receive_all, NULL);
}

static void send_two_values(void *arg)
{
    (void)arg;
    send(0, 0);
    try_send_once(NULL);
}

static void begin_try(void)
{
    begin(1, 0);
    ex_thread(send_two_values, NULL);
    ex_thread(try_receive_once, NULL);
    ex_thread(try_receive_once, NULL);
}

/* From the beginning there is a value, and when it is taken the channel is closed: so a look never
 * finds nothing. */
static void close_and_drain(void *arg)
{
    uint32_t v = VALUES;
    (void)arg;
    go_chan_close(&box[0].chan);
    if (go_chan_try_recv_into(&box[0].chan, &v))
        arrived(v);
}

static void look_at_closing(void *arg)
{
    uint32_t v = VALUES;
    (void)arg;
    go_case cases[2] = {go_recv_case_(&box[0].chan, &v, NULL), go_default_case_()};
    EX_HOLD(go_select_n(cases, 2) == 0);
    if (v)
        arrived(v);
}

static void begin_closing(void)
{
    uint32_t v = 1;
    begin(1, 0);
    go_chan_send_from(&box[0].chan, &v);
    sent = 1u << v;
    ex_thread(close_and_drain, NULL);
    ex_thread(look_at_closing, NULL);
}

/* ---- lifetime ---- */

static void send_last(void *arg)
{
    (void)arg;
    send(0, 0);
}

static void receive_and_free(void *arg)
{
    (void)arg;
    receive(0);
    ex_gone(&box[0], sizeof box[0]);
}

static void begin_life_unbuffered(void)
{
    begin(0, 0);
    ex_thread(send_last, NULL);
    ex_thread(receive_and_free, NULL);
}

static void begin_life_buffered(void)
{
    begin(1, 0);
    ex_thread(send_last, NULL);
    ex_thread(receive_and_free, NULL);
}

/* Whoever sees it closed frees it. */
static void receive_closed_and_free(void *arg)
{
    uint32_t v;
    (void)arg;
    EX_HOLD(!go_chan_recv_into(&box[0].chan, &v));
    ex_gone(&box[0], sizeof box[0]);
}

static void close_only(void *arg)
{
    (void)arg;
    go_chan_close(&box[0].chan);
}

static void begin_life_closed(void)
{
    begin(0, 0);
    ex_thread(close_only, NULL);
    ex_thread(receive_closed_and_free, NULL);
}

/* ---- select ---- */

static int select_receive(bool has_default)
{
    uint32_t v[2] = {VALUES, VALUES};
    go_case cases[3] = {go_recv_case_(&box[0].chan, &v[0], NULL),
                        go_recv_case_(&box[1].chan, &v[1], NULL), go_default_case_()};
    int i = go_select_n(cases, has_default ? 3 : 2);
    if (i >= 0)
        arrived(v[i]);
    return i;
}

static void select_send(uint32_t v0, uint32_t v1)
{
    go_case cases[2] = {go_send_case_(&box[0].chan, &v0, sizeof v0),
                        go_send_case_(&box[1].chan, &v1, sizeof v1)};
    sent |= 1u << (go_select_n(cases, 2) ? v1 : v0);
}

static void selecting_receiver(void *arg)
{
    (void)arg;
    select_receive(false);
}

static void selecting_sender(void *arg)
{
    (void)arg;
    select_send(0, 1);
}

static void send_zero_to_first(void *arg)
{
    (void)arg;
    send(2, 0);
}

static void send_one_to_second(void *arg)
{
    (void)arg;
    send(3, 1);
}

static void begin_select_pair(void)
{
    begin(0, 0);
    ex_thread(selecting_receiver, NULL);
    ex_thread(selecting_sender, NULL);
}

/* Two senders race for one select; the other value must stay with its sender. */
static void selecting_receiver_of_two(void *arg)
{
    (void)arg;
    int first = select_receive(false);
    receive(1 - first);
}

static void begin_select_two(void)
{
    begin(0, 0);
    ex_thread(selecting_receiver_of_two, NULL);
    ex_thread(send_zero_to_first, NULL);
    ex_thread(send_one_to_second, NULL);
}

/* The same value is offered on one channel and then on the other; a look must find it. */
static void move_over(void *arg)
{
    (void)arg;
    uint32_t v = VALUES;
    send(0, 0);
    finished = 1; /* from now on one of the two channels has something */
    send(1, 1);
    if (go_chan_try_recv_into(&box[0].chan, &v))
        arrived(v);
}

static bool is_begun(void *arg)
{
    (void)arg;
    return finished != 0;
}

static void look(void *arg)
{
    (void)arg;
    ex_wait(is_begun, NULL);
    EX_HOLD(select_receive(true) >= 0);
}

static void begin_select_default(void)
{
    begin(1, 1);
    ex_thread(move_over, NULL);
    ex_thread(look, NULL);
}

/* Sends and receives on one channel in one select: it meets the other, never itself. */
static void both_ways(void *arg)
{
    uint32_t mine = arg ? 1 : 0, v = VALUES;
    go_case cases[2] = {go_send_case_(&box[0].chan, &mine, sizeof mine),
                        go_recv_case_(&box[0].chan, &v, NULL)};
    if (go_select_n(cases, 2) == 0) {
        sent |= 1u << mine;
    } else {
        EX_HOLD(v == 1 - mine);
        arrived(v);
    }
}

static void begin_select_same(void)
{
    begin(0, 0);
    ex_thread(both_ways, NULL);
    ex_thread(both_ways, &box);
}

#define ONCE "every value arrives once"

static const struct ex_model models[] = {
    {.name = "chan pair", .says = ONCE, .memory = EX_PSO, .begin = begin_pair, .end = all_arrived},
    {.name = "chan unbuffered",
     .says = ONCE,
     .memory = EX_PSO,
     .begin = begin_unbuffered,
     .end = all_arrived},
    {.name = "chan buffered",
     .says = ONCE,
     .memory = EX_PSO,
     .begin = begin_buffered,
     .end = all_arrived},
    {.name = "chan close",
     .says = "all see it, after the values",
     .memory = EX_PSO,
     .begin = begin_close,
     .end = all_arrived},
    {.name = "chan try", .says = ONCE, .memory = EX_PSO, .begin = begin_try, .end = all_arrived},
    {.name = "chan closing",
     .says = "a look finds the value or the end",
     .memory = EX_PSO,
     .begin = begin_closing,
     .end = all_arrived},
    {.name = "chan lifetime",
     .says = "the receiver may free it",
     .memory = EX_PSO,
     .begin = begin_life_unbuffered},
    {.name = "chan lifetime, buffered",
     .says = "the receiver may free it",
     .memory = EX_PSO,
     .begin = begin_life_buffered},
    {.name = "chan lifetime, closed",
     .says = "who sees it closed may free it",
     .memory = EX_PSO,
     .begin = begin_life_closed},
    {.name = "select against select",
     .says = ONCE,
     .memory = EX_PSO,
     .begin = begin_select_pair,
     .end = all_arrived},
    {.name = "select of two",
     .says = "it is won once",
     .memory = EX_PSO,
     .begin = begin_select_two,
     .end = all_arrived},
    {.name = "select default",
     .says = "not taken while one is ready",
     .memory = EX_PSO,
     .begin = begin_select_default,
     .end = all_arrived},
    {.name = "select both ways",
     .says = "it never meets itself",
     .memory = EX_PSO,
     .begin = begin_select_same,
     .end = all_arrived},
};

/* The order that they give holds anyway: whoever empties the channel, or queues, has had the lock
 * after the one who closed it.  That the looker sees it so is a matter of his loads, which are in
 * order here. */
static const char *const survivors[] = {
    "set_count store_rel",
    "chan_close store_rel",
    "chan_enqueue store_rel",
    "chan_dequeue store_rel",
    NULL,
};

int main(int argc, char **argv)
{
    return ex_main(argc, argv, models, sizeof models / sizeof models[0], survivors);
}
