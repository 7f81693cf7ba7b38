/* reread.c - see reread.h.
 *
 * A flow takes a lock for reading, and again before it gives it back.  A writer that asks for the
 * lock between these two waits for the first reading to end, and the second one waits behind the
 * writer.  It can come there when its call is ordered neither before the first taking nor after the
 * second one by anything but the lock itself.  In this run it came before or after them, and each
 * side is compared with what a flow knows before it learns what was released at the lock:
 * - a writer comes later: does it know the second taking, which was noted?
 * - a writer was there before: did the reader know it when it took the lock for the first time?
 * Who got the lock by trying did not wait, so a writer that tried, or a second reading that did,
 * says nothing.  What other locks keep apart they have ordered.  What the lock itself has ordered
 * earlier counts as ordered, too: then nothing is said, until a later writer or reader shows it.
 *
 * Bound.  The last writer and the last such reader of a lock are kept in a table by the lock's
 * address; of two locks with one place there the later one has it.
 *
 * Lock order: a slot's spin lock is a leaf; reports are made after it was given back. */
#include "reread.h"
#include "flags.h"
#include "futex.h"
#include "pool.h"
#include "race.h"

enum { ENTRIES_LOG2 = 9, ENTRIES = 1 << ENTRIES_LOG2 };

struct seen {
    uint32_t spin; /* guards the rest; the first look at .lock does without */
    bool told;
    uintptr_t lock;           /* 0: free */
    uint64_t wrote, read;     /* epochs: of the last writer, the last second reading; 0: none */
    struct rc_reread to_tell; /* of both, with their stacks */
};

static struct seen seen[ENTRIES];

static struct seen *seen_of(uintptr_t lock)
{
    return &seen[lock * UINT64_C(0x9e3779b97f4a7c15) >> (64 - ENTRIES_LOG2)];
}

/* The slot belongs to the lock from now on. */
static void own(struct seen *e, uintptr_t lock)
{
    if (e->lock == lock)
        return;
    e->told = false;
    e->wrote = e->read = 0;
    at_store_rlx(&e->lock, lock); /* relaxed: who looks without the lock looks again with it */
}

/* Caller holds the slot's lock.  True: e->to_tell is complete, and news. */
static bool is_found(struct seen *e)
{
    bool found = !e->told;
    e->told = true;
    return found;
}

/* Caller holds the slot's lock, as in the two that follow. */
static bool write_taken(const struct rc_ctx *c, struct seen *e, const struct rc_held_lock *taken)
{
    own(e, (uintptr_t)taken->lock);
    e->wrote = c->clock.now.epoch;
    e->to_tell.writer = rc_flow_of(c);
    e->to_tell.written = *taken;
    return e->read != 0 && !rc_ordered(c, e->read) && is_found(e);
}

static bool read_again(const struct rc_ctx *c, struct seen *e, const struct rc_held_lock *first,
                       const struct rc_held_lock *taken)
{
    bool has_writer = e->lock == (uintptr_t)taken->lock && e->wrote != 0 && first->met_writer;
    own(e, (uintptr_t)taken->lock);
    e->read = c->clock.now.epoch;
    e->to_tell.reader = rc_flow_of(c);
    e->to_tell.first = *first;
    e->to_tell.again = *taken;
    return has_writer && is_found(e);
}

/* taken is a second reading after first, or a writing: then first is NULL. */
static void check(const struct rc_ctx *c, struct seen *e, const struct rc_held_lock *first,
                  const struct rc_held_lock *taken)
{
    struct rc_reread to_tell;
    struct rc_thread was = rc_enter();
    spin_lock(&e->spin);
    bool is_one = first ? read_again(c, e, first, taken) : write_taken(c, e, taken);
    if (is_one)
        to_tell = e->to_tell;
    spin_unlock(&e->spin);
    rc_leave(was);
    if (is_one)
        race_reread(&to_tell);
}

/* c, which has taken the lock for reading, does not know its last writer. */
static bool meets_writer(const struct rc_ctx *c, struct seen *e, uintptr_t lock)
{
    if (at_load_rlx(&e->lock) != lock) /* relaxed: the lock itself orders its writers before c */
        return false;
    struct rc_thread was = rc_enter();
    spin_lock(&e->spin);
    bool meets = e->lock == lock && e->wrote != 0 && !rc_ordered(c, e->wrote);
    spin_unlock(&e->spin);
    rc_leave(was);
    return meets;
}

void reread_taken(const struct rc_ctx *c, struct rc_held_lock *taken, bool tried)
{
    if (!rc_flags()->detect_deadlocks)
        return;
    struct seen *e = seen_of((uintptr_t)taken->lock);
    const struct rc_held_lock *first = taken->for_write ? NULL : held_find(c, taken->lock);
    if (!taken->for_write && !first)
        taken->met_writer = meets_writer(c, e, (uintptr_t)taken->lock);
    else if (!tried)
        check(c, e, first, taken);
}

void reread_forget(uintptr_t addr)
{
    struct seen *e = seen_of(addr);
    if (at_load_rlx(&e->lock) != addr) /* relaxed: the caller's own locks are there */
        return;
    spin_lock(&e->spin);
    if (e->lock == addr)
        own(e, 0);
    spin_unlock(&e->spin);
}
