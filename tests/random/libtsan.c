/* libtsan.c - the same random programs through clang's own race detector.
 *
 *     random_libtsan [--programs N] [--seed FIRST]
 *
 * A program is played on one thread, moment by moment, with a fiber for each flow and with exactly
 * the order that the oracle gives: whoever teaches releases an address of its own, whoever learns
 * acquires it; atomics are relaxed.  So that detector sees the same accesses with the same order as
 * ours (random.c), whatever it knows of channels and fences, and each byte that it names must be
 * one that the oracle names; ours names all of these, or random.c fails.  What it does not name it
 * has missed.
 *
 * Not instrumented itself; linked with -fsanitize=thread. */
#include <stdlib.h>
#include <string.h>
#include "program.h"

void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_acquire(void *), __tsan_release(void *);
void __tsan_func_entry(void *), __tsan_func_exit(void);
void __tsan_read_range(void *, unsigned long), __tsan_write_range(void *, unsigned long);
void __tsan_read1(void *), __tsan_read2(void *), __tsan_read4(void *), __tsan_read8(void *);
void __tsan_read16(void *);
void __tsan_write1(void *), __tsan_write2(void *), __tsan_write4(void *), __tsan_write8(void *);
void __tsan_write16(void *);
typedef __int128 int128;
uint8_t __tsan_atomic8_load(const volatile uint8_t *, int);
uint16_t __tsan_atomic16_load(const volatile uint16_t *, int);
uint32_t __tsan_atomic32_load(const volatile uint32_t *, int);
uint64_t __tsan_atomic64_load(const volatile uint64_t *, int);
int128 __tsan_atomic128_load(const volatile int128 *, int);
void __tsan_atomic8_store(volatile uint8_t *, uint8_t, int);
void __tsan_atomic16_store(volatile uint16_t *, uint16_t, int);
void __tsan_atomic32_store(volatile uint32_t *, uint32_t, int);
void __tsan_atomic64_store(volatile uint64_t *, uint64_t, int);
void __tsan_atomic128_store(volatile int128 *, int128, int);
int __tsan_get_report_data(void *report, const char **description, int *count, int *stack_count,
                           int *mop_count, int *loc_count, int *mutex_count, int *thread_count,
                           int *unique_tid_count, void **sleep_trace, unsigned long trace_size);
int __tsan_get_report_mop(void *report, unsigned long idx, int *tid, void **addr, int *size,
                          int *write, int *atomic, void **trace, unsigned long trace_size);
const char *__tsan_default_options(void);
void __tsan_on_report(void *report);

enum { NO_SYNC = 1 };

static struct program program;
static struct order order;
static _Alignas(64) unsigned char memory[REGIONS][BLOCK_BYTES + 8];
static char taught[OPS * 2][8];        /* an address for each moment */
static unsigned char teaches[OPS * 2]; /* somebody learns from it */
static struct {
    uint16_t now, from;
} lesson[OPS * 64];
static int n_lessons;
static unsigned char named[REGIONS][BLOCK_BYTES];
static void *fiber[FLOWS];
static unsigned long n_named, n_true, n_programs_none, n_programs_racy;

const char *__tsan_default_options(void)
{
    return "symbolize=0:log_path=/dev/null:exitcode=0:suppress_equal_stacks=0:"
           "suppress_equal_addresses=0:atexit_sleep_ms=0:report_signal_unsafe=0:report_bugs=1";
}

void random_fail(const char *what)
{
    program_print(&program, stdout);
    printf("FAIL %s\nreplay: random_libtsan --programs 1 --seed %lu\n", what,
           (unsigned long)program.seed);
    exit(1);
}

static void note_lesson(int now, int from)
{
    if (n_lessons == OPS * 64)
        random_fail("too many edges");
    lesson[n_lessons].now = (uint16_t)now;
    lesson[n_lessons++].from = (uint16_t)from;
    teaches[from] = 1;
}

/* ---- what it reports ---- */

struct said {
    uintptr_t addr;
    int size;
};

static struct said said_by(void *report, unsigned long i)
{
    void *addr, *trace[1];
    int tid, size, write, atomic;
    __tsan_get_report_mop(report, i, &tid, &addr, &size, &write, &atomic, trace, 1);
    return (struct said){(uintptr_t)addr, size};
}

/* The bytes that both accesses have in common. */
void __tsan_on_report(void *report)
{
    const char *description;
    int n[7] = {0};
    void *sleep[1];
    __tsan_get_report_data(report, &description, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6],
                           sleep, 1);
    if (n[2] < 2)
        return;
    struct said a = said_by(report, 0), b = said_by(report, 1);
    uintptr_t from = a.addr > b.addr ? a.addr : b.addr, to = a.addr + (unsigned)a.size;
    if (to > b.addr + (unsigned)b.size)
        to = b.addr + (unsigned)b.size;
    for (uintptr_t p = from; p < to; p++) {
        uintptr_t at = p - (uintptr_t)memory;
        if (at < sizeof memory && at % sizeof memory[0] < BLOCK_BYTES)
            named[at / sizeof memory[0]][at % sizeof memory[0]] = 1;
        else
            random_fail("a report about other memory");
    }
}

/* ---- one moment ---- */

static void access_atomic(const struct op *op, void *p)
{
    bool load = op->kind == OP_LOAD || op->kind == OP_CAS_FAILS;
    switch (op->size) {
    case 1:
        load ? (void)__tsan_atomic8_load(p, 0) : __tsan_atomic8_store(p, 0, 0);
        break;
    case 2:
        load ? (void)__tsan_atomic16_load(p, 0) : __tsan_atomic16_store(p, 0, 0);
        break;
    case 4:
        load ? (void)__tsan_atomic32_load(p, 0) : __tsan_atomic32_store(p, 0, 0);
        break;
    case 8:
        load ? (void)__tsan_atomic64_load(p, 0) : __tsan_atomic64_store(p, 0, 0);
        break;
    default:
        load ? (void)__tsan_atomic128_load(p, 0) : __tsan_atomic128_store(p, 0, 0);
    }
}

static void access_plain(const struct oracle_touch *t, void *p)
{
    static void (*const reads[])(void *) = {__tsan_read1, __tsan_read2, __tsan_read4, __tsan_read8,
                                            __tsan_read16};
    static void (*const writes[])(void *) = {__tsan_write1, __tsan_write2, __tsan_write4,
                                             __tsan_write8, __tsan_write16};
    int size = t->at.to - t->at.from;
    bool simple = (size & (size - 1)) == 0 && size <= 16 && t->at.from % size == 0;
    if (simple)
        (t->write ? writes : reads)[__builtin_ctz((unsigned)size)](p);
    else
        (t->write ? __tsan_write_range : __tsan_read_range)(p, (unsigned long)size);
}

static void play(int moment, int *lessons_told)
{
    const struct op *op = &program.op[moment / 2];
    struct oracle_touch t[2];
    if (!fiber[op->flow])
        random_fail("a flow was not born");
    __tsan_switch_to_fiber(fiber[op->flow], NO_SYNC);
    for (; *lessons_told < n_lessons && lesson[*lessons_told].now == moment; ++*lessons_told)
        __tsan_acquire(taught[lesson[*lessons_told].from]);
    __tsan_func_entry((void *)(RUN_PC + (unsigned)moment / 2));
    int n = oracle_touches(&program, moment / 2, t);
    for (int i = 0; i < n; i++) {
        if (t[i].moment != moment)
            continue;
        void *p = memory[t[i].at.region] + t[i].at.from;
        if (t[i].atomic)
            access_atomic(op, p);
        else
            access_plain(&t[i], p);
    }
    if (op->kind == OP_GO && moment % 2 == 0)
        fiber[op->obj] = __tsan_create_fiber(0);
    __tsan_func_exit();
    if (teaches[moment])
        __tsan_release(taught[moment]);
}

/* Flow 0 learns all, so that the next program comes after this one. */
static void finish(void)
{
    static char end[8];
    for (int f = 1; f < program.n_flows; f++) {
        if (!fiber[f])
            continue;
        __tsan_switch_to_fiber(fiber[f], NO_SYNC);
        __tsan_release(end);
    }
    __tsan_switch_to_fiber(fiber[0], NO_SYNC);
    __tsan_acquire(end);
    for (int f = 1; f < program.n_flows; f++)
        if (fiber[f])
            __tsan_destroy_fiber(fiber[f]);
}

static void compare(void)
{
    static unsigned char racy[REGIONS][BLOCK_BYTES];
    struct bytes row[2];
    unsigned long less = n_true, there = 0;
    memset(racy, 0, sizeof racy);
    for (int a = 0; a < program.n_ops; a++)
        for (int b = a + 1; b < program.n_ops; b++)
            for (int n = oracle_races(&program, &order, a, b, row), i = 0; i < n; i++)
                memset(&racy[row[i].region][row[i].from], 1, (size_t)(row[i].to - row[i].from));
    for (int r = 0; r < REGIONS; r++)
        for (int i = 0; i < BLOCK_BYTES; i++) {
            if (named[r][i] && !racy[r][i])
                random_fail("libtsan names a byte that has no race");
            there += named[r][i];
            n_true += racy[r][i];
        }
    n_named += there;
    n_programs_racy += n_true > less;
    n_programs_none += there == 0 && n_true > less;
}

static void one(uint64_t seed)
{
    int told = 0;
    program_make(&program, seed);
    n_lessons = 0;
    memset(teaches, 0, sizeof teaches);
    memset(named, 0, sizeof named);
    memset(fiber + 1, 0, sizeof fiber - sizeof fiber[0]);
    oracle_tell(&program, SURE | PERHAPS, &order, note_lesson);
    for (int m = 0; m < program.n_moments; m++)
        play(program.moments[m], &told);
    finish();
    compare();
}

int main(int argc, char **argv)
{
    unsigned long programs = 2000, first = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--programs") == 0)
            programs = strtoul(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--seed") == 0)
            first = strtoul(argv[i + 1], NULL, 0);
        else
            return 3;
    }
    fiber[0] = __tsan_get_current_fiber();
    for (uint64_t seed = first; seed < first + programs; seed++)
        one(seed);
    printf("%lu programs, %lu with races: libtsan names %lu of %lu bytes, nothing else; of %lu "
           "programs with races none\n",
           programs, n_programs_racy, n_named, n_true, n_programs_none);
    return 0;
}
