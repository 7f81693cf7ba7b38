/* arena.h - where goroutines lie: large reservations, cut into slots of one size.
 *
 * A slot holds one struct g (or the head of one, for seeds) and whatever belongs to it.  Its
 * address is valid for ever; its memory is given back to the kernel when it stays free. */
#ifndef RT_ARENA_H
#define RT_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "list.h"

struct g;
struct arena;

enum { ARENA_SLOTS_MAX = 1024 };

/* All slots of one kind and size that nobody uses.  Under the lock of arena.c but for what is
 * marked as read-only. */
struct slot_pool {
    size_t slot_bytes;           /* r/o */
    size_t first, colour_step;   /* where in a slot the struct g is: see arena_slot(); r/o */
    size_t arena_min, arena_max; /* bytes of one reservation; r/o */
    bool single;                 /* slots are given back one by one too, not only arenas; r/o */

    /* Makes slot i of a, whose memory is zero, a FREE goroutine; guard: for the first time since
     * the arena was new; r/o. */
    struct g *(*make)(struct arena *a, uint32_t i, bool guard);

    struct slot_pool *next;
    struct list arenas[4]; /* by enum arena_use */
    size_t reserved;       /* bytes of all arenas */
    size_t warm;           /* free slots that hold memory */
    size_t low;            /* smallest warm since the period began */
    size_t due;            /* how many of them to give back in this period */
    size_t used;           /* slots taken */
};

/* Which of an arena's slots are free. */
enum arena_use {
    ARENA_SOME,  /* some, with memory */
    ARENA_WHOLE, /* all, and some of them with memory */
    ARENA_COLD,  /* none with memory; but cold or uncut ones */
    ARENA_FULL,  /* none */
};

struct arena {
    struct arena *next;                  /* r/o after publication [arena] */
    struct slot_pool *pool;              /* r/o */
    char *base;                          /* r/o */
    uint64_t stride, first, colour_step; /* the pool's, for debuggers (gdb.h); r/o */
    uint32_t slots;                      /* r/o */
    uint32_t cut;                        /* slots made so far; release/acquire [cut] */
    uint32_t warm, cold;                 /* free slots with and without memory */
    uint32_t mapped_guards;
    uint16_t use; /* enum arena_use, or NOWHERE while its memory is given back */
    struct list link;
    struct g *top;      /* warm slots, by g->next */
    uint64_t is_cold[]; /* a bit for each cold slot; of single pools */
};

enum { ARENA_COLOURS = 8 };

/* The goroutine of slot i.  Slots have the same alignment, and without colours every struct g would
 * fall into the same cache sets. */
static inline struct g *arena_slot(const struct arena *a, uint32_t i)
{
    return (struct g *)(a->base + i * a->stride + a->first - i % ARENA_COLOURS * a->colour_step);
}

/* Makes the pool known; called once for each, before anything else. */
void arena_pool_add(struct slot_pool *pool);

/* Takes up to n FREE goroutines, at least one of them, as a chain by g->next; sets *ret_n.  NULL
 * when memory is short. */
struct g *arena_take(struct slot_pool *pool, uint32_t n, uint32_t *ret_n);

/* Gives a chain of n FREE goroutines back, of whatever pools. */
void arena_give(struct g *chain, uint32_t n);

/* Calls fn for every slot's goroutine, whatever its state; the contents may change under fn. */
void arena_for_each(void (*fn)(struct g *g, void *arg), void *arg);

/* Gives back memory of what has not been used for some seconds: a bounded amount of work a call.
 * Returns when to call again on the monotonic clock, INT64_MAX when there is nothing left. */
int64_t arena_scavenge(int64_t now);

/* What there is, in slots of all pools but the seeds'. */
struct arena_counts {
    size_t used;     /* belong to a goroutine, or lie in a P's cache */
    size_t warm;     /* free, with memory */
    size_t reserved; /* bytes of address space */
    size_t returned; /* times that the memory of a slot was given back */
};
void arena_count(struct arena_counts *ret);

#endif
