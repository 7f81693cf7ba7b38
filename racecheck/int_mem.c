/* int_mem.c - interceptors of memory and string functions.
 *
 * What they touch is what the C standard lets them look at in this call: strcmp reads both strings
 * up to and with the first difference, strchr up to and with the byte found.  Lengths are found
 * with libc's own functions before the race is told. */
#include "intercept.h"
#include <string.h>
#include <strings.h>
#include <ctype.h>

/* This file defines what the compiler would like to call; -fno-builtin is set for it by the
 * build. */

static inline size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- memory ---- */

#define COPY(name, real)                                        \
    INTERCEPT(void *, name, (void *d, const void *s, size_t n)) \
    {                                                           \
        struct rc_ctx *c = watched_from(PC);                    \
        saw_read(c, s, n, PC);                                  \
        saw_write(c, d, n, PC);                                 \
        return rt_real_##real(d, s, n);                         \
    }
COPY(memcpy, memcpy)
COPY(memmove, memmove)
COPY(mempcpy, mempcpy)
COPY(__mempcpy, mempcpy)

_Noreturn void __chk_fail(void);

#define COPY_CHK(name, real)                                                 \
    INTERCEPT(void *, name, (void *d, const void *s, size_t n, size_t room)) \
    {                                                                        \
        struct rc_ctx *c = watched_from(PC);                                 \
        if (n > room)                                                        \
            __chk_fail();                                                    \
        saw_read(c, s, n, PC);                                               \
        saw_write(c, d, n, PC);                                              \
        return rt_real_##real(d, s, n);                                      \
    }
COPY_CHK(__memcpy_chk, memcpy)
COPY_CHK(__memmove_chk, memmove)
COPY_CHK(__mempcpy_chk, mempcpy)

INTERCEPT(void *, memset, (void *d, int v, size_t n))
{
    saw_write(watched_from(PC), d, n, PC);
    return rt_real_memset(d, v, n);
}

INTERCEPT(void *, __memset_chk, (void *d, int v, size_t n, size_t room))
{
    if (n > room)
        __chk_fail();
    saw_write(watched_from(PC), d, n, PC);
    return rt_real_memset(d, v, n);
}

INTERCEPT(void, bzero, (void *d, size_t n))
{
    saw_write(watched_from(PC), d, n, PC);
    rt_real_bzero(d, n);
}

INTERCEPT(void, bcopy, (const void *s, void *d, size_t n))
{
    struct rc_ctx *c = watched_from(PC);
    saw_read(c, s, n, PC);
    saw_write(c, d, n, PC);
    rt_real_bcopy(s, d, n);
}

/* Bytes that a comparison needs to see. */
static size_t compared(const unsigned char *a, const unsigned char *b, size_t n)
{
    size_t i = 0;
    while (i < n && a[i] == b[i])
        i++;
    return at_most(i + 1, n);
}

#define COMPARE(name)                                              \
    INTERCEPT(int, name, (const void *a, const void *b, size_t n)) \
    {                                                              \
        struct rc_ctx *c = watched_from(PC);                       \
        if (c) {                                                   \
            size_t k = compared(a, b, n);                          \
            saw_read(c, a, k, PC);                                 \
            saw_read(c, b, k, PC);                                 \
        }                                                          \
        return rt_real_##name(a, b, n);                            \
    }
COMPARE(memcmp)
COMPARE(bcmp)

INTERCEPT(void *, memchr, (const void *s, int v, size_t n))
{
    char *found = rt_real_memchr(s, v, n);
    saw_read(watched_from(PC), s, found ? (size_t)(found - (const char *)s) + 1 : n, PC);
    return found;
}

INTERCEPT(void *, memrchr, (const void *s, int v, size_t n))
{
    char *found = rt_real_memrchr(s, v, n), *end = (char *)(uintptr_t)s + n;
    const char *from = found ? found : s;
    saw_read(watched_from(PC), from, (size_t)(end - from), PC);
    return found;
}

INTERCEPT(void *, memmem, (const void *h, size_t hn, const void *s, size_t n))
{
    struct rc_ctx *c = watched_from(PC);
    char *found = rt_real_memmem(h, hn, s, n);
    saw_read(c, s, n, PC);
    saw_read(c, h, found ? (size_t)(found - (const char *)h) + n : hn, PC);
    return found;
}

/* ---- strings ---- */

INTERCEPT(size_t, strlen, (const char *s))
{
    size_t n = rt_real_strlen(s);
    saw_read(watched_from(PC), s, n + 1, PC);
    return n;
}

INTERCEPT(size_t, strnlen, (const char *s, size_t max))
{
    size_t n = rt_real_strnlen(s, max);
    saw_read(watched_from(PC), s, at_most(n + 1, max), PC);
    return n;
}

static void copied_string(uintptr_t pc, char *d, const char *s)
{
    struct rc_ctx *c = watched_from(pc);
    if (!c)
        return;
    size_t n = rt_real_strlen(s) + 1;
    saw_read(c, s, n, pc);
    saw_write(c, d, n, pc);
}

static void copied_padded(uintptr_t pc, char *d, const char *s, size_t n)
{
    struct rc_ctx *c = watched_from(pc);
    if (!c)
        return;
    saw_read(c, s, at_most(rt_real_strnlen(s, n) + 1, n), pc);
    saw_write(c, d, n, pc);
}

static void appended(uintptr_t pc, char *d, const char *s, size_t max)
{
    struct rc_ctx *c = watched_from(pc);
    if (!c)
        return;
    size_t at = rt_real_strlen(d), n = rt_real_strnlen(s, max);
    saw_read(c, s, n < max ? n + 1 : n, pc);
    saw_read(c, d, at + 1, pc);
    saw_write(c, d + at, n + 1, pc);
}

static void check_room(size_t n, size_t room)
{
    if (n > room)
        __chk_fail();
}

INTERCEPT(char *, strcpy, (char *d, const char *s))
{
    copied_string(PC, d, s);
    return rt_real_strcpy(d, s);
}

INTERCEPT(char *, stpcpy, (char *d, const char *s))
{
    copied_string(PC, d, s);
    return rt_real_stpcpy(d, s);
}

INTERCEPT(char *, __stpcpy, (char *d, const char *s))
{
    copied_string(PC, d, s);
    return rt_real_stpcpy(d, s);
}

INTERCEPT(char *, __strcpy_chk, (char *d, const char *s, size_t room))
{
    check_room(rt_real_strlen(s) + 1, room);
    copied_string(PC, d, s);
    return rt_real_strcpy(d, s);
}

INTERCEPT(char *, __stpcpy_chk, (char *d, const char *s, size_t room))
{
    check_room(rt_real_strlen(s) + 1, room);
    copied_string(PC, d, s);
    return rt_real_stpcpy(d, s);
}

INTERCEPT(char *, strncpy, (char *d, const char *s, size_t n))
{
    copied_padded(PC, d, s, n);
    return rt_real_strncpy(d, s, n);
}

INTERCEPT(char *, stpncpy, (char *d, const char *s, size_t n))
{
    copied_padded(PC, d, s, n);
    return rt_real_stpncpy(d, s, n);
}

INTERCEPT(char *, __strncpy_chk, (char *d, const char *s, size_t n, size_t room))
{
    check_room(n, room);
    copied_padded(PC, d, s, n);
    return rt_real_strncpy(d, s, n);
}

INTERCEPT(char *, __stpncpy_chk, (char *d, const char *s, size_t n, size_t room))
{
    check_room(n, room);
    copied_padded(PC, d, s, n);
    return rt_real_stpncpy(d, s, n);
}

INTERCEPT(char *, strcat, (char *d, const char *s))
{
    appended(PC, d, s, SIZE_MAX);
    return rt_real_strcat(d, s);
}

INTERCEPT(char *, strncat, (char *d, const char *s, size_t n))
{
    appended(PC, d, s, n);
    return rt_real_strncat(d, s, n);
}

INTERCEPT(char *, __strcat_chk, (char *d, const char *s, size_t room))
{
    check_room(rt_real_strlen(d) + rt_real_strlen(s) + 1, room);
    appended(PC, d, s, SIZE_MAX);
    return rt_real_strcat(d, s);
}

INTERCEPT(char *, __strncat_chk, (char *d, const char *s, size_t n, size_t room))
{
    check_room(rt_real_strlen(d) + rt_real_strnlen(s, n) + 1, room);
    appended(PC, d, s, n);
    return rt_real_strncat(d, s, n);
}

static void compared_strings(uintptr_t pc, const char *a, const char *b, size_t max, bool fold)
{
    struct rc_ctx *c = watched_from(pc);
    size_t i = 0;
    if (!c)
        return;
    while (i < max && a[i] &&
           (fold ? tolower((unsigned char)a[i]) == tolower((unsigned char)b[i]) : a[i] == b[i]))
        i++;
    saw_read(c, a, at_most(i + 1, max), pc);
    saw_read(c, b, at_most(i + 1, max), pc);
}

INTERCEPT(int, strcmp, (const char *a, const char *b))
{
    compared_strings(PC, a, b, SIZE_MAX, false);
    return rt_real_strcmp(a, b);
}

INTERCEPT(int, strncmp, (const char *a, const char *b, size_t n))
{
    compared_strings(PC, a, b, n, false);
    return rt_real_strncmp(a, b, n);
}

INTERCEPT(int, strcasecmp, (const char *a, const char *b))
{
    compared_strings(PC, a, b, SIZE_MAX, true);
    return rt_real_strcasecmp(a, b);
}

INTERCEPT(int, strncasecmp, (const char *a, const char *b, size_t n))
{
    compared_strings(PC, a, b, n, true);
    return rt_real_strncasecmp(a, b, n);
}

INTERCEPT(char *, strchr, (const char *s, int v))
{
    struct rc_ctx *c = watched_from(PC);
    char *found = rt_real_strchr(s, v);
    if (c)
        saw_read(c, s, found ? (size_t)(found - s) + 1 : rt_real_strlen(s) + 1, PC);
    return found;
}

INTERCEPT(char *, strchrnul, (const char *s, int v))
{
    char *found = rt_real_strchrnul(s, v);
    saw_read(watched_from(PC), s, (size_t)(found - s) + 1, PC);
    return found;
}

/* Functions that read the whole of their strings, or may. */
static void whole(uintptr_t pc, const char *a, const char *b)
{
    struct rc_ctx *c = watched_from(pc);
    if (!c)
        return;
    saw_read(c, a, rt_real_strlen(a) + 1, pc);
    if (b)
        saw_read(c, b, rt_real_strlen(b) + 1, pc);
}

INTERCEPT(char *, strrchr, (const char *s, int v))
{
    whole(PC, s, NULL);
    return rt_real_strrchr(s, v);
}

INTERCEPT(char *, strstr, (const char *h, const char *s))
{
    whole(PC, h, s);
    return rt_real_strstr(h, s);
}

INTERCEPT(char *, strcasestr, (const char *h, const char *s))
{
    whole(PC, h, s);
    return rt_real_strcasestr(h, s);
}

static void spanned(uintptr_t pc, const char *s, const char *set, size_t n)
{
    struct rc_ctx *c = watched_from(pc);
    if (!c)
        return;
    saw_read(c, s, n + 1, pc);
    saw_read(c, set, rt_real_strlen(set) + 1, pc);
}

INTERCEPT(size_t, strspn, (const char *s, const char *set))
{
    size_t n = rt_real_strspn(s, set);
    spanned(PC, s, set, n);
    return n;
}

INTERCEPT(size_t, strcspn, (const char *s, const char *set))
{
    size_t n = rt_real_strcspn(s, set);
    spanned(PC, s, set, n);
    return n;
}

INTERCEPT(char *, strpbrk, (const char *s, const char *set))
{
    spanned(PC, s, set, rt_real_strcspn(s, set));
    return rt_real_strpbrk(s, set);
}

/* ---- sorting: the comparisons are seen by themselves, the moves are not ---- */

INTERCEPT(void, qsort, (void *b, size_t n, size_t each, int (*cmp)(const void *, const void *)))
{
    if (n > 1)
        saw_write(watched_from(PC), b, n * each, PC);
    rt_real_qsort(b, n, each, cmp);
}

INTERCEPT(void, qsort_r,
          (void *b, size_t n, size_t each, int (*cmp)(const void *, const void *, void *),
           void *arg))
{
    if (n > 1)
        saw_write(watched_from(PC), b, n * each, PC);
    rt_real_qsort_r(b, n, each, cmp, arg);
}

INTERCEPT(void, swab, (const void *restrict from, void *restrict to, ssize_t n))
{
    struct rc_ctx *c = watched_from(PC);
    size_t bytes = n > 0 ? (size_t)n & ~(size_t)1 : 0;
    saw_read(c, from, bytes, PC);
    saw_write(c, to, bytes, PC);
    rt_real_swab(from, to, n);
}

INTERCEPT(void, explicit_bzero, (void *p, size_t n))
{
    saw_write(watched_from(PC), p, n, PC);
    rt_real_explicit_bzero(p, n);
}
