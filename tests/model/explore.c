/* explore.c - see explore.h.
 *
 * Depth-first search over states that are copied and put back.  A thread is a coroutine: it runs on
 * a stack at a fixed address until its next visible operation, says what that is, and comes back
 * here.  A transition is then one of: thread t does its operation and what follows it up to the
 * next one; a store leaves a buffer; a wait with a limit ends.
 *
 * Seen states are remembered by 128 bits of hash (ten million of them collide with probability
 * 10^-25).  A state's copies form a stack, as the search does.
 *
 * While a thread runs, memory holds what it would see: its own buffered stores are laid over, and
 * taken back when it stops.  So even plain loads see the thread's own stores. */
#include "explore.h"
#include "futex.h"
#include "switch.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    THREADS_MAX = 6,
    REGIONS_MAX = 64,
    STACK_BYTES = 16384,
    STORES_MAX = 6,
    CHOICES_MAX = 64,
    LONG_NS = 1 << 30,
    PATH_MAX_ = 1 << 20,
    SHOWN_MAX = 200, /* steps of a counterexample */
};

enum op {
    OP_BEGIN,
    OP_LOAD,
    OP_STORE,
    OP_RMW,
    OP_ROOM,
    OP_LOCK,
    OP_CHOOSE,
    OP_WAIT,
    OP_ASLEEP,
    OP_BARRIER,
    OP_DONE
};

struct store {
    uintptr_t addr;
    uint64_t value, covered; /* covered: by the view of the thread that runs */
    uint32_t size, release;
};

struct thread {
    struct switch_ctx ctx;
    uint64_t op;    /* enum op: what it does next */
    uintptr_t addr; /* that it is about */
    struct ex_site *site;
    bool (*ready)(void *); /* OP_WAIT */
    void *arg;
    int64_t limit;            /* OP_ASLEEP: when it ends by itself; < 0: never */
    uint64_t woken;           /* OP_ASLEEP */
    uint64_t choices, choice; /* OP_CHOOSE */
    uint64_t drains;          /* OP_BARRIER: threads whose buffer has yet to be seen empty */
    uint64_t n_stores;
    struct store stores[STORES_MAX];
};

struct region {
    char *p;
    size_t n;
    bool quiet;
};

/* What belongs to a state besides regions and stacks. */
static struct {
    struct thread threads[THREADS_MAX];
    int64_t now;
    uint64_t last, preempted, delayed;
    uintptr_t gone, gone_end; /* memory that nobody may touch any more */
} world;

static struct region regions[REGIONS_MAX];
static int n_regions, n_threads;
static char *stacks; /* THREADS_MAX of them */
static char scratch[8192] __attribute__((aligned(64)));
static struct switch_ctx home;
static int current = -1;
static const struct ex_model *model;
static struct ex_site *sites;

static uint64_t n_states, n_transitions, n_ends;
static uint64_t states_limit = UINT64_MAX;
static bool limited, shows_path = true;
static char failure[256];

/* ---- the path to the present state ---- */

enum kind { RUN, FLUSH, EXPIRE };

struct step {
    uint8_t kind, thread, arg;
    uint8_t op;
    struct ex_site *site;
    uintptr_t addr;
};

static struct step path[PATH_MAX_];
static size_t path_len;

static void show_path(void)
{
    static const char *const names[] = {"begins",
                                        "loads",
                                        "stores",
                                        "changes",
                                        "waits for room",
                                        "waits for the lock",
                                        "chooses",
                                        "waits",
                                        "goes on",
                                        "fences all",
                                        "ends"};
    for (size_t i = path_len > SHOWN_MAX ? path_len - SHOWN_MAX : 0; i < path_len; i++) {
        const struct step *s = &path[i];
        fprintf(stderr, "  %4zu  T%d ", i, s->thread);
        if (s->kind == FLUSH)
            fprintf(stderr, "  -> store %d to %#" PRIxPTR " reaches memory\n", s->arg, s->addr);
        else if (s->kind == EXPIRE)
            fprintf(stderr, "  time is up\n");
        else if (s->site)
            fprintf(stderr, "%s %#" PRIxPTR " in %s:%d (%s)\n", names[s->op], s->addr,
                    s->site->function, s->site->line, s->site->op);
        else
            fprintf(stderr, "%s %d\n", names[s->op], s->arg);
    }
}

/* ---- memory ---- */

static uint64_t raw_load(const volatile void *p, size_t size)
{
    uint64_t v = 0;
    memcpy(&v, (const void *)p, size);
    return v;
}

static void raw_store(volatile void *p, size_t size, uint64_t v)
{
    memcpy((void *)p, &v, size);
}

static bool is_stack(const volatile void *p)
{
    return (char *)p >= stacks && (char *)p < stacks + THREADS_MAX * STACK_BYTES;
}

static void stop(enum op op, const volatile void *p, struct ex_site *site);

void ex_gone(void *p, size_t n)
{
    static struct ex_site site = {__FILE__, "ex_gone", "", __LINE__, 0, 0, 0};
    stop(OP_RMW, p, &site); /* one's own stores have been made, for whoever gets the memory next */
    world.gone = (uintptr_t)p;
    world.gone_end = (uintptr_t)p + n;
}

static void must_be_there(uintptr_t p)
{
    if (p >= world.gone && p < world.gone_end)
        ex_fail("memory that is gone is touched");
}

/* Whether an operation at p is seen by others. */
static bool is_visible(const volatile void *p)
{
    if (current < 0)
        return false;
    must_be_there((uintptr_t)p);
    if (is_stack(p))
        return true;
    bool visible = false;
    for (int i = 0; i < n_regions; i++)
        if ((char *)p >= regions[i].p && (char *)p < regions[i].p + regions[i].n) {
            if (regions[i].quiet)
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
        s->covered = raw_load((void *)s->addr, s->size);
        raw_store((void *)s->addr, s->size, s->value);
    }
}

/* Takes them back.  What a plain store has put over one of them counts as that store's value. */
static void view_end(struct thread *t)
{
    for (uint64_t i = t->n_stores; i-- > 0;) {
        struct store *s = &t->stores[i];
        s->value = raw_load((void *)s->addr, s->size);
        raw_store((void *)s->addr, s->size, s->covered);
        s->covered = 0;
    }
}

static void forget_store(struct thread *t, uint64_t i)
{
    t->n_stores--;
    memmove(&t->stores[i], &t->stores[i + 1], (t->n_stores - i) * sizeof t->stores[0]);
    memset(&t->stores[t->n_stores], 0, sizeof t->stores[0]);
}

/* Whether store i of t may reach memory before those in front of it. */
static bool may_leave(const struct thread *t, uint64_t i)
{
    if (i == 0)
        return true;
    if (model->memory != EX_PSO || t->stores[i].release)
        return false;
    for (uint64_t k = 0; k < i; k++)
        if (t->stores[k].addr == t->stores[i].addr)
            return false;
    return true;
}

/* ---- threads ---- */

static char *stack_top(int t)
{
    return stacks + (size_t)(t + 1) * STACK_BYTES;
}

static void jump(void *ctx)
{
    switch_jump(ctx);
}

/* The running thread stops before op. */
static void stop(enum op op, const volatile void *p, struct ex_site *site)
{
    struct thread *t = &world.threads[current];
    t->op = op;
    t->addr = (uintptr_t)p;
    t->site = site;
    switch_call(&t->ctx, scratch + sizeof scratch, jump, &home);
}

static void resume(int t)
{
    current = t;
    if (model->enter)
        model->enter(t);
    view_begin(&world.threads[t]);
    switch_call(&home, scratch + sizeof scratch, jump, &world.threads[t].ctx);
    view_end(&world.threads[t]);
    current = -1;
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
    struct call_regs *regs = (struct call_regs *)(void *)stack_top(n_threads) - 1;
    if (n_threads == THREADS_MAX)
        abort();
    memset(regs, 0, sizeof *regs);
    regs->gpr[0] = (uintptr_t)arg;
    regs->fn = (uintptr_t)fn;
    switch_init(&world.threads[n_threads].ctx, regs);
    switch_fp(&world.threads[n_threads].ctx.modes);
    return n_threads++;
}

static void add_region(void *p, size_t n, bool quiet)
{
    if (n_regions == REGIONS_MAX)
        abort();
    regions[n_regions++] = (struct region){p, n, quiet};
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
    return current;
}

int64_t ex_now(void)
{
    if (model->any_time)
        return ex_choose(2) ? 1 + LONG_NS : 1;
    return world.now;
}

static _Noreturn void report_failure(void)
{
    fprintf(stderr, "%s\n", failure);
    if (shows_path)
        show_path();
    _exit(1);
}

void ex_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(failure, sizeof failure, fmt, ap);
    va_end(ap);
    if (current >= 0)
        switch_jump(&home);
    report_failure();
}

/* ---- operations ---- */

static void note_site(struct ex_site *s)
{
    if (s->known)
        return;
    s->known = true;
    s->next = sites;
    sites = s;
}

uint64_t ex_load(const volatile void *p, size_t size, struct ex_site *site)
{
    if (is_visible(p)) {
        stop(OP_LOAD, p, site);
        must_be_there((uintptr_t)p);
    }
    return raw_load(p, size);
}

/* In a bounded model: whether the running thread's next store does not wait. */
static bool goes_at_once(void)
{
    if (!model->preempt_max || world.threads[current].n_stores)
        return false;
    if (world.delayed == (uint64_t)model->delay_max || ex_choose(2) == 0)
        return true;
    world.delayed++;
    return false;
}

void ex_store(volatile void *p, size_t size, uint64_t v, bool release, struct ex_site *site)
{
    if (!is_visible(p)) {
        raw_store(p, size, v);
        return;
    }
    note_site(site);
    if (model->memory == EX_SC || goes_at_once()) {
        stop(OP_STORE, p, site);
        raw_store(p, size, v);
        return;
    }
    struct thread *t = &world.threads[current];
    if (model->barriers)
        stop(OP_LOAD, p, site);
    if (t->n_stores == (uint64_t)(model->stores_max ? model->stores_max : STORES_MAX))
        stop(OP_ROOM, p, site);
    t->stores[t->n_stores++] = (struct store){.addr = (uintptr_t)p,
                                              .covered = raw_load(p, size),
                                              .size = (uint32_t)size,
                                              .release = release && !site->mutated};
    raw_store(p, size, v);
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
        note_site(site);
        if (site->mutated) {
            uint64_t old = ex_load(p, size, site);
            stop(OP_RMW, p, site);
            raw_store(p, size, change(what, old, v));
            return old;
        }
        stop(OP_RMW, p, site);
        must_be_there((uintptr_t)p);
    }
    uint64_t old = raw_load(p, size);
    raw_store(p, size, change(what, old, v));
    return old;
}

bool ex_cas(volatile void *p, size_t size, uint64_t from, uint64_t to, struct ex_site *site)
{
    uint64_t mask = size == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * size) - 1;
    if (is_visible(p)) {
        note_site(site);
        if (site->mutated && ex_load(p, size, site) == (from & mask)) {
            stop(OP_RMW, p, site);
            raw_store(p, size, to);
            return true;
        }
        stop(OP_RMW, p, site);
        must_be_there((uintptr_t)p);
    }
    if (raw_load(p, size) != (from & mask))
        return false;
    raw_store(p, size, to);
    return true;
}

void ex_fence(struct ex_site *site)
{
    if (current < 0)
        return;
    note_site(site);
    if (!site->mutated && world.threads[current].n_stores)
        stop(OP_RMW, NULL, site);
}

void ex_pause(void)
{
    stop(OP_LOAD, NULL, NULL);
}

uint32_t ex_choose(uint32_t n)
{
    struct thread *t = &world.threads[current];
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
    struct thread *t = &world.threads[current];
    t->ready = ready;
    t->arg = arg;
    stop(OP_WAIT, NULL, NULL);
    t->ready = NULL;
    t->arg = NULL;
}

void ex_fence_all(struct ex_site *site)
{
    if (current < 0)
        return;
    note_site(site);
    if (site->mutated)
        return;
    stop(OP_RMW, NULL, site); /* the caller's own fence comes first */
    struct thread *me = &world.threads[current];
    me->drains = 0;
    for (int t = 0; t < n_threads; t++)
        if (world.threads[t].n_stores)
            me->drains |= (uint64_t)1 << t;
    stop(OP_BARRIER, NULL, site);
}

/* ---- futex.h ---- */

bool rt_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    struct thread *t = &world.threads[current];
    stop(OP_RMW, word, NULL); /* the kernel looks at memory, not at the buffer */
    if (*word != expected)
        return true;
    t->limit = timeout_ns < 0 ? -1 : model->any_time ? 0 : world.now + timeout_ns;
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
    for (int t = 0; t < n_threads && n > 0; t++) {
        struct thread *w = &world.threads[t];
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

/* ---- transitions ---- */

static bool is_enabled(int i)
{
    const struct thread *t = &world.threads[i];
    switch (t->op) {
    case OP_RMW:
        return t->n_stores == 0;
    case OP_ROOM:
        return t->n_stores < (uint64_t)(model->stores_max ? model->stores_max : STORES_MAX);
    case OP_LOCK:
        return t->n_stores == 0 && raw_load((void *)t->addr, 4) == 0;
    case OP_WAIT:
        return t->ready(t->arg);
    case OP_ASLEEP:
        return t->woken;
    case OP_BARRIER:
        return t->n_stores == 0 && t->drains == 0;
    case OP_DONE:
        return false;
    default:
        return true;
    }
}

static int list_steps(struct step *to)
{
    int n = 0;
    bool bound = model->preempt_max && world.preempted + 1 >= (uint64_t)model->preempt_max &&
                 is_enabled((int)world.last);
    for (int t = 0; t < n_threads; t++) {
        const struct thread *th = &world.threads[t];
        if (is_enabled(t) && (!bound || world.last == (uint64_t)t)) {
            uint64_t choices = th->op == OP_CHOOSE ? th->choices : 1;
            for (uint64_t c = 0; c < choices; c++)
                to[n++] =
                    (struct step){RUN, (uint8_t)t, (uint8_t)c, (uint8_t)th->op, th->site, th->addr};
        }
        if (th->op == OP_ASLEEP && th->limit >= 0 && !th->woken)
            to[n++] = (struct step){EXPIRE, (uint8_t)t, 0, 0, NULL, 0};
        for (uint64_t i = 0; i < th->n_stores; i++)
            if (may_leave(th, i))
                to[n++] = (struct step){FLUSH, (uint8_t)t, (uint8_t)i, 0, NULL, th->stores[i].addr};
    }
    return n;
}

static void flush(int t, uint64_t i)
{
    struct thread *th = &world.threads[t];
    must_be_there(th->stores[i].addr);
    raw_store((void *)th->stores[i].addr, th->stores[i].size, th->stores[i].value);
    forget_store(th, i);
    for (int k = 0; th->n_stores == 0 && k < n_threads; k++)
        world.threads[k].drains &= ~((uint64_t)1 << t);
}

static void do_step(const struct step *s)
{
    struct thread *t = &world.threads[s->thread];
    if (path_len < PATH_MAX_)
        path[path_len++] = *s;
    n_transitions++;
    if (s->kind == FLUSH) {
        flush(s->thread, s->arg);
        return;
    }
    if (s->kind == EXPIRE) {
        if (world.now < t->limit && !model->any_time)
            world.now = t->limit;
        t->limit = 0;
    } else {
        if (model->preempt_max && world.last != s->thread && is_enabled((int)world.last))
            world.preempted++;
        t->choice = s->arg;
    }
    if (model->preempt_max)
        world.last = s->thread;
    resume(s->thread);
    if (failure[0])
        report_failure();
}

/* ---- states ---- */

static char *copies, *copies_end; /* of states, as a stack */
enum { COPIES_GIB = 64 };

static uintptr_t live_from(int t)
{
    return world.threads[t].op == OP_DONE ? (uintptr_t)stack_top(t) : world.threads[t].ctx.sp;
}

static char *put(char *at, const void *p, size_t n)
{
    memcpy(at, p, n);
    return at + n;
}

/* Copies the present state to at; returns its end, a multiple of 8 further. */
static char *save(char *at)
{
    char *p = put(at, &world, sizeof world);
    for (int i = 0; i < n_regions; i++)
        if (regions[i].n)
            p = put(p, regions[i].p, regions[i].n);
    for (int t = 0; t < n_threads; t++) {
        uintptr_t from = live_from(t) & ~(uintptr_t)7;
        p = put(p, (void *)from, (uintptr_t)stack_top(t) - from);
    }
    while ((p - at) % 8)
        *p++ = 0;
    return p;
}

static void restore(const char *p)
{
    memcpy(&world, p, sizeof world);
    p += sizeof world;
    for (int i = 0; i < n_regions; i++) {
        memcpy(regions[i].p, p, regions[i].n);
        p += regions[i].n;
    }
    for (int t = 0; t < n_threads; t++) {
        uintptr_t from = live_from(t) & ~(uintptr_t)7;
        memcpy((void *)from, p, (uintptr_t)stack_top(t) - from);
        p += (uintptr_t)stack_top(t) - from;
    }
}

struct hash {
    uint64_t a, b;
};

static struct hash hash_of(const char *p, const char *end)
{
    struct hash h = {0x243f6a8885a308d3, 0x13198a2e03707344};
    for (; p < end; p += 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        __uint128_t x = (__uint128_t)(w ^ h.a) * 0x9e3779b97f4a7c15;
        h.a = (uint64_t)x ^ (uint64_t)(x >> 64);
        h.b = (h.b ^ w) * 0xd6e8feb86659fd93;
        h.b ^= h.b >> 29;
        h.b += h.a << 7 | h.a >> 57;
    }
    h.a ^= h.a >> 31;
    h.b |= 1; /* never all zero */
    return h;
}

static struct hash *seen;
static uint64_t seen_cap;

static bool seen_insert(struct hash *in, uint64_t cap, struct hash h)
{
    for (uint64_t i = h.a & (cap - 1);; i = (i + 1) & (cap - 1)) {
        if (in[i].a == h.a && in[i].b == h.b)
            return false;
        if (in[i].b == 0) {
            in[i] = h;
            return true;
        }
    }
}

/* False when the state is not new. */
static bool see(struct hash h)
{
    if (2 * n_states >= seen_cap) {
        uint64_t cap = seen_cap ? 4 * seen_cap : 1 << 16;
        struct hash *more = calloc(cap, sizeof *more);
        if (!more)
            ex_fail("no memory for %" PRIu64 " states", cap);
        for (uint64_t i = 0; i < seen_cap; i++)
            if (seen[i].b)
                seen_insert(more, cap, seen[i]);
        free(seen);
        seen = more;
        seen_cap = cap;
    }
    return seen_insert(seen, seen_cap, h);
}

/* ---- the search ---- */

struct frame {
    char *copy;
    size_t path_len;
    int next, n;
    struct step steps[THREADS_MAX * (2 + STORES_MAX) + CHOICES_MAX];
};

static struct frame *frames;
static size_t n_frames;
enum { FRAMES_MAX = 1 << 20 };

static void judge_end(void)
{
    n_ends++;
    for (int t = 0; t < n_threads && !model->sleeps; t++)
        if (world.threads[t].op != OP_DONE)
            ex_fail("deadlock: T%d waits in %s", t,
                    world.threads[t].site ? world.threads[t].site->function : "a park");
    if (model->end)
        model->end();
}

/* The present state is new, or not; if there is something to do in it, it becomes a frame. */
static void arrive(void)
{
    char *end = save(copies_end);
    if (!see(hash_of(copies_end, end)))
        return;
    n_states++;
    if (n_states >= states_limit)
        limited = true;
    if (model->step)
        model->step();
    struct frame *f = &frames[n_frames];
    f->n = list_steps(f->steps);
    if (f->n == 0) {
        judge_end();
        return;
    }
    f->next = 0;
    f->path_len = path_len;
    f->copy = copies_end;
    copies_end = end;
    if (++n_frames == FRAMES_MAX || copies_end - copies > ((int64_t)COPIES_GIB << 30) - (1 << 20))
        ex_fail("too deep");
}

static void search(void)
{
    arrive();
    while (n_frames && !limited) {
        struct frame *f = &frames[n_frames - 1];
        if (f->next == f->n) {
            n_frames--;
            copies_end = f->copy;
            continue;
        }
        restore(f->copy);
        path_len = f->path_len;
        do_step(&f->steps[f->next++]);
        arrive();
    }
}

static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

static void on_fault(int sig)
{
    ex_fail("signal %d in T%d", sig, current);
}

/* Once a second: a thread that never comes to a visible operation. */
static void on_tick(int sig)
{
    static uint64_t last;
    (void)sig;
    if (last == n_transitions)
        ex_fail("T%d goes round for ever", current);
    last = n_transitions;
}

static void catch_faults(void)
{
    static char stack[65536];
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&ss, NULL);
    struct sigaction fault = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};
    struct sigaction tick = {.sa_handler = on_tick, .sa_flags = SA_ONSTACK | SA_RESTART};
    sigaction(SIGSEGV, &fault, NULL);
    sigaction(SIGBUS, &fault, NULL);
    sigaction(SIGFPE, &fault, NULL);
    sigaction(SIGALRM, &tick, NULL);
    struct itimerval second = {{1, 0}, {1, 0}};
    setitimer(ITIMER_REAL, &second, NULL);
}

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* In a process of its own: explores m; does not return if something does not hold. */
static void explore(const struct ex_model *m)
{
    model = m;
    stacks = reserve(THREADS_MAX * STACK_BYTES);
    frames = reserve(FRAMES_MAX * sizeof *frames);
    copies = copies_end = reserve((size_t)COPIES_GIB << 30);
    catch_faults();
    model->begin();
    search();
}

/* ---- mutants ---- */

/* What is weaker at s, or NULL. */
static const char *weaker(const struct ex_site *s)
{
    if (strstr(s->op, "fence") || strstr(s->op, "membarrier"))
        return "gone";
    if (!strcmp(s->op, "store_rel"))
        return "relaxed";
    return strncmp(s->op, "store", 5) ? "not atomic" : NULL;
}

static bool is_listed(const char *const *list, const struct ex_site *s)
{
    char name[128];
    snprintf(name, sizeof name, "%s %s", s->function, s->op);
    for (; list && *list; list++)
        if (!strcmp(*list, name))
            return true;
    return false;
}

enum { SITES_MAX = 256, MUTANT_STATES = 100000, MODELS_MAX = 32 };

/* What the process that explores tells its parent. */
static struct report {
    uint64_t states, transitions, ends;
    bool limited;
    struct ex_site *sites[SITES_MAX];
} report;

/* The models that hold, for the mutants. */
static struct {
    const struct ex_model *model;
    struct report report;
} ran[MODELS_MAX];
static size_t n_ran;

/* Explores m in a process of its own; what that writes to fd is in text afterwards. */
static bool explore_apart(const struct ex_model *m, struct ex_site *mutated, void (*tell)(int fd),
                          char *text, size_t size)
{
    int fd[2], status;
    size_t len = 0;
    if (pipe(fd))
        abort();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(fd[0]);
        if (mutated) {
            mutated->mutated = true;
            states_limit = 20 * report.states + MUTANT_STATES; /* one may have no end of them */
            dup2(fd[1], 2);
        }
        shows_path = !mutated;
        sites = NULL;
        explore(m);
        tell(fd[1]);
        _exit(0);
    }
    close(fd[1]);
    for (ssize_t n; len < size && (n = read(fd[0], text + len, size - len)) > 0;)
        len += (size_t)n;
    memset(text + len, 0, size - len);
    close(fd[0]);
    waitpid(pid, &status, 0);
    return status == 0;
}

static void tell_nothing(int fd)
{
    (void)fd;
}

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

/* The first of the models that finds the mutant s, or NULL; text is what it says. */
static const struct ex_model *finder(struct ex_site *s, char *text, size_t size)
{
    for (size_t i = 0; i < n_ran; i++) {
        bool visited = false;
        report = ran[i].report;
        for (int k = 0; k < SITES_MAX && report.sites[k]; k++)
            visited = visited || report.sites[k] == s;
        if (visited && !explore_apart(ran[i].model, s, tell_nothing, text, size - 1)) {
            text[size - 1] = 0;
            text[strcspn(text, "\n")] = 0;
            return ran[i].model;
        }
    }
    return NULL;
}

/* Weakens every operation that some model came by.  Counts the mutants that no model finds though
 * they should be, or the other way round. */
static int try_mutants(const char *const *survivors)
{
    int wrong = 0, n = 0;
    sites = NULL;
    for (size_t i = 0; i < n_ran; i++)
        for (int k = 0; k < SITES_MAX && ran[i].report.sites[k]; k++)
            note_site(ran[i].report.sites[k]);
    for (struct ex_site *s = sites; s; s = s->next) {
        char text[128];
        if (!weaker(s) || !strcmp(base_name(s->file), "world.h"))
            continue;
        const struct ex_model *by = finder(s, text, sizeof text);
        bool is_wrong = (by != NULL) == is_listed(survivors, s);
        printf("#   %s%s:%d %s %s %s: %s%s%s\n", is_wrong ? "WRONG " : "", base_name(s->file),
               s->line, s->function, s->op, weaker(s), by ? by->name : "not found", by ? ": " : "",
               by ? text : "");
        fflush(stdout);
        wrong += is_wrong;
        n++;
    }
    printf("#   %d mutants, %d not as expected\n", n, wrong);
    return wrong;
}

/* ---- the command ---- */

static void tell_report(int fd)
{
    int n = 0;
    report = (struct report){n_states, n_transitions, n_ends, limited, {0}};
    for (struct ex_site *s = sites; s && n < SITES_MAX; s = s->next)
        report.sites[n++] = s;
    if (write(fd, &report, sizeof report) != sizeof report)
        abort();
}

static bool run_model(const struct ex_model *m)
{
    static const char *const memory[] = {"SC", "TSO", "PSO"};
    double start = seconds();
    bool holds = explore_apart(m, NULL, tell_report, (char *)&report, sizeof report);
    printf("# %-24s %-4s%9" PRIu64 " states %10" PRIu64 " transitions %6" PRIu64
           " ends %7.2f s%s\n",
           m->name, memory[m->memory], report.states, report.transitions, report.ends,
           seconds() - start,
           report.limited   ? ", NOT ALL"
           : m->preempt_max ? ", bounded"
                            : "");
    if (!holds || report.limited)
        return false;
    ran[n_ran].model = m;
    ran[n_ran++].report = report;
    return true;
}

int ex_main(int argc, char **argv, const struct ex_model *models, size_t n,
            const char *const *survivors)
{
    bool deep = false, mutants = false, ok = true;
    const char *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--deep")) {
            deep = true;
        } else if (!strcmp(argv[i], "--mutants")) {
            mutants = true;
        } else if (!strncmp(argv[i], "--only=", 7)) {
            only = argv[i] + 7;
        } else if (!strncmp(argv[i], "--states=", 9)) {
            states_limit = strtoull(argv[i] + 9, NULL, 0);
        } else {
            fprintf(stderr, "usage: %s [--deep] [--mutants] [--only=MODEL] [--states=MAX]\n",
                    argv[0]);
            return 2;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const struct ex_model *m = &models[i];
        bool skip = only ? strcmp(only, m->name) != 0 : m->deep && !deep;
        bool holds = skip || run_model(m);
        printf("%sok %zu - %s: %s%s\n", holds ? "" : "not ", i + 1, m->name, m->says,
               skip ? " # SKIP not asked for" : "");
        fflush(stdout);
        ok = ok && holds;
    }
    bool found = !mutants || try_mutants(survivors) == 0;
    printf("%sok %zu - mutants: every weakened operation is found%s\n", found ? "" : "not ", n + 1,
           mutants ? "" : " # SKIP not asked for");
    printf("1..%zu\n", n + 1);
    return ok && found ? 0 : 1;
}
