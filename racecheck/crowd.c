/* crowd.c - see crowd.h.
 *
 * Appending does not look for what became superfluous: a flow that returns in a later epoch, or
 * that is not found among the last few, is there twice.  When the block is full the general way
 * (cell.c) copies what is left; crowd_tidy() then drops the doubles, and the copy has room for as
 * many appends as it kept.  So the cost of an append is constant on average. */
#include "crowd.h"
#include "pool.h"
#include <string.h>

enum { LOOK_BACK = 8 };

static bool is_tail(uint64_t w, bool atomic)
{
    return atomic ? w_is_atomic(w) : (w & W_ATOMIC) == 0 && w_written(w) == 0;
}

static bool is_there(const struct past *p, const struct access *a)
{
    uint32_t from = p->n > LOOK_BACK ? p->n - LOOK_BACK : 0;
    for (uint32_t i = p->n; i-- > from;)
        if (w_covers(p->e[i].w, a->who, a->masks))
            return true;
    return false;
}

bool crowd_append(struct past *p, const struct access *a, struct found *found)
{
    if (p->n == p->cap || !is_tail(a->who | a->masks, p->tail_atomic))
        return false;
    if (is_there(p, a))
        return true;
    for (uint32_t i = 0; i < p->head; i++)
        cell_check(p->e[i], a, found);
    at_store_rlx(&p->e[p->n].w, a->who | a->masks); /* relaxed: before n */
    at_store_rlx(&p->e[p->n].site, a->site);        /* relaxed: likewise */
    at_store_rel(&p->n, p->n + 1);                  /* [past] */
    return true;
}

/* Later entry f of the same flow makes e superfluous. */
static bool is_outdone(uint64_t e, uint64_t f)
{
    return w_slot(e) == w_slot(f) && w_clock(e) <= w_clock(f) &&
           (w_touched(e) & ~w_touched(f)) == 0 && (w_written(e) & ~w_written(f)) == 0 &&
           (e & W_ATOMIC) >= (f & W_ATOMIC);
}

/* Keeps, of the tail's class, the last entry of each flow and what that one does not cover. */
static void drop_doubles(struct past *p, bool atomic)
{
    uint32_t size = 16, kept = p->n;
    while (size < p->n * 2)
        size *= 2;
    uint64_t *last = rc_alloc(size * sizeof *last); /* by slot: the last entry of a flow */
    memset(last, 0, size * sizeof *last);
    for (uint32_t i = p->n; i-- > 0;) {
        struct entry e = p->e[i];
        bool drop = false;
        if (is_tail(e.w, atomic)) {
            uint32_t h = w_slot(e.w) * 0x9e3779b1u;
            while (last[h % size] != 0 && w_slot(last[h % size]) != w_slot(e.w))
                h++;
            drop = last[h % size] != 0 && is_outdone(e.w, last[h % size]);
            if (last[h % size] == 0)
                last[h % size] = e.w;
        }
        if (!drop)
            p->e[--kept] = e;
    }
    rc_free(last, size * sizeof *last);
    memmove(p->e, p->e + kept, (p->n - kept) * sizeof p->e[0]);
    p->n -= kept;
}

/* Entries that are not of the tail's class first.  The order within each part does not matter. */
static uint32_t partition(struct past *p, bool atomic)
{
    uint32_t head = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        struct entry e = p->e[i];
        if (is_tail(e.w, atomic))
            continue;
        p->e[i] = p->e[head];
        p->e[head++] = e;
    }
    return head;
}

void crowd_tidy(struct past *p)
{
    uint32_t reads = 0, atomics = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        reads += is_tail(p->e[i].w, false);
        atomics += is_tail(p->e[i].w, true);
    }
    p->tail_atomic = atomics > reads;
    drop_doubles(p, p->tail_atomic);
    p->head = partition(p, p->tail_atomic);
}
