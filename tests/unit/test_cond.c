/* test_cond.c - condition variables: order, broadcast, no stolen signals, lifetime. */
#include "in_go.h"

struct hall {
    go_mutex mu;
    go_cond cond;
    int running, woken, next; /* by mu */
    bool open;
};

struct guest {
    struct hall *h;
    int id;
};

static void wait_turn(void *arg)
{
    struct guest *g = arg;
    struct hall *h = g->h;
    go_mutex_lock(&h->mu);
    CHECK(h->running++ == g->id);
    go_cond_wait(&h->cond, &h->mu);
    CHECK(h->next++ == g->id); /* as they came, one for each signal */
    h->woken++;
    go_mutex_unlock(&h->mu);
}

static int read_by(go_mutex *mu, int *p)
{
    go_mutex_lock(mu);
    int v = *p;
    go_mutex_unlock(mu);
    return v;
}

IN_GO(cond, signals_go_to_the_longest_waiter)
{
    enum { N = ROUNDS(100) };
    struct hall h = {.next = 0};
    struct guest g[N];
    for (int i = 0; i < N; i++) {
        g[i] = (struct guest){&h, i};
        start(wait_turn, &g[i]);
        while (read_by(&h.mu, &h.running) <= i)
            go_yield();
    }
    for (int i = 0; i < N; i++) {
        go_mutex_lock(&h.mu);
        CHECK(h.woken == i); /* nobody woke without a signal */
        go_cond_signal(&h.cond);
        go_mutex_unlock(&h.mu);
        while (read_by(&h.mu, &h.woken) == i)
            go_yield();
    }
    finish();
    CHECK(!h.cond.head_ && !h.cond.tail_);
    go_cond_signal(&h.cond);
    go_cond_broadcast(&h.cond);
}

static void wait_open(void *arg)
{
    struct hall *h = arg;
    go_mutex_lock(&h->mu);
    h->running++;
    while (!h->open)
        go_cond_wait(&h->cond, &h->mu);
    h->woken++;
    go_mutex_unlock(&h->mu);
}

IN_GO(cond, broadcast_wakes_all)
{
    struct hall h = {.open = false};
    for (int i = 0; i < ROUNDS(200); i++)
        start(wait_open, &h);
    while (read_by(&h.mu, &h.running) < ROUNDS(200))
        go_yield();
    CHECK(read_by(&h.mu, &h.woken) == 0);
    go_mutex_lock(&h.mu);
    h.open = true;
    go_mutex_unlock(&h.mu);
    go_cond_broadcast(&h.cond);
    finish();
    CHECK(h.woken == ROUNDS(200));
}

/* A signal sent while one waits must wake that one, though another starts to wait right after
 * (Go's TestCondSignalStealing). */
struct steal {
    go_mutex mu;
    go_cond cond;
    go_chan(int) inside, out;
};

static void first_waiter(void *arg)
{
    struct steal *s = arg;
    go_mutex_lock(&s->mu);
    go_chan_send(s->inside, 1);
    go_cond_wait(&s->cond, &s->mu);
    go_mutex_unlock(&s->mu);
    go_chan_send(s->out, 1);
}

static void second_waiter(void *arg)
{
    struct steal *s = arg;
    go_mutex_lock(&s->mu);
    go_chan_send(s->inside, 1);
    go_cond_wait(&s->cond, &s->mu);
    go_mutex_unlock(&s->mu);
}

IN_GO(cond, signals_are_not_stolen_by_later_waiters)
{
    for (int round = 0; round < ROUNDS(500); round++) {
        struct steal s = {.inside = go_chan_make(int, 0), .out = go_chan_make(int, 0)};
        start(first_waiter, &s);
        go_chan_recv(s.inside);
        go_mutex_lock(&s.mu); /* it waits now */
        go_mutex_unlock(&s.mu);
        start(second_waiter, &s);
        go_chan_recv(s.inside);
        go_cond_signal(&s.cond);
        go_chan_recv(s.out);
        go_mutex_lock(&s.mu);
        go_mutex_unlock(&s.mu);
        go_cond_signal(&s.cond); /* the second waits: it had the mutex when it told us */
        finish();
        go_chan_free(s.inside);
        go_chan_free(s.out);
    }
}

/* ---- a queue on conditions: producers and consumers ---- */

struct buffer {
    go_mutex mu;
    go_cond not_empty, not_full;
    int n, in, out;
};

static void produce(void *arg)
{
    struct buffer *b = arg;
    for (int i = 0; i < ROUNDS(2000); i++) {
        go_mutex_lock(&b->mu);
        while (b->n == 3)
            go_cond_wait(&b->not_full, &b->mu);
        b->n++;
        b->in++;
        go_mutex_unlock(&b->mu);
        go_cond_signal(&b->not_empty);
    }
}

static void consume(void *arg)
{
    struct buffer *b = arg;
    for (int i = 0; i < ROUNDS(2000); i++) {
        go_mutex_lock(&b->mu);
        while (b->n == 0)
            go_cond_wait(&b->not_empty, &b->mu);
        CHECK(b->n > 0 && b->n <= 3);
        b->n--;
        b->out++;
        go_cond_signal(&b->not_full);
        go_mutex_unlock(&b->mu);
    }
}

IN_GO(cond, bounded_queue)
{
    struct buffer b = {.n = 0};
    for (int i = 0; i < 4; i++) {
        start(produce, &b);
        start(consume, &b);
    }
    finish();
    CHECK(b.n == 0 && b.in == 4 * ROUNDS(2000) && b.out == b.in);
}

/* ---- lifetime ---- */

enum { POISON = 0xa5 };

struct brief {
    go_cond cond;
    go_mutex *mu;
    uint32_t *set; /* by mu */
    bool late;     /* signal without the mutex */
};

static void signal_it(void *arg)
{
    struct brief *b = arg;
    go_mutex *mu = b->mu;
    bool late = b->late;
    go_mutex_lock(mu); /* so it waits */
    *b->set = 1;
    if (late)
        go_mutex_unlock(mu);
    go_cond_signal(&b->cond);
    if (!late)
        go_mutex_unlock(mu);
}

/* The only waiter comes back and writes over the condition. */
IN_GO(cond, memory_is_free_once_the_wait_is_over)
{
    go_mutex mu = {0};
    for (int round = 0; round < ROUNDS(3000); round++) {
        struct brief *b = calloc(1, sizeof *b);
        uint32_t set = 0;
        CHECK(b);
        b->mu = &mu;
        b->set = &set;
        b->late = round % 2;
        go_mutex_lock(&mu);
        start(signal_it, b);
        go_cond_wait(&b->cond, &mu); /* never returns without a signal */
        CHECK(set);
        memset(b, POISON, sizeof *b);
        go_mutex_unlock(&mu);
        finish();
        for (size_t i = 0; i < sizeof *b; i++)
            CHECK(((unsigned char *)b)[i] == POISON);
        free(b);
    }
}
