/* owner.c - see owner.h.
 *
 * The handshake.  The owner stores "inside" and then loads the page's word; who takes the page
 * stores its word and then loads "inside".  One of them must see the other's store.  The owner
 * comes often and does it plainly; the other executes a fence on all threads in between
 * [fence-all], waits until the owner is outside once [turn], and tells everybody [owner].
 *
 * A thread that takes a page takes its owner's neighbouring pages along, since memory that is
 * handed from thread to thread mostly comes in larger pieces.  When a process does so all the time
 * pages are no more given to anyone: that bounds what is spent on it.
 *
 * Who looks at all of memory (collect.c) borrows pages in the same way and stores their owners' ids
 * again [owner].
 *
 * Where the kernel has no membarrier(2) every page is shared from the start.
 *
 * Rejected: giving a page to the thread that takes it (two threads that use it in turn would take
 * it from each other each time); an owner for each cell (no room) or for 64 KiB (small programs
 * share all). */
#include "owner.h"
#include "ctx.h"
#include "fence.h"
#include "fill.h"
#include "report.h"
#include "futex.h"
#include <sched.h>

enum {
    IDS = 8192,
    REVOKED_MAX = 100000, /* pages; some 50 ms in all */
    SPINS = 100,
};

static struct owner owners[IDS]; /* by id - OWNER_FIRST */
static struct owner no_owner = {.id = (uint32_t)OWNER_NOBODY, .turns = 1};
static __thread struct owner spare; /* of a thread that comes when all ids are taken */
__thread struct owner *owner_mine __attribute__((tls_model("initial-exec"))) = &no_owner;

static struct rt_lock lock; /* guards the three below */
static uint32_t n_ids, n_free;
static uint32_t free_ids[IDS];

static uint32_t n_revoked; /* relaxed counter */

/* The calling thread gets a record, with an id if there is one.  Inside, as revoke(). */
static void join(void)
{
    struct rc_thread was = rc_enter();
    rt_lock(&lock);
    uint32_t i = IDS;
    if (n_free > 0)
        i = free_ids[--n_free];
    else if (n_ids < IDS)
        i = n_ids++;
    rt_unlock(&lock);
    owner_mine = i == IDS ? &spare : &owners[i];
    owner_mine->id = OWNER_FIRST + i;
    rc_leave(was);
}

void owner_thread_fini(void)
{
    struct owner *o = owner_mine;
    owner_mine = &no_owner;
    if (o == &no_owner || o == &spare)
        return;
    rt_lock(&lock);
    free_ids[n_free++] = o->id - OWNER_FIRST;
    rt_unlock(&lock);
}

void owner_forked(void)
{
    for (uint32_t i = 0; i < n_ids; i++)
        if (&owners[i] != owner_mine && (owners[i].turns & 1))
            owners[i].turns++;
    rt_fence_init();
}

uint32_t owner_revoked(void)
{
    return at_load_rlx(&n_revoked); /* relaxed: a statistic */
}

/* Waits until the owner was outside at some moment. */
static void await_outside(const struct owner *o)
{
    uint32_t turns = at_load_acq(&o->turns); /* [turn] */
    if ((turns & 1) == 0)
        return;
    for (unsigned i = 0; at_load_acq(&o->turns) == turns; i++) { /* [turn] */
        if (i < SPINS)
            at_pause();
        else
            sched_yield();
    }
}

/* revoke() inside the engine. */
static void take_from(uint32_t *page, uint32_t id)
{
    uint32_t *first = (uint32_t *)((uintptr_t)page & ~(OWNER_TOGETHER * sizeof *page - 1));
    unsigned taken = 0;
    for (unsigned i = 0; i < OWNER_TOGETHER; i++)
        if (at_load_rlx(&first[i]) == id &&                 /* relaxed: the exchange decides */
            at_cas_acq_rel(&first[i], id, OWNER_LEAVING)) { /* [fence-all] */
            taken |= 1u << i;
        }
    if (taken == 0)
        return;
    rt_fence_all(); /* [fence-all] the owner has seen it, or is seen to be inside */
    await_outside(&owners[id - OWNER_FIRST]);
    for (unsigned i = 0; i < OWNER_TOGETHER; i++)
        if (taken >> i & 1)
            at_store_rel(&first[i], (uint32_t)OWNER_SHARED);     /* [owner] */
    at_add_rlx(&n_revoked, (uint32_t)__builtin_popcount(taken)); /* relaxed: a statistic */
}

/* Makes the page, which belongs to id, and its neighbours of the same owner shared; or finds that
 * somebody else does so.  Inside, so that nobody forks meanwhile: in the child the page would be
 * left by nobody for ever. */
static void revoke(uint32_t *page, uint32_t id)
{
    struct rc_thread was = rc_enter();
    take_from(page, id);
    rc_leave(was);
}

/* ---- borrowing ---- */

/* Returns whether there was anything to borrow. */
static bool borrow_others(struct owner_loan *l)
{
    bool any = false;
    for (unsigned i = 0; i < OWNER_TOGETHER; i++) {
        uint32_t w = at_load_acq(&l->first[i]); /* [owner] */
        bool other = w >= OWNER_FIRST && w != owner_mine->id;
        l->was[i] = OWNER_NONE;
        if (other && at_cas_acq_rel(&l->first[i], w, OWNER_LEAVING)) { /* [fence-all] */
            l->was[i] = w;
            any = true;
        }
    }
    return any;
}

void owner_borrow(struct owner_loan *l, uint32_t *first)
{
    if (owner_mine == &no_owner)
        join();
    l->first = first;
    if (borrow_others(l))
        rt_fence_all(); /* [fence-all] the owners have seen it, or are seen to be inside */
    for (unsigned i = 0; i < OWNER_TOGETHER; i++) {
        if (l->was[i] & OWNER_FILLED)
            continue;
        if (l->was[i] != OWNER_NONE)
            await_outside(&owners[l->was[i] - OWNER_FIRST]);
        else
            while (at_load_acq(&first[i]) == OWNER_LEAVING) /* [owner] somebody takes it */
                sched_yield();
    }
    at_store_rlx(&owner_mine->turns, owner_mine->turns + 1); /* relaxed: as in owner_enter() */
    __asm__ volatile("" ::: "memory"); /* the fence is revoke()'s: [fence-all] */
}

enum owner_may owner_may(const struct owner_loan *l, unsigned i)
{
    uint32_t w = at_load_acq(&l->first[i]); /* [owner] */
    if (l->was[i] != OWNER_NONE || w == owner_mine->id)
        return OWNER_MAY_CHANGE;
    return w == OWNER_SHARED ? OWNER_MAY_TAKE : OWNER_MAY_NOT;
}

void owner_give_back(const struct owner_loan *l)
{
    owner_leave();
    for (unsigned i = 0; i < OWNER_TOGETHER; i++)
        if (l->was[i] != OWNER_NONE)
            at_store_rel(&l->first[i], l->was[i]); /* [owner] */
}

/* ---- entering ---- */

/* What an unused page becomes for the calling thread. */
static uint32_t first_owner(void)
{
    bool share = rt_fence_needed || owner_mine == &spare ||
                 at_load_rlx(&n_revoked) > REVOKED_MAX; /* relaxed: any moment will do */
    return share ? (uint32_t)OWNER_SHARED : owner_mine->id;
}

/* The page has that word for ever, or is the thread's own; who shuts the gate waits. */
static bool enter(uint32_t *page, uint32_t w)
{
    struct owner *o = owner_mine;
    at_store_rlx(&o->turns, o->turns + 1); /* relaxed: as in owner_enter() */
    __asm__ volatile("" ::: "memory");     /* the fence is revoke()'s: [fence-all] */
    if (at_load_rlx(page) == w)            /* relaxed: likewise */
        return true;
    at_store_rel(&o->turns, o->turns + 1); /* [turn] */
    return false;
}

bool owner_enter_slow(uint32_t *page)
{
    if (owner_mine == &no_owner)
        join();
    if (at_load_rlx(&gate_mine) && !rc_is_inside()) /* relaxed: its own, or the fence's [gate] */
        gate_heed();
    for (unsigned i = 0;; i++) {
        uint32_t w = at_load_acq(page); /* [owner] */
        if ((w == OWNER_SHARED || w == owner_mine->id) && enter(page, w))
            return w != OWNER_SHARED;
        if (w == OWNER_NONE)
            at_cas_acq_rel(page, w, first_owner());
        else if (w & OWNER_FILLED)
            fill_spread(page);
        else if (w != OWNER_LEAVING)
            revoke(page, w);
        else if (i < SPINS)
            at_pause();
        else
            sched_yield();
    }
}
