/* test_chan_model.c - channels and select against a model in which everything is a list.
 *
 * One P.  A driver gives random operations to workers, one at a time, and lets everybody run until
 * all are idle or parked.  The model says who must have finished, with which case, value and
 * verdict, and who must still wait.  Where a select has a choice, among ready cases or several of
 * one channel, the model takes it over, after having looked that it was a choice. */
#include "in_go.h"

enum { CHANS = 4, WORKERS = 7, CASES = 4, CAP_MAX = 3, STEPS = 4000, QUEUE = WORKERS * CASES };

enum kind { OP_SELECT, OP_SEND, OP_RECV, OP_TRY_SEND, OP_TRY_RECV, OP_CLOSE };
enum outcome { RUNNING, FINISHED, PANICKED };

struct one_case {
    int chan; /* -1: nil */
    bool send;
    int value;
};

struct op {
    enum kind kind;
    int n;
    bool has_default;
    struct one_case cases[CASES];
};

struct result {
    enum outcome outcome;
    int index; /* case that ran, or GO_DEFAULT */
    int value; /* received */
    bool ok;
    const char *text;
};

static go_chan(int) chans[CHANS];

/* ---- the real thing ---- */

struct worker {
    go_sem orders;
    struct op op;
    struct result r;
    bool quit;
};

static struct worker workers[WORKERS];

static void run_select(struct op *op, struct result *r)
{
    go_case cases[CASES + 1];
    int values[CASES] = {0};
    bool oks[CASES] = {0};
    for (int i = 0; i < op->n; i++) {
        go_chan(int) c = op->cases[i].chan < 0 ? NULL : chans[op->cases[i].chan];
        cases[i] = op->cases[i].send ? go_send_case(c, op->cases[i].value)
                                     : go_recv_case(c, &values[i], &oks[i]);
    }
    cases[op->n] = go_default;
    r->index = go_select_n(cases, op->n + op->has_default);
    if (r->index >= 0 && !op->cases[r->index].send) {
        r->value = values[r->index];
        r->ok = oks[r->index];
    }
}

static void run_op(void *arg)
{
    struct worker *w = arg;
    struct one_case *k = &w->op.cases[0];
    go_chan(int) c = k->chan < 0 ? NULL : chans[k->chan];
    struct result *r = &w->r;
    switch (w->op.kind) {
    case OP_SELECT:
        run_select(&w->op, r);
        break;
    case OP_SEND:
        go_chan_send(c, k->value);
        break;
    case OP_RECV:
        r->ok = go_chan_recv_ok(c, &r->value);
        break;
    case OP_TRY_SEND:
        r->index = go_chan_try_send(c, k->value) ? 0 : GO_DEFAULT;
        break;
    case OP_TRY_RECV:
        r->value = -7;
        r->ok = go_chan_try_recv(c, &r->value);
        r->index = r->ok || r->value == 0 ? 0 : GO_DEFAULT;
        break;
    case OP_CLOSE:
        go_chan_close(c);
        break;
    }
}

static void work(void *arg)
{
    struct worker *w = arg;
    for (;;) {
        go_sem_acquire(&w->orders, 1);
        if (w->quit)
            return;
        w->r.text = go_recover(run_op, w);
        w->r.outcome = w->r.text ? PANICKED : FINISHED;
    }
}

/* ---- the model ---- */

struct place {
    int worker, index; /* a worker's case */
};

struct model_chan {
    int cap, len, buf[CAP_MAX];
    bool closed;
    struct place senders[QUEUE], receivers[QUEUE];
    int n_senders, n_receivers;
};

static struct model_chan model[CHANS];
static struct result expected[WORKERS];
static struct op current[WORKERS];
static int next_value;

static void remove_worker(struct place *q, int *n, int worker)
{
    int kept = 0;
    for (int i = 0; i < *n; i++)
        if (q[i].worker != worker)
            q[kept++] = q[i];
    *n = kept;
}

static void completes(int worker, int index, int value, bool ok)
{
    expected[worker] = (struct result){FINISHED, index, value, ok, NULL};
    for (int c = 0; c < CHANS; c++) {
        remove_worker(model[c].senders, &model[c].n_senders, worker);
        remove_worker(model[c].receivers, &model[c].n_receivers, worker);
    }
}

static void panics(int worker, const char *text)
{
    completes(worker, 0, 0, false);
    expected[worker].outcome = PANICKED;
    expected[worker].text = text;
}

/* NULL for the nil channel. */
static struct model_chan *model_of(const struct one_case *k)
{
    return k->chan < 0 ? NULL : &model[k->chan];
}

static bool ready(const struct one_case *k)
{
    if (k->chan < 0)
        return false;
    const struct model_chan *m = model_of(k);
    return m->closed || (k->send ? m->len < m->cap || m->n_receivers : m->len || m->n_senders);
}

/* A select in several places of one queue may be served through any of them. */
static struct place served(struct place p)
{
    const struct op *op = &current[p.worker];
    const struct result *r = &workers[p.worker].r;
    if (r->outcome == FINISHED && r->index >= 0 && r->index < op->n &&
        op->cases[r->index].chan == op->cases[p.index].chan &&
        op->cases[r->index].send == op->cases[p.index].send)
        p.index = r->index;
    return p;
}

/* Takes the first of the buffer and lets the first sender refill it. */
static int take_value(struct model_chan *m)
{
    int v = 0;
    if (m->len) {
        v = m->buf[0];
        memmove(m->buf, m->buf + 1, (size_t)--m->len * sizeof *m->buf);
    }
    if (m->n_senders) {
        struct place s = served(m->senders[0]);
        int sent = current[s.worker].cases[s.index].value;
        if (m->cap)
            m->buf[m->len++] = sent;
        else
            v = sent;
        completes(s.worker, s.index, 0, false);
    }
    return v;
}

/* Worker runs its case i, which is ready. */
static void apply(int worker, int i)
{
    struct one_case *k = &current[worker].cases[i];
    struct model_chan *m = model_of(k);
    if (k->send) {
        if (m->closed) {
            panics(worker, "send on closed channel");
            return;
        }
        if (m->n_receivers) {
            struct place r = served(m->receivers[0]);
            completes(r.worker, r.index, k->value, true);
        } else {
            m->buf[m->len++] = k->value;
        }
        completes(worker, i, 0, false);
    } else if (m->len || m->n_senders) {
        completes(worker, i, take_value(m), true);
    } else {
        completes(worker, i, 0, false);
    }
}

static void queue_up(int worker)
{
    struct op *op = &current[worker];
    for (int i = 0; i < op->n; i++) {
        if (op->cases[i].chan < 0)
            continue;
        struct model_chan *m = model_of(&op->cases[i]);
        struct place p = {worker, i};
        if (op->cases[i].send)
            m->senders[m->n_senders++] = p;
        else
            m->receivers[m->n_receivers++] = p;
    }
}

static void close_model(int worker)
{
    struct one_case *k = &current[worker].cases[0];
    struct model_chan *m = model_of(k);
    if (k->chan < 0 || m->closed) {
        panics(worker, k->chan < 0 ? "close of nil channel" : "close of closed channel");
        return;
    }
    completes(worker, 0, 0, false);
    m->closed = true;
    while (m->n_receivers) {
        struct place r = served(m->receivers[0]);
        completes(r.worker, r.index, 0, false);
    }
    while (m->n_senders)
        panics(m->senders[0].worker, "send on closed channel");
}

/* What must happen when worker gets its operation; chosen is the case that really ran. */
static void predict(int worker, int chosen)
{
    struct op *op = &current[worker];
    bool any = false;
    expected[worker] = (struct result){.outcome = RUNNING};
    if (op->kind == OP_CLOSE) {
        close_model(worker);
        return;
    }
    for (int i = 0; i < op->n; i++)
        any = any || ready(&op->cases[i]);
    if (any) {
        CHECK(chosen >= 0 && chosen < op->n && ready(&op->cases[chosen]));
        apply(worker, chosen);
    } else if (op->has_default) {
        completes(worker, GO_DEFAULT, 0, false);
    } else {
        queue_up(worker);
    }
}

/* ---- the driver ---- */

static struct op random_op(uint64_t *random)
{
    struct op op = {.n = 1};
    uint32_t r = next_random(random) % 100;
    op.kind = r < 45   ? OP_SELECT
              : r < 64 ? OP_SEND
              : r < 83 ? OP_RECV
              : r < 91 ? OP_TRY_SEND
              : r < 99 ? OP_TRY_RECV
                       : OP_CLOSE;
    if (op.kind == OP_SELECT) {
        op.n = 1 + (int)(next_random(random) % CASES);
        op.has_default = next_random(random) % 3 == 0;
    }
    for (int i = 0; i < op.n; i++) {
        op.cases[i].chan = (int)(next_random(random) % CHANS);
        op.cases[i].send = op.kind == OP_SELECT ? next_random(random) % 2
                                                : op.kind == OP_SEND || op.kind == OP_TRY_SEND;
        op.cases[i].value = ++next_value;
    }
    if (op.kind == OP_TRY_SEND || op.kind == OP_TRY_RECV)
        op.has_default = true;
    /* nil, but not where it would block for ever */
    if (next_random(random) % 20 == 0 && (op.has_default || op.n > 1 || op.kind == OP_CLOSE))
        op.cases[0].chan = -1;
    return op;
}

/* The step being looked at, for the message of a failure. */
static struct {
    unsigned long long seed;
    int step, worker;
} now;

static void explain(int w)
{
    const struct op *op = &current[w];
    const struct result *got = &workers[w].r, *want = &expected[w];
    if (got->outcome == want->outcome && (got->outcome != FINISHED || got->index == want->index))
        return;
    fprintf(stderr, "seed %llu step %d by %d; worker %d: kind %d, default %d\n", now.seed, now.step,
            now.worker, w, op->kind, op->has_default);
    for (int i = 0; i < op->n; i++)
        fprintf(stderr, "  case %d: %s %d of chan %d\n", i, op->cases[i].send ? "send" : "receive",
                op->cases[i].value, op->cases[i].chan);
    fprintf(stderr, "  got %d case %d value %d; wanted %d case %d value %d\n", got->outcome,
            got->index, got->value, want->outcome, want->index, want->value);
}

static void compare(int w)
{
    const struct result *got = &workers[w].r, *want = &expected[w];
    explain(w);
    CHECK(got->outcome == want->outcome);
    if (want->outcome == PANICKED)
        CHECK_TEXT(got->text, want->text);
    if (want->outcome != FINISHED)
        return;
    CHECK(got->index == want->index);
    if (want->index >= 0 && current[w].kind != OP_CLOSE && !current[w].cases[want->index].send)
        CHECK(got->value == want->value && got->ok == want->ok);
}

/* The case that ran: a panic does not tell, but it must have been a send on a closed channel. */
static int chosen_by(int w)
{
    const struct op *op = &current[w];
    if (workers[w].r.outcome == FINISHED)
        return workers[w].r.index;
    for (int i = 0; i < op->n; i++)
        if (op->cases[i].send && op->cases[i].chan >= 0 && model[op->cases[i].chan].closed)
            return i;
    return 0;
}

static void one_step(uint64_t *random)
{
    int idle[WORKERS], n = 0;
    now.step++;
    for (int w = 0; w < WORKERS; w++)
        if (expected[w].outcome != RUNNING)
            idle[n++] = w;
    int w = idle[next_random(random) % (uint32_t)n];
    now.worker = w;
    workers[w].op = current[w] = random_op(random);
    workers[w].r = (struct result){.outcome = RUNNING};
    go_sem_release(&workers[w].orders, 1);
    settle();
    predict(w, chosen_by(w));
    for (int i = 0; i < WORKERS; i++)
        compare(i);
    for (int c = 0; c < CHANS; c++)
        CHECK(go_chan_len(chans[c]) == (size_t)model[c].len);
}

/* Somebody must be idle to take the next operation: a close lets everybody at one channel go. */
static int count_idle(void)
{
    int n = 0;
    for (int w = 0; w < WORKERS; w++)
        n += expected[w].outcome != RUNNING;
    return n;
}

static void start_over(uint64_t *random)
{
    for (int c = 0; c < CHANS; c++) {
        model[c] = (struct model_chan){.cap = (int)(next_random(random) % (CAP_MAX + 1))};
        chans[c] = go_chan_make(int, (size_t)model[c].cap);
    }
    for (int w = 0; w < WORKERS; w++) {
        workers[w] = (struct worker){.r.outcome = FINISHED};
        expected[w] = (struct result){.outcome = FINISHED, .index = 0};
        current[w] = (struct op){.kind = OP_CLOSE};
        start(work, &workers[w]);
    }
    settle();
}

/* Everybody parked gets away by closing what is open. */
static void end(void)
{
    for (int c = 0; c < CHANS; c++)
        if (!model[c].closed)
            go_chan_close(chans[c]);
    settle();
    for (int w = 0; w < WORKERS; w++) {
        workers[w].quit = true;
        go_sem_release(&workers[w].orders, 1);
    }
    finish();
    for (int c = 0; c < CHANS; c++)
        go_chan_free(chans[c]);
}

static int model_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const char *text = getenv("GO_TEST_SEED");
    uint64_t first = text ? strtoull(text, NULL, 0) : 1, n = text ? 1 : 200;
    go_maxprocs(1);
    for (uint64_t seed = first; seed < first + n; seed++) {
        uint64_t random = seed;
        now.seed = seed;
        now.step = 0;
        start_over(&random);
        for (int step = 0; step < STEPS / 20 && count_idle() > 0; step++)
            one_step(&random);
        end();
    }
    return 0;
}

/* A failure prints what did not hold; GO_TEST_SEED=n runs the n-th program alone. */
Test(chan_model, random_programs_do_what_the_model_says)
{
    cr_assert_eq(go_run(model_main, 0, NULL), 0);
}
