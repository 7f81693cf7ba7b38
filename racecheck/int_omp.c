/* int_omp.c - interceptors of what gcc makes of OpenMP: calls of libgomp.
 *
 * libgomp orders its threads by means that nobody sees, so without these every parallel region is
 * full of races that are none.  What the calls mean is what OpenMP says of them:
 *
 *   parallel    who meets it -> each of the team -> who goes on behind it
 *   barrier     all that came -> all that leave; loops and sections end with one
 *   critical, atomic, locks    mutexes;  ordered: one after the other
 *   task        who makes it -> the task -> taskwait, taskgroup, barrier, next to depend on it
 *
 * A task is its thread's while it runs: two that one thread runs are ordered by it, though another
 * run may give them to two.  libgomp's worker threads are threads like any other. */
#include "intercept.h"
#include <string.h>

/* A parallel region; lies in the frame of who met it. */
struct region {
    void (*fn)(void *);
    void *data;
    /* objects of order */
    char fork, join, ordered, single, loops, tasks;
    char barrier[2]; /* by turns: nobody comes to the next but one before all have left this one */
};

/* A task: what libgomp copies for it; its own data follow.  Lies in libgomp's memory. */
struct task {
    void (*fn)(void *);
    void (*copy)(void *to, void *from);
    void *from; /* its own data, before they are copied */
    size_t size, off;
    struct region *region;
    struct made *made; /* NULL: of a taskloop, made by who made region->loops */
    void **depend;
};

struct made { /* by a task directive */
    char object;
};

static __thread struct region *here __attribute__((tls_model("initial-exec")));
static __thread unsigned barriers __attribute__((tls_model("initial-exec"))); /* met in it */

static void releases(const void *obj)
{
    struct rc_ctx *c = watched();
    if (c)
        rc_release_merge(c, obj);
}

static void acquires(const void *obj)
{
    struct rc_ctx *c = watched();
    if (c)
        rc_acquire(c, obj);
}

/* ---- parallel regions ---- */

static void in_team(void *arg)
{
    struct region *r = arg, *outer = here;
    unsigned outer_barriers = barriers;
    here = r;
    barriers = 0;
    acquires(&r->fork);
    r->fn(r->data);
    releases(&r->join);
    here = outer;
    barriers = outer_barriers;
}

static void region_begins(struct region *r)
{
    rc_forget(r, sizeof *r); /* what its memory was before */
    releases(&r->fork);
}

static void region_ends(struct region *r)
{
    acquires(&r->join);
    acquires(&r->tasks);
    rc_forget(r, sizeof *r);
}

#define PARALLEL(name, parameters, ...)                                                    \
    INTERCEPT(void, name, (void (*fn)(void *), void *data, unsigned n, UNPACK parameters)) \
    {                                                                                      \
        struct region r = {.fn = fn, .data = data};                                        \
        region_begins(&r);                                                                 \
        rt_real_##name(in_team, &r, n, __VA_ARGS__);                                       \
        region_ends(&r);                                                                   \
    }
#define UNPACK(...) __VA_ARGS__
#define LOOP(name) \
    PARALLEL(GOMP_parallel_loop_##name, (long a, long b, long by, unsigned fl), a, b, by, fl)
#define LOOP_IN_CHUNKS(name)                                                                      \
    PARALLEL(GOMP_parallel_loop_##name, (long a, long b, long by, long chunk, unsigned fl), a, b, \
             by, chunk, fl)

PARALLEL(GOMP_parallel, (unsigned fl), fl)
PARALLEL(GOMP_parallel_sections, (unsigned count, unsigned fl), count, fl)
LOOP_IN_CHUNKS(static)
LOOP_IN_CHUNKS(dynamic)
LOOP_IN_CHUNKS(guided)
LOOP_IN_CHUNKS(nonmonotonic_dynamic)
LOOP_IN_CHUNKS(nonmonotonic_guided)
LOOP(runtime)
LOOP(nonmonotonic_runtime)
LOOP(maybe_nonmonotonic_runtime)

INTERCEPT(unsigned, GOMP_parallel_reductions,
          (void (*fn)(void *), void *data, unsigned n, unsigned fl))
{
    struct region r = {.fn = fn, .data = data};
    region_begins(&r);
    unsigned got = rt_real_GOMP_parallel_reductions(in_team, &r, n, fl);
    region_ends(&r);
    return got;
}

/* ---- barriers ---- */

static const void *barrier_begins(void)
{
    const void *b = here ? &here->barrier[barriers++ % 2] : NULL;
    if (b)
        releases(b);
    return b;
}

static void barrier_ends(const void *b)
{
    if (!b)
        return;
    acquires(b);
    acquires(&here->tasks); /* all have ended */
}

#define BARRIER(name)                     \
    INTERCEPT(void, name, (void))         \
    {                                     \
        const void *b = barrier_begins(); \
        rt_real_##name();                 \
        barrier_ends(b);                  \
    }
#define BARRIER_OR_CANCEL(name)            \
    INTERCEPT(bool, name, (void))          \
    {                                      \
        const void *b = barrier_begins();  \
        bool cancelled = rt_real_##name(); \
        barrier_ends(b);                   \
        return cancelled;                  \
    }
BARRIER(GOMP_barrier)
BARRIER(GOMP_loop_end)
BARRIER(GOMP_sections_end)
BARRIER_OR_CANCEL(GOMP_barrier_cancel)
BARRIER_OR_CANCEL(GOMP_loop_end_cancel)
BARRIER_OR_CANCEL(GOMP_sections_end_cancel)

/* single with copyprivate: one runs it and gives the others a pointer. */
INTERCEPT(void *, GOMP_single_copy_start, (void))
{
    void *p = rt_real_GOMP_single_copy_start();
    if (p && here)
        acquires(&here->single);
    return p;
}

INTERCEPT(void, GOMP_single_copy_end, (void *p))
{
    if (here)
        releases(&here->single);
    rt_real_GOMP_single_copy_end(p);
}

/* ---- one at a time ---- */

#define TAKE(name, parameters, argument, lock, kind) \
    INTERCEPT(void, name, parameters)                \
    {                                                \
        rt_real_##name argument;                     \
        int_took(lock, RC_LOCK_WRITE, kind, PC);     \
    }
#define DROP(name, parameters, argument, lock) \
    INTERCEPT(void, name, parameters)          \
    {                                          \
        int_drops(lock, PC);                   \
        rt_real_##name argument;               \
    }
#define TRY(name)                                                          \
    INTERCEPT(int, name, (void *l))                                        \
    {                                                                      \
        int got = rt_real_##name(l);                                       \
        if (got)                                                           \
            int_took(l, RC_LOCK_WRITE | RC_LOCK_TRIED, "OpenMP lock", PC); \
        return got;                                                        \
    }

static char omp_critical, omp_atomic; /* without a name of their own */

TAKE(GOMP_critical_start, (void), (), &omp_critical, "critical section")
DROP(GOMP_critical_end, (void), (), &omp_critical)
TAKE(GOMP_critical_name_start, (void **l), (l), l, "critical section")
DROP(GOMP_critical_name_end, (void **l), (l), l)
TAKE(GOMP_atomic_start, (void), (), &omp_atomic, "atomic")
DROP(GOMP_atomic_end, (void), (), &omp_atomic)
TAKE(omp_set_lock, (void *l), (l), l, "OpenMP lock")
DROP(omp_unset_lock, (void *l), (l), l)
TRY(omp_test_lock)
TAKE(omp_set_nest_lock, (void *l), (l), l, "OpenMP lock")
DROP(omp_unset_nest_lock, (void *l), (l), l)
TRY(omp_test_nest_lock)

INTERCEPT(void, GOMP_ordered_start, (void))
{
    rt_real_GOMP_ordered_start();
    if (here)
        acquires(&here->ordered);
}

INTERCEPT(void, GOMP_ordered_end, (void))
{
    if (here)
        releases(&here->ordered);
    rt_real_GOMP_ordered_end();
}

/* ---- tasks ---- */

/* A list of dependences, as gcc writes it: how many, how many of these are written, addresses; or 0
 * first, and more kinds. */
struct depends {
    size_t n, n_written;
    void **address;
};

static struct depends depends_of(void **d)
{
    if (!d)
        return (struct depends){0};
    if (d[0])
        return (struct depends){(size_t)d[0], (size_t)d[1], d + 2};
    return (struct depends){(size_t)d[1], (size_t)d[2] + (size_t)d[3], d + 5};
}

/* The address stands for who wrote it last, the one behind it for those that have read it since. */
static void depends_begin(void **list)
{
    struct depends d = depends_of(list);
    for (size_t i = 0; i < d.n; i++) {
        acquires(d.address[i]);
        if (i < d.n_written)
            acquires((char *)d.address[i] + 1);
    }
}

static void depends_end(void **list)
{
    struct depends d = depends_of(list);
    for (size_t i = 0; i < d.n; i++)
        releases((char *)d.address[i] + (i < d.n_written ? 0 : 1));
}

static void task_begins(struct task *t)
{
    acquires(t->made ? (void *)t->made : (void *)&t->region->loops);
    depends_begin(t->depend);
    if (t->made) {
        rc_forget(t->made, sizeof *t->made);
        rt_real_free(t->made);
    }
}

static void task_ends(struct task *t)
{
    depends_end(t->depend);
    releases(&t->region->tasks);
    rt_real_free(t->depend);
}

static void run_task(void *arg)
{
    struct task *t = arg;
    struct region *was = here; /* another one, when the team waits at its end */
    here = t->region;
    task_begins(t);
    t->fn((char *)t + t->off);
    task_ends(t);
    here = was;
}

/* The maker's last act: block is what libgomp keeps, in which t lies. */
static void copy_data(const struct task *t, void *block, const void *made)
{
    if (t->copy)
        t->copy((char *)block + t->off, t->from);
    else
        memcpy((char *)block + t->off, t->from, t->size);
    releases(made);
}

static void copy_task(void *to, void *from)
{
    struct task *t = to;
    *t = *(struct task *)from;
    copy_data(t, t, t->made);
}

static size_t aligned(size_t n, size_t align)
{
    return (n + align - 1) / align * align;
}

/* libgomp keeps the list no longer than it needs it. */
static void **copy_of(void **depend)
{
    struct depends d = depends_of(depend);
    if (d.n == 0)
        return NULL;
    size_t size = (size_t)((char *)(d.address + d.n) - (char *)depend);
    void **copy = rt_real_malloc(size);
    if (copy)
        memcpy(copy, depend, size);
    return copy;
}

/* libgomp looks into the data of the last two kinds: these are left as they are, and not seen. */
enum {
    TASK_DEPEND = 1 << 3,
    TASK_NOGROUP = 1 << 11,
    TASK_REDUCTION = 1 << 12,
    TASK_DETACH = 1 << 13,
    TASK_OPAQUE = TASK_REDUCTION | TASK_DETACH,
    TASK_ALIGN = 16,
};

INTERCEPT(void, GOMP_task,
          (void (*fn)(void *), void *data, void (*copy)(void *, void *), long size, long align,
           bool deferred, unsigned fl, void **depend, int priority, void *detach))
{
    bool seen = here && watched() && !(fl & TASK_OPAQUE);
    struct made *made = seen ? rt_real_malloc(sizeof *made) : NULL;
    if (!made) { /* outside parallel regions nobody else will run it */
        rt_real_GOMP_task(fn, data, copy, size, align, deferred, fl, depend, priority, detach);
        return;
    }
    size_t to = align > TASK_ALIGN ? (size_t)align : TASK_ALIGN;
    struct task t = {fn,
                     copy,
                     data,
                     (size_t)size,
                     aligned(sizeof t, to),
                     here,
                     made,
                     fl & TASK_DEPEND ? copy_of(depend) : NULL};
    struct region *r = here;
    rt_real_GOMP_task(run_task, &t, copy_task, (long)t.off + size, (long)to, deferred, fl, depend,
                      priority, detach);
    if (!deferred)
        acquires(&r->tasks);
}

/* libgomp writes what part of the loop it is to the beginning of a task's data. */
struct loop_task {
    long part[2];
    struct task t;
};

static void run_loop_task(void *arg)
{
    struct loop_task *l = arg;
    void *data = (char *)l + l->t.off;
    struct region *was = here;
    here = l->t.region;
    memcpy(data, l->part, sizeof l->part);
    task_begins(&l->t);
    l->t.fn(data);
    task_ends(&l->t);
    here = was;
}

static void copy_loop_task(void *to, void *from)
{
    struct loop_task *l = to;
    *l = *(struct loop_task *)from;
    copy_data(&l->t, l, &l->t.region->loops);
}

#define TASKLOOP(name, type)                                                                     \
    INTERCEPT(void, name,                                                                        \
              (void (*fn)(void *), void *data, void (*copy)(void *, void *), long size,          \
               long align, unsigned fl, unsigned long n, int priority, type from, type to,       \
               type by))                                                                         \
    {                                                                                            \
        struct region *r = here;                                                                 \
        if (!r || !watched() || (fl & TASK_OPAQUE)) {                                            \
            rt_real_##name(fn, data, copy, size, align, fl, n, priority, from, to, by);          \
            return;                                                                              \
        }                                                                                        \
        size_t al = align > TASK_ALIGN ? (size_t)align : TASK_ALIGN;                             \
        struct loop_task l = {                                                                   \
            {0, 0}, {fn, copy, data, (size_t)size, aligned(sizeof l, al), r, NULL, NULL}};       \
        rt_real_##name(run_loop_task, &l, copy_loop_task, (long)l.t.off + size, (long)al, fl, n, \
                       priority, from, to, by);                                                  \
        if (!(fl & TASK_NOGROUP))                                                                \
            acquires(&r->tasks);                                                                 \
    }
TASKLOOP(GOMP_taskloop, long)
TASKLOOP(GOMP_taskloop_ull, unsigned long long)

static void tasks_ended(void)
{
    if (here)
        acquires(&here->tasks);
}

INTERCEPT(void, GOMP_taskwait, (void))
{
    rt_real_GOMP_taskwait();
    tasks_ended();
}

INTERCEPT(void, GOMP_taskwait_depend, (void **depend))
{
    rt_real_GOMP_taskwait_depend(depend);
    depends_begin(depend);
}

INTERCEPT(void, GOMP_taskgroup_end, (void))
{
    rt_real_GOMP_taskgroup_end();
    tasks_ended();
}
