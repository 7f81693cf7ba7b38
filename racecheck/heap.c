/* heap.c - see heap.h.
 *
 * Hash tables from a block's first address to what is known of it, one for each of a few shards, so
 * that threads rarely wait for each other: the shard is chosen by the address's higher bits, which
 * differ between malloc's arenas.  Open addressing with linear probing; at most half full.
 *
 * A freed block stays, marked, until its address is given out again or the table is rebuilt: so a
 * report about a use after free can still say which block that was.  One in quarantine stays in any
 * case.
 *
 * Reports ask with an address inside a block.  They probe backwards, 16 bytes a step, as far as the
 * largest block that the tables hold; blocks of a page multiple's size and more stand in a list of
 * their own, so that this is never far.  malloc and free pay nothing for the reporter's comfort.
 *
 * Rejected: a trailer in the block (a buffer overflow would destroy it, malloc_usable_size would
 * lie) and a header (aligned blocks).
 *
 * [lock] of futex.h guards each shard; `large` has its own.  A thread holds one of them at a time,
 * but for heap_hold(), which takes all in order. */
#include "heap.h"
#include "check.h"
#include "futex.h"
#include "vmem.h"
#include <string.h>

enum {
    SHARDS = 64,
    SHARD_SHIFT = 20, /* addresses of the same MiB share a shard */
    FIRST_ROOM = 128, /* entries; a page */
    GRAIN = 16,       /* malloc's alignment */
    LARGE = 64 * 1024,
};

struct entry {
    uintptr_t start;                         /* 0: empty */
    uint64_t size : 61, freed : 1, kept : 1; /* kept: freed, and in quarantine */
    uint64_t hosts : 1;                      /* the host's, which is not yet through with it */
    rc_site site;
    const struct rc_life *by;
};

struct table {
    struct rt_lock lock;
    struct entry *entry; /* NULL before the first block */
    size_t room, used;   /* used counts freed ones too; room is a power of 2 */
} __attribute__((aligned(64)));

static struct table small[SHARDS];
static struct table large; /* no hash: entries [0, used) in any order */

static struct table *shard_of(uintptr_t start)
{
    return &small[(start >> SHARD_SHIFT) * UINT64_C(0x9e3779b97f4a7c15) >> 58];
}

/* Neighbours are neighbours in the table too, which is kind to caches; the parts of a MiB lie apart
 * from those of another one. */
static size_t hash(uintptr_t start)
{
    return start / GRAIN + (size_t)((start >> SHARD_SHIFT) * UINT64_C(0x9e3779b97f4a7c15) >> 24);
}

static size_t bytes_of(size_t room)
{
    return (room * sizeof(struct entry) + VM_PAGE - 1) & ~(size_t)(VM_PAGE - 1);
}

/* The entry of start, or the empty one where it belongs. */
static struct entry *slot_of(const struct table *t, uintptr_t start)
{
    size_t i = hash(start) & (t->room - 1);
    while (t->entry[i].start != 0 && t->entry[i].start != start)
        i = (i + 1) & (t->room - 1);
    return &t->entry[i];
}

static bool is_needed(const struct entry *e)
{
    return e->start && (!e->freed || e->kept);
}

/* Makes room for one more; freed blocks are forgotten now.  Returns false without memory. */
static bool small_grow(struct table *t)
{
    struct table old = *t;
    size_t alive = 0;
    for (size_t i = 0; i < old.room; i++)
        alive += is_needed(&old.entry[i]);
    size_t room = old.room ? old.room : FIRST_ROOM;
    while (room < 4 * (alive + 1))
        room *= 2;
    struct entry *fresh = vm_reserve(bytes_of(room));
    if (!fresh)
        return false;
    t->entry = fresh;
    t->room = room;
    t->used = alive;
    for (size_t i = 0; i < old.room; i++)
        if (is_needed(&old.entry[i]))
            *slot_of(t, old.entry[i].start) = old.entry[i];
    if (old.entry)
        vm_release(old.entry, bytes_of(old.room));
    return true;
}

/* For large blocks: a freed one's place first. */
static struct entry *large_slot(uintptr_t start)
{
    struct entry *gone = NULL;
    for (size_t i = 0; i < large.used; i++) {
        if (large.entry[i].start == start)
            return &large.entry[i];
        if (!is_needed(&large.entry[i]))
            gone = &large.entry[i];
    }
    if (large.used < large.room)
        return &large.entry[large.used++];
    if (gone)
        return gone;
    size_t room = large.room ? 2 * large.room : FIRST_ROOM;
    struct entry *fresh = vm_reserve(bytes_of(room));
    if (!fresh)
        return NULL;
    if (large.entry) {
        memcpy(fresh, large.entry, large.used * sizeof *fresh);
        vm_release(large.entry, bytes_of(large.room));
    }
    large.entry = fresh;
    large.room = room;
    return &large.entry[large.used++];
}

static struct table *table_of(uintptr_t start, size_t size)
{
    return size >= LARGE ? &large : shard_of(start);
}

/* The block at start, or NULL.  Caller holds t's lock. */
static struct entry *block_at(const struct table *t, uintptr_t start)
{
    struct entry *e = NULL;
    if (t == &large) {
        for (size_t i = 0; i < t->used && !e; i++)
            if (t->entry[i].start == start)
                e = &t->entry[i];
    } else if (t->room) {
        e = slot_of(t, start);
    }
    return e && e->start == start ? e : NULL;
}

/* Where a block can be. */
enum state { LIVING, KEPT, FREED };

static enum state state_of(const struct entry *e)
{
    return !e->freed ? LIVING : e->kept ? KEPT : FREED;
}

static void set_state(struct entry *e, enum state to)
{
    e->freed = to != LIVING;
    e->kept = to == KEPT;
}

/* A block in state `from` goes over to `to`.  False: there is none. */
static bool move_in(struct table *t, uintptr_t start, enum state from, enum state to,
                    size_t *ret_size)
{
    rt_lock(&t->lock);
    struct entry *e = block_at(t, start);
    bool fits = e && state_of(e) == from;
    if (fits) {
        *ret_size = e->size;
        set_state(e, to);
    }
    rt_unlock(&t->lock);
    return fits;
}

static bool move(uintptr_t start, enum state from, enum state to, size_t *ret_size)
{
    return start != 0 && (move_in(shard_of(start), start, from, to, ret_size) ||
                          move_in(&large, start, from, to, ret_size));
}

static void add(struct entry block)
{
    struct table *t = table_of(block.start, block.size);
    rt_lock(&t->lock);
    struct entry *e = NULL;
    if (t == &large)
        e = large_slot(block.start);
    else if (2 * (t->used + 1) <= t->room || small_grow(t))
        e = slot_of(t, block.start);
    if (e) {
        t->used += t != &large && e->start == 0;
        *e = block;
    }
    rt_unlock(&t->lock);
}

void heap_add(uintptr_t start, size_t size, rc_site site, const struct rc_life *by)
{
    add((struct entry){.start = start, .size = size, .site = site, .by = by});
}

void heap_add_hosts(uintptr_t start, size_t size, rc_site site, const struct rc_life *by)
{
    add((struct entry){.start = start, .size = size, .hosts = 1, .site = site, .by = by});
}

static enum heap_fate free_one(struct entry *e, size_t keep_max)
{
    bool keep = e->size - 1 < keep_max;
    set_state(e, keep ? KEPT : FREED);
    return keep ? HEAP_KEPT : HEAP_GONE;
}

static enum heap_fate free_in(struct table *t, uintptr_t start, size_t keep_max, size_t *ret_size)
{
    enum heap_fate fate = HEAP_UNKNOWN;
    rt_lock(&t->lock);
    struct entry *e = block_at(t, start);
    if (e && state_of(e) != FREED) {
        *ret_size = e->size;
        fate = state_of(e) == KEPT ? HEAP_TWICE : free_one(e, keep_max);
    }
    rt_unlock(&t->lock);
    return fate;
}

enum heap_fate heap_free(uintptr_t start, size_t keep_max, size_t *ret_size)
{
    if (start == 0)
        return HEAP_UNKNOWN;
    enum heap_fate fate = free_in(shard_of(start), start, keep_max, ret_size);
    return fate != HEAP_UNKNOWN ? fate : free_in(&large, start, keep_max, ret_size);
}

static enum heap_fate gone_in(struct table *t, uintptr_t start, size_t keep_max)
{
    enum heap_fate fate = HEAP_UNKNOWN;
    rt_lock(&t->lock);
    struct entry *e = block_at(t, start);
    if (e && e->hosts && state_of(e) == LIVING)
        fate = free_one(e, keep_max);
    else if (e && e->hosts)
        fate = state_of(e) == KEPT ? HEAP_KEPT : HEAP_GONE;
    else if (e && state_of(e) == KEPT)
        fate = HEAP_TWICE;
    if (e)
        e->hosts = 0;
    rt_unlock(&t->lock);
    return fate;
}

enum heap_fate heap_gone(uintptr_t start, size_t keep_max)
{
    enum heap_fate fate = gone_in(shard_of(start), start, keep_max);
    return fate != HEAP_UNKNOWN ? fate : gone_in(&large, start, keep_max);
}

size_t heap_remove(uintptr_t start)
{
    size_t size = 0;
    move(start, LIVING, FREED, &size);
    return size;
}

void heap_release(uintptr_t start)
{
    size_t size;
    move(start, KEPT, FREED, &size);
}

bool heap_size(uintptr_t start, size_t *ret_size)
{
    return move(start, LIVING, LIVING, ret_size);
}

bool heap_kept_size(uintptr_t start, size_t *ret_size)
{
    return move(start, KEPT, KEPT, ret_size);
}

static bool covers(const struct entry *e, uintptr_t addr)
{
    return e->start && addr - e->start < (e->size ? e->size : 1);
}

static void take(struct heap_block *b, const struct entry *e)
{
    *b = (struct heap_block){e->start, e->size, e->site, e->by, e->freed, e->kept, e->hosts};
}

/* Living blocks first: a freed one may be covered by a living one that begins elsewhere. */
static bool find_large(uintptr_t addr, bool freed, struct heap_block *b)
{
    bool found = false;
    rt_lock(&large.lock);
    for (size_t i = 0; i < large.used && !found; i++)
        if (large.entry[i].freed == freed && covers(&large.entry[i], addr)) {
            take(b, &large.entry[i]);
            found = true;
        }
    rt_unlock(&large.lock);
    return found;
}

static bool find_small(uintptr_t addr, bool freed, struct heap_block *b)
{
    bool found = false;
    for (uintptr_t back = 0; back <= LARGE && back <= addr && !found; back += GRAIN) {
        uintptr_t start = (addr & ~(uintptr_t)(GRAIN - 1)) - back;
        struct table *t = shard_of(start);
        rt_lock(&t->lock);
        if (t->room) {
            const struct entry *e = slot_of(t, start);
            if (e->start && e->freed == freed && covers(e, addr)) {
                take(b, e);
                found = true;
            }
        }
        rt_unlock(&t->lock);
    }
    return found;
}

bool heap_find(uintptr_t addr, struct heap_block *ret_block)
{
    return find_small(addr, false, ret_block) || find_large(addr, false, ret_block) ||
           find_small(addr, true, ret_block) || find_large(addr, true, ret_block);
}

bool heap_is_kept(uintptr_t addr)
{
    struct heap_block b;
    return heap_find(addr, &b) && b.kept;
}

static void each_owner(struct table *t, size_t n, void (*visit)(const struct rc_life *by))
{
    for (size_t i = 0; i < n; i++)
        if (t->entry[i].start && t->entry[i].by)
            visit(t->entry[i].by);
}

void heap_each_owner(void (*visit)(const struct rc_life *by))
{
    for (int i = 0; i < SHARDS; i++) {
        rt_lock(&small[i].lock);
        each_owner(&small[i], small[i].room, visit);
        rt_unlock(&small[i].lock);
    }
    rt_lock(&large.lock);
    each_owner(&large, large.used, visit);
    rt_unlock(&large.lock);
}

void heap_hold(void)
{
    for (int i = 0; i < SHARDS; i++)
        rt_lock(&small[i].lock);
    rt_lock(&large.lock);
}

void heap_let_go(void)
{
    rt_unlock(&large.lock);
    for (int i = SHARDS; i-- > 0;)
        rt_unlock(&small[i].lock);
}
