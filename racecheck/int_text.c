/* int_text.c - interceptors of numbers in text, wide and multibyte strings.
 *
 * As in int_mem.c: what they touch is what the C standard lets them look at in this call. */
#include "intercept.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static inline size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- numbers ---- */

static void parsed(uintptr_t pc, const char *s, const char *stop, char **end)
{
    struct rc_ctx *c = watched_from(pc);
    saw_read(c, s, (size_t)(stop - s) + 1, pc);
    if (end)
        saw_write(c, end, sizeof *end, pc);
}

#define NUMBER(result, name, real, parameters, arguments) \
    INTERCEPT(result, name, parameters)                   \
    {                                                     \
        char *stop;                                       \
        result v = rt_real_##real arguments;              \
        parsed(PC, s, stop, end);                         \
        if (end)                                          \
            *end = stop;                                  \
        return v;                                         \
    }
#define INTEGER(result, name, real) \
    NUMBER(result, name, real, (const char *s, char **end, int base), (s, &stop, base))
#define FLOAT(result, name) NUMBER(result, name, name, (const char *s, char **end), (s, &stop))
INTEGER(long, strtol, strtol)
INTEGER(unsigned long, strtoul, strtoul)
INTEGER(long long, strtoll, strtoll)
INTEGER(unsigned long long, strtoull, strtoull)
INTEGER(intmax_t, strtoimax, strtol)
INTEGER(uintmax_t, strtoumax, strtoul)
FLOAT(float, strtof)
FLOAT(double, strtod)
FLOAT(long double, strtold)

#define ATO(result, name, call)              \
    INTERCEPT(result, name, (const char *s)) \
    {                                        \
        char *stop;                          \
        result v = (result)call;             \
        parsed(PC, s, stop, NULL);           \
        return v;                            \
    }
ATO(int, atoi, rt_real_strtol(s, &stop, 10))
ATO(long, atol, rt_real_strtol(s, &stop, 10))
ATO(long long, atoll, rt_real_strtoll(s, &stop, 10))
ATO(double, atof, rt_real_strtod(s, &stop))

/* ---- wide characters ---- */

#define WIDE sizeof(wchar_t)

#define WIDE_COPY(name)                                                   \
    INTERCEPT(wchar_t *, name, (wchar_t * d, const wchar_t *s, size_t n)) \
    {                                                                     \
        struct rc_ctx *c = watched_from(PC);                              \
        saw_read(c, s, n *WIDE, PC);                                      \
        saw_write(c, d, n *WIDE, PC);                                     \
        return rt_real_##name(d, s, n);                                   \
    }
WIDE_COPY(wmemcpy)
WIDE_COPY(wmemmove)
WIDE_COPY(wmempcpy)

INTERCEPT(wchar_t *, wmemset, (wchar_t * d, wchar_t v, size_t n))
{
    saw_write(watched_from(PC), d, n * WIDE, PC);
    return rt_real_wmemset(d, v, n);
}

static void compared(uintptr_t pc, const wchar_t *a, const wchar_t *b, size_t n, bool strings)
{
    struct rc_ctx *c = watched_from(pc);
    size_t i = 0;
    while (c && i < n && a[i] == b[i] && !(strings && a[i] == 0))
        i++;
    saw_read(c, a, at_most(i + 1, n) * WIDE, pc);
    saw_read(c, b, at_most(i + 1, n) * WIDE, pc);
}

INTERCEPT(int, wmemcmp, (const wchar_t *a, const wchar_t *b, size_t n))
{
    compared(PC, a, b, n, false);
    return rt_real_wmemcmp(a, b, n);
}

INTERCEPT(int, wcscmp, (const wchar_t *a, const wchar_t *b))
{
    compared(PC, a, b, SIZE_MAX / WIDE, true);
    return rt_real_wcscmp(a, b);
}

INTERCEPT(int, wcsncmp, (const wchar_t *a, const wchar_t *b, size_t n))
{
    compared(PC, a, b, n, true);
    return rt_real_wcsncmp(a, b, n);
}

INTERCEPT(wchar_t *, wmemchr, (const wchar_t *s, wchar_t v, size_t n))
{
    wchar_t *found = rt_real_wmemchr(s, v, n);
    saw_read(watched_from(PC), s, (found ? (size_t)(found - s) + 1 : n) * WIDE, PC);
    return found;
}

INTERCEPT(size_t, wcslen, (const wchar_t *s))
{
    size_t n = rt_real_wcslen(s);
    saw_read(watched_from(PC), s, (n + 1) * WIDE, PC);
    return n;
}

INTERCEPT(size_t, wcsnlen, (const wchar_t *s, size_t max))
{
    size_t n = rt_real_wcsnlen(s, max);
    saw_read(watched_from(PC), s, at_most(n + 1, max) * WIDE, PC);
    return n;
}

INTERCEPT(wchar_t *, wcschr, (const wchar_t *s, wchar_t v))
{
    wchar_t *found = rt_real_wcschr(s, v);
    struct rc_ctx *c = watched_from(PC);
    if (c)
        saw_read(c, s, ((found ? (size_t)(found - s) : rt_real_wcslen(s)) + 1) * WIDE, PC);
    return found;
}

INTERCEPT(wchar_t *, wcsrchr, (const wchar_t *s, wchar_t v))
{
    struct rc_ctx *c = watched_from(PC);
    if (c)
        saw_read(c, s, (rt_real_wcslen(s) + 1) * WIDE, PC);
    return rt_real_wcsrchr(s, v);
}

INTERCEPT(wchar_t *, wcsstr, (const wchar_t *h, const wchar_t *s))
{
    struct rc_ctx *c = watched_from(PC);
    if (c) {
        saw_read(c, h, (rt_real_wcslen(h) + 1) * WIDE, PC);
        saw_read(c, s, (rt_real_wcslen(s) + 1) * WIDE, PC);
    }
    return rt_real_wcsstr(h, s);
}

/* d[at ...] becomes the first n of s, and what stands in rest. */
static void copied(uintptr_t pc, wchar_t *d, size_t at, const wchar_t *s, size_t max,
                   size_t written)
{
    struct rc_ctx *c = watched_from(pc);
    if (!c)
        return;
    size_t n = rt_real_wcsnlen(s, max);
    saw_read(c, s, (n < max ? n + 1 : n) * WIDE, pc);
    if (at > 0)
        saw_read(c, d, at * WIDE, pc);
    saw_write(c, d + at, (written ? written : n + 1) * WIDE, pc);
}

INTERCEPT(wchar_t *, wcscpy, (wchar_t * d, const wchar_t *s))
{
    copied(PC, d, 0, s, SIZE_MAX / WIDE, 0);
    return rt_real_wcscpy(d, s);
}

INTERCEPT(wchar_t *, wcsncpy, (wchar_t * d, const wchar_t *s, size_t n))
{
    if (n > 0)
        copied(PC, d, 0, s, n, n);
    return rt_real_wcsncpy(d, s, n);
}

INTERCEPT(wchar_t *, wcscat, (wchar_t * d, const wchar_t *s))
{
    copied(PC, d, rt_real_wcslen(d), s, SIZE_MAX / WIDE, 0);
    return rt_real_wcscat(d, s);
}

INTERCEPT(wchar_t *, wcsncat, (wchar_t * d, const wchar_t *s, size_t n))
{
    copied(PC, d, rt_real_wcslen(d), s, n, 0);
    return rt_real_wcsncat(d, s, n);
}

/* ---- multibyte strings ---- */

INTERCEPT(size_t, mbstowcs, (wchar_t * d, const char *s, size_t n))
{
    struct rc_ctx *c = watched_from(PC);
    if (c)
        saw_read(c, s, rt_real_strlen(s) + 1, PC);
    size_t got = rt_real_mbstowcs(d, s, n);
    if (d && got != (size_t)-1)
        saw_write(c, d, at_most(got + 1, n) * WIDE, PC);
    return got;
}

INTERCEPT(size_t, wcstombs, (char *d, const wchar_t *s, size_t n))
{
    struct rc_ctx *c = watched_from(PC);
    if (c)
        saw_read(c, s, (rt_real_wcslen(s) + 1) * WIDE, PC);
    size_t got = rt_real_wcstombs(d, s, n);
    if (d && got != (size_t)-1)
        saw_write(c, d, at_most(got + 1, n), PC);
    return got;
}

/* ---- strings that are cut or compared by locale ---- */

INTERCEPT(char *, strtok_r, (char *s, const char *set, char **rest))
{
    struct rc_ctx *c = watched_from(PC);
    char *from = s ? s : *rest;
    char *token = rt_real_strtok_r(s, set, rest);
    if (c) {
        saw_read(c, set, rt_real_strlen(set) + 1, PC);
        saw_write(c, rest, sizeof *rest, PC);
        if (from)
            saw_read(c, from, (size_t)(*rest - from) + (token == NULL), PC);
        if (token && *rest > token && (*rest)[-1] == 0)
            saw_write(c, *rest - 1, 1, PC);
    }
    return token;
}

INTERCEPT(char *, strsep, (char **s, const char *set))
{
    struct rc_ctx *c = watched_from(PC);
    char *token = rt_real_strsep(s, set);
    if (c) {
        saw_read(c, set, rt_real_strlen(set) + 1, PC);
        saw_write(c, s, sizeof *s, PC);
        if (token)
            saw_read(c, token, rt_real_strlen(token) + 1, PC);
        if (token && *s)
            saw_write(c, *s - 1, 1, PC);
    }
    return token;
}

INTERCEPT(void *, memccpy, (void *d, const void *s, int v, size_t n))
{
    char *end = rt_real_memccpy(d, s, v, n);
    struct rc_ctx *c = watched_from(PC);
    size_t k = end ? (size_t)(end - (char *)d) : n;
    saw_read(c, s, k, PC);
    saw_write(c, d, k, PC);
    return end;
}

INTERCEPT(int, strcoll, (const char *a, const char *b))
{
    struct rc_ctx *c = watched_from(PC);
    if (c) {
        saw_read(c, a, rt_real_strlen(a) + 1, PC);
        saw_read(c, b, rt_real_strlen(b) + 1, PC);
    }
    return rt_real_strcoll(a, b);
}

INTERCEPT(size_t, strxfrm, (char *d, const char *s, size_t n))
{
    struct rc_ctx *c = watched_from(PC);
    if (c)
        saw_read(c, s, rt_real_strlen(s) + 1, PC);
    size_t k = rt_real_strxfrm(d, s, n);
    saw_write(c, d, at_most(k + 1, n), PC);
    return k;
}
