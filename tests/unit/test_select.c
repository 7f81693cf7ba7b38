/* test_select.c - select: what is ready, what blocks, fairness, two winners, lifetime. */
#include "in_go.h"
#include "chan.h"

static go_chan(int) make(int cap)
{
    return go_chan_make(int, cap);
}

/* ---- which cases are ready ---- */

IN_GO(select, default_runs_when_nothing_is_ready)
{
    go_chan(int) nil = NULL, empty = make(1), full = make(1), unbuffered = make(0);
    int v = 8;
    go_chan_send(full, 1);
    CHECK(go_select(go_default) == GO_DEFAULT);
    CHECK(go_select(go_recv_case(nil, &v), go_send_case(nil, 1), go_default) == GO_DEFAULT);
    CHECK(go_select(go_recv_case(empty, &v), go_default) == GO_DEFAULT);
    CHECK(go_select(go_send_case(full, 2), go_default) == GO_DEFAULT);
    CHECK(go_select(go_recv_case(unbuffered, &v), go_send_case(unbuffered, 1),
                    go_send_case(full, 1), go_recv_case(empty, NULL), go_default) == GO_DEFAULT);
    CHECK(v == 8);
    go_chan_free(empty);
    go_chan_free(full);
    go_chan_free(unbuffered);
}

IN_GO(select, ready_cases_run)
{
    go_chan(int) nil = NULL, c = make(1), closed = make(1);
    int v = 8;
    bool ok = false;
    CHECK(go_select(go_recv_case(nil, &v), go_send_case(c, 5)) == 1);
    CHECK(go_select(go_send_case(c, 6), go_recv_case(nil, &v), go_recv_case(c, &v, &ok)) == 2);
    CHECK(v == 5 && ok);
    go_chan_close(closed);
    v = 8;
    CHECK(go_select(go_recv_case(c, NULL), go_recv_case(closed, &v, &ok)) == 1);
    CHECK(v == 0 && !ok);
    CHECK(go_select(go_recv_case(c, NULL), go_recv_case(closed, NULL), go_default) == 1);
    go_chan_send(c, 3);
    CHECK(go_select(go_recv_case(c, NULL), go_recv_case(nil, &v)) == 0);
    CHECK(go_chan_len(c) == 0);
    go_chan_free(c);
    go_chan_free(closed);
}

struct large {
    char text[100];
};

static void send_or_not(void *arg)
{
    go_chan(int) c = arg;
    go_select(go_send_case(c, 1), go_default);
    CHECK(!"a send on a closed channel panics");
}

/* The compiler makes a call of its own of this form. */
IN_GO(select, one_case_and_a_default)
{
    go_chan(int) c = make(1);
    go_chan(struct large) d = go_chan_make(struct large, 1);
    struct large got = {"none"};
    int v = 8;
    bool ok = false;
    CHECK(go_select(go_send_case(c, 5), go_default) == 0);
    CHECK(go_select(go_send_case(c, 6), go_default) == GO_DEFAULT);
    CHECK(go_select(go_recv_case(c, &v, &ok), go_default) == 0 && v == 5 && ok);
    CHECK(go_select(go_recv_case(c, &v, &ok), go_default) == GO_DEFAULT && v == 5 && ok);
    go_chan_close(c);
    CHECK(go_select(go_recv_case(c, &v, &ok), go_default) == 0 && v == 0 && !ok);
    CHECK(go_select(go_recv_case(c, NULL), go_default) == 0);
    CHECK_TEXT(go_recover(send_or_not, c), "send on closed channel");
    CHECK(go_select(go_send_case(d, {"large"}), go_default) == 0);
    CHECK(go_select(go_recv_case(d, &got), go_default) == 0);
    CHECK_TEXT(got.text, "large");
    go_chan_free(c);
    go_chan_free(d);
}

static void select_send(void *arg)
{
    int v;
    go_chan(int) c = arg, never = NULL;
    go_select(go_recv_case(never, &v), go_send_case(c, 1));
    CHECK(!"a send on a closed channel panics");
}

static void select_send_panics(void *arg)
{
    CHECK_TEXT(go_recover(select_send, arg), "send on closed channel");
}

IN_GO(select, send_on_closed_panics_also_when_parked)
{
    go_chan(int) c = make(0);
    start(select_send_panics, c);
    settle();
    go_chan_close(c);
    finish();
    select_send_panics(c);
    go_chan_free(c);
}

struct wide {
    long a[40];
};

static void send_wide(void *arg)
{
    go_chan(struct wide) c = arg;
    struct wide w = {.a = {[0] = 11, [39] = 12}};
    CHECK(go_select(go_send_case(c, w), go_recv_case((go_chan(int))NULL, NULL)) == 0);
}

IN_GO(select, values_of_any_type_pass)
{
    struct pair {
        short a;
        double b;
    } p = {3, 0.25}, q = {0, 0};
    go_chan(struct pair) c = go_chan_make(struct pair, 1);
    CHECK(go_select(go_send_case(c, p)) == 0);
    CHECK(go_select(go_recv_case(c, &q)) == 0 && q.a == 3 && q.b == 0.25);
    go_chan(char) d = go_chan_make(char, 1);
    char x = 0;
    CHECK(go_select(go_send_case(d, 'x')) == 0 && go_select(go_recv_case(d, &x)) == 0 && x == 'x');
    go_chan(struct wide) e = go_chan_make(struct wide, 0);
    struct wide w;
    start(send_wide, e);
    CHECK(go_select(go_recv_case(e, &w)) == 0 && w.a[0] == 11 && w.a[39] == 12 && w.a[20] == 0);
    finish();
    go_chan_free(c);
    go_chan_free(d);
    go_chan_free(e);
}

/* ---- choice ---- */

IN_GO(select, choice_among_ready_is_fair)
{
    enum { TRIALS = 10000 };
    go_chan(int) c[4];
    int count[4] = {0};
    for (int i = 0; i < 4; i++)
        go_chan_send(c[i] = make(1), i);
    for (int i = 0; i < TRIALS; i++) {
        int v = -1;
        int k = go_select(go_recv_case(c[0], &v), go_recv_case(c[1], &v), go_recv_case(c[2], &v),
                          go_recv_case(c[3], &v));
        CHECK(k == v);
        count[k]++;
        go_chan_send(c[k], k);
    }
    /* 2500 expected, standard deviation 43: six of them */
    for (int i = 0; i < 4; i++) {
        CHECK(count[i] > TRIALS / 4 - 260 && count[i] < TRIALS / 4 + 260);
        go_chan_free(c[i]);
    }
}

static void send_on_and_on(void *c)
{
    for (;;)
        go_chan_send((go_chan(int))c, 1);
}

static void send_until_closed(void *c)
{
    CHECK_TEXT(go_recover(send_on_and_on, c), "send on closed channel");
}

IN_GO(select, both_of_two_busy_channels_are_served)
{
    enum { TRIALS = 10000 };
    go_chan(int) a = make(1), b = make(1);
    int count[2] = {0, 0};
    start(send_until_closed, a);
    start(send_until_closed, b);
    settle();
    for (int i = 0; i < TRIALS; i++) {
        while (go_chan_len(a) + go_chan_len(b) < 2) /* a sender's thread may have to wait */
            go_yield();
        count[go_select(go_recv_case(a, NULL), go_recv_case(b, NULL))]++;
    }
    CHECK(count[0] > TRIALS / 20 && count[1] > TRIALS / 20);
    go_chan_close(a);
    go_chan_close(b);
    finish();
    go_chan_free(a);
    go_chan_free(b);
}

IN_GO(select, same_channel_in_several_cases)
{
    enum { TRIALS = 3000 };
    go_chan(int) c = make(1);
    int count[3] = {0}, v;
    for (int i = 0; i < TRIALS; i++) {
        go_chan_send(c, i);
        count[go_select(go_recv_case(c, &v), go_recv_case(c, &v), go_recv_case(c, &v))]++;
        CHECK(v == i);
    }
    for (int i = 0; i < 3; i++)
        CHECK(count[i] > TRIALS / 3 - 200);
    go_chan_free(c);
}

/* ---- parking ---- */

struct two {
    go_chan(int) a, b;
    int n;
    int done; /* atomic */
};

static void send_both(void *arg)
{
    struct two *t = arg;
    for (int i = 0; i < t->n; i++)
        go_chan_send(i % 2 ? t->a : t->b, i);
}

IN_GO(select, parked_on_duplicates_wakes_once)
{
    struct two t = {make(0), make(0), ROUNDS(4000), 0};
    int v = -1;
    start(send_both, &t);
    for (int i = 0; i < t.n; i++) {
        int k = go_select(go_recv_case(t.a, &v), go_recv_case(t.b, &v), go_recv_case(t.a, &v),
                          go_recv_case(t.b, &v), go_recv_case(t.a, &v));
        CHECK(v == i && k % 2 == (i % 2 ? 0 : 1));
    }
    finish();
    CHECK(!go_chan_try_recv(t.a, NULL) && !go_chan_try_recv(t.b, NULL));
    go_chan_free(t.a);
    go_chan_free(t.b);
}

/* Both sides of one channel in one select: it meets others, never itself. */
static void send_or_receive(void *arg)
{
    struct two *t = arg;
    for (int i = 0; i < t->n; i++) {
        int v = -1, mine = i * 2 + (t->b != NULL);
        switch (go_select(go_send_case(t->a, mine), go_recv_case(t->a, &v))) {
        case 0:
            break;
        case 1:
            CHECK(v % 2 != mine % 2);
            break;
        default:
            CHECK(!"no such case");
        }
    }
}

IN_GO(select, never_meets_itself)
{
    go_chan(int) c = make(0);
    struct two one = {c, NULL, ROUNDS(1000), 0}, other = {c, c, ROUNDS(1000), 0};
    start(send_or_receive, &one);
    start(send_or_receive, &other);
    finish();
    go_chan_free(c);
}

struct spread {
    go_chan(int) c[4];
    int turns;
};

struct lane {
    go_chan(int) c;
    int turns;
};

static void stress_sends(void *arg)
{
    struct lane *l = arg;
    for (int k = 0; k < l->turns; k++)
        go_chan_send(l->c, 1);
}

static void stress_receives(void *arg)
{
    struct lane *l = arg;
    for (int k = 0; k < l->turns; k++)
        CHECK(go_chan_recv(l->c) == 1);
}

/* Sends turns times to each channel, in whatever order they take it. */
static void stress_select_sends(void *arg)
{
    struct spread s = *(struct spread *)arg;
    int left[4] = {s.turns, s.turns, s.turns, s.turns};
    for (int n = 4 * s.turns; n > 0; n--) {
        int k = go_select(go_send_case(s.c[3], 1), go_send_case(s.c[2], 1), go_send_case(s.c[0], 1),
                          go_send_case(s.c[1], 1));
        int i = k < 2 ? 3 - k : k - 2;
        if (--left[i] == 0)
            s.c[i] = NULL;
    }
}

static void stress_select_receives(void *arg)
{
    struct spread s = *(struct spread *)arg;
    int left[4] = {s.turns, s.turns, s.turns, s.turns}, v;
    for (int n = 4 * s.turns; n > 0; n--) {
        int i = go_select(go_recv_case(s.c[0], &v), go_recv_case(s.c[1], &v),
                          go_recv_case(s.c[2], &v), go_recv_case(s.c[3], &v));
        if (--left[i] == 0)
            s.c[i] = NULL;
    }
}

/* On each channel a sender, a receiver, and both selects: whoever is left has somebody to meet. */
IN_GO(select, stress_of_senders_receivers_and_selects)
{
    struct spread s = {{make(0), make(0), make(2), make(3)}, ROUNDS(2000)};
    struct lane lanes[4];
    for (int i = 0; i < 4; i++) {
        lanes[i] = (struct lane){s.c[i], s.turns};
        start(stress_sends, &lanes[i]);
        start(stress_receives, &lanes[i]);
    }
    start(stress_select_sends, &s);
    start(stress_select_receives, &s);
    finish();
    for (int i = 0; i < 4; i++) {
        CHECK(go_chan_len(s.c[i]) == 0);
        go_chan_free(s.c[i]);
    }
}

/* ---- two winners, stale waiters ---- */

static void send_or_stop(void *arg)
{
    struct spread *s = arg;
    for (int i = 0; i < s->turns; i++)
        go_select(go_send_case(s->c[0], i), go_send_case(s->c[1], i), go_send_case(s->c[2], i),
                  go_send_case(s->c[3], i));
    for (int i = 0; i < 4; i++)
        go_chan_send(s->c[i], -1);
}

static void drain_into(void *arg)
{
    struct stream {
        go_chan(int) in, out;
    } *p = arg;
    for (int v; (v = go_chan_recv(p->in)) >= 0;)
        go_chan_send(p->out, v);
    go_chan_send(p->out, -1);
}

/* Each value is sent by one case of a select on four channels; it must come out once. */
IN_GO(select, two_cases_never_both_run)
{
    enum { N = ROUNDS(5000) };
    struct spread s = {{make(0), make(0), make(0), make(0)}, N};
    struct {
        go_chan(int) in, out;
    } pipes[4];
    go_chan(int) all = make(3);
    static unsigned char seen[N];
    memset(seen, 0, sizeof seen);
    start(send_or_stop, &s);
    for (int i = 0; i < 4; i++) {
        pipes[i].in = s.c[i];
        pipes[i].out = all;
        start(drain_into, &pipes[i]);
    }
    for (int ended = 0; ended < 4;) {
        int v = go_chan_recv(all);
        if (v < 0)
            ended++;
        else
            CHECK(!seen[v]++);
    }
    for (int i = 0; i < N; i++)
        CHECK(seen[i] == 1);
    finish();
    for (int i = 0; i < 4; i++)
        go_chan_free(s.c[i]);
    go_chan_free(all);
}

static void lose_then_send(void *arg)
{
    struct two *t = arg;
    for (int i = 0; i < t->n; i++)
        go_select(go_recv_case(t->a, NULL), go_recv_case(t->b, NULL));
}

/* A select that has lost at a channel leaves nothing behind in its queue (Go issue 2075). */
IN_GO(select, losing_leaves_the_queue_sound)
{
    go_chan(int) c = make(0), quick = make(1);
    struct two t = {quick, c, ROUNDS(3000), 0};
    start(lose_then_send, &t);
    start(lose_then_send, &t);
    for (int i = 0; i < 2 * t.n; i++)
        go_chan_send(quick, i);
    finish();
    struct chan *inner = (struct chan *)(void *)c;
    CHECK(!inner->waiting[CHAN_RECV].first && !inner->waiting[CHAN_RECV].last);
    go_chan_free(c);
    go_chan_free(quick);
}

struct moving {
    go_chan(int) a, b;
    uint32_t round, seen; /* atomic: what both sides have come to */
};

static void await_round(uint32_t *at, uint32_t round)
{
    for (int i = 0; __atomic_load_n(at, __ATOMIC_ACQUIRE) != round; i++)
        if (i % 64 == 63)
            go_yield();
}

static void waste_time(uint64_t *random)
{
    for (volatile uint32_t n = next_random(random) % 128; n > 0; n--)
        ;
}

enum { MOVES = 20000 };

static void one_must_be_there(void *arg)
{
    struct moving *m = arg;
    uint64_t random = 1;
    for (uint32_t round = 1; round <= ROUNDS(MOVES); round++) {
        await_round(&m->round, round);
        waste_time(&random);
        CHECK(go_select(go_recv_case(m->a, NULL), go_recv_case(m->b, NULL), go_default) >= 0);
        __atomic_store_n(&m->seen, round, __ATOMIC_RELEASE);
    }
}

/* First a is ready, then also b, then only b: never nothing. */
IN_GO(select, default_is_not_taken_while_one_is_ready)
{
    struct moving m = {make(1), make(1), 0, 0};
    uint64_t random = 2;
    start(one_must_be_there, &m);
    for (uint32_t round = 1; round <= ROUNDS(MOVES); round++) {
        go_chan_send(m.a, 1);
        __atomic_store_n(&m.round, round, __ATOMIC_RELEASE);
        waste_time(&random);
        go_chan_send(m.b, 1);
        go_chan_try_recv(m.a, NULL);
        await_round(&m.seen, round);
        while (go_chan_try_recv(m.a, NULL) || go_chan_try_recv(m.b, NULL))
            ;
    }
    finish();
    go_chan_free(m.a);
    go_chan_free(m.b);
}

static void one_is_there(void *arg)
{
    struct two *t = arg;
    CHECK(go_select(go_recv_case(t->a, NULL), go_recv_case(t->b, NULL), go_default) >= 0);
}

/* The same with a channel that is closed while the other one is drained. */
IN_GO(select, default_is_not_taken_while_one_is_closed)
{
    for (int i = 0; i < ROUNDS(3000); i++) {
        struct two t = {make(1), make(0), 0, 0};
        go_chan_send(t.a, 1);
        start(one_is_there, &t);
        go_chan_close(t.b);
        go_chan_try_recv(t.a, NULL);
        finish();
        go_chan_free(t.a);
        go_chan_free(t.b);
    }
}

/* ---- many cases ---- */

static void send_at(void *arg)
{
    struct two *t = arg;
    go_chan_send(t->a, t->n);
}

IN_GO(select, any_number_of_cases)
{
    enum { MOST = 300 };
    static go_chan(int) c[MOST];
    static go_case cases[MOST + 1];
    for (int n = 1; n <= MOST; n += n < 40 ? 1 : 37) {
        int v = -1;
        uint64_t random = (uint64_t)n;
        for (int i = 0; i < n; i++) {
            c[i] = make(0);
            cases[i] = go_recv_case(c[i], &v);
        }
        cases[n] = go_default;
        CHECK(go_select_n(cases, n + 1) == GO_DEFAULT);
        for (int round = 0; round < 3; round++) {
            struct two t = {NULL, NULL, (int)(next_random(&random) % (uint32_t)n), 0};
            t.a = c[t.n];
            start(send_at, &t);
            CHECK(go_select_n(cases, n) == t.n && v == t.n);
            finish();
        }
        for (int i = 0; i < n; i++)
            go_chan_free(c[i]);
    }
}

/* Thousands wait at one channel beside others of their own; serving them is not quadratic. */
IN_GO(select, loaded_channel_is_served_in_linear_time, .timeout = 60)
{
    enum { N = MANY_GOROUTINES };
    static struct two t[N];
    go_chan(int) shared = make(0);
    for (int i = 0; i < N; i++) {
        t[i] = (struct two){shared, make(0), 1, 0};
        start(lose_then_send, &t[i]);
    }
    settle();
    for (int i = N - 1; i >= N / 2; i--) /* from the back of the shared queue */
        go_chan_send(t[i].b, 0);
    for (int i = 0; i < N / 2; i++)
        go_chan_send(shared, 0);
    finish();
    for (int i = 0; i < N; i++)
        go_chan_free(t[i].b);
    go_chan_free(shared);
}

/* ---- lifetime ---- */

struct brief {
    struct chan chan;
    _Alignas(16) char slots[32];
    go_chan(int) other;
};

enum { POISON = 0xa5 };

/* The value that a select sends or waits for is the last one. */
static void select_last(void *arg)
{
    struct brief *b = arg;
    go_chan(int) c = (go_chan(int))(void *)&b->chan, other = b->other;
    CHECK(go_select(go_recv_case(other, NULL), go_send_case(c, 7), go_send_case(c, 7)) >= 1);
}

IN_GO(select, memory_is_free_once_the_last_value_is_received)
{
    go_chan(int) other = make(0);
    for (int round = 0; round < ROUNDS(3000); round++) {
        struct brief *b = malloc(sizeof *b);
        CHECK(b);
        chan_init(&b->chan, sizeof(int), (size_t)(round % 2), b->slots);
        b->other = other;
        start(select_last, b);
        if (round % 3)
            settle();
        int v = 0;
        CHECK(go_select(go_recv_case((go_chan(int))(void *)&b->chan, &v),
                        go_recv_case(other, &v)) == 0);
        memset(b, POISON, sizeof *b);
        CHECK(v == 7);
        finish();
        for (size_t i = 0; i < sizeof *b; i++)
            CHECK(((unsigned char *)b)[i] == POISON);
        free(b);
    }
    go_chan_free(other);
}
