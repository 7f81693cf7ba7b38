/* times.c - see times.h.
 *
 * Notes are in the order of the flow's life.  Those of the same epoch are one, from the first time
 * to the last.  When there is no more room, the one goes whose loss leaves the gap that is smallest
 * beside its age: so the distance between notes grows with their age, and what is known of an old
 * access is about as exact as it is old.
 *
 * [times] notes, then version: who reads an even version, the notes, and the same version again has
 * seen notes that were not being changed. */
#include "times.h"
#include "atomic.h"
#include "pool.h"
#include "word.h"
#include <string.h>

struct times {
    uint64_t link;    /* the pool's */
    uint32_t version; /* odd while it is being written [times] */
    uint32_t n;
    struct note {
        uint64_t epoch, first, last;
    } at[TIMES_KEPT];
};

static struct pool pool = POOL(sizeof(struct times), "times");

/* ---- writing ---- */

/* Drops the note whose loss makes the narrowest gap, as it is seen from now; not the first one, nor
 * the last. */
static void make_room(struct times *t, uint64_t now)
{
    uint32_t best = 1;
    double best_gap = 1, best_age = 0;
    for (uint32_t i = 1; i + 1 < t->n; i++) {
        double gap = (double)(t->at[i + 1].first - t->at[i - 1].last);
        double age = (double)(now - t->at[i - 1].last);
        if (gap * best_age < best_gap * age) {
            best = i;
            best_gap = gap;
            best_age = age;
        }
    }
    t->n--;
    for (uint32_t i = best; i < t->n; i++)
        t->at[i] = t->at[i + 1];
}

static void add(struct times *t, uint64_t epoch, uint64_t now)
{
    if (t->n == TIMES_KEPT)
        make_room(t, now);
    t->at[t->n++] = (struct note){epoch, now, now};
}

void times_note(struct rc_life *life, uint64_t epoch, uint64_t now)
{
    struct times *t = life->times;
    if (!t) {
        t = pool_get(&pool);
        memset(t, 0, sizeof *t);
        at_store_rel(&life->times, t); /* [times-made] */
    }
    uint32_t v = t->version;
    at_store_rlx(&t->version, v + 1); /* relaxed: fenced below */
    at_fence_rel();                   /* [times] */
    if (t->n && t->at[t->n - 1].epoch == epoch)
        t->at[t->n - 1].last = now;
    else
        add(t, epoch, now);
    at_store_rel(&t->version, v + 2); /* [times] */
}

void times_free(struct rc_life *life)
{
    if (life->times)
        pool_put(&pool, life->times);
    life->times = NULL;
}

/* ---- reading ---- */

/* False: it is written too fast to be read. */
static bool copy(const struct times *from, struct times *to)
{
    for (int i = 0; i < 1000; i++) {
        uint32_t v = at_load_acq(&from->version); /* [times] */
        memcpy(to, from, sizeof *to);
        at_fence_acq();                                     /* [times] */
        if (v % 2 == 0 && at_load_rlx(&from->version) == v) /* relaxed: after the fence */
            return true;
    }
    return false;
}

/* A flow that has used up its clock goes on in another slot: which notes are older is then a matter
 * of their place before or behind those of the slot that is asked for. */
void times_of(const struct rc_life *life, uint64_t epoch, uint64_t *ret_after, uint64_t *ret_until)
{
    struct times t;
    const struct times *kept = life ? at_load_acq(&life->times) : NULL; /* [times-made] */
    bool found = false;
    *ret_after = *ret_until = 0;
    if (!kept || !copy(kept, &t))
        return;
    for (uint32_t i = 0; i < t.n && *ret_until == 0; i++) {
        bool same = w_slot(t.at[i].epoch) == w_slot(epoch);
        bool later = same ? w_clock(t.at[i].epoch) > w_clock(epoch) : found;
        found |= same;
        if (later)
            *ret_until = t.at[i].first;
        else if (!same || w_clock(t.at[i].epoch) < w_clock(epoch))
            *ret_after = t.at[i].last;
    }
    if (!found)
        *ret_after = *ret_until = 0;
}
