/* select.c - waiting for several channels at once.
 *
 * Three passes, of which most selects need only the first.
 *   1  Look at the cases in random order, without locks; lock a channel only when it looks ready,
 *   and
 *      try.  Whatever succeeds here would have been a right choice.
 *   2  Lock all channels, in the order of their addresses, and try again, in the same random order.
 *      Now "nothing is ready" is true at one moment: so the default is taken, or a waiter is queued
 *      for every case and the goroutine parks; the commit drops the locks.
 *   3  Woken by one case.  Take the waiters of the others off, locking one channel at a time.
 *
 * Two winners are impossible: whoever wants to serve a select's waiter must move g->selected from 0
 * to 1 first [select].  The winner's waker has taken all the select's waiters off that channel, so
 * pass 3 does not touch it: a select that sent the last value may find the channel freed.
 *
 * Pass 3 cannot end before the commit does, although the commit reads the frame of the select: the
 * commit unlocks the channels in their order, and pass 3 locks each one except the winner's.  If
 * the last one is the winner, it was unlocked before it could win, and that was the commit's last
 * access.
 *
 * A case never meets another case of the same select: nothing is queued while it tries.
 *
 * Fairness: the order is a random permutation from the scheduler's one source. */
#include <stdlib.h>
#include <goshawk/select.h>
#include "atomic.h"
#include "chan.h"
#include "check.h"
#include "hook.h"
#include "panic.h"

enum { FEW = 6 }; /* cases for which the frame has room */

struct select {
    go_case *cases;
    struct g *self;
    uintptr_t pc;
    int n, n_nil;            /* cases with a channel, and with none */
    int *poll;               /* their indices, in the order to look */
    int *locked;             /* the same, by address of the channel */
    struct chan_wait *waits; /* one for each of locked */
    bool has_default;
    void *mem; /* what malloc gave, or NULL */
};

/* ---- making cases ---- */

go_case go_recv_case_(void *c, void *elem, bool *ok)
{
    go_case r;
    r.chan_ = c;
    r.elem_ = elem;
    r.ok_ = ok;
    r.kind_ = GO_CASE_RECV_;
    return r;
}

go_case go_send_case_(void *c, const void *elem, size_t size)
{
    go_case r;
    r.chan_ = c;
    r.elem_ = NULL;
    r.ok_ = NULL;
    r.kind_ = GO_CASE_SEND_;
    hook_read(hook_self(), elem, size, hook_caller());
    if (size <= sizeof r.inline_)
        hook_copy(r.inline_, elem, size);
    else
        r.elem_ = (void *)elem;
    return r;
}

go_case go_default_case_(void)
{
    go_case r;
    r.chan_ = NULL;
    r.elem_ = NULL;
    r.ok_ = NULL;
    r.kind_ = GO_CASE_DEFAULT_;
    return r;
}

static inline struct chan *chan_of(const struct select *s, int i)
{
    return s->cases[i].chan_;
}

static inline void *elem_of(go_case *k)
{
    return k->kind_ == GO_CASE_SEND_ && !k->elem_ ? k->inline_ : k->elem_;
}

/* ---- one case ---- */

static bool looks_ready(const struct select *s, const go_case *k)
{
    if (k->kind_ == GO_CASE_RECV_) {
        hook_uses_at(s->self, k->chan_, s->pc);
        return chan_may_get(k->chan_);
    }
    hook_read(s->self, k->chan_, 1, s->pc); /* a send that is not ordered with a close is a race */
    return chan_may_put(k->chan_);
}

/* Tries case i; its channel is locked. */
static enum chan_try try_case(struct select *s, int i, struct g **ret_wake)
{
    go_case *k = &s->cases[i];
    if (k->kind_ == GO_CASE_RECV_)
        return chan_get(k->chan_, s->self, k->elem_, ret_wake);
    return chan_put(k->chan_, s->self, elem_of(k), ret_wake);
}

static _Noreturn void panic_send(struct select *s, const struct chan *c, const struct chan_wait *w)
{
    struct chan_wait woken = w ? *w : (struct chan_wait){0};
    free(s->mem); /* with w, if there are many */
    if (w)
        chan_panic_waiter(&woken);
    chan_panic_send(c);
}

/* Case i has run: tells the program; elem_size is that of its channel, which may be gone.  w: who
 * was woken for it, or NULL: then it is not gone when it is closed. */
static int finish(struct select *s, int i, bool ok, size_t elem_size, const struct chan_wait *w)
{
    go_case *k = &s->cases[i];
    bool closed_send = k->kind_ == GO_CASE_SEND_ && !ok;
    if (k->kind_ == GO_CASE_RECV_) {
        hook_write(s->self, k->elem_, elem_size, s->pc);
        if (k->ok_) {
            hook_write(s->self, k->ok_, sizeof *k->ok_, s->pc);
            *k->ok_ = ok;
        }
    }
    if (closed_send)
        panic_send(s, k->chan_, w);
    free(s->mem);
    return i;
}

/* ---- the lists ---- */

static void shuffle(int *a, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int j = (int)rt_choose((uint32_t)i + 1), t = a[i];
        a[i] = a[j];
        a[j] = t;
    }
}

static inline bool before(const struct select *s, int a, int b)
{
    return (uintptr_t)chan_of(s, a) < (uintptr_t)chan_of(s, b);
}

static void sift_down(struct select *s, int *a, int root, int n)
{
    for (int child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && before(s, a[child], a[child + 1]))
            child++;
        if (!before(s, a[root], a[child]))
            return;
        int t = a[root];
        a[root] = a[child];
        a[child] = t;
    }
}

/* Sorts s->locked by address: insertion for few, heap for many. */
static void sort(struct select *s)
{
    int *a = s->locked, n = s->n;
    if (n <= 16) {
        for (int i = 1; i < n; i++) {
            int x = a[i], j = i;
            for (; j > 0 && before(s, x, a[j - 1]); j--)
                a[j] = a[j - 1];
            a[j] = x;
        }
        return;
    }
    for (int i = n / 2 - 1; i >= 0; i--)
        sift_down(s, a, i, n);
    for (int i = n - 1; i > 0; i--) {
        int t = a[0];
        a[0] = a[i];
        a[i] = t;
        sift_down(s, a, 0, i);
    }
}

/* Whether locked[k] is the first, the last case of its channel. */
static inline bool first_of(const struct select *s, int k)
{
    return k == 0 || chan_of(s, s->locked[k - 1]) != chan_of(s, s->locked[k]);
}

static inline bool last_of(const struct select *s, int k)
{
    return k + 1 == s->n || chan_of(s, s->locked[k + 1]) != chan_of(s, s->locked[k]);
}

static void lock_all(struct select *s)
{
    struct m *here = rt_m();
    unsigned nth = 0;
    for (int k = 0; k < s->n; k++)
        if (first_of(s, k))
            bias_lock_nth(&chan_of(s, s->locked[k])->lock, here, nth++);
}

/* Once the last channel is unlocked the frame of the select may be gone. */
static void unlock_all(struct select *s)
{
    struct m *here = rt_m();
    unsigned nth = 0;
    for (int k = 0, n = s->n; k < n; k++)
        if (last_of(s, k))
            bias_unlock_nth(&chan_of(s, s->locked[k])->lock, here, nth++);
}

/* ---- passes ---- */

static int try_unlocked(struct select *s)
{
    for (int k = 0; k < s->n; k++) {
        int i = s->poll[k];
        if (!looks_ready(s, &s->cases[i]))
            continue;
        struct chan *c = chan_of(s, i);
        struct g *wake = NULL;
        size_t elem_size = c->elem_size;
        struct m *here = rt_m();
        bias_lock(&c->lock, here);
        enum chan_try done = try_case(s, i, &wake);
        bias_unlock(&c->lock, here);
        if (wake)
            rt_ready(wake, rt_self());
        if (done != CHAN_BLOCKS)
            return finish(s, i, done == CHAN_DONE, elem_size, NULL);
    }
    return -1;
}

/* All channels are locked; unlocks them when a case runs. */
static int try_locked(struct select *s)
{
    for (int k = 0; k < s->n; k++) {
        int i = s->poll[k];
        struct g *wake = NULL;
        size_t elem_size = chan_of(s, i)->elem_size;
        enum chan_try done = try_case(s, i, &wake);
        if (done == CHAN_BLOCKS)
            continue;
        unlock_all(s);
        if (wake)
            rt_ready(wake, rt_self());
        return finish(s, i, done == CHAN_DONE, elem_size, NULL);
    }
    return -1;
}

/* Queues a waiter for every case.  Those of one channel are linked to a ring. */
static void enqueue_all(struct select *s)
{
    int first = 0;
    for (int k = 0; k < s->n; k++) {
        go_case *c = &s->cases[s->locked[k]];
        struct chan_wait *w = &s->waits[k];
        if (first_of(s, k))
            first = k;
        w->same = last_of(s, k) ? &s->waits[first] : w + 1;
        w->g = s->self;
        w->chan = c->chan_;
        w->elem = elem_of(c);
        w->elem_size = w->chan->elem_size;
        w->index = s->locked[k];
        w->side = c->kind_ == GO_CASE_SEND_ ? CHAN_SEND : CHAN_RECV;
        w->select = true;
        w->ok = false;
        chan_enqueue(w);
    }
}

static void dequeue_others(struct select *s, const struct chan *winner)
{
    struct m *here = rt_m();
    for (int k = 0; k < s->n; k++) {
        struct chan *c = s->waits[k].chan;
        if (c == winner)
            continue;
        if (first_of(s, k))
            bias_lock(&c->lock, here);
        if (s->waits[k].queued)
            chan_dequeue(&s->waits[k]);
        if (last_of(s, k))
            bias_unlock(&c->lock, here);
    }
}

static bool commit(struct g *g, void *arg)
{
    (void)g;
    unlock_all(arg);
    return true;
}

/* All channels are locked and nothing is ready. */
static int park(struct select *s)
{
    struct g *self = s->self;
    at_store_rlx(&self->selected, 0u); /* relaxed: published by the channels' locks [select] */
    enqueue_all(s);
    self->select_waits = s->waits;
    self->select_count = (uint32_t)s->n;
    self->select_nil = (uint32_t)s->n_nil;
    rt_park(self, commit, s, TR_SELECT, s->waits[0].chan);
    struct chan_wait *w = self->wake_arg;
    dequeue_others(s, w->chan);
    return finish(s, w->index, w->ok, w->elem_size, w);
}

/* Lists the cases that have a channel, in random order and by address. */
static void list_cases(struct select *s, int n)
{
    for (int i = 0; i < n; i++) {
        if (s->cases[i].kind_ == GO_CASE_DEFAULT_)
            s->has_default = true;
        else if (s->cases[i].chan_)
            s->poll[s->n++] = i;
        else
            s->n_nil++;
    }
    shuffle(s->poll, s->n);
}

static int run(struct select *s)
{
    int won = try_unlocked(s);
    if (won >= 0)
        return won;
    if (s->has_default && s->n <= 1) { /* one case was looked at, at one moment */
        free(s->mem);
        return GO_DEFAULT;
    }
    if (s->n == 0)
        chan_never(rt_self(), TR_SELECT);
    s->self = rt_self();
    for (int k = 0; k < s->n; k++)
        s->locked[k] = s->poll[k];
    sort(s);
    lock_all(s);
    won = try_locked(s);
    if (won >= 0)
        return won;
    if (!s->has_default)
        return park(s);
    unlock_all(s);
    free(s->mem);
    return GO_DEFAULT;
}

/* More cases than the frame has room for. */
static int run_many(struct select *s, int n)
{
    size_t one = sizeof *s->waits + sizeof *s->poll + sizeof *s->locked;
    s->mem = malloc((size_t)n * one);
    if (!s->mem)
        rt_fatal("out of memory: select of %d cases", n);
    s->waits = s->mem;
    s->poll = (int *)(s->waits + n);
    s->locked = s->poll + n;
    list_cases(s, n);
    return run(s);
}

int go_select_n(go_case *cases, int n)
{
    rt_point();
    struct chan_wait waits[FEW];
    int poll[FEW], locked[FEW];
    struct select s = {.cases = cases, .self = hook_self(), .pc = hook_caller()};
    if (n <= 0)
        chan_never(rt_self(), TR_SELECT_EMPTY);
    if (n > FEW)
        return run_many(&s, n);
    if (n == 2 && cases[1].kind_ == GO_CASE_DEFAULT_ && cases[0].kind_ != GO_CASE_DEFAULT_ &&
        (!cases[0].chan_ || !looks_ready(&s, &cases[0]))) /* one case, looked at at one moment */
        return GO_DEFAULT;
    s.waits = waits;
    s.poll = poll;
    s.locked = locked;
    list_cases(&s, n);
    return run(&s);
}
