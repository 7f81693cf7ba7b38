/* slot.c - see slot.h.
 *
 * A slot may pass from a flow D that has ended to a new flow C, with its clock going on, when all
 * that D did is known to C from its start: then D and C are one sequence, and a clock value of the
 * slot means the same to everyone: who knows a moment of C knows C's start and so all of D.  C
 * knows what its creator knows, so the test is one lookup in the creator's clock.  So a program
 * that joins what it starts needs as many slots as it has flows at a time.
 *
 * Flows that nobody waits for end without anybody knowing.  Their slots pass on when no word of
 * memory has a record of them any more, which a collection finds out (collect.c): then nobody will
 * ask whether something is ordered after D, and it does no harm that whoever knows a moment of C
 * seems to know D.  What D knew is another matter: from then on a moment of D no longer stands for
 * it, which vc_break() says.  Any weaker rule (the slot of anybody who has ended) invents order
 * that is not there.
 *
 * A slot's lives are chained, latest first, each with its first clock: an access word tells its
 * life.  Lives that nothing refers to are given back by collections. */
#include "slot.h"
#include "atomic.h"
#include "futex.h"
#include "pool.h"
#include "print.h"
#include "times.h"
#include <string.h>
#include <unistd.h>

enum {
    PROBES = 4,                      /* given-back slots that are looked at */
    AHEAD = 8,                       /* lives that are fetched before their turn */
    CLOCK_LEFT = CLOCK_MAX - 100000, /* a slot with less to go is not worth passing on */
};

/* A life's time in one slot. */
struct stay {
    struct rc_life *life;
    uint32_t first;     /* clock */
    struct stay *older; /* the slot's one before */
};

struct life {
    struct rc_life life; /* first: the addresses are the same */
    struct stay stay;    /* its first; more only when a clock was used up */
    bool ended;          /* guarded by lock */
    uint8_t reach;       /* during a collection: levels of ancestors to keep, itself included */
};

struct given {
    uint64_t now, last;
    uint64_t kept; /* the last epoch that some word may still record; clock 0: none */
};

static struct pool lives = POOL(sizeof(struct life), "lives");
static struct pool stays = POOL(sizeof(struct stay), "stays");
static struct rt_lock lock;  /* guards all below */
static struct stay **latest; /* by slot */
static uint32_t n_slots;     /* slot 0 is nobody's */
static struct given *given;  /* slots of ended flows, latest at the end */
static uint32_t n_given, turn;
static struct given *opened; /* those of which no word has a record */
static uint32_t n_opened;
static uint64_t n_lives; /* written under lock */
static size_t n_stays;

void slot_init(void)
{
    latest = pages_get(sizeof *latest * (SLOT_MAX + 1 + AHEAD));
    given = pages_get(sizeof *given * (SLOT_MAX + 1));
    opened = pages_get(sizeof *opened * (SLOT_MAX + 1));
}

struct rc_life *life_make(enum rc_kind kind, uint64_t id)
{
    struct life *l = pool_get(&lives);
    *l = (struct life){.life = {.kind = kind, .id = id}};
    return &l->life;
}

/* The first epoch of a flow that begins with after's knowledge in g's slot. */
static uint64_t go_on(struct given g, const struct snap *after)
{
    uint64_t first = g.now + w_epoch(0, 1);
    if (after == NULL || !snap_knows(after, g.last))
        vc_break(first);
    return first;
}

/* Takes the i-th given slot when after knows all of it that words may record; else 0.  Caller holds
 * lock. */
static uint64_t try(uint32_t i, const struct snap *after)
{
    if (!snap_knows(after, given[i].kept))
        return 0;
    struct given g = given[i];
    given[i] = given[--n_given];
    return go_on(g, after);
}

/* A given slot that fits: one of the last ones given, of those whose turn it is, or an open one. */
static uint64_t take_again(const struct snap *after)
{
    uint64_t epoch = 0;
    for (uint32_t k = 0; after && k < PROBES && n_given > 0 && epoch == 0; k++)
        epoch = try(k % 2 == 0 && k / 2 < n_given ? n_given - 1 - k / 2 : turn++ % n_given, after);
    if (epoch == 0 && n_opened > 0)
        epoch = go_on(opened[--n_opened], after);
    return epoch;
}

static uint64_t take_new(void)
{
    if (n_slots == SLOT_MAX) {
        rt_printf(2,
                  "goshawk: race detector: more than %d goroutines and threads that nothing waited "
                  "for\n",
                  SLOT_MAX);
        _exit(2);
    }
    return w_epoch(++n_slots, 1);
}

uint64_t slot_take(struct rc_life *life, const struct snap *after)
{
    struct stay *stay = &((struct life *)life)->stay;
    if (stay->life != NULL)
        stay = pool_get(&stays);
    rt_lock(&lock);
    uint64_t epoch = take_again(after);
    if (epoch == 0)
        epoch = take_new();
    if (stay == &((struct life *)life)->stay)
        at_store_rlx(&n_lives, n_lives + 1); /* relaxed: a counter */
    *stay = (struct stay){life, w_clock(epoch), latest[w_slot(epoch)]};
    latest[w_slot(epoch)] = stay;
    n_stays++;
    rt_unlock(&lock);
    return epoch;
}

void slot_give(const struct rc_life *life, uint64_t now, uint64_t last)
{
    rt_lock(&lock);
    ((struct life *)life)->ended = true;
    if (w_clock(now) <= CLOCK_LEFT)
        given[n_given++] = (struct given){now, last, last};
    rt_unlock(&lock);
}

void slot_forked(struct snap *s)
{
    rt_lock(&lock);
    n_given = n_opened = 0;
    for (uint32_t slot = 1; slot <= n_slots; slot++)
        if (latest[slot] && ((struct life *)latest[slot]->life)->ended)
            s->vc = vc_raise(s->vc, slot, CLOCK_MAX);
    rt_unlock(&lock);
}

struct rc_life *slot_life(uint64_t w)
{
    struct stay *s = NULL;
    rt_lock(&lock);
    if (w_slot(w) <= n_slots)
        s = latest[w_slot(w)];
    while (s && s->first > w_clock(w))
        s = s->older;
    struct rc_life *life = s ? s->life : NULL;
    rt_unlock(&lock);
    return life;
}

uint32_t slot_count(void)
{
    rt_lock(&lock);
    uint32_t n = n_slots;
    rt_unlock(&lock);
    return n;
}

uint64_t slot_lives(void)
{
    return at_load_rlx(&n_lives); /* relaxed: a counter */
}

void slot_each_life(bool (*visit)(struct rc_life *life, void *arg), void *arg)
{
    bool done = false;
    rt_lock(&lock);
    for (uint32_t slot = n_slots; slot > 0 && !done; slot--)
        for (struct stay *s = latest[slot]; s && !done; s = s->older)
            done = visit(s->life, arg);
    rt_unlock(&lock);
}

/* ---- collections ---- */

/* A slot's stays that a collection looks at, latest first, end where the next slot's begin. */
struct seen {
    struct stay *stay;
    uint32_t first; /* its first clock */
    uint32_t kept;  /* the highest clock of it that a word records; 0: none */
    bool ended;     /* its life had, when the collection began */
};

struct slot_marks {
    uint32_t n_slots;
    size_t n, bytes;
    uint32_t *start;    /* by slot, and one more: its first in seen[] */
    struct seen *seen;  /* n */
    struct seen *again; /* where the last word was found */
    uint32_t again_slot, again_end;
};

static void see(struct slot_marks *m, uint32_t slot)
{
    m->start[slot] = (uint32_t)m->n;
    __builtin_prefetch(latest[slot + AHEAD]);
    for (struct stay *s = latest[slot]; s; s = s->older) {
        struct life *l = (struct life *)s->life;
        m->seen[m->n++] = (struct seen){.stay = s, .first = s->first, .ended = l->ended};
        l->reach = 0;
    }
}

struct slot_marks *slot_marks_begin(void)
{
    rt_lock(&lock);
    size_t head = sizeof(struct slot_marks) + n_stays * sizeof(struct seen);
    size_t bytes = head + (n_slots + 2) * sizeof(uint32_t);
    struct slot_marks *m = pages_get(bytes);
    m->n_slots = n_slots;
    m->bytes = bytes;
    m->seen = (struct seen *)(m + 1);
    m->start = (uint32_t *)((char *)m + head);
    for (uint32_t slot = 1; slot <= n_slots; slot++)
        see(m, slot);
    m->start[n_slots + 1] = (uint32_t)m->n;
    rt_unlock(&lock);
    return m;
}

/* The one of the slot's that has the clock: the first, from the latest, that began by then. */
static struct seen *find_seen(struct slot_marks *m, uint32_t slot, uint32_t clock)
{
    uint32_t lo = m->start[slot], end = m->start[slot + 1], hi = end;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (m->seen[mid].first > clock)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == end)
        return NULL;
    m->again = &m->seen[lo];
    m->again_slot = slot;
    m->again_end = lo > m->start[slot] ? m->seen[lo - 1].first : UINT32_MAX;
    return m->again;
}

static struct seen *seen_of(struct slot_marks *m, uint64_t w)
{
    uint32_t slot = w_slot(w), clock = w_clock(w);
    if (slot == 0 || slot > m->n_slots)
        return NULL;
    if (slot == m->again_slot && m->again->first <= clock && clock < m->again_end)
        return m->again;
    return find_seen(m, slot, clock);
}

void slot_mark(struct slot_marks *m, uint64_t w)
{
    struct seen *s = seen_of(m, w);
    if (s && s->kept < w_clock(w))
        s->kept = w_clock(w);
}

bool slot_had_ended(struct slot_marks *m, uint64_t w)
{
    const struct seen *s = seen_of(m, w);
    return s && s->ended;
}

void slot_mark_life(const struct rc_life *life)
{
    for (uint8_t reach = LIVES_SHOWN; life && reach > ((struct life *)life)->reach; reach--) {
        ((struct life *)life)->reach = reach;
        life = life->parent;
    }
}

static bool is_kept(const struct rc_life *life)
{
    return ((const struct life *)life)->reach != 0;
}

static void mark_roots(struct slot_marks *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (!m->seen[i].ended || m->seen[i].kept != 0)
            slot_mark_life(m->seen[i].stay->life);
}

/* An ancestor out of reach is forgotten. */
static void cut_ancestors(struct rc_life *l)
{
    if (l->parent && ((const struct life *)l->parent)->ended && !is_kept(l->parent))
        l->parent = NULL;
}

/* Whether the stay remains, and its life.  If not it is freed: a life's first one with its life,
 * by free_lives(), which finds those that are left in seen[]. */
static bool stays_kept(struct seen *seen)
{
    struct stay *s = seen->stay;
    bool kept = is_kept(s->life), first = s == &((struct life *)s->life)->stay;
    if (kept)
        cut_ancestors(s->life);
    else if (!first)
        pool_put(&stays, s);
    if (kept || !first)
        seen->stay = NULL;
    n_stays -= !kept;
    return kept;
}

/* Takes out of the slot's chain the stays of lives that are not kept.  Caller holds lock. */
static void unlink_stays(struct slot_marks *m, uint32_t slot)
{
    if (m->start[slot] == m->start[slot + 1])
        return;
    struct stay **link = &latest[slot];
    while (*link != m->seen[m->start[slot]].stay)
        link = &(*link)->older; /* newer ones */
    for (uint32_t i = m->start[slot]; i < m->start[slot + 1]; i++) {
        struct stay *s = m->seen[i].stay;
        if (i + AHEAD < m->n)
            __builtin_prefetch(m->seen[i + AHEAD].stay);
        if (stays_kept(&m->seen[i])) {
            *link = s;
            link = &s->older;
        }
    }
    *link = NULL;
}

static void free_lives(struct slot_marks *m)
{
    for (size_t i = 0; i < m->n; i++) {
        struct stay *s = m->seen[i].stay;
        if (i + AHEAD < m->n)
            __builtin_prefetch(m->seen[i + AHEAD].stay);
        if (s == NULL)
            continue;
        times_free(s->life);
        pool_put(&lives, s->life);
        at_store_rlx(&n_lives, n_lives - 1); /* relaxed: a counter */
    }
}

/* The last epoch of the slot that a word records. */
static uint64_t kept_of(const struct slot_marks *m, uint32_t slot)
{
    uint32_t clock = 0;
    for (uint32_t i = m->start[slot]; i < m->start[slot + 1] && clock == 0; i++)
        clock = m->seen[i].kept;
    return w_epoch(slot, clock);
}

/* The slot's last flow is the one that had ended when the collection began. */
static bool is_still(const struct slot_marks *m, uint32_t slot)
{
    const struct seen *s = &m->seen[m->start[slot]];
    return m->start[slot] < m->start[slot + 1] && s->ended && s->stay == latest[slot];
}

/* What given[] says of slots whose last flow had ended when the collection began is known better
 * now.  Caller holds lock. */
static void open_slots(struct slot_marks *m)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_given; i++) {
        struct given g = given[i];
        uint32_t slot = w_slot(g.now);
        if (slot <= m->n_slots && is_still(m, slot))
            g.kept = kept_of(m, slot);
        if (w_clock(g.kept) == 0)
            opened[n_opened++] = g;
        else
            given[n++] = g;
    }
    n_given = n;
}

void slot_marks_end(struct slot_marks *m)
{
    mark_roots(m);
    rt_lock(&lock);
    open_slots(m);
    for (uint32_t slot = 1; slot <= m->n_slots; slot++)
        unlink_stays(m, slot);
    free_lives(m);
    rt_unlock(&lock);
    pages_put(m, m->bytes);
}
