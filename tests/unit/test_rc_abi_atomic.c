/* test_rc_abi_atomic.c - every atomic function computes what it should, at every size. */
#include <criterion/criterion.h>
#include "rc_double.h"

typedef unsigned __int128 dword;

#define TYPE_8   uint8_t
#define TYPE_16  uint16_t
#define TYPE_32  uint32_t
#define TYPE_64  uint64_t
#define TYPE_128 dword

#define DECLARE(N, T)                                                               \
    T __tsan_atomic##N##_load(const volatile T *, int);                             \
    void __tsan_atomic##N##_store(volatile T *, T, int);                            \
    T __tsan_atomic##N##_exchange(volatile T *, T, int);                            \
    T __tsan_atomic##N##_fetch_add(volatile T *, T, int);                           \
    T __tsan_atomic##N##_fetch_sub(volatile T *, T, int);                           \
    T __tsan_atomic##N##_fetch_and(volatile T *, T, int);                           \
    T __tsan_atomic##N##_fetch_or(volatile T *, T, int);                            \
    T __tsan_atomic##N##_fetch_xor(volatile T *, T, int);                           \
    T __tsan_atomic##N##_fetch_nand(volatile T *, T, int);                          \
    int __tsan_atomic##N##_compare_exchange_strong(volatile T *, T *, T, int, int); \
    int __tsan_atomic##N##_compare_exchange_weak(volatile T *, T *, T, int, int);   \
    T __tsan_atomic##N##_compare_exchange_val(volatile T *, T, T, int, int);

DECLARE(8, uint8_t)
DECLARE(16, uint16_t)
DECLARE(32, uint32_t)
DECLARE(64, uint64_t)
DECLARE(128, dword)
void __tsan_atomic_thread_fence(int), __tsan_atomic_signal_fence(int);

/* One operation: what it returns and what it leaves. */
#define OP(N, name, old, arg, left)                                   \
    do {                                                              \
        v = (old);                                                    \
        cr_assert(__tsan_atomic##N##_##name(&v, (arg), mo) == (old)); \
        cr_assert(v == (TYPE_##N)(left), #name " of %d bits", N);     \
    } while (0)

#define CHECK(N)                                                                            \
    static void check_##N(int mo)                                                           \
    {                                                                                       \
        static volatile TYPE_##N v __attribute__((aligned(16)));                            \
        const TYPE_##N a = (TYPE_##N)((TYPE_##N) - 1 - 0x35), b = 0x5c;                     \
        TYPE_##N expected = b;                                                              \
        OP(N, exchange, a, b, b);                                                           \
        OP(N, fetch_add, a, b, a + b);                                                      \
        OP(N, fetch_sub, a, b, a - b);                                                      \
        OP(N, fetch_and, a, b, a &b);                                                       \
        OP(N, fetch_or, a, b, a | b);                                                       \
        OP(N, fetch_xor, a, b, a ^ b);                                                      \
        OP(N, fetch_nand, a, b, ~(a & b));                                                  \
        __tsan_atomic##N##_store(&v, a, mo);                                                \
        cr_assert(__tsan_atomic##N##_load(&v, mo) == a);                                    \
        cr_assert(__tsan_atomic##N##_compare_exchange_val(&v, b, 1, mo, 0) == a && v == a); \
        cr_assert(__tsan_atomic##N##_compare_exchange_val(&v, a, b, mo, 0) == a && v == b); \
        expected = a;                                                                       \
        cr_assert(!__tsan_atomic##N##_compare_exchange_strong(&v, &expected, a, mo, 0));    \
        cr_assert(expected == b && v == b);                                                 \
        cr_assert(__tsan_atomic##N##_compare_exchange_strong(&v, &expected, a, mo, 0));     \
        cr_assert(!__tsan_atomic##N##_compare_exchange_weak(&v, &expected, 3, mo, 0));      \
        cr_assert(__tsan_atomic##N##_compare_exchange_weak(&v, &expected, 3, mo, 0));       \
        cr_assert(v == 3);                                                                  \
    }
CHECK(8)
CHECK(16)
CHECK(32)
CHECK(64)
CHECK(128)

static void check_all(void)
{
    for (int mo = 0; mo <= 5; mo++) {
        check_8(mo);
        check_16(mo);
        check_32(mo);
        check_64(mo);
        check_128(mo);
        __tsan_atomic_thread_fence(mo);
        __tsan_atomic_signal_fence(mo);
    }
}

Test(rc_abi_atomic, operations_compute_what_they_say)
{
    rc_init(NULL);
    check_all();
    cr_assert_eq(n_reports, 0);
}

Test(rc_abi_atomic, operations_work_without_a_context)
{
    check_all();
    rc_init(NULL);
    rc_switch(NULL);
    check_all();
}
