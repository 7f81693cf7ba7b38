/* Every kind of argument arrives as a plain call would deliver it: scalars of all widths,
 * structures in registers and in memory, mixed until they spill to the stack; also through function
 * pointers. */
// stdout: ok
#include "expect.h"

#include <complex.h>
#include <stdarg.h>

static go_waitgroup wg;

static void integers(signed char a, unsigned char b, short c, unsigned short d, int e, unsigned f,
                     long g, unsigned long h, long long i, unsigned long long j, bool k, char l)
{
    EXPECT(a == -1 && b == 255 && c == -2 && d == 65535 && e == -3 && f == 4000000000u);
    EXPECT(g == -5000000000 && h == 0xfedcba9876543210 && i == -7 && j == 8 && k && l == 'x');
    go_waitgroup_done(&wg);
}

static void floats(float a, double b, float c, double d, float e, double f, float g, double h,
                   float i, double j)
{
    EXPECT(a == 1.5f && b == 2.5 && c == 3.5f && d == 4.5 && e == 5.5f && f == 6.5);
    EXPECT(g == 7.5f && h == 8.5 && i == 9.5f && j == 10.5);
    go_waitgroup_done(&wg);
}

static void long_doubles(long double a, int b, long double c)
{
    EXPECT(a == 1.0L / 3 && b == 2 && c == -1e4000L);
    go_waitgroup_done(&wg);
}

static void complexes(float complex a, double complex b, long double complex c, int d)
{
    EXPECT(crealf(a) == 1 && cimagf(a) == 2 && creal(b) == 3 && cimag(b) == 4);
    EXPECT(creall(c) == 5 && cimagl(c) == 6 && d == 7);
    go_waitgroup_done(&wg);
}

static void wide(__int128 a, int b, __int128 c, int d, __int128 e, __int128 f)
{
    EXPECT(a == (__int128)1 << 100 && b == 2 && c == -3 && d == 4 && e == 5 &&
           f == (__int128)6 << 90);
    go_waitgroup_done(&wg);
}

struct bytes3 {
    char c[3];
};
struct two_ints {
    int a, b;
};
struct mixed {
    double d;
    long l;
};
struct floats3 {
    float a, b, c;
};
/* By value where the processor's calling convention has it so (goshawk/base.h, GO_FITS_). */
#if defined(__x86_64__)
enum { LARGE = 12 };
#else
enum { LARGE = 2 };
#endif
struct large {
    long word[LARGE];
};
struct aligned {
    _Alignas(LARGE > 2 ? 32 : 16) int v;
};

static void structures(struct bytes3 a, struct two_ints b, struct mixed c, struct floats3 d,
                       struct large e, int f, struct large *g)
{
    EXPECT(!memcmp(a.c, "abc", 3) && b.a == 1 && b.b == 2 && c.d == 3.5 && c.l == 4);
    EXPECT(d.a == 5 && d.b == 6 && d.c == 7 && f == 8);
    for (int i = 0; i < LARGE; i++)
        EXPECT(e.word[i] == i * i && g->word[i] == i * i);
    go_waitgroup_done(&wg);
}

static void aligned(int a, struct aligned b, struct large c, struct aligned d)
{
    EXPECT((uintptr_t)&b % _Alignof(struct aligned) == 0 &&
           (uintptr_t)&d % _Alignof(struct aligned) == 0);
    EXPECT(a == 1 && b.v == 2 && c.word[LARGE - 1] == 3 && d.v == 4);
    go_waitgroup_done(&wg);
}

/* Six integer and eight vector registers are taken; the rest goes to the stack, in turns. */
static void spilled(int a, double b, long c, float d, char e, double f, void *g, double h, short i,
                    double j, unsigned k, double l, int m, double n, struct mixed o, double p,
                    int q, double r, struct two_ints s, float t, long double u, int v, char w)
{
    EXPECT(a == 1 && b == 2 && c == 3 && d == 4 && e == 5 && f == 6 && g == &wg && h == 8);
    EXPECT(i == 9 && j == 10 && k == 11 && l == 12 && m == 13 && n == 14);
    EXPECT(o.d == 15.5 && o.l == 15 && p == 16 && q == 17 && r == 18 && s.a == 19 && s.b == 20);
    EXPECT(t == 21 && u == 22.25L && v == 23 && w == 24);
    go_waitgroup_done(&wg);
}

static void variadic(int n, ...)
{
    va_list ap;
    va_start(ap, n);
    for (int i = 0; i < n; i += 2) {
        EXPECT(va_arg(ap, int) == i);
        EXPECT(va_arg(ap, double) == i + 1.5);
    }
    va_end(ap);
    go_waitgroup_done(&wg);
}

static void none(void)
{
    go_waitgroup_done(&wg);
}

static int with_result(int a)
{
    EXPECT(a == 77);
    go_waitgroup_done(&wg);
    return a;
}

static struct two_ints with_small_structure(int a)
{
    go_waitgroup_done(&wg);
    return (struct two_ints){a, a};
}

static void array(const int *a, const char *s)
{
    EXPECT(a[2] == 3 && !strcmp(s, "text"));
    go_waitgroup_done(&wg);
}

static void converted(double d, char c, long l, bool b, float f)
{
    EXPECT(d == 3 && c == 'A' && l == -1 && b && f == 2.0f);
    go_waitgroup_done(&wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct large large;
    for (int i = 0; i < LARGE; i++)
        large.word[i] = i * i;
    struct aligned two = {2}, four = {4};
    struct large third = {{0}};
    third.word[LARGE - 1] = 3;
    int numbers[] = {1, 2, 3}, three = 3;
    double from_double = 65.9, half = 0.5;
    void (*pointer)(void) = none;
    void (*table[2])(void) = {none, none};

    go_waitgroup_add(&wg, 17);
    go(integers, -1, 255, -2, 65535, -3, 4000000000u, -5000000000, 0xfedcba9876543210, -7, 8, true,
       'x');
    go(floats, 1.5f, 2.5, 3.5f, 4.5, 5.5f, 6.5, 7.5f, 8.5, 9.5f, 10.5);
    go(long_doubles, 1.0L / 3, 2, -1e4000L);
    go(complexes, 1 + 2 * I, 3 + 4 * I, 5 + 6 * I, 7);
    go(wide, (__int128)1 << 100, 2, -3, 4, 5, (__int128)6 << 90);
    go(structures, (struct bytes3){"abc"}, ((struct two_ints){1, 2}), ((struct mixed){3.5, 4}),
       ((struct floats3){5, 6, 7}), large, 8, &large);
    go(aligned, 1, two, third, four);
    go(spilled, 1, 2, 3, 4, 5, 6, &wg, 8, 9, 10, 11, 12, 13, 14, ((struct mixed){15.5, 15}), 16, 17,
       18, ((struct two_ints){19, 20}), 21, 22.25, 23, 24);
    go(variadic, 12, 0, 1.5, 2, 3.5, 4, 5.5, 6, 7.5, 8, 9.5, 10, 11.5);
    go(none);
    go(pointer);
    go(*pointer);
    go(table[1]);
    go(with_result, 77);
    go(with_small_structure, 78);
    go(array, numbers, "text");
    go(converted, three, from_double, -1, half, 2);
    go_waitgroup_wait(&wg);
    puts("ok");
    return 0;
}
