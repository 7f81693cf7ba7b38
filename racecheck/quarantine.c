/* quarantine.c - see quarantine.h.
 *
 * Blocks leave in the order in which they came: a ring for the process, bounded in bytes and in
 * blocks.  The second bound is for caches: a program that makes and frees small blocks in turn
 * would otherwise touch a new one, its shadow and its entry in the tables each time.  A thread
 * collects a few blocks of its own before it takes the ring's lock.
 *
 * The list is not kept in the blocks themselves: who uses a freed block may write to it.
 *
 * Rejected: a ring for each thread, which bounds memory only by the number of threads, and loses
 * what a thread freed last when it ends.
 *
 * [lock] of futex.h guards the ring.  No other lock is taken while it is held; blocks go back to
 * libc outside of it. */
#include "quarantine.h"
#include "flags.h"
#include "futex.h"
#include "heap.h"
#include "pool.h"
#include "real.h"

enum {
    MINE = 16,       /* blocks that a thread collects */
    PER_MB = 1024,   /* blocks for each MiB */
    MINE_SHARE = 16, /* a thread collects no more than this part of all */
    OUT = 32,        /* blocks that leave at once */
    OVERHEAD = 16,   /* of a block, in libc's heap */
    MIB = 1024 * 1024,
};

struct block {
    void *p;
    size_t n;
};

static struct {
    struct rt_lock lock;
    struct block *ring; /* NULL before the first block */
    size_t room, first, n, bytes;
} kept;

static __thread struct {
    unsigned n;
    size_t bytes;
    struct block block[MINE];
} mine __attribute__((tls_model("initial-exec")));

static size_t most_bytes(void)
{
    return (size_t)rc_flags()->quarantine_size_mb * MIB;
}

size_t quarantine_limit(void)
{
    return most_bytes() / 2;
}

/* The caller of these holds the lock. */

static void push(struct block b)
{
    kept.ring[(kept.first + kept.n++) % kept.room] = b;
    kept.bytes += b.n + OVERHEAD;
}

static struct block pop(void)
{
    struct block b = kept.ring[kept.first];
    kept.first = (kept.first + 1) % kept.room;
    kept.n--;
    kept.bytes -= b.n + OVERHEAD;
    return b;
}

/* Adds oldest blocks to the n that leave, as long as there are too many, or no room for `coming`
 * more. Returns how many leave. */
static unsigned pop_some(struct block out[OUT], unsigned n, unsigned coming)
{
    while (n < OUT && kept.n > 0 && (kept.n + coming > kept.room || kept.bytes > most_bytes()))
        out[n++] = pop();
    return n;
}

static void make_ring(void)
{
    kept.room = (size_t)rc_flags()->quarantine_size_mb * PER_MB;
    kept.ring = pages_get(kept.room * sizeof *kept.ring);
}

/* The thread's blocks go to the ring, and as many of the oldest to libc as have to. */
static void hand_over(void)
{
    struct block out[OUT];
    unsigned n;
    do {
        rt_lock(&kept.lock);
        if (!kept.ring)
            make_ring();
        n = pop_some(out, 0, mine.n);
        if (n < OUT) {
            for (unsigned i = 0; i < mine.n; i++)
                push(mine.block[i]);
            mine.n = 0;
            mine.bytes = 0;
            n = pop_some(out, n, 0);
        }
        rt_unlock(&kept.lock);
        for (unsigned i = 0; i < n; i++) {
            heap_release((uintptr_t)out[i].p);
            rt_free_forgotten(out[i].p);
        }
    } while (n == OUT);
}

void quarantine_put(void *p, size_t n)
{
    mine.block[mine.n++] = (struct block){p, n};
    mine.bytes += n;
    if (mine.n == MINE || mine.bytes > most_bytes() / MINE_SHARE)
        hand_over();
}

void quarantine_thread_fini(void)
{
    if (mine.n > 0)
        hand_over();
}

void quarantine_hold(void)
{
    rt_lock(&kept.lock);
}

void quarantine_let_go(void)
{
    rt_unlock(&kept.lock);
}
