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

/* Entries of which the newest makes the others superfluous: those of one flow, for the same bytes,
 * of the tail's class. */
static uint64_t sort_of(uint64_t w)
{
    return w & ~(W_EPOCH & ~W_SLOT);
}

/* Keeps, of the tail's class, the newest entry of each sort, wherever it stands.  So a flow has no
 * more of them than there are sets of bytes that it uses. */
static void drop_doubles(struct past *p, bool atomic)
{
    uint32_t size = 16, kept = 0;
    while (size < p->n * 2)
        size *= 2;
    uint32_t *first = rc_alloc(size * sizeof *first); /* by sort: where its entry is, and 1 */
    memset(first, 0, size * sizeof *first);
    for (uint32_t i = 0; i < p->n; i++) {
        struct entry e = p->e[i];
        uint32_t *at = NULL;
        if (is_tail(e.w, atomic)) {
            uint32_t h = (uint32_t)(sort_of(e.w) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
            while (*(at = &first[h % size]) != 0 && sort_of(p->e[*at - 1].w) != sort_of(e.w))
                h++;
        }
        if (at && *at != 0) {
            if (w_clock(e.w) > w_clock(p->e[*at - 1].w))
                p->e[*at - 1] = e;
            continue;
        }
        p->e[kept++] = e;
        if (at)
            *at = kept;
    }
    rc_free(first, size * sizeof *first);
    p->n = kept;
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
