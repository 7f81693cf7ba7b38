/* lockorder.c - see lockorder.h.
 *
 * "b was taken while a was held" is an edge a -> b of a graph.  A circle of edges is an inversion
 * when flows can really meet there:
 * - the edges were made by different flows, each by its own (one flow does not wait for itself);
 * - none of them was over before the flow that made another one was begun;
 * - no lock was held at all of them, at one at least for writing (a gate: not all flows are in the
 *   circle at a time);
 * - for each lock, not both who holds and who wants it are readers.
 * An edge remembers the flows that made it, or that many did; the locks that were held every time
 * it was made; and which of these, and of its own two, for reading.  So what is reported is
 * possible as far as locks can tell; that other means keep the flows apart (one is joined before
 * the other starts) cannot be seen, and is why a report says "potential".
 *
 * What is seen is where flows come from, which no schedule changes.  A flow counts those that it
 * creates, or arranges for by a timer, and its edge has the count at its last making; each flow has
 * its place among its parent's.  What F did with count n is over when F's child with a place above
 * n begins, and so for all that come of this child.  Lives may be given back, so an edge keeps the
 * descent of its makers as names and places.  Who makes an edge looks for circles with himself as
 * its maker, whoever has made it before: they looked when they did.  An edge of many may be made by
 * anybody at any time.
 *
 * A circle that was not one because of who made its edges may become one when they are made again,
 * by others or later on.  So its edges are marked.  Who makes one looks, but where many make it
 * once is enough: whatever comes later at another edge will look from there.  An edge that is not
 * marked only gets the new count when a maker makes it later.
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
#include "slot.h"
#include <string.h>

enum {
    EDGES_MAX = 1 << 15,
    SLOTS = EDGES_MAX * 2,
    CIRCLE_MAX = RC_CIRCLE_MAX,
    STEPS_MAX = 20000,            /* of a search */
    BIRTHS_MAX = LIVES_SHOWN - 1, /* as many parents are sure to be kept */
    GATES = RC_LOCKS_SHOWN,
    MAKERS = 4,
    MANY = MAKERS + 1, /* n_makers: more have made the edge, and are not remembered */
};

struct birth {
    uint64_t parent;
    uint32_t place; /* so many children had the parent then */
};

/* A flow that has made an edge, the last time. */
struct maker {
    uint64_t flow;      /* rc_flow_name() */
    uint32_t n_started; /* flows that it had created */
    uint32_t n_births;
    struct birth *birth;         /* its own, its parent's, ... */
    struct rc_circle_edge shown; /* in a report */
};

struct edge {
    uintptr_t from, to; /* to == 0: dead */
    uint32_t n_makers;  /* or MANY: then the first is only shown [lockorder] */
    struct maker maker[MAKERS];
    uint32_t number;  /* another one for each edge, and when it has many makers */
    uint32_t next[2]; /* in the chains of `from` and of `to`; 0: none.  Guarded by lock, as is
                         the rest */
    bool ignored;     /* a lock on a stack */
    bool apart;       /* of a circle whose flows could not meet */
    uint32_t n_gates;
    uintptr_t gate[GATES];
    bool gate_read[GATES];   /* at some time only for reading */
    bool from_read, to_read; /* always only for reading */
    bool told;               /* it was in a report */
};

/* An edge that is being made. */
struct making {
    struct rc_ctx *c;
    const struct rc_held_lock *held, *taken;
    uint64_t flow;
};

enum { FROM, TO }; /* chains */

static struct rt_lock lock;
static struct edge *edges;  /* [0] is unused; set once */
static uint32_t *slots;     /* edges by hash of both locks; [lockorder] */
static uint32_t *spare;     /* the other table */
static uint32_t *firsts[2]; /* the first edge from and to a lock, by its hash; chains mix locks */
static uint32_t n_edges, n_alive, n_slots, n_numbers;
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

static uint64_t flow_of(const struct rc_life *l)
{
    return (uint64_t)(uintptr_t)rc_flow_name(l->kind, l->id);
}

static uint32_t births_of(const struct rc_ctx *c, struct birth *ret)
{
    uint32_t n = 0;
    for (const struct rc_life *l = c->life; l && n < BIRTHS_MAX; l = l->parent) {
        if (l->arranged_place)
            ret[n++] = (struct birth){l->arranged_by, l->arranged_place};
        if (l->parent && n < BIRTHS_MAX)
            ret[n++] = (struct birth){flow_of(l->parent), l->place};
    }
    return n;
}

/* ---- who makes an edge ---- */

static bool is_before(const struct maker *a, const struct maker *b)
{
    for (uint32_t i = 0; i < b->n_births; i++)
        if (b->birth[i].parent == a->flow)
            return b->birth[i].place > a->n_started;
    return false;
}

/* Never at the same time at the places where a and b made their edges. */
static bool are_apart(const struct maker *a, const struct maker *b)
{
    return a->flow == b->flow || is_before(a, b) || is_before(b, a);
}

static bool has_many(const struct edge *e)
{
    return at_load_acq(&e->n_makers) == MANY; /* [lockorder] */
}

/* The one of e's makers, if they are remembered. */
static struct maker *find_maker(struct edge *e, uint64_t flow)
{
    uint32_t n = at_load_acq(&e->n_makers); /* [lockorder] */
    for (uint32_t i = 0; n != MANY && i < n; i++)
        if (e->maker[i].flow == flow)
            return &e->maker[i];
    return NULL;
}

static bool has_looked(const struct rc_ctx *c, const struct edge *e)
{
    uint32_t number = at_load_rlx(&e->number); /* relaxed: as in says_nothing_new() */
    return c->looked[number % RC_ORDERS_LOOKED] == number;
}

/* Its locks and gates stay as they are, whoever makes it. */
static bool says_nothing_new(const struct edge *e, const struct making *m)
{
    /* relaxed: a stale one is looked at under the lock */
    return at_load_rlx(&e->n_gates) == 0 && (!e->from_read || !m->held->for_write) &&
           (!e->to_read || !m->taken->for_write);
}

/* Making it leaves it as it is, but for the time. */
static bool is_known(struct edge *e, const struct making *m)
{
    return (has_many(e) || find_maker(e, m->flow)) && says_nothing_new(e, m);
}

/* Nothing about the edge can change by making it again. */
static bool is_settled(struct edge *e, const struct making *m)
{
    if (e->ignored)
        return true;
    if (!says_nothing_new(e, m))
        return false;
    /* relaxed: as in says_nothing_new() */
    if (has_many(e))
        return !at_load_rlx(&e->apart) || has_looked(m->c, e);
    const struct maker *own = find_maker(e, m->flow);
    return own && at_load_rlx(&own->n_started) == m->c->n_started; /* relaxed: likewise */
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
static bool keeps_apart(uintptr_t gate, struct edge *const *circle, int n)
{
    bool all_read = true, read;
    for (int i = 0; i < n; i++) {
        if (!find_gate(circle[i], gate, &read))
            return false;
        all_read &= read;
    }
    return !all_read;
}

static bool have_gate(struct edge *const *circle, int n)
{
    for (uint32_t g = 0; g < circle[0]->n_gates; g++)
        if (keeps_apart(circle[0]->gate[g], circle, n))
            return true;
    return false;
}

static bool have_readers(struct edge *const *circle, int n)
{
    for (int i = 0; i < n; i++)
        if (circle[i]->to_read && circle[(i + 1) % n]->from_read)
            return true;
    return false;
}

struct walk {
    struct edge *circle[CIRCLE_MAX];
    const struct maker *maker[CIRCLE_MAX]; /* of each; the first one's is who makes it now */
    int n, steps;
};

static bool fits(const struct walk *w, int i)
{
    for (int k = 0; k < i; k++)
        if ((k == 0 || !has_many(w->circle[k])) && are_apart(w->maker[k], w->maker[i]))
            return false;
    return true;
}

/* Chooses a maker for each edge from the i-th on so that all can meet.  One of many is anybody. */
static bool choose_makers(struct walk *w, int i)
{
    if (i == w->n)
        return true;
    struct edge *e = w->circle[i];
    bool many = has_many(e);
    for (uint32_t k = 0; k < (many ? 1 : e->n_makers) && w->steps < STEPS_MAX; k++) {
        w->steps++;
        w->maker[i] = &e->maker[k];
        if ((many || fits(w, i)) && choose_makers(w, i + 1))
            return true;
    }
    return false;
}

static bool is_deadlock(struct walk *w)
{
    if (have_readers(w->circle, w->n) || have_gate(w->circle, w->n))
        return false;
    bool can = choose_makers(w, 1);
    for (int i = 0; i < w->n && !can; i++)
        at_store_rlx(&w->circle[i]->apart, true); /* relaxed: readers look again under the lock */
    return can;
}

/* Looks for a way from the end of the last edge to the beginning of the first one. */
static bool find_circle(struct walk *w)
{
    uintptr_t from = w->circle[w->n - 1]->to;
    for (uint32_t i = *first_of(FROM, from); i != 0 && w->steps < STEPS_MAX;
         i = edges[i].next[FROM]) {
        struct edge *e = &edges[i];
        w->steps++;
        if (e->from != from || e->ignored)
            continue;
        bool seen = false;
        for (int k = 1; k < w->n; k++)
            seen |= w->circle[k]->from == e->from && k < w->n - 1;
        if (seen || w->n == CIRCLE_MAX)
            continue;
        w->circle[w->n++] = e;
        if (e->to == w->circle[0]->from ? is_deadlock(w) : find_circle(w))
            return true;
        w->n--;
    }
    return false;
}

/* Caller holds lock.  True: *ret_circle is to be reported. */
static bool look_for_circle(struct edge *e, struct rc_ctx *c, const struct maker *now,
                            struct rc_circle *ret_circle)
{
    struct walk w = {.circle = {e}, .maker = {now}, .n = 1};
    c->looked[e->number % RC_ORDERS_LOOKED] = e->number;
    if (e->told || e->ignored || !find_circle(&w))
        return false;
    ret_circle->n = (unsigned)w.n;
    for (int k = 0; k < w.n; k++) {
        w.circle[k]->told = true;
        ret_circle->edge[k] = w.maker[k]->shown;
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

/* ---- makers ---- */

static void drop_makers(struct edge *e)
{
    for (uint32_t i = 0; e->n_makers != MANY && i < e->n_makers; i++)
        if (e->maker[i].n_births)
            rc_free(e->maker[i].birth, e->maker[i].n_births * sizeof *e->maker[i].birth);
}

static void add_maker(struct edge *e, const struct maker *m)
{
    if (e->n_makers == MAKERS) {
        drop_makers(e);
        at_store_rlx(&e->number, ++n_numbers);      /* relaxed: readers look again under the lock */
        at_store_rel(&e->n_makers, (uint32_t)MANY); /* [lockorder] */
        return;
    }
    struct maker *to = &e->maker[e->n_makers];
    size_t births = m->n_births * sizeof *m->birth;
    *to = *m;
    to->birth = births ? memcpy(rc_alloc(births), m->birth, births) : NULL;
    at_store_rel(&e->n_makers, e->n_makers + 1); /* [lockorder] */
}

static void learn_maker(struct edge *e, const struct maker *m)
{
    struct maker *own = find_maker(e, m->flow);
    if (has_many(e))
        return;
    if (!own) {
        add_maker(e, m);
    } else if (own->n_started != m->n_started) {
        at_store_rlx(&own->n_started, m->n_started); /* relaxed: readers look again */
        own->shown = m->shown;
    }
}

/* ---- making ---- */

/* Caller holds lock.  0: no room. */
static uint32_t add(const struct making *m, const struct maker *now, bool ignored)
{
    make_tables();
    if (n_slots >= SLOTS / 4 * 3)
        make_table_anew();
    uint32_t i = take_edge();
    if (i == 0)
        return 0;
    struct edge *e = &edges[i];
    *e = (struct edge){.from = (uintptr_t)m->held->lock,
                       .to = (uintptr_t)m->taken->lock,
                       .number = ++n_numbers,
                       .ignored = ignored,
                       .from_read = !m->held->for_write,
                       .to_read = !m->taken->for_write};
    add_maker(e, now);
    add_gates(e, m->c);
    uint32_t *from = first_of(FROM, e->from), *to = first_of(TO, e->to);
    e->next[FROM] = *from;
    e->next[TO] = *to;
    *from = *to = i;
    n_alive++;
    enter(slots, i);
    return i;
}

/* Caller holds lock.  Is there anything new to look for? */
static bool learn(struct edge *e, const struct making *m, const struct maker *now)
{
    bool more = !is_known(e, m) || e->apart;
    learn_maker(e, now);
    e->from_read &= !m->held->for_write;
    e->to_read &= !m->taken->for_write;
    keep_gates(e, m->c);
    return more;
}

/* Caller holds lock.  True: *ret_circle is to be reported. */
static bool make(const struct making *m, bool ignored, struct rc_circle *ret_circle)
{
    struct birth birth[BIRTHS_MAX];
    const struct maker now = {.flow = m->flow,
                              .n_started = m->c->n_started,
                              .n_births = births_of(m->c, birth),
                              .birth = birth,
                              .shown = {rc_flow_of(m->c), *m->held, *m->taken}};
    uint32_t i = search((uintptr_t)m->held->lock, (uintptr_t)m->taken->lock);
    if (i != 0)
        return learn(&edges[i], m, &now) && look_for_circle(&edges[i], m->c, &now, ret_circle);
    i = add(m, &now, ignored);
    return i != 0 && look_for_circle(&edges[i], m->c, &now, ret_circle);
}

static void one_edge(struct rc_ctx *c, const struct rc_held_lock *held,
                     const struct rc_held_lock *taken)
{
    struct rc_circle circle;
    const struct making m = {c, held, taken, flow_of(c->life)};
    uint32_t i = search((uintptr_t)held->lock, (uintptr_t)taken->lock);
    if (i != 0 && is_settled(&edges[i], &m))
        return;
    bool ignored = i == 0 && (rc_life_by_stack((uintptr_t)held->lock) ||
                              rc_life_by_stack((uintptr_t)taken->lock));
    rt_lock(&lock);
    bool found = make(&m, ignored, &circle);
    rt_unlock(&lock);
    if (found)
        race_circle(&circle);
}

/* One that c has already is waited for by nobody: it is recursive, or c waits for itself. */
void lockorder_wanted(struct rc_ctx *c, const struct rc_held_lock *wanted)
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
        drop_makers(&edges[i]);
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
