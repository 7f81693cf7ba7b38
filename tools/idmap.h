/* idmap.h - small dense numbers for ids: 0, 1, 2, ... in the order in which they are first seen. */
#ifndef IDMAP_H
#define IDMAP_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

/* Open addressing, at most half full.  Zero bytes are an empty map. */
struct idmap {
    struct idmap_slot {
        uint64_t id;
        uint32_t number; /* + 1; 0: the slot is free */
    } * slots;
    uint32_t mask, count;
};

static inline struct idmap_slot *idmap_slot(const struct idmap *m, uint64_t id)
{
    uint32_t at = (uint32_t)((id * 0x9e3779b97f4a7c15u) >> 32);
    while (m->slots[at & m->mask].number && m->slots[at & m->mask].id != id)
        at++;
    return &m->slots[at & m->mask];
}

static inline void idmap_grow(struct idmap *m)
{
    struct idmap old = *m;
    m->mask = old.slots ? old.mask * 2 + 1 : 63;
    m->slots = cmd_alloc((m->mask + 1ul) * sizeof(*m->slots));
    memset(m->slots, 0, (m->mask + 1ul) * sizeof(*m->slots));
    for (uint32_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i].number)
            *idmap_slot(m, old.slots[i].id) = old.slots[i];
    free(old.slots);
}

/* The number of id; a new id gets the next one. */
static inline uint32_t idmap_add(struct idmap *m, uint64_t id)
{
    if (!m->slots || m->count * 2ul > m->mask)
        idmap_grow(m);
    struct idmap_slot *s = idmap_slot(m, id);
    if (!s->number) {
        s->id = id;
        s->number = ++m->count;
    }
    return s->number - 1;
}

/* The number of id, or UINT32_MAX when it was never added. */
static inline uint32_t idmap_find(const struct idmap *m, uint64_t id)
{
    return m->slots ? idmap_slot(m, id)->number - 1 : UINT32_MAX;
}

/* An id for a text: equal texts have equal 64-bit hashes, different ones practically never do. */
static inline uint64_t idmap_text(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return h ? h : 1;
}

static inline void idmap_fini(struct idmap *m)
{
    free(m->slots);
    memset(m, 0, sizeof(*m));
}

#endif
