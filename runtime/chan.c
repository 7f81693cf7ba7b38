/* chan.c - typed queues between goroutines.
 *
 * A channel is a ring of slots, two queues of waiting goroutines, and a lock around both.  Every
 * operation first tries under the lock; when it has to wait it queues itself and parks, and the
 * park drops the lock.  Whoever comes from the other side copies the value directly from or to the
 * waiting goroutine's memory, so a value that does not rest in a slot is copied once.
 *
 *     ring         slots[recv_at .. recv_at+count) are full, cyclically; send_at follows them
 *     waiting      FIFO; who is taken off has been served, by a value or by the close
 *
 * Invariants, while the lock is free
 *     I1  both queues are non-empty only when one select waits on both sides
 *     I2  count > 0 implies that nobody waits to receive; count < cap, that nobody waits to send
 *     I3  closed implies that nobody waits
 *     I4  a waiter is in the queue iff w->queued; its goroutine is parked or about to be
 *
 * Lock order: channels by address, then sched.lock.  Timers come before channels.
 *
 * Lifetime.  A channel may be freed as soon as the value of its last send has been received, or by
 * whoever has seen it closed; nothing collects it.  So the last thing an operation does to a
 * channel is to unlock it, and only afterwards it readies the goroutine that it has served.  The
 * other side can therefore return, and free the channel, only when this side is through:
 *   - it was parked: it goes on by that rt_ready();
 *   - it was not: it needs the lock, which is free only after this side's last access.  This is why
 *     a receiver that finds the channel closed without the lock still takes it (chan_may_get() only
 *     ever answers "would block" for good).
 * A goroutine that was served while it was parked does not touch the channel again: what the
 * detector has to know on its behalf, its waker tells.  A select's other waiters at the same
 * channel are taken off by the waker too, through the ring w->same.
 *
 * Detector.  Each slot has two clocks: of the sender that filled it and of the receiver that
 * emptied it.  Each side publishes its own clock first and joins the other's afterwards, so the
 * k-th send is before the k-th receive, the k-th receive before the (k+cap)-th send, and nothing
 * more: one clock a slot would also order sender k before sender k+cap.  A value handed over
 * directly pretends to go through the slot.  Without slots the two goroutines meet in edge 0, both
 * ways.  For closing, a send is a read of the channel's first byte and a close a write of it: if
 * they are not ordered, that is the race it should be.  A free is a write of that byte, too; who
 * does not read it asks whether it was freed (hook_uses()).
 *
 * Edges: [close] closed is stored with release; who reads it with acquire sees all that was before.
 * [chan-count] and [chan-queue] order only the unlocked looks: the load of closed after them. */
#include <stdlib.h>
#include <string.h>
#include <goshawk/chan.h>
#include <goshawk/select.h>
#include "chan.h"
#include "check.h"
#include "hook.h"
#include "panic.h"

/* ---- memory ---- */

enum { BLOCK_ALIGN = 16 };

/* Elements are mostly words; a call of memcpy would cost as much as the rest. */
static inline void copy_elem(void *to, const void *from, size_t n)
{
    if (n == 8) {
        *(hook_word *)to = *(const hook_word *)from;
    } else if (n == 4) {
        typedef uint32_t half __attribute__((may_alias, aligned(1)));
        *(half *)to = *(const half *)from;
    } else {
        hook_copy(to, from, n);
    }
}

static inline char *slot(const struct chan *c, size_t i)
{
    return c->slots + i * c->elem_size;
}

static inline const void *sent_edge(const struct chan *c, size_t i)
{
    return GO_RACE ? c->edges + i * CHAN_EDGES : NULL;
}

static inline const void *received_edge(const struct chan *c, size_t i)
{
    return GO_RACE ? c->edges + i * CHAN_EDGES + CHAN_EDGES / 2 : NULL;
}

static inline size_t next_slot(const struct chan *c, size_t i)
{
    return i + 1 == c->cap ? 0 : i + 1;
}

static inline void set_count(struct chan *c, size_t n)
{
    at_store_rel(&c->count, n); /* [chan-count] */
}

bool chan_size(size_t elem_size, size_t cap, size_t *ret_bytes)
{
    size_t slots, edges = 0, sum;
    if (__builtin_mul_overflow(elem_size, cap, &slots) ||
        __builtin_add_overflow(slots, (size_t)BLOCK_ALIGN - 1, &slots))
        return false;
    slots &= ~((size_t)BLOCK_ALIGN - 1);
    if (GO_RACE && __builtin_mul_overflow(cap ? cap : 1, (size_t)CHAN_EDGES, &edges))
        return false;
    if (__builtin_add_overflow(slots, edges, &sum) || sum > PTRDIFF_MAX / 2)
        return false;
    *ret_bytes = sum;
    return true;
}

static void set_memory(struct chan *c, void *mem)
{
    c->slots = mem;
    if (GO_RACE)
        c->edges = c->slots + ((c->elem_size * c->cap + BLOCK_ALIGN - 1) & -(size_t)BLOCK_ALIGN);
}

void chan_init(struct chan *c, size_t elem_size, size_t cap, void *mem)
{
    memset(c, 0, sizeof *c);
    c->cap = cap;
    c->elem_size = elem_size;
    set_memory(c, mem);
}

bool chan_is_made(const struct chan *c, const void *p)
{
    struct chan like = {.cap = c->cap, .elem_size = c->elem_size};
    size_t bytes;
    if (!chan_size(c->elem_size, c->cap, &bytes))
        return false;
    set_memory(&like, (char *)(uintptr_t)p + sizeof *c);
    return c->made_pc && c->slots == like.slots && c->edges == like.edges && c->count <= c->cap &&
           c->closed <= 1 && !c->on_free;
}

static size_t block_size(const struct chan *c)
{
    size_t bytes = 0;
    chan_size(c->elem_size, c->cap, &bytes);
    return sizeof *c + bytes;
}

void *go_chan_new(size_t elem_size, size_t cap)
{
    size_t bytes;
    if (!chan_size(elem_size, cap, &bytes))
        rt_panic("makechan: size out of range");
    struct chan *c = malloc(sizeof *c + bytes);
    if (!c)
        rt_fatal("out of memory: channel of %zu elements of %zu bytes", cap, elem_size);
    chan_init(c, elem_size, cap, c + 1);
    c->made_pc = (uintptr_t)__builtin_return_address(0);
    hook_made(hook_self(), c, sizeof *c + bytes, c->made_pc);
    return c;
}

void go_chan_free(void *chan)
{
    struct chan *c = chan;
    if (!c)
        return;
    if (c->on_free) {
        c->on_free(c);
        return;
    }
    rt_assert(!c->waiting[CHAN_RECV].first && !c->waiting[CHAN_SEND].first);
    if (hook_freed(hook_self(), c, NULL, hook_caller()))
        hook_gone(c, block_size(c));
}

/* ---- queues ---- */

void chan_enqueue(struct chan_wait *w)
{
    struct chan_queue *q = &w->chan->waiting[w->side];
    w->next = NULL;
    w->prev = q->last;
    w->queued = true;
    if (q->last)
        q->last->next = w;
    else
        at_store_rel(&q->first, w); /* [chan-queue] */
    q->last = w;
}

void chan_dequeue(struct chan_wait *w)
{
    struct chan_queue *q = &w->chan->waiting[w->side];
    rt_assert(w->queued);
    if (w->next)
        w->next->prev = w->prev;
    else
        q->last = w->prev;
    if (w->prev)
        w->prev->next = w->next;
    else
        at_store_rel(&q->first, w->next); /* [chan-queue] */
    w->queued = false;
}

/* A select was won through w: its other waiters at this channel go too. */
static void dequeue_same(struct chan_wait *w)
{
    for (struct chan_wait *s = w->same; s != w; s = s->same)
        if (s->queued)
            chan_dequeue(s);
}

/* Takes off the first waiter that is still to be had, or returns NULL.  A select that another
 * channel has won meanwhile only waits for this lock, to take its waiter away. */
static struct chan_wait *take(struct chan *c, enum chan_side side)
{
    struct chan_wait *w;
    while ((w = c->waiting[side].first) != NULL) {
        chan_dequeue(w);
        if (!w->select)
            return w;
        if (at_cas_acq_rel(&w->g->selected, 0u, 1u)) { /* [select] */
            dequeue_same(w);
            return w;
        }
    }
    return NULL;
}

/* The waiter is served: the goroutine to ready. */
static inline struct g *served(struct chan_wait *w, bool ok)
{
    w->ok = ok;
    w->g->wake_arg = w;
    return w->g;
}

/* ---- closed channels ---- */

#if GO_RACE
static void note_closer(struct chan *c, const struct g *self, uintptr_t pc)
{
    c->closer = (struct chan_closer){self->id, pc};
}

static void tell_closer(struct chan_wait *w)
{
    w->closer = w->chan->closer;
}

static _Noreturn void panic_closed(const char *text, const struct chan_closer *by)
{
    rt_panic_after(text, "closed", by->g, by->pc);
}

#define CLOSER(of) (&(of)->closer)
#else
static void note_closer(struct chan *c, const struct g *self, uintptr_t pc)
{
    (void)c, (void)self, (void)pc;
}

static void tell_closer(struct chan_wait *w)
{
    (void)w;
}

static _Noreturn void panic_closed(const char *text, const struct chan_closer *by)
{
    (void)by;
    rt_panic(text);
}

#define CLOSER(of) ((void)(of), NULL)
#endif

void chan_panic_send(const struct chan *c)
{
    panic_closed("send on closed channel", CLOSER(c));
}

void chan_panic_waiter(const struct chan_wait *w)
{
    panic_closed("send on closed channel", CLOSER(w));
}

/* ---- the detector's view of a value that passes ---- */

static inline void hook_sent(struct chan *c, struct g *g, size_t i)
{
    hook_pass(g, sent_edge(c, i), received_edge(c, i)); /* [hb-chan] */
}

static inline void hook_received(struct chan *c, struct g *g, size_t i)
{
    hook_pass(g, received_edge(c, i), sent_edge(c, i)); /* [hb-chan] */
}

/* ---- trying, under the lock ---- */

/* Hands elem to a receiver that waits: so the ring is empty. */
static struct g *hand_over(struct chan *c, struct g *self, struct chan_wait *w, const void *elem)
{
    if (w->elem)
        copy_elem(w->elem, elem, c->elem_size);
    if (c->cap == 0) {
        hook_meet(self, w->g, sent_edge(c, 0)); /* [hb-chan] */
    } else {
        hook_sent(c, self, c->recv_at);
        hook_received(c, w->g, c->recv_at);
        c->send_at = c->recv_at = next_slot(c, c->recv_at);
    }
    return served(w, true);
}

enum chan_try chan_put(struct chan *c, struct g *self, const void *elem, struct g **ret_wake)
{
    if (unlikely(c->closed))
        return CHAN_CLOSED;
    if (c->waiting[CHAN_RECV].first) {
        struct chan_wait *w = take(c, CHAN_RECV);
        if (w) {
            *ret_wake = hand_over(c, self, w, elem);
            return CHAN_DONE;
        }
    }
    if (c->count == c->cap)
        return CHAN_BLOCKS;
    copy_elem(slot(c, c->send_at), elem, c->elem_size);
    hook_sent(c, self, c->send_at);
    c->send_at = next_slot(c, c->send_at);
    set_count(c, c->count + 1);
    return CHAN_DONE;
}

/* Takes the oldest element; a sender that waits for room fills the slot at once. */
static struct g *get_queued(struct chan *c, struct g *self, void *elem)
{
    size_t i = c->recv_at;
    if (elem)
        copy_elem(elem, slot(c, i), c->elem_size);
    hook_received(c, self, i);
    c->recv_at = next_slot(c, i);
    struct chan_wait *w = c->waiting[CHAN_SEND].first ? take(c, CHAN_SEND) : NULL;
    if (!w) {
        set_count(c, c->count - 1);
        return NULL;
    }
    copy_elem(slot(c, i), w->elem, c->elem_size);
    hook_sent(c, w->g, i);
    c->send_at = c->recv_at;
    return served(w, true);
}

enum chan_try chan_get(struct chan *c, struct g *self, void *elem, struct g **ret_wake)
{
    if (c->count > 0) {
        struct g *wake = get_queued(c, self, elem);
        if (wake)
            *ret_wake = wake;
        return CHAN_DONE;
    }
    if (c->waiting[CHAN_SEND].first) {
        struct chan_wait *w = take(c, CHAN_SEND);
        if (w) {
            if (elem)
                copy_elem(elem, w->elem, c->elem_size);
            hook_meet(w->g, self, sent_edge(c, 0)); /* [hb-chan] */
            *ret_wake = served(w, true);
            return CHAN_DONE;
        }
    }
    if (!c->closed)
        return CHAN_BLOCKS;
    if (elem)
        hook_zero(elem, c->elem_size);
    hook_acquire(self, &c->closed); /* [hb-close] */
    return CHAN_CLOSED;
}

/* ---- sending and receiving ---- */

_Noreturn void chan_never(struct g *self, enum tr_reason why)
{
    for (;;)
        rt_park(self, NULL, NULL, why, NULL);
}

static inline void unlock_and_ready(struct chan *c, struct m *here, struct g *wake)
{
    bias_unlock(&c->lock, here);
    if (wake)
        rt_ready(wake, rt_self());
}

static bool unlock_commit(struct g *g, void *c)
{
    (void)g;
    bias_unlock(&((struct chan *)c)->lock, rt_m());
    return true;
}

/* Waits in a queue of c, whose lock it drops.  False: c was closed meanwhile, which is a sender's
 * panic.  c may be gone. */
static inline bool wait_for_peer(struct chan *c, enum chan_side side, void *elem)
{
    struct g *self = rt_self();
    struct chan_wait w = {.g = self, .chan = c, .elem = elem, .side = side};
    w.same = &w;
    chan_enqueue(&w);
    rt_park(self, unlock_commit, c, side == CHAN_SEND ? TR_CHAN_SEND : TR_CHAN_RECV, c);
    if (side == CHAN_SEND && !w.ok)
        chan_panic_waiter(&w);
    return w.ok;
}

/* Whose memory an element lies in: the detector is told of the program's. */
enum owner { USERS, OURS };

static inline __attribute__((always_inline)) void send_elem(struct chan *c, const void *elem,
                                                            enum owner owner, uintptr_t pc)
{
    rt_point();
    if (unlikely(!c))
        chan_never(rt_self(), TR_CHAN_SEND); /* with no channel to name */
    struct g *self = hook_self(), *wake = NULL;
    if (owner == USERS)
        hook_read(self, elem, c->elem_size, pc);
    hook_read(self, c, 1, pc);
    struct m *here = rt_m_here();
    bias_lock(&c->lock, here);
    enum chan_try done = chan_put(c, self, elem, &wake);
    if (likely(done == CHAN_DONE)) {
        unlock_and_ready(c, here, wake);
        return;
    }
    if (done == CHAN_BLOCKS) {
        wait_for_peer(c, CHAN_SEND, (void *)elem);
        return;
    }
    bias_unlock(&c->lock, here);
    chan_panic_send(c);
}

static inline __attribute__((always_inline)) bool recv_elem(struct chan *c, void *elem,
                                                            enum owner owner, uintptr_t pc)
{
    rt_point();
    if (unlikely(!c))
        chan_never(rt_self(), TR_CHAN_NIL);
    struct g *self = hook_self(), *wake = NULL;
    hook_uses_at(self, c, pc);
    size_t elem_size = c->elem_size;
    struct m *here = rt_m_here();
    bias_lock(&c->lock, here);
    enum chan_try done = chan_get(c, self, elem, &wake);
    bool ok = done == CHAN_DONE;
    if (done == CHAN_BLOCKS)
        ok = wait_for_peer(c, CHAN_RECV, elem);
    else
        unlock_and_ready(c, here, wake);
    if (owner == USERS)
        hook_write(self, elem, elem_size, pc);
    return ok;
}

void go_chan_send_from(void *chan, const void *elem)
{
    send_elem(chan, elem, USERS, hook_caller());
}

bool go_chan_recv_into(void *chan, void *elem)
{
    return recv_elem(chan, elem, USERS, hook_caller());
}

/* Sends if that needs no waiting. */
static inline enum chan_try try_send(struct chan *c, const void *elem, enum owner owner,
                                     uintptr_t pc)
{
    if (!c)
        return CHAN_BLOCKS;
    struct g *self = hook_self(), *wake = NULL;
    hook_read(self, c, 1, pc);
    if (!chan_may_put(c))
        return CHAN_BLOCKS;
    if (owner == USERS)
        hook_read(self, elem, c->elem_size, pc);
    struct m *here = rt_m_here();
    bias_lock(&c->lock, here);
    enum chan_try done = chan_put(c, self, elem, &wake);
    unlock_and_ready(c, here, wake);
    if (done == CHAN_CLOSED)
        chan_panic_send(c);
    return done;
}

static inline enum chan_try try_recv(struct chan *c, void *elem, uintptr_t pc)
{
    hook_uses_at(hook_self(), c, pc);
    if (!c || !chan_may_get(c))
        return CHAN_BLOCKS;
    struct g *self = hook_self(), *wake = NULL;
    size_t elem_size = c->elem_size;
    struct m *here = rt_m_here();
    bias_lock(&c->lock, here);
    enum chan_try done = chan_get(c, self, elem, &wake);
    unlock_and_ready(c, here, wake);
    if (done != CHAN_BLOCKS)
        hook_write(self, elem, elem_size, pc);
    return done;
}

bool go_chan_try_send_from(void *chan, const void *elem)
{
    rt_point();
    return try_send(chan, elem, USERS, hook_caller()) == CHAN_DONE;
}

bool go_chan_try_recv_into(void *chan, void *elem)
{
    rt_point();
    return try_recv(chan, elem, hook_caller()) == CHAN_DONE;
}

int go_select_send_(void *chan, const void *elem)
{
    rt_point();
    return try_send(chan, elem, USERS, hook_caller()) == CHAN_DONE ? 0 : GO_DEFAULT;
}

int go_select_recv_(void *chan, void *elem, bool *ok)
{
    rt_point();
    enum chan_try done = try_recv(chan, elem, hook_caller());
    if (done == CHAN_BLOCKS)
        return GO_DEFAULT;
    if (ok) {
        hook_write(hook_self(), ok, sizeof *ok, hook_caller());
        *ok = done == CHAN_DONE;
    }
    return 0;
}

void go_chan_send_word_(void *chan, uint64_t word)
{
    send_elem(chan, &word, OURS, hook_caller());
}

bool go_chan_try_send_word_(void *chan, uint64_t word)
{
    rt_point();
    return try_send(chan, &word, OURS, hook_caller()) == CHAN_DONE;
}

uint64_t go_chan_recv_word_(void *chan)
{
    uint64_t word = 0;
    recv_elem(chan, &word, OURS, hook_caller());
    return word;
}

size_t go_chan_len(void *chan)
{
    rt_point();
    struct chan *c = chan;
    hook_uses(c);
    return c ? at_load_rlx(&c->count) : 0; /* relaxed: a number of the past, it orders nothing */
}

size_t go_chan_cap(void *chan)
{
    struct chan *c = chan;
    hook_uses(c);
    return c ? c->cap : 0;
}

/* ---- closing ---- */

/* Takes off everybody on one side and puts them behind tail, linked by next. */
static struct chan_wait **take_all(struct chan *c, enum chan_side side, struct chan_wait **tail)
{
    struct chan_wait *w;
    while ((w = take(c, side)) != NULL) {
        if (side == CHAN_RECV && w->elem)
            hook_zero(w->elem, c->elem_size);
        hook_acquire(w->g, &c->closed); /* [hb-close] */
        tell_closer(w);
        served(w, false);
        *tail = w;
        tail = &w->next;
    }
    *tail = NULL;
    return tail;
}

bool chan_close(struct chan *c, struct g *self, uintptr_t pc, bool user)
{
    struct chan_wait *all, *next, **tail = &all;
    struct m *here = rt_m_here();
    bias_lock(&c->lock, here);
    if (c->closed) {
        bias_unlock(&c->lock, here);
        return false;
    }
    if (user)
        hook_write(self, c, 1, pc);
    note_closer(c, self, pc);
    hook_release(self, &c->closed); /* [hb-close] */
    at_store_rel(&c->closed, 1u);   /* [close] */
    tail = take_all(c, CHAN_RECV, tail);
    take_all(c, CHAN_SEND, tail);
    bias_unlock(&c->lock, here);
    for (struct chan_wait *w = all; w; w = next) {
        next = w->next; /* w is gone once its goroutine runs */
        rt_ready(w->g, self);
    }
    return true;
}

void go_chan_close(void *chan)
{
    rt_point();
    if (!chan)
        rt_panic("close of nil channel");
    hook_uses(chan);
    if (!chan_close(chan, rt_self(), hook_caller(), true))
        panic_closed("close of closed channel", CLOSER((const struct chan *)chan));
}

/* ---- timers ---- */

const char *chan_edges(const struct chan *c)
{
    return c->edges;
}

void chan_post(struct chan *c, const void *elem, char *edges)
{
    struct g *wake = NULL;
    struct m *here = rt_m_here();
    bias_lock(&c->lock, here);
    struct chan_wait *w = c->closed ? NULL : take(c, CHAN_RECV);
    if (!c->closed && (w || c->count < c->cap))
        c->edges = edges;
    if (w) {
        if (w->elem)
            copy_elem(w->elem, elem, c->elem_size);
        hook_acquire(w->g, sent_edge(c, 0)); /* [hb-timer] */
        wake = served(w, true);
    } else if (!c->closed && c->count < c->cap) {
        copy_elem(slot(c, c->send_at), elem, c->elem_size);
        c->send_at = next_slot(c, c->send_at);
        set_count(c, c->count + 1);
    }
    bias_unlock(&c->lock, here);
    if (wake)
        rt_ready(wake, NULL);
}
