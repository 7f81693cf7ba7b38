/* alike.c - see alike.h.
 *
 * A moment's class is the sum of the random weights of all holders (clocks of flows and objects)
 * that know it.  Clocks share nodes, so the weights are first summed over the tries: each node is
 * looked at once, however many clocks it is a part of (vc_weigh).
 *
 * All holders must be seen at one instant: knowledge that passes from one not yet looked at to one
 * that was would go unseen.  So while references to their clocks are taken, no flow is between the
 * begin and the end of an operation on clocks (ctx_stop); the rest is done beside the program,
 * for what two references reach never changes. */
#include "alike.h"
#include "ctx.h"
#include "pool.h"
#include "rand.h"
#include "sync.h"
#include "vclock.h"
#include <string.h>

/* A slot that many flows have used is not worth a long search. */
enum { MOMENTS_OF_A_SLOT = 16 };

struct moment {
    uint64_t class;
    uint32_t clock;
    uint32_t next; /* of the same slot; 0: none */
};

struct holder {
    uint64_t epoch, late, weight;
};

/* An array that grows. */
struct list {
    void *at;
    size_t n, room, each;
};

struct alike {
    uint32_t n_slots;
    size_t bytes;
    struct list moment, vc, holder; /* moment[0] is none; vc[i] belongs to holder[i] */
    struct rt_rand rand;
    uint32_t first[]; /* by slot */
};

static void *list_add(struct list *l)
{
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 1024;
        void *bigger = pages_get(room * l->each);
        if (l->at) {
            memcpy(bigger, l->at, l->n * l->each);
            pages_put(l->at, l->room * l->each);
        }
        l->at = bigger;
        l->room = room;
    }
    return (char *)l->at + l->n++ * l->each;
}

static void list_free(struct list *l)
{
    if (l->at)
        pages_put(l->at, l->room * l->each);
}

static struct moment *moment_at(const struct alike *k, uint32_t i)
{
    return (struct moment *)k->moment.at + i;
}

struct alike *alike_make(uint32_t n_slots)
{
    size_t bytes = sizeof(struct alike) + (n_slots + 1) * sizeof(uint32_t);
    struct alike *k = pages_get(bytes);
    k->n_slots = n_slots;
    k->bytes = bytes;
    k->moment.each = sizeof(struct moment);
    k->vc.each = sizeof(struct vc_node *);
    k->holder.each = sizeof(struct holder);
    k->rand.state = (uintptr_t)k;
    list_add(&k->moment);
    return k;
}

void alike_free(struct alike *k)
{
    list_free(&k->moment);
    list_free(&k->vc);
    list_free(&k->holder);
    pages_put(k, k->bytes);
}

static struct moment *find(const struct alike *k, uint64_t w, unsigned *ret_n)
{
    uint32_t i = w_slot(w) <= k->n_slots ? k->first[w_slot(w)] : 0;
    *ret_n = 0;
    while (i != 0 && moment_at(k, i)->clock != w_clock(w)) {
        i = moment_at(k, i)->next;
        ++*ret_n;
    }
    return i != 0 ? moment_at(k, i) : NULL;
}

void alike_note(struct alike *k, uint64_t w)
{
    unsigned n;
    if (w_slot(w) > k->n_slots || find(k, w, &n) || n == MOMENTS_OF_A_SLOT)
        return;
    uint32_t *first = &k->first[w_slot(w)], i = (uint32_t)k->moment.n;
    *(struct moment *)list_add(&k->moment) = (struct moment){.clock = w_clock(w), .next = *first};
    *first = i;
}

bool alike_class(const struct alike *k, uint64_t w, uint64_t *ret_class)
{
    unsigned n;
    const struct moment *m = find(k, w, &n);
    if (m)
        *ret_class = m->class;
    return m != NULL;
}

static void add_holder(const struct snap *s, void *arg)
{
    struct alike *k = arg;
    if (snap_empty(s))
        return;
    *(struct vc_node **)list_add(&k->vc) = vc_ref(s->vc);
    *(struct holder *)list_add(&k->holder) =
        (struct holder){s->epoch, s->late, rand_next(&k->rand)};
}

/* Whoever holds this leaf knows these clocks of 64 slots. */
static void add_leaf(uint32_t slot, const uint32_t *clock, uint32_t n, uint64_t weight, void *arg)
{
    struct alike *k = arg;
    for (uint32_t s = 0; s < n && slot + s <= k->n_slots; s++)
        for (uint32_t i = clock[s] ? k->first[slot + s] : 0; i != 0; i = moment_at(k, i)->next)
            if (moment_at(k, i)->clock <= clock[s])
                moment_at(k, i)->class += weight;
}

/* A holder knows the epoch; the moments up to known count already. */
static void add_epoch(struct alike *k, uint64_t epoch, uint32_t known, uint64_t weight)
{
    uint32_t slot = w_slot(epoch);
    for (uint32_t i = slot <= k->n_slots ? k->first[slot] : 0; i != 0; i = moment_at(k, i)->next) {
        struct moment *m = moment_at(k, i);
        if (m->clock <= w_clock(epoch) && m->clock > known)
            m->class += weight;
    }
}

/* A holder's own epochs may say more of their slots than its clock does. */
static void add_epochs(struct alike *k, const struct vc_node *vc, const struct holder *h)
{
    uint32_t known = vc_get(vc, w_slot(h->epoch)), late = w_clock(h->late);
    add_epoch(k, h->late, vc_get(vc, w_slot(h->late)), h->weight);
    if (w_slot(h->late) == w_slot(h->epoch) && late > known)
        known = late;
    add_epoch(k, h->epoch, known, h->weight);
}

void alike_learn(struct alike *k)
{
    ctx_stop();
    ctx_each_clock(add_holder, k);
    sync_each_clock(add_holder, k);
    ctx_resume();
    struct vc_node **vc = k->vc.at;
    const struct holder *h = k->holder.at;
    size_t n = k->vc.n;
    struct vc_weighing *w = vc_weigh_begin();
    for (size_t i = 0; i < n; i++) {
        add_epochs(k, vc[i], &h[i]);
        vc_weigh(w, vc[i], h[i].weight);
    }
    vc_weigh_end(w, add_leaf, k);
    for (size_t i = 0; i < n; i++)
        vc_unref(vc[i]);
    k->vc.n = 0;
}
