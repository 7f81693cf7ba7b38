/* test_range.c - accesses to many bytes, against the definition byte for byte; and two threads at
 * the same moment.
 *
 * Random programs as in test_shadow.c, with fewer primitives and longer accesses: contexts on one
 * thread read, write and free ranges of 1 to 5000 bytes, and single words.  The oracle keeps every
 * access with its context's whole clock, and for each the bytes that are not new memory since. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rand.h"
#include "rc.h"
#include "rc_double.h"
#include "shadow.h"

void __tsan_func_entry(void *);
void __tsan_func_exit(void);
void __tsan_read8(void *), __tsan_write8(void *), __tsan_read2(void *), __tsan_write2(void *);
void __tsan_read_range(void *, unsigned long), __tsan_write_range(void *, unsigned long);

enum { CTX = 5, BYTES = 16384, WORDS = BYTES / 64, EVENTS = 60, OBJECTS = 3, LONGEST = 5000 };

typedef uint64_t bytes[WORDS]; /* a set of bytes of memory */

struct event {
    int ctx;
    bool write;
    uint32_t epoch;
    bytes at;
};

static struct {
    struct rt_rand rand;
    bool few; /* words at a time: where two pages meet, so that they often are the same words */
    struct rc_ctx *ctx[CTX];
    uint32_t vc[CTX][CTX], object[OBJECTS][CTX];
    struct event event[EVENTS];
    int n;
    bytes racy;
} m;

static uintptr_t pc0 = 0x100000; /* a made-up function for each event */
static unsigned char memory[BYTES] __attribute__((aligned(4096)));
static char object_at[OBJECTS];

static void set(uint64_t *b, int off, int size)
{
    for (int i = off; i < off + size; i++)
        b[i / 64] |= UINT64_C(1) << i % 64;
}

static bool in_race(const struct event *old, const struct event *now)
{
    return old->ctx != now->ctx && (old->write || now->write) &&
           m.vc[now->ctx][old->ctx] < old->epoch;
}

/* The reports since first must be true ones, and all bytes for which this access is in the first
 * race must be among theirs. */
static void judge(const struct event *e, unsigned first)
{
    bytes said = {0};
    for (unsigned r = first; r < n_reports; r++) {
        uintptr_t pc[4];
        cr_assert_eq(rc_stack_of(reports[r].before.stack, pc, 4, NULL), 2);
        int old = (int)(pc[1] - pc0);
        cr_assert(old >= 0 && old < m.n - 1);
        cr_assert(in_race(&m.event[old], e), "false report: %d and %d", old, m.n - 1);
        int at = (int)((unsigned char *)reports[r].now.addr - memory);
        uint64_t word = UINT64_C(0xff) << (at & 56);
        cr_assert(m.event[old].at[at / 64] & e->at[at / 64] & word, "byte %d: not by %d", at, old);
        for (int i = 0; i < WORDS; i++)
            said[i] |= m.event[old].at[i] & e->at[i];
    }
    for (int i = 0; i < WORDS; i++) {
        uint64_t due = 0;
        if (e->at[i] == 0)
            continue;
        for (int k = 0; k < m.n - 1; k++)
            if (in_race(&m.event[k], e))
                due |= m.event[k].at[i] & e->at[i] & ~m.racy[i];
        cr_assert_eq(due & ~said[i], 0, "missed at event %d: bytes %lx from %d on", m.n - 1,
                     (unsigned long)(due & ~said[i]), i * 64);
        m.racy[i] |= due;
    }
}

/* Where, for so many bytes. */
static int place(int size)
{
    if (!m.few)
        return (int)rand_below(&m.rand, (unsigned)(BYTES - size + 1));
    int off = OWNER_PAGE - 256 + (int)rand_below(&m.rand, 512);
    return rand_below(&m.rand, 4) ? off & ~7 : off;
}

static void access_memory(int c)
{
    bool write = rand_below(&m.rand, 100) < 40;
    unsigned what = rand_below(&m.rand, 10);
    int size = what < 5   ? 1 + (int)rand_below(&m.rand, m.few ? 160 : LONGEST)
               : what < 6 ? (m.few ? 64 : 4096)
               : what < 8 ? 8
                          : 2;
    int off = place(size);
    if (what == 5 || what == 6)
        off &= ~(size - 1);
    struct event *e = &m.event[m.n];
    *e = (struct event){.ctx = c, .write = write, .epoch = m.vc[c][c]};
    set(e->at, off, size);
    m.n++;
    unsigned before = n_reports;
    __tsan_func_entry((void *)(pc0 + (uintptr_t)m.n - 1));
    if (size == 8)
        (write ? __tsan_write8 : __tsan_read8)(memory + off);
    else if (size == 2)
        (write ? __tsan_write2 : __tsan_read2)(memory + off);
    else if (what == 0 || (what < 6 && m.few))
        (write ? __tsan_write_range : __tsan_read_range)(memory + off, (unsigned long)size);
    else if (what == 1 && write)
        rc_mem_freed(m.ctx[c], memory + off, (size_t)size, 1);
    else
        (write ? rc_write : rc_read)(m.ctx[c], memory + off, (size_t)size, 1);
    __tsan_func_exit();
    judge(e, before);
}

static void join(uint32_t *a, const uint32_t *b)
{
    for (int i = 0; i < CTX; i++)
        a[i] = a[i] < b[i] ? b[i] : a[i];
}

static void synchronise(int c)
{
    unsigned o = rand_below(&m.rand, OBJECTS);
    if (rand_below(&m.rand, 2)) {
        rc_release_merge(m.ctx[c], &object_at[o]);
        join(m.object[o], m.vc[c]);
        m.vc[c][c]++;
    } else {
        rc_acquire(m.ctx[c], &object_at[o]);
        join(m.vc[c], m.object[o]);
    }
}

static void fresh(void)
{
    int size = 1 + (int)rand_below(&m.rand, m.few ? 32 : LONGEST);
    int off = place(size);
    bytes gone = {0};
    set(gone, off, size);
    rc_mem_fresh(memory + off, (size_t)size);
    for (int i = 0; i < WORDS; i++) {
        for (int k = 0; k < m.n; k++)
            m.event[k].at[i] &= ~gone[i];
        m.racy[i] &= ~gone[i];
    }
}

static void begin(void)
{
    static const uint32_t zero[CTX];
    pc0 += EVENTS;
    n_reports = 0;
    memset(&m.racy, 0, sizeof m.racy);
    memset(m.object, 0, sizeof m.object);
    m.n = 0;
    rc_forget(memory, sizeof memory);
    rc_forget(object_at, sizeof object_at);
    for (int c = 0; c < CTX; c++) {
        m.ctx[c] = rc_ctx_make(c ? m.ctx[0] : NULL, RC_GOROUTINE, (uint64_t)c, 1, NULL, 0);
        memcpy(m.vc[c], c ? m.vc[0] : zero, sizeof zero);
        m.vc[0][0] += c != 0;
        m.vc[c][c] = 1;
    }
}

static void program(uint64_t seed)
{
    m.rand.state = seed;
    begin();
    while (m.n < EVENTS) {
        int c = (int)rand_below(&m.rand, CTX);
        unsigned what = rand_below(&m.rand, 10);
        rc_switch(m.ctx[c]);
        if (what < 6)
            access_memory(c);
        else if (what < 9)
            synchronise(c);
        else
            fresh();
    }
    rc_switch(NULL);
    for (int c = 0; c < CTX; c++)
        rc_ctx_end(m.ctx[c]);
}

/* Another thread looks at all of memory, so that its pages are shared from then on. */
static void *share_pages(void *unused)
{
    struct rc_ctx *c = rc_ctx_make(NULL, RC_THREAD, 99, 1, NULL, 0);
    rc_switch(c);
    rc_read(c, memory, sizeof memory, 1);
    rc_switch(NULL);
    rc_ctx_end(c);
    rc_thread_fini();
    return unused;
}

enum { PROGRAMS = GO_CHECKS ? 130 : 400 }; /* with checks they take three times as long */

static void programs(uint64_t first, uint64_t last)
{
    const char *one = getenv("SEED");
    for (uint64_t seed = one ? strtoull(one, NULL, 0) : first; seed <= last; seed++) {
        fprintf(stderr, "\rrange seed=%lu ", (unsigned long)seed);
        program(seed);
        if (one)
            return;
    }
}

Test(range, agrees_with_the_definition_on_pages_of_one_thread)
{
    rc_init(NULL);
    programs(1, PROGRAMS);
}

Test(range, agrees_with_the_definition_on_few_words)
{
    m.few = true;
    rc_init(NULL);
    programs(20001, 20000 + PROGRAMS);
}

Test(range, agrees_with_the_definition_on_shared_pages)
{
    pthread_t t;
    rc_init(NULL);
    cr_assert_eq(pthread_create(&t, NULL, share_pages, NULL), 0);
    pthread_join(t, NULL);
    programs(10001, 10000 + PROGRAMS);
}

/* ---- at the same moment ---- */

enum { ROUNDS = 300, AT_ONCE = 64 };

static pthread_barrier_t barrier;

/* Both threads write the same words as fast as they can: each word has a race, which one of them
 * must find, whoever owns the page.  A function of its own for each word and round. */
static void *write_all(void *arg)
{
    uintptr_t who = (uintptr_t)arg;
    struct rc_ctx *c = rc_ctx_make(NULL, RC_THREAD, 200 + who, 1, NULL, 0);
    rc_switch(c);
    for (uintptr_t round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        for (uintptr_t i = 0; i < AT_ONCE; i++) {
            __tsan_func_entry((void *)(0x1000000 + (round * AT_ONCE + i) * 2 + who));
            __tsan_write8(memory + i * 8);
            __tsan_func_exit();
        }
        pthread_barrier_wait(&barrier);
    }
    rc_switch(NULL);
    rc_ctx_end(c);
    rc_thread_fini();
    return NULL;
}

Test(range, of_two_writes_at_once_one_sees_the_other)
{
    pthread_t t[2];
    rc_init(NULL);
    pthread_barrier_init(&barrier, NULL, 3);
    for (uintptr_t i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&t[i], NULL, write_all, (void *)i), 0);
    for (int round = 0; round < ROUNDS; round++) {
        n_reports = 0;
        rc_forget(memory, sizeof memory);
        *shadow_owner(shadow_get((uintptr_t)memory), (uintptr_t)memory) = OWNER_NONE;
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        bool seen[AT_ONCE] = {0};
        for (unsigned r = 0; r < n_reports; r++)
            seen[(reports[r].now.addr - (uintptr_t)memory) / 8] = true;
        for (int i = 0; i < AT_ONCE; i++)
            cr_assert(seen[i], "round %d: the race for word %d was lost", round, i);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}
