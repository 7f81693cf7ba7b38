/* int_print.c - interceptors of printf, scanf and their kin.
 *
 * The format is walked beside libc to see which memory the arguments name: printf reads strings
 * (%s, %ls) as far as their precision lets it and writes counts (%n); scanf writes what it was
 * given for each conversion that succeeded.  Formats with numbered arguments (%1$s) are read but
 * not walked: their types come in no order.
 *
 * A stream over a pipe or socket carries order like its descriptor; other streams order nothing. */
#include "fds.h"
#include "intercept.h"
#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

struct walk {
    struct rc_ctx *c;
    uintptr_t pc;
    va_list ap;
    bool stop; /* something that cannot be walked */
};

enum length { L_INT, L_CHAR, L_SHORT, L_LONG, L_LLONG, L_MAX, L_SIZE, L_PTRDIFF, L_LDOUBLE };

static enum length length_of(const char **f)
{
    static const char letters[] = "hljztLq";
    static const enum length one[] = {L_SHORT,   L_LONG,    L_MAX,  L_SIZE,
                                      L_PTRDIFF, L_LDOUBLE, L_LLONG};
    const char *at = **f ? rt_real_strchr(letters, **f) : NULL;
    if (!at)
        return L_INT;
    if ((*f)[0] == (*f)[1] && (**f == 'h' || **f == 'l')) {
        *f += 2;
        return (*f)[-1] == 'h' ? L_CHAR : L_LLONG;
    }
    ++*f;
    return one[at - letters];
}

static size_t bytes_of(enum length l)
{
    static const size_t bytes[] = {
        [L_INT] = sizeof(int),
        [L_CHAR] = 1,
        [L_SHORT] = sizeof(short),
        [L_LONG] = sizeof(long),
        [L_LLONG] = sizeof(long long),
        [L_MAX] = sizeof(intmax_t),
        [L_SIZE] = sizeof(size_t),
        [L_PTRDIFF] = sizeof(ptrdiff_t),
        [L_LDOUBLE] = sizeof(long double),
    };
    return bytes[l];
}

/* ---- printf ---- */

static void reads_string(struct walk *k, const char *s, size_t max)
{
    if (s) {
        size_t n = rt_real_strnlen(s, max);
        saw_read(k->c, s, n < max ? n + 1 : n, k->pc);
    }
}

static void reads_wide_string(struct walk *k, const wchar_t *s, size_t max)
{
    size_t n = 0;
    while (s && n < max && s[n])
        n++;
    if (s)
        saw_read(k->c, s, (n < max ? n + 1 : n) * sizeof *s, k->pc);
}

/* A width or precision: digits, or an argument; -1: none. */
static int number(struct walk *k, const char **f)
{
    int n = -1;
    if (**f == '*') {
        ++*f;
        n = va_arg(k->ap, int);
    }
    for (; isdigit((unsigned char)**f); ++*f)
        n = (n < 0 ? 0 : n) * 10 + (**f - '0');
    k->stop |= **f == '$';
    return n;
}

static void printed(struct walk *k, char conversion, enum length l, int precision)
{
    size_t max = precision < 0 ? SIZE_MAX : (size_t)precision;
    switch (conversion) {
    case 's':
        if (l != L_LONG) {
            reads_string(k, va_arg(k->ap, const char *), max);
            break;
        } /* fall through */
    case 'S':
        reads_wide_string(k, va_arg(k->ap, const wchar_t *), max);
        break;
    case 'n':
        saw_write(k->c, va_arg(k->ap, void *), bytes_of(l), k->pc);
        break;
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        if (bytes_of(l) > sizeof(int))
            (void)va_arg(k->ap, long);
        else
            (void)va_arg(k->ap, int);
        break;
    case 'c':
    case 'C':
        (void)va_arg(k->ap, int);
        break;
    case 'p':
        (void)va_arg(k->ap, void *);
        break;
    case 'm':
    case '%':
        break;
    default:
        if (conversion && rt_real_strchr("aAeEfFgG", conversion)) {
            if (l == L_LDOUBLE)
                (void)va_arg(k->ap, long double);
            else
                (void)va_arg(k->ap, double);
        } else {
            k->stop = true;
        }
    }
}

/* What printing by that format touches besides its result. */
static void prints(uintptr_t pc, const char *f, va_list ap)
{
    struct walk k = {.c = watched_from(pc), .pc = pc};
    if (!k.c)
        return;
    saw_read(k.c, f, rt_real_strlen(f) + 1, pc);
    va_copy(k.ap, ap);
    while (!k.stop && (f = rt_real_strchrnul(f, '%')) && *f) {
        f++;
        while (*f && rt_real_strchr("-+ #0'I", *f))
            f++;
        number(&k, &f);
        int precision = -1;
        if (*f == '.' && !k.stop) {
            f++;
            precision = number(&k, &f);
            precision = precision < 0 && f[-1] == '.' ? 0 : precision;
        }
        enum length l = length_of(&f);
        if (!k.stop)
            printed(&k, *f, l, precision);
        f += *f != 0;
    }
    va_end(k.ap);
}

static void to_stream(uintptr_t pc, FILE *f, const char *format, va_list ap)
{
    prints(pc, format, ap);
    fds_stream_sends(f);
}

#define WITH_ARGUMENTS(last, call) \
    va_list ap;                    \
    va_start(ap, last);            \
    int n = call;                  \
    va_end(ap);                    \
    return n;

static inline size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int into_memory(uintptr_t pc, char *d, size_t room, const char *f, va_list ap)
{
    prints(pc, f, ap);
    int n = rt_real_vsnprintf(d, room, f, ap);
    if (n >= 0 && room > 0)
        saw_write(watched_from(pc), d, at_most((size_t)n + 1, room), pc);
    return n;
}

static int into_string(uintptr_t pc, char *d, const char *f, va_list ap)
{
    prints(pc, f, ap);
    int n = rt_real_vsprintf(d, f, ap);
    if (n >= 0)
        saw_write(watched_from(pc), d, (size_t)n + 1, pc);
    return n;
}

static int into_new(uintptr_t pc, char **ret, const char *f, va_list ap)
{
    struct rc_ctx *c = watched_from(pc);
    prints(pc, f, ap);
    int n = rt_real_vasprintf(ret, f, ap);
    saw_write(c, ret, sizeof *ret, pc);
    if (n >= 0)
        saw_write(c, *ret, (size_t)n + 1, pc);
    return n;
}

static int into_stream(uintptr_t pc, FILE *s, const char *f, va_list ap)
{
    to_stream(pc, s, f, ap);
    return rt_real_vfprintf(s, f, ap);
}

static int into_descriptor(uintptr_t pc, int fd, const char *f, va_list ap)
{
    prints(pc, f, ap);
    rc_fd_sends(watched(), fd);
    return rt_real_vdprintf(fd, f, ap);
}

/* Each function with its arguments spelled out, and with a va_list. */
#define PRINT(name, parameters, arguments)                                                       \
    INTERCEPT(int, name, (RC_REMOVE parameters, const char *f, ...)){WITH_ARGUMENTS(             \
        f, PRINT_##name(PC, RC_REMOVE arguments, f, ap))} INTERCEPT(int, v##name,                \
                                                                    (RC_REMOVE parameters,       \
                                                                     const char *f, va_list ap)) \
    {                                                                                            \
        return PRINT_##name(PC, RC_REMOVE arguments, f, ap);                                     \
    }
#define RC_REMOVE(...) __VA_ARGS__
#define PRINT_snprintf into_memory
#define PRINT_sprintf  into_string
#define PRINT_asprintf into_new
#define PRINT_fprintf  into_stream
#define PRINT_dprintf  into_descriptor
PRINT(snprintf, (char *d, size_t room), (d, room))
PRINT(sprintf, (char *d), (d))
PRINT(asprintf, (char **ret), (ret))
PRINT(fprintf, (FILE * s), (s))
PRINT(dprintf, (int fd), (fd))

INTERCEPT(int, printf, (const char *f, ...)){WITH_ARGUMENTS(f, into_stream(PC, stdout, f, ap))}

INTERCEPT(int, vprintf, (const char *f, va_list ap))
{
    return into_stream(PC, stdout, f, ap);
}

/* ---- scanf ---- */

/* Behind a set's closing bracket. */
static const char *after_set(const char *f)
{
    f += *f == '^';
    f += *f == ']';
    while (*f && *f != ']')
        f++;
    return f + (*f == ']');
}

/* One conversion that succeeded stored into p. */
static void stored(struct walk *k, char conversion, enum length l, int width, void *p)
{
    size_t each = l == L_LONG || conversion == 'S' || conversion == 'C' ? sizeof(wchar_t) : 1,
           n = 0;
    switch (conversion) {
    case 's':
    case 'S':
    case '[':
        while (each == 1 ? ((char *)p)[n] != 0 : ((wchar_t *)p)[n] != 0)
            n++;
        saw_write(k->c, p, (n + 1) * each, k->pc);
        break;
    case 'c':
    case 'C':
        saw_write(k->c, p, (width < 1 ? 1 : (size_t)width) * each, k->pc);
        break;
    case 'p':
        saw_write(k->c, p, sizeof(void *), k->pc);
        break;
    default:
        if (rt_real_strchr("aAeEfFgG", conversion))
            saw_write(k->c, p,
                      l == L_LONG      ? sizeof(double)
                      : l == L_LDOUBLE ? sizeof(long double)
                                       : sizeof(float),
                      k->pc);
        else
            saw_write(k->c, p, bytes_of(l), k->pc);
    }
}

/* What a scan that assigned n values by that format has written. */
static void scanned(uintptr_t pc, const char *f, va_list ap, int n)
{
    struct walk k = {.c = watched_from(pc), .pc = pc};
    if (!k.c)
        return;
    saw_read(k.c, f, rt_real_strlen(f) + 1, pc);
    va_copy(k.ap, ap);
    while (!k.stop && n >= 0 && (f = rt_real_strchrnul(f, '%')) && *f) {
        if (*++f == '%') {
            f++;
            continue;
        }
        bool skip = *f == '*', allocates;
        f += skip;
        int width = number(&k, &f);
        f += allocates = *f == 'm';
        enum length l = length_of(&f);
        char conversion = *f;
        f += conversion != 0;
        if (conversion == '[')
            f = after_set(f);
        if (conversion == 0 || skip || k.stop)
            continue;
        if (conversion != 'n' && n-- == 0)
            break;
        void *p = va_arg(k.ap, void *);
        if (allocates) {
            saw_write(k.c, p, sizeof(void *), pc);
            p = *(void **)p;
        }
        stored(&k, conversion, l, width, p);
    }
    va_end(k.ap);
}

static int from_stream(uintptr_t pc, FILE *s, const char *f, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = rt_real_vfscanf(s, f, ap);
    fds_stream_received(s);
    scanned(pc, f, again, n);
    va_end(again);
    return n;
}

static int from_string(uintptr_t pc, const char *s, const char *f, va_list ap)
{
    struct rc_ctx *c = watched_from(pc);
    va_list again;
    va_copy(again, ap);
    if (c)
        saw_read(c, s, rt_real_strlen(s) + 1, pc);
    int n = rt_real_vsscanf(s, f, ap);
    scanned(pc, f, again, n);
    va_end(again);
    return n;
}

/* As glibc's headers name them. */
#define SCAN(name, from, ...)                               \
    INTERCEPT(int, name, (__VA_ARGS__, const char *f, ...)) \
    {                                                       \
        WITH_ARGUMENTS(f, from(PC, s, f, ap))               \
    }
#define VSCAN(name, from, ...)                                     \
    INTERCEPT(int, name, (__VA_ARGS__, const char *f, va_list ap)) \
    {                                                              \
        return from(PC, s, f, ap);                                 \
    }
SCAN(__isoc99_sscanf, from_string, const char *s)
SCAN(__isoc99_fscanf, from_stream, FILE *s)
VSCAN(__isoc99_vsscanf, from_string, const char *s)
VSCAN(__isoc99_vfscanf, from_stream, FILE *s)

INTERCEPT(int, __isoc99_scanf,
          (const char *f, ...)){WITH_ARGUMENTS(f, from_stream(PC, stdin, f, ap))}

INTERCEPT(int, __isoc99_vscanf, (const char *f, va_list ap))
{
    return from_stream(PC, stdin, f, ap);
}

/* What old dialects of C call: the headers would make the new names of these. */
int old_sscanf(const char *s, const char *f, ...) __asm__("sscanf");
int old_fscanf(FILE *s, const char *f, ...) __asm__("fscanf");
int old_vsscanf(const char *s, const char *f, va_list ap) __asm__("vsscanf");
int old_vfscanf(FILE *s, const char *f, va_list ap) __asm__("vfscanf");
int old_scanf(const char *f, ...) __asm__("scanf");
SCAN(old_sscanf, from_string, const char *s)
SCAN(old_fscanf, from_stream, FILE *s)
VSCAN(old_vsscanf, from_string, const char *s)
VSCAN(old_vfscanf, from_stream, FILE *s)

INTERCEPT(int, old_scanf, (const char *f, ...))
{
    WITH_ARGUMENTS(f, from_stream(PC, stdin, f, ap))
}
