/* lockorder.c - see lockorder.h.
 *
 * "b was taken while a was held" is an edge a -> b of a graph.  A circle of edges is an inversion
 * when flows can really meet there:
 * - the edges were made by different flows, each by its own (one flow does not wait for itself);
 * - no lock was held at all of them, at one at least for writing (a gate: not all flows are in the
 *   circle at a time);
 * - for each lock, not both who holds and who wants it are readers.
 * An edge remembers the flow that made it, or that several did; the locks that were held every time
 * it was made; and which of these, and of its own two, for reading.  So what is reported is
 * possible as far as locks can tell; that other means keep the flows apart (one is joined before
 * the other starts) cannot be seen, and is why a report says "potential".
 *
 * Locks on stacks are left out: the next function's lock may lie in the same place.
 *
 * The usual case, an edge that is known and has nothing to learn, is one look into a hash table
 * without a lock.  Edges are added under the lock; those of a lock that is no more become dead and
 * are used again.  The table, which never loses an entry, is then made anew in the other one of
 * two: who still reads the old one may find an edge that has changed, and takes the lock or learns
 * nothing new.  When all edges are in use, further ones are not watched.
 *
 * Lock order: `lock`, and for a report race.c's after it was given back. */
#include "lockorder.h"
#include "flags.h"
#include "futex.h"
#include "pool.h"
#include "race.h"
#include <string.h>

enum {
    EDGES_MAX = 1 << 15,
    SLOTS = EDGES_MAX * 2,
    CIRCLE_MAX = RC_CIRCLE_MAX,
    STEPS_MAX = 20000, /* of a search */
    GATES = RC_LOCKS_SHOWN,
    MANY = 1, /* flow of an edge that several flows made; others are odd, or 4 and more */
};

struct edge {
    uintptr_t from, to; /* to == 0: dead */
    uint64_t flow;      /* who made it: rc_flow_name() + 4, or MANY */
    uint32_t next[2];   /* in the chains of `from` and of `to`; 0: none.  Guarded by lock, as is
                           the rest */
    bool ignored;       /* a lock on a stack */
    uint32_t n_gates;
    uintptr_t gate[GATES];
    bool gate_read[GATES];           /* at some time only for reading */
    bool from_read, to_read;         /* always only for reading */
    bool told;                       /* it was in a report */
    struct rc_held_lock held, taken; /* the first time */
    struct rc_flow_id by;
};

enum { FROM, TO }; /* chains */

static struct rt_lock lock;
static struct edge *edges;  /* [0] is unused; set once */
static uint32_t *slots;     /* edges by hash of both locks; [lockorder] */
static uint32_t *spare;     /* the other table */
static uint32_t *firsts[2]; /* the first edge from and to a lock, by its hash; chains mix locks */
static uint32_t n_edges, n_alive, n_slots;
static uint32_t dead; /* chained by next[FROM] */

static uint32_t hash(uintptr_t from, uintptr_t to)
{
    return (uint32_t)((from * UINT64_C(0x9e3779b97f4a7c15) ^ to) * UINT64_C(0xc2b2ae3d27d4eb4f) >>
                      32) %
           SLOTS;
}

static uint32_t *first_of(int chain, uintptr_t l)
{
    return &firsts[chain][hash(l, 0)];
}

static uint32_t search(uintptr_t from, uintptr_t to)
{
    const uint32_t *table = at_load_acq(&slots); /* [lockorder] */
    uint32_t i;
    if (!table)
        return 0;
    for (uint32_t at = hash(from, to); (i = at_load_acq(&table[at])) != 0; /* [lockorder] */
         at = (at + 1) % SLOTS)
        if (edges[i].from == from && at_load_rlx(&edges[i].to) == to) /* relaxed: set once */
            return i;
    return 0;
}

static uint64_t flow_of(const struct rc_ctx *c)
{
    return (uint64_t)(uintptr_t)rc_flow_name(c->life->kind, c->life->id) + 4;
}

/* Nothing about the edge can change by making it again. */
static bool is_settled(const struct edge *e, uint64_t flow, bool from_read, bool to_read)
{
    uint64_t of = at_load_rlx(&e->flow); /* relaxed: a stale one is looked at under the lock */
    return e->ignored ||
           ((of == MANY || of == flow) && at_load_rlx(&e->n_gates) == 0 && /* relaxed: likewise */
            (!e->from_read || from_read) && (!e->to_read || to_read));
}

/* ---- circles ---- */

static bool find_gate(const struct edge *e, uintptr_t gate, bool *ret_read)
{
    for (uint32_t i = 0; i < e->n_gates; i++)
        if (e->gate[i] == gate) {
            *ret_read = e->gate_read[i];
            return true;
        }
    return false;
}

/* All hold it, and not all of them at once. */
static bool keeps_apart(uintptr_t gate, const struct edge *const *circle, int n)
{
    bool all_read = true, read;
    for (int i = 0; i < n; i++) {
        if (!find_gate(circle[i], gate, &read))
            return false;
        all_read &= read;
    }
    return !all_read;
}

static bool have_gate(const struct edge *const *circle, int n)
{
    for (uint32_t g = 0; g < circle[0]->n_gates; g++)
        if (keeps_apart(circle[0]->gate[g], circle, n))
            return true;
    return false;
}

static bool is_deadlock(const struct edge *const *circle, int n)
{
    for (int i = 0; i < n; i++) {
        const struct edge *in = circle[i], *out = circle[(i + 1) % n];
        if (in->to_read && out->from_read)
            return false;
        for (int k = i + 1; k < n; k++)
            if (circle[i]->flow == circle[k]->flow && circle[i]->flow != MANY)
                return false;
    }
    return !have_gate(circle, n);
}

struct walk {
    const struct edge *circle[CIRCLE_MAX];
    int n, steps;
};

/* Looks for a way from the end of the last edge to the beginning of the first one. */
static bool find_circle(struct walk *w)
{
    uintptr_t from = w->circle[w->n - 1]->to;
    for (uint32_t i = *first_of(FROM, from); i != 0 && w->steps < STEPS_MAX;
         i = edges[i].next[FROM]) {
        const struct edge *e = &edges[i];
        w->steps++;
        if (e->from != from || e->ignored)
            continue;
        bool seen = false;
        for (int k = 1; k < w->n; k++)
            seen |= w->circle[k]->from == e->from && k < w->n - 1;
        if (seen || w->n == CIRCLE_MAX)
            continue;
        w->circle[w->n++] = e;
        if (e->to == w->circle[0]->from ? is_deadlock(w->circle, w->n) : find_circle(w))
            return true;
        w->n--;
    }
    return false;
}

/* Caller holds lock.  True: *ret_circle is to be reported. */
static bool look_for_circle(uint32_t i, struct rc_circle *ret_circle)
{
    struct walk w = {.circle = {&edges[i]}, .n = 1};
    if (edges[i].told || edges[i].ignored || !find_circle(&w))
        return false;
    ret_circle->n = (unsigned)w.n;
    for (int k = 0; k < w.n; k++) {
        struct edge *e = &edges[w.circle[k] - edges];
        e->told = true;
        ret_circle->edge[k] = (struct rc_circle_edge){e->by, e->held, e->taken};
    }
    return true;
}

/* ---- edges ---- */

static void add_gates(struct edge *e, const struct rc_ctx *c)
{
    for (unsigned i = 0; i < c->n_locks && i < RC_LOCKS_SHOWN; i++)
        if ((uintptr_t)c->lock[i].lock != e->from) {
            e->gate_read[e->n_gates] = !c->lock[i].for_write;
            e->gate[e->n_gates++] = (uintptr_t)c->lock[i].lock;
        }
}

static void keep_gates(struct edge *e, const struct rc_ctx *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n_gates; i++) {
        const struct rc_held_lock *held = held_find(c, (const void *)e->gate[i]);
        if (!held)
            continue;
        e->gate_read[n] = e->gate_read[i] | !held->for_write;
        e->gate[n++] = e->gate[i];
    }
    at_store_rlx(&e->n_gates, n); /* relaxed: readers look again under the lock */
}

static void make_tables(void)
{
    if (slots)
        return;
    edges = pages_get(sizeof *edges * EDGES_MAX);
    firsts[FROM] = pages_get(sizeof *slots * SLOTS);
    firsts[TO] = pages_get(sizeof *slots * SLOTS);
    spare = pages_get(sizeof *slots * SLOTS);
    at_store_rel(&slots, (uint32_t *)pages_get(sizeof *slots * SLOTS)); /* [lockorder] */
}

static void enter(uint32_t *table, uint32_t i)
{
    uint32_t at = hash(edges[i].from, edges[i].to);
    while (table[at] != 0)
        at = (at + 1) % SLOTS;
    at_store_rel(&table[at], i); /* [lockorder] with the edge's contents */
    n_slots++;
}

/* Caller holds lock. */
static void make_table_anew(void)
{
    uint32_t *table = spare;
    memset(table, 0, sizeof *table * SLOTS);
    n_slots = 0;
    for (uint32_t i = 1; i <= n_edges; i++)
        if (edges[i].to != 0)
            enter(table, i);
    spare = slots;
    at_store_rel(&slots, table); /* [lockorder] */
}

static uint32_t take_edge(void)
{
    uint32_t i = dead;
    if (i != 0)
        dead = edges[i].next[FROM];
    else if (n_edges + 1 < EDGES_MAX)
        i = ++n_edges;
    return i;
}

/* Caller holds lock.  0: no room. */
static uint32_t add(const struct rc_ctx *c, const struct rc_held_lock *held,
                    const struct rc_held_lock *taken, bool ignored)
{
    make_tables();
    if (n_slots >= SLOTS / 4 * 3)
        make_table_anew();
    uint32_t i = take_edge();
    if (i == 0)
        return 0;
    struct edge *e = &edges[i];
    *e = (struct edge){.from = (uintptr_t)held->lock,
                       .to = (uintptr_t)taken->lock,
                       .flow = flow_of(c),
                       .ignored = ignored,
                       .from_read = !held->for_write,
                       .to_read = !taken->for_write,
                       .held = *held,
                       .taken = *taken,
                       .by = {c->life->kind, c->life->id, c->life->created_at, ""}};
    memcpy(e->by.name, c->life->name, sizeof e->by.name);
    add_gates(e, c);
    uint32_t *from = first_of(FROM, e->from), *to = first_of(TO, e->to);
    e->next[FROM] = *from;
    e->next[TO] = *to;
    *from = *to = i;
    n_alive++;
    enter(slots, i);
    return i;
}

/* Caller holds lock. */
static void learn(struct edge *e, const struct rc_ctx *c, bool from_read, bool to_read)
{
    if (e->flow != flow_of(c))
        at_store_rlx(&e->flow, (uint64_t)MANY); /* relaxed: readers look again under the lock */
    e->from_read &= from_read;
    e->to_read &= to_read;
    keep_gates(e, c);
}

static void one_edge(const struct rc_ctx *c, const struct rc_held_lock *held,
                     const struct rc_held_lock *taken)
{
    struct rc_circle circle;
    bool from_read = !held->for_write, to_read = !taken->for_write;
    uint32_t i = search((uintptr_t)held->lock, (uintptr_t)taken->lock);
    if (i != 0 && is_settled(&edges[i], flow_of(c), from_read, to_read))
        return;
    bool ignored = i == 0 && (rc_life_by_stack((uintptr_t)held->lock) ||
                              rc_life_by_stack((uintptr_t)taken->lock));
    rt_lock(&lock);
    i = search((uintptr_t)held->lock, (uintptr_t)taken->lock);
    if (i != 0)
        learn(&edges[i], c, from_read, to_read);
    else
        i = add(c, held, taken, ignored);
    bool found = i != 0 && look_for_circle(i, &circle);
    rt_unlock(&lock);
    if (found)
        race_circle(&circle);
}

/* One that c has already is waited for by nobody: it is recursive, or c waits for itself. */
void lockorder_wanted(const struct rc_ctx *c, const struct rc_held_lock *wanted)
{
    if (!rc_flags()->detect_deadlocks || rc_holds_lock(c, wanted->lock))
        return;
    for (unsigned i = 0; i < c->n_locks && i < RC_LOCKS_SHOWN; i++)
        one_edge(c, &c->lock[i], wanted);
}

static void unchain(int chain, uint32_t i)
{
    uint32_t *p = first_of(chain, chain == FROM ? edges[i].from : edges[i].to);
    while (*p != i)
        p = &edges[*p].next[chain];
    *p = edges[i].next[chain];
}

/* Caller holds lock. */
static void forget_chain(int chain, uintptr_t l)
{
    for (uint32_t i = *first_of(chain, l), next; i != 0; i = next) {
        next = edges[i].next[chain];
        if ((chain == FROM ? edges[i].from : edges[i].to) != l)
            continue;
        unchain(FROM, i);
        unchain(TO, i);
        at_store_rlx(&edges[i].to, (uintptr_t)0); /* relaxed: found no more */
        edges[i].next[FROM] = dead;
        dead = i;
        n_alive--;
    }
}

void lockorder_forget(uintptr_t addr)
{
    if (at_load_rlx(&n_alive) == 0) /* relaxed: the caller's own locks are counted */
        return;
    rt_lock(&lock);
    forget_chain(FROM, addr);
    forget_chain(TO, addr);
    rt_unlock(&lock);
}

uint32_t lockorder_count(void)
{
    rt_lock(&lock);
    uint32_t n = n_alive;
    rt_unlock(&lock);
    return n;
}
