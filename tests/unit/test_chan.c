/* test_chan.c - channels: order, closing, nil, sizes, races of the unlocked looks, lifetime. */
#include "in_go.h"
#include <pthread.h>
#include "chan.h"

/* ---- order ---- */

enum { MANY = ROUNDS(2000) };

struct stream {
    go_chan(int) c;
    int n, first, step;
};

static void send_stream(void *arg)
{
    struct stream *s = arg;
    for (int i = 0; i < s->n; i++)
        go_chan_send(s->c, s->first + i * s->step);
}

static void receive_in_order(void *arg)
{
    struct stream *s = arg;
    for (int i = 0; i < s->n; i++)
        CHECK(go_chan_recv(s->c) == s->first + i * s->step);
}

IN_GO(chan, is_a_fifo_at_every_capacity)
{
    for (int cap = 0; cap <= 5; cap++) {
        struct stream s = {go_chan_make(int, cap), MANY, 7, 3};
        start(receive_in_order, &s);
        start(send_stream, &s);
        finish();
        CHECK(go_chan_len(s.c) == 0 && go_chan_cap(s.c) == (size_t)cap);
        go_chan_free(s.c);
    }
}

/* Each waiter gets the value that matches its place in the queue. */
static void receive_nth(void *arg)
{
    struct stream *s = arg;
    CHECK(go_chan_recv(s->c) == s->first);
}

IN_GO(chan, serves_parked_receivers_in_their_order, .disabled = NOT_ONE_BY_ONE)
{
    int procs = go_maxprocs(1); /* so that starting order is waiting order */
    struct stream s[100];
    go_chan(int) c = go_chan_make(int, 0);
    for (int i = 0; i < 100; i++) {
        s[i] = (struct stream){c, 1, i, 0};
        start(receive_nth, &s[i]);
        settle();
    }
    go_maxprocs(procs);
    for (int i = 0; i < 100; i++)
        go_chan_send(c, i);
    finish();
    go_chan_free(c);
}

static void send_one(void *arg)
{
    struct stream *s = arg;
    go_chan_send(s->c, s->first);
}

IN_GO(chan, serves_parked_senders_in_their_order, .disabled = NOT_ONE_BY_ONE)
{
    int procs = go_maxprocs(1);
    for (int cap = 0; cap < 4; cap++) {
        struct stream s[100];
        go_chan(int) c = go_chan_make(int, cap);
        for (int i = 0; i < 100; i++) {
            s[i] = (struct stream){c, 1, i, 0};
            start(send_one, &s[i]);
            settle();
        }
        go_maxprocs(procs);
        for (int i = 0; i < 100; i++)
            CHECK(go_chan_recv(c) == i);
        finish();
        go_chan_free(c);
        go_maxprocs(1);
    }
    go_maxprocs(procs);
}

/* ---- closing and nil ---- */

static void close_again(void *c)
{
    go_chan_close(c);
}

static void send_zero(void *c)
{
    go_chan_send((go_chan(int))c, 0);
}

static void try_send_zero(void *c)
{
    go_chan_try_send((go_chan(int))c, 0);
}

IN_GO(chan, close_rules)
{
    go_chan(int) c = go_chan_make(int, 3);
    go_chan_send(c, 1);
    go_chan_send(c, 2);
    go_chan_close(c);
    CHECK_TEXT(go_recover(close_again, c), "close of closed channel");
    CHECK_TEXT(go_recover(close_again, NULL), "close of nil channel");
    CHECK_TEXT(go_recover(send_zero, c), "send on closed channel");
    CHECK_TEXT(go_recover(try_send_zero, c), "send on closed channel");
    CHECK(go_chan_len(c) == 2);
    int v = 9;
    CHECK(go_chan_recv(c) == 1);
    CHECK(go_chan_recv_ok(c, &v) && v == 2);
    for (int i = 0; i < 3; i++) {
        v = 9;
        CHECK(!go_chan_recv_ok(c, &v) && v == 0);
        v = 9;
        CHECK(!go_chan_try_recv(c, &v) && v == 0);
        CHECK(go_chan_recv(c) == 0);
    }
    go_chan_free(c);
}

static void receive_closed(void *arg)
{
    int v = 5;
    CHECK(!go_chan_recv_ok((go_chan(int))arg, &v) && v == 0);
}

static void send_closed(void *arg)
{
    CHECK_TEXT(go_recover(send_zero, arg), "send on closed channel");
}

IN_GO(chan, close_wakes_everybody)
{
    for (int side = 0; side < 2; side++) {
        go_chan(int) c = go_chan_make(int, 0);
        for (int i = 0; i < 50; i++)
            start(side ? send_closed : receive_closed, c);
        settle();
        go_chan_close(c);
        finish();
        go_chan_free(c);
    }
}

IN_GO(chan, nil_is_never_ready)
{
    go_chan(int) c = NULL;
    int v = 3;
    CHECK(!go_chan_try_send(c, 1) && !go_chan_try_recv(c, &v) && v == 3);
    CHECK(go_chan_len(c) == 0 && go_chan_cap(c) == 0);
    go_chan_free(c);
}

/* The moments of a channel, as Go's TestChan has them. */
IN_GO(chan, try_says_what_would_block)
{
    int v = 1;
    go_chan(int) c = go_chan_make(int, 0);
    CHECK(!go_chan_try_send(c, 1) && !go_chan_try_recv(c, &v) && v == 1);
    go_chan_free(c);
    for (int cap = 1; cap < 10; cap++) {
        c = go_chan_make(int, cap);
        CHECK(!go_chan_try_recv(c, &v));
        for (int i = 0; i < cap; i++)
            CHECK(go_chan_try_send(c, i) && go_chan_len(c) == (size_t)i + 1);
        CHECK(!go_chan_try_send(c, 99));
        for (int i = 0; i < cap; i++)
            CHECK(go_chan_try_recv(c, &v) && v == i);
        CHECK(!go_chan_try_recv(c, NULL));
        go_chan_free(c);
    }
}

/* ---- elements ---- */

struct page {
    unsigned char b[4096];
};

static void send_pages(void *arg)
{
    go_chan(struct page) c = arg;
    static struct page p;
    for (int i = 0; i < 200; i++) {
        memset(p.b, i, sizeof p.b);
        go_chan_send(c, p);
    }
    go_chan_close(c);
}

IN_GO(chan, elements_of_a_page)
{
    for (int cap = 0; cap < 3; cap++) {
        go_chan(struct page) c = go_chan_make(struct page, cap);
        start(send_pages, c);
        int n = 0;
        static struct page p;
        while (go_chan_recv_ok(c, &p)) {
            for (size_t k = 0; k < sizeof p.b; k++)
                CHECK(p.b[k] == (unsigned char)n);
            n++;
        }
        CHECK(n == 200);
        for (size_t k = 0; k < sizeof p.b; k++)
            CHECK(p.b[k] == 0);
        finish();
        go_chan_free(c);
    }
}

struct bytes {
    void *c;
    size_t size;
};

static void send_bytes(void *arg)
{
    struct bytes *b = arg;
    unsigned char v[80];
    for (unsigned i = 0; i < 20; i++) {
        memset(v, (int)(i + b->size), sizeof v);
        go_chan_send_from(b->c, v);
    }
}

IN_GO(chan, elements_of_every_size)
{
    for (size_t size = 0; size <= 70; size++) {
        for (size_t cap = 0; cap < 3; cap++) {
            struct bytes b = {go_chan_new(size, cap), size};
            start(send_bytes, &b);
            for (unsigned i = 0; i < 20; i++) {
                unsigned char v[80], want[80];
                memset(v, 0xee, sizeof v);
                memset(want, 0xee, sizeof want);
                memset(want, (int)(i + size), size);
                CHECK(go_chan_recv_into(b.c, v));
                CHECK(!memcmp(v, want, sizeof v));
            }
            finish();
            go_chan_free(b.c);
        }
    }
}

struct nothing {
};

IN_GO(chan, elements_of_no_size)
{
    go_chan(struct nothing) c = go_chan_make(struct nothing, 2);
    struct nothing v = {};
    go_chan_send(c, v);
    go_chan_send(c, v);
    CHECK(go_chan_len(c) == 2 && !go_chan_try_send(c, v));
    CHECK(go_chan_recv_ok(c, &v) && go_chan_recv_ok(c, NULL) && !go_chan_try_recv(c, NULL));
    go_chan_close(c);
    CHECK(!go_chan_recv_ok(c, NULL));
    go_chan_free(c);
}

static void make_too_big(void *cap)
{
    go_chan_new(16, (size_t)cap);
}

IN_GO(chan, size_out_of_range_panics)
{
    CHECK_TEXT(go_recover(make_too_big, (void *)(SIZE_MAX / 8)), "makechan: size out of range");
    CHECK_TEXT(go_recover(make_too_big, (void *)(SIZE_MAX / 32)), "makechan: size out of range");
}

IN_GO(chan, range_ends_with_close)
{
    struct stream s = {go_chan_make(int, 4), 100, 1, 1};
    start(send_stream, &s);
    int sum = 0, n = 0;
    go_chan_range(int, v, s.c) {
        if (v % 2)
            continue;
        sum += v;
        if (++n == 50)
            break;
    }
    CHECK(sum == 2550);
    finish();
    go_chan_close(s.c);
    go_chan_range(int, v, s.c)
        CHECK(v < 0);
    go_chan_free(s.c);
}

/* ---- many ---- */

struct link {
    go_chan(int) in, out;
};

static void pass_on(void *arg)
{
    struct link *l = arg;
    go_chan_send(l->out, go_chan_recv(l->in) + 1);
}

IN_GO(chan, daisy_chain_of_ten_thousand)
{
    enum { N = MANY_GOROUTINES / 2 };
    static struct link links[N];
    go_chan(int) first = go_chan_make(int, 0), in = first;
    for (int i = 0; i < N; i++) {
        links[i] = (struct link){in, go_chan_make(int, 0)};
        in = links[i].out;
        start(pass_on, &links[i]);
    }
    go_chan_send(first, 0);
    CHECK(go_chan_recv(in) == N);
    finish();
    go_chan_free(first);
    for (int i = 0; i < N; i++)
        go_chan_free(links[i].out);
}

struct crew {
    go_chan(int) in, out;
};

static void double_it(void *arg)
{
    struct crew *w = arg;
    go_chan_range(int, v, w->in)
        go_chan_send(w->out, 2 * v);
}

static void close_when_done(void *arg)
{
    struct crew *w = arg;
    struct stream s = {w->in, MANY, 0, 1};
    send_stream(&s);
    go_chan_close(w->in);
}

IN_GO(chan, fan_out_fan_in_loses_nothing)
{
    struct crew w = {go_chan_make(int, 10), go_chan_make(int, 10)};
    static unsigned char seen[2 * MANY];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < 23; i++)
        start(double_it, &w);
    start(close_when_done, &w);
    for (int i = 0; i < MANY; i++) {
        int v = go_chan_recv(w.out);
        CHECK(v >= 0 && v < 2 * MANY && v % 2 == 0 && !seen[v]++);
    }
    finish();
    CHECK(go_chan_len(w.out) == 0);
    go_chan_free(w.in);
    go_chan_free(w.out);
}

/* ---- races of the looks without a lock ---- */

static void recv_would_block(void *arg)
{
    int v;
    /* A value is there, then the channel is closed: never is there nothing. */
    CHECK(go_chan_try_recv((go_chan(int))arg, &v) && v == 1);
}

IN_GO(chan, try_recv_against_close_sees_the_value)
{
    for (int i = 0; i < ROUNDS(3000); i++) {
        go_chan(int) c = go_chan_make(int, 1);
        go_chan_send(c, 1);
        start(recv_would_block, c);
        go_chan_close(c);
        finish();
        go_chan_free(c);
    }
}

/* ---- plain threads ---- */

static void *thread_main(void *arg)
{
    struct crew *w = arg;
    go_chan_range(int, v, w->in)
        go_chan_send(w->out, v + 1);
    return NULL;
}

IN_GO(chan, works_from_plain_threads)
{
    struct crew w = {go_chan_make(int, 0), go_chan_make(int, 0)};
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_create(&t[i], NULL, thread_main, &w));
    long sum = 0;
    for (int i = 0; i < 500; i++) {
        go_chan_send(w.in, i);
        sum += go_chan_recv(w.out);
    }
    CHECK(sum == 500 * 499 / 2 + 500);
    go_chan_close(w.in);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    go_chan_free(w.in);
    go_chan_free(w.out);
}

/* ---- lifetime ---- */

struct brief {
    struct chan chan;
    _Alignas(16) char slots[64];
    int sends;
};

enum { POISON = 0xa5 };

static void send_last(void *arg)
{
    struct brief *b = arg;
    int n = b->sends; /* b may be gone after the last send */
    void *c = &b->chan;
    for (long i = 0; i < n; i++)
        go_chan_send_from(c, &i);
}

static void check_poison(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        CHECK(((const unsigned char *)p)[i] == POISON);
}

/* Whoever has received the last value writes over the channel at once. */
IN_GO(chan, memory_is_free_once_the_last_value_is_received)
{
    for (int round = 0; round < ROUNDS(2000); round++) {
        struct brief *b = malloc(sizeof *b);
        CHECK(b);
        b->sends = 1 + round % 4;
        chan_init(&b->chan, sizeof(long), (size_t)(round % 3), b->slots);
        start(send_last, b);
        if (round % 2)
            go_yield();
        long v;
        for (long i = 0, n = b->sends; i < n; i++) {
            CHECK(go_chan_recv_into(&b->chan, &v) && v == i);
            if (i == n - 1)
                memset(b, POISON, sizeof *b);
        }
        finish();
        check_poison(b, sizeof *b);
        free(b);
    }
}

static void close_it(void *arg)
{
    go_chan_close(&((struct brief *)arg)->chan);
}

/* Whoever has seen the channel closed writes over it at once. */
IN_GO(chan, memory_is_free_once_close_is_seen)
{
    for (int round = 0; round < ROUNDS(2000); round++) {
        struct brief *b = malloc(sizeof *b);
        CHECK(b);
        chan_init(&b->chan, sizeof(long), 1, b->slots);
        start(close_it, b);
        long v = 1;
        if (round % 2)
            CHECK(!go_chan_recv_into(&b->chan, &v));
        else
            while (v != 0)
                go_chan_try_recv_into(&b->chan, &v), go_yield();
        memset(b, POISON, sizeof *b);
        finish();
        check_poison(b, sizeof *b);
        free(b);
    }
}
