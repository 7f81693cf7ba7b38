/* timers.c - heaps of pending timers.
 *
 * One 4-ary heap for each P, ordered by (when, order of arming).  A timer knows its heap and its
 * place in it, so that stopping is O(log n).  Timers fire under the heap's lock: when
 * rt_timer_stop() has had the lock, the timer's function neither runs nor will.
 *
 * When a P goes away its timers move to another heap; who stops a timer therefore looks at t->home
 * again once it has that home's lock [home].  A timer that was stopped has no home any more: it
 * cannot be firing, so who stops it once more, to free it, needs no lock. */
#include "timers.h"
#include "atomic.h"
#include "check.h"
#include "futex.h"
#include "panic.h"
#include "proc.h"
#include "timerheap.h"
#include <stdlib.h>

void timer_heap_init(struct timer_heap *h)
{
    *h = (struct timer_heap){.next_when = INT64_MAX};
}

static bool earlier(const struct timer_node *a, const struct timer_node *b)
{
    return a->when < b->when || (a->when == b->when && a->seq < b->seq);
}

static void place(struct timer_heap *h, uint32_t i, struct timer_node n)
{
    h->nodes[i] = n;
    n.t->slot = i + 1;
}

static void sift_up(struct timer_heap *h, uint32_t i, struct timer_node n)
{
    while (i > 0) {
        uint32_t parent = (i - 1) / 4;
        if (!earlier(&n, &h->nodes[parent]))
            break;
        place(h, i, h->nodes[parent]);
        i = parent;
    }
    place(h, i, n);
}

static void sift_down(struct timer_heap *h, uint32_t i, struct timer_node n)
{
    for (;;) {
        uint32_t first = 4 * i + 1, best = first;
        if (first >= h->count)
            break;
        for (uint32_t c = first + 1; c < first + 4 && c < h->count; c++)
            if (earlier(&h->nodes[c], &h->nodes[best]))
                best = c;
        if (!earlier(&h->nodes[best], &n))
            break;
        place(h, i, h->nodes[best]);
        i = best;
    }
    place(h, i, n);
}

/* Under h->lock. */
static void note_next(struct timer_heap *h)
{
    int64_t when = h->count ? h->nodes[0].when : INT64_MAX;
    at_store_rlx(&h->next_when, when); /* relaxed: see timer_heap_next() */
}

/* Under h->lock. */
static void insert(struct timer_heap *h, struct rt_timer *t)
{
    if (h->count == h->cap) {
        uint32_t cap = h->cap ? 2 * h->cap : 64;
        struct timer_node *nodes = realloc(h->nodes, cap * sizeof *nodes);
        if (!nodes)
            rt_fatal("out of memory");
        h->nodes = nodes;
        h->cap = cap;
    }
    at_store_rlx(&t->home, h); /* relaxed: who stops t is ordered after its start by the caller */
    sift_up(h, h->count++, (struct timer_node){t->when, h->seq++, t});
    note_next(h);
}

/* Under h->lock. */
static void delete_at(struct timer_heap *h, uint32_t i)
{
    h->nodes[i].t->slot = 0;
    struct timer_node last = h->nodes[--h->count];
    if (i < h->count) {
        if (i > 0 && earlier(&last, &h->nodes[(i - 1) / 4]))
            sift_up(h, i, last);
        else
            sift_down(h, i, last);
    }
    note_next(h);
}

void rt_timer_start(struct rt_timer *t, int64_t when, int64_t period)
{
    struct m *m = rt_m();
    struct timer_heap *h = sched_timer_heap(m);
    t->when = when;
    t->period = period;
    rt_lock(&h->lock);
    rt_assert(t->slot == 0);
    insert(h, t);
    rt_unlock(&h->lock);
    sched_timer_added(when);
}

bool rt_timer_stop(struct rt_timer *t)
{
    for (;;) {
        struct timer_heap *h =
            at_load_rlx(&t->home); /* relaxed: looked at again under lock [home] */
        if (!h)
            return false;
        rt_lock(&h->lock);
        if (at_load_rlx(&t->home) == h) { /* relaxed: under lock */
            bool armed = t->slot != 0;
            if (armed) {
                delete_at(h, t->slot - 1);
                at_store_rlx(&t->home, (struct timer_heap *)NULL); /* relaxed: under lock */
            }
            rt_unlock(&h->lock);
            return armed;
        }
        rt_unlock(&h->lock);
    }
}

/* Under h->lock: fires the first timer, which is due. */
static void fire_first(struct timer_heap *h, int64_t now)
{
    struct rt_timer *t = h->nodes[0].t;
    if (t->period > 0) {
        int64_t late = (now - t->when) / t->period;
        if (__builtin_add_overflow(t->when, (late + 1) * t->period, &t->when))
            t->when = INT64_MAX;
        sift_down(h, 0, (struct timer_node){t->when, h->seq++, t});
        note_next(h);
    } else {
        delete_at(h, 0);
    }
    t->fn(t, now); /* t may be gone afterwards */
}

bool timer_heap_run(struct timer_heap *h, int64_t now)
{
    if (timer_heap_next(h) > now)
        return false;
    rt_lock(&h->lock);
    bool any = false;
    while (h->count > 0 && h->nodes[0].when <= now) {
        fire_first(h, now);
        any = true;
    }
    rt_unlock(&h->lock);
    return any;
}

void timer_heap_move(struct timer_heap *to, struct timer_heap *from)
{
    if (to == from || timer_heap_next(from) == INT64_MAX)
        return;
    rt_lock(&to->lock); /* always heap 0 first, so the order of the two locks is fixed */
    rt_lock(&from->lock);
    while (from->count > 0) {
        struct rt_timer *t = from->nodes[0].t;
        delete_at(from, 0);
        insert(to, t);
    }
    rt_unlock(&from->lock);
    rt_unlock(&to->lock);
}
