/* holders.c - see holders.h.
 *
 * A hash table of (lock, holder), chained, with a lock for each bucket.  A lock that is released by
 * another goroutine than its holder loses whichever entry it has.  Entries of locks whose memory
 * went away while they were held stay; a mutex made in the same place replaces them when it is
 * unlocked for the first time.
 *
 * Locks: a bucket's is a leaf. */
#include "holders.h"
#include "futex.h"
#include "scheduler.h"
#include <stdlib.h>

enum { BUCKETS = 1024 };

struct entry {
    struct entry *next; /* by the bucket's lock */
    const void *lock;
    const struct g *g;
    struct holder holder;
};

static struct bucket {
    struct rt_lock lock;
    struct entry *entries; /* newest first; under lock */
} table[BUCKETS];

uint32_t holders_on;

void holders_start(void)
{
    at_store_rlx(&holders_on, 1u); /* relaxed: a setting */
    rt_careful = true;             /* read by goroutines that begin later */
}

static struct bucket *bucket_of(const void *lock)
{
    uint64_t h = ((uint64_t)(uintptr_t)lock >> 2) * 0x9e3779b97f4a7c15u;
    return &table[h >> 54];
}

void holders_add_(const void *lock, uintptr_t pc)
{
    struct entry *e = malloc(sizeof *e);
    if (!e)
        return; /* one holder more that is not known */
    struct g *self = rt_self();
    struct bucket *b = bucket_of(lock);
    *e = (struct entry){.lock = lock, .g = self, .holder = {self->id, pc}};
    rt_lock(&b->lock);
    e->next = b->entries;
    b->entries = e;
    rt_unlock(&b->lock);
}

/* The link to self's newest entry, or else to anybody's, or NULL.  The bucket is locked. */
static struct entry **find(struct bucket *b, const void *lock, const struct g *self)
{
    struct entry **any = NULL;
    for (struct entry **link = &b->entries; *link; link = &(*link)->next) {
        if ((*link)->lock != lock)
            continue;
        if ((*link)->g == self)
            return link;
        any = any ? any : link;
    }
    return any;
}

void holders_drop_(const void *lock)
{
    struct g *self = rt_self();
    struct bucket *b = bucket_of(lock);
    rt_lock(&b->lock);
    struct entry **link = find(b, lock, self), *e = NULL;
    if (link) {
        e = *link;
        *link = e->next;
    }
    rt_unlock(&b->lock);
    free(e);
}

size_t holders_of(const void *lock, struct holder *ret, size_t max)
{
    size_t n = 0;
    struct bucket *b = bucket_of(lock);
    rt_lock(&b->lock);
    for (struct entry *e = b->entries; e; e = e->next)
        if (e->lock == lock && n++ < max)
            ret[n - 1] = e->holder;
    rt_unlock(&b->lock);
    return n;
}
