/* run.c - executes a program, with the real library.  See program.h.
 *
 * This file is not instrumented.  The memory accesses of the program are made by calls of the
 * compilers' interface, each inside a function of its own (a made-up pc), by which a report tells
 * which operations it is about.  What keeps operations in order here are plain loads and stores and
 * yields: the detector sees none of it.  Operations on objects: run_sync.c. */
#include "run.h"
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "futex.h"

void __tsan_func_entry(void *);
void __tsan_func_exit(void);
void __tsan_read_range(void *, unsigned long);
void __tsan_write_range(void *, unsigned long);
void __tsan_atomic_thread_fence(int);

const struct program *run_prog;
struct world *run_world;
enum { SLEEP_NS = 100000 };

static unsigned char begun[OPS], ended[OPS];
static uintptr_t freed[2]; /* addresses of blocks */
static go_waitgroup all;   /* goroutines of the program */

bool run_has_begun(int op)
{
    return __atomic_load_n(&begun[op], __ATOMIC_ACQUIRE);
}

bool run_has_ended(int op)
{
    return __atomic_load_n(&ended[op], __ATOMIC_ACQUIRE);
}

static void give_way(const struct op *op)
{
    if (run_prog->flow[op->flow] == FLOW_THREAD)
        sched_yield();
    else
        go_yield();
}

/* Something has begun or ended: who sleeps looks again. */
static uint32_t progress, sleepers;

static void mark(unsigned char *flag)
{
    __atomic_store_n(flag, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&progress, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&sleepers, __ATOMIC_SEQ_CST) > 0)
        rt_futex_wake(&progress, INT_MAX);
}

static bool may_go_on(uint16_t dep)
{
    return dep % 2 ? run_has_ended(dep / 2) : run_has_begun(dep / 2);
}

/* Yields, and sleeps now and then: what is waited for may need the processor.  A goroutine that
 * sleeps keeps its P, so it does not sleep for long. */
static void await(const struct op *op, uint16_t dep)
{
    for (int tries = 1; !may_go_on(dep); tries++) {
        give_way(op);
        if (tries % 32 != 0)
            continue;
        __atomic_add_fetch(&sleepers, 1, __ATOMIC_SEQ_CST);
        uint32_t seen = __atomic_load_n(&progress, __ATOMIC_SEQ_CST);
        if (!may_go_on(dep))
            rt_futex_wait(&progress, seen, SLEEP_NS);
        __atomic_sub_fetch(&sleepers, 1, __ATOMIC_SEQ_CST);
    }
}

static void await_turn(const struct op *op)
{
    for (int i = op->dep; i < op->dep + op->n_deps; i++)
        await(op, run_prog->deps[i]);
    for (int i = op->how >> 6; i > 1; i--)
        give_way(op);
}

/* ---- memory ---- */

unsigned char *run_memory(const struct op *op)
{
    switch (op->region) {
    case R_PLAIN:
        return run_world->plain + op->off;
    case R_ATOMIC:
        return run_world->atomics + op->off;
    default:
        return run_world->block[op->region - R_BLOCK] + op->off;
    }
}

bool run_names(uintptr_t addr, int *ret_region, int *ret_off)
{
    const uintptr_t at[REGIONS] = {
        [R_PLAIN] = (uintptr_t)run_world->plain,
        [R_ATOMIC] = (uintptr_t)run_world->atomics,
        [R_BLOCK] = (uintptr_t)run_world->block[0],
        [R_BLOCK + 1] = (uintptr_t)run_world->block[1],
    };
    const unsigned size[REGIONS] = {PLAIN_BYTES, ATOMIC_BYTES, BLOCK_BYTES, BLOCK_BYTES};
    for (int r = 0; r < R_OBJECT; r++)
        if (addr - at[r] < size[r]) {
            *ret_region = r;
            *ret_off = (int)(addr - at[r]);
            return true;
        }
    for (int o = 0; o < run_prog->n_objects; o++)
        if (run_prog->object[o].class == CHAN && addr == (uintptr_t)run_world->object[o].chan) {
            *ret_region = R_OBJECT + o;
            *ret_off = 0;
            return true;
        }
    return false;
}

bool run_is_freed(uintptr_t p, size_t n, int block)
{
    uintptr_t at = __atomic_load_n(&freed[block], __ATOMIC_ACQUIRE);
    return at != 0 && p < at + BLOCK_BYTES && at < p + n;
}

#define DECLARE(name)                                                                  \
    void __tsan_##name##1(void *), __tsan_##name##2(void *), __tsan_##name##4(void *); \
    void __tsan_##name##8(void *), __tsan_##name##16(void *);
DECLARE(read)
DECLARE(write)
DECLARE(volatile_read)
DECLARE(volatile_write)
DECLARE(read_write)
DECLARE(unaligned_read)
DECLARE(unaligned_write)

#define SIZES(name)                                                                               \
    {                                                                                             \
        __tsan_##name##1, __tsan_##name##2, __tsan_##name##4, __tsan_##name##8, __tsan_##name##16 \
    }
static void (*const readers[][5])(void *) = {
    SIZES(read),
    SIZES(volatile_read),
    {__tsan_read1, __tsan_unaligned_read2, __tsan_unaligned_read4, __tsan_unaligned_read8,
     __tsan_unaligned_read16},
};
static void (*const writers[][5])(void *) = {
    SIZES(write),
    SIZES(volatile_write),
    SIZES(read_write),
    {__tsan_write1, __tsan_unaligned_write2, __tsan_unaligned_write4, __tsan_unaligned_write8,
     __tsan_unaligned_write16},
};

static void access_memory(const struct op *op)
{
    int k = __builtin_ctz(op->size);
    bool odd = op->off % op->size != 0;
    void *p = run_memory(op);
    if (op->kind == OP_READ)
        readers[odd ? 2 : op->how % 3][k](p);
    else
        writers[odd ? 3 : op->how % 4][k](p);
}

/* The program's calls of libc: by pointers, so that they stay calls. */
static void *(*volatile set)(void *, int, size_t) = memset;
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void (*volatile give_back)(void *) = free;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;

static void access_range(const struct op *op)
{
    unsigned char *p = run_memory(op), mine[64] = {0};
    bool write = op->kind == OP_RANGE_WRITE;
    switch (op->region == R_PLAIN ? op->how % 6 : op->how % 2) {
    case 0:
        (write ? __tsan_write_range : __tsan_read_range)(p, op->size);
        break;
    case 1:
        (write ? go_race_write : go_race_read)(p, op->size);
        break;
    case 2:
        write ? set(p, 1, op->size) : copy(mine, p, op->size);
        break;
    case 3:
        write ? copy(p, mine, op->size) : move(mine, p, op->size);
        break;
    case 4:
        write ? move(p, mine, op->size) : (void *)(intptr_t)compare(p, p, op->size);
        break;
    default:
        write ? set(p, 0, op->size) : copy(mine, p, op->size);
        break;
    }
}

/* ---- atomics ---- */

typedef __int128 int128;

/* The values do not matter, for the order is given; a compare-and-swap that fails must. */
#define ATOMICS(bits, type)                                                                     \
    type __tsan_atomic##bits##_load(const volatile type *, int);                                \
    void __tsan_atomic##bits##_store(volatile type *, type, int);                               \
    type __tsan_atomic##bits##_exchange(volatile type *, type, int);                            \
    type __tsan_atomic##bits##_fetch_add(volatile type *, type, int);                           \
    type __tsan_atomic##bits##_fetch_sub(volatile type *, type, int);                           \
    type __tsan_atomic##bits##_fetch_and(volatile type *, type, int);                           \
    type __tsan_atomic##bits##_fetch_or(volatile type *, type, int);                            \
    type __tsan_atomic##bits##_fetch_xor(volatile type *, type, int);                           \
    type __tsan_atomic##bits##_fetch_nand(volatile type *, type, int);                          \
    int __tsan_atomic##bits##_compare_exchange_strong(volatile type *, type *, type, int, int); \
    int __tsan_atomic##bits##_compare_exchange_weak(volatile type *, type *, type, int, int);   \
    type __tsan_atomic##bits##_compare_exchange_val(volatile type *, type, type, int, int);     \
                                                                                                \
    static void cas##bits(const struct op *op, type *p, type expected, int mo, int fail_mo)     \
    {                                                                                           \
        if (op->how % 3 == 0)                                                                   \
            __tsan_atomic##bits##_compare_exchange_strong(p, &expected, 1, mo, fail_mo);        \
        else if (op->how % 3 == 1)                                                              \
            __tsan_atomic##bits##_compare_exchange_weak(p, &expected, 1, mo, fail_mo);          \
        else                                                                                    \
            __tsan_atomic##bits##_compare_exchange_val(p, expected, 1, mo, fail_mo);            \
    }                                                                                           \
                                                                                                \
    static void atomic##bits(const struct op *op)                                               \
    {                                                                                           \
        static type (*const changes[])(volatile type *, type, int) = {                          \
            __tsan_atomic##bits##_exchange,  __tsan_atomic##bits##_fetch_add,                   \
            __tsan_atomic##bits##_fetch_sub, __tsan_atomic##bits##_fetch_and,                   \
            __tsan_atomic##bits##_fetch_or,  __tsan_atomic##bits##_fetch_xor,                   \
            __tsan_atomic##bits##_fetch_nand};                                                  \
        type *p = (type *)run_memory(op);                                                       \
        if (op->kind == OP_LOAD)                                                                \
            __tsan_atomic##bits##_load(p, op->mo);                                              \
        else if (op->kind == OP_STORE)                                                          \
            __tsan_atomic##bits##_store(p, op->how, op->mo);                                    \
        else if (op->kind == OP_CAS_FAILS)                                                      \
            cas##bits(op, p, (type) ~*p, __ATOMIC_SEQ_CST, op->mo);                             \
        else if (op->how % 8 == 7)                                                              \
            cas##bits(op, p, *p, op->mo, __ATOMIC_RELAXED);                                     \
        else                                                                                    \
            changes[op->how % 8](p, op->how, op->mo);                                           \
    }
ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)
ATOMICS(128, int128)

static void use_atomic(const struct op *op)
{
    static void (*const by_size[])(const struct op *) = {atomic8, atomic16, atomic32, atomic64,
                                                         atomic128};
    by_size[__builtin_ctz(op->size)](op);
}

/* ---- flows ---- */

static void run_flow(int f);

static void goroutine(int f)
{
    run_flow(f);
    go_waitgroup_done(&all);
}

static void timer(void *f)
{
    goroutine((int)(intptr_t)f);
}

static void *thread(void *f)
{
    run_flow((int)(intptr_t)f);
    return NULL;
}

static void give_birth(const struct op *op)
{
    int f = op->obj;
    void *arg = (void *)(intptr_t)f;
    switch (run_prog->flow[f]) {
    case FLOW_GOROUTINE:
        go_waitgroup_add(&all, 1);
        go(goroutine, f);
        break;
    case FLOW_TIMER:
        go_waitgroup_add(&all, 1);
        run_world->timer[f] = go_after_func(1 + op->how * 100, timer, arg);
        break;
    case FLOW_THREAD:
        if (pthread_create(&run_world->thread[f], NULL, thread, arg) != 0)
            abort();
        break;
    }
}

static void perform(const struct op *op)
{
    switch (op->kind) {
    case OP_READ:
    case OP_WRITE:
        access_memory(op);
        break;
    case OP_RANGE_READ:
    case OP_RANGE_WRITE:
        access_range(op);
        break;
    case OP_FREE:
        __atomic_store_n(&freed[op->region - R_BLOCK], (uintptr_t)run_memory(op), __ATOMIC_RELEASE);
        give_back(run_memory(op));
        break;
    case OP_LOAD:
    case OP_STORE:
    case OP_RMW:
    case OP_CAS_FAILS:
        use_atomic(op);
        break;
    case OP_FENCE:
        __tsan_atomic_thread_fence(op->mo);
        break;
    case OP_GO:
        give_birth(op);
        break;
    case OP_JOIN:
        pthread_join(run_world->thread[op->obj], NULL);
        break;
    case OP_END:
        break;
    default:
        run_sync(op);
        break;
    }
}

static void run_flow(int f)
{
    for (int i = 0; i < run_prog->n_ops; i++) {
        const struct op *op = &run_prog->op[i];
        if (op->flow != f)
            continue;
        await_turn(op);
        mark(&begun[i]);
        __tsan_func_entry((void *)(RUN_PC + (uintptr_t)i));
        perform(op);
        __tsan_func_exit();
        mark(&ended[i]);
    }
}

void run_program(const struct program *p)
{
    struct world *w = aligned_alloc(64, sizeof *w);
    run_prog = p;
    run_world = w;
    memset(begun, 0, sizeof begun);
    memset(ended, 0, sizeof ended);
    for (int o = 0; o < p->n_objects; o++)
        run_make(o);
    memset(freed, 0, sizeof freed);
    for (int b = 0; b < 2; b++)
        w->block[b] = malloc((size_t)(BLOCK_BYTES - p->block_bytes_lost));
    for (int f = 0; f < FLOWS; f++)
        w->timer[f] = NULL;
    run_flow(0);
    go_waitgroup_wait(&all);
    for (int f = 0; f < FLOWS; f++)
        if (w->timer[f])
            go_timer_free(w->timer[f]);
    for (int o = 0; o < p->n_objects; o++)
        run_unmake(o);
    for (int b = 0; b < 2; b++)
        if (freed[b] == 0)
            free(w->block[b]);
}

void run_forget(void)
{
    free(run_world);
}
