/* fd.c - see fd.h.
 *
 * One slot for each descriptor number, in a table that only grows.  For each direction it counts
 * the edges that the poller reported, and has a list of those who wait:
 *
 *     seen = edges;  try, in vain;  lock;  edges == seen?  wait : try again
 *
 * so an edge is never lost and never stale, and any number of calls may try at once: a count
 * instead of Go's one "ready" bit, which the next call has to clear.  An edge wakes the first who
 * waits in its direction.  There may be more to have than that one takes, and no further edge, so
 * when its call has ended it wakes the next (fd_end): a crowd that waits for connections is not
 * woken as a whole for each.
 *
 * Numbers used again.  Events carry the sequence number of the registration, so what the kernel
 * still has to say of an earlier file is told apart.  Programs may also close(2) by themselves, and
 * get the number again, without our knowing.  Therefore who is about to wait asks the kernel to
 * register: "exists" (120 ns) is the proof that the file is still the one we know; success means
 * that it is a new one, and whoever waits for the old one is sent away.
 *
 * Closing.  fd_close() sends those away who wait, and then waits until all calls have left: none of
 * them may touch the number when it is given out again.  Calls that come meanwhile wait for the
 * end of the close.
 *
 * Plain threads do not park, for there may be no M to poll for them: they sleep in poll(2), with an
 * eventfd that fd_close() writes to.
 *
 * Lock order: a timer heap's lock, then a slot's.  Goroutines are readied after it is dropped.
 * [edge]   the edge's count -> who looks at it before it tries.
 * [slots]  a new part of the table -> who uses it. */
#include "fd.h"
#include "check.h"
#include "futex.h"
#include "list.h"
#include "poller.h"
#include "timers.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/poll.h>
#include <unistd.h>

enum { SLOTS_EACH = 256, PARTS_MAX = 1 << 16 };

/* Lists of a slot: those who wait for an edge of a direction, and all others. */
enum { LIST_OTHERS = FD_DIRECTIONS, LISTS };

struct fd_slot {
    struct rt_lock lock;
    uint32_t seq;                  /* of the registration; under lock, as all the rest */
    uint32_t calls;                /* in progress */
    uint32_t hints[FD_DIRECTIONS]; /* relaxed */
    uint32_t edges[FD_DIRECTIONS]; /* written under lock, looked at without [edge] */
    bool closing;                  /* fd_close() is at work */
    struct g *closer;              /* who waits for calls to become 0, parked, or NULL */
    struct list lists[LISTS];
};

/* Who waits; in the frame of its call.  By the slot's lock. */
struct waiter {
    struct list on[LISTS]; /* a node for each list of the slot */
    struct fd_slot *slot;
    struct g *g; /* parked; NULL: a thread in poll(2) */
    int wake;    /* the thread's eventfd */
    int result;  /* why it does not wait any more */
    bool over;
};

static struct fd_slot *parts[PARTS_MAX];

/* ---- the table ---- */

static struct fd_slot *make_part(uint32_t part)
{
    struct fd_slot *slots = calloc(SLOTS_EACH, sizeof *slots);
    if (!slots)
        return NULL;
    for (int i = 0; i < SLOTS_EACH; i++)
        for (int k = 0; k < LISTS; k++)
            list_init(&slots[i].lists[k]);
    if (at_cas_acq_rel(&parts[part], NULL, slots)) /* [slots] */
        return slots;
    free(slots);
    return at_load_acq(&parts[part]); /* [slots] */
}

static struct fd_slot *slot_of(int fd)
{
    struct fd_slot *slots = at_load_acq(&parts[fd / SLOTS_EACH]); /* [slots] */
    if (unlikely(!slots))
        slots = make_part((uint32_t)fd / SLOTS_EACH);
    return slots ? &slots[fd % SLOTS_EACH] : NULL;
}

/* ---- waiters: all under the slot's lock ---- */

static struct waiter *waiter_on(struct list *n, int list)
{
    return container_of(n - list, struct waiter, on[0]);
}

static void enlist(struct waiter *w, uint32_t dirs)
{
    for (int k = 0; k < LISTS; k++)
        if (k < FD_DIRECTIONS ? dirs >> k & 1 : !dirs)
            list_push_back(&w->slot->lists[k], &w->on[k]);
}

/* w does not wait any more; returns the goroutine to ready once the lock is dropped, or NULL. */
static struct g *dismiss(struct waiter *w, int result)
{
    for (int k = 0; k < LISTS; k++)
        if (list_linked(&w->on[k]))
            list_remove(&w->on[k]);
    w->over = true;
    w->result = result;
    if (!w->g) {
        uint64_t one = 1;
        rt_check(write(w->wake, &one, sizeof one) == sizeof one);
    }
    return w->g;
}

static struct g *dismiss_first(struct fd_slot *s, int list, int result)
{
    struct list *first = s->lists[list].next;
    return first == &s->lists[list] ? NULL : dismiss(waiter_on(first, list), result);
}

/* Drops the lock, having sent everybody on the lists of the mask away. */
static void dismiss_all_unlock(struct fd_slot *s, uint32_t lists, int result, struct g *by)
{
    struct list *gone = NULL; /* linked by the next of on[0] alone; threads may be gone already */
    for (int k = 0; k < LISTS; k++)
        while ((lists >> k & 1) && !list_empty(&s->lists[k])) {
            struct waiter *w = waiter_on(s->lists[k].next, k);
            if (dismiss(w, result)) {
                w->on[0].next = gone;
                gone = &w->on[0];
            }
        }
    rt_unlock(&s->lock);
    for (struct list *next; gone; gone = next) {
        next = gone->next; /* the waiter is gone once its goroutine runs */
        rt_ready(waiter_on(gone, 0)->g, by);
    }
}

bool fd_edge(int fd, uint32_t seq, uint32_t dirs)
{
    struct g *ready[FD_DIRECTIONS] = {NULL};
    struct fd_slot *s = slot_of(fd);
    rt_lock(&s->lock);
    for (int k = 0; k < FD_DIRECTIONS && s->seq == seq; k++)
        if (dirs >> k & 1) {
            at_store_rel(&s->edges[k], s->edges[k] + 1); /* [edge] */
            ready[k] = dismiss_first(s, k, 0);
        }
    rt_unlock(&s->lock);
    for (int k = 0; k < FD_DIRECTIONS; k++)
        if (ready[k])
            rt_ready(ready[k], NULL);
    return ready[0] || ready[1];
}

/* ---- calls ---- */

/* Waits until the close in progress is over.  Takes s->lock over, and has it again afterwards. */
static void await_close(struct fd_slot *s, struct g *self, int fd)
{
    while (s->closing) {
        struct waiter w = {.slot = s, .g = self};
        enlist(&w, 0);
        rt_park_unlock(self, &s->lock, TR_NET, (void *)(intptr_t)fd);
        rt_lock(&s->lock);
    }
}

int fd_begin(struct fd_call *c, struct g *self, int fd, uint32_t dirs)
{
    if (fd < 0 || fd / SLOTS_EACH >= PARTS_MAX)
        return -EBADF;
    struct fd_slot *s = slot_of(fd);
    if (!s)
        return -ENOMEM;
    *c = (struct fd_call){.self = self, .slot = s, .fd = fd, .dirs = dirs};
    rt_lock(&s->lock);
    await_close(s, self, fd);
    s->calls++;
    rt_unlock(&s->lock);
    return 0;
}

void fd_look(struct fd_call *c)
{
    for (int k = 0; k < FD_DIRECTIONS; k++)
        c->seen[k] = at_load_acq(&c->slot->edges[k]); /* [edge] */
}

void fd_end(struct fd_call *c, ssize_t result)
{
    struct fd_slot *s = c->slot;
    struct g *next[FD_DIRECTIONS + 1] = {NULL};
    rt_lock(&s->lock);
    for (int k = 0; c->woken && k < FD_DIRECTIONS; k++)
        if (c->dirs >> k & 1)
            next[k] = dismiss_first(s, k, 0);
    if (--s->calls == 0) {
        next[FD_DIRECTIONS] = s->closer;
        s->closer = NULL;
    }
    rt_unlock(&s->lock);
    for (int k = 0; k <= FD_DIRECTIONS; k++)
        if (next[k])
            rt_ready(next[k], c->self);
    if (result == -EBADF)
        hook_acquire(c->self, &s->closing); /* [hb-fd] */
}

uint32_t fd_hint(const struct fd_call *c)
{
    return at_load_rlx(&c->slot->hints[c->dirs == FD_WRITE]); /* relaxed: a hint */
}

void fd_set_hint(struct fd_call *c, uint32_t hint)
{
    at_store_rlx(&c->slot->hints[c->dirs == FD_WRITE], hint); /* relaxed: a hint */
}

/* ---- waiting ---- */

/* Something has happened since fd_look().  Under the lock. */
static bool has_edge(const struct fd_call *c)
{
    for (int k = 0; k < FD_DIRECTIONS; k++)
        if ((c->dirs >> k & 1) && c->slot->edges[k] != c->seen[k])
            return true;
    return false;
}

/* Under the lock: makes sure that the file is registered.  *ret_strangers: some wait for another
 * file, which had the number before. */
static int enrol(struct fd_call *c, bool *ret_strangers)
{
    struct fd_slot *s = c->slot;
    *ret_strangers = false;
    if (s->closing)
        return -ECANCELED;
    int err = poller_add(c->fd, s->seq + 1);
    if (err)
        return err == -EEXIST ? 0 : err;
    s->seq++;
    *ret_strangers = !list_empty(&s->lists[0]) || !list_empty(&s->lists[1]);
    return 0;
}

static void time_is_up(struct rt_timer *t, int64_t now)
{
    struct waiter *w = t->arg;
    (void)now;
    struct rt_lock *lock = &w->slot->lock;
    struct g *g = w->g;
    rt_lock(lock);
    bool parked = !w->over && (list_linked(&w->on[0]) || list_linked(&w->on[1]));
    if (!w->over)
        dismiss(w, -ETIMEDOUT);
    rt_unlock(lock);
    if (parked)
        rt_ready(g, NULL);
}

/* Parks until w is dismissed.  A timer that fires before that finds w on no list. */
static int park(struct fd_call *c, struct waiter *w)
{
    struct fd_slot *s = c->slot;
    bool strangers;
    rt_lock(&s->lock);
    int err = enrol(c, &strangers);
    if (strangers) { /* they would never hear of their file again */
        dismiss_all_unlock(s, FD_READ | FD_WRITE, -ECANCELED, c->self);
        return 0; /* try once more */
    }
    if (err || has_edge(c) || w->over) {
        err = err || has_edge(c) ? err : w->result;
        rt_unlock(&s->lock);
        return err;
    }
    enlist(w, c->dirs);
    poller_count(1);
    rt_park_unlock(c->self, &s->lock, TR_NET, (void *)(intptr_t)c->fd);
    poller_count(-1);
    c->woken |= w->result == 0;
    return w->result;
}

static int wait_parked(struct fd_call *c, int64_t deadline)
{
    struct waiter w = {.slot = c->slot, .g = c->self};
    struct rt_timer t = {.fn = time_is_up, .arg = &w};
    int err = poller_start(true);
    if (err)
        return err;
    if (deadline)
        rt_timer_start(&t, deadline, 0);
    err = park(c, &w);
    if (deadline)
        rt_timer_stop(&t);
    return err;
}

/* A thread's wait for c->fd, or for w->wake to be written to. */
static int poll_both(const struct fd_call *c, const struct waiter *w, int64_t deadline)
{
    struct pollfd p[2] = {{.fd = c->fd}, {.fd = w->wake, .events = POLLIN}};
    p[0].events = (short)((c->dirs & FD_READ ? POLLIN : 0) | (c->dirs & FD_WRITE ? POLLOUT : 0));
    int64_t left = deadline ? deadline - rt_nanos() : 0;
    left = left < 0 ? 0 : left;
    struct timespec ts = {left / 1000000000, left % 1000000000};
    int n = ppoll(p, 2, deadline ? &ts : NULL, NULL);
    return n > 0 || (n < 0 && errno == EINTR) ? 0 : n < 0 ? -errno : -ETIMEDOUT;
}

static int wait_in_poll(struct fd_call *c, int64_t deadline)
{
    struct fd_slot *s = c->slot;
    struct waiter w = {.slot = s, .wake = eventfd(0, EFD_CLOEXEC)};
    if (w.wake < 0)
        return -errno;
    rt_lock(&s->lock);
    int err = s->closing ? -ECANCELED : 0;
    if (!err)
        enlist(&w, 0);
    rt_unlock(&s->lock);
    if (!err)
        err = poll_both(c, &w, deadline);
    rt_lock(&s->lock);
    if (w.over)
        err = w.result;
    else if (list_linked(&w.on[LIST_OTHERS]))
        list_remove(&w.on[LIST_OTHERS]);
    rt_unlock(&s->lock);
    close(w.wake);
    return err;
}

int fd_wait(struct fd_call *c, int64_t deadline)
{
    if (deadline && deadline <= rt_nanos())
        return -ETIMEDOUT;
    int err = c->self->flags & G_THREAD ? wait_in_poll(c, deadline) : wait_parked(c, deadline);
    if (err == -ECANCELED)
        hook_acquire(c->self, &c->slot->closing); /* [hb-fd] */
    return err;
}

/* ---- closing ---- */

int fd_close(struct g *self, int fd)
{
    struct fd_slot *s = fd < 0 || fd / SLOTS_EACH >= PARTS_MAX ? NULL : slot_of(fd);
    if (!s)
        return -EBADF;
    rt_lock(&s->lock);
    if (s->closing) {
        rt_unlock(&s->lock);
        hook_acquire(self, &s->closing); /* [hb-fd] */
        return -EBADF;
    }
    s->closing = true;
    hook_release_merge(self, &s->closing); /* [hb-fd] another may have closed it before */
    dismiss_all_unlock(s, FD_READ | FD_WRITE | 1u << LIST_OTHERS, -ECANCELED, self);
    rt_lock(&s->lock);
    if (s->calls > 0) {
        s->closer = self;
        rt_park_unlock(self, &s->lock, TR_NET, (void *)(intptr_t)fd);
        rt_lock(&s->lock);
    }
    if (s->seq > 0)
        poller_remove(fd);
    s->seq++;
    for (int k = 0; k < FD_DIRECTIONS; k++)
        at_store_rlx(&s->hints[k], 0u); /* relaxed: a hint */
    rt_unlock(&s->lock);
    hook_fd_closes(self, fd);
    int err = close(fd) == 0 || errno == EINTR ? 0 : -errno; /* Linux has closed it, interrupted */
    if (err == -EBADF)
        hook_acquire(self, &s->closing); /* [hb-fd] */
    rt_lock(&s->lock);
    s->closing = false;
    dismiss_all_unlock(s, 1u << LIST_OTHERS, 0, self);
    return err;
}
