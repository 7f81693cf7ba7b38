/* calls.c - see calls.h.
 *
 * Finding a child costs, in this order: one compare (the node's first child), a look at a few more
 * children in the list, one probe of a table of the thread (functions that call many others), one
 * probe or more of the shared table.  The shared table has open addressing, is only appended to,
 * and grows under a lock; readers take no lock: a table that was replaced stays readable, and a
 * miss is decided under the lock.  Most nodes have few children and nothing in the table.
 *
 * Bound.  A recursion with two call sites has 2^depth stacks, so a tree of exact stacks has no
 * bound.  While the tree is small, stacks are exact.  As it grows, a call site that already occurs
 * fold_limit() times on the way up is not given a new child but the nearest earlier node of the
 * same call site: the recursion is folded, and the node is marked so.  What is folded away is only
 * repetition of what is shown.
 *
 * Packed pcs: address space is seen in windows of 64 MiB; the program begins one, the others in use
 * are numbered as they are met (6 bits), and the offset takes 26.  The last number says that the
 * offset is the index of a full pc in a side table, the one before that it is a mark. */
#include "calls.h"
#include "futex.h"
#include "pool.h"
#include "vmem.h"
#include <string.h>
#include <sys/auxv.h>

enum { NODE_BITS = 30 };
#define NODES_SPACE ((size_t)sizeof(struct calls_node) << 28) /* 4 GiB of addresses: 256 M stacks */
#define NODES_MAX   ((1u << 28) - 1)

struct calls_node *calls_nodes;

struct slot {
    uint32_t parent, child; /* child is stored last; 0: empty */
};

struct table {
    uint32_t mask; /* size - 1 */
    struct slot slot[];
};

static struct rt_lock lock;
static struct table *table; /* written under lock */
static uint32_t n_nodes;    /* written under lock */
static uint32_t n_slots;    /* used slots; guarded by lock */

enum { NEAR = 256, LISTED = 4 };
struct near {
    uint32_t pc, parent, child;
};
static __thread struct near *near_cache __attribute__((tls_model("initial-exec")));

static uint32_t hash(uint32_t node, uint32_t pc)
{
    uint64_t h = (pc ^ (uint64_t)node << 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32);
}

static struct table *table_make(uint32_t size)
{
    struct table *t = pages_get(sizeof *t + size * sizeof(struct slot));
    t->mask = size - 1;
    return t;
}

void calls_init(void)
{
    if (calls_nodes)
        return;
    struct calls_node *nodes = pages_get(NODES_SPACE);
    nodes[CALLS_NONE].pc = 0;
    nodes[CALLS_ROOT].parent = CALLS_NONE;
    pc_window_0 = getauxval(AT_PHDR) & ~(uintptr_t)(VM_PAGE - 1);
    n_nodes = 2;
    table = table_make(1u << 12);
    calls_nodes = nodes;
}

static uint32_t in_table(const struct table *t, uint32_t node, uint32_t pc)
{
    for (uint32_t i = hash(node, pc);; i++) {
        const struct slot *s = &t->slot[i & t->mask];
        uint32_t child = at_load_acq(&s->child); /* [calls-node] */
        if (child == CALLS_NONE)
            return CALLS_NONE;
        if (s->parent == node && calls_nodes[child].pc == pc)
            return child;
    }
}

/* The child in the node's list, or CALLS_NONE.  *ret_last: the last child of the list when one more
 * may follow it. */
static uint32_t in_list(uint32_t node, uint32_t pc, uint32_t *ret_last)
{
    uint32_t child = at_load_acq(&calls_nodes[node].first); /* [calls-node] */
    *ret_last = CALLS_NONE;
    for (unsigned n = 1; child != CALLS_NONE; n++) {
        uint32_t parent = at_load_rlx(&calls_nodes[child].parent); /* relaxed: set once */
        if (calls_nodes[child].pc == pc)
            return child;
        if ((parent & ~CALLS_FOLDED) != node)
            return CALLS_NONE; /* an earlier node that stands for its only child here */
        uint32_t next = at_load_acq(&calls_nodes[child].next) & ~CALLS_MORE; /* [calls-node] */
        if (next == CALLS_NONE && n < LISTED)
            *ret_last = child;
        child = next;
    }
    return CALLS_NONE;
}

static bool has_more(uint32_t node)
{
    return (at_load_acq(&calls_nodes[node].next) & CALLS_MORE) != 0; /* [calls-node] */
}

/* Caller holds lock. */
static void insert(struct table *t, uint32_t node, uint32_t child)
{
    uint32_t i = hash(node, calls_nodes[child].pc);
    while (t->slot[i & t->mask].child != CALLS_NONE)
        i++;
    t->slot[i & t->mask].parent = node;
    at_store_rel(&t->slot[i & t->mask].child, child); /* [calls-node] with the node's contents */
}

/* Caller holds lock. */
static void grow(void)
{
    struct table *old = table, *t = table_make((old->mask + 1) * 4);
    for (uint32_t i = 0; i <= old->mask; i++)
        if (old->slot[i].child != CALLS_NONE)
            insert(t, old->slot[i].parent, old->slot[i].child);
    at_store_rel(&table, t); /* [calls-table]; the old one stays: somebody may be reading it */
}

/* How often a call site may occur in one stack before recursion is folded. */
static unsigned fold_limit(void)
{
    if (n_nodes < 1u << 20)
        return 1u << 16;
    return n_nodes < 1u << 22 ? 8 : n_nodes < 1u << 24 ? 2 : 1;
}

/* The earlier node that stands for a call from node to pc, or CALLS_NONE.  Caller holds lock. */
static uint32_t folded(uint32_t node, uint32_t pc, size_t depth)
{
    unsigned seen = 0, limit = fold_limit();
    uint32_t nearest = CALLS_NONE;
    for (uint32_t n = depth < limit ? (uint32_t)CALLS_NONE : node; n != CALLS_NONE;
         n = calls_nodes[n].parent & ~CALLS_FOLDED) {
        if (calls_nodes[n].pc != pc)
            continue;
        if (nearest == CALLS_NONE)
            nearest = n;
        if (++seen >= limit) {
            at_or_rlx(&calls_nodes[nearest].parent,
                      CALLS_FOLDED); /* relaxed: a remark for reports */
            return nearest;
        }
    }
    return CALLS_NONE;
}

/* Makes child one of node's.  is_new: its parent is node.  Caller holds lock. */
static void adopt(uint32_t node, uint32_t child, bool is_new)
{
    uint32_t last;
    bool listed = !calls_is_mark(calls_nodes[child].pc);
    in_list(node, 0, &last);
    if (listed && calls_nodes[node].first == CALLS_NONE) {
        at_store_rel(&calls_nodes[node].first, child); /* [calls-node] */
    } else if (listed && is_new && last != CALLS_NONE) {
        uint32_t more = calls_nodes[last].next & CALLS_MORE;
        at_store_rel(&calls_nodes[last].next, child | more); /* [calls-node] */
    } else {
        if (n_slots++ * 2 > table->mask)
            grow();
        insert(table, node, child);
        at_or_acq_rel(&calls_nodes[node].next, CALLS_MORE); /* [calls-node] */
    }
}

/* Caller holds lock. */
static uint32_t add(uint32_t node, uint32_t pc, size_t depth)
{
    uint32_t child = n_nodes < NODES_MAX ? folded(node, pc, depth) : node;
    bool is_new = child == CALLS_NONE;
    if (is_new) {
        child = n_nodes;
        calls_nodes[child] = (struct calls_node){.pc = pc, .parent = node};
        at_store_rlx(&n_nodes, child + 1); /* relaxed: a counter for others */
    } else if (child == node && calls_nodes[node].pc != pc) {
        return node; /* out of ids: the stack stops growing here */
    }
    adopt(node, child, is_new);
    return child;
}

static struct near *near_of(uint32_t node, uint32_t pc)
{
    return &near_cache[hash(node, pc) % NEAR];
}

uint32_t calls_child_near(uint32_t node, uint32_t pc)
{
    uint32_t last, child = in_list(node, pc, &last);
    if (child != CALLS_NONE || near_cache == NULL || !has_more(node))
        return child;
    struct near *n = near_of(node, pc);
    return n->parent == node && n->pc == pc ? n->child : (uint32_t)CALLS_NONE;
}

static uint32_t lookup(const struct table *t, uint32_t node, uint32_t pc)
{
    uint32_t last, child = in_list(node, pc, &last);
    return child == CALLS_NONE && has_more(node) ? in_table(t, node, pc) : child;
}

uint32_t calls_child_slow(uint32_t node, uint32_t pc, size_t depth)
{
    if (unlikely(near_cache == NULL)) {
        near_cache = rc_alloc(NEAR * sizeof *near_cache);
        memset(near_cache, 0, NEAR * sizeof *near_cache);
    }
    uint32_t child = lookup(at_load_acq(&table), node, pc); /* [calls-table] */
    if (child == CALLS_NONE) {
        rt_lock(&lock);
        child = lookup(table, node, pc);
        if (child == CALLS_NONE)
            child = add(node, pc, depth);
        rt_unlock(&lock);
    }
    *near_of(node, pc) = (struct near){pc, node, child};
    return child;
}

void calls_thread_fini(void)
{
    if (near_cache)
        rc_free(near_cache, NEAR * sizeof *near_cache);
    near_cache = NULL;
}

uint32_t calls_count(void)
{
    return at_load_rlx(&n_nodes) - CALLS_ROOT - 1; /* relaxed: a counter */
}

/* ---- packed pcs ---- */

enum { WINDOW_SHIFT = PC_WINDOW_SHIFT, MARKS = CALLS_MARK >> PC_WINDOW_SHIFT, WIDE = 63 };

uintptr_t pc_window_0;

static struct rt_lock pc_lock;
static uintptr_t window[MARKS]; /* all but [0] in windows' numbers; appended under pc_lock */
static uint32_t n_windows = 1;
static uintptr_t *wide; /* full pcs, appended under pc_lock */
static uint32_t n_wide;

static uint32_t pc_pack_wide(uintptr_t pc)
{
    uint32_t i = 0;
    while (i < n_wide && wide[i] != pc)
        i++;
    if (i == n_wide) {
        if (wide == NULL)
            wide = pages_get(sizeof *wide << WINDOW_SHIFT);
        wide[i] = pc;
        n_wide++;
    }
    return (uint32_t)WIDE << WINDOW_SHIFT | i;
}

static uint32_t pc_pack_new(uintptr_t pc)
{
    uint32_t packed;
    rt_lock(&pc_lock);
    uint32_t i = 1, n = n_windows;
    while (i < n && window[i] != pc >> WINDOW_SHIFT)
        i++;
    if (i < MARKS) {
        if (i == n) {
            window[i] = pc >> WINDOW_SHIFT;
            at_store_rel(&n_windows, n + 1); /* [pc-window] */
        }
        packed = i << WINDOW_SHIFT | (pc & ((1u << WINDOW_SHIFT) - 1));
    } else {
        packed = pc_pack_wide(pc);
    }
    rt_unlock(&pc_lock);
    return packed;
}

uint32_t pc_pack_slow(uintptr_t pc)
{
    uint32_t n = at_load_acq(&n_windows); /* [pc-window] */
    for (uint32_t i = 1; i < n; i++)
        if (window[i] == pc >> WINDOW_SHIFT)
            return i << WINDOW_SHIFT | (pc & ((1u << WINDOW_SHIFT) - 1));
    return pc_pack_new(pc);
}

uintptr_t pc_unpack(uint32_t packed)
{
    uint32_t i = packed >> WINDOW_SHIFT, offset = packed & ((1u << WINDOW_SHIFT) - 1);
    if (i == 0)
        return packed ? pc_window_0 + offset : 0;
    return i == WIDE ? wide[offset] : window[i] << WINDOW_SHIFT | offset;
}
