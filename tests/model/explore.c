/* explore.c - memory, threads and their operations; see explore.h.
 *
 * A thread is a coroutine: it runs on a stack at a fixed address until its next visible operation,
 * says what that is, and comes back to the search.  While it runs, memory holds what it would see:
 * its own buffered stores are laid over, and taken back when it stops.  So even plain loads see the
 * thread's own stores. */
#include "futex.h"
#include "state.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONG_NS = 1 << 30 };

struct world ex_world;
struct region ex_regions[REGIONS_MAX];
int ex_n_regions, ex_n_threads;
char *ex_stacks;
int ex_current = -1;
const struct ex_model *ex_explored;
struct ex_site *ex_sites;
char ex_failure[256];

static char scratch[8192] __attribute__((aligned(64)));
static struct switch_ctx home;

/* ---- memory ---- */

uint64_t ex_raw_load(const volatile void *p, size_t size)
{
    uint64_t v = 0;
    memcpy(&v, (const void *)p, size);
    return v;
}

void ex_raw_store(volatile void *p, size_t size, uint64_t v)
{
    memcpy((void *)p, &v, size);
}

static bool is_stack(const volatile void *p)
{
    return (char *)p >= ex_stacks && (char *)p < ex_stacks + THREADS_MAX * STACK_BYTES;
}

static void stop(enum op op, const volatile void *p, struct ex_site *site);

void ex_gone(void *p, size_t n)
{
    static struct ex_site site = {__FILE__, "ex_gone", "", __LINE__, 0, 0, 0};
    stop(OP_RMW, p, &site); /* one's own stores have been made, for whoever gets the memory next */
    ex_world.gone = (uintptr_t)p;
    ex_world.gone_end = (uintptr_t)p + n;
}

void ex_must_be_there(uintptr_t p)
{
    if (p >= ex_world.gone && p < ex_world.gone_end)
        ex_fail("memory that is gone is touched");
}

/* Whether an operation at p is seen by others. */
static bool is_visible(const volatile void *p)
{
    if (ex_current < 0)
        return false;
    ex_must_be_there((uintptr_t)p);
    if (is_stack(p))
        return true;
    bool visible = false;
    for (int i = 0; i < ex_n_regions; i++)
        if ((char *)p >= ex_regions[i].p && (char *)p < ex_regions[i].p + ex_regions[i].n) {
            if (ex_regions[i].quiet)
                return false;
            visible = true;
        }
    return visible;
}

/* Lays t's stores over memory. */
static void view_begin(struct thread *t)
{
    for (uint64_t i = 0; i < t->n_stores; i++) {
        struct store *s = &t->stores[i];
        s->covered = ex_raw_load((void *)s->addr, s->size);
        ex_raw_store((void *)s->addr, s->size, s->value);
    }
}

/* Takes them back.  What a plain store has put over one of them counts as that store's value. */
static void view_end(struct thread *t)
{
    for (uint64_t i = t->n_stores; i-- > 0;) {
        struct store *s = &t->stores[i];
        s->value = ex_raw_load((void *)s->addr, s->size);
        ex_raw_store((void *)s->addr, s->size, s->covered);
        s->covered = 0;
    }
}

void ex_forget_store(struct thread *t, uint64_t i)
{
    t->n_stores--;
    memmove(&t->stores[i], &t->stores[i + 1], (t->n_stores - i) * sizeof t->stores[0]);
    memset(&t->stores[t->n_stores], 0, sizeof t->stores[0]);
}

uint64_t ex_stores_max(void)
{
    return (uint64_t)(ex_explored->stores_max ? ex_explored->stores_max : STORES_MAX);
}

/* Whether store i of t may reach memory before those in front of it. */
bool ex_may_leave(const struct thread *t, uint64_t i)
{
    if (i == 0)
        return true;
    if (ex_explored->memory != EX_PSO || t->stores[i].release)
        return false;
    for (uint64_t k = 0; k < i; k++)
        if (t->stores[k].addr == t->stores[i].addr)
            return false;
    return true;
}

/* ---- threads ---- */

char *ex_stack_top(int t)
{
    return ex_stacks + (size_t)(t + 1) * STACK_BYTES;
}

static void jump(void *ctx)
{
    switch_jump(ctx);
}

/* The running thread stops before op. */
static void stop(enum op op, const volatile void *p, struct ex_site *site)
{
    struct thread *t = &ex_world.threads[ex_current];
    t->op = op;
    t->addr = (uintptr_t)p;
    t->site = site;
    switch_call(&t->ctx, scratch + sizeof scratch, jump, &home);
}

void ex_resume(int t)
{
    ex_current = t;
    if (ex_explored->enter)
        ex_explored->enter(t);
    view_begin(&ex_world.threads[t]);
    switch_call(&home, scratch + sizeof scratch, jump, &ex_world.threads[t].ctx);
    view_end(&ex_world.threads[t]);
    ex_current = -1;
}

/* The assembly names two more functions, which nobody calls here. */
void rt_go_call(void);
void rt_defer_call(void);

void rt_go_call(void)
{
    abort();
}

void rt_defer_call(void)
{
    abort();
}

/* A thread's function has returned. */
_Noreturn void rt_goroutine_end(void);
_Noreturn void rt_goroutine_end(void)
{
    stop(OP_DONE, NULL, NULL);
    abort();
}

int ex_thread(void (*fn)(void *), void *arg)
{
    struct call_regs *regs = (struct call_regs *)(void *)ex_stack_top(ex_n_threads) - 1;
    if (ex_n_threads == THREADS_MAX)
        abort();
    memset(regs, 0, sizeof *regs);
    regs->gpr[0] = (uintptr_t)arg;
    regs->fn = (uintptr_t)fn;
    switch_init(&ex_world.threads[ex_n_threads].ctx, regs);
    switch_fp(&ex_world.threads[ex_n_threads].ctx.modes);
    return ex_n_threads++;
}

static void add_region(void *p, size_t n, bool quiet)
{
    if (ex_n_regions == REGIONS_MAX)
        abort();
    ex_regions[ex_n_regions++] = (struct region){p, n, quiet};
}

void ex_region(void *p, size_t n)
{
    add_region(p, n, false);
}

void ex_quiet(void *p, size_t n)
{
    add_region(p, n, true);
}

int ex_self(void)
{
    return ex_current;
}

int64_t ex_now(void)
{
    if (ex_explored->any_time)
        return ex_choose(2) ? 1 + LONG_NS : 1;
    return ex_world.now;
}

_Noreturn void ex_report_failure(void)
{
    fprintf(stderr, "%s\n", ex_failure);
    if (ex_shows_path)
        ex_show_path();
    _exit(1);
}

void ex_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(ex_failure, sizeof ex_failure, fmt, ap);
    va_end(ap);
    if (ex_current >= 0)
        switch_jump(&home);
    ex_report_failure();
}

/* ---- operations ---- */

void ex_note_site(struct ex_site *s)
{
    if (s->known)
        return;
    s->known = true;
    s->next = ex_sites;
    ex_sites = s;
}

uint64_t ex_load(const volatile void *p, size_t size, struct ex_site *site)
{
    if (is_visible(p)) {
        stop(OP_LOAD, p, site);
        ex_must_be_there((uintptr_t)p);
    }
    return ex_raw_load(p, size);
}

/* In a bounded model: whether the running thread's next store does not wait. */
static bool goes_at_once(void)
{
    if (!ex_explored->preempt_max || ex_world.threads[ex_current].n_stores)
        return false;
    if (ex_world.delayed == (uint64_t)ex_explored->delay_max || ex_choose(2) == 0)
        return true;
    ex_world.delayed++;
    return false;
}

void ex_store(volatile void *p, size_t size, uint64_t v, bool release, struct ex_site *site)
{
    if (!is_visible(p)) {
        ex_raw_store(p, size, v);
        return;
    }
    ex_note_site(site);
    if (ex_explored->memory == EX_SC || goes_at_once()) {
        stop(OP_STORE, p, site);
        ex_raw_store(p, size, v);
        return;
    }
    struct thread *t = &ex_world.threads[ex_current];
    if (ex_explored->barriers)
        stop(OP_LOAD, p, site);
    if (t->n_stores == ex_stores_max())
        stop(OP_ROOM, p, site);
    t->stores[t->n_stores++] = (struct store){.addr = (uintptr_t)p,
                                              .covered = ex_raw_load(p, size),
                                              .size = (uint32_t)size,
                                              .release = release && !site->mutated};
    ex_raw_store(p, size, v);
}

static uint64_t change(enum ex_rmw what, uint64_t old, uint64_t v)
{
    switch (what) {
    case EX_ADD:
        return old + v;
    case EX_SUB:
        return old - v;
    case EX_OR:
        return old | v;
    case EX_AND:
        return old & v;
    default:
        return v;
    }
}

uint64_t ex_rmw(volatile void *p, size_t size, enum ex_rmw what, uint64_t v, struct ex_site *site)
{
    if (is_visible(p)) {
        ex_note_site(site);
        if (site->mutated) {
            uint64_t old = ex_load(p, size, site);
            stop(OP_RMW, p, site);
            ex_raw_store(p, size, change(what, old, v));
            return old;
        }
        stop(OP_RMW, p, site);
        ex_must_be_there((uintptr_t)p);
    }
    uint64_t old = ex_raw_load(p, size);
    ex_raw_store(p, size, change(what, old, v));
    return old;
}

bool ex_cas(volatile void *p, size_t size, uint64_t from, uint64_t to, struct ex_site *site)
{
    uint64_t mask = size == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * size) - 1;
    if (is_visible(p)) {
        ex_note_site(site);
        if (site->mutated && ex_load(p, size, site) == (from & mask)) {
            stop(OP_RMW, p, site);
            ex_raw_store(p, size, to);
            return true;
        }
        stop(OP_RMW, p, site);
        ex_must_be_there((uintptr_t)p);
    }
    if (ex_raw_load(p, size) != (from & mask))
        return false;
    ex_raw_store(p, size, to);
    return true;
}

void ex_fence(struct ex_site *site)
{
    if (ex_current < 0)
        return;
    ex_note_site(site);
    if (!site->mutated && ex_world.threads[ex_current].n_stores)
        stop(OP_RMW, NULL, site);
}

void ex_pause(void)
{
    stop(OP_LOAD, NULL, NULL);
}

uint32_t ex_choose(uint32_t n)
{
    struct thread *t = &ex_world.threads[ex_current];
    if (n > CHOICES_MAX)
        abort();
    t->choices = n;
    stop(OP_CHOOSE, NULL, NULL);
    uint32_t choice = (uint32_t)t->choice;
    t->choices = t->choice = 0;
    return choice;
}

void ex_wait(bool (*ready)(void *), void *arg)
{
    struct thread *t = &ex_world.threads[ex_current];
    t->ready = ready;
    t->arg = arg;
    stop(OP_WAIT, NULL, NULL);
    t->ready = NULL;
    t->arg = NULL;
}

void ex_fence_all(struct ex_site *site)
{
    if (ex_current < 0)
        return;
    ex_note_site(site);
    if (site->mutated)
        return;
    stop(OP_RMW, NULL, site); /* the caller's own fence comes first */
    struct thread *me = &ex_world.threads[ex_current];
    me->drains = 0;
    for (int t = 0; t < ex_n_threads; t++)
        if (ex_world.threads[t].n_stores)
            me->drains |= (uint64_t)1 << t;
    stop(OP_BARRIER, NULL, site);
}

/* ---- futex.h ---- */

bool rt_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    struct thread *t = &ex_world.threads[ex_current];
    stop(OP_RMW, word, NULL); /* the kernel looks at memory, not at the buffer */
    if (*word != expected)
        return true;
    t->limit = timeout_ns < 0 ? -1 : ex_explored->any_time ? 0 : ex_world.now + timeout_ns;
    t->woken = 0;
    stop(OP_ASLEEP, word, NULL);
    bool woken = t->woken;
    t->woken = 0;
    t->limit = 0;
    return woken;
}

void rt_futex_wake(uint32_t *word, int n)
{
    stop(OP_RMW, word, NULL);
    for (int t = 0; t < ex_n_threads && n > 0; t++) {
        struct thread *w = &ex_world.threads[t];
        if (w->op == OP_ASLEEP && w->addr == (uintptr_t)word && !w->woken) {
            w->woken = 1;
            n--;
        }
    }
}

void rt_lock_slow(struct rt_lock *l)
{
    static struct ex_site site = {__FILE__, "rt_lock_slow", "xchg_acq", __LINE__, 0, 0, 0};
    do
        stop(OP_LOCK, &l->word, &site); /* is chosen only when the lock is free */
    while (l->word);
    l->word = 1;
}

_Noreturn void rt_check_failed(const char *expr, const char *file, int line)
{
    (void)expr; /* macros all the way down */
    ex_fail("internal error at %s:%d", file, line);
}
