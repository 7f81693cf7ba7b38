/* stack.h - goroutines and the stacks they lie on. */
#ifndef RT_STACK_H
#define RT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include "g.h"

/* Usable bytes of stacks made from now on; rounded up to pages, at least 16 KiB. */
void stack_set_size(size_t bytes);
size_t stack_size(void);

/* Free goroutines of one P, hottest first.  By the M that holds the P. */
struct g_cache {
    struct g *top;
    unsigned count;
};

/* Takes a FREE goroutine with its stack, from the cache, the central pool or new memory; NULL when
 * memory is short. */
struct g *g_alloc(struct g_cache *cache);

/* Gives a FREE goroutine back. */
void g_release(struct g_cache *cache, struct g *g);

/* Gives all of cache to the central pool. */
void g_cache_flush(struct g_cache *cache);

/* Calls fn for every goroutine struct there is, whatever its state.  Structs are never unmapped;
 * their contents may change under the caller. */
void g_for_each(void (*fn)(struct g *g, void *arg), void *arg);

/* True when addr lies in the guard below g's stack. */
bool stack_guard_hit(const struct g *g, uintptr_t addr);

#endif
