/* chan.h - the channel's inside, for chan.c, select.c and the makers of channels (timers,
 * contexts).
 *
 * A goroutine that waits stands in a queue of the channel with a struct chan_wait in its own frame;
 * a select stands in several queues, with one for each case.  Whoever serves it copies the value
 * straight from or to w->elem, under the channel's lock, and readies it after that lock is
 * dropped. */
#ifndef RT_CHAN_H
#define RT_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "atomic.h"
#include "bias.h"
#include "scheduler.h"

enum chan_side { CHAN_RECV, CHAN_SEND };

/* Who closed a channel; known in the race build. */
struct chan_closer {
    uint64_t g;   /* 0: a thread */
    uintptr_t pc; /* return address of the call, or 0 */
};

struct chan_wait {
    struct chan_wait *next, *prev; /* by the channel's lock, while queued */
    struct chan_wait *same;        /* ring of the select's waiters at this channel; itself alone */
    struct g *g;                   /* r/o while queued, like the rest */
    struct chan *chan;
    void *elem;       /* value to send, or place for it (NULL: drop it) */
    size_t elem_size; /* select: of the channel, which may be gone when the select goes on */
    int index;        /* select: the case */
    uint8_t side;     /* enum chan_side */
    bool queued;      /* in the queue; by the channel's lock */
    bool select;      /* g->selected must be won first */
    bool ok;          /* set by the waker: a value passed; clear: the channel was closed ... */
#if GO_RACE
    struct chan_closer closer; /* ... by this one */
#endif
};

struct chan_queue {
    struct chan_wait *first, *last;
};

struct chan {
    struct bias_lock lock;
    uint32_t closed; /* [close]; written under lock */
    size_t count;    /* queued elements; written under lock */
    size_t cap;      /* r/o, like elem_size, slots, and edges unless it is a timer's */
    size_t elem_size;
    size_t send_at, recv_at;      /* next slot to fill, to empty; by lock, like the queues */
    struct chan_queue waiting[2]; /* by enum chan_side */
    char *slots;                  /* cap elements */
    char *edges;       /* race build: per slot (at least one) CHAN_EDGES bytes, whose addresses name
                       * the clocks of what was sent through it and of what was received */
    uintptr_t made_pc; /* return address of the call that made it, or 0; r/o */
    void (*on_free)(struct chan *c); /* go_chan_free() calls it instead of freeing; NULL: plain */
#if GO_RACE
    struct chan_closer closer; /* written with closed */
#endif
} __attribute__((aligned(16))); /* the slots may follow */

enum {
    CHAN_EDGES = 16,
    CHAN_ONE_WORD =
        16 + CHAN_EDGES, /* enough for one element of up to 16 bytes: chan_size(16, 1) */
};

/* What became of a try. */
enum chan_try {
    CHAN_BLOCKS, /* it has to wait */
    CHAN_DONE,   /* a value passed; *ret_wake, unless NULL, must be readied after the unlock */
    CHAN_CLOSED,
};

/* Is this, the copy of what lies at p, a channel that go_chan_new() made?  Of anything else it is
 * true by chance only. */
bool chan_is_made(const struct chan *c, const void *p);

/* Bytes of memory behind a channel: slots and edges.  False when the size overflows. */
bool chan_size(size_t elem_size, size_t cap, size_t *ret_bytes);

/* Makes c an empty open channel; mem are chan_size() bytes, aligned to 16. */
void chan_init(struct chan *c, size_t elem_size, size_t cap, void *mem);

/* Sends *elem, receives into *elem, if that needs no waiting.  c->lock is held.  self is the
 * running goroutine (may be NULL in the plain build). */
enum chan_try chan_put(struct chan *c, struct g *self, const void *elem, struct g **ret_wake);
enum chan_try chan_get(struct chan *c, struct g *self, void *elem, struct g **ret_wake);

/* For timers: *elem is queued or handed over if there is room, else dropped.  The receiver is
 * ordered after what was released at edges, CHAN_EDGES bytes.  Callable on scheduler stacks. */
void chan_post(struct chan *c, const void *elem, char *edges);

/* Those of the value that is queued, or was last. */
const char *chan_edges(const struct chan *c);

/* Closes c if it is open; true when it did.  user: the program asked for it, so that a send which
 * is not ordered with it is a race. */
bool chan_close(struct chan *c, struct g *self, uintptr_t pc, bool user);

/* The panics of a send: on c, which is closed; by w, whose channel was closed and may be gone. */
_Noreturn void chan_panic_send(const struct chan *c);
_Noreturn void chan_panic_waiter(const struct chan_wait *w);

/* Queues w at w->chan, takes it out again.  The lock is held. */
void chan_enqueue(struct chan_wait *w);
void chan_dequeue(struct chan_wait *w);

/* Waits for ever. */
_Noreturn void chan_never(struct g *self, enum tr_reason why);

/* A look without the lock.  False: it would have blocked at some moment of the call. */
static inline bool chan_may_get(const struct chan *c)
{
    /* The order of the loads matters: empty first, then open, so it was both at the first one. */
    if (c->cap ? at_load_acq(&c->count) > 0                         /* [chan-count] */
               : at_load_acq(&c->waiting[CHAN_SEND].first) != NULL) /* [chan-queue] */
        return true;
    return at_load_acq(&c->closed) != 0; /* [close] */
}

static inline bool chan_may_put(const struct chan *c)
{
    if (c->cap ? at_load_acq(&c->count) < c->cap                    /* [chan-count] */
               : at_load_acq(&c->waiting[CHAN_RECV].first) != NULL) /* [chan-queue] */
        return true;
    return at_load_acq(&c->closed) != 0; /* [close] */
}

#endif
