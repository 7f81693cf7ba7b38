/* memo.c - see memo.h.
 *
 * A table for each thread, in which each thing has two places.  It grows where one epoch has more
 * to remember: a compressor makes thousands of transitions.  An entry holds references to the pasts
 * of both its states, so that neither address can come to mean another past.  References are
 * counted in batches: an entry takes BATCH references to the next past at once and hands them out
 * (credit); it collects those that cells give up to the old one (debt) and returns them together.
 *
 * Programs that lock around every access make each transition once.  So an entry is learned only at
 * the second transition that one place makes in one epoch, whatever the bytes; the first leaves a
 * tag. */
#include "memo.h"
#include "pool.h"

static struct memo none = {.then = &none};

__thread struct memo_table *memo_mine __attribute__((tls_model("initial-exec")));
__thread struct memo *memo_last __attribute__((tls_model("initial-exec"))) = &none;

static uint64_t places; /* of all threads' tables */

static void make_table(void)
{
    memo_mine = pages_get(sizeof *memo_mine);
    memo_mine->shift = MEMO_SHIFT_MIN;
    at_add_rlx(&places, UINT64_C(1) << MEMO_SHIFT_MIN); /* relaxed: a count */
}

/* Two transitions of one epoch were in the way of a third.  When that was often so the table gets
 * four times the places; what is there is found again only by chance, and goes in time. */
static void crowded(struct memo_table *t)
{
    uint64_t now = UINT64_C(1) << t->shift;
    if (++t->crowded < now || t->shift == MEMO_SHIFT_MAX)
        return;
    t->crowded = 0;
    t->shift += 2;
    at_add_rlx(&places, 3 * now); /* relaxed: likewise */
}

static size_t place_by(uint64_t hash)
{
    return hash >> (64 - memo_mine->shift);
}

static bool has_past(struct entry e)
{
    return (e.site & SITE_PAST) != 0;
}

static void empty(struct memo *m)
{
    if (m->who == 0)
        return;
    if (has_past(m->next))
        past_unref(past_of(m->next.site), m->credit + 1);
    if (has_past(m->old))
        past_unref(past_of(m->old.site), m->debt + 1);
    m->who = 0;
}

void memo_borrow(struct memo *m)
{
    at_add_rlx(&past_of(m->next.site)->refs, (uint32_t)MEMO_BATCH); /* relaxed: m holds one */
    m->credit = MEMO_BATCH;
}

void memo_repay(struct memo *m)
{
    past_unref(past_of(m->old.site), MEMO_BATCH);
    m->debt = 0;
}

/* Where the transition would be: there, or in the neighbour (its place xor 1).  The unrolled loops
 * of compilers repeat several transitions in turn; two of them must not drive each other out. */
static struct memo *place_of(struct entry old, const struct access *a)
{
    uint64_t h = memo_mix(old.w ^ old.site >> 4 ^ a->site << 20 ^ a->masks << 7);
    return &memo_mine->memo[place_by(h)];
}

static struct memo *neighbour(struct memo *m)
{
    return &memo_mine->memo[(m - memo_mine->memo) ^ 1];
}

struct memo *memo_look_up(struct entry old, const struct access *a)
{
    if (memo_mine == NULL)
        return NULL;
    struct memo *m = place_of(old, a);
    if (!memo_is(m, old, a->who, a->masks, a->site)) {
        m = neighbour(m);
        if (!memo_is(m, old, a->who, a->masks, a->site))
            return NULL;
    }
    if (memo_last != &none)
        memo_last->then = m;
    return m;
}

bool memo_again(const struct access *a)
{
    if (memo_mine == NULL)
        make_table();
    uint64_t tag = memo_mix(a->who ^ memo_mix(a->site));
    uint64_t *seen = memo_mine->tag;
    size_t place = place_by(tag);
    if (seen[place] == tag || seen[place ^ 1] == tag)
        return true;
    seen[place ^ 1] = seen[place];
    seen[place] = tag;
    return false;
}

void memo_learn(struct entry old, const struct access *a, struct entry next)
{
    struct memo *m = place_of(old, a);
    if (m->who == a->who) /* the other place of the two, if that is of no more use */
        m = neighbour(m);
    if (m->who == a->who)
        crowded(memo_mine);
    empty(m);
    *m = (struct memo){
        .old = old, .next = next, .who = a->who, .masks = a->masks, .site = a->site, .then = m};
    if (has_past(next))
        at_add_rlx(&past_of(next.site)->refs, 1u); /* relaxed: the caller holds one */
    if (has_past(old))
        at_add_rlx(&past_of(old.site)->refs, 1u); /* relaxed: likewise */
}

/* Kept there, or in the neighbour. */
static size_t kept_place(const struct entry *e, uint32_t n)
{
    uint64_t h = n;
    for (uint32_t i = 0; i < n; i++)
        h = memo_mix(memo_mix(h ^ e[i].w) ^ e[i].site);
    return place_by(h);
}

static bool is_same(const struct past *p, const struct entry *e, uint32_t n)
{
    return p && p->n == n && memcmp(p->e, e, n * sizeof *e) == 0;
}

struct past *memo_same(const struct entry *e, uint32_t n)
{
    size_t place = kept_place(e, n);
    struct past *p = memo_mine->kept[place];
    if (!is_same(p, e, n))
        p = memo_mine->kept[place ^ 1];
    if (!is_same(p, e, n))
        return NULL;
    at_add_rlx(&p->refs, 1u); /* relaxed: the table holds one */
    return p;
}

void memo_keep(struct past *p)
{
    size_t place = kept_place(p->e, p->n);
    struct past **kept = memo_mine->kept;
    at_add_rlx(&p->refs, 1u); /* relaxed: the caller holds one */
    if (kept[place ^ 1])
        past_unref(kept[place ^ 1], 1);
    kept[place ^ 1] = kept[place];
    kept[place] = p;
}

void memo_thread_fini(void)
{
    if (memo_mine == NULL)
        return;
    size_t n = (size_t)1 << memo_mine->shift;
    for (size_t i = 0; i < n; i++) {
        empty(&memo_mine->memo[i]);
        if (memo_mine->kept[i])
            past_unref(memo_mine->kept[i], 1);
    }
    at_sub_rlx(&places, n); /* relaxed: a count */
    pages_put(memo_mine, sizeof *memo_mine);
    memo_mine = NULL;
    memo_last = &none;
}

uint64_t memo_bytes(void)
{
    return at_load_rlx(&places) * (sizeof(struct memo_table) / MEMO_MAX); /* relaxed: a count */
}
