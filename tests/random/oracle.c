/* oracle.c - what happens before what in a program, by the definition; plain and slow.
 *
 * Moments are looked at in the order of the list.  The set of moments before one is that of the
 * moment before it in its flow, and of those that it learns from.  The rules are those of
 * Go's memory model, of C11's atomics and of POSIX as the README gives them; an atomic location is
 * here a row of bytes, each with its own release sequence, which says what operations of different
 * sizes mean. */
#include "program.h"
#include <string.h>

enum { NONE = -1 };

/* Somebody who released into a release sequence: when, and whose. */
struct head {
    int moment, flow;
};

/* A location as the detector sees it: one for each place and size, which others do not change. */
struct seq {
    int off, size, n;
    struct head head[OPS];
};

struct state {
    const struct program *p;
    int edges;
    struct order *o;
    int last[FLOWS], born_by[FLOWS]; /* moments */
    struct head heads[ATOMIC_BYTES][OPS];
    int n_heads[ATOMIC_BYTES];
    struct seq seq[ATOMIC_BYTES * 2];
    int n_seq;
    int fence[FLOWS];                   /* the last release fence */
    uint64_t read[FLOWS][OPS * 2 / 64]; /* moments whose release relaxed loads have read */
    int hand[OBJECTS][OPS], n_hand[OBJECTS];
    void (*told)(int now, int from); /* of what flows learn from each other, or NULL */
};

static int begin_of(int op)
{
    return op * 2;
}

static void learn(struct state *s, int now, int from)
{
    if (s->told && s->p->op[now / 2].flow != s->p->op[from / 2].flow)
        s->told(now, from);
    uint64_t *b = s->o->before[now];
    const uint64_t *a = s->o->before[from];
    for (int i = 0; i < OPS * 2 / 64; i++)
        b[i] |= a[i];
    b[from / 64] |= UINT64_C(1) << (from % 64);
}

/* Learns from the beginnings of all operations of the kinds from .. to on the object so far. */
static void learn_all(struct state *s, int m, int obj, enum op_kind from, enum op_kind to)
{
    for (int i = 0; i < m; i++) {
        int moment = s->p->moments[i];
        const struct op *op = &s->p->op[moment / 2];
        if (moment % 2 == 0 && op->obj == obj && op->kind >= from && op->kind <= to)
            learn(s, s->p->moments[m], moment);
    }
}

/* How many operations of kinds on op's object stand before it in the list. */
static int number_of(const struct program *p, const struct op *op, uint64_t kinds)
{
    int n = 0;
    for (const struct op *x = p->op; x < op; x++)
        n += x->obj == op->obj && (kinds >> x->kind & 1);
    return n;
}

/* The n-th operation of these kinds on the object, or NONE. */
static int nth(const struct program *p, int obj, uint64_t kinds, int n)
{
    for (int i = 0; i < p->n_ops; i++)
        if (p->op[i].obj == obj && (kinds >> p->op[i].kind & 1) && n-- == 0)
            return i;
    return NONE;
}

static void learn_from(struct state *s, int now, int op)
{
    if (op != NONE)
        learn(s, now, begin_of(op));
}

#define KIND(name) (UINT64_C(1) << OP_##name)
enum { KINDS_FIT = 1 / (OP_HAND_MERGE < 64) };
static const uint64_t sends = KIND(SEND) | KIND(TRYSEND), receives = KIND(RECV) | KIND(TRYRECV),
                      acquires_of_sem = KIND(ACQUIRE) | KIND(TRYACQUIRE);

/* ---- atomics ---- */

static bool acquires(int mo)
{
    return mo == __ATOMIC_ACQUIRE || mo == __ATOMIC_CONSUME || mo == __ATOMIC_ACQ_REL ||
           mo == __ATOMIC_SEQ_CST;
}

static bool releases(int mo)
{
    return mo == __ATOMIC_RELEASE || mo == __ATOMIC_ACQ_REL || mo == __ATOMIC_SEQ_CST;
}

static void read_heads(struct state *s, const struct op *op, int now, const struct head *h, int n)
{
    for (int i = 0; i < n; i++) {
        if (acquires(op->mo))
            learn(s, now, h[i].moment);
        else
            s->read[op->flow][h[i].moment / 64] |= UINT64_C(1) << h[i].moment % 64;
    }
}

static void load(struct state *s, const struct op *op, int now)
{
    for (int b = op->off; b < op->off + op->size; b++)
        read_heads(s, op, now, s->heads[b], s->n_heads[b]);
    for (int i = 0; (s->edges & PERHAPS) && i < s->n_seq; i++)
        if (s->seq[i].off < op->off + op->size && op->off < s->seq[i].off + s->seq[i].size)
            read_heads(s, op, now, s->seq[i].head, s->seq[i].n);
}

/* A store ends the release sequences of others, and goes on with its own flow's (C11). */
static int stored(const struct op *op, struct head *h, int n, int given)
{
    int kept = 0;
    for (int i = 0; i < n; i++)
        if (op->kind == OP_RMW || h[i].flow == op->flow)
            h[kept++] = h[i];
    if (given != NONE)
        h[kept++] = (struct head){given, op->flow};
    return kept;
}

static struct seq *seq_of(struct state *s, const struct op *op)
{
    for (int i = 0; i < s->n_seq; i++)
        if (s->seq[i].off == op->off && s->seq[i].size == op->size)
            return &s->seq[i];
    struct seq *q = &s->seq[s->n_seq++];
    q->off = op->off;
    q->size = op->size;
    q->n = 0;
    return q;
}

static void store(struct state *s, const struct op *op, int now)
{
    int given = releases(op->mo) ? now : s->fence[op->flow];
    struct seq *q = seq_of(s, op);
    for (int b = op->off; b < op->off + op->size; b++)
        s->n_heads[b] = stored(op, s->heads[b], s->n_heads[b], given);
    q->n = stored(op, q->head, q->n, given);
}

static void fence(struct state *s, const struct op *op, int now)
{
    for (int i = 0; acquires(op->mo) && i < OPS * 2; i++)
        if (s->read[op->flow][i / 64] >> (i % 64) & 1)
            learn(s, now, i);
    if (releases(op->mo))
        s->fence[op->flow] = now;
}

/* ---- descriptors ---- */

static int bytes_through(const struct program *p, const struct op *op)
{
    return p->object[op->obj].variant == 2 ? 1 : op->size ? op->size : 1;
}

/* Streams: the writes whose bytes the read gets.  An eventfd's read gets all since the last one;
 * one that waited, only the write that let it go. */
static void read_pipe(struct state *s, int m, const struct op *op)
{
    const struct program *p = s->p;
    int now = p->moments[m], at = 0, from = 0, to, seen = 0;
    bool event = p->object[op->obj].variant == 2;
    for (const struct op *x = p->op; x < op; x++)
        if (x->kind == OP_PIPE_READ && x->obj == op->obj)
            from += bytes_through(p, x);
    to = from + bytes_through(p, op);
    for (int i = 0; i < m; i++) {
        const struct op *x = &p->op[p->moments[i] / 2];
        if (x->obj != op->obj)
            continue;
        if (event && x->kind == OP_PIPE_READ && p->moments[i] % 2 == 1)
            from = at;
        if (x->kind != OP_PIPE_WRITE || p->moments[i] % 2 == 1)
            continue;
        int n = bytes_through(p, x);
        seen++;
        if ((!event && at < to && at + n > from) || (s->edges & PERHAPS))
            learn(s, now, p->moments[i]);
        at += n;
    }
    at = 0;
    for (int i = 0; event && i < m; i++) {
        const struct op *x = &p->op[p->moments[i] / 2];
        if (x->kind == OP_PIPE_WRITE && x->obj == op->obj && p->moments[i] % 2 == 0 && at++ >= from)
            learn(s, now, p->moments[i]);
    }
}

/* ---- the rules ---- */

static void begins(struct state *s, const struct op *op, int now)
{
    int *n = op->obj >= 0 ? &s->n_hand[op->obj < OBJECTS ? op->obj : 0] : NULL;
    switch (op->kind) {
    case OP_GO:
        s->born_by[op->obj] = now;
        break;
    case OP_LOAD:
    case OP_CAS_FAILS:
        load(s, op, now);
        break;
    case OP_RMW:
        load(s, op, now); /* fall through */
    case OP_STORE:
        store(s, op, now);
        break;
    case OP_FENCE:
        fence(s, op, now);
        break;
    case OP_HAND_RELEASE:
        *n = 0; /* fall through */
    case OP_HAND_MERGE:
        s->hand[op->obj][(*n)++] = now;
        break;
    case OP_HAND_ACQUIRE:
        for (int i = 0; i < *n; i++)
            learn(s, now, s->hand[op->obj][i]);
        break;
    default:
        break;
    }
}

static void sem_acquired(struct state *s, int m, const struct op *op)
{
    const struct program *p = s->p;
    int unit = number_of(p, op, acquires_of_sem) - p->object[op->obj].cap;
    if (unit >= 0)
        learn_from(s, p->moments[m], nth(p, op->obj, KIND(RELEASE), unit));
    if (s->edges & PERHAPS)
        learn_all(s, m, op->obj, OP_RELEASE, OP_RELEASE);
}

/* Woken by the first signal after it began to wait. */
static void cond_woken(struct state *s, int m, const struct op *op)
{
    const struct program *p = s->p;
    const struct op *x = op;
    while (x->obj != op->obj || (x->kind != OP_SIGNAL && x->kind != OP_BROADCAST))
        x++;
    learn(s, p->moments[m], begin_of((int)(x - p->op)));
    if (p->object[op->obj].variant == 1 && (s->edges & PERHAPS))
        learn_all(s, m, op->obj, OP_SIGNAL, OP_BROADCAST);
    learn_all(s, m, op->obj + 1, OP_UNLOCK, OP_UNLOCK);
    learn_all(s, m, op->obj, OP_COND_WAIT, OP_COND_WAIT);
}

static void ends(struct state *s, int m, const struct op *op)
{
    const struct program *p = s->p;
    int now = p->moments[m], o = op->obj, n;
    switch (op->kind) {
    case OP_JOIN:
        learn(s, now, s->last[o]);
        break;
    case OP_LOCK:
    case OP_TRYLOCK:
        learn_all(s, m, o, OP_UNLOCK, OP_UNLOCK);
        if (o > 0 && p->object[o - 1].class == COND)
            learn_all(s, m, o - 1, OP_COND_WAIT, OP_COND_WAIT);
        break;
    case OP_WLOCK:
    case OP_TRYWLOCK:
        learn_all(s, m, o, OP_RUNLOCK, OP_RUNLOCK); /* fall through */
    case OP_RLOCK:
    case OP_TRYRLOCK:
        learn_all(s, m, o, OP_WUNLOCK, OP_WUNLOCK);
        break;
    case OP_RECV:
    case OP_TRYRECV:
        learn_from(s, now, nth(p, o, sends, number_of(p, op, receives)));
        break;
    case OP_SEND:
    case OP_TRYSEND:
        n = number_of(p, op, sends) - p->object[o].cap;
        if (n >= 0)
            learn_from(s, now, nth(p, o, receives, n));
        break;
    case OP_RECV_CLOSED:
        learn_all(s, m, o, OP_CLOSE, OP_CLOSE);
        break;
    case OP_WAIT:
        learn_all(s, m, o, OP_DONE, OP_DONE);
        break;
    case OP_DO_ONCE:
        learn_from(s, now, nth(p, o, KIND(DO_ONCE), 0));
        break;
    case OP_COND_WAIT:
        cond_woken(s, m, op);
        break;
    case OP_ACQUIRE:
    case OP_TRYACQUIRE:
        sem_acquired(s, m, op);
        break;
    case OP_MEET:
        n = number_of(p, op, KIND(MEET)) / p->object[o].cap * p->object[o].cap;
        for (int i = 0; i < p->object[o].cap; i++)
            learn_from(s, now, nth(p, o, KIND(MEET), n + i));
        break;
    case OP_PIPE_READ:
        read_pipe(s, m, op);
        break;
    case OP_AWAIT_CANCEL:
        learn_from(s, now, nth(p, o, KIND(CANCEL), 0));
        break;
    case OP_AWAIT_ALARM:
        learn_from(s, now, nth(p, o, KIND(ARM), 0));
        break;
    default:
        break;
    }
}

void oracle_order(const struct program *p, int edges, struct order *ret_order)
{
    oracle_tell(p, edges, ret_order, NULL);
}

void oracle_tell(const struct program *p, int edges, struct order *ret_order,
                 void (*told)(int now, int from))
{
    static struct state s;
    memset(s.read, 0, sizeof s.read);
    memset(s.n_heads, 0, sizeof s.n_heads);
    memset(s.n_hand, 0, sizeof s.n_hand);
    memset(ret_order, 0, sizeof *ret_order);
    s.n_seq = 0;
    s.p = p;
    s.edges = edges;
    s.told = told;
    s.o = ret_order;
    for (int f = 0; f < FLOWS; f++)
        s.last[f] = s.born_by[f] = s.fence[f] = NONE;
    for (int m = 0; m < p->n_moments; m++) {
        int now = p->moments[m];
        const struct op *op = &p->op[now / 2];
        int f = op->flow;
        if (s.last[f] != NONE)
            learn(&s, now, s.last[f]);
        else if (s.born_by[f] != NONE)
            learn(&s, now, s.born_by[f]);
        if (now % 2 == 0)
            begins(&s, op, now);
        else
            ends(&s, m, op);
        s.last[f] = now;
    }
}

/* ---- races ---- */

static bool writes(const struct op *op)
{
    switch (op->kind) {
    case OP_WRITE:
    case OP_RANGE_WRITE:
    case OP_FREE:
    case OP_DO_ONCE:
    case OP_STORE:
    case OP_RMW:
    case OP_RECV:
    case OP_TRYRECV:
    case OP_RECV_CLOSED:
    case OP_PIPE_READ:
        return true;
    default:
        return false;
    }
}

/* What is received is written at the end. */
static bool is_late(const struct op *op)
{
    return op->kind == OP_RECV || op->kind == OP_TRYRECV || op->kind == OP_RECV_CLOSED ||
           op->kind == OP_PIPE_READ;
}

int oracle_touches(const struct program *p, int i, struct oracle_touch ret[2])
{
    const struct op *op = &p->op[i];
    int n = 0;
    if (op->size > 0)
        ret[n++] = (struct oracle_touch){{op->region, op->off, op->off + op->size},
                                         i * 2 + is_late(op),
                                         writes(op),
                                         op->kind >= OP_LOAD && op->kind <= OP_CAS_FAILS};
    if (op->kind == OP_SEND || op->kind == OP_TRYSEND || op->kind == OP_TRYSEND_FAILS ||
        op->kind == OP_CLOSE)
        ret[n++] =
            (struct oracle_touch){{R_OBJECT + op->obj, 0, 1}, i * 2, op->kind == OP_CLOSE, false};
    return n;
}

static bool ordered(const struct order *o, int a, int b)
{
    return (o->before[b][a / 64] >> (a % 64) & 1) || (o->before[a][b / 64] >> (b % 64) & 1);
}

int oracle_races(const struct program *p, const struct order *o, int a, int b, struct bytes ret[2])
{
    struct oracle_touch ta[2], tb[2];
    int na = oracle_touches(p, a, ta), nb = oracle_touches(p, b, tb), n = 0;
    if (p->op[a].flow == p->op[b].flow)
        return 0;
    for (int i = 0; i < na; i++)
        for (int j = 0; j < nb; j++) {
            struct oracle_touch *x = &ta[i], *y = &tb[j];
            int from = x->at.from > y->at.from ? x->at.from : y->at.from;
            int to = x->at.to < y->at.to ? x->at.to : y->at.to;
            if (x->at.region == y->at.region && from < to && (x->write || y->write) &&
                !(x->atomic && y->atomic) && !ordered(o, x->moment, y->moment))
                ret[n++] = (struct bytes){x->at.region, from, to};
        }
    return n;
}
