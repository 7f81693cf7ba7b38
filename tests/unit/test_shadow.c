/* test_shadow.c - the whole engine against the definition of a data race.
 *
 * Random programs run on one thread: contexts are switched by hand, so that every interleaving is a
 * chosen one, and all accesses and synchronisation go through the interfaces of rc.h and __tsan_*.
 * The oracle keeps every access that was ever made, with a copy of its context's whole clock, and
 * compares each new access with all of them.  The engine must report
 *   - nothing that is no race by the oracle (every report is checked: both accesses, bytes, order);
 *   - each access that has a race on a byte which had none before.
 * Each access is made inside a function of its own (a made-up pc), so that reports can be told
 * apart.  In programs where many contexts end, reads and atomics share a few functions, so that
 * collections can merge their records; what the engine keeps silent about because it has reported
 * the same pair of stacks before is then no miss. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collect.h"
#include "rand.h"
#include "rc.h"
#include "rc_double.h"
#include "shadow.h"

void __tsan_func_entry(void *);
void __tsan_func_exit(void);
void __tsan_read1(void *), __tsan_read2(void *), __tsan_read4(void *), __tsan_read8(void *);
void __tsan_read16(void *);
void __tsan_write1(void *), __tsan_write2(void *), __tsan_write4(void *), __tsan_write8(void *);
void __tsan_write16(void *);
uint8_t __tsan_atomic8_load(const volatile uint8_t *, int);
void __tsan_atomic8_store(volatile uint8_t *, uint8_t, int);
uint8_t __tsan_atomic8_fetch_add(volatile uint8_t *, uint8_t, int);
uint32_t __tsan_atomic32_load(const volatile uint32_t *, int);
void __tsan_atomic32_store(volatile uint32_t *, uint32_t, int);
uint32_t __tsan_atomic32_fetch_add(volatile uint32_t *, uint32_t, int);
uint32_t __tsan_atomic32_compare_exchange_val(volatile uint32_t *, uint32_t, uint32_t, int, int);
uint64_t __tsan_atomic64_load(const volatile uint64_t *, int);
void __tsan_atomic64_store(volatile uint64_t *, uint64_t, int);
uint64_t __tsan_atomic64_exchange(volatile uint64_t *, uint64_t, int);
void __tsan_atomic_thread_fence(int);

enum {
    CTX = 64,     /* contexts a program may make */
    BYTES = 48,   /* of memory they fight over */
    OBJECTS = 4,  /* host objects */
    EVENTS = 400, /* steps of one program */
    SHARED = 2,   /* stacks that several events have */
    STACKS = SHARED + EVENTS,
};

typedef uint32_t clock_v[CTX]; /* a plain vector clock */

struct event {
    int ctx, off, size;
    bool write, atomic;
    uint32_t epoch; /* of ctx when it happened */
    uint64_t bytes; /* of memory: those it touched that are not new memory since */
    int stack;
};

/* A release sequence: what each of its heads released. */
struct seq {
    int off, size, n;
    struct {
        int ctx;
        clock_v vc;
    } head[CTX];
};

static struct {
    struct rt_rand rand;
    int area;       /* bytes of memory that plain accesses use */
    unsigned write; /* of 100 plain accesses */
    bool churn;     /* many contexts begin and end, and there are collections */
    bool crowd;     /* the same, and nearly all of them only read one word */
    int n_ctx;
    bool live[CTX];
    struct rc_ctx *ctx[CTX];
    clock_v vc[CTX], fence_rel[CTX], fence_acq[CTX], object[OBJECTS];
    bool fenced[CTX];
    struct event event[EVENTS];
    int n_events;
    uint64_t racy;             /* bytes that had a race already */
    bool told[STACKS][STACKS]; /* pairs of stacks that were reported */
    struct seq seq[16];
    int n_seq;
} m;

/* Made-up functions, one for each event of each program: stacks of different events differ. */
static uintptr_t pc0 = 0x100000;

static unsigned char memory[BYTES] __attribute__((aligned(64)));
static char object_at[OBJECTS * 3]; /* neighbours: they share words */

static void join(uint32_t *a, const uint32_t *b)
{
    for (int i = 0; i < CTX; i++)
        a[i] = a[i] < b[i] ? b[i] : a[i];
}

/* ---- the oracle ---- */

static bool overlap(int a, int an, int b, int bn)
{
    return a < b + bn && b < a + an;
}

/* Bytes for which two accesses are in a race. */
static uint64_t races(const struct event *old, const struct event *now)
{
    bool race = (old->write || now->write) && !(old->atomic && now->atomic) &&
                old->ctx != now->ctx && m.vc[now->ctx][old->ctx] < old->epoch;
    return race ? old->bytes & now->bytes : 0;
}

/* The bytes of the earlier events that a report about event e can mean; 0: it is false. */
static uint64_t meant(const struct double_report *r, const struct event *e, int index)
{
    uintptr_t pc[8];
    uint64_t bytes = 0;
    cr_assert_eq(rc_stack_of(r->before.stack, pc, 8, NULL), 2);
    int stack = (int)(pc[1] - pc0);
    cr_assert(stack >= 0 && stack < STACKS, "before: unknown stack %lx", pc[1]);
    for (int i = 0; i < index; i++) {
        const struct event *old = &m.event[i];
        if (old->stack == stack && (uint64_t)old->ctx == r->before.by->id &&
            old->write == r->before.write && old->atomic == r->before.atomic)
            bytes |= races(old, e);
    }
    m.told[stack][e->stack] = m.told[e->stack][stack] = true;
    return bytes;
}

/* Compares what the engine said about event e with the definition. */
static void judge(const struct event *e, int index, unsigned first_report)
{
    uint64_t first = 0, said = 0;
    for (int i = 0; i < index; i++)
        first |= races(&m.event[i], e) & ~m.racy;
    for (unsigned r = first_report; r < n_reports; r++) {
        uintptr_t pc[8];
        uint64_t bytes = meant(&reports[r], e, index);
        cr_assert(bytes != 0, "false report at event %d", index);
        cr_assert_eq(rc_stack_of(reports[r].now.stack, pc, 8, NULL), 2);
        cr_assert_eq((int)(pc[1] - pc0), e->stack);
        said |= bytes;
    }
    for (int i = 0; i < index; i++)
        if (m.told[m.event[i].stack][e->stack])
            said |= races(&m.event[i], e);
    cr_assert_eq(first & ~said, 0, "missed: bytes %lx at event %d", first & ~said, index);
    m.racy |= first;
}

/* ---- accesses ---- */

static uint64_t bytes_of(int off, int size)
{
    return ((UINT64_C(1) << size) - 1) << off;
}

static int add_event(int c, int off, int size, bool write, bool atomic)
{
    int stack = (m.churn || m.crowd) && (atomic || !write) ? (m.crowd ? 0 : m.n_events % SHARED)
                                                           : SHARED + m.n_events;
    m.event[m.n_events] =
        (struct event){c, off, size, write, atomic, m.vc[c][c], bytes_of(off, size), stack};
    return m.n_events++;
}

static void plain(int c)
{
    static void (*const reads[])(void *) = {__tsan_read1, __tsan_read2, __tsan_read4, __tsan_read8,
                                            __tsan_read16};
    static void (*const writes[])(void *) = {__tsan_write1, __tsan_write2, __tsan_write4,
                                             __tsan_write8, __tsan_write16};
    int k = m.crowd ? 3 : (int)rand_below(&m.rand, 5), size = 1 << k;
    bool write = rand_below(&m.rand, 100) < m.write, odd = rand_below(&m.rand, 4) == 0;
    int off = (int)rand_below(&m.rand, (unsigned)(m.area - size + 1));
    if (m.crowd)
        off = 16;
    if (!odd)
        off &= ~(size - 1);
    int i = add_event(c, off, size, write, false);
    unsigned before = n_reports;
    __tsan_func_entry((void *)(uintptr_t)(pc0 + m.event[i].stack));
    (write ? writes : reads)[k](memory + off);
    __tsan_func_exit();
    judge(&m.event[i], i, before);
}

static void range(int c)
{
    int size = 1 + (int)rand_below(&m.rand, 30), off = (int)rand_below(&m.rand, BYTES - 30);
    bool write = rand_below(&m.rand, 100) < m.write;
    int i = add_event(c, off, size, write, false);
    unsigned before = n_reports;
    __tsan_func_entry((void *)(uintptr_t)(pc0 + m.event[i].stack));
    if (write)
        rc_write(m.ctx[c], memory + off, (size_t)size, 1);
    else
        rc_read(m.ctx[c], memory + off, (size_t)size, 1);
    __tsan_func_exit();
    judge(&m.event[i], i, before);
}

/* ---- atomics: the oracle's release sequences ---- */

static bool acquires(int mo)
{
    return mo == __ATOMIC_ACQUIRE || mo == __ATOMIC_ACQ_REL || mo == __ATOMIC_SEQ_CST;
}

static bool releases(int mo)
{
    return mo == __ATOMIC_RELEASE || mo == __ATOMIC_ACQ_REL || mo == __ATOMIC_SEQ_CST;
}

static struct seq *seq_of(int off, int size)
{
    for (int i = 0; i < m.n_seq; i++)
        if (m.seq[i].off == off && m.seq[i].size == size)
            return &m.seq[i];
    m.seq[m.n_seq] = (struct seq){.off = off, .size = size};
    return &m.seq[m.n_seq++];
}

static void add_head(struct seq *s, int c, const uint32_t *vc)
{
    int i = 0;
    while (i < s->n && s->head[i].ctx != c)
        i++;
    if (i == s->n) {
        memset(&s->head[s->n++], 0, sizeof s->head[0]);
        s->head[i].ctx = c;
    }
    join(s->head[i].vc, vc);
}

/* C11 asks to find a thread's own part of a sequence that others have added to; the engine may keep
 * the whole then (sync.c).  Such stores are not made here. */
static bool is_ambiguous(const struct seq *s, int c)
{
    if (s->n < 2)
        return false;
    for (int i = 0; i < s->n; i++)
        if (s->head[i].ctx == c)
            return true;
    return false;
}

static void model_load(int c, int off, int size, int mo)
{
    for (int i = 0; i < m.n_seq; i++) {
        if (!overlap(m.seq[i].off, m.seq[i].size, off, size))
            continue;
        for (int h = 0; h < m.seq[i].n; h++)
            join(acquires(mo) ? m.vc[c] : m.fence_acq[c], m.seq[i].head[h].vc);
    }
}

static void model_store(int c, int off, int size, int mo, bool rmw)
{
    struct seq *s = seq_of(off, size);
    if (!rmw) {
        int kept = 0;
        for (int i = 0; i < s->n; i++)
            if (s->head[i].ctx == c && !releases(mo))
                s->head[kept++] = s->head[i];
        s->n = kept;
    }
    if (releases(mo))
        add_head(s, c, m.vc[c]);
    else if (m.fenced[c])
        add_head(s, c, m.fence_rel[c]);
    if (releases(mo))
        m.vc[c][c]++;
}

/* The three steps in the engine's order: what is acquired is known to the access itself, and the
 * access belongs to what is released. */
static int model_atomic(int c, int off, int size, int mo, bool read, bool write)
{
    if (read)
        model_load(c, off, size, mo);
    return add_event(c, off, size, write, true);
}

static const int orders[] = {__ATOMIC_RELAXED, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE, __ATOMIC_ACQ_REL,
                             __ATOMIC_SEQ_CST};

static void atomic(int c)
{
    static const int sizes[] = {1, 4, 8};
    int size = sizes[rand_below(&m.rand, 3)], what = (int)rand_below(&m.rand, 3);
    int off = (int)rand_below(&m.rand, 2) * 8 + (size == 8 ? 0 : (int)rand_below(&m.rand, 2) * 4);
    int mo = orders[rand_below(&m.rand, 5)];
    bool read = what != 1, write = what != 0;
    if (what == 1 && !releases(mo) && is_ambiguous(seq_of(off, size), c))
        return;
    unsigned char *p = memory + off;
    int i = model_atomic(c, off, size, mo, read, write);
    unsigned before = n_reports;
    __tsan_func_entry((void *)(uintptr_t)(pc0 + m.event[i].stack));
    if (size == 1)
        what == 0   ? (void)__tsan_atomic8_load(p, mo)
        : what == 1 ? __tsan_atomic8_store(p, 1, mo)
                    : (void)__tsan_atomic8_fetch_add(p, 1, mo);
    else if (size == 4)
        what == 0   ? (void)__tsan_atomic32_load((void *)p, mo)
        : what == 1 ? __tsan_atomic32_store((void *)p, 1, mo)
                    : (void)__tsan_atomic32_fetch_add((void *)p, 1, mo);
    else
        what == 0   ? (void)__tsan_atomic64_load((void *)p, mo)
        : what == 1 ? __tsan_atomic64_store((void *)p, 1, mo)
                    : (void)__tsan_atomic64_exchange((void *)p, 1, mo);
    __tsan_func_exit();
    judge(&m.event[i], i, before);
    if (write)
        model_store(c, off, size, mo, read);
}

static void fence(int c)
{
    int mo = orders[1 + rand_below(&m.rand, 4)];
    __tsan_atomic_thread_fence(mo);
    if (acquires(mo)) {
        join(m.vc[c], m.fence_acq[c]);
        memset(m.fence_acq[c], 0, sizeof m.fence_acq[c]);
    }
    if (releases(mo)) {
        memcpy(m.fence_rel[c], m.vc[c], sizeof(clock_v));
        m.fenced[c] = true;
        m.vc[c][c]++;
    }
}

/* ---- host objects, contexts, fresh memory ---- */

static void object(int c)
{
    int o = (int)rand_below(&m.rand, OBJECTS);
    const void *at = object_at + o * 3;
    switch (rand_below(&m.rand, 5)) {
    case 0:
        rc_release(m.ctx[c], at);
        memcpy(m.object[o], m.vc[c], sizeof(clock_v));
        m.vc[c][c]++;
        break;
    case 1:
        rc_release_merge(m.ctx[c], at);
        join(m.object[o], m.vc[c]);
        m.vc[c][c]++;
        break;
    case 2:
        rc_release_acquire(m.ctx[c], at);
        join(m.vc[c], m.object[o]);
        memcpy(m.object[o], m.vc[c], sizeof(clock_v));
        m.vc[c][c]++;
        break;
    default:
        rc_acquire(m.ctx[c], at);
        join(m.vc[c], m.object[o]);
    }
}

static void forget_object(void)
{
    int o = (int)rand_below(&m.rand, OBJECTS);
    rc_forget(object_at + o * 3, 1 + rand_below(&m.rand, 2));
    memset(m.object[o], 0, sizeof m.object[o]);
}

static void make_ctx(int by)
{
    if (m.n_ctx == CTX)
        return;
    int c = m.n_ctx++;
    m.ctx[c] = rc_ctx_make(m.ctx[by], RC_GOROUTINE, (uint64_t)c, 1, NULL, 0);
    m.live[c] = true;
    memcpy(m.vc[c], m.vc[by], sizeof(clock_v));
    m.vc[by][by]++;
    m.vc[c][c] = 1;
}

static void end_ctx(int c)
{
    if (c != 0) {
        rc_ctx_end(m.ctx[c]);
        m.live[c] = false;
    }
}

/* Bytes become new memory.  Those that atomics use do so in whole words. */
static void fresh(void)
{
    int off = (int)rand_below(&m.rand, BYTES), size = 1 + (int)rand_below(&m.rand, 20);
    if (off < 16) {
        off &= ~7;
        size = 8;
    } else if (size > BYTES - off) {
        size = BYTES - off;
    }
    rc_mem_fresh(memory + off, (size_t)size);
    for (int i = 0; i < m.n_events; i++)
        m.event[i].bytes &= ~bytes_of(off, size);
    for (int i = 0; i < m.n_seq; i++)
        if (overlap(m.seq[i].off, m.seq[i].size, off, size))
            m.seq[i].n = 0;
    m.racy &= ~bytes_of(off, size);
}

static int pick_ctx(void)
{
    int c;
    do
        c = (int)rand_below(&m.rand, (unsigned)m.n_ctx);
    while (!m.live[c]);
    return c;
}

/* A flow that comes, perhaps after somebody, reads, perhaps tells, and goes. */
static void visitor(int by)
{
    make_ctx(by);
    int c = m.n_ctx - 1;
    if (!m.live[c])
        return;
    rc_switch(m.ctx[c]);
    object(c);
    plain(c);
    if (rand_below(&m.rand, 3))
        object(c);
    rc_switch(m.ctx[by]);
    end_ctx(c);
}

static void crowd_step(int c, unsigned what)
{
    if (what < 30 && m.n_ctx < CTX)
        visitor(c);
    else if (what < 50)
        plain(c);
    else if (what < 54)
        fence(c);
    else if (what < 60)
        atomic(c);
    else if (what < 63)
        make_ctx(c);
    else if (what < 66)
        end_ctx(c);
    else if (what < 72)
        collect();
    else if (what < 99)
        object(c);
    else
        fresh();
}

static void step(void)
{
    int c = pick_ctx();
    rc_switch(m.ctx[c]);
    unsigned what = rand_below(&m.rand, 100);
    if (m.crowd) {
        crowd_step(c, what);
        return;
    }
    if (m.churn && what < 15)
        what < 5 ? make_ctx(c) : what < 10 ? end_ctx(c) : collect();
    else if (what < 50)
        plain(c);
    else if (what < 55)
        range(c);
    else if (what < 72)
        atomic(c);
    else if (what < 76)
        fence(c);
    else if (what < 92)
        object(c);
    else if (what < 93)
        forget_object();
    else if (what < 97)
        make_ctx(c);
    else if (what < 98)
        fresh();
    else
        end_ctx(c);
}

static void program(uint64_t seed)
{
    memset(&m, 0, sizeof m);
    n_reports = 0;
    pc0 += STACKS;
    rc_forget(memory, sizeof memory);
    rc_forget(object_at, sizeof object_at);
    m.rand.state = seed;
    m.area = seed & 1 ? BYTES : 16;
    m.crowd = rand_below(&m.rand, 3) == 0;
    m.churn = !m.crowd && rand_below(&m.rand, 2) == 0;
    m.write = rand_below(&m.rand, 3) ? 50 : 2;
    m.ctx[0] = rc_ctx_make(NULL, RC_GOROUTINE, 0, 1, NULL, 0);
    m.vc[0][0] = 1;
    m.live[0] = true;
    m.n_ctx = 1;
    for (unsigned i = 3 + (m.crowd || rand_below(&m.rand, 3) ? 0 : CTX - 6); i > 0; i--)
        make_ctx(0);
    int steps = 20 + (int)rand_below(&m.rand, EVENTS / 2 - 20);
    for (int i = 0; i < steps; i++) {
        if (m.crowd)
            m.write = i < steps * 2 / 3 ? 0 : 20;
        step();
    }
    rc_switch(NULL);
    for (int c = 0; c < m.n_ctx; c++)
        if (m.live[c])
            rc_ctx_end(m.ctx[c]);
}

Test(shadow, agrees_with_the_definition_on_random_programs)
{
    const char *one = getenv("SEED");
    rc_init(NULL);
    if (one) {
        program(strtoull(one, NULL, 0));
        return;
    }
    uint64_t last = GO_CHECKS ? 1000 : 3000; /* with checks they take three times as long */
    for (uint64_t seed = 1; seed <= last; seed++) {
        fprintf(stderr, "\rshadow seed=%lu ", (unsigned long)seed);
        program(seed * 7919);
    }
}
