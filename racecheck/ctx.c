/* ctx.c - contexts, and what a thread runs.  See ctx.h.
 *
 * What reports need to know of a context is its life (slot.c), which stays: an access may be found
 * to race long after its flow has ended.
 *
 * Lock order: list_lock is taken last and covers nothing else. */
#include "ctx.h"
#include "collect.h"
#include "fds.h"
#include "memo.h"
#include "owner.h"
#include "pool.h"
#include "quarantine.h"
#include "shadow.h"
#include "slot.h"
#include "sync.h"
#include "times.h"
#include <pthread.h>
#include <sched.h>
#include <string.h>

struct rc_ctx rc_nobody = {
    .clock.now.epoch = (uint64_t)SLOT_NOBODY << W_SLOT_SHIFT,
    .ignored = {1, 1},
};
struct rc_ctx rc_inside = {
    .clock.now.epoch = (uint64_t)SLOT_NOBODY << W_SLOT_SHIFT,
    .ignored = {1, 1},
};
__thread uint64_t rc_postponed __attribute__((tls_model("initial-exec")));
__thread struct rc_thread rc_self __attribute__((tls_model("initial-exec"))) = {.acc = &rc_nobody};

/* The context that belongs to the thread itself, for what it creates while it runs none. */
static __thread struct rc_ctx *home __attribute__((tls_model("initial-exec")));

static struct pool ctxs = POOL(sizeof(struct rc_ctx), "contexts");

static struct rt_lock list_lock;
static struct rc_ctx *all; /* contexts that have not ended; guarded by list_lock */

static struct rc_host the_host;
static uint32_t ready; /* [ready] */

static bool is_ready(void)
{
    return at_load_acq(&ready) != 0; /* [ready] */
}

const struct rc_host *rc_the_host(void)
{
    return &the_host;
}

void rc_enter_slow(struct rc_thread was)
{
    if (was.acc == &rc_inside || owner_is_inside()) /* who shuts the gate waits for it */
        return;
    rc_self_leaves(was);
    gate_heed();
    rc_self_enters();
    if (at_load_rlx(&gate_mine) && !gate_passes()) /* relaxed: as in rc_enter() */
        rc_enter_slow(was);
}

void rc_tick_slow(struct rc_ctx *c)
{
    flow_move(&c->clock, slot_take(c->life, NULL));
    c->first = c->clock.now.epoch;
    c->moved = true;
}

/* ---- stopping ---- */

uint32_t ctx_stopped;

void ctx_busy_slow(struct rc_ctx *c)
{
    while (at_load_acq(&ctx_stopped)) { /* [stop] */
        ctx_idle(c);
        while (at_load_acq(&ctx_stopped)) /* [stop] */
            sched_yield();
        at_store_rlx(&c->busy, 1u); /* relaxed: the fence orders it */
        rt_fence_often();
    }
}

static struct rc_ctx *find_busy(void)
{
    for (struct rc_ctx *c = all; c; c = c->next)
        if (at_load_acq(&c->busy)) /* [idle] */
            return c;
    return NULL;
}

void ctx_stop(void)
{
    struct rc_ctx *c;
    at_store_rlx(&ctx_stopped, 1u); /* relaxed: the fence orders it */
    rt_fence_all();
    rt_lock(&list_lock);
    while ((c = find_busy()) != NULL) {
        rt_unlock(&list_lock);
        while (at_load_acq(&c->busy)) /* [idle] if it ends meanwhile, its block stays a context's */
            sched_yield();
        rt_lock(&list_lock);
    }
}

void ctx_resume(void)
{
    rt_unlock(&list_lock);
    at_store_rel(&ctx_stopped, 0u); /* [stop] */
}

void ctx_each_clock(void (*visit)(const struct snap *s, void *arg), void *arg)
{
    for (struct rc_ctx *c = all; c; c = c->next) {
        visit(&c->clock.now, arg);
        visit(&c->fence_rel, arg);
        visit(&c->fence_acq, arg);
    }
}

/* ---- making and ending ---- */

static void list_add(struct rc_ctx *c)
{
    rt_lock(&list_lock);
    c->next = all;
    if (all)
        all->prev = c;
    all = c;
    rt_unlock(&list_lock);
}

static void list_del(struct rc_ctx *c)
{
    rt_lock(&list_lock);
    *(c->prev ? &c->prev->next : &all) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    rt_unlock(&list_lock);
}

/* By libc: what the compiler makes of some 500 bytes takes 100 ns. */
static __attribute__((noinline)) void *zero(void *p, size_t n)
{
    return memset(p, 0, n);
}

static struct rc_ctx *make(struct rc_ctx *creator, enum rc_kind kind, uint64_t id, uintptr_t pc)
{
    struct rc_ctx *c = zero(pool_get(&ctxs), sizeof *c);
    c->life = life_make(kind, id);
    if (creator) {
        c->life->created_at = rc_site_here(creator, pc);
        c->life->parent = creator->life;
        c->life->place = ++creator->n_started;
        flow_begin(&c->clock, &creator->clock);
        journal_add_at(creator, RC_EVENT_START, rc_flow_name(kind, id), c->life->created_at);
        rc_tick(creator);
    }
    c->clock.now.epoch = c->first = slot_take(c->life, &c->clock.now);
    rc_frames_begin(c, CALLS_ROOT);
    list_add(c);
    return c;
}

static struct rc_ctx *make_by(struct rc_ctx *creator, enum rc_kind kind, uint64_t id, uintptr_t pc)
{
    ctx_busy(creator);
    struct rc_ctx *c = make(creator, kind, id, pc);
    ctx_idle(creator);
    return c;
}

/* On a thread without a context: the process's first one, which most likely waits for the others,
 * stands in for one at a time. */
static struct rc_ctx *make_by_nobody(enum rc_kind kind, uint64_t id, uintptr_t pc)
{
    static struct rt_lock one;
    if (home == NULL)
        return make(NULL, kind, id, pc);
    rt_lock(&one);
    struct rc_ctx *c = make_by(home, kind, id, pc);
    rt_unlock(&one);
    return c;
}

struct rc_ctx *rc_ctx_make(struct rc_ctx *creator, enum rc_kind kind, uint64_t id, uintptr_t pc,
                           void *stack_lo, size_t stack_size)
{
    if (!is_ready())
        return NULL;
    collect_if_due();
    if (creator == NULL)
        creator = rc_self.ctx;
    struct rc_thread was = rc_enter();
    struct rc_ctx *c = creator ? make_by(creator, kind, id, pc) : make_by_nobody(kind, id, pc);
    rc_leave(was);
    if (stack_size)
        rc_ctx_stack(c, stack_lo, stack_size);
    return c;
}

void rc_ctx_end(struct rc_ctx *c)
{
    if (c == NULL)
        return;
    if (rc_self.ctx == c)
        rc_switch(NULL);
    if (home == c)
        home = NULL;
    struct rc_thread was = rc_enter();
    at_store_rlx(&c->life->finished, true); /* relaxed: a word in a report */
    rc_locks_left(c);                       /* before nobody finds it among the living */
    list_del(c);
    journal_end(c);
    /* An epoch in which nothing was recorded was not released either: a release ends its epoch. */
    uint64_t now = c->clock.now.epoch;
    slot_give(c->life, now, now == c->recorded ? now : now - w_epoch(0, 1));
    snap_clear(&c->clock.now);
    snap_clear(&c->fence_rel);
    snap_clear(&c->fence_acq);
    rc_frames_end(c);
    pool_put(&ctxs, c);
    rc_leave(was);
}

/* Threads end; of goroutines, which may be on this thread's queues, the past becomes known. */
static void forked_without(struct rc_ctx *other, struct rc_ctx *c)
{
    if (other->life->kind == RC_THREAD && other != home) {
        rc_ctx_end(other);
        return;
    }
    ctx_busy(c);
    flow_acquire(&c->clock, &other->clock.now);
    rc_tick(other);
    ctx_idle(c);
}

void ctx_forked(struct rc_ctx *c)
{
    struct snap ended = {0};
    if (c == NULL)
        c = home;
    if (c == NULL)
        return;
    for (struct rc_ctx *other = all, *next; other; other = next) {
        next = other->next;
        if (other != c)
            forked_without(other, c);
    }
    slot_forked(&ended);
    ctx_busy(c);
    flow_acquire(&c->clock, &ended);
    ctx_idle(c);
    snap_clear(&ended);
}

void rc_ctx_name(struct rc_ctx *c, const char *name)
{
    if (c == NULL)
        return;
    strncpy(c->life->name, name ? name : "", sizeof c->life->name - 1);
}

void rc_ctx_runs(struct rc_ctx *c, const void *fn)
{
    if (c == NULL)
        return;
    c->life->runs = (uintptr_t)fn;
    c->frames->lib_fn = pc_pack((uintptr_t)fn + 1);
}

/* The stack of the process's first thread. */
static void know_first_stack(struct rc_ctx *c)
{
    pthread_attr_t a;
    void *lo;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &a) != 0)
        return;
    if (pthread_attr_getstack(&a, &lo, &size) == 0)
        rc_ctx_stack(c, lo, size);
    pthread_attr_destroy(&a);
}

void rc_init(const struct rc_host *host)
{
    if (host)
        the_host = *host;
    if (is_ready())
        return;
    rt_fence_init();
    gate_init();
    slot_init();
    calls_init();
    sync_init();
    fds_init();
    rc_report_init();
    home = make(NULL, RC_THREAD, 0, 0);
    know_first_stack(home);
    at_store_rel(&ready, 1u); /* [ready] */
    rc_switch(home);
}

/* ---- what a thread runs ---- */

struct rc_ctx *rc_current(void)
{
    return rc_self.ctx;
}

struct rc_ctx *rc_switch(struct rc_ctx *c)
{
    struct rc_ctx *was = rc_self.ctx;
    if (home == NULL && c && c->life->kind == RC_THREAD)
        home = c;
    rc_self_enters(); /* a handler between the two stores would be two flows at once */
    rc_leave((struct rc_thread){.acc = rc_acc_of(c), .ctx = c});
    return was;
}

static void note(struct rc_ctx *c, uint64_t epoch, uint64_t now)
{
    struct rc_thread was = rc_enter();
    times_note(c->life, epoch, now);
    rc_leave(was);
}

void rc_note_time(struct rc_ctx *c, uint64_t now)
{
    if (c)
        note(c, c->clock.now.epoch, now);
}

/* Before its first epoch and behind its last one are epochs that it never has. */
void rc_note_begin(struct rc_ctx *c, uint64_t now)
{
    if (c)
        note(c, c->clock.now.epoch - w_epoch(0, 1), now);
}

void rc_note_end(struct rc_ctx *c, uint64_t now)
{
    if (c)
        note(c, c->clock.now.epoch + w_epoch(0, 1), now);
}

void rc_disable(struct rc_ctx *c)
{
    if (c == NULL)
        return;
    c->disabled++;
    rc_self.acc = rc_acc_of(rc_self.ctx);
}

void rc_enable(struct rc_ctx *c)
{
    if (c == NULL || c->disabled == 0)
        return;
    c->disabled--;
    rc_self.acc = rc_acc_of(rc_self.ctx);
}

void rc_thread_fini(void)
{
    struct rc_thread was = rc_enter();
    calls_thread_fini();
    quarantine_thread_fini();
    memo_thread_fini();
    owner_thread_fini();
    rc_leave(was);
    gate_thread_fini();
}

/* ---- stacks ---- */

rc_site rc_here(const struct rc_ctx *c, uintptr_t pc)
{
    if (!is_ready())
        return 0;
    return c ? rc_site_here(c, pc) : (uint64_t)CALLS_ROOT << 32 | pc_pack(pc);
}

struct rc_arranged rc_arranges(struct rc_ctx *c, uintptr_t pc)
{
    struct rc_arranged a = {.stack = rc_here(c, pc)};
    if (c == NULL)
        return a;
    a.flow = (uint64_t)(uintptr_t)rc_flow_name(c->life->kind, c->life->id);
    a.place = ++c->n_started;
    return a;
}

size_t rc_stack_of(rc_site site, uintptr_t *ret_pcs, size_t max, bool *ret_folded)
{
    size_t n = 0;
    bool folded = false;
    if (site != 0) {
        uintptr_t pc = pc_unpack((uint32_t)site);
        uint32_t node = (uint32_t)((site & ~(SITE_PAST | SITE_FREE)) >> 32);
        if (pc != 0 && n++ < max)
            ret_pcs[0] = pc;
        while (node != CALLS_ROOT && node != CALLS_NONE) {
            bool frame = !calls_is_mark(calls_nodes[node].pc);
            if (frame && n < max)
                ret_pcs[n] = calls_pc(node);
            n += frame;
            uint32_t up =
                at_load_rlx(&calls_nodes[node].parent); /* relaxed: set once, but for a remark */
            folded |= (up & CALLS_FOLDED) != 0;
            node = up & ~CALLS_FOLDED;
        }
    }
    if (ret_folded)
        *ret_folded = folded;
    return n;
}

bool rc_site_has_pc(rc_site site)
{
    return site != 0 && pc_unpack((uint32_t)site) != 0;
}

const struct rc_life *rc_life_of(const struct rc_ctx *c)
{
    return c ? c->life : NULL;
}

struct rc_flow_id rc_flow_of(const struct rc_ctx *c)
{
    struct rc_flow_id id = {c->life->kind, c->life->id, c->life->created_at, ""};
    memcpy(id.name, c->life->name, sizeof id.name);
    return id;
}

rc_site rc_waits_at(const struct rc_ctx *c)
{
    return rc_site_here(c, c->waits_at);
}

uint64_t rc_place(const struct rc_ctx *c)
{
    uint64_t h = rc_waits_at(c) * UINT64_C(0x9e3779b97f4a7c15);
    return (h ^ h >> 29 ^ c->life->created_at) * UINT64_C(0xc2b2ae3d27d4eb4f);
}

uint32_t rc_moves(const struct rc_ctx *c)
{
    return c ? at_load_rlx(&c->journal.version) : 0; /* relaxed: a picture */
}

static bool on_stack_of(const struct rc_life *l, uintptr_t addr)
{
    return l && addr - l->stack_lo < l->stack_size;
}

struct search {
    uintptr_t addr;
    const struct rc_life *found;
};

static bool is_searched(struct rc_life *l, void *arg)
{
    struct search *s = arg;
    if (on_stack_of(l, s->addr))
        s->found = l;
    return s->found != NULL;
}

const struct rc_life *rc_life_by_stack(uintptr_t addr)
{
    const struct rc_life *found = NULL;
    rt_lock(&list_lock);
    for (struct rc_ctx *c = all; c && !found; c = c->next)
        if (on_stack_of(c->life, addr))
            found = c->life;
    rt_unlock(&list_lock);
    struct search s = {addr, found};
    if (!found)
        slot_each_life(is_searched, &s);
    return s.found;
}

void rc_each_ctx(bool (*visit)(const struct rc_ctx *c, void *arg), void *arg)
{
    rt_lock(&list_lock);
    for (struct rc_ctx *c = all; c && !visit(c, arg);)
        c = c->next;
    rt_unlock(&list_lock);
}

static bool is_other(const struct rc_ctx *c, void *arg)
{
    bool *found = arg;
    bool first = c->life->id == (c->life->kind == RC_GOROUTINE ? 1 : 0);
    return *found = c != rc_self.ctx && !first;
}

bool rc_others_alive(void)
{
    bool found = false;
    rc_each_ctx(is_other, &found);
    return found;
}

void rc_ctx_stack(struct rc_ctx *c, void *lo, size_t size)
{
    if (c == NULL)
        return;
    c->life->stack_lo = (uintptr_t)lo;
    c->life->stack_size = size;
    rc_mem_fresh(lo, size);
}

/* ---- memory ---- */

void rc_read(struct rc_ctx *c, const void *p, size_t n, uintptr_t pc)
{
    shadow_access(c, (uintptr_t)p, n, ACC_READ, pc);
}

void rc_write(struct rc_ctx *c, const void *p, size_t n, uintptr_t pc)
{
    shadow_access(c, (uintptr_t)p, n, ACC_WRITE, pc);
}

void rc_uses(struct rc_ctx *c, const void *obj, uintptr_t pc)
{
    if (!rc_is_silent(c) && unlikely(shadow_is_freed((uintptr_t)obj)))
        shadow_access(c, (uintptr_t)obj, 1, ACC_READ, pc);
}

void rc_mem_fresh(const void *p, size_t n)
{
    struct rc_thread was = rc_enter();
    shadow_reset((uintptr_t)p, n);
    sync_forget((uintptr_t)p, n);
    rc_leave(was);
}

void rc_forget(const void *p, size_t n)
{
    rc_mem_fresh(p, n);
}

void rc_mem_freed(struct rc_ctx *c, const void *p, size_t n, uintptr_t pc)
{
    shadow_access(c, (uintptr_t)p, n, ACC_WRITE | ACC_FREE, pc);
}

/* ---- verdict ---- */

unsigned rc_errors(void)
{
    return is_ready() ? rc_report_errors() : 0;
}

int rc_fini(int status)
{
    return is_ready() ? rc_report_fini(status) : status;
}
