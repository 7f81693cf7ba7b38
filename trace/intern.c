/* intern.c - equal byte strings get the same small number.
 *
 * A table with open addressing whose slots point to entries in an arena.  Entries are never
 * changed or moved once published, so looking up takes no lock: a reader that sees the pointer
 * sees the entry [intern].  Adding is serialised by the dictionary's lock and is rare: a program
 * has a few hundred different stacks, and every later event finds its own.
 *
 * The sizes are fixed and reserved without being committed, so a small program pays some pages.
 * A full table gives number 0, "none": events go on without their stack.
 *
 * Rejected: one table per stream (no sharing at all, but each M would learn and define every stack
 * anew, and views would have to join the numbers). */
#include "picture.h"
#include "record.h"
#include <string.h>
#include "vmem.h"

enum {
    SLOTS = 1 << 17, /* a power of two */
    FILL_MAX = SLOTS / 4 * 3,
};
#define ARENA_SIZE ((size_t)64 << 20)

struct tr_intern_entry {
    uint64_t hash;
    uint32_t id, len;
    unsigned char bytes[];
};

static uint64_t hash_bytes(const void *p, size_t n)
{
    const unsigned char *b = p;
    uint64_t h = n, w;
    for (; n >= sizeof(w); n -= sizeof(w), b += sizeof(w)) {
        memcpy(&w, b, sizeof(w));
        h = (h ^ w) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    w = 0;
    memcpy(&w, b, n);
    h = (h ^ w) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 32);
}

bool tr_intern_reset(struct tr_intern *t)
{
    if (!t->slots)
        t->slots = vm_reserve(SLOTS * sizeof(*t->slots));
    if (!t->arena)
        t->arena = vm_reserve(ARENA_SIZE);
    if (!t->slots || !t->arena)
        return false;
    vm_discard(t->slots, SLOTS * sizeof(*t->slots));
    vm_discard(t->arena, ARENA_SIZE);
    t->used = 0;
    t->count = 0;
    return true;
}

/* The number of the entry if it holds the bytes, or 0.  In a table that a flight gives up meanwhile
 * it may be another entry by now: who asked then finds its recording over, and drops the number. */
static uint32_t id_if_holds(const struct tr_intern_entry *e, uint64_t hash, const void *p, size_t n)
{
    san_picture_begin();
    bool same = e->hash == hash && e->len == n && memcmp(e->bytes, p, n) == 0;
    uint32_t id = same ? e->id : 0;
    san_picture_end();
    return id;
}

/* The slot of the bytes and their number, or the free slot where they would go and 0. */
static void **find_slot(const struct tr_intern *t, uint64_t hash, const void *p, size_t n,
                        uint32_t *ret_id)
{
    for (size_t i = hash & (SLOTS - 1);; i = (i + 1) & (SLOTS - 1)) {
        /* [intern] the entry was complete before its pointer was stored */
        const struct tr_intern_entry *e = at_load_acq(&t->slots[i]);
        *ret_id = e ? id_if_holds(e, hash, p, n) : 0;
        if (!e || *ret_id)
            return &t->slots[i];
    }
}

uint32_t tr_intern_find(const struct tr_intern *t, const void *p, size_t n)
{
    uint32_t id;
    find_slot(t, hash_bytes(p, n), p, n, &id);
    return id;
}

struct tr_intern_entry *tr_intern_prepare(struct tr_intern *t, const void *p, size_t n,
                                          uint32_t *ret_id)
{
    size_t size = (sizeof(struct tr_intern_entry) + n + 7) & ~(size_t)7;
    if (t->count >= FILL_MAX || size > ARENA_SIZE - t->used)
        return NULL;
    struct tr_intern_entry *e = (struct tr_intern_entry *)(t->arena + t->used);
    e->hash = hash_bytes(p, n);
    e->id = *ret_id = t->count + 1;
    e->len = (uint32_t)n;
    memcpy(e->bytes, p, n);
    t->used += size;
    t->count++;
    return e;
}

bool tr_intern_next(const struct tr_intern *t, size_t *at, struct tr_interned *ret)
{
    if (*at >= t->used)
        return false;
    const struct tr_intern_entry *e = (const struct tr_intern_entry *)(t->arena + *at);
    *at += (sizeof(*e) + e->len + 7) & ~(size_t)7;
    *ret = (struct tr_interned){e->bytes, e->len, e->id};
    return true;
}

void tr_intern_publish(struct tr_intern *t, struct tr_intern_entry *e)
{
    uint32_t id;
    void **slot = find_slot(t, e->hash, e->bytes, e->len, &id);
    at_store_rel(slot, (void *)e); /* [intern] publishes the entry, whose definition is committed */
}
