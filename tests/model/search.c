/* search.c - the search through all states; see explore.h.
 *
 * Depth first, over states that are copied and put back.  A transition is one of: thread t does its
 * operation and what follows it up to the next one; a store leaves a buffer; a wait with a limit
 * ends.
 *
 * Seen states are remembered by 128 bits of hash (ten million of them collide with probability
 * 10^-25).  A state's copies form a stack, as the search does. */
#include "state.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

enum {
    PATH_MAX_ = 1 << 20,
    SHOWN_MAX = 200, /* steps of a counterexample */
};

uint64_t ex_n_states, ex_n_transitions, ex_n_ends;
uint64_t ex_states_limit = UINT64_MAX;
bool ex_limited, ex_shows_path = true;

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

void ex_show_path(void)
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

/* ---- transitions ---- */

static bool is_enabled(int i)
{
    const struct thread *t = &ex_world.threads[i];
    switch (t->op) {
    case OP_RMW:
        return t->n_stores == 0;
    case OP_ROOM:
        return t->n_stores < ex_stores_max();
    case OP_LOCK:
        return t->n_stores == 0 && ex_raw_load((void *)t->addr, 4) == 0;
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
    bool bound = ex_explored->preempt_max &&
                 ex_world.preempted + 1 >= (uint64_t)ex_explored->preempt_max &&
                 is_enabled((int)ex_world.last);
    for (int t = 0; t < ex_n_threads; t++) {
        const struct thread *th = &ex_world.threads[t];
        if (is_enabled(t) && (!bound || ex_world.last == (uint64_t)t)) {
            uint64_t choices = th->op == OP_CHOOSE ? th->choices : 1;
            for (uint64_t c = 0; c < choices; c++)
                to[n++] =
                    (struct step){RUN, (uint8_t)t, (uint8_t)c, (uint8_t)th->op, th->site, th->addr};
        }
        if (th->op == OP_ASLEEP && th->limit >= 0 && !th->woken)
            to[n++] = (struct step){EXPIRE, (uint8_t)t, 0, 0, NULL, 0};
        for (uint64_t i = 0; i < th->n_stores; i++)
            if (ex_may_leave(th, i))
                to[n++] = (struct step){FLUSH, (uint8_t)t, (uint8_t)i, 0, NULL, th->stores[i].addr};
    }
    return n;
}

static void flush(int t, uint64_t i)
{
    struct thread *th = &ex_world.threads[t];
    ex_must_be_there(th->stores[i].addr);
    ex_raw_store((void *)th->stores[i].addr, th->stores[i].size, th->stores[i].value);
    ex_forget_store(th, i);
    for (int k = 0; th->n_stores == 0 && k < ex_n_threads; k++)
        ex_world.threads[k].drains &= ~((uint64_t)1 << t);
}

static void do_step(const struct step *s)
{
    struct thread *t = &ex_world.threads[s->thread];
    if (path_len < PATH_MAX_)
        path[path_len++] = *s;
    ex_n_transitions++;
    if (s->kind == FLUSH) {
        flush(s->thread, s->arg);
        return;
    }
    if (s->kind == EXPIRE) {
        if (ex_world.now < t->limit && !ex_explored->any_time)
            ex_world.now = t->limit;
        t->limit = 0;
    } else {
        if (ex_explored->preempt_max && ex_world.last != s->thread &&
            is_enabled((int)ex_world.last))
            ex_world.preempted++;
        t->choice = s->arg;
    }
    if (ex_explored->preempt_max)
        ex_world.last = s->thread;
    ex_resume(s->thread);
    if (ex_failure[0])
        ex_report_failure();
}

/* ---- states ---- */

static char *copies, *copies_end; /* of states, as a stack */
enum { COPIES_GIB = 64 };

static uintptr_t live_from(int t)
{
    return ex_world.threads[t].op == OP_DONE ? (uintptr_t)ex_stack_top(t)
                                             : ex_world.threads[t].ctx.sp;
}

static char *put(char *at, const void *p, size_t n)
{
    memcpy(at, p, n);
    return at + n;
}

/* Copies the present state to at; returns its end, a multiple of 8 further. */
static char *save(char *at)
{
    char *p = put(at, &ex_world, sizeof ex_world);
    for (int i = 0; i < ex_n_regions; i++)
        if (ex_regions[i].n)
            p = put(p, ex_regions[i].p, ex_regions[i].n);
    for (int t = 0; t < ex_n_threads; t++) {
        uintptr_t from = live_from(t) & ~(uintptr_t)7;
        p = put(p, (void *)from, (uintptr_t)ex_stack_top(t) - from);
    }
    while ((p - at) % 8)
        *p++ = 0;
    return p;
}

static void restore(const char *p)
{
    memcpy(&ex_world, p, sizeof ex_world);
    p += sizeof ex_world;
    for (int i = 0; i < ex_n_regions; i++) {
        memcpy(ex_regions[i].p, p, ex_regions[i].n);
        p += ex_regions[i].n;
    }
    for (int t = 0; t < ex_n_threads; t++) {
        uintptr_t from = live_from(t) & ~(uintptr_t)7;
        memcpy((void *)from, p, (uintptr_t)ex_stack_top(t) - from);
        p += (uintptr_t)ex_stack_top(t) - from;
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
    if (2 * ex_n_states >= seen_cap) {
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
    ex_n_ends++;
    for (int t = 0; t < ex_n_threads && !ex_explored->sleeps; t++)
        if (ex_world.threads[t].op != OP_DONE)
            ex_fail("deadlock: T%d waits in %s", t,
                    ex_world.threads[t].site ? ex_world.threads[t].site->function : "a park");
    if (ex_explored->end)
        ex_explored->end();
}

/* The present state is new, or not; if there is something to do in it, it becomes a frame. */
static void arrive(void)
{
    char *end = save(copies_end);
    if (!see(hash_of(copies_end, end)))
        return;
    ex_n_states++;
    if (ex_n_states >= ex_states_limit)
        ex_limited = true;
    if (ex_explored->step)
        ex_explored->step();
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
    while (n_frames && !ex_limited) {
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
    ex_fail("signal %d in T%d", sig, ex_current);
}

/* Once a second of processor time: a thread that never comes to a visible operation. */
static void on_tick(int sig)
{
    static uint64_t last;
    (void)sig;
    if (last == ex_n_transitions)
        ex_fail("T%d goes round for ever", ex_current);
    last = ex_n_transitions;
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
    sigaction(SIGPROF, &tick, NULL);
    struct itimerval second = {{1, 0}, {1, 0}};
    setitimer(ITIMER_PROF, &second, NULL);
}

double ex_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* In a process of its own: explores m; does not return if something does not hold. */
void ex_explore(const struct ex_model *m)
{
    ex_explored = m;
    ex_stacks = reserve(THREADS_MAX * STACK_BYTES);
    frames = reserve(FRAMES_MAX * sizeof *frames);
    copies = copies_end = reserve((size_t)COPIES_GIB << 30);
    catch_faults();
    ex_explored->begin();
    search();
}
