/* Elements of every kind and size pass unchanged: what fits a word and what does not, converted to
 * the channel's type as an assignment would. */
// stdout: ok
#include "expect.h"

#include <complex.h>

typedef struct none {
} none;
typedef struct three {
    char at[3];
} three;
typedef struct eight {
    int low, high;
} eight;
typedef struct nine {
    char at[9];
} nine;
typedef union either {
    char *text;
    double number;
} either;
enum colour { RED, GREEN };

/* Sends value through a channel of T, and the same where there is no room or no need to wait. */
#define PASSES(T, value, is)                               \
    do {                                                   \
        go_chan(T) c = go_chan_make(T, 2);                 \
        go_chan_send(c, value);                            \
        EXPECT(go_chan_try_send(c, value));                \
        EXPECT(!go_chan_try_send(c, value));               \
        __typeof__(go_chan_recv(c)) got = go_chan_recv(c); \
        EXPECT(is);                                        \
        memset(&got, 0x55, sizeof got);                    \
        EXPECT(go_chan_recv_ok(c, &got) && (is));          \
        go_chan_free(c);                                   \
    } while (0)

static void numbers(void)
{
    volatile int big = 70000;
    PASSES(bool, big, got == true);
    PASSES(char, -1, got == (char)-1);
    PASSES(short, (short)big, got == (short)70000);
    PASSES(unsigned, -1, got == 4294967295u);
    PASSES(long, big, got == 70000);
    PASSES(enum colour, GREEN, got == GREEN);
    PASSES(float, big, got == 70000.0f);
    PASSES(double, 1.0 / 3, got == 1.0 / 3);
    PASSES(long double, 1.0L / 3, got == 1.0L / 3);
    PASSES(float complex, 1.0f + 2.0f * I, crealf(got) == 1 && cimagf(got) == 2);
    PASSES(unsigned __int128, (unsigned __int128)1 << 100, got == (unsigned __int128)1 << 100);
}

static void nothing(void)
{
}

static void pointers(void)
{
    int numbers[3] = {1, 2, 3};
    go_chan(int) inner = go_chan_make(int, 1);
    PASSES(const char *, "text", strcmp(got, "text") == 0);
    PASSES(int *, numbers, got[2] == 3);
    PASSES(int(*)[3], &numbers, (*got)[2] == 3);
    PASSES(void (*)(void), nothing, got == nothing);
    PASSES(go_chan(int), inner, got == inner);
    PASSES(void *, NULL, got == NULL);
    go_chan_free(inner);
}

static void structures(void)
{
    PASSES(none, (none){}, true);
    PASSES(three, ((three){{1, 2, 3}}), got.at[0] == 1 && got.at[2] == 3);
    PASSES(eight, ((eight){1, 2}), got.low == 1 && got.high == 2);
    PASSES(nine, ((nine){"12345678"}), strcmp(got.at, "12345678") == 0);
    PASSES(either, (either){.number = 0.5}, got.number == 0.5);
}

/* One use inside another: the operands are evaluated once. */
static void nested(void)
{
    go_chan(go_chan(int)) of = go_chan_make(go_chan(int), 1);
    go_chan(int) c = go_chan_make(int, 1);
    go_chan_send(of, c);
    go_chan_send(go_chan_recv(of), 7);
    go_chan_send(of, c);
    go_chan_send(c, go_chan_recv(go_chan_recv(of)) + 1);
    EXPECT(go_chan_len(of) == 0 && go_chan_recv(c) == 8);
    go_chan_free(of);
    go_chan_free(c);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    numbers();
    pointers();
    structures();
    nested();
    puts("ok");
    return 0;
}
