/* context.c - deadlines, cancellation and values that pass down a tree of calls.
 *
 * Contexts form trees: each child of the background is the root of one, and all contexts of a tree
 * share one lock.  Cancelling walks down with a work list, not by recursion, since a tree may be
 * deeper than a goroutine's stack.
 *
 *     live        err == 0; on its parent's list of children, unless the parent is the background
 *     cancelled   err != 0; on no list, without children; for good
 *
 * A parent that is cancelled leaves no live child, and a child made later is born cancelled.
 *
 * References: the maker's, one for each child, one for the timer while it is armed or its goroutine
 * on the way.  A live context has its maker's reference, because go_ctx_free() cancels first; so
 * whoever walks the tree under its lock walks over living memory.  The tree lives as long as a
 * context of it.
 *
 * A deadline's timer only starts a goroutine: cancelling stops other timers, which a timer must
 * not.
 *
 * Lock order: the tree's lock, then a heap of timers, then a channel.
 *
 * Edges: [ctx] err is stored with release, the cancel before go_ctx_err() that tells of it.
 * [ctx-ref] whoever drops the last reference sees all that the others did. */
#include <errno.h>
#include <stdlib.h>
#include <goshawk/context.h>
#include "atomic.h"
#include "chan.h"
#include "check.h"
#include "hook.h"
#include "list.h"
#include "mutex.h"
#include "panic.h"
#include "spawn.h"
#include "context.h"
#include "timers.h"
#include "vmem.h"

struct tree {
    go_mutex lock;
    uint32_t refs; /* contexts of the tree */
};

struct go_ctx {
    uint32_t refs;
    int err;           /* 0, -ECANCELED, -ETIMEDOUT [ctx]; written under tree->lock */
    struct tree *tree; /* r/o, like parent, key, value, deadline; NULL: the background */
    go_ctx *parent;
    const void *key; /* NULL: none */
    void *value;
    int64_t deadline;     /* the earliest of its own and its ancestors'; INT64_MAX: none */
    struct list children; /* by tree->lock, like sibling and timer */
    struct list sibling;  /* on the parent's children, or on a work list */
    struct rt_timer timer;
    struct origin origin; /* of the timer's goroutine; r/o */
    struct chan done;
    _Alignas(16) char done_mem[CHAN_ONE_WORD];
};

static go_ctx background = {.deadline = INT64_MAX};

/* ---- references ---- */

static go_ctx *ref(go_ctx *c)
{
    if (c != &background)
        at_add_rlx(&c->refs, 1u); /* relaxed: the caller has a reference */
    return c;
}

static bool drop(uint32_t *refs)
{
    return at_sub_acq_rel(refs, 1u) == 1; /* [ctx-ref] */
}

static void unref(go_ctx *c)
{
    while (c != &background && drop(&c->refs)) {
        go_ctx *parent = c->parent;
        if (drop(&c->tree->refs))
            hook_gone(c->tree, sizeof *c->tree);
        hook_gone(c, sizeof *c);
        c = parent;
    }
}

/* ---- cancelling ---- */

/* The tree is locked; c is on no list. */
static void cancel_one(go_ctx *c, int err, struct g *self)
{
    hook_release(self, &c->err); /* [hb-ctx] */
    at_store_rel(&c->err, err);  /* [ctx] */
    chan_close(&c->done, self, 0, false);
    if (rt_timer_stop(&c->timer))
        at_sub_rlx(&c->refs, 1u); /* relaxed: the timer's reference; the maker's is still there */
}

/* The tree is locked. */
static void cancel_tree(go_ctx *c, int err)
{
    struct g *self = rt_self();
    struct list work, *n;
    list_init(&work);
    if (list_linked(&c->sibling))
        list_remove(&c->sibling);
    list_push_back(&work, &c->sibling);
    while ((n = list_pop_front(&work)) != NULL) {
        go_ctx *one = container_of(n, go_ctx, sibling);
        struct list *child;
        while ((child = list_pop_front(&one->children)) != NULL)
            list_push_back(&work, child);
        cancel_one(one, err, self);
    }
}

static void cancel(go_ctx *c, int err)
{
    rt_point();
    if (c == &background)
        return;
    mutex_lock_raw(&c->tree->lock, TR_MUTEX);
    if (c->err == 0)
        cancel_tree(c, err);
    mutex_unlock_raw(&c->tree->lock, TR_MUTEX);
}

/* ---- deadlines ---- */

/* The goroutine of a timer that has fired; has the timer's reference. */
static void expire(void *arg)
{
    go_ctx *c = arg;
    hook_acquire(hook_self(), &c->timer); /* [hb-timer] */
    cancel(c, -ETIMEDOUT);
    unref(c);
}

static void fire(struct rt_timer *t, int64_t now)
{
    (void)now;
    go_ctx *c = t->arg;
    rt_spawn_for(&c->origin, expire, c);
}

/* The tree is locked; c is live. */
static void arm(go_ctx *c)
{
    ref(c);
    c->timer.fn = fire;
    c->timer.arg = c;
    hook_release(hook_self(), &c->timer); /* [hb-timer] */
    rt_timer_start(&c->timer, c->deadline, 0);
}

/* ---- making ---- */

/* A lone context under parent, made by a call that returns to pc; its tree is the parent's or,
 * under the background, a new one. */
static go_ctx *make(go_ctx *parent, uintptr_t pc)
{
    if (!parent)
        rt_panic("cannot create context from nil parent");
    go_ctx *c = calloc(1, sizeof *c);
    struct tree *tree = parent->tree ? parent->tree : calloc(1, sizeof *tree);
    if (!c || !tree)
        rt_fatal("out of memory: context");
    if (!parent->tree)
        hook_made(hook_self(), tree, sizeof *tree, 0);
    at_add_rlx(&tree->refs, 1u); /* relaxed: it is new, or the parent has a reference */
    c->refs = 1;
    c->tree = tree;
    c->parent = ref(parent);
    c->deadline = parent->deadline;
    list_init(&c->children);
    chan_init(&c->done, sizeof(char), 0, c->done_mem);
    c->done.made_pc = pc;
    hook_made(hook_self(), c, sizeof *c, pc);
    return c;
}

/* go_chan_free() of a context's channel: it is part of the context. */
static void keep(struct chan *done)
{
    (void)done;
}

bool context_has(const struct chan *c)
{
    return c->on_free == keep;
}

bool context_has_deadline(const struct chan *p)
{
    struct go_ctx c;
    return !vm_read(&c, container_of(p, const struct go_ctx, done), sizeof c) ||
           c.deadline != INT64_MAX;
}

/* Puts c into its tree: from now on it ends with its parent, or by its timer if it has one. */
static go_ctx *join(go_ctx *c, bool with_timer)
{
    rt_point();
    go_ctx *parent = c->parent;
    c->done.on_free = keep;
    mutex_lock_raw(&c->tree->lock, TR_MUTEX);
    if (parent->err) {
        hook_acquire(hook_self(), &parent->err); /* [hb-ctx] */
        cancel_one(c, parent->err, rt_self());
    } else if (with_timer && c->deadline <= rt_nanos()) {
        cancel_one(c, -ETIMEDOUT, rt_self());
    } else {
        if (parent != &background)
            list_push_back(&parent->children, &c->sibling);
        if (with_timer)
            arm(c);
    }
    mutex_unlock_raw(&c->tree->lock, TR_MUTEX);
    return c;
}

go_ctx *go_ctx_background(void)
{
    return &background;
}

go_ctx *go_ctx_with_cancel(go_ctx *parent)
{
    hook_read(hook_self(), parent, 1, hook_caller());
    return join(make(parent, (uintptr_t)__builtin_return_address(0)), false);
}

static go_ctx *with_deadline(go_ctx *parent, go_time t, uintptr_t pc)
{
    hook_read(hook_self(), parent, 1, pc);
    go_ctx *c = make(parent, pc);
    bool earlier = t < c->deadline;
    c->origin = (struct origin){.by = rt_self()->id, .pc = pc};
    if (earlier)
        c->deadline = t;
    return join(c, earlier);
}

go_ctx *go_ctx_with_deadline(go_ctx *parent, go_time t)
{
    return with_deadline(parent, t, (uintptr_t)__builtin_return_address(0));
}

go_ctx *go_ctx_with_timeout(go_ctx *parent, go_duration d)
{
    return with_deadline(parent, rt_deadline(d), (uintptr_t)__builtin_return_address(0));
}

go_ctx *go_ctx_with_value(go_ctx *parent, const void *key, void *value)
{
    if (!key)
        rt_panic("nil key");
    hook_read(hook_self(), parent, 1, hook_caller());
    go_ctx *c = make(parent, (uintptr_t)__builtin_return_address(0));
    c->key = key;
    c->value = value;
    return join(c, false);
}

/* ---- using ---- */

go_chan(char) go_ctx_done(go_ctx *c)
{
    hook_read(hook_self(), c, 1, hook_caller());
    return c == &background ? NULL : (go_chan(char))(void *)&c->done;
}

int go_ctx_err(go_ctx *c)
{
    rt_point();
    hook_read(hook_self(), c, 1, hook_caller());
    int err = at_load_acq(&c->err); /* [ctx] */
    if (err)
        hook_acquire(hook_self(), &c->err); /* [hb-ctx] */
    return err;
}

void *go_ctx_value(go_ctx *c, const void *key)
{
    hook_read(hook_self(), c, 1, hook_caller());
    for (; c; c = c->parent)
        if (c->key && c->key == key)
            return c->value;
    return NULL;
}

void go_ctx_cancel(go_ctx *c)
{
    hook_read(hook_self(), c, 1, hook_caller());
    cancel(c, -ECANCELED);
}

void go_ctx_free(go_ctx *c)
{
    if (!c || c == &background || !hook_freed(hook_self(), c, &c->done, hook_caller()))
        return;
    cancel(c, -ECANCELED);
    unref(c);
}
