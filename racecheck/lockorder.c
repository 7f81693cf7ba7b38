/* lockorder.c - see lockorder.h.
 *
 * "b was taken while a was held" is an edge a -> b of a graph.  A circle of edges is an inversion
 * when flows can really meet there:
 * - the edges were made by different flows, each by its own (one flow does not wait for itself);
 * - no lock was held at all of them (a gate: one flow at a time is in the circle);
 * - for each lock, not both who holds and who wants it are readers, or else a writer may wait
 *   between them whom the lock lets go first (RC_LOCK_QUEUES).  That writer is a side of the
 *   deadlock like the edges: a flow of its own, and no lock that it always holds is held on another
 *   side.  So is a circle of one edge possible, a -> a: reading again what one reads.
 * An edge remembers the flows that made it, the first few; the locks that were held every time it
 * was made; and whether always for reading.  So does an edge of another kind, ~a -> a, of those who
 * write a: of all, not only of those who hold something.  So what is reported is possible as far as
 * locks can tell; that other means keep the flows apart (one is joined before the other starts)
 * cannot be seen, and is why a report says "potential".
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
    FLOWS = 4,                     /* that are told apart: more sides than that are rare */
    SIDES_MAX = 2 * RC_CIRCLE_MAX, /* of a deadlock: edges, and a writer for each lock */
};

struct edge {
    uintptr_t from, to;   /* to == 0: dead; from == ~to: who writes `to` */
    uint64_t flow[FLOWS]; /* who made it, rc_flow_name() + 4 each; 0: none.  Full: others, too */
    uint32_t next[2];     /* in the chains of `from` and of `to`; 0: none.  Guarded by lock, as is
                             the rest */
    bool ignored;         /* a lock on a stack */
    uint32_t n_gates;
    uintptr_t gate[GATES];
    bool from_read, to_read;         /* always only for reading */
    bool told;                       /* it was in a report */
    struct rc_held_lock held, taken; /* the first time; of writers, held: the second flow's take */
    struct rc_flow_id by, also;      /* also: of writers, the second flow */
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

static bool is_writers(const struct edge *e)
{
    return e->from == ~e->to;
}

static bool holds(const struct rc_ctx *c, uintptr_t l)
{
    for (unsigned i = 0; i < c->n_locks && i < RC_LOCKS_SHOWN; i++)
        if ((uintptr_t)c->lock[i].lock == l)
            return true;
    return false;
}

/* More flows than are told apart made the edge. */
static bool by_many(const struct edge *e)
{
    return at_load_rlx(&e->flow[FLOWS - 1]) != 0; /* relaxed: if late, one look more */
}

/* The edge has nothing to learn from that flow. */
static bool knows_flow(const struct edge *e, uint64_t flow)
{
    for (int i = 0; i < FLOWS; i++)
        if (at_load_rlx(&e->flow[i]) == flow) /* relaxed: likewise */
            return true;
    return by_many(e);
}

static bool all_gates_held(const struct edge *e, const struct rc_ctx *c)
{
    uint32_t n = at_load_rlx(&e->n_gates); /* relaxed: a stale one is learned the next time */
    for (uint32_t i = 0; i < n; i++)
        if (!holds(c, at_load_rlx(&e->gate[i]))) /* relaxed: likewise */
            return false;
    return true;
}

/* Nothing about the edge can change by c's making it again. */
static bool is_settled(const struct edge *e, const struct rc_ctx *c, bool from_read, bool to_read)
{
    return e->ignored || (knows_flow(e, flow_of(c)) && (!e->from_read || from_read) &&
                          (!e->to_read || to_read) && all_gates_held(e, c));
}

/* ---- circles ---- */

static bool is_gate(const struct edge *e, uintptr_t gate)
{
    for (uint32_t i = 0; i < e->n_gates; i++)
        if (e->gate[i] == gate)
            return true;
    return false;
}

static bool have_gate(const struct edge *const *circle, int n)
{
    for (uint32_t g = 0; g < circle[0]->n_gates; g++) {
        int with = 0;
        while (with < n && is_gate(circle[with], circle[0]->gate[g]))
            with++;
        if (with == n)
            return true;
    }
    return false;
}

/* Who takes part in a deadlock: edges, then writers that wait between two readers. */
struct sides {
    const struct edge *of[SIDES_MAX];
    uint64_t by[SIDES_MAX]; /* the flow that is there, or 0 */
    bool asked[SIDES_MAX];  /* for its flow */
    int n;
};

/* A lock that the writer always holds is held on another side, too. */
static bool is_kept_out(const struct sides *s, const struct edge *writer)
{
    for (int i = 0; i < s->n; i++)
        for (uint32_t g = 0; g < writer->n_gates; g++)
            if (writer->gate[g] == s->of[i]->from || is_gate(s->of[i], writer->gate[g]))
                return true;
    return false;
}

/* The circle's edges, and the writers that it needs.  False: there are none. */
static bool take_sides(struct sides *s, const struct edge *const *circle, int n)
{
    *s = (struct sides){.n = n};
    memcpy(s->of, circle, (size_t)n * sizeof *circle);
    for (int i = 0; i < n; i++) {
        if (!circle[i]->to_read || !circle[(i + 1) % n]->from_read)
            continue;
        uint32_t w = search(~circle[i]->to, circle[i]->to);
        if (w == 0 || edges[w].ignored || is_kept_out(s, &edges[w]))
            return false;
        s->of[s->n++] = &edges[w];
    }
    return true;
}

/* Finds a flow for side i; if need be, who has it gets another one. */
static bool find_flow(struct sides *s, int i)
{
    for (int f = 0; f < FLOWS && s->of[i]->flow[f] != 0; f++) {
        int k = 0;
        while (k < s->n && s->by[k] != s->of[i]->flow[f])
            k++;
        if (k < s->n && s->asked[k])
            continue;
        if (k < s->n)
            s->asked[k] = true;
        if (k == s->n || find_flow(s, k)) {
            s->by[i] = s->of[i]->flow[f];
            return true;
        }
    }
    return false;
}

/* Each side can be a flow of its own. */
static bool can_differ(struct sides *s)
{
    for (int i = 0; i < s->n; i++) {
        memset(s->asked, 0, sizeof s->asked);
        if (!by_many(s->of[i]) && !find_flow(s, i))
            return false;
    }
    return true;
}

static bool is_deadlock(const struct edge *const *circle, int n)
{
    struct sides s;
    return !(n > 1 && have_gate(circle, n)) && take_sides(&s, circle, n) && can_differ(&s);
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
        if (e->from != from || e->to == from || e->ignored)
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

static bool same_flow(const struct rc_flow_id *a, const struct rc_flow_id *b)
{
    return a->kind == b->kind && a->id == b->id;
}

/* Of the writers' flows that are remembered one that has no other part in it, if there is one. */
static void tell_writer(struct rc_circle *circle, const struct edge *w)
{
    bool taken = false;
    for (unsigned i = 0; i < circle->n; i++)
        taken |= same_flow(&circle->edge[i].by, &w->by);
    for (unsigned i = 0; i < circle->n_writers; i++)
        taken |= same_flow(&circle->writer[i].by, &w->by);
    bool second = taken && w->flow[1] != 0;
    circle->writer[circle->n_writers++] = (struct rc_circle_writer){
        .by = second ? w->also : w->by,
        .taken = second ? w->held : w->taken,
    };
}

/* Caller holds lock.  True: *ret_circle is to be reported. */
static bool look_for_circle(uint32_t i, struct rc_circle *ret_circle)
{
    struct walk w = {.circle = {&edges[i]}, .n = 1};
    struct sides s;
    if (edges[i].told || edges[i].ignored)
        return false;
    if (edges[i].from == edges[i].to ? !is_deadlock(w.circle, 1) : !find_circle(&w))
        return false;
    ret_circle->n = (unsigned)w.n;
    ret_circle->n_writers = 0;
    for (int k = 0; k < w.n; k++) {
        struct edge *e = &edges[w.circle[k] - edges];
        e->told = true;
        ret_circle->edge[k] = (struct rc_circle_edge){e->by, e->held, e->taken};
    }
    take_sides(&s, w.circle, w.n);
    for (int k = w.n; k < s.n; k++)
        tell_writer(ret_circle, s.of[k]);
    return true;
}

/* Caller holds lock.  A circle that writers of l make a deadlock. */
static bool look_at_readers(uintptr_t l, struct rc_circle *ret_circle)
{
    for (uint32_t i = *first_of(FROM, l); i != 0; i = edges[i].next[FROM])
        if (edges[i].from == l && edges[i].from_read && look_for_circle(i, ret_circle))
            return true;
    return false;
}

/* ---- edges ---- */

static void add_gates(struct edge *e, const struct rc_ctx *c)
{
    for (unsigned i = 0; i < c->n_locks && i < RC_LOCKS_SHOWN; i++)
        if ((uintptr_t)c->lock[i].lock != e->from)
            e->gate[e->n_gates++] = (uintptr_t)c->lock[i].lock;
}

static void keep_gates(struct edge *e, const struct rc_ctx *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n_gates; i++)
        if (holds(c, e->gate[i]))
            at_store_rlx(&e->gate[n++], e->gate[i]); /* relaxed: likewise */
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
                       .flow = {flow_of(c)},
                       .ignored = ignored,
                       .from_read = !held->for_write,
                       .to_read = !taken->for_write,
                       .held = *held,
                       .taken = *taken,
                       .by = rc_flow_of(c)};
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
static void learn_flow(struct edge *e, const struct rc_ctx *c, const struct rc_held_lock *taken)
{
    int n = 0;
    if (knows_flow(e, flow_of(c)))
        return;
    while (e->flow[n] != 0)
        n++;
    if (n == 1 && is_writers(e)) {
        e->held = *taken;
        e->also = rc_flow_of(c);
    }
    at_store_rlx(&e->flow[n], flow_of(c)); /* relaxed: readers look again under the lock */
}

/* Caller holds lock. */
static void learn(struct edge *e, const struct rc_ctx *c, const struct rc_held_lock *held,
                  const struct rc_held_lock *taken)
{
    if ((e->from_read && held->for_write) || (e->to_read && taken->for_write)) {
        e->held = *held; /* what is reported is what can end in a deadlock */
        e->taken = *taken;
        e->by = rc_flow_of(c);
    }
    learn_flow(e, c, taken);
    e->from_read &= !held->for_write;
    e->to_read &= !taken->for_write;
    keep_gates(e, c);
}

/* True: *ret_circle is to be reported. */
static bool make_edge(const struct rc_ctx *c, const struct rc_held_lock *held,
                      const struct rc_held_lock *taken, bool ignored, struct rc_circle *ret_circle)
{
    rt_lock(&lock);
    uint32_t i = search((uintptr_t)held->lock, (uintptr_t)taken->lock);
    if (i != 0)
        learn(&edges[i], c, held, taken);
    else
        i = add(c, held, taken, ignored);
    bool found = i != 0 && (is_writers(&edges[i]) ? look_at_readers(edges[i].to, ret_circle)
                                                  : look_for_circle(i, ret_circle));
    rt_unlock(&lock);
    return found;
}

static void one_edge(const struct rc_ctx *c, const struct rc_held_lock *held,
                     const struct rc_held_lock *taken)
{
    struct rc_circle circle;
    uint32_t i = search((uintptr_t)held->lock, (uintptr_t)taken->lock);
    if (i != 0 && is_settled(&edges[i], c, !held->for_write, !taken->for_write))
        return;
    bool ignored = i == 0 && (rc_life_by_stack((uintptr_t)held->lock) ||
                              rc_life_by_stack((uintptr_t)taken->lock));
    while (make_edge(c, held, taken, ignored, &circle))
        race_circle(&circle); /* whose edges are not told again: a writer can make several */
}

void lockorder_taken(const struct rc_ctx *c, const struct rc_held_lock *taken, bool queues)
{
    const struct rc_held_lock nothing = {.lock = (const void *)~(uintptr_t)taken->lock,
                                         .for_write = true};
    if (!rc_flags()->detect_deadlocks)
        return;
    for (unsigned i = 0; i < c->n_locks && i < RC_LOCKS_SHOWN; i++)
        if (c->lock[i].lock != taken->lock || (queues && !taken->for_write))
            one_edge(c, &c->lock[i], taken);
    if (queues && taken->for_write)
        one_edge(c, &nothing, taken);
}

static void unchain(int chain, uint32_t i)
{
    uint32_t *p = first_of(chain, chain == FROM ? edges[i].from : edges[i].to);
    while (*p != i)
        p = &edges[*p].next[chain];
    *p = edges[i].next[chain];
}

/* Caller holds lock.  The writers of l are in the chain to it. */
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
