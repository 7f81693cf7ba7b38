/* sema.c - the table of goroutines that wait for an address.
 *
 * A bucket holds one list of addresses; each address is stood for by its first waiter, from which
 * the others hang in the order of their coming:
 *
 *     bucket.keys -> [A, first] --next_key--> [B, first] -> ...
 *                        |next                    |next
 *                    [A, second]               [B, second]
 *                        |
 *                    [A, last]  <- first.tail
 *
 * So taking off the first and adding the last cost the same however many wait, and only different
 * addresses in one bucket are searched.  With a million addresses waited for that is a walk over
 * 30; a table that small is touched page by page as it is used, half a megabyte at most.  A
 * balanced tree in each bucket, as Go has, would bound the walk further and cost more in every
 * common case.
 *
 * Lock order: a primitive's own lock (cond), then a bucket, then sched.lock.  One bucket at a
 * time.
 *
 * Why an address that is reused cannot mix up waiters: waiters are added and taken off under the
 * bucket's lock together with the word's change, so when a word says that nobody waits, nobody
 * does. A new object in old memory starts with an empty queue. */
#include "sema.h"
#include "check.h"
#include "hook.h"

enum { BUCKET_BITS = 15 };

static struct sema_bucket table[1u << BUCKET_BITS];

struct sema_bucket *sema_lock(const void *addr)
{
    uint64_t h = ((uint64_t)(uintptr_t)addr >> 2) * 0x9e3779b97f4a7c15u;
    struct sema_bucket *b = &table[h >> (64 - BUCKET_BITS)];
    bias_lock(&b->lock, rt_m_here());
    return b;
}

void sema_unlock(struct sema_bucket *b)
{
    bias_unlock(&b->lock, rt_m_here());
}

static bool unlock_commit(struct g *g, void *b)
{
    (void)g;
    sema_unlock(b);
    return true;
}

/* The link that points at the first waiter of the key, or at NULL. */
static struct sema_wait **find(struct sema_bucket *b, const void *addr, enum tr_reason why)
{
    struct sema_wait **link = &b->keys;
    while (*link && ((*link)->addr != addr || (*link)->why != why))
        link = &(*link)->next_key;
    return link;
}

static void push(struct sema_wait **link, struct sema_wait *w, bool front)
{
    struct sema_wait *first = *link;
    w->next = NULL;
    if (!first) {
        w->tail = w;
        w->next_key = NULL;
        *link = w;
    } else if (front) {
        w->next = first;
        w->tail = first->tail;
        w->next_key = first->next_key;
        *link = w;
    } else {
        first->tail->next = w;
        first->tail = w;
    }
}

void *sema_park(struct sema_bucket *b, struct g *self, const void *addr, enum tr_reason why,
                bool front)
{
    struct sema_wait w = {.addr = addr, .why = why, .g = self};
    push(find(b, addr, why), &w, front);
    rt_park(self, unlock_commit, b, why, addr);
    return self->wake_arg;
}

struct g *sema_take(struct sema_bucket *b, const void *addr, enum tr_reason why, bool *ret_more)
{
    struct sema_wait **link = find(b, addr, why);
    struct sema_wait *first = *link, *second;
    if (!first)
        return NULL;
    second = first->next;
    *ret_more = second != NULL;
    if (second) {
        second->tail = first->tail;
        second->next_key = first->next_key;
        *link = second;
    } else {
        *link = first->next_key;
    }
    return first->g;
}

uint32_t sema_wake_all(struct sema_bucket *b, struct g *self, const void *addr, enum tr_reason why,
                       const void *edge)
{
    struct sema_wait **link = find(b, addr, why);
    struct sema_wait *all = *link, *next;
    uint32_t n = 0;
    if (all)
        *link = all->next_key;
    for (struct sema_wait *w = all; GO_RACE && edge && w; w = w->next)
        hook_acquire(w->g, edge);
    sema_unlock(b);
    for (struct sema_wait *w = all; w; w = next, n++) {
        next = w->next; /* w is gone once its goroutine runs */
        rt_ready(w->g, self);
    }
    return n;
}

uint32_t sema_count(struct sema_bucket *b, const void *addr, enum tr_reason why)
{
    uint32_t n = 0;
    for (struct sema_wait *w = *find(b, addr, why); w; w = w->next)
        n++;
    return n;
}

uint32_t sema_addresses(void)
{
    uint32_t n = 0;
    for (struct sema_bucket *b = table; b < table + (1u << BUCKET_BITS); b++) {
        bias_lock(&b->lock, rt_m_here());
        for (struct sema_wait *w = b->keys; w; w = w->next_key)
            n++;
        sema_unlock(b);
    }
    return n;
}
