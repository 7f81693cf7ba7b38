/* fold.c - see fold.h.
 *
 * All groups are emitted when time goes over the end of a stretch, in the order of their ends, so
 * what comes out is ordered as it came in but for what ends within one stretch.  A lane's group
 * ends earlier when a span arrives that cannot be folded: spans of a lane keep their order.
 *
 * Rejected: a pyramid of several widths.  The page makes its own, with prefix sums; what it lacks
 * is only a lowest level that is small enough. */
#include <stdlib.h>
#include <string.h>
#include "../cmd.h"
#include "fold.h"

enum {
    STRETCHES = 1 << 14,
    WIDTH_MIN = 64,
    PIECES = 8 + TR_REASONS, /* of a goroutine: states, and reasons of the blocked one */
    PIECES_OF_KEYS = 8,      /* more states than this are not told apart by object */
    GROUPS_MAX = 4096,       /* at a time: 3 KiB each */
};

struct piece {
    struct fold_item longest;
    int64_t total;
    uint32_t n;
};

struct fold_group {
    struct fold_item exact[FOLD_EXACT];
    struct piece piece[PIECES + PIECES_OF_KEYS];
    int64_t begin, end;
    uint32_t n, pieces;
};

static int64_t length(const struct fold_item *it)
{
    return it->s.end - it->s.begin;
}

static bool in_window(const struct fold *f, const struct tr_span *s)
{
    return s->end >= f->from && s->begin <= f->to;
}

static void emit(struct fold *f, const struct fold_item *it)
{
    if (!in_window(f, &it->s))
        f->emitted++;
    f->emit(f->arg, it);
}

static uint32_t *slot_of(struct fold *f, const struct fold_item *it)
{
    struct fold_slots *s = &f->slots[it->s.lane];
    if (it->lane >= s->n) {
        size_t n = it->lane * 2ul + 64;
        uint32_t *at = cmd_alloc(n * sizeof(*at));
        memset(at, 0, n * sizeof(*at));
        if (s->n)
            memcpy(at, s->at, s->n * sizeof(*at));
        free(s->at);
        s->at = at;
        s->n = n;
    }
    return &s->at[it->lane];
}

/* ---- one group ---- */

/* The piece that takes it: its own, else a new one; of the same state and reason but another key,
 * once there are many.  States and reasons are fewer than pieces, so there is room for each. */
static struct piece *piece_for(struct fold_group *g, const struct fold_item *it)
{
    struct piece *alike = NULL;
    for (uint32_t i = 0; i < g->pieces; i++) {
        const struct fold_item *p = &g->piece[i].longest;
        if (p->s.state != it->s.state || p->s.why != it->s.why)
            continue;
        if (p->key == it->key)
            return &g->piece[i];
        alike = &g->piece[i];
    }
    if (alike && g->pieces >= PIECES_OF_KEYS)
        return alike;
    g->piece[g->pieces] = (struct piece){.longest = *it};
    return &g->piece[g->pieces++];
}

static void group_add(struct fold_group *g, const struct fold_item *it)
{
    if (g->n < FOLD_EXACT)
        g->exact[g->n] = *it;
    struct piece *p = piece_for(g, it);
    if (length(it) > length(&p->longest))
        p->longest = *it;
    p->total += length(it);
    p->n++;
    g->n++;
    g->end = it->s.end;
}

static int by_state(const void *a, const void *b)
{
    const struct fold_item *x = &((const struct piece *)a)->longest,
                           *y = &((const struct piece *)b)->longest;
    if (x->s.state != y->s.state)
        return x->s.state < y->s.state ? -1 : 1;
    if (x->s.why != y->s.why)
        return x->s.why < y->s.why ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

static void group_emit(struct fold *f, struct fold_group *g)
{
    if (g->n <= FOLD_EXACT) {
        for (uint32_t i = 0; i < g->n; i++)
            emit(f, &g->exact[i]);
        g->n = 0;
        return;
    }
    int64_t at = g->begin;
    bool first = true;
    qsort(g->piece, g->pieces, sizeof(g->piece[0]), by_state);
    for (uint32_t i = 0; i < g->pieces; i++) {
        struct fold_item it = g->piece[i].longest;
        it.s.begin = at;
        it.s.end = at += g->piece[i].total;
        it.s.created = it.s.open = false;
        it.by = it.s.by_p = -1;
        it.count = g->piece[i].n;
        it.first = first;
        first = false;
        emit(f, &it);
    }
    f->folded += g->n;
    g->n = 0;
}

/* ---- all groups ---- */

static int by_end(const void *a, const void *b)
{
    const struct fold_group *x = a, *y = b;
    return x->end < y->end ? -1 : x->end > y->end;
}

static void emit_all(struct fold *f)
{
    for (size_t i = 0; i < f->groups_n; i++)
        if (f->groups[i].n)
            *slot_of(f, &f->groups[i].exact[0]) = 0;
    if (f->groups_n)
        qsort(f->groups, f->groups_n, sizeof(f->groups[0]), by_end);
    for (size_t i = 0; i < f->groups_n; i++)
        if (f->groups[i].n)
            group_emit(f, &f->groups[i]);
    f->groups_n = 0;
}

/* A wider stretch when more came out than the part of the trace that is done should give, a
 * narrower one when it was much less. */
static void adapt(struct fold *f, int64_t now)
{
    double wanted = (double)f->most * (double)now / (double)f->end;
    double done = (double)f->emitted;
    if (done > wanted + (double)f->most / 16 && f->width < f->end)
        f->width *= 2;
    else if (done < wanted / 3 && f->width > WIDTH_MIN)
        f->width /= 2;
}

static void next_stretch(struct fold *f, int64_t now)
{
    emit_all(f);
    if (f->width)
        adapt(f, now);
    else
        for (f->width = WIDTH_MIN; f->width < f->end / STRETCHES; f->width *= 2)
            ;
    f->next = (now / f->width + 1) * f->width;
}

static struct fold_group *new_group(struct fold *f, const struct fold_item *it, uint32_t *slot)
{
    if (f->groups_n == GROUPS_MAX)
        emit_all(f);
    if (f->groups_n == f->groups_cap) {
        size_t cap = f->groups_cap * 2 + 16;
        struct fold_group *groups = cmd_alloc(cap * sizeof(*groups));
        if (f->groups_n)
            memcpy(groups, f->groups, f->groups_n * sizeof(*groups));
        free(f->groups);
        f->groups = groups;
        f->groups_cap = cap;
    }
    struct fold_group *g = &f->groups[f->groups_n++];
    g->n = g->pieces = 0;
    g->begin = it->s.begin;
    *slot = (uint32_t)f->groups_n;
    return g;
}

void fold_span(struct fold *f, const struct fold_item *it)
{
    if (!f->most) {
        emit(f, it);
        return;
    }
    if (it->s.end >= f->next)
        next_stretch(f, it->s.end);
    uint32_t *slot = slot_of(f, it);
    struct fold_group *g = *slot ? &f->groups[*slot - 1] : NULL;
    bool whole = in_window(f, &it->s) || it->s.open || length(it) >= f->width;
    if (g && (whole || it->s.begin != g->end)) {
        *slot = 0;
        group_emit(f, g);
        g = NULL;
    }
    if (whole)
        emit(f, it);
    else
        group_add(g ? g : new_group(f, it, slot), it);
}

void fold_finish(struct fold *f)
{
    emit_all(f);
    free(f->groups);
    for (int i = 0; i < 3; i++)
        free(f->slots[i].at);
    f->groups = NULL;
    memset(f->slots, 0, sizeof(f->slots));
}
