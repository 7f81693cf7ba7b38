/* Power series by demand: a series is a goroutine that sends the next coefficient when it is asked
 * for one.  Sums, products, substitution and solutions of differential equations are goroutines
 * over others, split as often as needed, so a few lines make hundreds of goroutines that wait for
 * each other by channels and select. */
// procs: 1,2,4
// stdout: 1/(1-x): 1 1 1 1 1 1 1 1
// stdout: its square: 1 2 3 4 5 6 7 8
// stdout: its integral: 0 1 1/2 1/3 1/4 1/5 1/6 1/7
// stdout: exp: 1 1 1/2 1/6 1/24 1/120 1/720 1/5040
// stdout: exp * exp(-x): 1 0 0 0 0 0 0 0
// stdout: tan: 0 1 0 1/3 0 2/15 0 17/315
// stdout: 1/exp: 1 -1 1/2 -1/6 1/24 -1/120 1/720 -1/5040
#include "expect.h"

struct rat {
    long num, den;
};

/* ask: an empty message is a request; coefficient: its answer.  Closing ask ends the series. */
struct series {
    go_chan(char) ask;
    go_chan(struct rat) coefficient;
};

static long gcd(long a, long b)
{
    return b ? gcd(b, a % b) : a;
}

static struct rat rat(long num, long den)
{
    long g = gcd(num < 0 ? -num : num, den < 0 ? -den : den);
    g = den < 0 ? -g : g;
    return (struct rat){num / g, den / g};
}

static struct rat add(struct rat a, struct rat b)
{
    return rat(a.num * b.den + b.num * a.den, a.den * b.den);
}

static struct rat mul(struct rat a, struct rat b)
{
    return rat(a.num * b.num, a.den * b.den);
}

static struct series make(void)
{
    return (struct series){go_chan_make(char, 0), go_chan_make(struct rat, 0)};
}

static struct rat get(struct series s)
{
    go_chan_send(s.ask, 1);
    return go_chan_recv(s.coefficient);
}

static void end(struct series s)
{
    go_chan_close(s.ask);
}

/* False: nobody wants more. */
static bool asked(struct series s)
{
    return go_chan_recv_ok(s.ask, NULL);
}

/* ---- one in, two out: what one of them has read the other finds in a list ---- */

enum { KEPT_MAX = 64 };

struct branch {
    struct series s;
    bool open, waits; /* it has asked and has no answer yet */
    int at;
};

/* Gives the branch what it waits for, if it is there; true when it has to be fetched. */
static bool serve(struct branch *b, const struct rat *kept, int n)
{
    if (b->waits && b->at < n) {
        go_chan_send(b->s.coefficient, kept[b->at++]);
        b->waits = false;
    }
    return b->waits;
}

/* While a coefficient is fetched the other branch must be served: it may be what the fetched one
 * depends on. */
static void split_run(struct series from, struct series to_a, struct series to_b)
{
    struct rat kept[KEPT_MAX];
    struct branch a = {to_a, true, false, 0}, b = {to_b, true, false, 0};
    bool fetching = false, ok = true;
    for (int n = 0; a.open || b.open;) {
        bool by_a = serve(&a, kept, n), by_b = serve(&b, kept, n), wanted = by_a || by_b;
        EXPECT(n < KEPT_MAX);
        if (wanted && !fetching) {
            go_chan_send(from.ask, 1);
            fetching = true;
        }
        switch (go_select(go_recv_case(a.open && !a.waits ? a.s.ask : NULL, NULL, &ok),
                          go_recv_case(b.open && !b.waits ? b.s.ask : NULL, NULL, &ok),
                          go_recv_case(fetching ? from.coefficient : NULL, &kept[n]))) {
        case 0:
            a.open = a.waits = ok;
            break;
        case 1:
            b.open = b.waits = ok;
            break;
        case 2:
            fetching = false;
            n++;
            break;
        }
    }
    end(from);
}

static void split(struct series from, struct series *ret_a, struct series *ret_b)
{
    *ret_a = make();
    *ret_b = make();
    go(split_run, from, *ret_a, *ret_b);
}

/* ---- operations: each owns what it reads from ---- */

static void constant_run(struct rat c, struct series s)
{
    while (asked(s))
        go_chan_send(s.coefficient, c);
}

static struct series constant(struct rat c)
{
    struct series s = make();
    go(constant_run, c, s);
    return s;
}

static void sum_run(struct series a, struct series b, struct series s)
{
    while (asked(s))
        go_chan_send(s.coefficient, add(get(a), get(b)));
    end(a);
    end(b);
}

static struct series sum(struct series a, struct series b)
{
    struct series s = make();
    go(sum_run, a, b, s);
    return s;
}

static void scale_run(struct rat c, struct series a, struct series s)
{
    while (asked(s))
        go_chan_send(s.coefficient, mul(c, get(a)));
    end(a);
}

static struct series scale(struct rat c, struct series a)
{
    struct series s = make();
    go(scale_run, c, a, s);
    return s;
}

static void shift_run(struct rat first, struct series a, struct series s)
{
    if (asked(s)) {
        go_chan_send(s.coefficient, first);
        while (asked(s))
            go_chan_send(s.coefficient, get(a));
    }
    end(a);
}

/* first + x a */
static struct series shift(struct rat first, struct series a)
{
    struct series s = make();
    go(shift_run, first, a, s);
    return s;
}

/* (a + x A)(b + x B) = ab + x (a B + b A + x A B) */
static struct series product(struct series a, struct series b);

static void product_run(struct series a, struct series b, struct series s)
{
    if (!asked(s)) {
        end(a);
        end(b);
        return;
    }
    struct rat a0 = get(a), b0 = get(b);
    go_chan_send(s.coefficient, mul(a0, b0));
    if (!asked(s)) {
        end(a);
        end(b);
        return;
    }
    struct series a1, a2, b1, b2;
    split(a, &a1, &a2);
    split(b, &b1, &b2);
    struct series rest =
        sum(sum(scale(a0, b1), scale(b0, a1)), shift((struct rat){0, 1}, product(a2, b2)));
    do
        go_chan_send(s.coefficient, get(rest));
    while (asked(s));
    end(rest);
}

static struct series product(struct series a, struct series b)
{
    struct series s = make();
    go(product_run, a, b, s);
    return s;
}

static void integral_run(struct rat c, struct series a, struct series s)
{
    if (asked(s))
        go_chan_send(s.coefficient, c);
    for (long n = 1; asked(s); n++)
        go_chan_send(s.coefficient, mul(rat(1, n), get(a)));
    end(a);
}

static struct series integral(struct rat c, struct series a)
{
    struct series s = make();
    go(integral_run, c, a, s);
    return s;
}

/* ---- series that are made of themselves: y = y0 + integral of f(y) ---- */

static void feed_run(struct series from, struct series to)
{
    while (asked(to))
        go_chan_send(to.coefficient, get(from));
    end(from);
}

static struct series copy(struct series y)
{
    return y;
}

static struct series square_plus_one(struct series y)
{
    struct series a, b;
    split(y, &a, &b);
    return sum(shift((struct rat){1, 1}, constant((struct rat){0, 1})), product(a, b));
}

static struct series solve(struct rat y0, struct series (*f)(struct series))
{
    struct series loop = make(), out, back;
    split(integral(y0, f(loop)), &out, &back);
    go(feed_run, back, loop);
    return out;
}

/* 1/a = (1/a0)(1 - x A (1/a)) */
static struct series reciprocal(struct series a)
{
    struct series loop = make(), out, back;
    struct rat one_over = get(a);
    one_over = rat(one_over.den, one_over.num);
    struct series rest = product(a, loop); /* a has lost its first coefficient: it is A */
    split(shift(one_over, scale(mul(rat(-1, 1), one_over), rest)), &out, &back);
    go(feed_run, back, loop);
    return out;
}

static void print(const char *name, struct series s)
{
    printf("%s:", name);
    for (int i = 0; i < 8; i++) {
        struct rat c = get(s);
        if (c.den == 1)
            printf(" %ld", c.num);
        else
            printf(" %ld/%ld", c.num, c.den);
    }
    putchar('\n');
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    const struct rat zero = {0, 1}, one = {1, 1}, minus = {-1, 1};
    struct series ones = constant(one);
    print("1/(1-x)", ones);
    end(ones);
    print("its square", product(constant(one), constant(one)));
    print("its integral", integral(zero, constant(one)));
    print("exp", solve(one, copy));
    struct series falling = make(), out, back;
    split(integral(one, scale(minus, falling)), &out, &back);
    go(feed_run, back, falling);
    print("exp * exp(-x)", product(solve(one, copy), out));
    print("tan", solve(zero, square_plus_one));
    print("1/exp", reciprocal(solve(one, copy)));
    return 0;
}
