/* make.c - makes random programs: flows, memory, atomics.  See program.h; objects: make_sync.c.
 *
 * A program is played while it is made: an operation is only listed when it can be the next one, so
 * that the list as it stands is a run of the program.  An operation waits only for operations
 * before it, or for one that another flow is sure to do; flow 0 never waits, and lets all others go
 * in the end.  So no order that keeps the dependencies can get stuck.
 *
 * What is avoided: a relaxed store to an atomic whose release sequence has more heads than the
 * detector tells apart (racecheck/sequence.h): there C11 asks for more than it keeps. */
#include "sim.h"
#include <stdlib.h>

const char *const op_names[] = {
#define X(name) #name,
#include "ops.def"
#undef X
};

enum { HEADS_TOLD_APART = 4 };

static const int orders[] = {__ATOMIC_RELAXED, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE,
                             __ATOMIC_ACQ_REL, __ATOMIC_SEQ_CST, __ATOMIC_CONSUME};

static bool releases(int mo)
{
    return mo == __ATOMIC_RELEASE || mo == __ATOMIC_ACQ_REL || mo == __ATOMIC_SEQ_CST;
}

/* ---- listing ---- */

static void depend(struct sim *s, struct op *op, int on)
{
    struct program *p = s->p;
    if (on == op - p->op)
        return;
    if (p->n_deps == DEPS)
        abort();
    p->deps[p->n_deps++] = (uint16_t)(on * 2 + s->ended[on]);
    op->n_deps++;
}

void sim_chain(struct sim *s, struct op *op, struct chain *c)
{
    int kept = 0;
    for (int i = 0; i < c->n; i++) {
        int on = c->op[i];
        depend(s, op, on);
        if (!s->ended[on])
            c->op[kept++] = (uint16_t)on;
    }
    c->n = kept;
    c->op[c->n++] = (uint16_t)(op - s->p->op);
}

struct op *sim_begin(struct sim *s, enum op_kind kind, int f, int obj)
{
    struct program *p = s->p;
    int i = p->n_ops++;
    struct op *op = &p->op[i];
    *op = (struct op){.kind = (uint8_t)kind, .flow = (uint8_t)f, .obj = (int8_t)obj, .alt = -1};
    op->how = (uint8_t)below(s, 256);
    op->dep = (uint16_t)p->n_deps;
    if (p->strict)
        sim_chain(s, op, &s->schedule);
    if (obj >= 0 && kind != OP_GO && kind != OP_JOIN)
        sim_chain(s, op, &s->chain[obj]);
    p->moments[p->n_moments++] = (uint16_t)(i * 2);
    s->state[f] = WAITS;
    return op;
}

void sim_end(struct sim *s, struct op *op)
{
    int i = (int)(op - s->p->op);
    s->p->moments[s->p->n_moments++] = (uint16_t)(i * 2 + 1);
    s->ended[i] = true;
    s->state[op->flow] = READY;
}

/* ---- memory ---- */

void sim_memory(struct sim *s, struct op *op, int n)
{
    if (chance(s, 30) || n > s->area)
        return;
    op->region = R_PLAIN;
    op->size = (uint16_t)n;
    op->off = (uint16_t)below(s, s->area - n + 1);
    if (chance(s, 60))
        op->off -= op->off % n;
}

static void access_memory(struct sim *s, int f)
{
    struct op op = {.size = (uint16_t)(1 << below(s, 5))};
    int region = chance(s, 88) ? R_PLAIN : chance(s, 50) ? R_ATOMIC : R_BLOCK + below(s, 2);
    int room = region == R_PLAIN ? s->area : region == R_ATOMIC ? ATOMIC_BYTES : BLOCK_BYTES - 8;
    bool range = chance(s, 12);
    if (range)
        op.size = (uint16_t)(1 + below(s, room < 60 ? room : 60));
    op.off = (uint16_t)below(s, room - op.size + 1);
    if (!range && chance(s, 70))
        op.off -= op.off % op.size;
    bool write = chance(s, s->writes);
    enum op_kind kind = range   ? (write ? OP_RANGE_WRITE : OP_RANGE_READ)
                        : write ? OP_WRITE
                                : OP_READ;
    struct op *now = sim_begin(s, kind, f, -1);
    now->region = (uint8_t)region;
    now->off = op.off;
    now->size = op.size;
    if (region >= R_BLOCK) {
        struct chain *c = &s->block[region - R_BLOCK];
        if (s->freed[region - R_BLOCK])
            depend(s, now, c->op[c->n - 1]);
        else if (c->n < OPS)
            c->op[c->n++] = (uint16_t)(now - s->p->op);
    }
    sim_end(s, now);
}

static void free_block(struct sim *s, int f)
{
    int b = below(s, 2);
    if (s->freed[b])
        return;
    struct op *op = sim_begin(s, OP_FREE, f, -1);
    for (int i = 0; i < s->block[b].n; i++)
        depend(s, op, s->block[b].op[i]);
    s->block[b].op[0] = (uint16_t)(op - s->p->op);
    s->block[b].n = 1;
    s->freed[b] = true;
    op->region = (uint8_t)(R_BLOCK + b);
    op->size = (uint16_t)(BLOCK_BYTES - s->p->block_bytes_lost);
    sim_end(s, op);
}

/* ---- atomics ---- heads: for each location a bit for each flow with a head in its sequence */

static uint16_t *heads_of(struct sim *s, int off, int size)
{
    return &s->heads[off][__builtin_ctz((unsigned)size)];
}

/* A relaxed store there is one that the detector and C11 agree about. */
static bool is_clear(struct sim *s, int off, int size)
{
    return __builtin_popcount(*heads_of(s, off, size)) <= HEADS_TOLD_APART;
}

static void note_store(struct sim *s, int f, struct op *op)
{
    uint16_t *heads = heads_of(s, op->off, op->size), own = (uint16_t)(1u << f);
    bool gives = releases(op->mo) || s->fenced[f];
    if (op->kind == OP_STORE)
        *heads = releases(op->mo) ? 0 : *heads & own;
    if (gives)
        *heads |= own;
}

static void atomic(struct sim *s, int f)
{
    static const struct {
        uint8_t off, size;
    } apart[] = {{0, 4}, {4, 2}, {7, 1}, {8, 8}, {16, 16}};
    int k = below(s, 5), off = apart[k].off, size = apart[k].size;
    if (s->mixed) {
        size = 1 << below(s, 5);
        off = below(s, ATOMIC_BYTES) & ~(size - 1);
    }
    static const enum op_kind kinds[] = {OP_LOAD, OP_LOAD, OP_STORE,    OP_STORE,
                                         OP_RMW,  OP_RMW,  OP_CAS_FAILS};
    enum op_kind kind = kinds[below(s, 7)];
    int mo = orders[below(s, 6)];
    if ((kind == OP_LOAD || kind == OP_CAS_FAILS) && releases(mo))
        mo = chance(s, 50) ? __ATOMIC_ACQUIRE : __ATOMIC_SEQ_CST;
    if (kind == OP_STORE &&
        (mo == __ATOMIC_ACQUIRE || mo == __ATOMIC_ACQ_REL || mo == __ATOMIC_CONSUME))
        mo = chance(s, 50) ? __ATOMIC_RELEASE : __ATOMIC_RELAXED;
    if (kind == OP_STORE && mo == __ATOMIC_RELAXED && !is_clear(s, off, size))
        kind = OP_RMW;
    struct op *op = sim_begin(s, kind, f, -1);
    sim_chain(s, op, &s->atomics[off / 16]);
    op->region = R_ATOMIC;
    op->off = (uint16_t)off;
    op->size = (uint16_t)size;
    op->mo = (uint8_t)mo;
    if (kind == OP_STORE || kind == OP_RMW)
        note_store(s, f, op);
    sim_end(s, op);
}

static void fence(struct sim *s, int f)
{
    struct op *op = sim_begin(s, OP_FENCE, f, -1);
    op->mo = (uint8_t)orders[1 + below(s, 4)];
    s->fenced[f] |= releases(op->mo);
    sim_end(s, op);
}

/* ---- flows ---- */

static void give_birth(struct sim *s, int f, int child)
{
    struct op *op = sim_begin(s, OP_GO, f, child);
    sim_end(s, op);
    s->state[child] = READY;
    s->born_by[child] = (int)(op - s->p->op);
}

static void birth(struct sim *s, int f)
{
    for (int child = 1; child < s->p->n_flows; child++)
        if (s->state[child] == UNBORN) {
            give_birth(s, f, child);
            return;
        }
}

/* Only of flows with a higher number, so that nobody waits for himself. */
static bool join(struct sim *s, int f, int other)
{
    if (other <= f || s->p->flow[other] != FLOW_THREAD || s->joined[other] ||
        s->state[other] == UNBORN || (s->state[other] != ENDED && !may_stop(s, f)))
        return false;
    struct op *op = sim_begin(s, OP_JOIN, f, other);
    depend(s, op, s->born_by[other]);
    s->joined[other] = true;
    if (s->state[other] == ENDED)
        sim_end(s, op);
    return true;
}

static void end_flow(struct sim *s, int f)
{
    sim_end(s, sim_begin(s, OP_END, f, -1));
    s->state[f] = ENDED;
    for (int i = 0; i < s->p->n_ops; i++)
        if (s->p->op[i].kind == OP_JOIN && s->p->op[i].obj == f && !s->ended[i])
            sim_end(s, &s->p->op[i]);
}

/* ---- programs ---- */

static void step(struct sim *s)
{
    int f;
    do
        f = below(s, s->p->n_flows);
    while (s->state[f] != READY);
    int what = below(s, 100);
    if (what < 45)
        access_memory(s, f);
    else if (what < 52)
        atomic(s, f);
    else if (what < 54)
        fence(s, f);
    else if (what < 55)
        free_block(s, f);
    else if (what < 61)
        birth(s, f);
    else if (what < 63 && s->p->n_flows > 1)
        join(s, f, 1 + below(s, s->p->n_flows - 1));
    else if (what < 64 && f != 0 && s->held[f] == 0)
        end_flow(s, f);
    else if (what < 72)
        sim_drop(s, f);
    else
        sim_use(s, f, below(s, s->p->n_objects));
}

static struct op *waiting_op(struct sim *s, int f)
{
    struct op *op = &s->p->op[s->p->n_ops - 1];
    while (op->flow != f)
        op--;
    return op;
}

/* Everybody drops his locks and ends; flow 0 lets go who waits. */
static void wind_up(struct sim *s)
{
    bool more = true;
    for (int f = 0; f < s->p->n_flows; f++)
        while (s->state[f] == READY && sim_drop(s, f))
            ;
    while (more) {
        more = false;
        for (int f = 1; f < s->p->n_flows; f++) {
            while (s->state[f] == READY && sim_drop(s, f))
                ;
            if (s->state[f] == READY)
                end_flow(s, f);
            else if (s->state[f] == WAITS)
                sim_help(s, waiting_op(s, f));
            more |= s->state[f] == WAITS || s->state[f] == READY;
        }
    }
    for (int f = 1; f < s->p->n_flows; f++)
        if (!s->joined[f] && s->state[f] == ENDED)
            join(s, 0, f);
    end_flow(s, 0);
}

static void choose_flows(struct sim *s)
{
    struct program *p = s->p;
    int kind = below(s, 10);
    p->n_flows = 2 + below(s, chance(s, 70) ? 4 : FLOWS - 1);
    for (int f = 1; f < p->n_flows; f++)
        p->flow[f] = (kind < 6 || (kind > 7 && chance(s, 50))) ? FLOW_GOROUTINE : FLOW_THREAD;
    for (int f = 1; f < p->n_flows; f++)
        if (kind != 7 && chance(s, 4))
            p->flow[f] = FLOW_TIMER;
    p->flow[0] = FLOW_GOROUTINE;
}

void program_make(struct program *p, uint64_t seed)
{
    static const int areas[] = {16, 32, 64, 128, PLAIN_BYTES};
    struct sim s = {.p = p, .rand.state = seed * 7919};
    *p = (struct program){.seed = seed};
    p->strict = chance(&s, 40);
    p->block_bytes_lost = (uint8_t)below(&s, 8);
    s.mixed = chance(&s, 20);
    s.area = areas[below(&s, 5)];
    s.writes = chance(&s, 50) ? 50 : 15;
    choose_flows(&s);
    int objects = 1 + below(&s, OBJECTS);
    while (p->n_objects < objects)
        sim_add_object(&s, (enum object_class)below(&s, CLASSES));
    s.state[0] = READY;
    int length = 12 + below(&s, OPS - 100 - 12);
    int early = below(&s, p->n_flows);
    for (int f = 1; f <= early && f < p->n_flows; f++)
        give_birth(&s, 0, f);
    for (int i = 0; i < 2 * length && p->n_ops < length; i++)
        step(&s);
    wind_up(&s);
}

void program_print(const struct program *p, FILE *f)
{
    static const char *const kinds[] = {"goroutine", "thread", "timer"};
    static const char *const classes[] = {"MUTEX", "RWLOCK",  "CHAN", "GROUP", "ONCE",  "COND",
                                          "SEM",   "BARRIER", "PIPE", "CTX",   "AFTER", "HANDS"};
    fprintf(f, "program %lu, %s\n", (unsigned long)p->seed, p->strict ? "strict" : "loose");
    for (int i = 0; i < p->n_flows; i++)
        fprintf(f, "  flow %d: %s\n", i, kinds[p->flow[i]]);
    for (int i = 0; i < p->n_objects; i++)
        fprintf(f, "  object %d: %s, variant %d, cap %d, size %d\n", i, classes[p->object[i].class],
                p->object[i].variant, p->object[i].cap, p->object[i].size);
    for (int m = 0; m < p->n_moments; m++) {
        int i = p->moments[m] / 2;
        const struct op *op = &p->op[i];
        if (p->moments[m] % 2 == 1) {
            if (m > 0 && p->moments[m - 1] != i * 2)
                fprintf(f, "%5d flow %d end of %s\n", i, op->flow, op_names[op->kind]);
            continue;
        }
        fprintf(f, "%5d flow %d %s", i, op->flow, op_names[op->kind]);
        if (op->obj >= 0)
            fprintf(f, " of %d", op->obj);
        if (op->alt >= 0)
            fprintf(f, " or %d", op->alt);
        if (op->size)
            fprintf(f, " region %d [%d, +%d)", op->region, op->off, op->size);
        if (op->kind >= OP_LOAD && op->kind <= OP_FENCE)
            fprintf(f, " mo %d", op->mo);
        fprintf(f, " (%d)\n", op->how);
    }
}
