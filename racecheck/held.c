/* held.c - the locks that each flow holds, for reports: those on both sides of a race, orders of
 * locks, and who has what a blocked flow waits for.
 *
 * A context has its first RC_LOCKS_SHOWN locks in the order in which they were taken, and counts
 * the others.  It alone writes there; who looks at another flow's sees a picture that may be a
 * moment old, of locks that were held at some time.
 *
 * Who ends with a lock leaves it held for ever, unless another flow unlocks it.  The last such
 * locks are kept with the flow's name, for who is blocked by them.
 *
 * Lock order: `left.lock` is a leaf. */
#include "ctx.h"
#include "futex.h"
#include "lockorder.h"
#include "lockset.h"
#include <string.h>

void rc_lock_taken(struct rc_ctx *c, const void *lock, unsigned how, const char *kind, uintptr_t pc)
{
    if (rc_is_silent(c))
        return;
    struct rc_held_lock one_more,
        *k = c->n_locks < RC_LOCKS_SHOWN ? &c->lock[c->n_locks] : &one_more;
    k->lock = lock; /* in its place at once: copying would wait for these stores */
    k->kind = kind;
    k->for_write = (how & RC_LOCK_WRITE) != 0;
    k->taken_at = rc_site_here(c, pc);
    if (c->n_locks > 0 && !(how & RC_LOCK_TRIED))
        lockorder_taken(c, k);
    c->n_locks++;
    c->held_at = CALLS_NONE;
}

void rc_lock_dropped(struct rc_ctx *c, const void *lock)
{
    if (rc_is_silent(c))
        return;
    unsigned n = c->n_locks < RC_LOCKS_SHOWN ? c->n_locks : RC_LOCKS_SHOWN, i = n;
    while (i > 0 && c->lock[i - 1].lock != lock)
        i--;
    if (i > 0)
        memmove(&c->lock[i - 1], &c->lock[i], (n - i) * sizeof c->lock[0]);
    if (i > 0 || c->n_locks > RC_LOCKS_SHOWN)
        c->n_locks--;
    c->held_at = CALLS_NONE;
}

size_t rc_locks_held(const struct rc_ctx *c, const void **ret_locks, size_t max)
{
    unsigned n = c ? at_load_rlx(&c->n_locks) : 0; /* relaxed: a picture */
    size_t k = n < RC_LOCKS_SHOWN ? n : RC_LOCKS_SHOWN;
    k = k < max ? k : max;
    for (size_t i = 0; i < k; i++)
        ret_locks[i] = at_load_rlx(&c->lock[i].lock); /* relaxed: likewise */
    return k;
}

struct holding {
    const void *lock;
    struct rc_holder *holders;
    unsigned n, max;
};

static bool add_holder(const struct rc_ctx *c, void *arg)
{
    struct holding *h = arg;
    unsigned n = at_load_rlx(&c->n_locks); /* relaxed: a picture */
    for (unsigned i = 0; i < n && i < RC_LOCKS_SHOWN && h->n < h->max; i++) {
        if (c->lock[i].lock != h->lock)
            continue;
        struct rc_holder *to = &h->holders[h->n++];
        *to = (struct rc_holder){rc_flow_of(c), c->lock[i], false};
        break;
    }
    return h->n == h->max;
}

enum { LEFT = 64 };
static struct {
    struct rt_lock lock;
    unsigned long n; /* since the program began; the last LEFT are there */
    struct rc_holder by[LEFT];
} left;

void rc_locks_left(const struct rc_ctx *c)
{
    if (c->n_locks == 0)
        return;
    rt_lock(&left.lock);
    for (unsigned i = 0; i < c->n_locks && i < RC_LOCKS_SHOWN; i++)
        left.by[left.n++ % LEFT] = (struct rc_holder){rc_flow_of(c), c->lock[i], true};
    rt_unlock(&left.lock);
}

/* The flow that has ended with lock, the last one if there were several. */
static bool was_left(const void *lock, struct rc_holder *ret)
{
    rt_lock(&left.lock);
    const struct rc_holder *last = NULL;
    for (unsigned long k = 1; k <= left.n && k <= LEFT && !last; k++)
        if (left.by[(left.n - k) % LEFT].lock.lock == lock)
            last = &left.by[(left.n - k) % LEFT];
    if (last)
        *ret = *last;
    rt_unlock(&left.lock);
    return last != NULL;
}

unsigned rc_holders_of(const void *lock, struct rc_holder *ret_holders, unsigned max)
{
    struct holding h = {lock, ret_holders, 0, max};
    rc_each_ctx(add_holder, &h);
    return h.n == 0 && max > 0 && was_left(lock, ret_holders) ? 1 : h.n;
}

void rc_locks_abandoned(struct rc_ctx *c)
{
    for (unsigned i = 0; c && i < c->n_locks && i < RC_LOCKS_SHOWN; i++)
        rc_release_merge(c, c->lock[i].lock);
}

uint32_t rc_node_under_locks(struct rc_ctx *c)
{
    struct rc_thread was = rc_enter();
    c->held_node = lockset_node(c->top->node, c->lock, c->n_locks);
    rc_leave(was);
    c->held_at = c->top->node;
    return c->held_node;
}
