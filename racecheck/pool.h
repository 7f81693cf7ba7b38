/* pool.h - memory of the detector.
 *
 * Never the program's malloc: that one is intercepted and reports here.  Memory comes in slabs of
 * equal blocks whose addresses are never given back to the kernel or to another pool, so that a
 * stale pointer into a pool always points at a block of the same type ("type-stable"). */
#ifndef RC_POOL_H
#define RC_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "futex.h"

enum { POOL_SHARDS = 8 };

struct pool {
    size_t size;      /* of a block; a multiple of 16 */
    const char *name; /* for the counters */
    size_t bytes;     /* cut into blocks so far; guarded, like next, by pool.c's lock */
    struct pool *next;
    struct pool_shard {
        uint32_t lock;    /* spin: held for a few instructions */
        void *free;       /* blocks given back, linked by their first word */
        char *next, *end; /* rest of the present slab */
        size_t in_use;    /* blocks handed out less blocks taken back, may wrap */
        char pad[24];
    } __attribute__((aligned(64))) shard[POOL_SHARDS];
};

#define POOL(block_size, block_name)                                    \
    {                                                                   \
        .size = ((block_size) + 15) & ~(size_t)15, .name = (block_name) \
    }

/* A block with undefined contents, except that words of its first page beyond the first word keep
 * what the block's last owner left there and are zero in a block that never had one.  Never NULL:
 * without memory the process ends with one line. */
void *pool_get(struct pool *p);
void pool_put(struct pool *p, void *block);

/* Calls visit for each pool that ever gave a block. */
void pool_each(void (*visit)(const struct pool *p, void *arg), void *arg);

/* Blocks in use; exact while nobody else uses the pool. */
size_t pool_in_use(const struct pool *p);

/* Zeroed memory for tables, whole pages, kept until released.  Never NULL. */
void *pages_get(size_t size);
void pages_put(void *p, size_t size);

/* Blocks of any size: powers of two from 64 bytes. */
void *rc_alloc(size_t size);
void rc_free(void *p, size_t size);

/* The size that rc_alloc(size) really gives. */
size_t rc_alloc_size(size_t size);

/* A short spin lock for words inside the detector's structures. */
void spin_lock_slow(uint32_t *word);

#include "atomic.h"
#include "check.h"

static inline void spin_lock(uint32_t *word)
{
    if (unlikely(at_xchg_acq(word, 1u))) /* [spin] */
        spin_lock_slow(word);
}

static inline void spin_unlock(uint32_t *word)
{
    at_store_rel(word, 0u); /* [spin] */
}

#endif
