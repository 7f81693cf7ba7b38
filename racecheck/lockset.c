/* lockset.c - see lockset.h.
 *
 * Sets form a tree as stacks do: a set is a smaller one and the lock taken last, so that nested
 * sections share their beginnings.  Sets are only added; a set that is found has all its words
 * [lockset].
 *
 * Bound.  A program may have any number of locks.  When SETS_MAX sets or MARKS_MAX nodes with a set
 * exist, further ones become one set, "not remembered": reports say so and do not guess.
 *
 * Rejected: a new epoch for each lock that is taken, with a log of the locks by clock (twice the
 * clocks, and a log that forgets); a set's number in the access word (it is full). */
#include "lockset.h"
#include "ctx.h"
#include "futex.h"
#include "pool.h"
#include "word.h"
#include <string.h>

enum {
    SETS_MAX = 1 << 18,
    SLOTS = SETS_MAX * 2,
    MARKS_MAX = 1 << 20,
    NO_LOCKS = 0,
    FORGOTTEN = SETS_MAX, /* the number of all sets that there was no room for */
};

struct set {
    struct rc_held_lock last; /* taken last */
    uint32_t rest;            /* the set without it */
    uint32_t n;               /* locks held, which may be more than the tree shows */
};

/* What the thread asked for last: the set of one lock, and nodes under sets. */
enum { NEAR = 8 };
static __thread struct {
    struct rc_held_lock one;
    uint32_t one_set; /* 0: none yet */
    struct {
        uint32_t node, set, child; /* child 0: none yet */
    } at[NEAR];
} near __attribute__((tls_model("initial-exec")));

static struct rt_lock lock;
static struct set *sets; /* [0] is empty; set once */
static uint32_t *slots;  /* set numbers by hash; 0: free.  Stored under lock [lockset] */
static uint32_t n_sets;  /* guarded by lock */
static uint32_t n_marks; /* nodes that carry a set */
static uint32_t lost;    /* a node could not be made: an access without one may have had locks */

static bool is(const struct set *s, uint32_t rest, const struct rc_held_lock *k, uint32_t n)
{
    return s->last.lock == k->lock && s->last.taken_at == k->taken_at && s->rest == rest &&
           s->last.for_write == k->for_write && s->n == n;
}

static uint32_t hash(uint32_t rest, const struct rc_held_lock *k)
{
    uint64_t h = ((uintptr_t)k->lock ^ (uint64_t)rest << 40) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ h >> 29 ^ k->taken_at) * UINT64_C(0xc2b2ae3d27d4eb4f);
    return (uint32_t)(h >> 40) % SLOTS;
}

static uint32_t search(uint32_t rest, const struct rc_held_lock *k, uint32_t n, uint32_t *ret_slot)
{
    uint32_t at = hash(rest, k), set;
    const uint32_t *table = at_load_acq(&slots);            /* [lockset] */
    while (table && (set = at_load_acq(&table[at])) != 0) { /* [lockset] */
        if (is(&sets[set], rest, k, n))
            return set;
        at = (at + 1) % SLOTS;
    }
    *ret_slot = at;
    return 0;
}

/* Caller holds lock. */
static uint32_t add(uint32_t rest, const struct rc_held_lock *k, uint32_t n)
{
    uint32_t at;
    if (!slots) {
        sets = pages_get(sizeof *sets * SETS_MAX);
        at_store_rel(&slots, (uint32_t *)pages_get(sizeof *slots * SLOTS)); /* [lockset] */
    }
    uint32_t set = search(rest, k, n, &at);
    if (set)
        return set;
    if (n_sets + 1 >= SETS_MAX)
        return FORGOTTEN;
    set = ++n_sets;
    sets[set] = (struct set){*k, rest, n};
    at_store_rel(&slots[at], set); /* [lockset] with the set's contents */
    return set;
}

static uint32_t intern(uint32_t rest, const struct rc_held_lock *k, uint32_t n)
{
    uint32_t at, set = search(rest, k, n, &at);
    if (set)
        return set;
    rt_lock(&lock);
    set = add(rest, k, n);
    rt_unlock(&lock);
    return set;
}

static uint32_t set_of(const struct rc_held_lock *held, unsigned n)
{
    unsigned shown = n < RC_LOCKS_SHOWN ? n : RC_LOCKS_SHOWN;
    uint32_t set = NO_LOCKS;
    for (unsigned i = 0; i < shown && set != FORGOTTEN; i++)
        set = intern(set, &held[i], i + 1 == shown ? n : i + 1);
    return set;
}

static uint32_t set_of_one(const struct rc_held_lock *k)
{
    if (near.one.lock != k->lock || near.one.taken_at != k->taken_at ||
        near.one.for_write != k->for_write || near.one_set == NO_LOCKS) {
        near.one = *k;
        near.one_set = set_of(k, 1);
    }
    return near.one_set;
}

static uint32_t make_node(uint32_t node, uint32_t set)
{
    uint32_t mark = CALLS_MARK | set, child = calls_child_near(node, mark);
    if (child != CALLS_NONE)
        return child;
    if (at_load_rlx(&n_marks) >= MARKS_MAX) /* relaxed: a bound that need not be exact */
        mark = CALLS_MARK | FORGOTTEN;
    at_add_rlx(&n_marks, 1u);                /* relaxed: likewise; counts some twice */
    child = calls_child_slow(node, mark, 0); /* no call, never folded */
    if (child == node)
        at_store_rlx(&lost, 1u); /* relaxed: a remark for reports */
    return child;
}

uint32_t lockset_node(uint32_t node, const struct rc_held_lock *held, unsigned n)
{
    uint32_t set = n == 1 ? set_of_one(held) : set_of(held, n);
    unsigned i = node % NEAR;
    if (near.at[i].node != node || near.at[i].set != set || near.at[i].child == CALLS_NONE) {
        near.at[i].child = make_node(node, set);
        near.at[i].node = node;
        near.at[i].set = set;
    }
    return near.at[i].child;
}

static uint32_t node_of(rc_site site)
{
    return (uint32_t)((site & ~(SITE_PAST | SITE_FREE)) >> 32);
}

rc_site lockset_strip(rc_site site)
{
    uint32_t node = node_of(site);
    if (site == 0 || !calls_is_mark(calls_nodes[node].pc))
        return site;
    uint64_t own = calls_nodes[node].parent & ~CALLS_FOLDED;
    return (site & (SITE_PAST | SITE_FREE | UINT32_MAX)) | own << 32;
}

void lockset_of(rc_site site, struct rc_access_info *ret_info)
{
    uint32_t pc = site ? calls_nodes[node_of(site)].pc : 0;
    uint32_t set = calls_is_mark(pc) ? pc & ~CALLS_MARK : NO_LOCKS;
    ret_info->n_locks = 0;
    ret_info->locks_known = set == NO_LOCKS ? !at_load_rlx(&lost) /* relaxed: a remark */
                                            : set != FORGOTTEN;
    if (set == NO_LOCKS || set == FORGOTTEN)
        return;
    unsigned shown = sets[set].n < RC_LOCKS_SHOWN ? sets[set].n : RC_LOCKS_SHOWN, kept = 0;
    ret_info->n_locks = sets[set].n;
    for (unsigned i = shown; i > 0 && set != NO_LOCKS; i--, set = sets[set].rest)
        ret_info->lock[i - 1] = sets[set].last;
    for (unsigned i = 0; i < shown; i++) /* of some it became known since that nobody holds them */
        if (!rc_is_handed_over(ret_info->lock[i].lock))
            ret_info->lock[kept++] = ret_info->lock[i];
    ret_info->n_locks -= shown - kept;
}

uint32_t lockset_count(void)
{
    rt_lock(&lock);
    uint32_t n = n_sets;
    rt_unlock(&lock);
    return n;
}
