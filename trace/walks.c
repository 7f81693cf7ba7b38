/* walks.c - stacks that are known without a walk.
 *
 * The stack of an event is a number in the dictionary.  To find it by a walk and a look at the
 * table of stacks takes 100 to 200 ns, several times what the rest of the event does.  But a
 * goroutine that blocks in the same loop again has the same stack, and a walk is a function: of the
 * frame where it begins and of the words that it reads, mostly return addresses
 * (unwind_frame()).  So a stream keeps, for frames it has met, those words and the number.  While
 * the words have not changed the walk would find the same; that is some ten loads.
 *
 * Words are compared in the order of the walk and no further than they are equal.  So only what a
 * walk would read now is read: the next word's place follows from the words before.
 *
 * Goroutines that run the same code have the same frames, each on its own stack.  A walk does not
 * depend on where the stack lies: the frames' sizes follow from the code.  So places are kept as
 * distances from sp, and so are those of the words that point into the stack; what was learned of
 * one goroutine is known of all.  (With absolute ones, programs with many goroutines on several
 * threads walked for every seventh event.)
 *
 * A frame is looked for by its pc and how deep in its stack it lies.  Several stacks can have both
 * in common (two receives in one function come to park by the same call), so there are sets of
 * WAYS.  To learn a walk takes 0.3 us a frame, so only a stack that comes a second time is learned,
 * and there is a budget: where nothing repeats, an event costs as much as a walk and a little more.
 *
 * Rejected: the words' hash instead of the words (where they lie is not known before they are
 * compared, and a hash can be wrong); following frame pointers (see unwind.c).
 *
 * A table belongs to its stream's thread.  A number counts in the recording it was given in; a
 * later one has the walk and gives it a new number. */
#include "walks.h"
#include "vmem.h"

enum {
    PRICE = 64,    /* of learning one, in walks that were not known */
    BUDGET = 4096, /* at the beginning, and at most */
};
#define STACK_MAX ((uintptr_t)1 << 34) /* a deeper frame is one whose stack is not known */

struct tr_walks *tr_walks_new(void)
{
    struct tr_walks *t = vm_reserve(sizeof(*t));
    if (t)
        t->budget = BUDGET;
    return t;
}

void tr_walks_free(struct tr_walks *t)
{
    if (t)
        vm_release(t, sizeof(*t));
}

/* The way for a stack that set has not: the one worth least.  NULL when all are still worth their
 * place, which they are less from now on. */
static struct tr_walk *victim(struct tr_walks *t, struct tr_walk_set *set)
{
    unsigned least = t->turn++ % TR_WALK_WAYS; /* not always the first of equals */
    for (unsigned i = 0; i < TR_WALK_WAYS; i++)
        if (set->way[i].worth < set->way[least].worth)
            least = i;
    if (set->way[least].worth <= 1)
        return &set->way[least];
    for (unsigned i = 0; i < TR_WALK_WAYS; i++)
        set->way[i].worth--;
    return NULL;
}

/* Its first time. */
static void note(struct tr_walks *t, struct tr_walk_set *set, const struct tr_place *at,
                 uint32_t id, uint32_t gen)
{
    struct tr_walk *w = victim(t, set);
    if (!w)
        return;
    size_t i = (size_t)(w - set->way);
    set->pc[i] = at->f.pc;
    set->depth[i] = at->depth;
    w->id = id;
    w->gen = gen;
    w->state = TR_WALK_SEEN;
    w->worth = 1;
}

static bool equal(const uintptr_t *a, const uintptr_t *b, size_t n)
{
    size_t i = 0;
    while (i < n && a[i] == b[i])
        i++;
    return i == n;
}

/* Does value point into the stack between sp and its top?  Where that is not known, none does. */
static bool is_inner(uintptr_t value, const struct tr_place *at)
{
    return at->depth < STACK_MAX && value - at->f.sp <= at->depth;
}

/* A walk that found something else than pcs, or read what cannot be compared, is not learned. */
static bool take_words(struct tr_walk *w, const struct tr_place *at, const uintptr_t *pcs, size_t n,
                       size_t max)
{
    const struct unwind_frame *f = &at->f;
    struct unwind_words words;
    uintptr_t again[TR_STACK_MAX];
    if (unwind_frame(f, again, max, &words) != n || !equal(again, pcs, n) || !words.whole ||
        words.n > TR_WALK_WORDS)
        return false;
    w->fp = f->fp - f->sp;
    w->by_fp = words.fp;
    w->n = (uint8_t)words.n;
    w->max = (uint8_t)max;
    w->inner = 0;
    for (uint32_t i = 0; i < words.n; i++) {
        uintptr_t off = words.word[i].at - f->sp;
        if (off > UINT32_MAX)
            return false;
        w->at[i] = (uint32_t)off;
        w->value[i] = words.word[i].value;
        if (is_inner(w->value[i], at)) {
            w->value[i] -= f->sp;
            w->inner |= 1u << i;
        }
    }
    return true;
}

/* Its second time, or the words have changed and the stack has not. */
static void learn(struct tr_walks *t, struct tr_walk *w, const struct tr_place *at,
                  const uintptr_t *pcs, size_t n, size_t max)
{
    if (w->state == TR_WALK_STRANGE || t->budget < PRICE)
        return;
    t->budget -= PRICE;
    w->worth = TR_WALK_KEEP;
    w->state = take_words(w, at, pcs, n, max) ? TR_WALK_KNOWN : TR_WALK_STRANGE;
}

void tr_walks_learn(struct tr_walks *t, const struct tr_place *at, const uintptr_t *pcs, size_t n,
                    size_t max, uint32_t id, uint32_t gen)
{
    const struct unwind_frame *f = &at->f;
    struct tr_walk_set *set = tr_walk_set(t, at);
    if (t->budget < BUDGET)
        t->budget++;
    for (unsigned i = 0; i < TR_WALK_WAYS; i++) {
        struct tr_walk *w = &set->way[i];
        if (set->pc[i] != f->pc || set->depth[i] != at->depth)
            continue;
        if (w->gen != gen && w->state == TR_WALK_KNOWN && w->max == max && tr_walk_holds(w, f)) {
            w->id = id;
            w->gen = gen;
            return;
        }
        if (w->gen == gen && w->id == id) {
            learn(t, w, at, pcs, n, max);
            return;
        }
    }
    note(t, set, at, id, gen);
}
