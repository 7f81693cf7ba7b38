/* make_sync.c - makes random programs: what flows do with objects.  See make.c.
 *
 * Each class has a function that lists one operation of a flow on an object, if one fits the
 * object's state, and plays it.  Objects that belong to the kernel or to libc stop a whole thread,
 * so only threads wait for them.  Where it is not known which of several waiters is let go, there
 * is at most one. */
#include "sim.h"

static void push(struct queue *q, const struct sim *s, const struct op *op)
{
    q->op[q->n++] = (uint16_t)(op - s->p->op);
}

static struct op *pop(struct queue *q, struct sim *s)
{
    struct op *op = &s->p->op[q->op[0]];
    q->n--;
    for (int i = 0; i < q->n; i++)
        q->op[i] = q->op[i + 1];
    return op;
}

static void withdraw(struct queue *q, const struct sim *s, const struct op *op)
{
    int kept = 0, which = (int)(op - s->p->op);
    for (int i = 0; i < q->n; i++)
        if (q->op[i] != which)
            q->op[kept++] = q->op[i];
    q->n = kept;
}

/* Waits on object o of this program stop the thread. */
static bool stops_thread(const struct sim *s, int o)
{
    const struct object *x = &s->p->object[o];
    return x->class == BARRIER || (x->class != CHAN && x->variant > 0);
}

static bool can_wait(const struct sim *s, int f, int o)
{
    return stops_thread(s, o) ? may_stop(s, f) : may_wait(s, f);
}

static struct op *at_once(struct sim *s, enum op_kind kind, int f, int o)
{
    struct op *op = sim_begin(s, kind, f, o);
    sim_end(s, op);
    return op;
}

/* ---- locks ---- */

static void take(struct sim *s, int f, struct thing *t)
{
    t->holder = f;
    t->locked_since = true;
    s->held[f]++;
}

static void use_mutex(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    bool free = t->holder < 0 && t->waiters.n == 0;
    bool in_doubt = o > 0 && s->p->object[o - 1].class == COND && !t->locked_since;
    if (free) { /* in doubt: who waits for the condition may only be about to unlock */
        at_once(s, !in_doubt && chance(s, 30) ? OP_TRYLOCK : OP_LOCK, f, o);
        take(s, f, t);
    } else if (t->holder != f && t->waiters.n == 0 && chance(s, 30)) {
        at_once(s, OP_TRYLOCK_FAILS, f, o);
    } else if (t->holder != f && t->waiters.n == 0 && can_wait(s, f, o)) {
        push(&t->waiters, s, sim_begin(s, OP_LOCK, f, o));
    }
}

/* A waiter gets the mutex: of a lock, or of a condition that was signalled. */
static void hand_over(struct sim *s, struct thing *t)
{
    if (t->waiters.n > 0) {
        struct op *op = pop(&t->waiters, s);
        sim_end(s, op);
        take(s, op->flow, t);
    }
}

static void unlock(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    s->held[t->holder]--;
    t->holder = -1;
    at_once(s, OP_UNLOCK, f, o);
    hand_over(s, t);
}

static void use_rwlock(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    bool mine = t->holder == f || (t->readers >> f & 1), write = chance(s, 40);
    bool free = t->holder < 0 && (!write || t->readers == 0);
    if (mine || t->waiters.n > 0 || (s->p->object[o].variant && s->p->flow[f] != FLOW_THREAD))
        return; /* libc's belongs to a thread, which goroutines share and change */
    if (free) {
        bool try = chance(s, 30);
        at_once(s, write ? (try ? OP_TRYWLOCK : OP_WLOCK) : try ? OP_TRYRLOCK : OP_RLOCK, f, o);
        if (write)
            t->holder = f;
        else
            t->readers |= 1 << f;
        s->held[f]++;
    } else if (chance(s, 30)) {
        at_once(s, write ? OP_TRYWLOCK_FAILS : OP_TRYRLOCK_FAILS, f, o);
    } else if (can_wait(s, f, o)) {
        push(&t->waiters, s, sim_begin(s, write ? OP_WLOCK : OP_RLOCK, f, o));
    }
}

static void rw_unlock(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    at_once(s, t->holder == f ? OP_WUNLOCK : OP_RUNLOCK, f, o);
    s->held[f]--;
    if (t->holder == f)
        t->holder = -1;
    else
        t->readers &= ~(1 << f);
    if (t->waiters.n == 0 || t->holder >= 0)
        return;
    const struct op *next = &s->p->op[t->waiters.op[0]];
    if (next->kind == OP_WLOCK && t->readers != 0)
        return;
    struct op *op = pop(&t->waiters, s);
    sim_end(s, op);
    s->held[op->flow]++;
    if (op->kind == OP_WLOCK)
        t->holder = op->flow;
    else
        t->readers |= 1 << op->flow;
}

bool sim_drop(struct sim *s, int f)
{
    for (int o = 0; o < s->p->n_objects; o++) {
        struct thing *t = &s->thing[o];
        if (s->p->object[o].class == MUTEX && t->holder == f) {
            unlock(s, f, o);
            return true;
        }
        if (s->p->object[o].class == RWLOCK && (t->holder == f || (t->readers >> f & 1))) {
            rw_unlock(s, f, o);
            return true;
        }
    }
    return false;
}

/* ---- conditions: object o, and o + 1 is the mutex ---- */

static void signal_one(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o], *m = &s->thing[o + 1];
    bool all = chance(s, 40);
    struct op *op = sim_begin(s, all ? OP_BROADCAST : OP_SIGNAL, f, o);
    sim_chain(s, op, &s->chain[o + 1]);
    sim_end(s, op);
    if (t->waiters.n == 0)
        return;
    t->signalled = true;
    push(&m->waiters, s, pop(&t->waiters, s));
    if (m->holder < 0)
        hand_over(s, m);
}

static void use_cond(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o], *m = &s->thing[o + 1];
    bool thread = s->p->flow[f] == FLOW_THREAD || s->p->object[o].variant == 0;
    if (m->holder == f && s->held[f] == 1 && f != 0 && thread && t->waiters.n == 0 &&
        chance(s, 60)) {
        struct op *op = sim_begin(s, OP_COND_WAIT, f, o);
        sim_chain(s, op, &s->chain[o + 1]);
        push(&t->waiters, s, op);
        s->held[f]--;
        m->holder = -1;
        hand_over(s, m);
        m->locked_since = m->holder >= 0;
    } else if (t->waiters.n == 0 ? chance(s, 20) : m->locked_since && m->waiters.n == 0) {
        signal_one(s, f, o);
    } else {
        use_mutex(s, f, o + 1);
    }
}

/* ---- channels ----
 * At most one flow waits at either end: two that begin to wait at the same time may do so in either
 * order.  A select waits to receive from two channels. */

/* It need not wait, and nobody who is about to wait could be the one it meets. */
static void try_channel(struct sim *s, int f, int o, bool sends)
{
    struct thing *t = &s->thing[o];
    bool nobody = t->waiters.n == 0 && t->senders.n == 0;
    int cap = s->p->object[o].cap;
    struct op *op = NULL;
    if (!nobody || t->closed)
        return;
    if (sends && t->count < cap) {
        op = sim_begin(s, OP_TRYSEND, f, o);
        t->count++;
    } else if (!sends && t->count > 0) {
        op = sim_begin(s, OP_TRYRECV, f, o);
        t->count--;
    } else {
        op = sim_begin(s, sends ? OP_TRYSEND_FAILS : OP_TRYRECV_FAILS, f, o);
        sim_end(s, op);
        return;
    }
    sim_memory(s, op, s->p->object[o].size);
    sim_end(s, op);
}

/* A receiver that waits, here and perhaps at another channel, has met a sender here. */
static void met(struct sim *s, struct op *op, int o)
{
    if (op->alt >= 0) {
        int other = op->obj == o ? op->alt : op->obj;
        withdraw(&s->thing[other].waiters, s, op);
        op->obj = (int8_t)o;
        op->alt = (int8_t)other;
    }
    sim_end(s, op);
}

static void send(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    bool full = t->count == s->p->object[o].cap;
    bool meets = t->waiters.n > 0;
    if (t->closed || t->senders.n > 0 || (full && !meets && !can_wait(s, f, o)))
        return;
    struct op *op = sim_begin(s, OP_SEND, f, o);
    op->selects = chance(s, 30);
    sim_memory(s, op, s->p->object[o].size);
    if (meets) {
        struct op *receiver = pop(&t->waiters, s);
        met(s, receiver, o);
        sim_end(s, op);
    } else if (full) {
        push(&t->senders, s, op);
    } else {
        t->count++;
        sim_end(s, op);
    }
}

static bool is_idle(const struct sim *s, int o)
{
    const struct thing *t = &s->thing[o];
    return s->p->object[o].class == CHAN && t->count == 0 && !t->closed && t->senders.n == 0 &&
           t->waiters.n == 0;
}

/* A receive may become a select of two channels, the other of which has nothing. */
static void widen(struct sim *s, struct op *op)
{
    op->selects = chance(s, 40);
    if (!op->selects || chance(s, 40))
        return;
    for (int o = 0; o < s->p->n_objects; o++)
        if (o != op->obj && is_idle(s, o) && s->p->object[o].size == s->p->object[op->obj].size) {
            op->alt = (int8_t)o;
            sim_chain(s, op, &s->chain[o]);
            return;
        }
}

static void receive(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    bool ready = t->count > 0 || t->senders.n > 0;
    if (t->waiters.n > 0 || (!ready && !t->closed && !can_wait(s, f, o)))
        return;
    struct op *op = sim_begin(s, ready || !t->closed ? OP_RECV : OP_RECV_CLOSED, f, o);
    widen(s, op);
    sim_memory(s, op, s->p->object[o].size);
    if (!ready && !t->closed) {
        push(&t->waiters, s, op);
        if (op->alt >= 0)
            push(&s->thing[op->alt].waiters, s, op);
        return;
    }
    if (t->count > 0)
        t->count--;
    if (t->senders.n > 0) {
        struct op *sender = pop(&t->senders, s);
        t->count += s->p->object[o].cap > 0;
        sim_end(s, sender);
    }
    sim_end(s, op);
}

static void close_channel(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    if (t->closed || t->senders.n > 0)
        return;
    struct op *op = sim_begin(s, OP_CLOSE, f, o);
    t->closed = true;
    if (t->waiters.n > 0) {
        struct op *receiver = pop(&t->waiters, s);
        receiver->kind = OP_RECV_CLOSED;
        met(s, receiver, o);
    }
    sim_end(s, op);
}

static void use_channel(struct sim *s, int f, int o)
{
    int what = below(s, 100);
    if (what < 38)
        send(s, f, o);
    else if (what < 80)
        receive(s, f, o);
    else if (what < 92)
        try_channel(s, f, o, what < 86);
    else if (what < 95)
        at_once(s, OP_LEN, f, o);
    else
        close_channel(s, f, o);
}

/* ---- what is waited for once, by any number of flows ---- */

static void let_all_go(struct sim *s, struct thing *t)
{
    while (t->waiters.n > 0)
        sim_end(s, pop(&t->waiters, s));
}

static void wait_or_pass(struct sim *s, enum op_kind kind, int f, int o, bool pass)
{
    struct thing *t = &s->thing[o];
    if (pass)
        at_once(s, kind, f, o);
    else if (can_wait(s, f, o))
        push(&t->waiters, s, sim_begin(s, kind, f, o));
}

static void done(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    if (t->count == 0)
        return;
    struct op *op = sim_begin(s, OP_DONE, f, o);
    if (--t->count == 0)
        let_all_go(s, t);
    sim_end(s, op);
}

static void cancel(struct sim *s, int f, int o)
{
    struct op *op = sim_begin(s, OP_CANCEL, f, o);
    s->thing[o].closed = true;
    let_all_go(s, &s->thing[o]);
    sim_end(s, op);
}

static void use_after(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    if (!t->closed) {
        at_once(s, OP_ARM, f, o);
        t->closed = true;
    } else if (t->used == 0) {
        at_once(s, OP_AWAIT_ALARM, f, o);
        t->used = 1;
    }
}

static void once(struct sim *s, int f, int o)
{
    struct op *op = sim_begin(s, OP_DO_ONCE, f, o);
    if (s->thing[o].used++ == 0)
        sim_memory(s, op, 4);
    sim_end(s, op);
}

/* ---- counted things ---- */

static void release(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    struct op *op = sim_begin(s, OP_RELEASE, f, o);
    if (t->waiters.n > 0)
        let_all_go(s, t);
    else
        t->count++;
    sim_end(s, op);
}

static void use_sem(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    if (chance(s, 50)) {
        release(s, f, o);
    } else if (t->waiters.n > 0) {
        return;
    } else if (chance(s, 30)) {
        at_once(s, t->count > 0 ? OP_TRYACQUIRE : OP_TRYACQUIRE_FAILS, f, o);
        t->count -= t->count > 0;
    } else {
        wait_or_pass(s, OP_ACQUIRE, f, o, t->count > 0);
        t->count -= t->count > 0;
    }
}

static void write_pipe(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    bool event = s->p->object[o].variant == 2;
    struct op *op = sim_begin(s, OP_PIPE_WRITE, f, o);
    if (!event)
        sim_memory(s, op, 1 << below(s, 4));
    int n = event ? 1 : op->size ? op->size : 1;
    if (t->waiters.n > 0) {
        n = event ? 0 : n - 1;
        let_all_go(s, t);
    }
    t->count += n;
    sim_end(s, op);
}

static void read_pipe(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    bool event = s->p->object[o].variant == 2;
    if (t->waiters.n > 0 || (t->count == 0 && !can_wait(s, f, o)))
        return;
    struct op *op = sim_begin(s, OP_PIPE_READ, f, o);
    int n = t->count < 4 ? 1 : 1 << below(s, 3);
    sim_memory(s, op, event ? 8 : t->count == 0 ? 1 : n);
    if (t->count == 0) {
        push(&t->waiters, s, op);
        return;
    }
    t->count -= event ? t->count : op->size ? op->size : 1;
    sim_end(s, op);
}

/* All who meet do so here, one after the other. */
static void meet(struct sim *s, int o)
{
    int free[FLOWS], n = 0, cap = s->p->object[o].cap;
    for (int f = 1; f < s->p->n_flows; f++)
        if (s->state[f] == READY && may_stop(s, f))
            free[n++] = f;
    if (n < cap)
        return;
    for (int i = 0; i < cap; i++) {
        int k = i + below(s, n - i), f = free[k];
        free[k] = free[i];
        push(&s->thing[o].waiters, s, sim_begin(s, OP_MEET, f, o));
    }
    let_all_go(s, &s->thing[o]);
}

/* ---- */

void sim_use(struct sim *s, int f, int o)
{
    struct thing *t = &s->thing[o];
    switch (s->p->object[o].class) {
    case MUTEX: /* a condition's is used with it */
        if (o == 0 || s->p->object[o - 1].class != COND)
            use_mutex(s, f, o);
        break;
    case RWLOCK:
        use_rwlock(s, f, o);
        break;
    case CHAN:
        use_channel(s, f, o);
        break;
    case GROUP:
        if (chance(s, 50))
            done(s, f, o);
        else
            wait_or_pass(s, OP_WAIT, f, o, t->count == 0);
        break;
    case ONCE:
        once(s, f, o);
        break;
    case COND:
        use_cond(s, f, o);
        break;
    case SEM:
        use_sem(s, f, o);
        break;
    case BARRIER:
        meet(s, o);
        break;
    case PIPE:
        chance(s, 50) ? write_pipe(s, f, o) : read_pipe(s, f, o);
        break;
    case CTX:
        if (chance(s, 25))
            cancel(s, f, o);
        else
            wait_or_pass(s, OP_AWAIT_CANCEL, f, o, t->closed);
        break;
    case AFTER:
        use_after(s, f, o);
        break;
    case HANDS:
        at_once(s, (enum op_kind)(OP_HAND_ACQUIRE + below(s, 3)), f, o);
        break;
    }
}

static void help_cond(struct sim *s, int o)
{
    struct thing *m = &s->thing[o + 1];
    if (m->holder >= 0 || m->waiters.n > 0)
        return;
    if (!m->locked_since) {
        at_once(s, OP_LOCK, 0, o + 1);
        take(s, 0, m);
        unlock(s, 0, o + 1);
    }
    signal_one(s, 0, o);
}

void sim_help(struct sim *s, const struct op *op)
{
    int o = op->obj;
    switch (op->kind) {
    case OP_SEND:
        receive(s, 0, o);
        break;
    case OP_RECV:
        send(s, 0, o);
        break;
    case OP_WAIT:
        done(s, 0, o);
        break;
    case OP_COND_WAIT:
        if (s->thing[o].waiters.n > 0)
            help_cond(s, o);
        break;
    case OP_ACQUIRE:
        release(s, 0, o);
        break;
    case OP_PIPE_READ:
        write_pipe(s, 0, o);
        break;
    case OP_AWAIT_CANCEL:
        cancel(s, 0, o);
        break;
    default:
        break; /* somebody holds a lock, or has not ended: that passes */
    }
}

void sim_add_object(struct sim *s, enum object_class class)
{
    static const uint8_t variants[CLASSES] = {
        [MUTEX] = 4, [RWLOCK] = 2, [ONCE] = 2, [COND] = 2, [SEM] = 2, [PIPE] = 3};
    struct program *p = s->p;
    struct object *x = &p->object[p->n_objects];
    struct thing *t = &s->thing[p->n_objects];
    if (class == COND && p->n_objects + 2 > OBJECTS)
        class = CHAN;
    *x = (struct object){.class = (uint8_t) class};
    if (variants[class])
        x->variant = (uint8_t)below(s, variants[class]);
    x->size = (uint8_t)(1 << below(s, 5));
    x->cap = (uint8_t)(class == BARRIER ? 2 + below(s, 2) : below(s, 4));
    *t = (struct thing){.holder = -1};
    if (class == SEM)
        t->count = x->cap;
    if (class == GROUP)
        t->count = x->cap = (uint8_t)(1 + below(s, 5));
    p->n_objects++;
    if (class == COND) {
        uint8_t variant = x->variant;
        sim_add_object(s, MUTEX);
        x[1].variant = variant;
    }
}
