/* test_rc_abi_access.c - each access function records exactly its bytes, as what it says. */
#include <criterion/criterion.h>
#include <string.h>
#include "rc_double.h"
#include "shadow.h"

#define SIZES_FROM_2(X, name, write) \
    X(name, 2, write) X(name, 4, write) X(name, 8, write) X(name, 16, write)
#define SIZES_FROM_1(X, name, write) X(name, 1, write) SIZES_FROM_2(X, name, write)
#define ALL(X)                                             \
    SIZES_FROM_1(X, __tsan_read, false)                    \
    SIZES_FROM_1(X, __tsan_write, true)                    \
    SIZES_FROM_1(X, __tsan_volatile_read, false)           \
    SIZES_FROM_1(X, __tsan_volatile_write, true)           \
    SIZES_FROM_1(X, __tsan_read_write, true)               \
    SIZES_FROM_2(X, __tsan_unaligned_read, false)          \
    SIZES_FROM_2(X, __tsan_unaligned_write, true)          \
    SIZES_FROM_2(X, __tsan_unaligned_volatile_read, false) \
    SIZES_FROM_2(X, __tsan_unaligned_volatile_write, true) \
    SIZES_FROM_2(X, __tsan_unaligned_read_write, true)

#define DECLARE(name, size, write) void name##size(void *);
ALL(DECLARE)
void __tsan_read_range(void *, unsigned long), __tsan_write_range(void *, unsigned long);
void __tsan_vptr_update(void **, void *), __tsan_vptr_read(void **);

#define ROW(name, size, write) {#name #size, name##size, size, write},
static const struct {
    const char *name;
    void (*fn)(void *);
    size_t size;
    bool write;
} all[] = {ALL(ROW)};

static unsigned char memory[64] __attribute__((aligned(64)));

/* Bytes of memory that are recorded as touched and as written. */
static void recorded(uint64_t *ret_touched, uint64_t *ret_written)
{
    *ret_touched = *ret_written = 0;
    for (unsigned i = 0; i < sizeof memory; i += 8) {
        uint64_t w = *shadow_cell(shadow_get((uintptr_t)memory), (uintptr_t)memory + i);
        *ret_touched |= (uint64_t)w_touched(w) << i;
        *ret_written |= (uint64_t)w_written(w) << i;
    }
}

static uint64_t bits(size_t off, size_t n)
{
    return ((UINT64_C(1) << n) - 1) << off;
}

Test(rc_abi_access, each_records_its_bytes_at_any_offset)
{
    rc_init(NULL);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (size_t off = 0; off < 24; off++) {
            uint64_t touched, written;
            rc_mem_fresh(memory, sizeof memory);
            all[i].fn(memory + off);
            recorded(&touched, &written);
            cr_assert_eq(touched, bits(off, all[i].size), "%s at %zu", all[i].name, off);
            cr_assert_eq(written, all[i].write ? touched : 0, "%s at %zu", all[i].name, off);
        }
}

/* The fast path leaves out what an access before has covered, and nothing else. */
Test(rc_abi_access, two_record_the_bytes_of_both)
{
    enum { N = sizeof all / sizeof all[0], FIRST = 8 };
    rc_init(NULL);
    for (size_t i = 0; i < N * FIRST * N; i++)
        for (size_t off = 0; off < 16; off++) {
            size_t a = i % N, b = i / N % N, first = i / N / N;
            uint64_t touched, written, at_a = bits(first, all[a].size),
                                       at_b = bits(off, all[b].size);
            rc_mem_fresh(memory, sizeof memory);
            all[a].fn(memory + first);
            all[b].fn(memory + off);
            recorded(&touched, &written);
            cr_assert(touched == (at_a | at_b), "%s at %zu after %s at %zu", all[b].name, off,
                      all[a].name, first);
            cr_assert_eq(written, (all[a].write ? at_a : 0) | (all[b].write ? at_b : 0),
                         "%s at %zu after %s at %zu", all[b].name, off, all[a].name, first);
        }
}

Test(rc_abi_access, ranges_record_their_bytes)
{
    rc_init(NULL);
    for (size_t off = 0; off < 16; off++)
        for (size_t n = 0; n < 40; n++) {
            uint64_t touched, written;
            rc_mem_fresh(memory, sizeof memory);
            __tsan_read_range(memory + off, n);
            recorded(&touched, &written);
            cr_assert(touched == bits(off, n) && written == 0, "read %zu at %zu", n, off);
            __tsan_write_range(memory + off, n);
            recorded(&touched, &written);
            cr_assert(touched == bits(off, n) && written == touched, "write %zu at %zu", n, off);
        }
}

Test(rc_abi_access, fresh_memory_is_exact_to_the_byte)
{
    rc_init(NULL);
    for (size_t off = 0; off < 16; off++)
        for (size_t n = 0; n < 40; n++) {
            uint64_t touched, written;
            __tsan_write_range(memory, sizeof memory);
            rc_mem_fresh(memory + off, n);
            recorded(&touched, &written);
            cr_assert_eq(touched, ~bits(off, n), "%zu at %zu", n, off);
        }
}

Test(rc_abi_access, an_unchanged_vptr_is_not_written)
{
    void *vptr = memory;
    uint64_t *cell = shadow_cell(shadow_get((uintptr_t)&vptr), (uintptr_t)&vptr);
    rc_init(NULL);
    rc_mem_fresh(&vptr, sizeof vptr);
    __tsan_vptr_update(&vptr, memory);
    cr_assert_eq(cell[0], 0);
    __tsan_vptr_read(&vptr);
    cr_assert(w_touched(cell[0]) == 0xff && w_written(cell[0]) == 0);
    __tsan_vptr_update(&vptr, memory + 8);
    cr_assert_eq(w_written(cell[0]), 0xff);
}

Test(rc_abi_access, memory_far_apart_has_its_own_shadow)
{
    static const uintptr_t far[] = {0x1000, 0x555555554000, 0x7fffffffe000, 0x2aaa00000000,
                                    0x100000000000};
    rc_init(NULL);
    for (int i = 0; i < 5; i++)
        __tsan_write8((void *)far[i]);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(w_written(*shadow_cell(shadow_find(far[i]), far[i])), 0xff);
    cr_assert_eq(*shadow_cell(shadow_find(far[0]), far[0] + 8), 0);
}
