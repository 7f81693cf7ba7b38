/* gmap.h - a value for each live goroutine, or task: 16 bytes a slot, at most 3/4 full.
 *
 * Open addressing with linear probing; who leaves is removed by shifting back, so that the memory
 * follows those that live, not all that ever were.  Zero bytes are an empty map. */
#ifndef GMAP_H
#define GMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

struct gmap {
    struct gmap_slot {
        uint64_t id; /* 0: free */
        uint64_t value;
    } * slots;
    size_t mask, count;
};

static inline size_t gmap_home(const struct gmap *m, uint64_t id)
{
    return (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) & m->mask;
}

static inline struct gmap_slot *gmap_slot(const struct gmap *m, uint64_t id)
{
    size_t i = gmap_home(m, id);
    while (m->slots[i].id && m->slots[i].id != id)
        i = (i + 1) & m->mask;
    return &m->slots[i];
}

/* The value of id, which is not 0; NULL when it has none. */
static inline uint64_t *gmap_find(const struct gmap *m, uint64_t id)
{
    struct gmap_slot *s = m->slots ? gmap_slot(m, id) : NULL;
    return s && s->id ? &s->value : NULL;
}

static inline void gmap_grow(struct gmap *m)
{
    struct gmap old = *m;
    m->mask = old.slots ? old.mask * 2 + 1 : 63;
    m->slots = cmd_alloc((m->mask + 1) * sizeof(*m->slots));
    memset(m->slots, 0, (m->mask + 1) * sizeof(*m->slots));
    for (size_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i].id)
            *gmap_slot(m, old.slots[i].id) = old.slots[i];
    free(old.slots);
}

/* The value of id, 0 when it is new.  Valid until the next gmap_add() or gmap_remove(). */
static inline uint64_t *gmap_add(struct gmap *m, uint64_t id)
{
    if (!m->slots || m->count >= m->mask / 4 * 3)
        gmap_grow(m);
    struct gmap_slot *s = gmap_slot(m, id);
    if (!s->id) {
        *s = (struct gmap_slot){.id = id};
        m->count++;
    }
    return &s->value;
}

static inline void gmap_remove(struct gmap *m, uint64_t id)
{
    struct gmap_slot *s = m->slots ? gmap_slot(m, id) : NULL;
    if (!s || !s->id)
        return;
    size_t i = (size_t)(s - m->slots);
    for (size_t j = (i + 1) & m->mask; m->slots[j].id; j = (j + 1) & m->mask) {
        size_t home = gmap_home(m, m->slots[j].id);
        if (((j - home) & m->mask) >= ((j - i) & m->mask)) { /* may stand at i as well */
            m->slots[i] = m->slots[j];
            i = j;
        }
    }
    m->slots[i].id = 0;
    m->count--;
}

static inline void gmap_fini(struct gmap *m)
{
    free(m->slots);
    memset(m, 0, sizeof(*m));
}

#endif
