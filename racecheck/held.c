/* held.c - the locks that each flow holds, for reports: those on both sides of a race, orders of
 * locks, and who has what a blocked flow waits for.
 *
 * A context has a list of RC_LOCKS_SHOWN locks in the order in which they were taken, and counts
 * those that were taken while it was full.  It alone writes there; who looks at another flow's sees
 * a picture that may be a moment old, of locks that were held at some time.
 *
 * A lock that one flow takes and another one drops is handed over: it is a semaphore, and nobody
 * holds it.  The taker cannot know when it was dropped, so from the first time on such a lock is in
 * no list, not in reports, and not in the order of locks.  That it is, is remembered by its
 * address, until its memory or the lock is no more.
 *
 * Who ends with a lock leaves it held for ever, unless another flow unlocks it.  The last such
 * locks are kept with the flow's name, for who is blocked by them.
 *
 * Lock order: `left.lock` and `handed.lock` are leaves. */
#include "ctx.h"
#include "futex.h"
#include "lockorder.h"
#include "lockset.h"
#include "reread.h"
#include <string.h>

/* ---- locks that are handed over ---- */

/* A set of addresses: each in one of the slots of its bucket, a cache line.  Where a bucket is full
 * an older one is forgotten, and watched again until the next time. */
enum { BUCKETS = 512, SLOTS = 8 };
static struct {
    struct rt_lock lock; /* of who writes */
    uint32_t n;          /* how often one was entered: who has a list looks for them there */
    uint32_t turn;
    uintptr_t slot[BUCKETS][SLOTS] __attribute__((aligned(64)));
} handed;

static uintptr_t *bucket_of(uintptr_t lock)
{
    return handed.slot[lock * UINT64_C(0x9e3779b97f4a7c15) >> 55];
}

static uintptr_t *find(uintptr_t *bucket, uintptr_t lock)
{
    for (int i = 0; i < SLOTS; i++)
        if (at_load_rlx(&bucket[i]) == lock) /* relaxed: others may be late to know */
            return &bucket[i];
    return NULL;
}

bool rc_is_handed_over(const void *lock)
{
    /* relaxed: likewise */
    return unlikely(at_load_rlx(&handed.n) != 0) &&
           find(bucket_of((uintptr_t)lock), (uintptr_t)lock) != NULL;
}

static void hand_over(uintptr_t lock)
{
    struct rc_thread was = rc_enter();
    rt_lock(&handed.lock);
    uintptr_t *bucket = bucket_of(lock);
    if (!find(bucket, lock)) {
        uintptr_t *to = find(bucket, 0);
        to = to ? to : &bucket[handed.turn++ % SLOTS];
        at_store_rlx(to, lock);                                   /* relaxed: likewise */
        at_store_rlx(&handed.n, handed.n + 1 ? handed.n + 1 : 1); /* relaxed: likewise */
    }
    rt_unlock(&handed.lock);
    lockorder_forget(lock);
    reread_forget(lock);
    rc_leave(was);
}

void held_forget(uintptr_t lock)
{
    if (!rc_is_handed_over((const void *)lock))
        return;
    rt_lock(&handed.lock);
    uintptr_t *at = find(bucket_of(lock), lock);
    if (at)
        at_store_rlx(at, (uintptr_t)0); /* relaxed: likewise */
    rt_unlock(&handed.lock);
}

/* Takes those out of c's list that were handed over since the last look. */
static void look_for_handed(struct rc_ctx *c)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < c->n_locks; i++)
        if (!rc_is_handed_over(c->lock[i].lock))
            c->lock[kept++] = c->lock[i];
    c->n_locks = kept;
    c->held_at = CALLS_NONE;
}

/* Nothing to be said about lock, which c has taken or drops? */
static bool is_nobodys(struct rc_ctx *c, const void *lock)
{
    uint32_t n = at_load_rlx(&handed.n); /* relaxed: likewise */
    if (likely(n == 0))
        return false;
    if (c->handed != n) {
        c->handed = n;
        look_for_handed(c);
    }
    return rc_is_handed_over(lock);
}

/* ---- lists ---- */

void rc_lock_wanted(struct rc_ctx *c, const void *lock, unsigned how, const char *kind,
                    uintptr_t pc)
{
    if (rc_is_silent(c) || c->n_locks == 0 || is_nobodys(c, lock))
        return;
    const struct rc_held_lock k = {.lock = lock,
                                   .kind = kind,
                                   .for_write = (how & RC_LOCK_WRITE) != 0,
                                   .taken_at = rc_site_here(c, pc)};
    lockorder_wanted(c, &k);
}

void rc_lock_taken(struct rc_ctx *c, const void *lock, unsigned how, const char *kind, uintptr_t pc)
{
    if (rc_is_silent(c) || is_nobodys(c, lock))
        return;
    struct rc_held_lock one_more,
        *k = c->n_locks < RC_LOCKS_SHOWN ? &c->lock[c->n_locks] : &one_more;
    k->lock = lock; /* in its place at once: copying would wait for these stores */
    k->kind = kind;
    k->for_write = (how & RC_LOCK_WRITE) != 0;
    k->met_writer = false;
    k->taken_at = rc_site_here(c, pc);
    if (c->n_locks > 0 && !(how & (RC_LOCK_TRIED | RC_LOCK_WANTED)))
        lockorder_wanted(c, k);
    if (how & RC_LOCK_IN_TURN)
        reread_taken(c, k, how & RC_LOCK_TRIED);
    if (k != &one_more)
        c->n_locks++;
    else
        c->n_more++;
    c->held_at = CALLS_NONE;
}

void rc_lock_dropped(struct rc_ctx *c, const void *lock)
{
    if (rc_is_silent(c) || is_nobodys(c, lock))
        return;
    unsigned i = c->n_locks;
    while (i > 0 && c->lock[i - 1].lock != lock)
        i--;
    if (i > 0) {
        memmove(&c->lock[i - 1], &c->lock[i], (c->n_locks - i) * sizeof c->lock[0]);
        c->n_locks--;
    } else if (c->n_more > 0) {
        c->n_more--;
    } else {
        hand_over((uintptr_t)lock);
    }
    c->held_at = CALLS_NONE;
}

const struct rc_held_lock *held_find(const struct rc_ctx *c, const void *lock)
{
    for (unsigned i = 0; i < c->n_locks; i++)
        if (c->lock[i].lock == lock)
            return &c->lock[i];
    return NULL;
}

bool rc_holds_lock(const struct rc_ctx *c, const void *lock)
{
    return c && held_find(c, lock) && !rc_is_handed_over(lock);
}

size_t rc_locks_held(const struct rc_ctx *c, const void **ret_locks, size_t max)
{
    unsigned n = c ? at_load_rlx(&c->n_locks) : 0; /* relaxed: a picture */
    size_t k = 0;
    for (size_t i = 0; i < n && i < RC_LOCKS_SHOWN && k < max; i++) {
        const void *lock = at_load_rlx(&c->lock[i].lock); /* relaxed: likewise */
        if (!rc_is_handed_over(lock))
            ret_locks[k++] = lock;
    }
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

/* ---- locks that outlive their holders ---- */

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
    for (unsigned i = 0; i < c->n_locks; i++)
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
    if (rc_is_handed_over(lock))
        return 0;
    rc_each_ctx(add_holder, &h);
    return h.n == 0 && max > 0 && was_left(lock, ret_holders) ? 1 : h.n;
}

size_t rc_lock_holders(const void *lock, struct rc_lock_holder *ret_holders, size_t max)
{
    struct rc_holder seen[RC_LOCKS_SHOWN];
    unsigned n = rc_holders_of(lock, seen, max < RC_LOCKS_SHOWN ? (unsigned)max : RC_LOCKS_SHOWN);
    for (unsigned i = 0; i < n; i++) {
        const struct rc_holder *h = &seen[i];
        uintptr_t pc = 0;
        if (rc_site_has_pc(h->lock.taken_at))
            rc_stack_of(h->lock.taken_at, &pc, 1, NULL);
        ret_holders[i] =
            (struct rc_lock_holder){h->by.kind == RC_GOROUTINE ? h->by.id : 0, pc, h->ended};
    }
    return n;
}

void rc_locks_abandoned(struct rc_ctx *c)
{
    for (unsigned i = 0; c && i < c->n_locks; i++)
        rc_release_merge(c, c->lock[i].lock);
}

uint32_t rc_node_under_locks(struct rc_ctx *c)
{
    struct rc_thread was = rc_enter();
    c->held_node = lockset_node(c->top->node, c->lock,
                                c->n_locks == RC_LOCKS_SHOWN ? c->n_locks + c->n_more : c->n_locks);
    rc_leave(was);
    c->held_at = c->top->node;
    return c->held_node;
}
