/* goshawk/base.h - what every other header needs.  Names that end in _ are not for programs. */
#ifndef GOSHAWK_BASE_H
#define GOSHAWK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define GO_BEGIN_DECLS_ extern "C" {
#define GO_END_DECLS_   }
#define GO_NORETURN_    [[noreturn]]
#else
#define GO_BEGIN_DECLS_
#define GO_END_DECLS_
#define GO_NORETURN_ _Noreturn
#endif

#define GO_API_ __attribute__((visibility("default")))

/* Version of the headers; go_version() gives the library's. */
#define GO_VERSION "0.1.0"

#if defined(__SANITIZE_THREAD__)
#define GO_RACE_OBJECT_ 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GO_RACE_OBJECT_ 1
#endif
#endif

GO_BEGIN_DECLS_

/* An object knows which library it was compiled for; the wrong one does not define its symbol. */
#ifndef GO_NO_VARIANT_CHECK_
#ifdef GO_RACE_OBJECT_
extern const char go_object_was_compiled_with_race__link_with_goshawk_cc_race;
#define GO_VARIANT_ go_object_was_compiled_with_race__link_with_goshawk_cc_race
#else
extern const char go_object_was_compiled_without_race__link_without_race;
#define GO_VARIANT_ go_object_was_compiled_without_race__link_without_race
#endif
static const char *const go_variant_ __attribute__((used)) = &GO_VARIANT_;
#endif

/* Returns the library's version, for example "0.1.0". */
GO_API_ const char *go_version(void);

GO_END_DECLS_

/* GO_NARGS_(a, b, c) is 3; 1 to 24 arguments. */
#define GO_NARGS_(...)                                                                            \
    GO_NARGS_N_(__VA_ARGS__, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, \
                6, 5, 4, 3, 2, 1, 0)
#define GO_NARGS_N_(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, \
                    a18, a19, a20, a21, a22, a23, a24, n, ...)                                  \
    n
#define GO_CAT_(a, b)  GO_CAT__(a, b)
#define GO_CAT__(a, b) a##b

/* AArch64 passes a structure of more than 16 bytes as the address of a copy in the caller's frame,
 * which does not outlive the call that the stub answers. */
#if defined(__aarch64__) && !defined(__cplusplus)
#define GO_FITS_(x)                                                          \
    (0 * sizeof(struct {                                                     \
         int a_structure_of_more_than_16_bytes_must_be_passed_by_its_address \
             : __builtin_classify_type(x) >= 12 &&                           \
                 sizeof(x) > 16                                              \
             ? -1                                                            \
             : 1;                                                            \
     }))
#else
#define GO_FITS_(x) 0
#endif

/* Upper bound of the stack bytes that the arguments may take: each its size in 16-byte steps and
 * at least 32, for whatever type a parameter converts it to. */
#define GO_ARG_(x)                                         \
    (GO_FITS_(x) + (sizeof(__typeof__((void)0, (x))) <= 32 \
                        ? 32                               \
                        : (sizeof(__typeof__((void)0, (x))) + 31) & ~15ul))
#define GO_SUM_1_(f)          0
#define GO_SUM_2_(f, a)       GO_ARG_(a)
#define GO_SUM_3_(f, a, ...)  GO_ARG_(a) + GO_SUM_2_(f, __VA_ARGS__)
#define GO_SUM_4_(f, a, ...)  GO_ARG_(a) + GO_SUM_3_(f, __VA_ARGS__)
#define GO_SUM_5_(f, a, ...)  GO_ARG_(a) + GO_SUM_4_(f, __VA_ARGS__)
#define GO_SUM_6_(f, a, ...)  GO_ARG_(a) + GO_SUM_5_(f, __VA_ARGS__)
#define GO_SUM_7_(f, a, ...)  GO_ARG_(a) + GO_SUM_6_(f, __VA_ARGS__)
#define GO_SUM_8_(f, a, ...)  GO_ARG_(a) + GO_SUM_7_(f, __VA_ARGS__)
#define GO_SUM_9_(f, a, ...)  GO_ARG_(a) + GO_SUM_8_(f, __VA_ARGS__)
#define GO_SUM_10_(f, a, ...) GO_ARG_(a) + GO_SUM_9_(f, __VA_ARGS__)
#define GO_SUM_11_(f, a, ...) GO_ARG_(a) + GO_SUM_10_(f, __VA_ARGS__)
#define GO_SUM_12_(f, a, ...) GO_ARG_(a) + GO_SUM_11_(f, __VA_ARGS__)
#define GO_SUM_13_(f, a, ...) GO_ARG_(a) + GO_SUM_12_(f, __VA_ARGS__)
#define GO_SUM_14_(f, a, ...) GO_ARG_(a) + GO_SUM_13_(f, __VA_ARGS__)
#define GO_SUM_15_(f, a, ...) GO_ARG_(a) + GO_SUM_14_(f, __VA_ARGS__)
#define GO_SUM_16_(f, a, ...) GO_ARG_(a) + GO_SUM_15_(f, __VA_ARGS__)
#define GO_SUM_17_(f, a, ...) GO_ARG_(a) + GO_SUM_16_(f, __VA_ARGS__)
#define GO_SUM_18_(f, a, ...) GO_ARG_(a) + GO_SUM_17_(f, __VA_ARGS__)
#define GO_SUM_19_(f, a, ...) GO_ARG_(a) + GO_SUM_18_(f, __VA_ARGS__)
#define GO_SUM_20_(f, a, ...) GO_ARG_(a) + GO_SUM_19_(f, __VA_ARGS__)
#define GO_SUM_21_(f, a, ...) GO_ARG_(a) + GO_SUM_20_(f, __VA_ARGS__)
#define GO_SUM_22_(f, a, ...) GO_ARG_(a) + GO_SUM_21_(f, __VA_ARGS__)
#define GO_SUM_23_(f, a, ...) GO_ARG_(a) + GO_SUM_22_(f, __VA_ARGS__)
#define GO_SUM_24_(f, a, ...) GO_ARG_(a) + GO_SUM_23_(f, __VA_ARGS__)
/* f, args... -> bytes */
#define GO_STACKED_(...) (GO_CAT_(GO_CAT_(GO_SUM_, GO_NARGS_(__VA_ARGS__)), _)(__VA_ARGS__))

/* f -> 0_;  f, args... -> 1_: words that no program can have defined as macros */
#define GO_SHAPE_(...)                                                                           \
    GO_NARGS_N_(__VA_ARGS__, 1_, 1_, 1_, 1_, 1_, 1_, 1_, 1_, 1_, 1_, 1_, 1_, 1_, 1_, 1_, 1_, 1_, \
                1_, 1_, 1_, 1_, 1_, 1_, 0_, 0)
#define GO_FIRST_(...)     GO_FIRST__(__VA_ARGS__, 0)
#define GO_FIRST__(f, ...) f

/* Calls through go_fn_'s type; GO_CALL_(to, f, args...) makes the call to(args...). */
#define GO_CALL_(to, ...) GO_CAT_(GO_CALL_, GO_SHAPE_(__VA_ARGS__))(to, __VA_ARGS__)
#define GO_CALL_0_(to, f) (to)()
#if defined(GO_RACE_OBJECT_) && !defined(__cplusplus)
#define GO_CALL_1_(to, f, ...) \
    (to)(GO_CAT_(GO_CAT_(GO_READ_, GO_NARGS_(__VA_ARGS__)), _)(__VA_ARGS__))
#else
#define GO_CALL_1_(to, f, ...) (to)(__VA_ARGS__)
#endif

/* Compilers do not instrument the read of a structure that is an argument (gcc none, clang not all
 * sizes), but they do instrument its assignment to a variable that has to lie in memory. */
#define GO_READ_1_(x) GO_READ_(GO_CAT_(go_read_, __COUNTER__), x)
#define GO_READ_(t, x)                                                      \
    __builtin_choose_expr(__builtin_classify_type(x) >= 12, __extension__({ \
                              __typeof__((void)0, (x)) t = (x);             \
                              __asm__ volatile("" : : "m"(t));              \
                              t;                                            \
                          }),                                               \
                          (x))
#define GO_READ_2_(x, ...)  GO_READ_1_(x), GO_READ_1_(__VA_ARGS__)
#define GO_READ_3_(x, ...)  GO_READ_1_(x), GO_READ_2_(__VA_ARGS__)
#define GO_READ_4_(x, ...)  GO_READ_1_(x), GO_READ_3_(__VA_ARGS__)
#define GO_READ_5_(x, ...)  GO_READ_1_(x), GO_READ_4_(__VA_ARGS__)
#define GO_READ_6_(x, ...)  GO_READ_1_(x), GO_READ_5_(__VA_ARGS__)
#define GO_READ_7_(x, ...)  GO_READ_1_(x), GO_READ_6_(__VA_ARGS__)
#define GO_READ_8_(x, ...)  GO_READ_1_(x), GO_READ_7_(__VA_ARGS__)
#define GO_READ_9_(x, ...)  GO_READ_1_(x), GO_READ_8_(__VA_ARGS__)
#define GO_READ_10_(x, ...) GO_READ_1_(x), GO_READ_9_(__VA_ARGS__)
#define GO_READ_11_(x, ...) GO_READ_1_(x), GO_READ_10_(__VA_ARGS__)
#define GO_READ_12_(x, ...) GO_READ_1_(x), GO_READ_11_(__VA_ARGS__)
#define GO_READ_13_(x, ...) GO_READ_1_(x), GO_READ_12_(__VA_ARGS__)
#define GO_READ_14_(x, ...) GO_READ_1_(x), GO_READ_13_(__VA_ARGS__)
#define GO_READ_15_(x, ...) GO_READ_1_(x), GO_READ_14_(__VA_ARGS__)
#define GO_READ_16_(x, ...) GO_READ_1_(x), GO_READ_15_(__VA_ARGS__)
#define GO_READ_17_(x, ...) GO_READ_1_(x), GO_READ_16_(__VA_ARGS__)
#define GO_READ_18_(x, ...) GO_READ_1_(x), GO_READ_17_(__VA_ARGS__)
#define GO_READ_19_(x, ...) GO_READ_1_(x), GO_READ_18_(__VA_ARGS__)
#define GO_READ_20_(x, ...) GO_READ_1_(x), GO_READ_19_(__VA_ARGS__)
#define GO_READ_21_(x, ...) GO_READ_1_(x), GO_READ_20_(__VA_ARGS__)
#define GO_READ_22_(x, ...) GO_READ_1_(x), GO_READ_21_(__VA_ARGS__)
#define GO_READ_23_(x, ...) GO_READ_1_(x), GO_READ_22_(__VA_ARGS__)
#define GO_READ_24_(x, ...) GO_READ_1_(x), GO_READ_23_(__VA_ARGS__)

#ifdef __cplusplus
#define GO_CHECK_RESULT_(...)
#else
#define GO_CHECK_RESULT_(...)                                                                 \
    _Static_assert(sizeof(__typeof__(GO_CALL_((GO_FIRST_(__VA_ARGS__)), __VA_ARGS__))) <= 16, \
                   "a function that returns a structure in memory cannot be started")
#endif

#endif
