/* slot.c - see slot.h.
 *
 * A slot may pass from a flow D that has ended to a new flow C, with its clock going on, when all
 * that D did is known to C from its start: then D and C are one sequence, and a clock value of the
 * slot means the same to everyone: who knows a moment of C knows C's start and so all of D.  C
 * knows what its creator knows, so the test is one lookup in the creator's clock.  Any weaker rule
 * (the slot of anybody who has ended) invents order that is not there.
 *
 * So a program that joins what it starts needs as many slots as it has flows at a time; flows that
 * nobody ever waits for keep theirs.
 *
 * A slot's lives are chained, latest first, each with its first clock: an access word tells its
 * life. */
#include "slot.h"
#include "atomic.h"
#include "futex.h"
#include "pool.h"
#include "print.h"
#include <unistd.h>

enum {
    PROBES = 4,                      /* given-back slots that are looked at */
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
};

struct given {
    uint64_t now, last;
};

static struct pool lives = POOL(sizeof(struct life), "lives");
static struct pool stays = POOL(sizeof(struct stay), "stays");
static struct stay **latest; /* by slot */
static struct rt_lock lock;  /* guards all below */
static uint32_t n_slots;     /* slot 0 is nobody's */
static struct given *given;  /* slots of ended flows, latest at the end */
static uint32_t n_given, turn;

void slot_init(void)
{
    latest = pages_get(sizeof *latest * (SLOT_MAX + 1));
    given = pages_get(sizeof *given * (SLOT_MAX + 1));
}

struct rc_life *life_make(enum rc_kind kind, uint64_t id)
{
    struct life *l = pool_get(&lives);
    *l = (struct life){.life = {.kind = kind, .id = id}};
    return &l->life;
}

/* Takes the i-th given slot when after knows its last moment; else 0.  Caller holds lock. */
static uint64_t try(uint32_t i, const struct snap *after)
{
    if (!snap_knows(after, given[i].last))
        return 0;
    uint64_t now = given[i].now;
    given[i] = given[--n_given];
    return now + w_epoch(0, 1);
}

/* A given slot that fits: one of the last ones given, or of those whose turn it is. */
static uint64_t take_again(const struct snap *after)
{
    uint64_t epoch = 0;
    for (uint32_t k = 0; k < PROBES && n_given > 0 && epoch == 0; k++)
        epoch = try(k % 2 == 0 && k / 2 < n_given ? n_given - 1 - k / 2 : turn++ % n_given, after);
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
    rt_lock(&lock);
    uint64_t epoch = after ? take_again(after) : 0;
    if (epoch == 0)
        epoch = take_new();
    rt_unlock(&lock);
    if (stay->life != NULL)
        stay = pool_get(&stays);
    *stay = (struct stay){life, w_clock(epoch), latest[w_slot(epoch)]};
    at_store_rel(&latest[w_slot(epoch)], stay); /* [life] */
    return epoch;
}

void slot_give(uint64_t now, uint64_t last)
{
    if (w_clock(now) > CLOCK_LEFT)
        return;
    rt_lock(&lock);
    given[n_given++] = (struct given){now, last};
    rt_unlock(&lock);
}

struct rc_life *slot_life(uint64_t w)
{
    if (w_slot(w) > SLOT_MAX)
        return NULL;
    struct stay *s = at_load_acq(&latest[w_slot(w)]); /* [life] */
    while (s && s->first > w_clock(w))
        s = s->older;
    return s ? s->life : NULL;
}

uint32_t slot_count(void)
{
    rt_lock(&lock);
    uint32_t n = n_slots;
    rt_unlock(&lock);
    return n;
}

void slot_each_life(bool (*visit)(struct rc_life *life, void *arg), void *arg)
{
    for (uint32_t slot = slot_count(); slot > 0; slot--)
        for (struct stay *s = at_load_acq(&latest[slot]); s; s = s->older) /* [life] */
            if (visit(s->life, arg))
                return;
}
