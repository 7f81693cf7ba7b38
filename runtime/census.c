/* census.c - all goroutines in order, and those in the same place as one.
 *
 *     goroutine 8 [chan receive]:
 *     worker()
 *             pool.c:21
 *     created by go_main, goroutine 1
 *             pool.c:40
 *     waits for chan 0x55d2a0 (cap 0, len 0), made by go_main at pool.c:38
 *     ... and 99999 more in the same place, waiting for the same: goroutines 9-100007
 *
 * "In the same place": same entry function, same go statement, same reason, same return addresses.
 * Those are read along the frame pointers, which takes a hundredth of the time of a proper walk; a
 * chain that does not end where a goroutine begins (code without frame pointers) is not trusted,
 * and the stack is walked.  Goroutines that run are in no place.
 *
 * Nothing stands still meanwhile.  A stack is read between its bounds only, and what comes of a
 * goroutine that moved is a key of its own. */
#include "census.h"
#include "dump.h"
#include "picture.h"
#include "print.h"
#include "stack.h"
#include "switch.h"
#include "waits.h"
#include <stdlib.h>

enum { PCS_MAX = 128, RANGES_MAX = 8, FRAMES_MAX = 256 };

/* ---- taking ---- */

struct taking {
    struct census *c;
    size_t cap;
    bool (*want)(const struct g *g);
};

static void take_one(struct g *g, void *arg)
{
    struct taking *t = arg;
    struct census *c = t->c;
    if (at_load_rlx(&g->state) == G_FREE || (g->flags & G_SYSTEM)) /* relaxed: a picture */
        return;
    if (t->want && !t->want(g))
        return;
    bool seed = g->flags & G_SEED;
    if (c->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 256;
        struct census_one *ones = realloc(c->ones, cap * sizeof *ones);
        if (!ones)
            return;
        c->ones = ones;
        t->cap = cap;
    }
    c->ones[c->n++] = (struct census_one){.g = g, .id = g->id, .obj = seed ? NULL : g->park_obj};
}

static int by_id(const void *a, const void *b)
{
    const struct census_one *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

void census_take(struct census *c, bool (*want)(const struct g *g))
{
    struct taking t = {.c = c, .want = want};
    *c = (struct census){0};
    san_picture_begin();
    g_for_each(take_one, &t);
    san_picture_end();
    if (c->n > 1)
        qsort(c->ones, c->n, sizeof *c->ones, by_id);
}

void census_fini(struct census *c)
{
    free(c->ones);
}

/* ---- places ---- */

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

/* Return addresses along the frame pointers; false when they do not lead to the stack's end. */
static bool mix_frames(uint64_t *h, const struct g *g)
{
    uintptr_t fp = g->ctx.fp, low = g->ctx.sp;
    uintptr_t lo = (uintptr_t)g->stack_lo, hi = (uintptr_t)g->stack_hi;
    for (int i = 0; i < FRAMES_MAX && fp; i++) {
        if (fp < low || fp < lo || fp + 16 > hi || fp % 8)
            return false;
        const uintptr_t *frame = (const uintptr_t *)fp;
        *h = mix(*h, frame[1]);
        low = fp + 16;
        fp = frame[0];
    }
    return !fp;
}

static uint64_t mix_walked(uint64_t h, const struct g *g)
{
    uintptr_t pcs[PCS_MAX];
    size_t n = dump_stack_of(g, pcs, PCS_MAX);
    for (size_t i = 0; i < n; i++)
        h = mix(h, pcs[i]);
    return h;
}

uint64_t census_place(const struct g *g)
{
    uint32_t state = at_load_rlx(&g->state); /* relaxed: a picture */
    uint64_t h = mix(state, (uintptr_t)g->entry);
    if (state == G_RUNNING)
        return mix(h, (uintptr_t)g) | 1;
    if (g->flags & G_SEED) /* it has no more than its head */
        return mix(h, g->created_pc) | 1;
    h = mix(mix(h, g->created_pc), g->ctx.pc);
    h = mix(mix(h, g->locks_thread != 0), state == G_PARKED ? (uintptr_t)dump_wait_reason(g) : 0);
    uint64_t framed = h;
    bool begun = g->ctx.pc != (uintptr_t)switch_entry;
    if (begun)
        h = mix_frames(&framed, g) ? framed : mix_walked(h, g);
    return h | 1;
}

static int by_key_and_id(const void *a, const void *b)
{
    const struct census_one *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : by_id(a, b);
}

/* ---- printing ---- */

/* Goroutines in the same place. */
struct group {
    struct census_one *ones;
    size_t n;
};

static int by_first_id(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    return by_id(x->ones, y->ones);
}

/* Sorts the census by place; returns the groups in the order of their first ids, NULL when memory
 * is short. */
static struct group *group(struct census *c, uint64_t (*place)(const struct g *g), size_t *ret_n)
{
    struct group *groups = calloc(c->n, sizeof *groups);
    size_t n = 0;
    if (!groups)
        return NULL;
    for (size_t i = 0; i < c->n; i++)
        c->ones[i].key = place(c->ones[i].g);
    qsort(c->ones, c->n, sizeof *c->ones, by_key_and_id);
    for (size_t i = 0; i < c->n; i++) {
        if (i == 0 || c->ones[i].key != c->ones[i - 1].key)
            groups[n++].ones = &c->ones[i];
        groups[n - 1].n++;
    }
    qsort(groups, n, sizeof *groups, by_first_id);
    *ret_n = n;
    return groups;
}

bool census_same(const struct census_one *a, const struct census_one *b)
{
    return a->obj && b->obj ? waits_same(a->g, b->g) : a->obj == b->obj;
}

void census_ranges(struct text *t, const struct census_one *ones, size_t n)
{
    size_t i = 0, ranges = 0;
    for (size_t last; i < n && ranges < RANGES_MAX; i = last + 1, ranges++) {
        last = i;
        while (last + 1 < n && ones[last + 1].id == ones[last].id + 1)
            last++;
        text_printf(t, "%s%lu", ranges ? ", " : "", (unsigned long)ones[i].id);
        if (last > i)
            text_printf(t, "-%lu", (unsigned long)ones[last].id);
    }
    text_printf(t, i < n ? ", ..." : "");
}

/* All but the first, which has been printed. */
static void print_others(int fd, const struct group *gr)
{
    const struct census_one *others = gr->ones + 1;
    size_t n = gr->n - 1, elsewhere = 0;
    char ranges[RANGES_MAX * 48];
    struct text t;
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        elsewhere += !census_same(&others[i], &gr->ones[0]);
    rt_printf(fd, "... and %zu more in the same place, ", n);
    if (elsewhere == 0 && gr->ones[0].obj)
        rt_printf(fd, "waiting for the same: ");
    else if (elsewhere)
        rt_printf(fd, "%zu of them waiting for something else of the kind: ", elsewhere);
    text_init(&t, ranges, sizeof ranges);
    census_ranges(&t, others, n);
    rt_printf(fd, "goroutine%s %s\n", n == 1 ? "" : "s", ranges);
}

static void print_groups(int fd, const struct group *groups, size_t n,
                         void (*more)(int fd, const struct g *g))
{
    uintptr_t pcs[PCS_MAX];
    for (size_t i = 0; i < n; i++) {
        struct g *g = groups[i].ones[0].g;
        if (i > 0)
            rt_printf(fd, "\n");
        dump_goroutine(fd, g, pcs, dump_stack_of(g, pcs, PCS_MAX));
        if (more)
            more(fd, g);
        print_others(fd, &groups[i]);
    }
}

/* Without but; and a goroutine that got its stack while the census was taken counts once. */
static void remove_one(struct census *c, const struct g *but)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        bool twice = n > 0 && c->ones[n - 1].id == c->ones[i].id;
        if (c->ones[i].g != but && !twice)
            c->ones[n++] = c->ones[i];
    }
    c->n = n;
}

static void print_each(int fd, const struct census *c, void (*more)(int fd, const struct g *g))
{
    uintptr_t pcs[PCS_MAX];
    for (size_t i = 0; i < c->n; i++) {
        if (i > 0)
            rt_printf(fd, "\n");
        dump_goroutine(fd, c->ones[i].g, pcs, dump_stack_of(c->ones[i].g, pcs, PCS_MAX));
        if (more)
            more(fd, c->ones[i].g);
    }
}

void census_print(int fd, struct census *c, const struct g *but, size_t each_max,
                  void (*more)(int fd, const struct g *g))
{
    remove_one(c, but);
    san_picture_begin();
    size_t n = 0;
    struct group *groups = c->n > each_max ? group(c, census_place, &n) : NULL;
    if (groups)
        print_groups(fd, groups, n, more);
    else
        print_each(fd, c, more);
    free(groups);
    san_picture_end();
}

void census_each_place(struct census *c, uint64_t (*place)(const struct g *g),
                       void (*visit)(const struct census_one *ones, size_t n, void *arg), void *arg)
{
    remove_one(c, NULL);
    san_picture_begin();
    size_t n = 0;
    struct group *groups = c->n > 0 ? group(c, place, &n) : NULL;
    for (size_t i = 0; i < n; i++)
        visit(groups[i].ones, groups[i].n, arg);
    free(groups);
    san_picture_end();
}

void census_keep(struct census *c, bool (*keep)(const struct census_one *one, void *arg), void *arg)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        if (keep(&c->ones[i], arg))
            c->ones[n++] = c->ones[i];
    c->n = n;
}

const struct census_one *census_find(const struct census *c, uint64_t id)
{
    const struct census_one key = {.id = id};
    return c->n ? bsearch(&key, c->ones, c->n, sizeof *c->ones, by_id) : NULL;
}
