/* sema.h - goroutines that wait for an address.
 *
 * The waiters of all mutexes, rwmutexes, waitgroups and onces stand in one table, hashed by
 * address, not in the objects.  So an object is a word or two, and who wakes a waiter need not
 * touch the object any more, which may be gone by then.
 *
 * The rule for users: a change of the object's word that adds a waiter, or takes one off, is made
 * between sema_lock() and sema_unlock() (or sema_park()).  The word's "somebody waits" bit is exact
 * whenever the bucket is not locked. */
#ifndef RT_SEMA_H
#define RT_SEMA_H

#include <stdbool.h>
#include "bias.h"
#include "scheduler.h"

/* One waiter; lives in the parked goroutine's frame. */
struct sema_wait {
    const void *addr;       /* r/o while queued */
    enum tr_reason why;     /* likewise: an address may be waited for in different ways */
    struct g *g;            /* likewise */
    struct sema_wait *next; /* behind it at the same address; by the bucket's lock, as the rest */
    struct sema_wait *tail; /* in the first of an address: the last */
    struct sema_wait *next_key; /* in the first: the first of another address in the bucket */
};

struct sema_bucket {
    struct bias_lock lock;
    struct sema_wait *keys; /* the first waiter of each address */
};

/* Locks and returns the bucket of addr. */
struct sema_bucket *sema_lock(const void *addr);
void sema_unlock(struct sema_bucket *b);

/* Parks self as the last (front: the first) who waits for addr because of why, and unlocks b.
 * Returns what the waker has put into self->wake_arg. */
void *sema_park(struct sema_bucket *b, struct g *self, const void *addr, enum tr_reason why,
                bool front);

/* Takes the first waiter off; *ret_more tells whether others stay.  NULL when nobody waits.  The
 * caller sets wake_arg and readies it after sema_unlock(). */
struct g *sema_take(struct sema_bucket *b, const void *addr, enum tr_reason why, bool *ret_more);

/* Takes all waiters off, unlocks b, readies them in their order.  For the detector each is ordered
 * after what was released at edge (NULL: nothing).  Returns their number. */
uint32_t sema_wake_all(struct sema_bucket *b, struct g *self, const void *addr, enum tr_reason why,
                       const void *edge);

/* How many wait for addr because of why. */
uint32_t sema_count(struct sema_bucket *b, const void *addr, enum tr_reason why);

/* Number of addresses waited for in the whole table; for tests. */
uint32_t sema_addresses(void);

#endif
