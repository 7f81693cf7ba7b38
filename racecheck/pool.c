/* pool.c - see pool.h.
 *
 * A pool has a few shards, each with a lock of its own, so that threads rarely meet; a thread uses
 * the shard of its number.  Blocks may be returned to another shard than they came from; who finds
 * its shard's list and slab used up takes some of another shard's list before a new slab.  Slabs
 * are cut from arenas of reserved address space, so that an idle pool costs no memory. */
#include "pool.h"
#include "print.h"
#include "vmem.h"
#include <sched.h>
#include <unistd.h>

/* Blocks from BIG on are mapped one by one, and free ones keep no memory but their first page. */
enum { SLAB = 64 << 10, ARENA = 64 << 20, BIG = 1 << 20, SPINS = 100, TAKEN = 128 };

static struct {
    struct rt_lock lock;
    char *next, *end;   /* guarded by lock */
    struct pool *pools; /* likewise: those with slabs */
} arena;

static uint32_t n_threads;                                                    /* relaxed counter */
static __thread uint32_t my_shard __attribute__((tls_model("initial-exec"))); /* 0: none yet */

void spin_lock_slow(uint32_t *word)
{
    for (unsigned i = 0;; i++) {
        if (i < SPINS)
            at_pause();
        else
            sched_yield();
        if (at_load_rlx(word) == 0 && at_xchg_acq(word, 1u) == 0) /* relaxed: a look; [spin] */
            return;
    }
}

static _Noreturn void out_of_memory(size_t size)
{
    rt_printf(2, "goshawk: race detector: cannot get %zu bytes of memory\n", size);
    _exit(2);
}

void *pages_get(size_t size)
{
    void *p = vm_reserve((size + VM_PAGE - 1) & ~(size_t)(VM_PAGE - 1));
    if (p == NULL)
        out_of_memory(size);
    return p;
}

void pages_put(void *p, size_t size)
{
    vm_release(p, (size + VM_PAGE - 1) & ~(size_t)(VM_PAGE - 1));
}

static char *slab_get(size_t size)
{
    if (size >= BIG)
        return pages_get(size);
    rt_lock(&arena.lock);
    if ((size_t)(arena.end - arena.next) < size) {
        arena.next = pages_get(ARENA);
        arena.end = arena.next + ARENA;
    }
    char *s = arena.next;
    arena.next += size;
    rt_unlock(&arena.lock);
    return s;
}

/* Several blocks at a time, but one of the big ones. */
static size_t slab_size(size_t block)
{
    return block < SLAB / 4 ? SLAB : block < BIG ? block * 4 : block;
}

static void know_slab(struct pool *p, size_t size)
{
    rt_lock(&arena.lock);
    if (p->bytes == 0) {
        p->next = arena.pools;
        arena.pools = p;
    }
    p->bytes += size;
    rt_unlock(&arena.lock);
}

static struct pool_shard *shard_of(struct pool *p)
{
    if (unlikely(my_shard == 0))
        my_shard = at_add_rlx(&n_threads, 1u) % POOL_SHARDS + 1; /* relaxed: any spread will do */
    return &p->shard[my_shard - 1];
}

/* Some free blocks of a shard, linked; NULL: it has none. */
static void *take_some(struct pool_shard *s)
{
    spin_lock(&s->lock);
    void *first = s->free, *last = first;
    for (int n = 1; n < TAKEN && last && *(void **)last; n++)
        last = *(void **)last;
    if (last) {
        s->free = *(void **)last;
        *(void **)last = NULL;
    }
    spin_unlock(&s->lock);
    return first;
}

/* One of another shard's free blocks, and more for s, or NULL. */
static void *get_from_others(struct pool *p, struct pool_shard *s)
{
    for (int i = 0; i < POOL_SHARDS; i++) {
        void *b = &p->shard[i] != s ? take_some(&p->shard[i]) : NULL;
        if (b == NULL)
            continue;
        void *rest = *(void **)b, *last = rest;
        while (last && *(void **)last)
            last = *(void **)last;
        spin_lock(&s->lock);
        if (last) {
            *(void **)last = s->free;
            s->free = rest;
        }
        s->in_use++;
        spin_unlock(&s->lock);
        return b;
    }
    return NULL;
}

static void *get_new(struct pool *p, struct pool_shard *s)
{
    spin_lock(&s->lock);
    if ((size_t)(s->end - s->next) < p->size) {
        size_t slab = slab_size(p->size);
        s->next = slab_get(slab);
        s->end = s->next + slab;
        know_slab(p, slab);
    }
    void *b = s->next;
    s->next += p->size;
    s->in_use++;
    spin_unlock(&s->lock);
    return b;
}

static __attribute__((noinline)) void *get_slow(struct pool *p, struct pool_shard *s)
{
    void *b = get_from_others(p, s);
    return b ? b : get_new(p, s);
}

void *pool_get(struct pool *p)
{
    struct pool_shard *s = shard_of(p);
    spin_lock(&s->lock);
    void *b = s->free;
    if (likely(b != NULL)) {
        s->free = *(void **)b;
        __builtin_prefetch(s->free); /* the next to be taken */
    } else if ((size_t)(s->end - s->next) >= p->size) {
        b = s->next;
        s->next += p->size;
    } else {
        spin_unlock(&s->lock);
        return get_slow(p, s);
    }
    s->in_use++;
    spin_unlock(&s->lock);
    return b;
}

static void discard_tail(char *block, size_t size)
{
    uintptr_t mask = VM_PAGE - 1, from = ((uintptr_t)block + VM_PAGE + mask) & ~mask;
    vm_discard((void *)from, ((uintptr_t)block + size - from) & ~mask);
}

void pool_put(struct pool *p, void *block)
{
    if (unlikely(p->size >= BIG))
        discard_tail(block, p->size);
    struct pool_shard *s = shard_of(p);
    spin_lock(&s->lock);
    *(void **)block = s->free;
    s->free = block;
    s->in_use--;
    spin_unlock(&s->lock);
}

void pool_each(void (*visit)(const struct pool *p, void *arg), void *arg)
{
    rt_lock(&arena.lock);
    const struct pool *first = arena.pools;
    rt_unlock(&arena.lock);
    for (const struct pool *p = first; p; p = p->next)
        visit(p, arg);
}

size_t pool_in_use(const struct pool *p)
{
    size_t n = 0;
    for (int i = 0; i < POOL_SHARDS; i++)
        n += p->shard[i].in_use;
    return n;
}

/* ---- any size ---- */

enum { MIN_SHIFT = 6, MAX_SHIFT = 20 };

#define BLOCK(shift) [(shift)-MIN_SHIFT] = POOL(1u << (shift), "blocks")
static struct pool blocks[] = {
    BLOCK(6),  BLOCK(7),  BLOCK(8),  BLOCK(9),  BLOCK(10), BLOCK(11), BLOCK(12), BLOCK(13),
    BLOCK(14), BLOCK(15), BLOCK(16), BLOCK(17), BLOCK(18), BLOCK(19), BLOCK(20),
};

static int shift_of(size_t size)
{
    return size <= 1u << MIN_SHIFT ? MIN_SHIFT : 64 - __builtin_clzll(size - 1);
}

size_t rc_alloc_size(size_t size)
{
    return (size_t)1 << shift_of(size);
}

void *rc_alloc(size_t size)
{
    int s = shift_of(size);
    return s <= MAX_SHIFT ? pool_get(&blocks[s - MIN_SHIFT]) : pages_get((size_t)1 << s);
}

void rc_free(void *p, size_t size)
{
    int s = shift_of(size);
    if (s <= MAX_SHIFT)
        pool_put(&blocks[s - MIN_SHIFT], p);
    else
        pages_put(p, (size_t)1 << s);
}
