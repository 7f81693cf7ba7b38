/* stack.h - goroutines and the stacks they lie on; seeds, which have none yet. */
#ifndef RT_STACK_H
#define RT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include "g.h"

/* Usable bytes of stacks of goroutines started from now on; rounded up to pages, at least
 * 16 KiB. */
void stack_set_size(size_t bytes);
size_t stack_size(void);

/* Free goroutines of one P, hottest first.  By the M that holds the P; all zero is empty. */
struct g_cache {
    struct g *top;
    uint32_t count;
    uint32_t less; /* how many fewer than usual to keep; relaxed */
};

/* Takes a FREE goroutine with a stack of bytes (a result of stack_size()), from the cache, the
 * central pool or new memory; NULL when memory is short. */
struct g *g_alloc(struct g_cache *cache, size_t bytes);

/* Takes a FREE seed. */
struct g *g_alloc_seed(struct g_cache *cache);

/* Gives a FREE goroutine or seed back, to a cache of its kind. */
void g_release(struct g_cache *cache, struct g *g);

/* Gives all of cache to the central pool. */
void g_cache_flush(struct g_cache *cache);

/* Asks the owner of cache to do so at the next occasion.  By any thread. */
void g_cache_trim(struct g_cache *cache);

/* True when the cache's hottest goroutine has a stack of bytes. */
static inline bool g_cache_fits(const struct g_cache *cache, size_t bytes)
{
    return cache->top && cache->top->stack_pages == bytes >> 12;
}

/* The usual way of g_alloc(): the cache fits. */
static inline struct g *g_cache_pop(struct g_cache *cache)
{
    struct g *g = cache->top;
    cache->top = g->next;
    cache->count--;
    return g;
}

/* Calls fn for every goroutine struct and every seed there is, whatever its state.  Of a seed only
 * the head may be read.  Their contents may change under the caller. */
void g_for_each(void (*fn)(struct g *g, void *arg), void *arg);

/* Bytes of address space of all stacks, with guards. */
size_t stack_reserved(void);

/* True when addr lies in the guard below g's stack. */
bool stack_guard_hit(const struct g *g, uintptr_t addr);

/* Bytes of g's stack that have been touched, from its top to the deepest page, since its memory was
 * last given back: by g, or by one that had the stack before. */
size_t stack_high_water(const struct g *g);

/* Gives back the memory of stacks and seeds that have been idle for some seconds.  A bounded amount
 * of work a call; returns when to call again (monotonic clock), INT64_MAX: not before something
 * becomes free, which calls signals_scavenge(). */
int64_t stack_scavenge(int64_t now);

struct stack_counts {
    size_t used;      /* stacks that belong to a goroutine, or lie in a P's cache */
    size_t idle;      /* free ones that hold memory */
    size_t returned;  /* times that a stack's memory was given back */
    size_t unguarded; /* made without a guard, because no more mappings could be had */
};
void stack_count(struct stack_counts *ret);

#endif
