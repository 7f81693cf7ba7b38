/* reader_index.h - a hash table of numbers: finds the element of an array by its key.
 *
 * A slot is four bytes: number + 1 and five bits of the hash, which spare most looks at elements
 * that are not meant.  Open addressing with linear probing, between a half and four fifths full;
 * what leaves is removed by shifting back.  So an element costs 5 to 8 bytes beside itself, and
 * there may be millions.
 *
 * The array belongs to the user, who tells the hash of element n and whether it has a key.  Zero
 * bytes are an empty table. */
#ifndef TR_READER_INDEX_H
#define TR_READER_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    TR_INDEX_BITS = 27,
    TR_INDEX_MAX = (1 << TR_INDEX_BITS) - 1, /* elements */
    TR_INDEX_MIN = 64,                       /* slots */
};
#define TR_INDEX_NONE   UINT32_MAX
#define TR_INDEX_INLINE static inline __attribute__((always_inline))

struct tr_index {
    uint32_t *slots; /* 0: free */
    uint32_t cap, count;
};

struct tr_index_ops {
    uint64_t (*hash)(const void *owner, uint32_t n);
    bool (*same)(const void *owner, uint32_t n, const void *key);
};

/* A good hash of one number. */
static inline uint64_t tr_index_hash(uint64_t v)
{
    v *= 0x9e3779b97f4a7c15u;
    v ^= v >> 32;
    v *= 0xd6e8feb86659fd93u;
    return v ^ v >> 32;
}

static inline uint32_t tr_index_home(const struct tr_index *t, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * t->cap >> 32);
}

static inline uint32_t tr_index_slot(uint32_t n, uint64_t hash)
{
    return (n + 1) | (uint32_t)(hash & 31) << TR_INDEX_BITS;
}

static inline uint32_t tr_index_number(uint32_t slot)
{
    return (slot & TR_INDEX_MAX) - 1;
}

static inline uint32_t tr_index_after(const struct tr_index *t, uint32_t i)
{
    return i + 1 == t->cap ? 0 : i + 1;
}

/* The element that has the key, or TR_INDEX_NONE. */
TR_INDEX_INLINE uint32_t tr_index_find(const struct tr_index *t, const struct tr_index_ops *ops,
                                       const void *owner, uint64_t hash, const void *key)
{
    if (!t->cap)
        return TR_INDEX_NONE;
    uint32_t tag = tr_index_slot(0, hash) & ~(uint32_t)TR_INDEX_MAX;
    for (uint32_t i = tr_index_home(t, hash); t->slots[i]; i = tr_index_after(t, i))
        if ((t->slots[i] & ~(uint32_t)TR_INDEX_MAX) == tag &&
            ops->same(owner, tr_index_number(t->slots[i]), key))
            return tr_index_number(t->slots[i]);
    return TR_INDEX_NONE;
}

static inline void tr_index_put(struct tr_index *t, uint32_t slot, uint64_t hash)
{
    uint32_t i = tr_index_home(t, hash);
    while (t->slots[i])
        i = tr_index_after(t, i);
    t->slots[i] = slot;
}

TR_INDEX_INLINE bool tr_index_grow(struct tr_index *t, const struct tr_index_ops *ops,
                                   const void *owner)
{
    struct tr_index more = {.cap = t->cap ? t->cap + t->cap / 2 : TR_INDEX_MIN, .count = t->count};
    more.slots = calloc(more.cap, sizeof(*more.slots));
    if (!more.slots)
        return false;
    for (uint32_t i = 0; i < t->cap; i++)
        if (t->slots[i])
            tr_index_put(&more, t->slots[i], ops->hash(owner, tr_index_number(t->slots[i])));
    free(t->slots);
    *t = more;
    return true;
}

/* Adds element n, whose key is not there.  Returns false when memory is short. */
TR_INDEX_INLINE bool tr_index_add(struct tr_index *t, const struct tr_index_ops *ops,
                                  const void *owner, uint32_t n, uint64_t hash)
{
    if (n >= TR_INDEX_MAX)
        return false;
    if (t->count >= t->cap / 5 * 4 && !tr_index_grow(t, ops, owner) && t->count + 1 >= t->cap)
        return false;
    tr_index_put(t, tr_index_slot(n, hash), hash);
    t->count++;
    return true;
}

/* Takes element n out. */
TR_INDEX_INLINE void tr_index_remove(struct tr_index *t, const struct tr_index_ops *ops,
                                     const void *owner, uint32_t n)
{
    uint32_t i = tr_index_home(t, ops->hash(owner, n));
    while (tr_index_number(t->slots[i]) != n)
        i = tr_index_after(t, i);
    for (uint32_t j = tr_index_after(t, i); t->slots[j]; j = tr_index_after(t, j)) {
        uint32_t home = tr_index_home(t, ops->hash(owner, tr_index_number(t->slots[j])));
        bool between = i < j ? home > i && home <= j : home > i || home <= j;
        if (!between) { /* may stand at i as well */
            t->slots[i] = t->slots[j];
            i = j;
        }
    }
    t->slots[i] = 0;
    t->count--;
}

#endif
